"""The document: the nodes, links, subgraphs and layout of one graph file, as immutable values.

An edit never changes a value, it makes a new one that shares the rest (`vidflow.graph.edits`), so a reader on another
thread may keep the graph it was given. Mappings keep the order that the file had.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

VERSION = 1
"""The version of the file format that this vidflow writes."""

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What the id of a node, the name of a port and the name of a subgraph must match wholly."""

SUBGRAPH = "graph:"
"""A node of the type `graph:NAME` is an instance of the subgraph NAME."""

_empty = cast("Callable[[], Mapping[str, Any]]", dict)


@dataclass(frozen=True, slots=True)
class Link:
    """The output `output` of `node`; its first output without a name."""

    node: str
    output: str | None = None
    extra: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    """Fields of the file that this version does not know; kept on save."""

    def __str__(self) -> str:
        return self.node if self.output is None else f"{self.node}.{self.output}"


Plain: TypeAlias = int | float | bool | str | None
"""A literal. None is JSON's null, an empty setting."""
Input: TypeAlias = Plain | Link | tuple[Plain | Link, ...]
"""What stands at an input: a literal, a link, or a list of them."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its type, what stands at its inputs, and whether it is off."""

    type: str
    inputs: Mapping[str, Input] = field(default_factory=cast("Callable[[], Mapping[str, Input]]", dict), hash=False)
    off: bool = False
    extra: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    """Fields of the file that this version does not know; kept on save."""
    fields: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """The fields that the file had, in its order, so that saving changes no line."""


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A definition under `graphs`, used by nodes of the type `graph:NAME`."""

    nodes: Mapping[str, Node]
    inputs: Mapping[str, tuple[str, ...]] = field(
        default_factory=cast("Callable[[], Mapping[str, tuple[str, ...]]]", dict), hash=False
    )
    """Each port's targets as `node.input`; what is given at the port goes to all of them."""
    outputs: Mapping[str, Link] = field(default_factory=cast("Callable[[], Mapping[str, Link]]", dict), hash=False)
    view: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    extra: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    fields: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole graph file."""

    nodes: Mapping[str, Node] = field(default_factory=cast("Callable[[], Mapping[str, Node]]", dict), hash=False)
    graphs: Mapping[str, Subgraph] = field(
        default_factory=cast("Callable[[], Mapping[str, Subgraph]]", dict), hash=False
    )
    view: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    """Layout: positions, titles, colours, frames, notes, pins. The engine never reads it."""
    extra: Mapping[str, Any] = field(default_factory=_empty, hash=False)
    fields: tuple[str, ...] = field(default=(), compare=False, repr=False)


def links_in(value: Input) -> tuple[Link, ...]:
    """The links that stand at an input, in their order."""
    if isinstance(value, Link):
        return (value,)
    return tuple(one for one in value if isinstance(one, Link)) if isinstance(value, tuple) else ()
