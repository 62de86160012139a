"""Every error that a user of vidflow can meet.

::

    VidflowError
    ├── GraphError        the graph or the arguments are wrong; holds every problem (exit status 2)
    ├── MediaError        a file of pictures or sound cannot be read or written
    ├── ModelError        a checkpoint cannot be found, or cannot be loaded as it is
    ├── PackError         a node pack cannot be loaded
    ├── StoreError        the store cannot be opened or written
    ├── NodeError         raised by a node's body: a message meant for the user
    ├── RunError          the run failed; holds each failure and what did finish (exit status 1)
    └── Cancelled         the run was cancelled (exit status 130)

A message says what was given, what was expected and what to do. The engine adds the node and the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Level = Literal["error", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a graph (`error`), or advice about it (`note`).

    `code` is a stable word for programs (``unknown-type``, ``missing-input``, ...); `message` is one sentence for the
    person, without the place; `hint` says what to do. `line` and `column` count from 1 and are set where the file
    itself could not be read.
    """

    code: str
    message: str
    node: str | None = None
    input: str | None = None
    hint: str = ""
    level: Level = "error"
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """`node.input`, `node`, the name of a field of the document, `line 3, column 7`, or empty."""
        if self.node:
            return f"{self.node}.{self.input}" if self.input else self.node
        if self.line is not None:
            return f"line {self.line}, column {self.column or 1}"
        return self.input or ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text} {self.hint}" if self.hint else text


class VidflowError(Exception):
    """The root of the tree; catching it catches everything that vidflow raises on purpose."""


class GraphError(VidflowError):
    """The graph, its settings or the arguments are wrong. `problems` holds every one of them."""

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MediaError(VidflowError):
    """A file of pictures or sound cannot be read or written. `path` is that file."""

    def __init__(self, path: Path | str, message: str) -> None:
        self.path = path
        super().__init__(f"{path}: {message}")


class ModelError(VidflowError):
    """A checkpoint cannot be found, or cannot be loaded as it is; the message says what to do."""


class PackError(VidflowError):
    """A node pack cannot be loaded. `pack` is its name, `reason` why."""

    def __init__(self, pack: str, reason: str) -> None:
        self.pack = pack
        self.reason = reason
        super().__init__(f"Pack {pack!r} was skipped: {reason}")


class StoreError(VidflowError):
    """The store cannot be opened or written."""


class NodeError(VidflowError):
    """Raised by a node's body when its inputs cannot give a result; the message is shown to the user as it is."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A node that failed: its id, the message, where in which file the error came from, and the input it is about."""

    node: str
    message: str
    origin: str
    cause: BaseException | None = None
    input: str | None = None

    def __str__(self) -> str:
        place = f"{self.node}.{self.input}" if self.input else self.node
        return f"{place}: {self.message}" if place else self.message


class RunError(VidflowError):
    """The run failed. `failures` names each node that failed; `finished` maps the ids of those that finished to their
    values."""

    def __init__(self, failures: Sequence[Failure], finished: object = None) -> None:
        self.failures = tuple(failures)
        self.finished = finished
        super().__init__("\n".join(str(failure) for failure in self.failures))


class Cancelled(VidflowError):
    """The run was cancelled by its caller."""

    def __init__(self, message: str = "The run was cancelled.") -> None:
        super().__init__(message)
