"""Links as a hand makes them: whether an output can feed an input, and if not why; the edits that link, unlink, put a
node into a wire, and take nodes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.document import SUBGRAPH, Graph, Input, Link, Node, Subgraph
from vidflow.graph.edits import UNSET, Batch, Edit, RemoveNode, SetInput, SetSubgraph, Unset, edited, scoped
from vidflow.graph.expand import MAX_DEPTH, Types
from vidflow.graph.goals import sources
from vidflow.graph.kinds import Kind, Kinds, Slot
from vidflow.graph.patches import same
from vidflow.graph.wording import cut, shown, type_words
from vidflow.nodespec.spec import PortType

_IMAGE = PortType("image")
_VIDEO = PortType("video")
_MAX_STEPS = 10_000
"""How far it is followed back whether a video is an image."""

Port = tuple[str, str]
"""The id of a node and the name of an input."""
_Level = tuple[Graph | Subgraph, str]
"""A scope, and the id of the instance in the scope before that it was entered by."""


class Wiring:
    """What can be linked in one scope of a document as it stands. Asked again and again, as while a wire is dragged,
    it remembers what it found out."""

    def __init__(self, graph: Graph, types: Types, scope: str | None) -> None:
        self._graph = graph
        self._part = scoped(graph, scope)
        self._kinds = Kinds(graph, types)
        self._before: dict[tuple[str, str | None], tuple[set[str], set[Port]]] = {}
        self._after: dict[Port, set[tuple[str, str | None]]] = {}
        self._asked: set[Port] = set()
        self._readers: dict[tuple[str, str | None], list[Port]] = {}
        self._needs: dict[tuple[str, str | None], set[str]] = {}
        self._ports: dict[str, str] = {}
        if isinstance(self._part, Subgraph):
            for port, targets in self._part.inputs.items():
                self._ports.update(dict.fromkeys(targets, port))

    def kind(self, node: str) -> Kind | None:
        """The kind of a node of the scope; None where the node or its type is not known."""
        found = self._part.nodes.get(node)
        return self._kinds.get(found.type) if found is not None else None

    def refusal(self, source: Link, node: str, input: str) -> str | None:
        """Why the output `source` cannot feed that input, in one line; None where it can."""
        reader = self._part.nodes.get(node)
        if source.node not in self._part.nodes or reader is None:
            return f"There is no node {shown(node if reader is None else source.node)}."
        giver, taker = self.kind(source.node), self.kind(node)
        if giver is None or taker is None:
            lost = self._part.nodes[node if taker is None else source.node]
            return cut(f"The type {shown(lost.type)} is not known here.")
        given = giver.outputs.get(source.output)
        if given is None:
            what = "" if source.output is None else f" {shown(source.output)}"
            return cut(f"{shown(source.node)} has no output{what}.")
        if input not in taker.slots:
            return cut(f"{shown(node)} has no input {shown(input)}.")
        port = self._ports.get(f"{node}.{input}")
        if port is not None:
            return f"The port {shown(port)} of this subgraph feeds this input already."
        return (
            self._misfit(source, given, reader, input)
            or self._clash(reader, input)
            or (self._circle(source, node, input))
        )

    def entry(self, source: Link, node: str) -> str | None:
        """The first input of a node that the output `source` fits and that no link feeds yet."""
        kind, reader = self.kind(node), self._part.nodes.get(node)
        if kind is None or reader is None:
            return None
        free = [name for name in kind.slots if not any(_links(reader.inputs.get(name)))]
        return next((name for name in free if self.refusal(source, node, name) is None), None)

    def outlet(self, source: str, node: str, input: str) -> Link | None:
        """The first output of the node `source` that fits that input."""
        kind = self.kind(source)
        links = [Link(source, name) for name in kind.outputs if name is not None] if kind is not None else []
        found = next((link for link in links if self.refusal(link, node, input) is None), None)
        return None if found is None else self.written(found)

    def written(self, link: Link) -> Link:
        """A link as it is written in the file: without a name to the first output of a node type."""
        kind = self.kind(link.node)
        if link.output is None or kind is None or kind.spec is None or kind.spec.outputs[:1] == ():
            return link
        return Link(link.node, None, link.extra) if kind.spec.outputs[0].name == link.output else link

    def _misfit(self, source: Link, given: PortType, reader: Node, input: str) -> str | None:
        slots = self._slots(reader, input)
        image, constant = (False, False)
        if given == _VIDEO:
            image = self._image(source)
        elif given.name in ("float", "str"):
            constant = self._constant(source)
        for slot in slots:
            expected = slot.type
            if slot.plain and constant:
                fits = expected.name in (("int", "float") if given.name == "float" else ("str",))
            else:
                fits = expected.accepts(given) or (image is not False and expected.accepts(_IMAGE))
            if not fits:
                words = type_words(_IMAGE if image else given)
                verb = "do" if given.name == "latents" and not given.many else "does"
                what = f"{shown(input)}, which takes {type_words(expected)}"
                if not slot.plain:
                    what = f"{'an' if expected.name[0] in 'aeiou' else 'a'} {expected.name} port"
                return cut(f"{words[0].upper()}{words[1:]} {verb} not fit {what}.")
        return None

    def _slots(self, node: Node, input: str) -> list[Slot]:
        """The inputs of real nodes that an input of a node feeds: its own, or all that the port of an instance does."""
        found: dict[tuple[str, str], Slot] = {}
        seen = {(node.type, input)}
        waiting = list(seen)
        while waiting:
            type, name = waiting.pop()
            if not type.startswith(SUBGRAPH):
                kind = self._kinds.get(type)
                if kind is not None and name in kind.slots:
                    found[type, name] = kind.slots[name]
                continue
            definition = self._graph.graphs.get(type[len(SUBGRAPH) :])
            for target in definition.inputs.get(name, ()) if definition is not None else ():
                inner, _, inside = target.partition(".")
                if definition is not None and inner in definition.nodes:
                    key = (definition.nodes[inner].type, inside)
                    if key not in seen:
                        seen.add(key)
                        waiting.append(key)
        return list(found.values())

    def _image(self, link: Link) -> bool | None:
        """Whether what comes along is an image, as it is after nodes that give one for one; None where nothing is
        linked yet that would decide it."""
        for kind, output, value in self._way(link, lambda kind: kind.follows):
            if output.name == "image":
                return True
            if kind.follows is None or kind.outputs.get(None) is not output:
                return False
            if not isinstance(value, Link):
                return None
        return False

    def _constant(self, link: Link) -> bool:
        """Whether the value that comes along stands in the graph, so that 7.0 fits a whole number."""
        for kind, _, value in self._way(link, lambda kind: "value" if kind.constant else None):
            if not kind.constant:
                return False
            if not isinstance(value, Link):
                return True
        return False

    def _way(
        self, link: Link, by: Callable[[Kind], str | None]
    ) -> Iterator[tuple[Kind, PortType, Input | Literal[Unset.UNSET]]]:
        """The real nodes that an output is followed back to, through the input that `by` names of each kind: the kind,
        its output, and what stands at that input. In and out of instances."""
        way: list[_Level] = [(self._part, "")]
        for _ in range(_MAX_STEPS):
            part = way[-1][0]
            node = part.nodes.get(link.node)
            if node is None:
                return
            if node.type.startswith(SUBGRAPH):
                definition = self._graph.graphs.get(node.type[len(SUBGRAPH) :])
                inner = _output(definition, link.output)
                if definition is None or inner is None or len(way) > MAX_DEPTH:
                    return
                way.append((definition, link.node))
                link = inner
                continue
            kind = self._kinds.get(node.type)
            output = kind.outputs.get(link.output) if kind is not None else None
            if kind is None or output is None:
                return
            name = by(kind)
            way, value = (way, None) if name is None else _standing(way, link.node, name)
            yield kind, output, value
            if not isinstance(value, Link):
                return
            link = value

    def _clash(self, reader: Node, port: str) -> str | None:
        """Another port of the same instance that is fed and leads to the same input inside."""
        if not reader.type.startswith(SUBGRAPH):
            return None
        inputs = self._graph.graphs[reader.type[len(SUBGRAPH) :]].inputs
        for other in reader.inputs:
            if other != port and not set(inputs.get(other, ())).isdisjoint(inputs.get(port, ())):
                return f"The port {shown(other)} feeds the same input inside already."
        return None

    def _circle(self, source: Link, node: str, input: str) -> str | None:
        if source.node == node:
            return "A node cannot feed itself."
        if self._made_from(source, node, input):
            return cut(f"This would make a circle: {shown(source.node)} is made from {shown(node)}.")
        return None

    def _made_from(self, source: Link, node: str, input: str) -> bool:
        """Whether an output is made from what comes in at an input. Looked for from the output's side, or from the
        input's where that input was asked for before: of a wire that is dragged one end stays."""
        key = (source.node, source.output)
        if key not in self._before and (node, input) in self._asked:
            if (node, input) not in self._after:
                self._after[node, input] = self._results(node, input)
            return self._result(source) in self._after[node, input]
        self._asked.add((node, input))
        if key not in self._before:
            self._before[key] = self._reached(self._part, source)
        nodes, ports = self._before[key]
        return (node, input) in ports if self._part.nodes[node].type.startswith(SUBGRAPH) else node in nodes

    def _result(self, link: Link) -> tuple[str, str | None]:
        """What a link carries: the node for all of its outputs alike, but one output of an instance."""
        type = self._part.nodes[link.node].type
        if not type.startswith(SUBGRAPH):
            return link.node, None
        definition = self._graph.graphs.get(type[len(SUBGRAPH) :])
        return link.node, link.output or next(iter(definition.outputs if definition is not None else ()), None)

    def _results(self, node: str, input: str) -> set[tuple[str, str | None]]:
        """All that is made from what comes in at an input."""
        if not self._readers:
            for id, reader in self._part.nodes.items():
                for name, value in reader.inputs.items():
                    for link in _links(value):
                        if link.node in self._part.nodes:
                            self._readers.setdefault(self._result(link), []).append((id, name))
        found: set[tuple[str, str | None]] = set()
        waiting = [(node, input)]
        while waiting:
            id, name = waiting.pop()
            type = self._part.nodes[id].type
            made: list[tuple[str, str | None]] = [(id, None)]
            if type.startswith(SUBGRAPH):
                definition = self._graph.graphs.get(type[len(SUBGRAPH) :])
                outputs = definition.outputs if definition is not None else ()
                made = [(id, each) for each in outputs if name in self._needed(type[len(SUBGRAPH) :], each, 0)]
            for result in made:
                if result not in found:
                    found.add(result)
                    waiting.extend(self._readers.get(result, ()))
        return found

    def _reached(self, part: Graph | Subgraph, source: Link, depth: int = 0) -> tuple[set[str], set[Port]]:
        """The nodes of a scope that an output is made from, and the ports of its instances. An output of an instance
        is made only from the ports that lead to it."""
        nodes: set[str] = set()
        ports: set[Port] = set()
        seen: set[tuple[str, str | None]] = set()
        waiting: list[tuple[str, str | None]] = [(source.node, source.output)]
        while waiting:
            id, output = waiting.pop()
            node = part.nodes.get(id)
            if node is None:
                continue
            instance = node.type.startswith(SUBGRAPH)
            key = (id, output if instance else None)
            if key in seen:
                continue
            seen.add(key)
            nodes.add(id)
            names = self._needed(node.type[len(SUBGRAPH) :], output, depth) if instance else node.inputs
            if instance:
                ports.update((id, name) for name in names)
            for name in names:
                waiting.extend([(link.node, link.output) for link in _links(node.inputs.get(name))])
        return nodes, ports

    def _needed(self, name: str, output: str | None, depth: int) -> set[str]:
        """The ports of a definition that one of its outputs is made from."""
        key = (name, output)
        if key not in self._needs:
            definition = self._graph.graphs.get(name)
            inner = _output(definition, output)
            if definition is None or inner is None:
                return set()
            # What contains itself is made from all.
            self._needs[key] = set(definition.inputs)
            if depth < MAX_DEPTH:
                nodes, ports = self._reached(definition, inner, depth + 1)
                found: set[str] = set()
                for port, targets in definition.inputs.items():
                    for target in targets:
                        id, _, at = target.partition(".")
                        node = definition.nodes.get(id)
                        if node is not None and ((id, at) in ports if node.type.startswith(SUBGRAPH) else id in nodes):
                            found.add(port)
                self._needs[key] = found
        return self._needs[key]


def refusal(graph: Graph, types: Types, scope: str | None, source: Link, node: str, input: str) -> str | None:
    """Why the output `source` cannot feed that input, in one line; None where it can. `Wiring` answers many times."""
    return Wiring(graph, types, scope).refusal(source, node, input)


def connected(
    graph: Graph, types: Types, scope: str | None, source: Link, node: str, input: str, place: int | None = None
) -> Edit:
    """The edit that links `source` to an input, in the place of what is there. An input that takes many gets it at
    `place` of its list, or last; what else is in the list stays."""
    wiring = Wiring(graph, types, scope)
    kind = wiring.kind(node)
    slot = kind.slots.get(input) if kind is not None else None
    link = wiring.written(source)
    if slot is None or not slot.many:
        return SetInput(node, input, link, scope)
    items = list(_items(_at(graph, scope, node, input)))
    items.insert(len(items) if place is None else max(0, place), link)
    return SetInput(node, input, tuple(items), scope)


def disconnected(graph: Graph, scope: str | None, node: str, input: str, place: int | None = None) -> Edit:
    """The edit that takes what is at `place` of a list out of it, or all that is at the input. Raises GraphError."""
    value = _at(graph, scope, node, input)
    if place is None:
        return SetInput(node, input, UNSET, scope)
    items = _items(value)
    if not 0 <= place < len(items):
        raise GraphError(Problem("no-link", f"There is nothing in place {place + 1} here.", node, input))
    left = (*items[:place], *items[place + 1 :])
    return SetInput(node, input, left or UNSET, scope)


def inserted(
    graph: Graph, types: Types, scope: str | None, id: str, node: str, input: str, place: int | None = None
) -> Edit | None:
    """The edit that puts the node `id` into the wire to an input: the wire goes to its first input that it fits and
    that is free, and its first output that fits goes on. None where it does not fit."""
    value = _at(graph, scope, node, input)
    items = _items(value)
    index = 0 if place is None and len(items) == 1 else place
    if index is None or not 0 <= index < len(items) or not isinstance(items[index], Link):
        return None
    source = cast("Link", items[index])
    graph = edited(graph, disconnected(graph, scope, node, input, index))
    wiring = Wiring(graph, types, scope)
    entry = wiring.entry(source, id)
    if entry is None:
        return None
    first = connected(graph, types, scope, source, id, entry)
    outlet = Wiring(edited(graph, first), types, scope).outlet(id, node, input)
    if outlet is None:
        return None
    after = (*items[:index], outlet, *items[index + 1 :])
    return Batch((first, SetInput(node, input, after if isinstance(value, tuple) else outlet, scope)))


def fitting(
    graph: Graph, types: Types, source_type: PortType | None = None, target_type: PortType | None = None
) -> list[str]:
    """The node types, and subgraphs, with an input that takes `source_type` and an output that `target_type` takes,
    the best first: the type itself before one that it converts to, a required input before others, the first before
    later ones."""
    kinds = Kinds(graph, types)
    names = [*cast("Sequence[str]", types.types()), *(SUBGRAPH + name for name in graph.graphs)]
    found: list[tuple[tuple[Any, ...], str]] = []
    for type in names:
        kind = kinds.get(type)
        if kind is None:
            continue
        taken = [
            (slot.type.name != source_type.name, slot.plain, not slot.required, slot.many != source_type.many, index)
            for index, slot in enumerate(kind.slots.values())
            if source_type is not None and slot.type.accepts(source_type)
        ]
        given = [
            (output != target_type, index)
            for index, output in enumerate([output for name, output in kind.outputs.items() if name is not None])
            if target_type is not None
            and (target_type.accepts(output) or (index == 0 and kind.follows is not None and target_type == _IMAGE))
        ]
        if (source_type is None or taken) and (target_type is None or given):
            found.append(((min(taken, default=()), min(given, default=())), type))
    found.sort(key=lambda each: each[0])
    return [type for _, type in found]


def removed(graph: Graph, types: Types, scope: str | None, ids: Sequence[str], *, heal: bool = False) -> Edit:
    """The edit that deletes nodes. With `heal`, what read one reads what that node would have passed on if it were
    off: what stands at its first input of the output's type."""
    gone = dict.fromkeys(ids)
    edits: list[Edit] = [RemoveNode(id, scope) for id in gone]
    if not heal:
        return Batch(tuple(edits))
    part = scoped(graph, scope)
    healing = _Healing(part, Kinds(graph, types), gone)
    rewired: list[Edit] = []
    for id, node in part.nodes.items():
        if id in gone or gone.keys().isdisjoint(sources(node)):
            continue
        for name, value in node.inputs.items():
            after = healing.input(id, name, value)
            if after is UNSET or not same(after, value):
                rewired.append(SetInput(id, name, after, scope))
    edits = [*rewired, *edits]
    if isinstance(part, Subgraph) and scope is not None:
        ports, outputs = healing.ports(part)
        rest = cast("Subgraph", scoped(edited(graph, Batch(tuple(edits))), scope))
        after = Subgraph(rest.nodes, ports, outputs, rest.view, rest.extra, rest.fields)
        if not same(after, rest):
            edits.append(SetSubgraph(scope, after))
    return Batch(tuple(edits))


class _Healing:
    """What stands for the outputs of nodes that go."""

    def __init__(self, part: Graph | Subgraph, kinds: Kinds, gone: dict[str, None]) -> None:
        self._part = part
        self._kinds = kinds
        self._gone = gone
        self._fed: dict[str, list[str]] = {}
        self._moved: dict[tuple[str, str], list[str]] = {}
        """Ports with the inputs of nodes that go that they fed, and the inputs that read what came in there."""
        for port, targets in part.inputs.items() if isinstance(part, Subgraph) else ():
            for target in targets:
                self._fed.setdefault(target, []).append(port)

    def input(self, node: str, name: str, value: Input) -> Any:
        """What the input of a node that stays gets."""
        if isinstance(value, Link):
            found = self._through(value, f"{node}.{name}")
            return found if found is not None and found != () else UNSET
        if isinstance(value, tuple):
            items: list[Any] = []
            for item in value:
                through = self._through(item, None) if isinstance(item, Link) else item
                items.extend(through if isinstance(through, tuple) else () if through is None else (through,))
            return tuple(items) or UNSET
        return value

    def ports(self, part: Subgraph) -> tuple[dict[str, tuple[str, ...]], dict[str, Link]]:
        """The ports of the subgraph without the nodes that go."""
        inputs: dict[str, tuple[str, ...]] = {}
        for port, targets in part.inputs.items():
            after: dict[str, None] = {}
            for target in targets:
                if target.partition(".")[0] in self._gone:
                    after.update(dict.fromkeys(self._moved.get((port, target), ())))
                else:
                    after[target] = None
            inputs[port] = tuple(after)
        outputs: dict[str, Link] = {}
        for port, link in part.outputs.items():
            found = self._through(link, None)
            if isinstance(found, Link):
                outputs[port] = found
        return inputs, outputs

    def _through(self, link: Link, reader: str | None) -> Input:
        """What is passed on along a link. Where that comes in at a port of the subgraph, the port is to feed `reader`
        instead."""
        found: list[Any] = []
        listed = False
        seen: set[str] = set()
        waiting: list[Any] = [link]
        while waiting:
            item = waiting.pop()
            if not isinstance(item, Link) or item.node not in self._gone:
                found.append(item)
                continue
            node = self._part.nodes.get(item.node)
            kind = self._kinds.get(node.type) if node is not None else None
            output = kind.outputs.get(item.output) if kind is not None else None
            if node is None or kind is None or output is None or item.node in seen:
                continue
            # Once each: nodes that go may feed each other in a circle.
            seen.add(item.node)
            name = next((name for name, slot in kind.slots.items() if slot.type == output), "")
            if reader is not None and not listed:
                for port in self._fed.get(f"{item.node}.{name}", ()):
                    self._moved.setdefault((port, f"{item.node}.{name}"), []).append(reader)
            value = node.inputs.get(name)
            if isinstance(value, tuple):
                listed = True
                waiting.extend(reversed(value))
            elif isinstance(value, Link):
                waiting.append(value)
        return tuple(found) if listed else found[0] if found else None


def _at(graph: Graph, scope: str | None, node: str, input: str) -> Input:
    """What stands at an input; None for nothing. Raises GraphError without the node."""
    nodes = scoped(graph, scope).nodes
    if node not in nodes:
        raise GraphError(Problem("unknown-node", f"There is no node {shown(node)}."))
    return nodes[node].inputs.get(input)


def _items(value: Input) -> tuple[Any, ...]:
    """What stands at an input as a list."""
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _standing(way: list[_Level], id: str, name: str) -> tuple[list[_Level], Input | Literal[Unset.UNSET]]:
    """What stands at an input, and where: what an instance gives at a port goes before what stands inside. It is UNSET
    where nothing does, or where that is said outside of the scope that is looked at."""
    part, instance = way[-1]
    if isinstance(part, Subgraph):
        for port in [port for port, targets in part.inputs.items() if f"{id}.{name}" in targets]:
            if len(way) == 1:
                return way, UNSET
            outer, value = _standing(way[:-1], instance, port)
            if value is not UNSET:
                return outer, value
    return way, part.nodes[id].inputs.get(name, UNSET)


def _links(value: Input) -> list[Link]:
    return [item for item in _items(value) if isinstance(item, Link)]


def _output(definition: Subgraph | None, output: str | None) -> Link | None:
    if definition is None:
        return None
    return definition.outputs.get(output) if output is not None else next(iter(definition.outputs.values()), None)
