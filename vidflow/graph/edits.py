"""Edits of a document: what an editor does to a graph, each with its inverse.

`apply` makes a new document that shares all but what changed with the old one: it copies the dict of ids of the scope
it edits and compares the two (0.4 ms for 1000 nodes), never the nodes. The inverse is a `Patch`, exact to the byte
even where the graph has faults, such as links to nodes that are not there. A scope is the document, or the subgraph
that `graph` names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.document import ID, SUBGRAPH, Graph, Input, Link, Node, Subgraph
from vidflow.graph.patches import Patch, difference, same
from vidflow.graph.shape import view_problems
from vidflow.graph.wording import shown

_T = TypeVar("_T")


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Nothing stands there: an input then has its default. (None is a value, an empty setting.)"""


@dataclass(frozen=True, slots=True)
class AddNode:
    """A new node, with its layout, last or at the position `at`."""

    id: str
    node: Node
    view: Mapping[str, Any] | None = field(default=None, hash=False)
    at: int | None = None
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """A node goes, and with it its layout, the links from it, and what the ports of its subgraph say of it."""

    id: str
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class RenameId:
    """A node gets another id; links, ports and layout follow."""

    old: str
    new: str
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class SetInput:
    """What stands at an input: a literal, a link, a list of them, or `UNSET`. This connects and disconnects too."""

    node: str
    input: str
    value: Input | Unset
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class SetOff:
    """A node is turned off or on."""

    node: str
    off: bool
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class MoveNodes:
    """Nodes get new positions in the layout."""

    to: Mapping[str, tuple[float, float]] = field(hash=False)
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class SetView:
    """Anything else in the layout: the value under the keys `path`, or `UNSET`."""

    path: tuple[str, ...]
    value: Any = field(hash=False)
    graph: str | None = None


@dataclass(frozen=True, slots=True)
class AddSubgraph:
    """A new definition, to be used as `graph:NAME`."""

    name: str
    subgraph: Subgraph


@dataclass(frozen=True, slots=True)
class RemoveSubgraph:
    """A definition goes; its instances stay, and check names them."""

    name: str


@dataclass(frozen=True, slots=True)
class SetSubgraph:
    """Another definition under the same name; its ports, for instance."""

    name: str
    subgraph: Subgraph


@dataclass(frozen=True, slots=True)
class RenameSubgraph:
    """A definition gets another name; its instances follow."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Several edits as one: all of them or none."""

    edits: tuple[Edit, ...]


Edit: TypeAlias = (
    AddNode
    | RemoveNode
    | RenameId
    | SetInput
    | SetOff
    | MoveNodes
    | SetView
    | AddSubgraph
    | RemoveSubgraph
    | SetSubgraph
    | RenameSubgraph
    | Batch
    | Patch
)


def scoped(graph: Graph, name: str | None) -> Graph | Subgraph:
    """The scope that edits call `graph`: the document for None, else the subgraph. Raises GraphError without one."""
    return graph if name is None else _there(graph.graphs, name, "subgraph")


def apply(graph: Graph, edit: Edit) -> tuple[Graph, Patch]:
    """The edited document, and the patch that undoes the edit.

    Raises GraphError where the edit is impossible: an id that is taken, no id, or not there.
    """
    after = edited(graph, edit)
    return after, difference(after, graph)


def edited(graph: Graph, edit: Edit) -> Graph:
    """The edited document; `graph` itself where the edit changes nothing. Raises GraphError as `apply` does."""
    # A Batch may hold others, to any depth.
    waiting: list[Edit] = [edit]
    while waiting:
        edit = waiting.pop()
        if isinstance(edit, Batch):
            waiting.extend(reversed(edit.edits))
        elif isinstance(edit, Patch):
            graph = edit.on(graph)
        elif isinstance(edit, AddSubgraph | RemoveSubgraph | SetSubgraph | RenameSubgraph):
            graph = _on_definitions(graph, edit)
        elif edit.graph is None:
            graph = cast("Graph", _in_scope(graph, edit))
        else:
            definition = scoped(graph, edit.graph)
            changed = cast("Subgraph", _in_scope(definition, edit))
            if changed is not definition:
                graph = replace(graph, graphs={**graph.graphs, edit.graph: changed})
    return graph


def _in_scope(
    scope: Graph | Subgraph, edit: AddNode | RemoveNode | RenameId | SetInput | SetOff | MoveNodes | SetView
) -> Graph | Subgraph:
    match edit:
        case AddNode():
            _free(scope.nodes, edit.id, "node")
            scope = replace(scope, nodes=_inserted(scope.nodes, edit.id, edit.node, edit.at))
            return scope if edit.view is None else _with_view(scope, ("nodes", edit.id), dict(edit.view))
        case RemoveNode():
            return _removed(scope, edit.id)
        case RenameId():
            return _renamed(scope, edit.old, edit.new)
        case SetInput():
            node = _there(scope.nodes, edit.node, "node")
            inputs = dict(node.inputs)
            if edit.value is UNSET:
                inputs.pop(edit.input, None)
            else:
                inputs[edit.input] = edit.value
            if same(inputs, dict(node.inputs)):
                return scope
            return replace(scope, nodes={**scope.nodes, edit.node: replace(node, inputs=inputs)})
        case SetOff():
            node = _there(scope.nodes, edit.node, "node")
            if node.off == edit.off:
                return scope
            return replace(scope, nodes={**scope.nodes, edit.node: replace(node, off=edit.off)})
        case MoveNodes():
            for id, (x, y) in edit.to.items():
                _there(scope.nodes, id, "node")
                scope = _with_view(scope, ("nodes", id, "at"), (x, y))
            return scope
        case SetView():
            return _with_view(scope, edit.path, edit.value)


def _on_definitions(graph: Graph, edit: AddSubgraph | RemoveSubgraph | SetSubgraph | RenameSubgraph) -> Graph:
    match edit:
        case AddSubgraph():
            _free(graph.graphs, edit.name, "subgraph")
            return replace(graph, graphs={**graph.graphs, edit.name: edit.subgraph})
        case RemoveSubgraph():
            _there(graph.graphs, edit.name, "subgraph")
            return replace(graph, graphs={name: part for name, part in graph.graphs.items() if name != edit.name})
        case SetSubgraph():
            if _there(graph.graphs, edit.name, "subgraph") is edit.subgraph:
                return graph
            return replace(graph, graphs={**graph.graphs, edit.name: edit.subgraph})
        case RenameSubgraph():
            _there(graph.graphs, edit.old, "subgraph")
            if edit.old == edit.new:
                return graph
            _free(graph.graphs, edit.new, "subgraph")
            old, new = SUBGRAPH + edit.old, SUBGRAPH + edit.new

            def follow(nodes: Mapping[str, Node]) -> Mapping[str, Node]:
                if not any(node.type == old for node in nodes.values()):
                    return nodes
                return {id: replace(node, type=new) if node.type == old else node for id, node in nodes.items()}

            definitions: dict[str, Subgraph] = {}
            for name, part in graph.graphs.items():
                nodes = follow(part.nodes)
                kept = part if nodes is part.nodes else replace(part, nodes=nodes)
                definitions[edit.new if name == edit.old else name] = kept
            return replace(graph, nodes=follow(graph.nodes), graphs=definitions)


def _removed(scope: Graph | Subgraph, id: str) -> Graph | Subgraph:
    _there(scope.nodes, id, "node")
    nodes: dict[str, Node] = {}
    for name, node in scope.nodes.items():
        if name != id:
            nodes[name] = _relinked(node, id, None)
    scope = replace(scope, nodes=nodes)
    if isinstance(scope, Subgraph):
        start = id + "."
        inputs = {
            port: tuple([target for target in targets if not target.startswith(start)])
            for port, targets in scope.inputs.items()
        }
        outputs = {port: link for port, link in scope.outputs.items() if link.node != id}
        scope = replace(scope, inputs=inputs, outputs=outputs)
    return _with_view(scope, ("nodes", id), UNSET)


def _renamed(scope: Graph | Subgraph, old: str, new: str) -> Graph | Subgraph:
    _there(scope.nodes, old, "node")
    if old == new:
        return scope
    _free(scope.nodes, new, "node")
    scope = replace(
        scope, nodes={new if id == old else id: _relinked(node, old, new) for id, node in scope.nodes.items()}
    )
    if isinstance(scope, Subgraph):
        start = old + "."
        inputs = {
            port: tuple([new + target[len(old) :] if target.startswith(start) else target for target in targets])
            for port, targets in scope.inputs.items()
        }
        outputs = {port: replace(link, node=new) if link.node == old else link for port, link in scope.outputs.items()}
        scope = replace(scope, inputs=inputs, outputs=outputs)
    entries = scope.view.get("nodes")
    if isinstance(entries, Mapping) and old in entries:
        layout = cast("Mapping[str, Any]", entries)
        moved = {new if id == old else id: entry for id, entry in layout.items() if id != new}
        scope = replace(scope, view={**scope.view, "nodes": moved})
    return scope


def _relinked(node: Node, old: str, new: str | None) -> Node:
    """The node with its links from `old` going out from `new`, or gone where that is None."""
    inputs: dict[str, Input] = {}
    changed = False
    for name, value in node.inputs.items():
        if value.__class__ is Link:
            link = cast("Link", value)
            if link.node == old:
                changed = True
                if new is not None:
                    inputs[name] = replace(link, node=new)
                continue
        elif value.__class__ is tuple:
            items = cast("tuple[Any, ...]", value)
            if any(item.__class__ is Link and item.node == old for item in items):
                changed = True
                swapped = [
                    replace(item, node=new) if item.__class__ is Link and item.node == old else item
                    for item in items
                    if new is not None or item.__class__ is not Link or item.node != old
                ]
                if swapped:
                    inputs[name] = tuple(swapped)
                continue
        inputs[name] = value
    return replace(node, inputs=inputs) if changed else node


def _with_view(scope: Graph | Subgraph, path: Sequence[str], value: Any) -> Graph | Subgraph:
    """The scope with `value` in its layout under the keys `path`, or with nothing there for `UNSET`."""
    if not path:
        raise GraphError(Problem("bad-edit", "A place in the layout has at least one key."))
    levels: list[dict[str, Any]] = []
    inner: Any = scope.view
    for key in path:
        levels.append(dict(cast("Mapping[str, Any]", inner)) if isinstance(inner, Mapping) else {})
        inner = levels[-1].get(key, UNSET)
    if same(inner, value):
        return scope
    problems = view_problems(path, value) if value is not UNSET else ()
    if problems:
        raise GraphError(problems)
    for level, key in zip(reversed(levels), reversed(path), strict=True):
        if value is UNSET:
            level.pop(key, None)
        else:
            level[key] = value
        # Where taking a node's last entry empties its object, the object goes as well.
        value = level if level or value is not UNSET else UNSET
    return replace(scope, view={} if value is UNSET else value)


def _inserted(items: Mapping[str, _T], key: str, value: _T, at: int | None) -> dict[str, _T]:
    if at is None or at >= len(items):
        return {**items, key: value}
    pairs = list(items.items())
    pairs.insert(max(0, at), (key, value))
    return dict(pairs)


def _there(items: Mapping[str, _T], name: str, what: str) -> _T:
    if name not in items:
        raise GraphError(Problem(f"unknown-{what}", f"There is no {what} {shown(name)}."))
    return items[name]


def _free(items: Mapping[str, object], name: str, what: str) -> None:
    if name in items:
        raise GraphError(
            Problem("name-taken", f"There is a {what} {shown(name)} already.", hint="Choose another name.")
        )
    if not ID.fullmatch(name):
        hint = "A name begins with a letter or _ and goes on with letters, digits, _ and -."
        raise GraphError(Problem("bad-id", f"{shown(name)} cannot be the name of a {what}.", hint=hint))
