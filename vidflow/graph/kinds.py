"""Node types as the checks look at them: what is asked of each node again and again, looked up once per type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from vidflow.graph.document import SUBGRAPH, Graph
from vidflow.graph.expand import Types, interface
from vidflow.nodespec.hints import File, Folder, Hint, OutputFile, Weights, Words
from vidflow.nodespec.spec import InputSpec, NodeSpec, PortType

Role = Literal["file", "folder", "weights", "output"]


class Slot:
    """An input of a node type."""

    __slots__ = ("judge", "many", "name", "nullable", "own", "plain", "required", "role", "simple", "spec", "type")

    def __init__(self, spec: InputSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.type = spec.type
        self.plain = spec.type.plain
        self.many = spec.type.many
        self.nullable = spec.nullable
        self.required = spec.required
        self.simple: type[Any] | None = None
        """The Python class of a value that needs no more than `judge`; floats and whole numbers have bounds as well."""
        if not self.many:
            self.simple = {"str": str, "bool": bool}.get(spec.type.name)
        self.judge: Callable[[Any], str | None] | None = None
        if type(spec.hint).problem is not Hint.problem:
            self.judge = spec.hint.problem
        self.role: Role | None = None
        if spec.type.name == "str":
            if isinstance(spec.hint, File):
                self.role = "file"
            elif isinstance(spec.hint, Folder):
                self.role = "folder"
            elif isinstance(spec.hint, Weights):
                self.role = "weights"
            elif isinstance(spec.hint, OutputFile):
                self.role = "output"
        self.own = spec.hint.own if isinstance(spec.hint, Weights) else ()
        """Values that are no name of what is read; see `Weights`."""


class Kind:
    """A node type, or a subgraph that is used as one; then `spec` is None."""

    __slots__ = ("constant", "defaults", "follows", "outputs", "required", "roles", "slots", "spec", "worded")

    def __init__(
        self, spec: NodeSpec | None, inputs: tuple[InputSpec, ...], outputs: tuple[tuple[str, PortType], ...]
    ) -> None:
        self.spec = spec
        self.slots = {each.name: Slot(each) for each in inputs}
        self.required = tuple([each.name for each in inputs if each.required])
        self.defaults: dict[str, Any] = {
            each.name: each.default for each in inputs if each.type.plain and not each.required
        }
        self.roles = tuple([slot for slot in self.slots.values() if slot.role is not None])
        self.worded = tuple([each.name for each in inputs if isinstance(each.hint, Words)])
        self.outputs: dict[str | None, PortType] = dict(outputs)
        if outputs:
            self.outputs[None] = outputs[0][1]
        self.follows = spec.outputs[0].follows if spec is not None and spec.outputs else None
        """The input whose type the first output takes."""
        self.constant = spec is not None and spec.pack == "core" and spec.type in ("number", "text")
        """Whether its value stands in the graph already, so that links from it are resolved before the run."""


class Kinds:
    """The kinds of one check, by type; None for a type that is not known."""

    def __init__(self, graph: Graph, types: Types) -> None:
        self._graph = graph
        self._types = types
        self._known: dict[str, Kind | None] = {}

    def get(self, type: str) -> Kind | None:
        """The kind of a node type or of `graph:NAME`."""
        try:
            return self._known[type]
        except KeyError:
            kind = self._known[type] = self._make(type)
            return kind

    def _make(self, type: str) -> Kind | None:
        if type.startswith(SUBGRAPH):
            name = type[len(SUBGRAPH) :]
            if name not in self._graph.graphs:
                return None
            inputs, outputs = interface(self._graph, name, self._types)
            return Kind(None, inputs, tuple([(each.name, each.type) for each in outputs]))
        spec = self._types.get(type)
        if spec is None:
            return None
        return Kind(spec, spec.inputs, tuple([(each.name, each.type) for each in spec.outputs]))
