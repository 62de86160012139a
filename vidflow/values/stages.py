"""The stages of a pipeline: what a batch needs of each input, and the pieces that make it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from vidflow.errors import Cancelled
from vidflow.values.frames import Underway, arrived
from vidflow.values.pieces import Owner, Piece, Slots, collected
from vidflow.values.video import Depth, FrameReader, Join, Map, Resample, Source, Video, VideoInfo

if TYPE_CHECKING:
    from vidflow.values.reading import Pipeline

MOST_FRAMES = 64
"""In one batch, however small they are."""
TELL_EVERY = 0.1
"""Seconds: how often the owners of a long piece hear how far it is."""


class Stage:
    """One part of a pipeline. `plan` says what a batch needs of each input; `build` makes the pieces that make it."""

    def __init__(self, inputs: Sequence[int], info: VideoInfo, owner: Owner | None) -> None:
        self.inputs = tuple(inputs)
        self.info = info
        self.owner = owner
        self.longest = min(MOST_FRAMES, info.batch)
        """How many frames a batch has at most."""
        self.may_wait = True
        """Whether frames that somebody else makes may be waited for."""

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        """For each input, the range that reading `start` to `stop` of this stage covers wholly."""
        return [(start, stop) for _ in self.inputs]

    def covered(self, start: int, stop: int) -> None:
        """The whole read covers this range."""

    def plan(self, wanted: list[int]) -> list[list[int]]:
        """For each input, the frames needed for the frames `wanted`; both ascending."""
        return [wanted for _ in self.inputs]

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        """The pieces that make `wanted`, given where the frames of the inputs will be."""
        raise NotImplementedError

    def gate(self) -> Piece | None:
        """A piece that must be done before the inputs' own pieces of this batch begin."""
        return None

    def forget(self) -> None:
        """Let go of frames that are kept in case they are asked for again."""

    def close(self) -> None:
        """Let go of what the stage holds."""


class SourceStage(Stage):
    """Reads frames from outside, each run of them after the one before on the same cursor."""

    def __init__(self, op: Source, info: VideoInfo, owner: Owner | None) -> None:
        super().__init__((), info, owner)
        self._open = op.open
        self._cursors: list[_Cursor] = []
        self.readers = 0
        """How many stages read this one; as many cursors are kept."""
        self._end = info.frames
        self._left = info.frames

    def covered(self, start: int, stop: int) -> None:
        self._end, self._left = stop, stop - start

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        slots: Slots = {}
        self._left -= len(wanted)
        batch = self.info.batch
        for start, stop in runs(wanted, batch):
            cursor = self._cursor(start)
            piece = pipeline.piece(self.owner, cursor.reading(self.owner, start, stop, self._end), [cursor.last()])
            cursor.at, cursor.last = stop, weakref.ref(piece)
            slots.update((start + place, (piece, place)) for place in range(stop - start))
        return slots

    @property
    def finished(self) -> bool:
        """Whether the range that the whole read covers was asked for, or its end was last."""
        return self._left <= 0 or (bool(self._cursors) and self._cursors[-1].at >= self._end)

    def rest(self, pipeline: Pipeline) -> None:
        """Let files go once what was asked for has been read; who asks again opens them again."""
        for cursor in self._cursors:
            piece = pipeline.piece(self.owner, cursor.rest, [cursor.last()])
            cursor.last = weakref.ref(piece)

    def _cursor(self, start: int) -> _Cursor:
        """The cursor that stands nearest before `start`, or one more, or the one used longest ago."""
        before = [cursor for cursor in self._cursors if 0 <= start - cursor.at <= self.info.batch]
        if before:
            cursor = min(before, key=lambda one: start - one.at)
            self._cursors.remove(cursor)
        elif len(self._cursors) < max(1, self.readers):
            cursor = _Cursor(self._open)
        else:
            cursor = self._cursors.pop(0)
        self._cursors.append(cursor)
        return cursor

    def close(self) -> None:
        for cursor in self._cursors:
            cursor.close()


class _Cursor:
    """A `FrameReader`, opened when first used, and where it will stand."""

    def __init__(self, open: Callable[[], FrameReader]) -> None:
        self._open = open
        self._reader: FrameReader | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.at = 0
        self.last: Callable[[], Piece | None] = lambda: None

    def reading(self, owner: Owner | None, start: int, stop: int, end: int) -> Callable[[], list[Any]]:
        """Work that reads frames `start` to `stop`; at `end`, where nobody reads on, files are let go."""

        def read() -> list[Any]:
            began = perf_counter()
            try:
                self._lock.acquire()
                try:
                    if self._closed:
                        raise Cancelled
                    if self._reader is None:
                        self._reader = self._open()
                    frames = list(self._reader.read(start, stop))
                    if stop >= end:
                        self._reader.close()
                        self._reader = None
                finally:
                    self._let_go()
            except Exception as error:
                raise _blamed(owner, error) from error
            if len(frames) != stop - start:
                raise _blamed(
                    owner, ValueError(f"a source gave {len(frames)} frames where {stop - start} were asked for")
                )
            if owner is not None:
                owner.spent(perf_counter() - began, 0)
            return frames

        return read

    def rest(self) -> list[Any]:
        """Let go of files until the next read."""
        with self._lock:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()
        return []

    def close(self) -> None:
        self._closed = True
        # Who reads just now closes it; the collector may call this in that very thread.
        if self._lock.acquire(blocking=False):
            self._let_go()

    def _let_go(self) -> None:
        reader, self._reader = self._reader if self._closed else None, None if self._closed else self._reader
        if reader is not None:
            reader.close()
        self._lock.release()
        # Closed between the look and the release.
        if self._closed and self._reader is not None and self._lock.acquire(blocking=False):
            self._let_go()


class Step:
    """One function of a chain: `make` (None only passes on) with the depth it takes and what it must give."""

    __slots__ = ("ends", "gives", "info", "make", "owner", "seconds", "shape", "takes")

    def __init__(self, op: Map | None, info: VideoInfo, owner: Owner | None) -> None:
        self.make = op.make if op else None
        self.takes: Depth | None = op.takes if op else None
        self.info = info
        self.gives = info.dtype
        self.shape = (info.height, info.width, 3)
        self.owner = owner
        self.ends = op is None
        """Whether its result is the owner's output."""


class ChainStage(Stage):
    """Consecutive functions of single frames on one lane, run frame by frame in a plain loop."""

    def __init__(self, source: int, step: Step) -> None:
        # A step that only passes frames on belongs on no node's lane.
        super().__init__((source,), step.info, step.owner if step.make else None)
        self.steps = [step]

    def append(self, step: Step) -> None:
        """One more function at the end."""
        self.steps.append(step)
        self.info = step.info
        self.longest = min(self.longest, step.info.batch)

    def covered(self, start: int, stop: int) -> None:
        for step in self.steps:
            if step.ends and step.owner is not None:
                step.owner.expect(stop - start)

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        slots = [given[0][index] for index in wanted]
        steps, checkpoint = self.steps, pipeline.executor.checkpoint

        def make() -> list[Any]:
            made: list[Any] = []
            seconds = [0.0] * len(steps)
            told, since = 0, perf_counter()

            def tell() -> None:
                for number, step in enumerate(steps):
                    if step.owner is not None:
                        step.owner.spent(seconds[number], len(made) - told if step.ends else 0)
                    seconds[number] = 0.0

            for step in steps:
                if step.owner is not None:
                    step.owner.start()
            for index, frame in zip(wanted, collected(slots), strict=True):
                began = since
                for number, step in enumerate(steps):
                    checkpoint()
                    began = perf_counter()
                    frame = _apply(step, frame, index)
                    seconds[number] += perf_counter() - began
                    if step.ends and step.owner is not None and step.owner.watched:
                        frame = arrived(frame)
                        step.owner.showed(index, frame)
                made.append(frame)
                if began - since > TELL_EVERY:
                    tell()
                    told, since = len(made), began
            began = perf_counter()
            made = _all_arrived(made, steps[-1].owner)
            seconds[-1] += perf_counter() - began
            tell()
            slots.clear()
            return made

        piece = pipeline.piece(self.owner, make, [slot[0] for slot in slots])
        return {index: (piece, place) for place, index in enumerate(wanted)}


class ResampleStage(Stage):
    """Frames made from several frames of the input, or chosen among them."""

    def __init__(self, op: Resample, source: int, info: VideoInfo, owner: Owner | None) -> None:
        super().__init__((source,), info, owner)
        self._needs = op.needs
        self._make = op.make
        self._takes: Depth | None = op.takes
        self._limit = op.source.info.frames
        self._asked: dict[int, Sequence[int]] = {}
        self._held: Slots = {}

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        if start >= stop:
            return [(0, 0)]
        try:
            ends = [*self._needs(start), *self._needs(stop - 1)]
        except Exception as error:
            raise _blamed(self.owner, error) from error
        return [(min(ends), max(ends) + 1)] if ends else [(0, 0)]

    def plan(self, wanted: list[int]) -> list[list[int]]:
        try:
            self._asked = {index: self._needs(index) for index in wanted}
        except Exception as error:
            raise _blamed(self.owner, error) from error
        needed = sorted({source for sources in self._asked.values() for source in sources})
        if needed and not 0 <= needed[0] <= needed[-1] < self._limit:
            wrong = needed[0] if needed[0] < 0 else needed[-1]
            raise _blamed(self.owner, IndexError(f"needs() asked for frame {wrong} of {self._limit}"))
        again = set(needed)
        self._held = {index: slot for index, slot in self._held.items() if index in again}
        return [[index for index in needed if index not in self._held]]

    def forget(self) -> None:
        self._held = {}

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        self._held = self._held | given[0]
        asked, held, make, owner = self._asked, self._held, self._make, self.owner
        takes = self._takes
        if make is None:
            return {index: held[asked[index][0]] for index in wanted}
        inputs = {index: [held[source] for source in asked[index]] for index in wanted}
        checkpoint = pipeline.executor.checkpoint
        shape, dtype = (self.info.height, self.info.width, 3), self.info.dtype

        def work() -> list[Any]:
            made: list[Any] = []
            spent = 0.0
            for index in wanted:
                checkpoint()
                began = perf_counter()
                try:
                    given = collected(inputs[index])
                    if takes is not None:
                        given = [converted(frame, takes) for frame in given]
                    frame = make([read_only(frame) for frame in given], index)
                    made.append(_checked(frame, shape, dtype))
                except Exception as error:
                    raise _blamed(owner, error, index) from error
                spent += perf_counter() - began
            began = perf_counter()
            made = _all_arrived(made, owner)
            if owner is not None:
                owner.spent(spent + perf_counter() - began, 0)
            inputs.clear()
            return made

        piece = pipeline.piece(owner, work, [slot[0] for slots in inputs.values() for slot in slots])
        return {index: (piece, place) for place, index in enumerate(wanted)}


class JoinStage(Stage):
    """The frames of several inputs, one after the other."""

    def __init__(self, op: Join, inputs: Sequence[int], info: VideoInfo, owner: Owner | None) -> None:
        super().__init__(inputs, info, owner)
        self._starts = [0]
        for video in op.sources:
            self._starts.append(self._starts[-1] + video.info.frames)

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        bounds = zip(self._starts, self._starts[1:], strict=False)
        return [(max(start, low) - low, max(min(stop, high), low) - low) for low, high in bounds]

    def plan(self, wanted: list[int]) -> list[list[int]]:
        shares: list[list[int]] = [[] for _ in self.inputs]
        number = 0
        for index in wanted:
            while index >= self._starts[number + 1]:
                number += 1
            shares[number].append(index - self._starts[number])
        return shares

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        return {
            index + self._starts[number]: slot for number, slots in enumerate(given) for index, slot in slots.items()
        }


class Boundary:
    """Marks a video as the output of a node: what lies behind it, down to the next boundary, is that node's work."""

    __slots__ = ("owner", "source")

    def __init__(self, source: Video, owner: Owner) -> None:
        self.source = source
        self.owner = owner


def inputs_of(op: Any) -> tuple[Video, ...]:
    """The videos that a description is made from."""
    if isinstance(op, Map | Resample | Boundary):
        return (op.source,)
    return getattr(op, "sources", ())


def runs(indices: Sequence[int], longest: int) -> Iterator[tuple[int, int]]:
    """Ascending indices as ranges (start, stop) of at most `longest`."""
    start = previous = indices[0]
    for index in indices[1:]:
        if index != previous + 1 or index - start >= longest:
            yield start, previous + 1
            start = index
        previous = index
    yield start, previous + 1


def read_only(frame: Any) -> Any:
    """The same frame, protected against a body that would write into what it shares with others."""
    flags = getattr(frame, "flags", None)
    if flags is not None and flags.writeable:
        frame.flags.writeable = False
    return frame


def _apply(step: Step, frame: Any, index: int) -> Any:
    """One step on one frame, its depth converted before and the result checked after."""
    if step.make is None:
        return frame
    try:
        frame = arrived(frame)
        if step.takes is not None:
            frame = converted(frame, step.takes)
        return _checked(step.make(read_only(frame)), step.shape, step.gives)
    except Exception as error:
        raise _blamed(step.owner, error, index) from error


def _checked(frame: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """The frame that a body gave, clipped where it is float. Raises ValueError for another shape or type."""
    given = getattr(frame, "shape", None)
    if given is None:
        raise ValueError(f"gave {type(frame).__name__} for a frame; is a `return` missing?")
    if tuple(given) != shape:
        raise ValueError(
            f"gave a frame of shape {list(given)} where {list(shape)} was promised; to change the size, take a Video "
            "and say it: video.map(make, width=..., height=...)"
        )
    if dtype == "float32" and not isinstance(frame, Underway):
        import numpy as np

        if hasattr(frame, "clamp"):
            return frame.clamp(0, 1)
        return np.clip(frame, 0.0, 1.0, dtype=np.float32)
    if str(frame.dtype).removeprefix("torch.") != dtype:
        raise ValueError(
            f"gave a frame of {frame.dtype} where {dtype} was promised; to compute in floats, say "
            "takes='float32', dtype='float32'"
        )
    return frame


def converted(frame: Any, dtype: Depth) -> Any:
    """The frame in another depth: 0..255 is 0..1, rounded to the nearest."""
    import numpy as np

    if frame.dtype == dtype:
        return frame
    if dtype == "float32":
        return np.multiply(frame, np.float32(1 / 255), dtype=np.float32)
    return np.rint(np.fmin(np.fmax(frame, 0), 1) * np.float32(255)).astype(np.uint8)


def _all_arrived(made: list[Any], owner: Owner | None) -> list[Any]:
    try:
        return [arrived(frame) for frame in made]
    except Exception as error:
        raise _blamed(owner, error) from error


def _blamed(owner: Owner | None, error: Exception, frame: int | None = None) -> Exception:
    return owner.failed(error, frame) if owner is not None and not isinstance(error, Cancelled) else error
