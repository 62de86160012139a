"""Reading a video: what it is made from is laid out as stages, and every batch asked for becomes a few pieces of work.

A `Pipeline` belongs to one reader and shares nothing with others, so no diamond, join or pair of slow and fast readers
can lock. A batch is planned in two passes over the stages, both plain loops: from the output to the sources, which
frames of which stage are needed (so that two branches of one source ask for a frame once); then from the sources to the
output, the pieces that make them. A piece starts when the pieces it needs are done and never waits inside. How far a
reader runs ahead is how many batches it has asked for; who runs the pieces is an `Executor`.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, Protocol, TypeAlias

from vidflow.errors import Cancelled
from vidflow.values.frames import Frames
from vidflow.values.video import Depth, FrameReader, Join, Map, Resample, Source, Video, VideoInfo

TELL_EVERY = 0.1
"""Seconds: how often the owners of a long piece hear how far it is."""
MOST_FRAMES = 64
"""In one batch, however small they are."""
LONGEST_BATCH = 0.5
"""Seconds: batches are made smaller where they would take longer, so that what follows can begin."""


class Owner(Protocol):
    """The node that a piece of work belongs to."""

    watched: bool

    @property
    def lane(self) -> str: ...

    def failed(self, error: Exception) -> Exception:
        """The error to raise for one that the node's code raised."""
        ...

    def start(self) -> None:
        """The first of the node's work begins; later calls mean nothing."""
        ...

    def spent(self, seconds: float, frames: int) -> None:
        """Time that the node's code took, and the frames of its output made in it."""
        ...

    def showed(self, index: int, frame: Any) -> None:
        """Frame `index` of the node's output was made, and somebody watches."""
        ...


class Executor(Protocol):
    """Who runs pieces of work."""

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


class Stage:
    """One part of a pipeline. `plan` says what a batch needs of each input; `build` makes the pieces that make it."""

    def __init__(self, inputs: Sequence[int], info: VideoInfo, owner: Owner | None) -> None:
        self.inputs = tuple(inputs)
        self.info = info
        self.owner = owner

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        """For each input, the range that reading `start` to `stop` of this stage covers wholly."""
        return [(start, stop) for _ in self.inputs]

    def plan(self, wanted: list[int]) -> list[list[int]]:
        """For each input, the frames needed for the frames `wanted`; both ascending."""
        return [wanted for _ in self.inputs]

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        """The pieces that make `wanted`, given where the frames of the inputs will be."""
        raise NotImplementedError

    def gate(self) -> Piece | None:
        """A piece that must be done before the inputs' own pieces of this batch begin."""
        return None

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

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        slots: Slots = {}
        batch = self.info.batch
        for start, stop in runs(wanted, batch):
            cursor = self._cursor(start)
            piece = pipeline.piece(self.owner, cursor.reading(self.owner, start, stop), [cursor.last()])
            cursor.at, cursor.last = stop, weakref.ref(piece)
            slots.update((start + place, (piece, place)) for place in range(stop - start))
        return slots

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

    def reading(self, owner: Owner | None, start: int, stop: int) -> Callable[[], list[Any]]:
        def read() -> list[Any]:
            began = perf_counter()
            try:
                with self._lock:
                    if self._closed:
                        raise Cancelled
                    if self._reader is None:
                        self._reader = self._open()
                    frames = list(self._reader.read(start, stop))
            except Exception as error:
                raise _blamed(owner, error) from error
            if len(frames) != stop - start:
                raise _blamed(
                    owner, ValueError(f"a source gave {len(frames)} frames where {stop - start} were asked for")
                )
            if owner is not None:
                owner.spent(perf_counter() - began, len(frames))
            return frames

        return read

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()


class _Step:
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

    def __init__(self, source: int, step: _Step) -> None:
        # A step that only passes frames on belongs on no node's lane.
        super().__init__((source,), step.info, step.owner if step.make else None)
        self.steps = [step]

    def append(self, step: _Step) -> None:
        """One more function at the end."""
        self.steps.append(step)
        self.info = step.info

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
                    frame = _apply(step, frame)
                    seconds[number] += perf_counter() - began
                    if step.ends and step.owner is not None and step.owner.watched:
                        step.owner.showed(index, frame)
                made.append(frame)
                if began - since > TELL_EVERY:
                    tell()
                    told, since = len(made), began
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
        self._limit = op.source.info.frames
        self._asked: dict[int, Sequence[int]] = {}
        self._held: Slots = {}

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        if start >= stop:
            return [(0, 0)]
        ends = [*self._needs(start), *self._needs(stop - 1)]
        return [(min(ends), max(ends) + 1)] if ends else [(0, 0)]

    def plan(self, wanted: list[int]) -> list[list[int]]:
        self._asked = {index: self._needs(index) for index in wanted}
        needed = sorted({source for sources in self._asked.values() for source in sources})
        if needed and not 0 <= needed[0] <= needed[-1] < self._limit:
            raise _blamed(self.owner, IndexError(f"needs() asked for frame {needed[-1]} of {self._limit}"))
        self._held = {index: slot for index, slot in self._held.items() if index in set(needed)}
        return [[index for index in needed if index not in self._held]]

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        self._held = self._held | given[0]
        asked, held, make, owner = self._asked, self._held, self._make, self.owner
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
                    frame = make([read_only(frame) for frame in collected(inputs[index])], index)
                    made.append(_checked(frame, shape, dtype))
                except Exception as error:
                    raise _blamed(owner, error) from error
                spent += perf_counter() - began
            if owner is not None:
                owner.spent(spent, 0)
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


class Pipeline:
    """The stages behind one video, for one reader."""

    def __init__(self, video: Video, executor: Executor, owner: Owner | None = None) -> None:
        self.executor = executor
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.stopped: BaseException | None = None
        self._gate: Piece | None = None
        self.seconds = 0.0
        """What all pieces took so far."""
        self.stages: list[Stage] = []
        self._lay_out(video, owner)
        largest = max(stage.info.frame_bytes for stage in self.stages)
        self.batch = min(MOST_FRAMES, *(stage.info.batch for stage in self.stages))
        self.batch_bytes = self.batch * largest

    def _lay_out(self, video: Video, owner: Owner | None) -> None:
        """The stages in topological order, found without recursion; one for each description, however often read."""
        found: dict[int, tuple[Any, VideoInfo, Owner | None]] = {}
        readers: dict[int, int] = {}
        visited: set[int] = set()
        todo: list[tuple[Video, Owner | None, bool]] = [(video, owner, False)]
        while todo:
            current, whose, ready = todo.pop()
            op = current.made_by
            if ready:
                found[id(op)] = (op, current.info, whose)
                continue
            if id(op) in visited:
                continue
            visited.add(id(op))
            todo.append((current, whose, True))
            inner = op.owner if isinstance(op, Boundary) else whose
            for source in reversed(inputs_of(op)):
                readers[id(source.made_by)] = readers.get(id(source.made_by), 0) + 1
                todo.append((source, inner, False))
        numbers: dict[int, int] = {}
        for key, (op, info, whose) in found.items():
            sources = [id(source.made_by) for source in inputs_of(op)]
            alone = len(sources) == 1 and readers[sources[0]] == 1
            numbers[key] = self._add(op, info, whose, [numbers[source] for source in sources], alone)
            if isinstance(op, Source):
                stage = self.stages[numbers[key]]
                assert isinstance(stage, SourceStage)
                stage.readers = readers.get(key, 1)

    def _add(self, op: Any, info: VideoInfo, owner: Owner | None, inputs: list[int], alone: bool) -> int:
        """The number of the stage that gives what `op` describes; `alone` where nothing else reads its one input."""
        if isinstance(op, Map | Boundary):
            whose = op.owner if isinstance(op, Boundary) else owner
            step = _Step(op if isinstance(op, Map) else None, info, whose)
            before = self.stages[inputs[0]]
            lane = lane_of(before.owner) if step.make is None else lane_of(whose)
            if alone and isinstance(before, ChainStage) and lane_of(before.owner) == lane:
                last = before.steps[-1]
                if isinstance(op, Boundary) and last.owner is whose and not last.ends:
                    last.ends = True
                else:
                    before.append(step)
                return inputs[0]
            return self._new(ChainStage(inputs[0], step))
        if isinstance(op, Source):
            return self._new(SourceStage(op, info, owner))
        if isinstance(op, Resample):
            return self._new(ResampleStage(op, inputs[0], info, owner))
        if isinstance(op, Join):
            return self._new(JoinStage(op, inputs, info, owner))
        return self._new(op.stage(inputs, info))

    def _new(self, stage: Stage) -> int:
        self.stages.append(stage)
        return len(self.stages) - 1

    def cover(self, start: int, stop: int) -> None:
        """Tell every stage which range of it the whole read covers."""
        spans: list[tuple[int, int] | None] = [None] * len(self.stages)
        spans[-1] = (start, stop)
        for number in reversed(range(len(self.stages))):
            stage, span = self.stages[number], spans[number]
            if span is None or span[0] >= span[1]:
                continue
            covered = getattr(stage, "covered", None)
            if covered is not None:
                covered(*span)
            for source, (low, high) in zip(stage.inputs, stage.span(*span), strict=True):
                old = spans[source]
                if low < high:
                    spans[source] = (low, high) if old is None else (min(old[0], low), max(old[1], high))

    def piece(
        self,
        owner: Owner | None,
        make: Callable[[], list[Any]],
        needs: Sequence[Piece | None],
        always: bool = False,
    ) -> Piece:
        """A piece that runs `make` once all `needs` are done; `always` also where the reader has left meanwhile."""
        piece = Piece(self, owner, make)
        piece.always = always
        unique = {id(need): need for need in (*needs, self._gate) if need is not None}
        with self.lock:
            for need in unique.values():
                if not need.done:
                    need.after.append(piece)
                    piece.waiting += 1
            ready = piece.waiting == 0
        if ready:
            self.executor.submit(piece)
        return piece

    def ask(self, start: int, stop: int) -> list[Slot]:
        """Begin to make frames `start` to `stop`, at most one batch; where they will be."""
        wanted: list[list[int]] = [[] for _ in self.stages]
        wanted[-1] = list(range(start, stop))
        needs: list[list[list[int]]] = [[] for _ in self.stages]
        for number in reversed(range(len(self.stages))):
            if wanted[number]:
                stage = self.stages[number]
                needs[number] = stage.plan(wanted[number])
                for source, indices in zip(stage.inputs, needs[number], strict=True):
                    old = wanted[source]
                    wanted[source] = sorted({*old, *indices}) if old and indices else old or indices
        gates = {source: gate for stage in self.stages if (gate := stage.gate()) for source in stage.inputs}
        slots: list[Slots] = [{} for _ in self.stages]
        for number, stage in enumerate(self.stages):
            if wanted[number]:
                self._gate = gates.get(number)
                given = [
                    slots[source] if len(slots[source]) == len(indices) else {i: slots[source][i] for i in indices}
                    for source, indices in zip(stage.inputs, needs[number], strict=True)
                ]
                slots[number] = stage.build(self, wanted[number], given)
        self._gate = None
        return [slots[-1][index] for index in range(start, stop)]

    def next_size(self, size: int, frames: int) -> int:
        """How many frames the batch after one of `size` has, `frames` having been asked for so far."""
        quick = int(LONGEST_BATCH * frames / self.seconds) if self.seconds else size * 2
        return max(1, min(size * 2, quick, self.batch))

    def frames(self, slots: list[Slot]) -> list[Any]:
        """Wait for the frames; raises what went wrong in making them."""
        self.executor.wait(self, lambda: self.stopped is not None or all(piece.done for piece, _ in slots))
        if self.stopped is not None:
            raise self.stopped
        return collected(slots)

    def stop(self, error: BaseException) -> None:
        """Make no more; who waits is told `error`."""
        with self.lock:
            self.stopped = self.stopped or error
            self.changed.notify_all()

    def close(self) -> None:
        """Stop and let go of everything."""
        self.stop(Cancelled())
        for stage in self.stages:
            stage.close()


def read(
    video: Video, start: int, stop: int, executor: Executor, owner: Owner | None = None, ahead: int = 0
) -> Iterator[Frames]:
    """The frames of `video` in batches, `ahead` of them under way beyond the one that is waited for."""
    if start >= stop:
        return
    pipeline = Pipeline(video, executor, owner)
    pipeline.cover(start, stop)
    under_way: deque[tuple[list[Slot], int]] = deque()
    at, size = start, 1
    try:
        while under_way or at < stop:
            while at < stop and len(under_way) <= ahead:
                cost = pipeline.batch_bytes if under_way else 0
                if cost and not executor.go_ahead(cost):
                    break
                end = min(stop, at + size)
                size = pipeline.next_size(size, end - start)
                under_way.append((pipeline.ask(at, end), cost))
                at = end
            slots, cost = under_way.popleft()
            try:
                frames = Frames(pipeline.frames(slots))
            finally:
                executor.fall_back(cost)
            del slots
            yield frames
            del frames
    finally:
        for _, cost in under_way:
            executor.fall_back(cost)
        pipeline.close()


def runs(indices: Sequence[int], longest: int) -> Iterator[tuple[int, int]]:
    """Ascending indices as ranges (start, stop) of at most `longest`."""
    start = previous = indices[0]
    for index in indices[1:]:
        if index != previous + 1 or index - start >= longest:
            yield start, previous + 1
            start = index
        previous = index
    yield start, previous + 1


def inputs_of(op: Any) -> tuple[Video, ...]:
    """The videos that a description is made from."""
    if isinstance(op, Map | Resample | Boundary):
        return (op.source,)
    return getattr(op, "sources", ())


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


def read_only(frame: Any) -> Any:
    """The same frame, protected against a body that would write into what it shares with others."""
    flags = getattr(frame, "flags", None)
    if flags is not None and flags.writeable:
        frame.flags.writeable = False
    return frame


def _apply(step: _Step, frame: Any) -> Any:
    """One step on one frame, its depth converted before and the result checked after."""
    if step.make is None:
        return frame
    try:
        if step.takes is not None:
            frame = converted(frame, step.takes)
        return _checked(step.make(read_only(frame)), step.shape, step.gives)
    except Exception as error:
        raise _blamed(step.owner, error) from error


def _checked(frame: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """The frame that a body gave, clipped where it is float. Raises ValueError for another shape or type."""
    if tuple(frame.shape) != shape:
        raise ValueError(f"gave a frame of shape {list(frame.shape)} where {list(shape)} was promised")
    if dtype == "float32":
        import numpy as np

        if hasattr(frame, "clamp"):
            return frame.clamp(0, 1)
        return np.clip(frame, 0.0, 1.0, dtype=np.float32)
    if str(frame.dtype).removeprefix("torch.") != dtype:
        raise ValueError(f"gave a frame of {frame.dtype} where {dtype} was promised")
    return frame


def converted(frame: Any, dtype: Depth) -> Any:
    """The frame in another depth: 0..255 is 0..1, rounded to the nearest."""
    import numpy as np

    if frame.dtype == dtype:
        return frame
    if dtype == "float32":
        return np.multiply(frame, np.float32(1 / 255), dtype=np.float32)
    return (frame * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _blamed(owner: Owner | None, error: Exception) -> Exception:
    return owner.failed(error) if owner is not None and not isinstance(error, Cancelled) else error


class Inline:
    """Runs pieces in the thread that waits for them: for videos outside any run."""

    def __init__(self) -> None:
        self._local = threading.local()

    def read(self, video: Video, start: int, stop: int) -> Iterator[Frames]:
        """As `Video.read`."""
        return read(video, start, stop, self)

    def submit(self, piece: Piece) -> None:
        """Keep the piece for the next wait of this thread."""
        queue = getattr(self._local, "queue", None)
        if queue is None:
            queue = self._local.queue = deque[Piece]()
        queue.append(piece)

    def checkpoint(self) -> None:
        """Nothing is more urgent here."""

    def wait(self, pipeline: Pipeline, done: Callable[[], bool]) -> None:
        """Run pieces until `done()`; pieces of other threads are waited for."""
        while not done():
            queue: deque[Piece] | None = getattr(self._local, "queue", None)
            if queue:
                queue.popleft().run()
                continue
            with pipeline.lock:
                pipeline.changed.wait_for(done)

    def go_ahead(self, nbytes: int) -> bool:
        """No reader runs ahead in its own thread."""
        return False

    def fall_back(self, nbytes: int) -> None:
        """Nothing was granted."""


INLINE = Inline()
