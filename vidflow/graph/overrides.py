"""Values set from outside, by `--set` or from Python, put into the nodes of one check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.bypass import Place
from vidflow.graph.document import Node
from vidflow.graph.expand import Expanded
from vidflow.graph.kinds import Kinds, Slot
from vidflow.graph.literals import fit, read_value
from vidflow.graph.wording import Guesses, cut, shown


def with_set(
    expanded: Expanded, given: Mapping[str, Any], kinds: Kinds, guesses: Guesses
) -> tuple[dict[str, Node], set[Place], list[Problem]]:
    """The nodes with the values of `given`, which maps `node.input` to them; the inputs that were set; and what was
    wrong. A port of a subgraph can be set too."""
    nodes = dict(expanded.nodes)
    places: set[Place] = set()
    problems: list[Problem] = []

    def problem(code: str, message: str, node: str | None, input: str | None, hint: str) -> None:
        problems.append(Problem(code, cut(message), node, input, hint))

    for key, value in given.items():
        id, dot, name = str(key).rpartition(".")
        if not dot:
            problem("unknown-input", f"{shown(str(key))} cannot be set.", None, None, "Name it NODE.INPUT.")
            continue
        if id not in nodes and id not in expanded.instances:
            message = f"There is no node {shown(id)}, so {shown(str(key))} cannot be set."
            problem("unknown-node", message, None, None, guesses.near(id, [*nodes, *expanded.instances]))
            continue
        targets = expanded.targets(id, name)
        if targets is None:
            definition = expanded.instances[id].definition if id in expanded.instances else None
            hint = guesses.near(name, definition.inputs) if definition is not None else ""
            problem("unknown-input", f"There is no port {shown(name)} to set.", id, name, hint)
            continue
        for target, input in targets:
            node = nodes.get(target)
            kind = kinds.get(node.type) if node is not None else None
            if node is None or kind is None:
                continue
            slot = kind.slots.get(input)
            if slot is None:
                hint = guesses.near(input, kind.slots)
                problem("unknown-input", f"There is no input {shown(input)} to set.", target, input, hint)
                continue
            try:
                fitted = _value(value, slot)
            except GraphError as error:
                problems.extend(replace(each, node=target, input=input) for each in error.problems)
                continue
            nodes[target] = replace(node, inputs={**node.inputs, input: fitted})
            places.add((target, input))
    return nodes, places, problems


def _value(value: Any, slot: Slot) -> Any:
    """The value as a graph file would hold it. Raises GraphError where it does not fit."""
    if isinstance(value, str) and (slot.many or slot.type.name != "str"):
        value = read_value(value, slot.spec)
    elif isinstance(value, list):
        value = tuple(cast("list[Any]", value))
    fitted = fit(value, slot.spec)
    # A `number` node's whole number stays exact for those who read it.
    return value if type(value) is int and not slot.many else fitted
