"""A node that somebody looks at: planned once, its values and frames made as they are asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vidflow.engine.blame import message_of, origin_of
from vidflow.engine.keptvideo import kept_ranges
from vidflow.engine.noderun import Blamed, NodeRun
from vidflow.engine.reading import LaneReading
from vidflow.errors import Cancelled, Failure, GraphError, Problem, RunError
from vidflow.values import Frames, Video
from vidflow.values.reading import Pipeline

if TYPE_CHECKING:
    from vidflow.engine.service import Request
    from vidflow.nodespec.spec import OutputSpec


class Opened:
    """A node whose graph was checked and planned once, for any number of reads. Close it after use."""

    def __init__(self, request: Request, node: str, output: str | None) -> None:
        self._request = request
        self._execution = request.executions[0]
        self._run = self._execution.nodes[node]
        self._output = output

    @property
    def node(self) -> str:
        """The flat id of the node: for one that was off, what stands for it; for a sink, what it is given."""
        return self._run.id

    @property
    def outputs(self) -> tuple[OutputSpec, ...]:
        """What the node gives."""
        return self._run.spec.outputs

    @property
    def output(self) -> str | None:
        """The output that is meant where none is named."""
        return self._output or (self.outputs[0].name if self.outputs else None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The nodes that would take long and were not begun; then there is no value."""
        return tuple(self._execution.spared)

    @property
    def key(self) -> str:
        """What the node's results are kept under; equal keys mean equal frames. Empty where it is not known yet."""
        return self._run.key or ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the node noted about its result so far."""
        return tuple(self._run.note_texts)

    @property
    def cheap(self) -> bool:
        """Whether any frame can be made at little cost: no model's frames are needed that are not kept."""
        reached, todo = {self._run}, [self._run]
        while todo:
            run = todo.pop()
            if run.was_kept:
                continue
            if run.spec.dear or run.spec.lane != "cpu":
                return False
            todo.extend(up for up in run.port_ups if up not in reached)
            reached.update(run.port_ups)
        return True

    def wait(self) -> None:
        """Wait until the values are there, or known to be missing. Raises RunError with every failure, or Cancelled."""
        self._request.wait()
        if self._execution.cancelled:
            raise Cancelled
        if self._execution.failures:
            raise RunError(self._execution.failures)

    def value(self, output: str | None = None) -> Any:
        """The value of an output, as `wait` raises. KeyError where it is missing."""
        self.wait()
        return self._execution.value(self._run, output or self.output or "")

    def read(self, start: int, stop: int, output: str | None = None) -> Reading:
        """Frames `start` to `stop` of an output that is a video, and nothing more than they need.

        Raises GraphError where it is no video, IndexError where the range is not inside it.
        """
        video = self._video(output)
        if not 0 <= start <= stop <= video.info.frames:
            raise IndexError(f"frames {start} to {stop} of a video of {video.info.frames}")
        return Reading(self._run, video, start, stop)

    def _video(self, output: str | None) -> Video:
        video = self.value(output)
        if not isinstance(video, Video):
            message = "this output is no video, so it has no frames."
            raise GraphError(Problem("wrong-type", message, self.node, output or self._output))
        return video

    def cursor(self, output: str | None = None) -> Cursor:
        """A place in a video that stays where it has read. As `read`."""
        return Cursor(self._run, self._video(output))

    def kept(self, output: str | None = None) -> list[tuple[int, int]]:
        """The ranges of a video's frames that are in the store now; none of a video that is cheap to make."""
        video = self.value(output)
        if not isinstance(video, Video) or not self._run.spec.dear:
            return []
        return kept_ranges(self._run.store, f"{self.key}.{output or self.output}", video.info)

    def close(self) -> None:
        """Stop what is being made; who reads is told Cancelled."""
        self._request.cancel()
        self._execution.leave()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Reading(LaneReading):
    """Frames of a range, made as they are iterated over, on one thread; any other may cancel."""

    __slots__ = ("_cancelled", "_node", "_pipeline", "_range", "_video")

    def __init__(self, node: NodeRun, video: Video, start: int, stop: int) -> None:
        super().__init__(node.execution, node)
        self._node = node
        self._video = video
        self._range = (start, stop)
        self._cancelled = False
        self._pipeline: Pipeline | None = None

    def __iter__(self) -> Iterator[Frames]:
        """The frames in order, in runs of at most one batch. Raises RunError with who failed, or Cancelled."""
        with _named(self._node):
            yield from self.read(self._video, *self._range)

    def wait(self, pipeline: Pipeline, done: Any) -> None:
        """As `Executor.wait`; ends when this reading is cancelled, too."""
        self._pipeline = pipeline
        if self._cancelled:
            raise Cancelled
        super().wait(pipeline, done)

    def cancel(self) -> None:
        """Make no more of it; frames that wait for a lane are not begun."""
        self._cancelled = True
        if self._pipeline is not None:
            self._pipeline.stop(Cancelled())


class Cursor(LaneReading):
    """Makes frames here and there of one video, on one thread, and keeps its files open where it has read, so that what
    is near comes without decoding from a key frame. Any thread may close it."""

    __slots__ = ("_node", "_pipeline")

    def __init__(self, node: NodeRun, video: Video) -> None:
        super().__init__(node.execution, node)
        self._node = node
        self._pipeline = Pipeline(video, self, node)

    @property
    def batch(self) -> int:
        """How many frames may be asked for at once."""
        return self._pipeline.batch

    def frames(self, start: int, stop: int) -> Frames:
        """Frames `start` to `stop`, at most one batch. Raises RunError with who failed, or Cancelled."""
        with _named(self._node):
            return Frames(self._pipeline.frames(self._pipeline.ask(start, stop)))

    def close(self) -> None:
        """Let go of the files."""
        self._pipeline.close()


@contextmanager
def _named(node: NodeRun) -> Generator[None]:
    """An error of a node's own code as the one that the user is told."""
    try:
        yield
    except Blamed as error:
        culprit, cause, frame = node, error, None
        while isinstance(cause, Blamed):
            culprit, cause, frame = cause.node, cause.cause, cause.frame
        failure = Failure(culprit.id, message_of(cause, frame), origin_of(cause), cause)
        raise RunError([failure]) from cause
