"""What made a file, as text to put into it: the graph of a run with all that was set for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from vidflow.errors import GraphError
from vidflow.graph.bypass import Place
from vidflow.graph.document import Graph, Input, Link, Node
from vidflow.graph.expand import Types, expand
from vidflow.graph.files import escaped, to_mapping
from vidflow.graph.kinds import Kind, Kinds, Slot
from vidflow.graph.output_names import safe_name, with_each
from vidflow.graph.overrides import with_set
from vidflow.graph.paths import RESOURCES, Paths
from vidflow.graph.placing import placed, same
from vidflow.graph.wording import Guesses

MAX_TEXT = 10**6
"""The longest text, in bytes, that is put into a movie."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made a file: the document, and what was set for this run (`given`, as `check` takes it; `each` is the
    label of one of several variants)."""

    graph: Graph
    types: Types
    paths: Paths
    given: Mapping[str, Any]
    each: str | None = None
    _texts: dict[tuple[str, bool], str | None] = field(
        default_factory=lambda: cast("dict[tuple[str, bool], str | None]", {}), compare=False, repr=False
    )

    def text(self, beside: Path) -> str | None:
        """The graph as JSON, as it would have to stand in the file `beside` to make that again: with all that was set,
        inputs relative to the file's folder where they lie below it, and names of outputs as they came out. The same
        run gives the same text. None where the document cannot be described."""
        known = (str(beside.parent), beside.stem == self.paths.graph_name)
        if known not in self._texts:
            try:
                self._texts[known] = escaped(_COMPACT(to_mapping(_Settling(self, beside).graph())))
            except (GraphError, RecursionError):
                self._texts[known] = None
        return self._texts[known]


class _Settling:
    """One document with its settings, on its way beside a file."""

    def __init__(self, recipe: Recipe, beside: Path) -> None:
        self._recipe = recipe
        self._paths = recipe.paths
        self._folder = Path(os.path.realpath(beside.parent))
        self._renamed = beside.stem != recipe.paths.graph_name
        self._kinds = Kinds(recipe.graph, recipe.types)

    def graph(self) -> Graph:
        """The document as it is to be kept."""
        graph, guesses = self._recipe.graph, Guesses()
        # What stands in a definition is changed there, so that only what was set for one use of it needs a copy.
        moved = replace(
            graph,
            nodes=self._moved(graph.nodes),
            graphs={name: replace(part, nodes=self._moved(part.nodes)) for name, part in graph.graphs.items()},
        )
        there = expand(moved).nodes
        wanted, places, _ = with_set(expand(graph), self._recipe.given, self._kinds, guesses)
        changes: dict[str, dict[str, Input]] = {}
        for id, node in wanted.items():
            inputs = self._settled(id, node, wanted, places)
            has = there[id].inputs
            changed = {name: value for name, value in inputs.items() if name not in has or not same(value, has[name])}
            if changed:
                changes[id] = changed
        return placed(moved, changes)

    def _moved(self, nodes: Mapping[str, Node]) -> dict[str, Node]:
        """The nodes of the document itself with the literals that are paths in their new form."""
        return {id: self._rewritten(node, self._kinds.get(node.type)) for id, node in nodes.items()}

    def _rewritten(self, node: Node, kind: Kind | None) -> Node:
        inputs: dict[str, Input] = {}
        for slot in kind.roles if kind is not None else ():
            value = node.inputs.get(slot.name)
            if isinstance(value, tuple):
                inputs[slot.name] = tuple([self._text(slot, one) if isinstance(one, str) else one for one in value])
            elif isinstance(value, str):
                inputs[slot.name] = self._text(slot, value)
        return replace(node, inputs={**node.inputs, **inputs}) if inputs else node

    def _settled(self, id: str, node: Node, nodes: Mapping[str, Node], places: set[Place]) -> dict[str, Input]:
        """The literals of an inlined node that is as it was run, paths in their new form."""
        inputs = {name: value for name, value in node.inputs.items() if not _has_links(value)}
        kind = self._kinds.get(node.type)
        for slot in kind.roles if kind is not None else ():
            value = node.inputs.get(slot.name, slot.spec.default)
            if value.__class__ is Link:
                text, place = self._constant(cast("Link", value), nodes)
                new = self._text(slot, text, from_set=place in places) if text is not None else text
                if new is not None and new != text:
                    inputs[slot.name] = new
            elif isinstance(value, tuple) and not _has_links(value):
                there = (id, slot.name) in places
                texts = tuple([self._text(slot, one, from_set=there) if isinstance(one, str) else one for one in value])
                if slot.name in node.inputs or texts != value:
                    inputs[slot.name] = texts
            elif isinstance(value, str):
                new = self._text(slot, value, from_set=(id, slot.name) in places)
                if slot.name in node.inputs or new != value:
                    inputs[slot.name] = new
        return inputs

    def _constant(self, link: Link, nodes: Mapping[str, Node]) -> tuple[str | None, Place]:
        """The text that a `text` node gives along `link`, and where it stands."""
        for _ in range(len(nodes)):
            node = nodes.get(link.node)
            kind = self._kinds.get(node.type) if node is not None else None
            if node is None or node.off or kind is None or not kind.constant:
                break
            value = node.inputs.get("value", kind.defaults.get("value"))
            if value.__class__ is not Link:
                return (value if isinstance(value, str) else None), (link.node, "value")
            link = cast("Link", value)
        return None, (link.node, "value")

    def _text(self, slot: Slot, text: str, *, from_set: bool = False) -> str:
        """A path, or the name of an output, as it has to stand beside the file."""
        if slot.role == "output":
            if self._recipe.each is not None:
                text = with_each(text).replace("{each}", safe_name(self._recipe.each))
            return text.replace("{graph}", safe_name(self._paths.graph_name)) if self._renamed else text
        if not text or text.startswith(RESOURCES) or text in slot.own:
            return text
        try:
            path = self._paths.input(text, from_set)
            if slot.role == "weights" and self._paths.weights(text, from_set) == text:
                # A model in the box, or one of the hub.
                return text
        except GraphError:
            return text
        if not path.is_relative_to(self._folder):
            return str(path)
        below = path.relative_to(self._folder).as_posix()
        return f"./{below}" if below.startswith(RESOURCES) or below in slot.own else below


def _has_links(value: Input) -> bool:
    return value.__class__ is Link or (isinstance(value, tuple) and any(one.__class__ is Link for one in value))
