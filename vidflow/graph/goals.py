"""What a run is for: every sink and every node that nothing reads, or the nodes that were named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from vidflow.errors import Problem
from vidflow.graph.bypass import Bypass
from vidflow.graph.document import Link, Node
from vidflow.graph.expand import LOST, Expanded
from vidflow.graph.kinds import Kinds
from vidflow.graph.wording import Guesses, cut, shown

MAX_PROBLEMS = 1000
"""How many problems of one graph are named."""


def sources(node: Node) -> list[str]:
    """The ids that the links of a node go out from."""
    found: list[str] = []
    for value in node.inputs.values():
        if value.__class__ is Link:
            found.append(cast("Link", value).node)
        elif value.__class__ is tuple:
            found.extend([item.node for item in cast("tuple[Any, ...]", value) if item.__class__ is Link])
    return found


def reach(goals: Sequence[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    """The goals and all that they need."""
    found = set(goals)
    waiting = list(found)
    while waiting:
        for other in needs.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def relevant(
    problems: Sequence[Problem],
    needed: set[str],
    only: Sequence[str],
    everything: Mapping[str, Node],
    on: Mapping[str, Node],
    expanded: Expanded,
) -> tuple[Problem, ...]:
    """The problems of the nodes that are `needed` and of what they read, in the order of the file. `everything` holds
    the nodes with those that are off, `on` those without."""
    reads = reach(list(needed), {id: sources(node) for id, node in everything.items()})
    outer = {id[:end] for id in needed for end, letter in enumerate(id) if letter == "/"}

    def concerns(problem: Problem) -> bool:
        id = problem.node
        if id is None or id in needed or id in outer:
            return True
        if id in on:
            return False
        if id in everything:
            return id in reads
        return not only or id in only or id not in expanded.instances or LOST + id in reads

    kept = [problem for problem in problems if concerns(problem)]
    place = {id: index for index, id in enumerate(everything)}
    kept.sort(key=lambda problem: place.get(problem.node or "", -1))
    if len(kept) > MAX_PROBLEMS:
        kept[MAX_PROBLEMS:] = [Problem("more", f"{len(kept) - MAX_PROBLEMS} more problems are not listed.")]
    return tuple(kept)


def everything_wanted(nodes: Mapping[str, Node], kinds: Kinds, bypass: Bypass | None) -> list[str]:
    """Every sink and every node that nothing reads, of `nodes` with those that are off.

    What only a node that is off reads is not run for its own sake: who turns a node off expects less to run. In the
    place of a last node that is off stands what it passes on, unless it is a sink.
    """
    read: set[str] = set()
    for node in nodes.values():
        read.update(sources(node))
    wanted: dict[str, None] = {}
    for id, node in nodes.items():
        if id in read and not _is_sink(node, kinds):
            continue
        if not node.off:
            wanted[id] = None
        elif bypass is not None and not _is_sink(node, kinds) and kinds.get(node.type) is not None:
            stand_in = bypass.stands_for(id)
            if stand_in is not None:
                wanted[stand_in] = None
    return [id for id in nodes if id in wanted]


def named(
    only: Sequence[str],
    nodes: Mapping[str, Node],
    expanded: Expanded,
    kinds: Kinds,
    bypass: Bypass | None,
    guesses: Guesses,
) -> tuple[list[str], list[Problem]]:
    """The nodes that `only` names, a subgraph's standing for its outputs and sinks, in the order of the file; and a
    problem for each name that names nothing that could run."""
    found: dict[str, None] = {}
    problems: list[Problem] = []
    for id in only:
        node = nodes.get(id)
        if node is not None and not node.off:
            found[id] = None
        elif node is not None:
            stand_in = bypass.stands_for(id) if bypass is not None else None
            if stand_in is not None:
                found[stand_in] = None
            else:
                message = f"The node {shown(id)} is off and passes nothing on."
                problems.append(Problem("off", cut(message), hint="Turn it on, or name another."))
        elif id in expanded.instances:
            found.update(dict.fromkeys(_of_instance(id, nodes, expanded, kinds, bypass)))
        else:
            hint = guesses.near(id, [*nodes, *expanded.instances])
            problems.append(Problem("unknown-node", cut(f"There is no node {shown(id)} to run."), hint=hint))
    return [id for id in nodes if id in found], problems


def _of_instance(
    id: str, nodes: Mapping[str, Node], expanded: Expanded, kinds: Kinds, bypass: Bypass | None
) -> list[str]:
    """The nodes that give the outputs of an instance, and the sinks in it."""
    definition = expanded.instances[id].definition
    found: list[str] = []
    for port in definition.outputs if definition is not None else ():
        link = expanded.source(Link(id, port))
        if link is None or link.node.startswith(LOST):
            continue
        node = nodes.get(link.node)
        stand_in = bypass.stands_for(link.node) if node is not None and node.off and bypass is not None else link.node
        if stand_in is not None:
            found.append(stand_in)
    inside = id + "/"
    found.extend(
        [inner for inner, node in nodes.items() if inner.startswith(inside) and not node.off and _is_sink(node, kinds)]
    )
    return found


def _is_sink(node: Node, kinds: Kinds) -> bool:
    kind = kinds.get(node.type)
    return kind is not None and kind.spec is not None and kind.spec.sink
