"""The ports of a subgraph: what its instances take and give, as edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vidflow.graph.document import Graph, Link, Subgraph
from vidflow.graph.edits import Edit, SetSubgraph


def with_input(graph: Graph, name: str, node: str, input: str) -> Edit:
    """The subgraph `name` gets a port that feeds this input of its node."""
    part = graph.graphs[name]
    port = _free(input, part.inputs)
    return SetSubgraph(name, replace(part, inputs={**part.inputs, port: (f"{node}.{input}",)}))


def with_output(graph: Graph, name: str, link: Link) -> Edit:
    """The subgraph `name` gets a port that gives what this output of its node gives."""
    part = graph.graphs[name]
    port = _free(link.output or link.node, part.outputs)
    return SetSubgraph(name, replace(part, outputs={**part.outputs, port: link}))


def without_input(graph: Graph, name: str, node: str, input: str) -> Edit:
    """No port feeds this input any more; a port that feeds nothing else goes."""
    part = graph.graphs[name]
    kept = {port: tuple(one for one in targets if one != f"{node}.{input}") for port, targets in part.inputs.items()}
    inputs = {port: targets for port, targets in kept.items() if targets or not part.inputs[port]}
    return SetSubgraph(name, replace(part, inputs=inputs))


def without_output(graph: Graph, name: str, port: str) -> Edit:
    """The subgraph `name` no longer gives `port`."""
    part = graph.graphs[name]
    return SetSubgraph(name, replace(part, outputs={one: link for one, link in part.outputs.items() if one != port}))


def ports_of(part: Subgraph) -> tuple[dict[str, dict[str, str]], dict[str, dict[str | None, str]]]:
    """For each node of a subgraph: which port feeds which of its inputs, and which port gives which of its outputs."""
    takes: dict[str, dict[str, str]] = {}
    for port, targets in part.inputs.items():
        for target in targets:
            node, _, input = target.partition(".")
            takes.setdefault(node, {})[input] = port
    gives: dict[str, dict[str | None, str]] = {}
    for port, link in part.outputs.items():
        gives.setdefault(link.node, {})[link.output] = port
    return takes, gives


def _free(base: str, taken: Iterable[str]) -> str:
    names, name, count = set(taken), base, 2
    while name in names:
        name, count = f"{base}_{count}", count + 1
    return name
