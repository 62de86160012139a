"""Nodes as text and back: what copy puts on the clipboard is a graph file, and any graph file can be pasted."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.document import ID, SUBGRAPH, Graph, Input, Link, Node, Subgraph
from vidflow.graph.edits import AddNode, AddSubgraph, Batch, Edit, scoped
from vidflow.graph.files import dump, parse
from vidflow.graph.order import cycles, topological
from vidflow.graph.output_names import with_ids
from vidflow.graph.patches import same
from vidflow.graph.wording import cut, shown

GRID = 8
"""What positions are rounded to."""

_NUMBERED = re.compile(r"(.+?)_\d+")
_ROOM = 160
"""How far below each other nodes without a position are put."""
_ASIDE = 32
"""How far a copy is moved aside that would lie on a node."""


def copied(graph: Graph, scope: str | None, ids: Sequence[str]) -> str:
    """The text of a graph file of these nodes, in the order of the document: the links among them, their layout, and
    the subgraphs that they use. Raises GraphError for an id that is not there."""
    part = scoped(graph, scope)
    wanted = set(ids)
    for id in ids:
        if id not in part.nodes:
            raise GraphError(Problem("unknown-node", f"There is no node {shown(id)}."))

    def inner(link: Link) -> Link | None:
        return link if link.node in wanted else None

    nodes = {id: relinked(node, inner) for id, node in part.nodes.items() if id in wanted}
    used = _used(nodes, graph.graphs)
    entries = layout(part)
    view = {"nodes": {id: entries[id] for id in nodes if id in entries}} if wanted & entries.keys() else {}
    return dump(Graph(nodes, {name: each for name, each in graph.graphs.items() if name in used}, view))


def pasted(
    graph: Graph, scope: str | None, text: str, at: tuple[float, float] | None = None
) -> tuple[Edit, tuple[str, ...]]:
    """The edit that puts the nodes of the graph file `text` into a scope, and their ids there; one that is taken gets
    a number.

    A subgraph that the document has under the same name and with the same content is shared, another one gets
    another name. The nodes' top left corner comes to `at`, rounded to the grid; without it they stay where they were,
    moved aside where they would lie on others. Raises GraphError for text that is no graph with nodes, and where a
    subgraph would contain itself.
    """
    part = scoped(graph, scope)
    try:
        given = parse(text)
    except GraphError as error:
        why = cut(f"This text cannot be pasted as nodes: {error.problems[0].message}")
        raise GraphError(Problem("no-graph", why, hint="Copy nodes, or the text of a graph file.")) from error
    if not given.nodes:
        raise GraphError(Problem("no-graph", "This text holds no nodes to paste.", hint="Copy nodes first."))
    names, definitions = _merged(graph, given)
    taken = dict.fromkeys(part.nodes)
    ids = {id: id for id in given.nodes if id not in taken}
    taken.update(dict.fromkeys(ids))
    for id in given.nodes:
        if id not in ids:
            ids[id] = new_id(taken, id)
            taken[ids[id]] = None

    def followed(link: Link) -> Link | None:
        return replace(link, node=ids[link.node]) if link.node in ids else None

    nodes = {ids[id]: relinked(retyped(node, names), followed, ids) for id, node in given.nodes.items()}
    if scope is not None and scope in _used(nodes, {**graph.graphs, **definitions}):
        raise GraphError(
            Problem("recursive-graph", f"The subgraph {shown(scope)} cannot contain itself.", hint="Paste elsewhere.")
        )
    views = _moved(layout(part), layout(given), ids, at)
    edits: list[Edit] = [AddSubgraph(name, each) for name, each in definitions.items()]
    edits.extend(AddNode(id, node, views.get(id), graph=scope) for id, node in nodes.items())
    return Batch(tuple(edits)), tuple(nodes)


def new_id(taken: Container[str], base: str) -> str:
    """A readable id that is not taken, after a node type (`blur`, `lab.glow`, `graph:look`) or another id: `blur`,
    then `blur_2`."""
    name = base.removeprefix(SUBGRAPH).rpartition(".")[2]
    if not ID.fullmatch(name):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "node"
        name = name if ID.fullmatch(name) else f"_{name}"
    return next(each for each in numbered(name) if each not in taken)


def numbered(name: str) -> Iterator[str]:
    """The name itself, then with numbers from 2 on in the place of its own."""
    yield name
    ending = _NUMBERED.fullmatch(name)
    stem = ending[1] if ending else name
    for number in count(2):
        yield f"{stem}_{number}"


def relinked(node: Node, to: Callable[[Link], Link | None], ids: Mapping[str, str] | None = None) -> Node:
    """The node with each link as `to` gives it, without those that are None; and with the nodes that the names of its
    outputs hold called as `ids` says."""
    inputs: dict[str, Input] = {}
    for name, value in node.inputs.items():
        if isinstance(value, Link):
            link = to(value)
            if link is not None:
                inputs[name] = link
        elif isinstance(value, tuple):
            items = tuple([item for item in [_item(each, to, ids) for each in value] if item is not _GONE])
            if items or not value:
                inputs[name] = items
        else:
            inputs[name] = _item(value, to, ids)
    return node if same(inputs, dict(node.inputs)) else replace(node, inputs=inputs)


def retyped(node: Node, names: Mapping[str, str]) -> Node:
    """The node as an instance of the subgraph that `names` gives for its own."""
    if not node.type.startswith(SUBGRAPH):
        return node
    name = node.type[len(SUBGRAPH) :]
    return node if names.get(name, name) == name else replace(node, type=SUBGRAPH + names[name])


def layout(part: Graph | Subgraph) -> Mapping[str, Mapping[str, Any]]:
    """The layout of each node of a scope that has one."""
    return cast("Mapping[str, Mapping[str, Any]]", part.view.get("nodes", {}))


def position(entry: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """The position in the layout of a node."""
    if entry is None or "at" not in entry:
        return None
    x, y = entry["at"]
    return x, y


def on_grid(value: float) -> int:
    """The nearest place on the grid."""
    return round(value / GRID) * GRID


def shifted(entry: Mapping[str, Any], x: float, y: float) -> dict[str, Any]:
    """The layout of something that is moved by `x` and `y`; without a position as it is."""
    at = position(entry)
    return dict(entry) if at is None else {**entry, "at": (_short(at[0] + x), _short(at[1] + y))}


_GONE = object()


def _item(value: Any, to: Callable[[Link], Link | None], ids: Mapping[str, str] | None) -> Any:
    if isinstance(value, Link):
        link = to(value)
        return _GONE if link is None else link
    return with_ids(value, ids) if ids and isinstance(value, str) else value


def _short(value: float) -> float:
    """A whole number without a decimal point, as a person would write it."""
    return int(value) if float(value).is_integer() else value


def _holds(nodes: Mapping[str, Node]) -> Iterator[str]:
    """The names of the subgraphs that nodes are instances of."""
    return (node.type[len(SUBGRAPH) :] for node in nodes.values() if node.type.startswith(SUBGRAPH))


def _used(nodes: Mapping[str, Node], graphs: Mapping[str, Subgraph]) -> set[str]:
    """The names of the subgraphs that nodes use, themselves or through others."""
    found: set[str] = set()
    waiting = list(_holds(nodes))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_holds(graphs[name].nodes) if name in graphs else ())
    return found


def _merged(graph: Graph, given: Graph) -> tuple[dict[str, str], dict[str, Subgraph]]:
    """What the subgraphs of a pasted graph are called in the document, and those that are to be added."""
    used = _used(given.nodes, given.graphs)
    parts = {name: part for name, part in given.graphs.items() if name in used}
    needs = {name: [other for other in _holds(part.nodes) if other in parts] for name, part in parts.items()}
    order, circular = topological(needs)
    if circular:
        name = cycles({name: needs[name] for name in circular})[0][0]
        raise GraphError(Problem("recursive-graph", f"The subgraph {shown(name)} in this text contains itself."))
    names: dict[str, str] = {}
    added: dict[str, Subgraph] = {}
    for name in order:
        part = parts[name]
        part = replace(part, nodes={id: retyped(node, names) for id, node in part.nodes.items()})
        taken = {**graph.graphs, **added}
        free = next(each for each in numbered(name) if each not in taken or _alike(taken[each], part))
        names[name] = free
        if free not in taken:
            added[free] = part
    return names, added


def _alike(one: Subgraph, other: Subgraph) -> bool:
    """Whether two definitions say the same, wherever their nodes lie."""
    return all(same(getattr(one, name), getattr(other, name)) for name in ("nodes", "inputs", "outputs", "extra"))


def _moved(
    there: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Mapping[str, Any]],
    ids: Mapping[str, str],
    at: tuple[float, float] | None,
) -> dict[str, Mapping[str, Any]]:
    """The layout of pasted nodes, by their new ids."""
    entries = {new: dict(given.get(old, {})) for old, new in ids.items()}
    places = {id: place for id, entry in entries.items() if (place := position(entry)) is not None}
    left = min((x for x, _ in places.values()), default=0)
    top = min((y for _, y in places.values()), default=0)
    if at is not None:
        below = max((y + _ROOM for _, y in places.values()), default=top)
        for id, entry in entries.items():
            if id not in places:
                entry["at"] = (left, below)
                below += _ROOM
        dx, dy = on_grid(at[0]) - left, on_grid(at[1]) - top
    else:
        taken = {place for entry in there.values() if (place := position(entry)) is not None}
        dx = dy = 0
        while any((x + dx, y + dy) in taken for x, y in places.values()):
            dx, dy = dx + _ASIDE, dy + _ASIDE
    return {id: shifted(entry, dx, dy) for id, entry in entries.items() if entry}
