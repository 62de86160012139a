"""Rules of a node type that no single input can tell: checked before a run, on what is known of its settings and links.

A node names its rule in `@node(rule=...)`. It is a function of a `Given`; it yields a `Trouble` for each thing that is
wrong, or worth a note. It must be quick and must not import what models run on: `vidflow check` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from vidflow.errors import Level


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that a rule found: the input it is about, one sentence, and what to do."""

    message: str
    input: str | None = None
    hint: str = ""
    level: Level = "error"
    code: str = "cannot-run"


class Given(Protocol):
    """A node as far as it is known before a run."""

    @property
    def type(self) -> str:
        """The node's type."""
        ...

    @property
    def values(self) -> Mapping[str, Any]:
        """The settings that are known; one that another node computes is missing."""
        ...

    @property
    def linked(self) -> frozenset[str]:
        """The inputs that are fed by links."""
        ...

    def source(self, input: str) -> Given | None:
        """The node that feeds an input (the first, where it takes many); None without a link."""
        ...


Rule: TypeAlias = Callable[[Given], Iterator[Trouble]]
