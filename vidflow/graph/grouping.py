"""Nodes made into a subgraph, and an instance expanded into its nodes again; what the graph computes stays the same.

A frame of the layout stands under `view` as `"frames": {NAME: {"at": [x, y], "size": [width, height], ...}}`; one that
holds only nodes that go into a subgraph goes with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.clipboard import layout, new_id, on_grid, position, relinked, shifted
from vidflow.graph.document import ID, SUBGRAPH, Graph, Input, Link, Node, Subgraph
from vidflow.graph.edits import (
    UNSET,
    AddNode,
    AddSubgraph,
    Batch,
    Edit,
    RemoveNode,
    RemoveSubgraph,
    RenameId,
    SetInput,
    SetSubgraph,
    SetView,
    edited,
    scoped,
)
from vidflow.graph.expand import Types
from vidflow.graph.goals import sources
from vidflow.graph.kinds import Kinds
from vidflow.graph.output_names import nodes_named
from vidflow.graph.patches import same
from vidflow.graph.wording import cut, shown


def definition_name(graph: Graph, base: str) -> str:
    """A free name for a subgraph after `base`, which may be any words."""
    return new_id(graph.graphs, base if re.search(r"[A-Za-z0-9]", base) else "group")


def grouped(graph: Graph, types: Types, scope: str | None, ids: Sequence[str], name: str) -> tuple[Edit, str]:
    """The edit that makes a subgraph of these nodes and puts one instance in their place; and the instance's id.

    Each link from outside gets a port called as the input it feeds, each link to the outside one called as the output;
    what nothing reads gets one as well. Raises GraphError where the nodes cannot be one: a path that leaves them and
    comes back, a list that is fed from inside and outside, a name of an output that could not be found any more.
    """
    part = scoped(graph, scope)
    return _Grouping(graph, Kinds(graph, types), scope, part, dict.fromkeys(ids)).run(name)


def ungrouped(graph: Graph, scope: str | None, id: str) -> tuple[Edit, tuple[str, ...]]:
    """The edit that puts the nodes of a subgraph in the place of its instance `id`, and their ids there. The
    definition goes where nothing else uses it. Raises GraphError where the node is no instance, or off."""
    part = scoped(graph, scope)
    node = part.nodes.get(id)
    if node is None:
        raise GraphError(Problem("unknown-node", f"There is no node {shown(id)}."))
    name = node.type[len(SUBGRAPH) :] if node.type.startswith(SUBGRAPH) else None
    definition = graph.graphs.get(name) if name is not None else None
    if name is None or definition is None:
        raise GraphError(Problem("no-subgraph", "This node is no subgraph that could be expanded.", id))
    if node.off:
        raise GraphError(Problem("off", "This subgraph is off.", id, hint="Turn it on, then expand it."))
    return _Ungrouping(graph, scope, part, id, node, name, definition).run()


class _Grouping:
    def __init__(
        self, graph: Graph, kinds: Kinds, scope: str | None, part: Graph | Subgraph, chosen: dict[str, None]
    ) -> None:
        if not chosen:
            raise GraphError(Problem("no-nodes", "No node is selected.", hint="Select what is to be one subgraph."))
        for id in chosen:
            if id not in part.nodes:
                raise GraphError(Problem("unknown-node", f"There is no node {shown(id)}."))
        self.graph = graph
        self.kinds = kinds
        self.scope = scope
        self.part = part
        self.nodes = {id: node for id, node in part.nodes.items() if id in chosen}
        self.rest = {id: node for id, node in part.nodes.items() if id not in chosen}
        self.inputs: dict[str, list[str]] = {}
        self.given: dict[str, Input] = {}
        self.inner: dict[str, Node] = {}
        self.outputs: dict[str, Link] = {}
        self.names: dict[Link, str] = {}
        """The ports of outputs, by the links inside."""
        self.retargeted: dict[str, str] = {}
        """Targets of the scope's own ports, with the port of the instance in their place."""

    def run(self, name: str) -> tuple[Edit, str]:
        self._stays_out()
        for id, node in self.nodes.items():
            self.inner[id] = self._node(id, node)
        definition = definition_name(self.graph, name)
        id = new_id(self.part.nodes, definition)
        readers = {other: relinked(node, lambda link: self._out(link, id)) for other, node in self.rest.items()}
        outputs = {port: self._out(link, id) for port, link in getattr(self.part, "outputs", {}).items()}
        self._unread()
        view, frames = self._layout()
        inputs = {port: tuple(targets) for port, targets in self.inputs.items()}
        edits: list[Edit] = [AddSubgraph(definition, Subgraph(self.inner, inputs, self.outputs, view))]
        at = {"at": place} if (place := self._middle()) is not None else None
        first = list(self.part.nodes).index(next(iter(self.nodes)))
        edits.append(AddNode(id, Node(SUBGRAPH + definition, self.given), at, first, self.scope))
        names = {inner: f"{id}/{inner}" for inner in self.nodes}
        for other, node in readers.items():
            edits.extend(_changes(other, self.rest[other], relinked(node, lambda link: link, names), self.scope))
        edits.extend(RemoveNode(inner, self.scope) for inner in self.nodes)
        edits.extend(SetView(("frames", frame), UNSET, self.scope) for frame in frames)
        if isinstance(self.part, Subgraph) and self.scope is not None:
            ports: dict[str, tuple[str, ...]] = {}
            for port, targets in self.part.inputs.items():
                to = [f"{id}.{self.retargeted[each]}" if each in self.retargeted else each for each in targets]
                ports[port] = tuple(dict.fromkeys(to))
            edits.append(_with_ports(edited(self.graph, Batch(tuple(edits))), self.scope, ports, outputs))
        return Batch(tuple(edits)), id

    def _stays_out(self) -> None:
        """Refuse a selection that something outside of it is made from and feeds."""
        for id, node in self.nodes.items():
            waiting = [(other, other) for other in sources(node) if other in self.rest]
            seen = {other for other, _ in waiting}
            while waiting:
                other, nearest = waiting.pop()
                for before in sources(self.rest[other]):
                    if before in self.nodes:
                        message = (
                            f"A path leaves the selection at {shown(before)} and comes back through {shown(nearest)}."
                        )
                        hint = f"Select {shown(nearest)} as well, or leave {shown(id)} out."
                        raise GraphError(Problem("leaves-selection", cut(message), id, hint=hint))
                    if before in self.rest and before not in seen:
                        seen.add(before)
                        waiting.append((before, nearest))

    def _node(self, id: str, node: Node) -> Node:
        """A node as it stands inside, its links from outside given to ports."""
        fed = self._fed(id)
        inputs: dict[str, Input] = {}
        for name, value in node.inputs.items():
            outside = self._outside(id, name, value)
            if outside:
                self._port(id, name, value, fed.pop(name, ()))
            else:
                inputs[name] = value
            self._named(id, name, value)
        for name, ports in fed.items():
            self._port(id, name, UNSET, ports)
        return replace(node, inputs=inputs)

    def _fed(self, id: str) -> dict[str, tuple[str, ...]]:
        """The inputs of a node that ports of the scope feed, with those."""
        found: dict[str, tuple[str, ...]] = {}
        for port, targets in self.part.inputs.items() if isinstance(self.part, Subgraph) else ():
            for target in targets:
                node, _, name = target.partition(".")
                if node == id:
                    found[name] = (*found.get(name, ()), port)
        return found

    def _outside(self, id: str, name: str, value: Input) -> bool:
        """Whether what stands at an input comes from outside. Raises GraphError where only some of a list does."""
        links = [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, Link)]
        outer = [link.node for link in links if link.node not in self.nodes]
        if outer and len(outer) < len(links):
            inner = next(link.node for link in links if link.node in self.nodes)
            message = (
                f"This list is fed from inside the selection ({shown(inner)}) and from outside ({shown(outer[0])})."
            )
            hint = f"Select {shown(outer[0])} as well, or leave {shown(inner)} out."
            raise GraphError(Problem("mixed-list", cut(message), id, name, hint))
        if outer and not ID.fullmatch(name):
            raise GraphError(Problem("unknown-input", f"No port can be called {shown(name)}.", id, name))
        return bool(outer)

    def _named(self, id: str, name: str, value: Input) -> None:
        """Refuse a name of an output that could not say any more whose setting it holds."""
        for item in value if isinstance(value, tuple) else (value,):
            for other in nodes_named(item) if self.scope is not None and isinstance(item, str) else ():
                if other.partition("/")[0] in self.rest:
                    message = f"{shown(item)} names {shown(other)}, which would not be in the same subgraph."
                    raise GraphError(
                        Problem("bad-output-name", cut(message), id, name, f"Select {shown(other)} as well.")
                    )

    def _port(self, id: str, name: str, value: Any, ports: tuple[str, ...]) -> None:
        """Let a port feed an input: the one that feeds an input of that name from the same source, or a new one."""
        target = f"{id}.{name}"
        if isinstance(value, Link):
            value = self._written(value)
        for port, targets in self.inputs.items():
            alike = targets[0].partition(".")[2] == name and same(self.given.get(port, UNSET), value)
            if alike and ports == self._fed(targets[0].partition(".")[0]).get(name, ()):
                targets.append(target)
                break
        else:
            port = new_id(self.inputs, name)
            self.inputs[port] = [target]
            if value is not UNSET:
                self.given[port] = value
        if ports:
            self.retargeted[target] = port

    def _written(self, link: Link) -> Link:
        """A link with the first output's name left out."""
        names = self._outputs_of(link.node)
        return replace(link, output=None) if names and link.output == names[0] else link

    def _outputs_of(self, id: str) -> list[str]:
        node = self.part.nodes.get(id)
        kind = self.kinds.get(node.type) if node is not None else None
        return [name for name in kind.outputs if name is not None] if kind is not None else []

    def _out(self, link: Link, instance: str) -> Link:
        """A link from outside, from the port of the instance where it was from inside."""
        return replace(link, node=instance, output=self._output(link)) if link.node in self.nodes else link

    def _output(self, link: Link) -> str:
        """The port for an output inside, a new one where it has none yet."""
        link = self._written(Link(link.node, link.output))
        if link not in self.names:
            name = link.output or next(iter(self._outputs_of(link.node)), "out")
            self.names[link] = new_id(self.outputs, name)
            self.outputs[self.names[link]] = link
        return self.names[link]

    def _unread(self) -> None:
        """Give the results that nothing reads yet a port too."""
        read = {source for node in self.inner.values() for source in sources(node)}
        read.update(link.node for link in self.names)
        for id, node in self.nodes.items():
            kind = self.kinds.get(node.type)
            sink = kind is None or (kind.spec is not None and kind.spec.sink)
            if id not in read and not sink and self._outputs_of(id):
                self._output(Link(id))

    def _middle(self) -> tuple[float, float] | None:
        """Where the instance goes: amid the nodes."""
        entries = layout(self.part)
        places = [place for id in self.nodes if (place := position(entries.get(id))) is not None]
        if not places:
            return None
        across, down = [sorted(axis) for axis in zip(*places, strict=True)]
        return on_grid((across[0] + across[-1]) / 2), on_grid((down[0] + down[-1]) / 2)

    def _layout(self) -> tuple[dict[str, Any], list[str]]:
        """The layout of the new definition, and the frames that go into it."""
        entries = layout(self.part)
        places = {id: place for id, entry in entries.items() if (place := position(entry)) is not None}
        inside: dict[str, Any] = {}
        for name, frame in _frames(self.part).items():
            held = {id for id, place in places.items() if id in self.part.nodes and _holds(frame, place)}
            if held and held <= self.nodes.keys():
                inside[name] = frame
        nodes = {id: entries[id] for id in self.nodes if id in entries}
        view = {name: each for name, each in (("nodes", nodes), ("frames", inside)) if each}
        return view, list(inside)


class _Ungrouping:
    def __init__(
        self,
        graph: Graph,
        scope: str | None,
        part: Graph | Subgraph,
        id: str,
        node: Node,
        name: str,
        definition: Subgraph,
    ) -> None:
        self.graph = graph
        self.scope = scope
        self.part = part
        self.id = id
        self.node = node
        self.name = name
        self.definition = definition
        self.ids: dict[str, str] = {}
        taken = {other: None for other in part.nodes if other != id}
        for inner in definition.nodes:
            self.ids[inner] = new_id(taken, inner)
            taken[self.ids[inner]] = None

    def run(self) -> tuple[Edit, tuple[str, ...]]:
        id, edits = self.id, cast("list[Edit]", [])
        at = list(self.part.nodes).index(id)
        nodes = self._nodes()
        names = {f"{id}/{inner}": new for inner, new in self.ids.items()}
        readers: dict[str, Node] = {}
        for other, node in self.part.nodes.items():
            if other != id:
                readers[other] = relinked(node, self._resolved, names)
        if id in nodes:
            # Its place is needed while links still have to be kept from going with it.
            old, id = id, new_id({**self.part.nodes, **nodes}, id)
            edits.append(RenameId(old, id, self.scope))
        views, frames = self._layout()
        for index, (new, node) in enumerate(nodes.items()):
            edits.append(AddNode(new, node, views.get(new), at + index, self.scope))
        for other, node in readers.items():
            edits.extend(_changes(other, self.part.nodes[other], node, self.scope))
        edits.append(RemoveNode(id, self.scope))
        edits.extend(SetView(("frames", name), frame, self.scope) for name, frame in frames.items())
        if isinstance(self.part, Subgraph) and self.scope is not None:
            ports = {port: self._targets(targets) for port, targets in self.part.inputs.items()}
            resolved = {port: self._resolved(link) for port, link in self.part.outputs.items()}
            outputs = {port: link for port, link in resolved.items() if link is not None}
            edits.append(_with_ports(edited(self.graph, Batch(tuple(edits))), self.scope, ports, outputs))
        if self._unused():
            edits.append(RemoveSubgraph(self.name))
        return Batch(tuple(edits)), tuple(nodes)

    def _nodes(self) -> dict[str, Node]:
        """The nodes by their new ids, each with what the instance gives at its ports."""
        inside = self.definition.nodes
        found: dict[str, Node] = {}
        for inner, node in inside.items():
            moved = relinked(
                node, lambda link: replace(link, node=self.ids[link.node]) if link.node in inside else None, self.ids
            )
            given = {
                target.partition(".")[2]: value
                for port, value in relinked(self.node, self._resolved).inputs.items()
                for target in self.definition.inputs.get(port, ())
                if target.partition(".")[0] == inner
            }
            found[self.ids[inner]] = replace(moved, inputs={**moved.inputs, **given}) if given else moved
        return found

    def _resolved(self, link: Link) -> Link | None:
        """A link of the scope, from the node inside where it was from the instance; None where that gives nothing."""
        if link.node != self.id:
            return link
        outputs = self.definition.outputs
        inner = outputs.get(link.output) if link.output is not None else next(iter(outputs.values()), None)
        if inner is None or inner.node not in self.ids:
            return None
        return Link(self.ids[inner.node], inner.output, link.extra)

    def _targets(self, targets: Sequence[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for target in targets:
            node, _, port = target.partition(".")
            if node != self.id:
                found[target] = None
                continue
            for inner in self.definition.inputs.get(port, ()):
                id, _, name = inner.partition(".")
                if id in self.ids:
                    found[f"{self.ids[id]}.{name}"] = None
        return tuple(found)

    def _layout(self) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
        """The layout of the nodes by their new ids, and the frames, their top left corner where the instance is."""
        entries = {self.ids[id]: entry for id, entry in layout(self.definition).items() if id in self.ids}
        frames = _frames(self.definition)
        places = [place for entry in (*entries.values(), *frames.values()) if (place := position(entry)) is not None]
        corner = position(layout(self.part).get(self.id))
        x = y = 0.0
        if places and corner is not None:
            x, y = corner[0] - min(x for x, _ in places), corner[1] - min(y for _, y in places)
        taken = dict.fromkeys(_frames(self.part))
        moved: dict[str, Mapping[str, Any]] = {}
        for name, frame in frames.items():
            moved[new_id({**taken, **moved}, name)] = shifted(frame, x, y)
        return {id: shifted(entry, x, y) for id, entry in entries.items()}, moved

    def _unused(self) -> bool:
        """Whether this is the only instance of the definition."""
        parts = (self.graph, *self.graph.graphs.values())
        return sum(node.type == self.node.type for part in parts for node in part.nodes.values()) == 1


def _changes(id: str, before: Node, after: Node, scope: str | None) -> list[Edit]:
    """The edits that make the inputs of a node those of `after`."""
    edits: list[Edit] = []
    for name, value in before.inputs.items():
        if name not in after.inputs:
            edits.append(SetInput(id, name, UNSET, scope))
        elif not same(after.inputs[name], value):
            edits.append(SetInput(id, name, after.inputs[name], scope))
    return edits


def _with_ports(
    graph: Graph, scope: str, inputs: Mapping[str, tuple[str, ...]], outputs: Mapping[str, Link]
) -> SetSubgraph:
    """The edit that gives the subgraph these ports."""
    return SetSubgraph(scope, replace(graph.graphs[scope], inputs=inputs, outputs=outputs))


def _frames(part: Graph | Subgraph) -> Mapping[str, Mapping[str, Any]]:
    """The frames of a layout that have the form of one."""
    frames = part.view.get("frames")
    found: dict[str, Mapping[str, Any]] = {}
    for name, frame in cast("Mapping[str, Any]", frames).items() if isinstance(frames, Mapping) else ():
        if isinstance(frame, Mapping):
            entry = cast("Mapping[str, Any]", frame)
            if all(_is_pair(entry.get(key)) for key in ("at", "size")):
                found[name] = entry
    return found


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(cast("Sequence[Any]", value)) == 2
        and all(type(part) in (int, float) for part in cast("Sequence[Any]", value))
    )


def _holds(frame: Mapping[str, Any], place: tuple[float, float]) -> bool:
    (x, y), (width, height) = frame["at"], frame["size"]
    return x <= place[0] <= x + width and y <= place[1] <= y + height
