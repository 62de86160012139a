"""What is known of a node type once its function has been read: `NodeSpec` and its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from vidflow.nodespec.hints import Hint
from vidflow.nodespec.rules import Rule

Lane = Literal["cpu", "gpu", "net"]
Lifted = Literal["uint8", "float32", "any"]

PLAIN = frozenset({"int", "float", "bool", "str"})
"""The types whose literals stand in a graph file; the others only flow along wires."""


@dataclass(frozen=True, slots=True)
class PortType:
    """A type on a wire, the name of a value type or one of `PLAIN`; or a list of it."""

    name: str
    many: bool = False

    def __str__(self) -> str:
        return f"list of {self.name}" if self.many else self.name

    @property
    def plain(self) -> bool:
        """Whether its literals stand in a graph file."""
        return self.name in PLAIN

    def accepts(self, given: PortType) -> bool:
        """Whether an output of type `given` may be linked here: an int fits a float, an image fits a video, and a
        single value fits a list."""
        if given.many and not self.many:
            return False
        return given.name == self.name or (given.name, self.name) in {("int", "float"), ("image", "video")}


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input of a node: a port (its type is a value type) or a setting (plain, with a default or required)."""

    name: str
    type: PortType
    required: bool
    default: Any = None
    nullable: bool = False
    """Whether null, an empty setting, is accepted."""
    hint: Hint = Hint()
    doc: str = ""

    @property
    def is_port(self) -> bool:
        """Whether it can only be fed by a link."""
        return not self.type.plain


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A named output of a node."""

    name: str
    type: PortType
    follows: str | None = None
    """The input whose type it takes: an image comes out where an image goes in."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node type, read from its function. `inputs` and `outputs` are in the order of the signature."""

    type: str
    title: str
    category: str
    version: int
    doc: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    function: Callable[..., Any]
    lane: Lane = "cpu"
    sink: bool = False
    dear: bool = False
    replaces: tuple[str, ...] = ()
    lifted: Lifted | None = None
    """Set where the function works on single frames and the engine lifts it to whole videos; the depth it takes."""
    lifted_to: Lifted | None = None
    """The depth that a lifted function gives."""
    takes_run: bool = False
    streams: bool = False
    """Whether a parameter is a Video or Audio, so that the body runs on a thread of its own."""
    rule: Rule | None = None
    """What it asks of its inputs together."""
    pack: str = "core"
    digest: str = ""
    """Of the pack's source, for packs that are not the core; part of each key."""

    def input(self, name: str) -> InputSpec | None:
        """The input called `name`."""
        for spec in self.inputs:
            if spec.name == name:
                return spec
        return None

    def output(self, name: str | None) -> OutputSpec | None:
        """The output called `name`; the first without a name."""
        if name is None:
            return self.outputs[0] if self.outputs else None
        for spec in self.outputs:
            if spec.name == name:
                return spec
        return None
