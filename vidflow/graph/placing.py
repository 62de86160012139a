"""Values for the inputs of inlined nodes, put back into the document whose subgraphs these came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from vidflow.graph.document import SUBGRAPH, Graph, Input, Node, Subgraph

Values = Mapping[str, Mapping[str, Input]]
"""Literals by flat id (`outer/inner`) and input."""


@dataclass(slots=True)
class _Tree:
    """The values of one scope: for its own nodes, and for what is inside its instances."""

    own: dict[str, dict[str, Input]] = field(default_factory=lambda: cast("dict[str, dict[str, Input]]", {}))
    inside: dict[str, _Tree] = field(default_factory=lambda: cast("dict[str, _Tree]", {}))

    def __bool__(self) -> bool:
        return any(self.own.values()) or any(self.inside.values())


def placed(graph: Graph, values: Values) -> Graph:
    """The graph with `values` at those inputs, and everything else as it is.

    A value goes to a port of the instance where that means the same; a definition that others use too is copied
    under a new name.
    """
    if not values:
        return graph
    tree = _Tree()
    for id, given in values.items():
        *outer, name = id.split("/")
        scope = tree
        for part in outer:
            scope = scope.inside.setdefault(part, _Tree())
        scope.own[name] = dict(given)
    return _Placing(graph).run(tree)


class _Placing:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._graphs = dict(graph.graphs)
        self._uses = Counter(node.type for node in graph.nodes.values())
        for definition in graph.graphs.values():
            self._uses.update(node.type for node in definition.nodes.values())

    def run(self, tree: _Tree) -> Graph:
        self._lift(tree, self._graph.nodes)
        nodes = self._scope(self._graph.nodes, tree, shared=False)
        return replace(self._graph, nodes=nodes, graphs=self._graphs)

    def _lift(self, tree: _Tree, nodes: Mapping[str, Node]) -> None:
        """Give values at ports of instances instead of inside them, where all that a port feeds gets the same one."""
        for id, inside in tree.inside.items():
            definition = self._graphs[nodes[id].type[len(SUBGRAPH) :]]
            self._lift(inside, definition.nodes)
            given = nodes[id].inputs
            for port in sorted(definition.inputs, key=lambda name: name not in given):
                targets = [target.partition(".")[::2] for target in definition.inputs[port]]
                taken = {
                    target for other in given if other != port for target in definition.inputs.get(other, ())
                } & set(definition.inputs[port])
                found = [inside.own[node][name] for node, name in targets if name in inside.own.get(node, ())]
                if taken or not found or len(found) < len(targets) or any(not same(one, found[0]) for one in found):
                    continue
                for node, name in targets:
                    inside.own[node].pop(name, None)
                tree.own.setdefault(id, {})[port] = found[0]

    def _scope(self, nodes: Mapping[str, Node], tree: _Tree, *, shared: bool) -> dict[str, Node]:
        """The nodes of a scope with its values; with `shared` its definitions are used elsewhere too."""
        result = dict(nodes)
        for id, values in tree.own.items():
            if values:
                result[id] = replace(result[id], inputs={**result[id].inputs, **values})
        for id, inside in tree.inside.items():
            if inside:
                result[id] = self._instance(result[id], inside, shared=shared)
        return result

    def _instance(self, node: Node, inside: _Tree, *, shared: bool) -> Node:
        name = node.type[len(SUBGRAPH) :]
        definition = self._graphs[name]
        copied = shared or self._uses[node.type] > 1
        # What the instance gives at a port would go before what stands inside.
        fed = {f"{id}.{input}" for id, values in inside.own.items() for input in values}
        ports = {
            port: tuple([target for target in targets if target not in fed]) if port in node.inputs else targets
            for port, targets in definition.inputs.items()
        }
        lost = [port for port in ports if not ports[port] and definition.inputs[port]]
        made = replace(
            definition,
            nodes=self._scope(definition.nodes, inside, shared=copied),
            inputs={port: targets for port, targets in ports.items() if port not in lost},
        )
        inputs = {port: value for port, value in node.inputs.items() if port not in lost}
        if not copied:
            self._graphs[name] = made
            return replace(node, inputs=inputs)
        fresh = SUBGRAPH + self._copy(name, made)
        if not shared:
            # An instance inside a copy was never counted; it is when that copy is made.
            self._uses[node.type] -= 1
            self._uses[fresh] += 1
        return replace(node, type=fresh, inputs=inputs)

    def _copy(self, name: str, made: Subgraph) -> str:
        """Keep another definition beside `name`; its own name."""
        number = 2
        while f"{name}_{number}" in self._graphs:
            number += 1
        self._graphs[f"{name}_{number}"] = made
        self._uses.update(node.type for node in made.nodes.values())
        return f"{name}_{number}"


def same(one: Input, other: Input) -> bool:
    """Whether two inputs are the same in a file: 1, 1.0 and true are not."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one.__class__ is other.__class__ and one == other
