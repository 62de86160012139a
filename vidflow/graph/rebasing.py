"""Paths of inputs, written anew for a document that moves to another folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vidflow.graph.document import Graph, Node
from vidflow.graph.edits import Batch, Edit, SetInput
from vidflow.graph.kinds import Kinds, Slot
from vidflow.graph.paths import RESOURCES


def rebased(graph: Graph, kinds: Kinds, old: Path, new: Path) -> Batch:
    """The edits after which every input means the same file though the document lies in `new` and no longer in `old`:
    relative where the file lies below `new`, else absolute. A model that is no folder here keeps its name."""
    edits: list[Edit] = list(_in_scope(graph.nodes, None, kinds, old, new))
    for name, part in graph.graphs.items():
        edits.extend(_in_scope(part.nodes, name, kinds, old, new))
    return Batch(tuple(edits))


def _in_scope(nodes: Mapping[str, Node], scope: str | None, kinds: Kinds, old: Path, new: Path) -> Iterator[Edit]:
    for id, node in nodes.items():
        kind = kinds.get(node.type)
        for slot in kind.roles if kind is not None else ():
            value = node.inputs.get(slot.name)
            if isinstance(value, str) and value:
                text = _moved(value, slot, old, new)
                if text != value:
                    yield SetInput(id, slot.name, text, scope)


def _moved(text: str, slot: Slot, old: Path, new: Path) -> str:
    if slot.role == "output" or text.startswith((RESOURCES, "~")) or text in slot.own:
        return text
    path = Path(os.path.normpath(old.absolute() / text))
    if slot.role == "weights" and not path.exists():
        return text
    if not path.is_relative_to(new.absolute()):
        return path.as_posix()
    below = path.relative_to(new.absolute()).as_posix()
    return f"./{below}" if below in slot.own else below
