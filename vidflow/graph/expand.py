"""Subgraphs inlined: one flat set of nodes, with ids like `outer/inner`, as the checks and the engine see a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from vidflow.errors import Problem
from vidflow.graph.document import SUBGRAPH, Graph, Input, Link, Node, Subgraph
from vidflow.graph.order import cycles, topological
from vidflow.graph.wording import Guesses, cut, shown
from vidflow.nodespec.spec import InputSpec, NodeSpec, OutputSpec

MAX_NODES = 200_000
"""How many nodes a graph may have once its subgraphs are inlined."""
MAX_WORK = 20_000_000
"""How much inlining may make, in characters of ids, with a link or value as ten: a few seconds and some 500 MB."""
MAX_DEPTH = 100
"""How deep subgraphs may be nested."""

LOST = "?"
"""No id begins with this: a link from one that does is one whose fault has been reported, `?id` at that instance."""


class Types(Protocol):
    """What a graph is checked against: the registry, or a few types in a test."""

    def get(self, type: str, /) -> NodeSpec | None:
        """The declaration of a type, or of the one that replaces it."""
        ...

    def types(self) -> Any:
        """The names of all types, a Sequence of str."""
        ...


@dataclass(slots=True)
class Instance:
    """A node of the type `graph:NAME` that is on. `definition` is None where it could not be inlined."""

    definition: Subgraph | None
    node: Node


@dataclass(slots=True)
class Expanded:
    """The nodes of a graph by flat id, in the order of the file, with the nodes of a subgraph in the place of its
    instance. Links are flat and never from an instance, but for one that is off, which stays a node here."""

    nodes: Mapping[str, Node]
    instances: dict[str, Instance] = field(default_factory=lambda: cast("dict[str, Instance]", {}))
    problems: list[Problem] = field(default_factory=lambda: cast("list[Problem]", []))
    too_large: bool = False
    """Whether inlining was given up; the rest then means nothing."""

    def targets(self, id: str, port: str) -> list[tuple[str, str]] | None:
        """The inputs, as flat id and name, that the port of an instance feeds; None where it has no such port."""
        found: list[tuple[str, str]] = []
        waiting = [(id, port)]
        while waiting:
            id, port = waiting.pop()
            instance = self.instances.get(id)
            if instance is None:
                found.append((id, port))
                continue
            targets = instance.definition.inputs.get(port) if instance.definition else None
            if targets is None:
                return None
            for target in reversed(targets):
                node, _, name = target.partition(".")
                waiting.append((f"{id}/{node}", name))
        return found

    def source(self, link: Link) -> Link | None:
        """The output of a real node that `link` stands for; None where an instance on the way has no such output."""
        while True:
            instance = self.instances.get(link.node)
            if instance is None:
                return link
            if instance.definition is None:
                return Link(LOST + link.node)
            outputs = instance.definition.outputs
            inner = outputs.get(link.output) if link.output is not None else next(iter(outputs.values()), None)
            if inner is None:
                return None
            link = Link(f"{link.node}/{inner.node}", inner.output)


def expand(graph: Graph, guesses: Guesses | None = None) -> Expanded:
    """Inline all subgraphs of `graph`. Never raises; what is wrong is in `problems`."""
    problems, recursive = _recursion(graph)
    instances_here = any(node.type.startswith(SUBGRAPH) for node in graph.nodes.values())
    if not instances_here:
        return Expanded(graph.nodes, {}, problems)
    return _Inlining(graph, recursive, problems, guesses or Guesses()).run()


class _Inlining:
    def __init__(self, graph: Graph, recursive: set[str], problems: list[Problem], guesses: Guesses) -> None:
        self.graph = graph
        self.recursive = recursive
        self.guesses = guesses
        self.nodes: dict[str, Node] = {}
        self.result = Expanded(self.nodes, {}, problems)
        self.work = 0
        self.costs: dict[str, tuple[int, int]] = {}

    def run(self) -> Expanded:
        feeds: dict[str, dict[str, Input]] = {}
        scopes: list[tuple[str, Iterator[tuple[str, Node]], dict[str, dict[str, Input]]]] = [
            ("", iter(self.graph.nodes.items()), feeds)
        ]
        while scopes:
            prefix, rest, feeds = scopes[-1]
            for id, node in rest:
                flat = prefix + id
                if prefix:
                    node = self._moved(node, prefix, feeds.get(id))
                if not node.type.startswith(SUBGRAPH):
                    self.nodes[flat] = node
                    continue
                inner = self._instance(flat, node, len(scopes))
                if inner is not None:
                    definition, given = inner
                    scopes.append((f"{flat}/", iter(definition.nodes.items()), given))
                    break
                if self.result.too_large:
                    return self.result
            else:
                scopes.pop()
        for id, node in self.nodes.items():
            if any(value.__class__ is Link or value.__class__ is tuple for value in node.inputs.values()):
                self._resolve(id, node)
        return self.result

    def _moved(self, node: Node, prefix: str, given: dict[str, Input] | None) -> Node:
        """A node of a definition in the place that its instance gives it."""
        inputs: dict[str, Input] = {name: _prefixed(value, prefix) for name, value in node.inputs.items()}
        if given:
            inputs.update(given)
        return replace(node, inputs=inputs)

    def _instance(self, id: str, node: Node, depth: int) -> tuple[Subgraph, dict[str, dict[str, Input]]] | None:
        """Enter an instance: its definition, and what its ports give to each inner node; None where it has none."""
        name = node.type[len(SUBGRAPH) :]
        definition = self.graph.graphs.get(name)
        if definition is None:
            guess = self.guesses.near(name, self.graph.graphs, key=1)
            self._problem("unknown-type", f"There is no subgraph {shown(name)} in this graph.", id, hint=guess)
        elif node.off:
            self.nodes[id] = node
            return None
        elif name not in self.recursive and self._fits(id, name, definition, depth):
            self.result.instances[id] = Instance(definition, node)
            return definition, self._given(id, node, definition)
        self.result.instances[id] = Instance(None, node)
        return None

    def _fits(self, id: str, name: str, definition: Subgraph, depth: int) -> bool:
        if name not in self.costs:
            items = sum(len(targets) for targets in definition.inputs.values()) + len(definition.outputs)
            for node in definition.nodes.values():
                items += sum(len(value) if isinstance(value, tuple) else 1 for value in node.inputs.values())
            self.costs[name] = (10 * items + sum(map(len, definition.nodes)), len(definition.nodes))
        cost, count = self.costs[name]
        self.work += 1 + cost + len(id) * count
        if depth <= MAX_DEPTH and self.work <= MAX_WORK and len(self.nodes) + count <= MAX_NODES:
            return True
        self.result.too_large = True
        self._problem(
            "too-large",
            f"With all its subgraphs inlined this graph is too large: expected at most {MAX_NODES} nodes, "
            f"nested at most {MAX_DEPTH} deep.",
            id,
        )
        return False

    def _given(self, id: str, node: Node, definition: Subgraph) -> dict[str, dict[str, Input]]:
        given: dict[str, dict[str, Input]] = {}
        for port, value in node.inputs.items():
            targets = definition.inputs.get(port)
            if targets is None:
                guess = self.guesses.near(port, definition.inputs)
                what = node.type[len(SUBGRAPH) :]
                self._problem(
                    "unknown-input", f"The subgraph {shown(what)} has no port {shown(port)}.", id, port, guess
                )
                continue
            for target in targets:
                inner, _, name = target.partition(".")
                if inner not in definition.nodes:
                    self._problem(
                        "unknown-node", f"The port feeds {shown(target)}, but there is no such node inside.", id, port
                    )
                elif name in given.get(inner, ()):
                    self._problem("port-clash", f"Another port feeds {shown(target)} too.", id, port)
                else:
                    given.setdefault(inner, {})[name] = value
        return given

    def _resolve(self, id: str, node: Node) -> None:
        """Let the links of a node go out from real nodes."""
        instances = self.result.instances
        inputs: dict[str, Input] | None = None
        for name, value in node.inputs.items():
            if value.__class__ is Link:
                if cast("Link", value).node in instances:
                    inputs = inputs or dict(node.inputs)
                    inputs[name] = self._source(cast("Link", value), id, name)
            elif value.__class__ is tuple:
                items = cast("tuple[Any, ...]", value)
                if any(item.__class__ is Link and item.node in instances for item in items):
                    inputs = inputs or dict(node.inputs)
                    inputs[name] = tuple(
                        [self._source(item, id, name) if item.__class__ is Link else item for item in items]
                    )
        if inputs is not None:
            self.nodes[id] = replace(node, inputs=inputs)

    def _source(self, link: Link, reader: str, input: str) -> Link:
        source = self.result.source(link)
        if source is not None and (source.node in self.nodes or source.node.startswith(LOST)):
            return source
        if source is None:
            message = f"The subgraph {shown(link.node)} has no output {shown(link.output)}."
            if link.output is None:
                message = f"The subgraph {shown(link.node)} has no output."
            instance = self.result.instances[link.node]
            known = tuple(instance.definition.outputs) if instance.definition else ()
            self._problem("unknown-output", message, reader, input, self.guesses.near(link.output or "", known))
        else:
            self._problem(
                "unknown-node",
                f"The output {shown(str(link))} comes from {shown(source.node)}, which is not there.",
                reader,
                input,
            )
        return Link(LOST)

    def _problem(self, code: str, message: str, node: str, input: str | None = None, hint: str = "") -> None:
        self.result.problems.append(Problem(code, cut(message), node, input, hint))


def _prefixed(value: Input, prefix: str) -> Input:
    if value.__class__ is Link:
        link = cast("Link", value)
        return Link(prefix + link.node, link.output, link.extra)
    if value.__class__ is tuple:
        items = cast("tuple[Any, ...]", value)
        return tuple(
            [Link(prefix + item.node, item.output, item.extra) if item.__class__ is Link else item for item in items]
        )
    return value


def _recursion(graph: Graph) -> tuple[list[Problem], set[str]]:
    """A problem for each way in which a definition contains itself, and the definitions that hold such a one."""
    if not graph.graphs:
        return [], set()
    holds: dict[str, list[str]] = {}
    for name, part in graph.graphs.items():
        inner = {node.type[len(SUBGRAPH) :]: None for node in part.nodes.values() if node.type.startswith(SUBGRAPH)}
        holds[name] = [other for other in inner if other in graph.graphs]
    problems: list[Problem] = []
    for circle in cycles(holds):
        way = circle if len(circle) <= 8 else [*circle[:6], "..."]
        message = f"The subgraph {shown(circle[0])} contains itself: {' -> '.join([circle[0], *reversed(way)])}."
        place = f"{SUBGRAPH}{circle[0]}"
        problems.append(Problem("recursive-graph", cut(message), place, hint="Subgraphs may nest, not recurse."))
    return problems, set(topological(holds)[1])


def interface(graph: Graph, name: str, types: Types) -> tuple[tuple[InputSpec, ...], tuple[OutputSpec, ...]]:
    """The ports of the subgraph `name`, each declared as what it leads to. Ports that lead nowhere are left out."""
    definition = graph.graphs.get(name)
    if definition is None:
        return (), ()
    inputs: list[InputSpec] = []
    for port, targets in definition.inputs.items():
        found = _inner_input(graph, definition, targets, types)
        if found is not None:
            inputs.append(replace(found, name=port))
    outputs: list[OutputSpec] = []
    for port, link in definition.outputs.items():
        found_output = _inner_output(graph, definition, link, types)
        if found_output is not None:
            outputs.append(OutputSpec(port, found_output.type))
    return tuple(inputs), tuple(outputs)


def _inner_input(graph: Graph, part: Subgraph, targets: tuple[str, ...], types: Types) -> InputSpec | None:
    for _ in range(MAX_DEPTH):
        if not targets:
            return None
        node_id, _, name = targets[0].partition(".")
        node = part.nodes.get(node_id)
        if node is None:
            return None
        if not node.type.startswith(SUBGRAPH):
            spec = types.get(node.type)
            return spec.input(name) if spec else None
        inner = graph.graphs.get(node.type[len(SUBGRAPH) :])
        if inner is None:
            return None
        part, targets = inner, inner.inputs.get(name, ())
    return None


def _inner_output(graph: Graph, part: Subgraph, link: Link | None, types: Types) -> OutputSpec | None:
    for _ in range(MAX_DEPTH):
        node = part.nodes.get(link.node) if link is not None else None
        if link is None or node is None:
            return None
        if not node.type.startswith(SUBGRAPH):
            spec = types.get(node.type)
            return spec.output(link.output) if spec else None
        inner = graph.graphs.get(node.type[len(SUBGRAPH) :])
        if inner is None:
            return None
        chosen = inner.outputs.get(link.output) if link.output is not None else next(iter(inner.outputs.values()), None)
        part, link = inner, chosen
    return None
