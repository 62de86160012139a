"""Nodes that are off: what reads one reads its first input of the output's type instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from vidflow.errors import Problem
from vidflow.graph.document import Input, Link, Node
from vidflow.graph.expand import LOST
from vidflow.graph.kinds import Kinds
from vidflow.graph.wording import shown

MAX_ITEMS = 100_000
"""How many items the lists that nodes pass on may have where they are joined into one."""

Place = tuple[str, str]
"""The id of a node and the name of an input."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What comes out of a node that is off. `value` stands at `origin`; it is a Link only to a node that is on, and
    None where nothing is passed on."""

    value: Input
    origin: Place


class Bypass:
    """The nodes of one check without those that are off. `dropped` names, for inputs that are fed by a node that is
    off and passes nothing on, that node."""

    def __init__(self, nodes: Mapping[str, Node], kinds: Kinds, from_set: set[Place]) -> None:
        self._all = nodes
        self._kinds = kinds
        self._from_set = from_set
        self._known: dict[tuple[str, str | None], Passed] = {}
        self._told: set[str] = set()
        self.problems: list[Problem] = []
        self.dropped: dict[Place, str] = {}

    def nodes(self) -> dict[str, Node]:
        """The nodes that are on, with their links going out from nodes that are on."""
        return {id: self._reader(id, node) for id, node in self._all.items() if not node.off}

    def stands_for(self, id: str) -> str | None:
        """The node whose result a node that is off passes on, if there is one."""
        passed = self._through(Link(id), None)
        return passed.value.node if isinstance(passed.value, Link) and not passed.value.node.startswith(LOST) else None

    def _off(self, value: object) -> bool:
        if value.__class__ is not Link:
            return False
        node = self._all.get(cast("Link", value).node)
        return node is not None and node.off

    def _reader(self, id: str, node: Node) -> Node:
        inputs: dict[str, Input] | None = None
        for name, value in node.inputs.items():
            if self._off(value):
                inputs = inputs or dict(node.inputs)
                passed = self._through(cast("Link", value), (id, name))
                result = passed.value
                if isinstance(result, tuple):
                    result = self._joined(result, id, name)
                if result is None:
                    self.dropped[id, name] = cast("Link", value).node
                    del inputs[name]
                    continue
                inputs[name] = result
                if passed.origin in self._from_set:
                    self._from_set.add((id, name))
            elif isinstance(value, tuple) and any(self._off(item) for item in value):
                inputs = inputs or dict(node.inputs)
                inputs[name] = self._joined(value, id, name)
        return node if inputs is None else replace(node, inputs=inputs)

    def _joined(self, items: tuple[Any, ...], id: str, name: str) -> tuple[Any, ...]:
        """The items with those from nodes that are off replaced by what these pass on."""
        found: list[Any] = []
        waiting = list(reversed(items))
        steps = 0
        while waiting:
            item = waiting.pop()
            steps += 1
            if steps > MAX_ITEMS:
                message = f"The lists that come in here have more than {MAX_ITEMS} items together."
                self.problems.append(Problem("too-large", message, id, name))
                return (Link(LOST),)
            if not self._off(item):
                found.append(item)
                continue
            passed = self._through(item, (id, name))
            if isinstance(passed.value, tuple):
                waiting.extend(reversed(passed.value))
            elif passed.value is not None:
                found.append(passed.value)
                if passed.origin in self._from_set:
                    self._from_set.add((id, name))
        return tuple(found)

    def _through(self, link: Link, reader: Place | None) -> Passed:
        """What comes along `link`, which goes out from a node that is off."""
        way: dict[tuple[str, str | None], None] = {}
        origin: Place = (link.node, "")
        while True:
            key = (link.node, link.output)
            known = self._known.get(key)
            if known is not None:
                break
            if key in way:
                circle = [id for id, _ in list(way)[list(way).index(key) :]]
                shortened = circle if len(circle) <= 8 else [*circle[:7], "..."]
                message = (
                    f"These nodes, which are off, feed each other: {' -> '.join([circle[0], *reversed(shortened)])}."
                )
                self.problems.append(Problem("cycle", message, circle[0]))
                known = Passed(Link(LOST), origin)
                break
            way[key] = None
            value, origin = self._step(link, reader)
            # A fault in the next link stands where this node has it.
            reader = origin
            if not self._off(value):
                known = Passed(value, origin)
                break
            link = cast("Link", value)
        for key in way:
            self._known[key] = known
        return known

    def _step(self, link: Link, reader: Place | None) -> tuple[Input, Place]:
        """What stands at the input that the node's output shows."""
        id = link.node
        node = self._all[id]
        kind = self._kinds.get(node.type)
        if kind is None:
            if id not in self._told:
                self._told.add(id)
                message = f"The type {shown(node.type)} is not known, so what this node passes on is not known either."
                self.problems.append(Problem("unknown-type", message, id))
            return Link(LOST), (id, "")
        output = kind.outputs.get(link.output)
        if output is None:
            if reader is not None:
                what = f"no output {shown(link.output)}" if link.output is not None else "no output"
                self.problems.append(Problem("unknown-output", f"{shown(id)} has {what}.", *reader))
            return Link(LOST), (id, "")
        for name, slot in kind.slots.items():
            if slot.type == output:
                if name in node.inputs:
                    return node.inputs[name], (id, name)
                return (slot.spec.default if slot.plain and not slot.required else None), (id, name)
        if id not in self._told and reader is not None:
            self._told.add(id)
            self.problems.append(
                Problem(
                    "off-without-passthrough",
                    "This node is off and has no input of its output's type, so nothing comes out of it.",
                    id,
                    level="note",
                )
            )
        return None, (id, "")
