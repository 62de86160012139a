"""Reading inside the engine: pieces go to lanes, and readers run ahead within one budget of bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vidflow.engine import lanes
from vidflow.errors import Cancelled, VidflowError
from vidflow.values import Frames, Video
from vidflow.values.pieces import Owner, Piece, lane_of
from vidflow.values.reading import Inline, Pipeline, read

if TYPE_CHECKING:
    from vidflow.engine.execution import Execution

AHEAD = 2
"""How many batches a reader has under way beyond the one it waits for, where the budget allows."""


class Budget:
    """How many bytes all readers of an engine together may be ahead."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> bool:
        """Take some of it; False where too little is left."""
        with self._lock:
            if nbytes > self._left:
                return False
            self._left -= nbytes
            return True

    def give(self, nbytes: int) -> None:
        """Give it back."""
        with self._lock:
            self._left += nbytes


class _LaneJob:
    """A piece of a pipeline as a lane runs it."""

    __slots__ = ("_execution", "_piece", "urgency")

    def __init__(self, execution: Execution, piece: Piece) -> None:
        self._execution = execution
        self._piece = piece
        self.urgency = execution.urgency

    @property
    def cancelled(self) -> bool:
        return self._execution.cancelled or self._piece.pipeline.stopped is not None

    def run(self) -> None:
        result, error = self._piece.work()
        with lanes.ending():
            self._piece.complete(result, error)


class OnLane(Inline):
    """For code on a lane that reads: makes the frames there and then, and waits for nobody."""

    may_wait = False

    def checkpoint(self) -> None:
        """As `Executor.checkpoint`."""
        lanes.checkpoint()


ON_LANE = OnLane()


class LaneReading:
    """Runs the pieces of one execution's readers on the engine's lanes; both `Runtime` and `Executor`."""

    __slots__ = ("_execution", "_owner")

    def __init__(self, execution: Execution, owner: Owner | None) -> None:
        self._execution = execution
        self._owner = owner

    def read(self, video: Video, start: int, stop: int) -> Iterator[Frames]:
        """As `Video.read`. Code on a lane must not wait, so it makes its frames itself, there and then."""
        if self._execution.engine.closed:
            raise VidflowError("This video belongs to an engine that is closed; read it before, inside the `with`.")
        if lanes.current_lane() is not None:
            return read(video, start, stop, ON_LANE, self._owner)
        return read(video, start, stop, self, self._owner, AHEAD)

    def submit(self, piece: Piece) -> None:
        """As `Executor.submit`."""
        execution = self._execution
        execution.engine.lanes[lane_of(piece.owner)].submit(_LaneJob(execution, piece))

    checkpoint = staticmethod(lanes.checkpoint)
    may_wait = True

    def drain(self, pipeline: Pipeline) -> None:
        """The lanes run what is left."""

    def wait(self, pipeline: Pipeline, done: Callable[[], bool]) -> None:
        """As `Executor.wait`; ends when the execution is cancelled."""
        execution = self._execution
        with execution.reading:
            execution.pipelines.add(pipeline)
        with pipeline.lock:
            while not done():
                if execution.cancelled:
                    raise Cancelled
                pipeline.changed.wait()

    def go_ahead(self, nbytes: int) -> bool:
        """As `Executor.go_ahead`."""
        return self._execution.engine.budget.take(nbytes)

    def fall_back(self, nbytes: int) -> None:
        """As `Executor.fall_back`."""
        if nbytes:
            self._execution.engine.budget.give(nbytes)
