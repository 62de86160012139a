"""From plain mappings, as JSON gives them, to a `Graph`; everything that has the wrong shape is named at once."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, cast

from vidflow.errors import Problem
from vidflow.graph.document import ID, SUBGRAPH, Graph, Input, Link, Node, Plain, Subgraph
from vidflow.graph.locate import Trail
from vidflow.graph.wording import cut, shown

MAX_PROBLEMS = 200
"""How many are named; whoever has more has another kind of file."""
MAX_DEPTH = 64
"""How deep objects and lists may be nested in parts of the file that vidflow only keeps."""
MAX_BITS = 4096
"""How long a whole number may be; JSON allows any, Python prints only those below some 14,000 bits."""

_GRAPH = frozenset({"vidflow", "nodes", "graphs", "view"})
_SUBGRAPH = frozenset({"nodes", "inputs", "outputs", "view"})
_NODE = frozenset({"type", "inputs", "off"})
_LINK = frozenset({"from"})
_is_id = ID.fullmatch


class Shaper:
    """Reads one document. `problems` holds what was wrong, each with the path to its place."""

    def __init__(self) -> None:
        self.problems: list[tuple[Trail, Problem]] = []
        self.more = 0

    def graph(self, raw: Mapping[str, Any]) -> Graph:
        """The document; without meaning where there are problems."""
        at: Trail = ()
        if "nodes" not in raw:
            self._wrong(at, "The field 'nodes' is missing.", hint='A graph without nodes has "nodes": {}.')
        subgraphs: dict[str, Subgraph] = {}
        for name, definition in self._object(raw.get("graphs", {}), ("graphs",), "'graphs'").items():
            here = ("graphs", name)
            self._id(name, here, "the name of a subgraph")
            if isinstance(definition, Mapping):
                subgraphs[name] = self._subgraph(cast("Mapping[str, Any]", definition), here)
            else:
                self._wrong(here, f"The subgraph {shown(name)} is {shown(definition)}; expected an object.")
        return Graph(
            self._nodes(raw.get("nodes", {}), ("nodes",)),
            subgraphs,
            self.view(raw.get("view", {}), ("view",)),
            self._extra(raw, _GRAPH, at),
            tuple(raw),
        )

    def _subgraph(self, raw: Mapping[str, Any], at: Trail) -> Subgraph:
        if "nodes" not in raw:
            self._wrong(at, f"The subgraph {shown(at[-1])} has no field 'nodes'.")
        inputs: dict[str, tuple[str, ...]] = {}
        for port, targets in self._object(raw.get("inputs", {}), (*at, "inputs"), "'inputs'").items():
            here = (*at, "inputs", port)
            self._id(port, here, "the name of a port")
            given = cast("list[Any]", targets) if isinstance(targets, list | tuple) else None
            if given is None or not all(isinstance(t, str) and _is_target(t) for t in given):
                self._wrong(here, f"The port {shown(port)} is {shown(targets)}; expected a list of 'node.input'.")
                continue
            inputs[port] = tuple(given)
        outputs: dict[str, Link] = {}
        for port, source in self._object(raw.get("outputs", {}), (*at, "outputs"), "'outputs'").items():
            here = (*at, "outputs", port)
            self._id(port, here, "the name of a port")
            link = self._link(cast("Mapping[str, Any]", source), here) if isinstance(source, Mapping) else None
            if link is not None:
                outputs[port] = link
            elif not isinstance(source, Mapping):
                self._wrong(here, f'The port {shown(port)} is {shown(source)}; expected {{"from": "node"}}.')
        return Subgraph(
            self._nodes(raw.get("nodes", {}), (*at, "nodes")),
            inputs,
            outputs,
            self.view(raw.get("view", {}), (*at, "view")),
            self._extra(raw, _SUBGRAPH, at),
            tuple(raw),
        )

    def _nodes(self, raw: Any, at: Trail) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for name, node in self._object(raw, at, "'nodes'").items():
            if not _is_id(name):
                self._id(name, (*at, name), "the id of a node")
            if not isinstance(node, Mapping):
                self._wrong((*at, name), f"A node is an object, not {shown(node)}.", node=name)
                continue
            nodes[name] = self._node(name, cast("Mapping[str, Any]", node), at)
        return nodes

    def _node(self, name: str, raw: Mapping[str, Any], at: Trail) -> Node:
        kind = raw.get("type")
        if not isinstance(kind, str) or not kind:
            given = "is missing" if "type" not in raw else f"is {shown(kind)}; expected the name of a node type"
            self._wrong((*at, name), f"The field 'type' {given}.", node=name)
            kind = "?"
        given = raw.get("inputs")
        inputs: dict[str, Input] = {}
        if isinstance(given, Mapping):
            for key, value in cast("Mapping[str, Any]", given).items():
                cls = value.__class__
                if cls is str or cls is bool or value is None:
                    inputs[key] = value
                else:
                    inputs[key] = self._input(value, name, key, at)
                if type(key) is not str:
                    self._wrong((*at, name), f"The name of an input is {shown(key)}; expected text.", node=name)
        elif "inputs" in raw:
            self._wrong((*at, name, "inputs"), f"'inputs' is {shown(given)}; expected an object.", node=name)
        off = raw.get("off", False)
        if type(off) is not bool:
            self._wrong((*at, name, "off"), f"'off' is {shown(off)}; expected true or false.", node=name)
        fields = tuple(raw)
        extra = {} if _NODE.issuperset(fields) else self._extra(raw, _NODE, (*at, name), node=name)
        return Node(kind, inputs, off is True, extra, fields)

    def _input(self, value: Any, node: str, name: str, at: Trail) -> Input:
        """What stands at an input and is not plainly text, true, false or null."""
        if isinstance(value, Mapping):
            here = (*at, node, "inputs", name)
            return self._link(cast("Mapping[str, Any]", value), here, node=node, input=name)
        if isinstance(value, list | tuple):
            items: list[Plain | Link] = []
            for index, item in enumerate(cast("list[Any]", value)):
                here = (*at, node, "inputs", name, index)
                if isinstance(item, Mapping):
                    link = self._link(cast("Mapping[str, Any]", item), here, node=node, input=name)
                    items.append(link)
                else:
                    items.append(self._plain(item, here, node=node, input=name))
            return tuple(items)
        return self._plain(value, (*at, node, "inputs", name), node=node, input=name)

    def _link(self, raw: Mapping[str, Any], at: Trail, *, node: str | None = None, input: str | None = None) -> Link:
        source = raw.get("from")
        if isinstance(source, str):
            name, dot, output = source.partition(".")
            if _is_id(name) and (not dot or _is_id(output)):
                extra = {} if len(raw) == 1 else self._extra(raw, _LINK, at, node=node)
                return Link(name, output if dot else None, extra)
        given = f'"from" is {shown(source)}' if "from" in raw else 'this object has no "from"'
        self._wrong(
            at,
            f"A link names a node or one of its outputs, but {given}.",
            node=node,
            input=input,
            hint='Write {"from": "node"} or {"from": "node.output"}.',
        )
        return Link("?")

    def _plain(self, value: Any, at: Trail, *, node: str | None = None, input: str | None = None) -> Plain:
        kind = value.__class__
        if value is None or kind is str or kind is bool:
            return value
        if kind is int:
            if value.bit_length() <= MAX_BITS:
                return value
            self._wrong(at, f"{shown(value)} is too long a number.", node=node, input=input, code="bad-number")
            return 0
        if kind is float:
            if isfinite(value):
                return value
            self._wrong(at, f"{value} is not a finite number.", node=node, input=input, code="bad-number")
            return 0
        # From Python, not from JSON: paths, and numbers of other libraries.
        if isinstance(value, float):
            return self._plain(float(value), at, node=node, input=input)
        if hasattr(value, "__index__"):
            return self._plain(operator.index(value), at, node=node, input=input)
        if isinstance(value, os.PathLike):
            path = os.fspath(cast("os.PathLike[str]", value))
            if type(path) is str:
                return path
        if isinstance(value, list | tuple):
            self._wrong(at, "A list stands inside a list.", node=node, input=input, hint="Lists hold values and links.")
            return None
        self._wrong(
            at,
            f"{shown(value)} is no value of a graph; expected a number, text, true, false, null, a link or a list.",
            node=node,
            input=input,
        )
        return None

    def view(self, raw: Any, at: Trail) -> dict[str, Any]:
        """The layout, of which only the positions have a form."""
        view = self._object(raw, at, "'view'")
        if "nodes" in view:
            for name, entry in self._object(view["nodes"], (*at, "nodes"), "'nodes' of the view").items():
                if not isinstance(entry, Mapping):
                    here = (*at, "nodes", name)
                    self._wrong(here, f"The layout of {shown(name)} is {shown(entry)}; expected an object.")
                    continue
                spot = cast("Mapping[str, Any]", entry).get("at", (0, 0))
                if not (
                    isinstance(spot, list | tuple)
                    and len(cast("list[Any]", spot)) == 2
                    and all(type(part) in (int, float) for part in cast("list[Any]", spot))
                ):
                    self._wrong((*at, "nodes", name, "at"), f"The position of {shown(name)} is not two numbers.")
        return {key: self._kept(value, (*at, key)) for key, value in view.items()}

    def _extra(
        self, raw: Mapping[str, Any], known: frozenset[str], at: Trail, *, node: str | None = None
    ) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        for key, value in raw.items():
            if key in known:
                continue
            if type(key) is not str:
                self._wrong(at, f"The name of a field is {shown(key)}; expected text.", node=node)
                continue
            extra[key] = self._kept(value, (*at, key))
        return extra

    def _kept(self, value: Any, at: Trail) -> Any:
        """A copy of what vidflow only keeps, with tuples for lists."""
        kind = value.__class__
        if kind is str or kind is bool or value is None:
            return value
        if kind is int or kind is float:
            return self._plain(value, at)
        if len(at) > MAX_DEPTH:
            self._wrong(at, f"This is nested deeper than {MAX_DEPTH} levels.", code="too-deep")
            return None
        if isinstance(value, list | tuple):
            return tuple([self._kept(item, (*at, index)) for index, item in enumerate(cast("list[Any]", value))])
        if isinstance(value, Mapping):
            kept: dict[str, Any] = {}
            for key, item in cast("Mapping[Any, Any]", value).items():
                if type(key) is not str:
                    self._wrong(at, f"The name of a field is {shown(key)}; expected text.")
                    continue
                kept[key] = self._kept(item, (*at, key))
            return kept
        self._wrong(at, f"{shown(value)} cannot stand in a graph file.")
        return None

    def _object(self, raw: Any, at: Trail, what: str) -> dict[str, Any]:
        if isinstance(raw, Mapping):
            given = cast("Mapping[Any, Any]", raw)
            for key in given:
                if type(key) is not str:
                    self._wrong(at, f"The name {shown(key)} in {what} is no text.")
            return {key: value for key, value in given.items() if type(key) is str}
        self._wrong(at, f"{what} is {shown(raw)}; expected an object.")
        return {}

    def _id(self, name: str, at: Trail, what: str) -> None:
        if not _is_id(name):
            self._wrong(
                at,
                f"{shown(name)} cannot be {what}.",
                hint="A name begins with a letter or _ and goes on with letters, digits, _ and -.",
                code="bad-id",
            )

    def _wrong(
        self,
        at: Trail,
        message: str,
        *,
        node: str | None = None,
        input: str | None = None,
        hint: str = "",
        code: str = "wrong-shape",
    ) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            self.more += 1
            return
        if node is not None and len(at) > 3 and at[0] == "graphs":
            node = f"{SUBGRAPH}{at[1]}/{node}"
        self.problems.append((at, Problem(code, cut(message), node, input, hint)))


def view_problems(path: Sequence[str], value: Any) -> list[Problem]:
    """What keeps `value` from standing in a layout under the keys `path`."""
    shaper = Shaper()
    for key in reversed(path):
        value = {key: value}
    shaper.view(value, ("view",))
    return [problem for _, problem in shaper.problems]


def _is_target(text: str) -> bool:
    node, dot, name = text.partition(".")
    return bool(dot and _is_id(node) and _is_id(name))
