"""What is known of nodes from runs, and whether it still holds: marks tell a node that has been edited since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vidflow.graph import Graph, Link
from vidflow.graph.document import links_in
from vidflow.graph.expand import expand
from vidflow.graph.order import topological

State = Literal["idle", "waiting", "running", "done", "kept", "failed", "stale"]


@dataclass(slots=True)
class NodeState:
    """What is known of a node: `stale` says that it has been edited since it ran, or something before it has."""

    kind: State = "idle"
    step: int = 0
    total: int = 0
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    mark: int = 0
    """Of the node and all before it, when it ran."""


@dataclass(frozen=True, slots=True)
class Marks:
    """`of` has a number for each flat id that differs where the node, or something before it, differs; `shows` the node
    inside a subgraph whose first output is what its instance gives."""

    of: Mapping[str, int] = field(default_factory=dict)
    shows: Mapping[str, str] = field(default_factory=dict)


def marks(graph: Graph) -> Marks:
    """The marks of a document. Takes a while for a large one."""
    expanded = expand(graph)
    if expanded.too_large:
        return Marks()
    needs: dict[str, list[str]] = {}
    for id, node in expanded.nodes.items():
        links = [one for value in node.inputs.values() for one in links_in(value)]
        needs[id] = [link.node for link in links if link.node in expanded.nodes]
    order, _ = topological(needs)
    found: dict[str, int] = {}
    inside: dict[str, list[int]] = {id: [] for id in expanded.instances}
    for id in order:
        node = expanded.nodes[id]
        inputs = tuple((name, str(value)) for name, value in sorted(node.inputs.items()))
        mark = found[id] = hash((node.type, node.off, inputs, tuple(found.get(other, 0) for other in needs[id])))
        for instance in around(id):
            if instance in inside:
                inside[instance].append(mark)
    found.update({id: hash(tuple(inner)) for id, inner in inside.items()})
    shows: dict[str, str] = {}
    for id in expanded.instances:
        source = expanded.source(Link(id))
        if source is not None:
            shows[id] = source.node
    return Marks(found, shows)


def around(flat: str) -> Iterable[str]:
    """The instances that a node stands in, the innermost first."""
    while "/" in flat:
        flat = flat.rpartition("/")[0]
        yield flat


def together(inner: Iterable[NodeState]) -> NodeState:
    """What is known of a subgraph, from what is known of the nodes in it."""
    states = list(inner)
    kinds = {state.kind for state in states}
    seconds = sum(state.seconds for state in states)
    if "failed" in kinds:
        message = next(state.message for state in states if state.kind == "failed")
        return NodeState("failed", seconds=seconds, message=message)
    if kinds & {"running", "waiting"}:
        ended = sum(state.kind in ("done", "kept") for state in states)
        kind: State = "waiting" if kinds == {"waiting"} else "running"
        return NodeState(kind, ended, len(states), seconds)
    for kind in ("stale", "done", "kept"):
        if kind in kinds:
            return NodeState(kind, seconds=seconds)
    return NodeState()
