"""Pieces of work: what makes frames, whom it belongs to, and who runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from vidflow.values.reading import Pipeline


class Owner(Protocol):
    """The node that a piece of work belongs to."""

    watched: bool

    @property
    def lane(self) -> str: ...

    def failed(self, error: Exception, frame: int | None = None) -> Exception:
        """The error to raise for one that the node's code raised, in making frame `frame`."""
        ...

    def start(self) -> None:
        """The first of the node's work begins; later calls mean nothing."""
        ...

    def expect(self, frames: int) -> None:
        """A reader will ask for so many frames of its output."""
        ...

    def spent(self, seconds: float, frames: int) -> None:
        """Time that the node's code took, and the frames of its output made in it."""
        ...

    def showed(self, index: int, frame: Any) -> None:
        """Frame `index` of the node's output was made, and somebody watches."""
        ...


class Executor(Protocol):
    """Who runs pieces of work."""

    may_wait: bool
    """Whether who reads may wait for frames that somebody else makes; code on a lane may not."""

    def drain(self, pipeline: Pipeline) -> None:
        """Run the pieces of a reader that has left, where nobody else does."""
        ...

    def submit(self, piece: Piece) -> None:
        """Run `piece` some time, on the lane of its owner."""
        ...

    def checkpoint(self) -> None:
        """Called between two frames of a piece: raises Cancelled, or does more urgent work first."""
        ...

    def wait(self, pipeline: Pipeline, done: Callable[[], bool]) -> None:
        """Return when `done()` holds; `pipeline.changed` is notified whenever that may be."""
        ...

    def go_ahead(self, nbytes: int) -> bool:
        """Whether one more batch, which needs so many bytes, may be asked for before the reader takes the last."""
        ...

    def fall_back(self, nbytes: int) -> None:
        """Give back what `go_ahead` granted."""
        ...


class Piece:
    """A unit of work: it runs when all pieces it needs are done, and its result is a list of frames."""

    __slots__ = ("__weakref__", "after", "always", "done", "error", "make", "owner", "pipeline", "result", "waiting")

    def __init__(self, pipeline: Pipeline, owner: Owner | None, make: Callable[[], list[Any]] | None) -> None:
        self.pipeline = pipeline
        self.owner = owner
        self.make = make
        self.waiting = 0
        self.after: list[Piece] = []
        self.result: list[Any] = []
        self.error: BaseException | None = None
        self.done = False
        self.always = False
        """Whether it runs even when its reader has left."""

    def work(self) -> tuple[list[Any], BaseException | None]:
        """Do the work: the frames made, or what went wrong."""
        make, self.make = self.make, None
        began = perf_counter()
        try:
            if self.pipeline.stopped and not self.always:
                raise self.pipeline.stopped
            assert make is not None
            if self.owner is not None:
                self.owner.start()
            return make(), None
        except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
            return [], error
        finally:
            self.pipeline.seconds += perf_counter() - began

    def run(self) -> None:
        """Do the work and let the pieces start that waited for it."""
        self.complete(*self.work())

    def complete(self, result: list[Any], error: BaseException | None = None) -> None:
        """Hand over the result."""
        pipeline = self.pipeline
        with pipeline.lock:
            self.result, self.error, self.done = result, error, True
            ready = [piece for piece in self.after if not _still_waits(piece)]
            self.after = []
            pipeline.changed.notify_all()
        for piece in ready:
            pipeline.executor.submit(piece)


def _still_waits(piece: Piece) -> bool:
    piece.waiting -= 1
    return piece.waiting > 0


Slot: TypeAlias = tuple[Piece, int]
"""Where a frame will be: a piece, and the place in its result."""
Slots: TypeAlias = dict[int, Slot]


def collected(slots: Sequence[Slot]) -> list[Any]:
    """The frames at `slots`, whose pieces are done; raises the error of the first that failed."""
    frames: list[Any] = []
    for piece, place in slots:
        if piece.error is not None:
            raise piece.error
        frames.append(piece.result[place])
    return frames


def lane_of(owner: Owner | None) -> str:
    """The lane that an owner's frames are made on."""
    return owner.lane if owner is not None else "cpu"
