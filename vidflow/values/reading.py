"""Reading a video: what it is made from is laid out as stages, and every batch asked for becomes a few pieces of work.

A `Pipeline` belongs to one reader and shares nothing with others, so no diamond, join or pair of slow and fast readers
can lock. A batch is planned in two passes over the stages, both plain loops: from the output to the sources, which
frames of which stage are needed (so that two branches of one source ask for a frame once); then from the sources to the
output, the pieces that make them. A piece starts when the pieces it needs are done and never waits inside. How far a
reader runs ahead is how many batches it has asked for; who runs the pieces is an `Executor`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vidflow.errors import Cancelled
from vidflow.values.frames import Frames
from vidflow.values.pieces import Executor, Owner, Piece, Slot, Slots, collected, lane_of
from vidflow.values.stages import (
    Boundary,
    ChainStage,
    JoinStage,
    ResampleStage,
    SourceStage,
    Stage,
    Step,
    inputs_of,
)
from vidflow.values.video import Join, Map, Resample, Source, Video, VideoInfo

MOST_IDLE = 2
"""How many sources stay open that are not read just now: a film of many clips must not hold all their decoders."""
LONGEST_BATCH = 0.5
"""Seconds: batches are made smaller where they would take longer, so that what follows can begin."""


class Pipeline:
    """The stages behind one video, for one reader."""

    def __init__(self, video: Video, executor: Executor, owner: Owner | None = None) -> None:
        self.executor = executor
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stopped: BaseException | None = None
        self._gate: Piece | None = None
        self.seconds = 0.0
        """What all pieces took so far."""
        self.stages: list[Stage] = []
        self._opened: dict[int, SourceStage] = {}
        """The sources that may be open, by number, those asked last at the end."""
        self.queue: deque[Piece] = deque()
        self._lay_out(video, owner)
        for stage in self.stages:
            stage.may_wait = executor.may_wait
        largest = max(stage.info.frame_bytes for stage in self.stages)
        self.batch = min(stage.longest for stage in self.stages)
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
            step = Step(op if isinstance(op, Map) else None, info, whose)
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
            stage.covered(*span)
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
        self._rest(wanted)
        return [slots[-1][index] for index in range(start, stop)]

    def _rest(self, wanted: list[list[int]]) -> None:
        """Let go of what is not read just now, and with it of frames made from that: where it has been read to its end,
        and where another was opened, of what was read longest ago."""
        before = len(self._opened)
        asked = {n: stage for n, stage in enumerate(self.stages) if wanted[n] and isinstance(stage, SourceStage)}
        idle = {number: stage for number, stage in self._opened.items() if number not in asked}
        self._opened = idle | asked
        surplus = len(idle) - MOST_IDLE if len(self._opened) > before else 0
        for place, (number, stage) in enumerate(idle.items()):
            if stage.finished or place < surplus:
                del self._opened[number]
                stage.rest(self)
                gone = {number}
                for later in range(number + 1, len(self.stages)):
                    if not wanted[later] and not gone.isdisjoint(self.stages[later].inputs):
                        self.stages[later].forget()
                        gone.add(later)

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
                try:
                    under_way.append((pipeline.ask(at, end), cost))
                except BaseException:
                    executor.fall_back(cost)
                    raise
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
        executor.drain(pipeline)


class Inline:
    """Runs pieces in the thread that waits for them: for videos outside any run."""

    may_wait = True

    def read(self, video: Video, start: int, stop: int) -> Iterator[Frames]:
        """As `Video.read`."""
        return read(video, start, stop, self)

    def submit(self, piece: Piece) -> None:
        """Keep the piece for who waits; any thread may bring one."""
        pipeline = piece.pipeline
        with pipeline.lock:
            pipeline.queue.append(piece)
            pipeline.changed.notify_all()

    def checkpoint(self) -> None:
        """Nothing is more urgent here."""

    def wait(self, pipeline: Pipeline, done: Callable[[], bool]) -> None:
        """Run pieces until `done()`; pieces of other threads are waited for."""
        while True:
            with pipeline.lock:
                pipeline.changed.wait_for(lambda: done() or pipeline.queue)
                if done():
                    return
                piece = pipeline.queue.popleft()
            piece.run()

    def drain(self, pipeline: Pipeline) -> None:
        """What is left, of which some must run though the reader has left."""
        while pipeline.queue:
            pipeline.queue.popleft().run()

    def go_ahead(self, nbytes: int) -> bool:
        """No reader runs ahead in its own thread."""
        return False

    def fall_back(self, nbytes: int) -> None:
        """Nothing was granted."""


INLINE = Inline()
