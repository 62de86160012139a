"""What a node's body may ask of the engine: the protocol behind a parameter `run: Run`."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Run(Protocol):
    """The engine as a body sees it. Given to a parameter annotated `run: Run`."""

    @property
    def state(self) -> MutableMapping[str, Any]:
        """A small durable mapping of JSON values, kept under the node's key at once when it is written; what a
        hosted job notes there is found again after a crash."""
        ...

    def step(self, k: int, total: int, preview: Any = None) -> None:
        """Say that step `k` of `total` is done, with a picture `[h, w, 3]` of how it looks so far.

        Raises Cancelled where the run was cancelled; more urgent work of the lane is done inside the call.
        """
        ...

    def piece(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`make(*args, **kwargs)` as one piece on the node's lane, while the calling body waits."""
        ...

    def output(self, path: str) -> AbstractContextManager[Path]:
        """A temporary file that becomes `path` when the block ends without an error. Only for sinks."""
        ...

    def part(self, name: str, make: Callable[[Path], None]) -> Path:
        """The part called `name` of an unfinished sink; `make(path)` writes it unless an earlier run already has."""
        ...

    def document(self, beside: Path) -> str | None:
        """The graph of this run as JSON text, with all that was set for it, for a sink to put into its file `beside`:
        paths of inputs are relative to that file's folder where they lie below it. None, with a note where there is
        something to say, where it cannot be described or is too long. It changes no key."""
        ...

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """A plain value made once per key and stored, for what is prepared from many frames."""
        ...

    def note(self, text: str) -> None:
        """Say something about this result; shown with the finished node."""
        ...
