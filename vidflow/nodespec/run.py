"""What a node's body may ask of the engine: the protocol behind a parameter `run: Run`."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from vidflow.nodespec.spec import Lane

T = TypeVar("T")


class Run(Protocol):
    """The engine as a body sees it. Given to a parameter annotated `run: Run`."""

    @property
    def state(self) -> MutableMapping[str, Any]:
        """A small durable mapping of JSON values, kept under the node's key at once when it is written; what a
        hosted job notes there is found again after a crash."""
        ...

    @property
    def device(self) -> str:
        """The device of the GPU lane, as torch names it: `cuda:0`, or `cpu` where there is none."""
        ...

    @property
    def watched(self) -> bool:
        """Whether somebody looks at the pictures that `step` is given; where not, they need not be made."""
        ...

    def digest(self, path: Path) -> str:
        """The digest of a file's content, remembered from run to run; it changes no key. Raises MediaError."""
        ...

    def step(self, k: int, total: int, preview: Any = None) -> None:
        """Say that step `k` of `total` is done, with a picture `[h, w, 3]` of how it looks so far.

        Raises Cancelled where the run was cancelled; more urgent work of the lane is done inside the call.
        """
        ...

    def piece(self, make: Callable[..., T], *args: Any, lane: Lane | None = None) -> T:
        """`make(*args)` as one piece on a lane, by default the node's, while the calling body waits."""
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

    def provenance(self) -> str | None:
        """What makes the values that this sink reads, as JSON text to stand beside the graph in a file: versions of
        vidflow, node types and libraries, the device, models and the marks of files, and no path. None, with a note,
        where it is too long. It changes no key."""
        ...

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """A plain value made once per key and stored, for what is prepared from many frames."""
        ...

    def note(self, text: str) -> None:
        """Say something about this result; shown with the finished node."""
        ...
