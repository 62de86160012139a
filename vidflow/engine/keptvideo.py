"""Kept video: a dear node's frames, in closed segments in the store, made once however many read them.

A segment that a read covers wholly is made whole and kept; frames of one covered in part are taken from it where it is
kept, else made alone. While somebody else makes a segment, a thread of its own waits for it, and takes over where the
maker fails; it holds nothing while it waits, so no two can wait for each other.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vidflow.errors import Cancelled, MediaError
from vidflow.values import Frames, Video, VideoInfo
from vidflow.values.pieces import Executor, Piece, Slots, collected
from vidflow.values.reading import Pipeline, read
from vidflow.values.stages import Stage, runs
from vidflow.values.video import BATCH_BYTES

if TYPE_CHECKING:
    from vidflow.engine.claims import Claim
    from vidflow.engine.noderun import NodeRun
    from vidflow.engine.store import Store

LONGEST = 16
_POLL = 0.02


def segment_length(info: VideoInfo) -> int:
    """How many frames a segment has: as many as fit in one batch, at most 16, so that little is lost with one."""
    return max(1, min(LONGEST, BATCH_BYTES // max(1, info.frame_bytes)))


def segment_name(number: int, info: VideoInfo) -> str:
    """The file of a segment; its length is part of the name, so that another version may choose another."""
    return f"{number:06}-{segment_length(info)}.frames"


def is_whole(node: NodeRun, key: str, info: VideoInfo) -> bool:
    """Whether every segment of a video is kept."""
    count = -(-info.frames // segment_length(info))
    return all(node.store.path(key, segment_name(number, info)).exists() for number in range(count))


def kept_ranges(store: Store, key: str, info: VideoInfo) -> list[tuple[int, int]]:
    """Which frames of a video are kept now, as ranges that do not touch."""
    length = segment_length(info)
    found: list[tuple[int, int]] = []
    there = {entry.name for entry in folder.iterdir()} if (folder := store.path(key, "")).is_dir() else set[str]()
    for number in range(-(-info.frames // length)):
        if segment_name(number, info) in there:
            start, stop = number * length, min((number + 1) * length, info.frames)
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, stop))
    return found


class KeptVideo:
    """Describes a video whose frames are kept under `key`. `source` makes them; it is None until it is needed."""

    __slots__ = ("key", "node", "output", "source")

    def __init__(self, node: NodeRun, output: str, key: str, source: Video | None) -> None:
        self.node = node
        self.output = output
        self.key = key
        self.source = source

    @property
    def sources(self) -> tuple[Video, ...]:
        """What a pipeline lays out before this."""
        return () if self.source is None else (self.source,)

    def stage(self, inputs: Sequence[int], info: VideoInfo) -> KeptStage:
        """The stage of a pipeline."""
        return KeptStage(self, inputs, info)


class KeptStage(Stage):
    """Takes frames from the store, or has them made and keeps them."""

    def __init__(self, op: KeptVideo, inputs: Sequence[int], info: VideoInfo) -> None:
        super().__init__(inputs, info, op.node)
        self._op = op
        self._node = op.node
        self._length = self.longest = segment_length(info)
        self._range = (0, 0)
        self._held: tuple[int, Slots] = (-1, {})
        self._claims: dict[int, Claim] = {}
        self._keeping: Callable[[], Piece | None] = lambda: None
        self._made: list[int] = []
        self._alone: list[int] = []

    def covered(self, start: int, stop: int) -> None:
        """The whole read covers this range."""
        self._range = (start, stop)

    def span(self, start: int, stop: int) -> list[tuple[int, int]]:
        return [(start, stop) for _ in self.inputs]

    def _bounds(self, number: int) -> tuple[int, int]:
        return number * self._length, min((number + 1) * self._length, self.info.frames)

    def _is_covered(self, number: int) -> bool:
        start, stop = self._bounds(number)
        return self._range[0] <= start and stop <= self._range[1]

    def plan(self, wanted: list[int]) -> list[list[int]]:
        """Which segments are made here and now, which frames are made alone; the rest comes from elsewhere."""
        self._made, self._alone = [], []
        upstream: list[int] = []
        node, op = self._node, self._op
        if not self.inputs:
            return []
        for number in dict.fromkeys(index // self._length for index in wanted):
            if number == self._held[0] or self._is_kept(number):
                continue
            if node.keeps and self._is_covered(number):
                name = f"{op.key}/{number}"
                claim = node.store.claims.take(name, node.urgency)
                if claim is not None:
                    if self._is_kept(number):
                        claim.release()
                        continue
                    self._claims[number] = claim
                    self._made.append(number)
                    upstream.extend(range(*self._bounds(number)))
                    continue
                other = node.store.claims.holder_urgency(name)
                if self.may_wait and (other is None or other >= node.urgency):
                    continue
            share = [index for index in wanted if index // self._length == number]
            self._alone.extend(share)
            upstream.extend(share)
        return [upstream]

    def gate(self) -> Piece | None:
        """A segment is begun when the one before is on disk: who is killed loses one, and no heap of them can grow."""
        return self._keeping() if self._made else None

    def _is_kept(self, number: int) -> bool:
        return self._node.keeps and self._node.store.path(self._op.key, segment_name(number, self.info)).exists()

    def build(self, pipeline: Pipeline, wanted: list[int], given: list[Slots]) -> Slots:
        slots: Slots = {}
        made, alone = set(self._made), set(self._alone)
        for number in dict.fromkeys(index // self._length for index in wanted):
            share = [index for index in wanted if index // self._length == number]
            if number == self._held[0]:
                slots.update((index, self._held[1][index]) for index in share)
                continue
            if number in made:
                found = self._make(pipeline, number, given[0])
            elif share[0] in alone:
                found = self._round(pipeline, share, given[0])
            elif self._is_kept(number):
                found = self._take(pipeline, number)
            else:
                found = self._wait(pipeline, number, None if self._is_covered(number) and self._node.keeps else share)
            if number in made or len(found) > len(share):
                self._held = (number, found)
            slots.update((index, found[index]) for index in share)
        return slots

    def _round(self, pipeline: Pipeline, indices: list[int], given: Slots) -> Slots:
        """Frames as they would be after keeping: float ones are rounded to 16 bits, kept or not."""
        if self.info.dtype == "uint8":
            return {index: given[index] for index in indices}
        slots = [given[index] for index in indices]

        def rounding() -> list[Any]:
            from vidflow.media.segments import round16

            return [round16(frame) for frame in collected(slots)]

        piece = pipeline.piece(None, rounding, [slot[0] for slot in slots])
        return {index: (piece, place) for place, index in enumerate(indices)}

    def _make(self, pipeline: Pipeline, number: int, given: Slots) -> Slots:
        """The frames of a whole segment, and a piece beside them that keeps it."""
        indices = list(range(*self._bounds(number)))
        found = self._round(pipeline, indices, given)
        slots = [found[index] for index in indices]

        claim, execution = self._claims.pop(number), self._node.execution

        def keep() -> list[Any]:
            try:
                frames = collected(slots)
                slots.clear()
                self._write(number, Frames(frames))
            finally:
                claim.release()
                execution.keeping(-1)
            return []

        execution.keeping(1)
        piece = pipeline.piece(None, keep, [slot[0] for slot in slots], always=True)
        self._keeping = weakref.ref(piece)
        return found

    def _write(self, number: int, frames: Frames) -> None:
        from vidflow.media.segments import write_segment

        node, name = self._node, segment_name(number, self.info)
        # Frames of a file that has changed since its digest are not what this key means.
        node.execution.keys.verify_files()
        node.store.write(self._op.key, name, lambda path: write_segment(path, frames))
        node.store.cost(self._op.key, node.seconds)

    def close(self) -> None:
        for claim in self._claims.values():
            claim.release()

    def _take(self, pipeline: Pipeline, number: int) -> Slots:
        """The frames of a kept segment; where it was evicted meanwhile, a thread has it made again."""
        taken = Piece(pipeline, None, None)

        def take() -> list[Any]:
            try:
                if pipeline.stopped:
                    raise pipeline.stopped
                frames = self._read(number)
            except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
                taken.complete([], error)
                return []
            if frames is None:
                self._by_thread(pipeline, taken, number, None)
            else:
                taken.complete(frames)
            return []

        pipeline.piece(None, take, [], always=True)
        start, stop = self._bounds(number)
        return {index: (taken, index - start) for index in range(start, stop)}

    def _wait(self, pipeline: Pipeline, number: int, share: list[int] | None) -> Slots:
        """Frames that a thread gets: a whole segment, or those of `share` alone."""
        taken = Piece(pipeline, None, None)
        self._by_thread(pipeline, taken, number, share)
        indices = share or range(*self._bounds(number))
        return {index: (taken, place) for place, index in enumerate(indices)}

    def _by_thread(self, pipeline: Pipeline, taken: Piece, number: int, share: list[int] | None) -> None:
        def get() -> None:
            try:
                frames = (
                    self._obtain(pipeline, number) if share is None else self._source_frames(pipeline.executor, share)
                )
            except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
                taken.complete([], error)
            else:
                taken.complete(frames)

        self._node.execution.engine.threads.start(get)

    def _obtain(self, pipeline: Pipeline, number: int) -> list[Any]:
        """A whole segment: as soon as it is kept, or made here as soon as nobody else does."""
        node, name = self._node, f"{self._op.key}/{number}"
        while True:
            if pipeline.stopped or node.execution.cancelled:
                raise Cancelled
            frames = self._read(number)
            if frames is not None:
                return frames
            claim = node.store.claims.take(name, node.urgency)
            other = None if claim else node.store.claims.holder_urgency(name)
            if claim is None and (other is None or other >= node.urgency):
                time.sleep(_POLL)
                continue
            try:
                # Who had the claim may have kept it between the look and the claim.
                frames = self._read(number) if claim is not None else None
                if frames is not None:
                    return frames
                frames = self._source_frames(pipeline.executor, list(range(*self._bounds(number))))
                if claim is not None:
                    self._write(number, Frames(frames))
                return frames
            finally:
                if claim is not None:
                    claim.release()

    def _source_frames(self, executor: Executor, indices: list[int]) -> list[Any]:
        """Frames made by the node itself, whose body is run first where it was not needed until now."""
        from vidflow.media.segments import round16

        source = self._op.source or self._node.revive(self._op.output)
        made = [
            frame
            for start, stop in runs(indices, len(indices))
            for frames in read(source, start, stop, executor, self._node)
            for frame in frames
        ]
        return made if self.info.dtype == "uint8" else [round16(frame) for frame in made]

    def _read(self, number: int) -> list[Any] | None:
        """The frames of a segment that is kept; None where it is not, or is damaged."""
        from vidflow.media.segments import read_segment

        start, stop = self._bounds(number)
        name = segment_name(number, self.info)
        path = self._node.store.path(self._op.key, name)
        try:
            frames = list(read_segment(path, 0, stop - start, self.info))
        except (MediaError, IndexError) as error:
            # What was not there yet may be there by now: only what is damaged is taken away.
            if not isinstance(error.__cause__, FileNotFoundError):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            return None
        self._node.store.touch(self._op.key, name)
        return frames
