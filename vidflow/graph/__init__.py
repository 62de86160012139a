"""The document: nodes, links and subgraphs; edits of them; graph files; and the checks before a run.

Importing this loads no library for pictures, models or windows.
"""

from vidflow.graph.advice import advice
from vidflow.graph.arranging import Wire, aligned, arranged
from vidflow.graph.check import Checked, CheckedNode, check
from vidflow.graph.clipboard import copied, new_id, pasted
from vidflow.graph.connecting import Wiring, connected, disconnected, fitting, inserted, refusal, removed
from vidflow.graph.document import VERSION, Graph, Input, Link, Node, Plain, Subgraph
from vidflow.graph.edits import (
    UNSET,
    AddNode,
    AddSubgraph,
    Batch,
    Edit,
    MoveNodes,
    RemoveNode,
    RemoveSubgraph,
    RenameId,
    RenameSubgraph,
    SetInput,
    SetOff,
    SetSubgraph,
    SetView,
    apply,
)
from vidflow.graph.expand import Types, interface
from vidflow.graph.files import dump, from_mapping, load, parse, save, to_mapping
from vidflow.graph.grouping import definition_name, grouped, ungrouped
from vidflow.graph.history import History
from vidflow.graph.literals import read_value
from vidflow.graph.patches import Patch, difference
from vidflow.graph.paths import Paths, files_of

__all__ = [
    "UNSET",
    "VERSION",
    "AddNode",
    "AddSubgraph",
    "Batch",
    "Checked",
    "CheckedNode",
    "Edit",
    "Graph",
    "History",
    "Input",
    "Link",
    "MoveNodes",
    "Node",
    "Patch",
    "Paths",
    "Plain",
    "RemoveNode",
    "RemoveSubgraph",
    "RenameId",
    "RenameSubgraph",
    "SetInput",
    "SetOff",
    "SetSubgraph",
    "SetView",
    "Subgraph",
    "Types",
    "Wire",
    "Wiring",
    "advice",
    "aligned",
    "apply",
    "arranged",
    "check",
    "connected",
    "copied",
    "definition_name",
    "difference",
    "disconnected",
    "dump",
    "files_of",
    "fitting",
    "from_mapping",
    "grouped",
    "inserted",
    "interface",
    "load",
    "new_id",
    "parse",
    "pasted",
    "read_value",
    "refusal",
    "removed",
    "save",
    "to_mapping",
    "ungrouped",
]
