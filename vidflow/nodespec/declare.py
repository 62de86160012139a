"""`@node`: mark a typed function as a node. Marking has no effect beyond the function itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from vidflow.nodespec.rules import Rule
    from vidflow.nodespec.spec import Lane

F = TypeVar("F", bound=Callable[..., object])
MARK = "__vidflow_node__"


@dataclass(frozen=True, slots=True)
class Mark:
    """What `@node` was told; everything else is read from the signature when the pack is loaded."""

    title: str
    category: str
    version: int
    lane: Lane
    sink: bool
    dear: bool
    replaces: tuple[str, ...]
    rule: Rule | None


def node(
    function: object = None,
    *,
    title: str = "",
    category: str = "",
    version: int = 1,
    lane: Lane = "cpu",
    sink: bool = False,
    dear: bool = False,
    replaces: str | tuple[str, ...] = (),
    rule: Rule | None = None,
) -> Callable[[F], F]:
    """Mark a function as a node; it stays callable as it was.

    `version` is raised whenever what it computes changes. `lane` says where it runs. A `sink` writes files or has
    another effect, so it always runs. `dear` says that its video is dear to make and is kept on disk. `replaces`
    names the types it was called before. `rule` looks before a run at what is known of its inputs together.
    """

    if function is not None or (not title and not category):
        raise TypeError('write @node(title="...", category="...")')

    def mark(function: F) -> F:
        setattr(
            function,
            MARK,
            Mark(
                title,
                category,
                version,
                lane,
                sink,
                dear,
                (replaces,) if isinstance(replaces, str) else tuple(replaces),
                rule,
            ),
        )
        return function

    return mark
