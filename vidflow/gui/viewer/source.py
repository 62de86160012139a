"""How frames are got: the shown node is opened in the engine, and its frames, thumbnails and values fetched on threads.

A node is opened once for each content of the graph that matters to it; a frame that is wanted waits for nothing but
itself, and what is overtaken by something newer is cancelled.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from vidflow.errors import Cancelled, GraphError, VidflowError
from vidflow.graph import Graph, Paths
from vidflow.gui.pictures import eight_bit, within
from vidflow.gui.telling import tell
from vidflow.gui.viewer.cache import FrameCache
from vidflow.gui.viewer.newest import Job, Newest

if TYPE_CHECKING:
    from vidflow.engine.opening import Cursor, Opened
    from vidflow.engine.service import Engine
    from vidflow.gui.running import Runner
    from vidflow.gui.session import Session
    from vidflow.values import Video, VideoInfo

URGENT, LOW = 10.0, -1.0
"""A frame that somebody looks at comes before runs, a thumbnail after them."""
THUMB_HEIGHT = 96
MOST_THUMBS = 2000
REOPEN_AFTER = 40
"""Milliseconds after an edit."""
NEIGHBOURS, NEIGHBOUR_BYTES = 1, 96 * 2**20
"""Seconds and bytes that are read on after a frame that was looked at, so that playing begins at once."""
KEPT_EVERY = 500
"""Milliseconds between two looks at what a run has kept so far."""
State = Literal["empty", "opening", "unmade", "unready", "failed", "ready"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of the node in the viewer. `text` says why there is nothing to see."""

    flat: str = ""
    title: str = ""
    state: State = "empty"
    text: str = ""
    node: str = ""
    """Whose frames these are: of a sink, the node before it."""
    key: str = ""
    output: str | None = None
    outputs: tuple[str, ...] = ()
    value: Any = None
    missing: tuple[str, ...] = ()
    cheap: bool = False
    """Whether any frame may be made unasked, for a thumbnail."""
    read_only: bool = False
    """Whether its frames are only read from files, so that many may be had unasked."""
    opened: Opened | None = field(default=None, repr=False)

    @property
    def info(self) -> VideoInfo | None:
        """What is known of its video, if it is one."""
        return getattr(self.value, "info", None) if hasattr(self.value, "frame") else None

    @property
    def frames(self) -> int:
        """How many frames there are to see."""
        return self.info.frames if self.info is not None else 0


class Source(QObject):
    """Follows the session's shown node. Everything public is called on the GUI thread."""

    changed = Signal()
    """Another node is shown, or the same with other content: `shown`."""
    frame = Signal(str, int, object)
    """A frame that was wanted: key, number, picture."""
    live = Signal(int, object)
    """A frame of the shown node that a run has just made: number, picture."""
    preview = Signal(str, int, int, object)
    """What a sampler has so far: node, step, of how many, picture."""
    thumbnail = Signal(int)
    """There is one of this frame."""
    kept_changed = Signal()
    trouble = Signal(str)
    """Why a frame could not be made."""

    def __init__(self, session: Session, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.runner = runner
        self.cache = FrameCache()
        self.shown = Shown()
        self.kept: list[tuple[int, int]] = []
        """The ranges of the shown video's frames that are in the store."""
        self._asked = 0
        self._output: tuple[str, str | None] = ("", None)
        self._thumbs: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._low: Opened | None = None
        self._cursor: tuple[Opened, Cursor] | None = None
        """The place where frames were read last, of the node that is shown."""
        self._opener, self._front = Newest("viewer-open"), Newest("viewer-frame")
        self._behind, self._watch = Newest("viewer-thumbnails", 0), Newest("viewer-kept")
        self._coming = Newest("viewer-live", None)
        self.shrinking = Newest("viewer-picture", None)
        self._again = QTimer(self, singleShot=True, interval=REOPEN_AFTER)
        self._again.timeout.connect(self.refresh)
        self._look = QTimer(self, interval=KEPT_EVERY)
        self._look.timeout.connect(self.look_what_is_kept)
        session.shown_changed.connect(self.refresh)
        session.changed.connect(self._on_edit)
        session.file_changed.connect(self._on_file)
        self._base = session.paths.base
        runner.started.connect(lambda _: self._look.start())
        runner.finished.connect(self._on_finished)
        runner.advanced.connect(self._on_advanced)
        runner.picture.connect(self._on_picture)
        runner.preview.connect(self._on_preview)

    # Which node

    def _on_edit(self, before: Graph, after: Graph) -> None:
        if before.nodes is not after.nodes or before.graphs is not after.graphs:
            self._again.start()

    def _on_file(self) -> None:
        if self.session.paths.base != self._base:
            self._base = self.session.paths.base
            self._again.start()

    def _on_finished(self, _: object) -> None:
        self._look.stop()
        self.look_what_is_kept()
        if self.shown.state in ("unmade", "failed"):
            self.refresh()

    def _on_advanced(self, _: object, flat: str) -> None:
        if flat in self.shown.missing and self.session.state(flat).kind in ("done", "kept"):
            self.refresh()
        if flat == self.shown.node and self.running:
            self._behind.forget()

    def choose_output(self, name: str) -> None:
        """Show another output of the node."""
        self._output = (self.session.shown, name)
        self.refresh()

    def refresh(self) -> None:
        """Open what the session shows now."""
        self._asked += 1
        flat = self.session.shown
        if not flat:
            self._opener.forget()
            self._take(self._asked, Shown())
            return
        if flat != self.shown.flat:
            self._front.forget()
            self._take(self._asked, Shown(flat, self.session.called(flat), "opening"))
        self.runner.with_engine(partial(self._open, self._asked))

    def _open(self, asked: int, engine: Engine) -> None:
        if asked != self._asked:
            return
        session = self.session
        flat, graph, paths = session.shown, session.graph, session.paths
        output = self._output[1] if self._output[0] == flat else None
        shown = Shown(flat, session.called(flat), output=output)
        self._opener.ask(partial(self._opening, asked, engine, graph, paths, shown))

    def _opening(self, asked: int, engine: Engine, graph: Graph, paths: Paths, shown: Shown, job: Job) -> None:
        """On a thread: open the node and wait for its value."""
        opened: Opened | None = None
        try:
            opened = engine.open(graph, shown.flat, URGENT, output=shown.output, paths=paths, sparing=True)
            job.stopped_by(opened.close)
            opened.wait()
            output = opened.output
            shown = replace(
                shown,
                node=opened.node,
                key=f"{opened.key}.{output}",
                output=output,
                outputs=tuple(one.name for one in opened.outputs),
                missing=opened.missing,
                opened=opened,
            )
            if opened.missing:
                shown = replace(shown, state="unmade")
            elif output is not None:
                shown = replace(shown, state="ready", value=opened.value(), cheap=opened.cheap)
                shown = replace(shown, read_only=shown.info is not None and only_read(shown.value))
        except Cancelled:
            return
        except GraphError as error:
            shown = replace(
                shown, state="unready", text="\n".join(str(replace(one, hint="")) for one in error.problems[:3])
            )
        except VidflowError as error:
            shown = replace(shown, state="failed", text=str(error))
        except Exception as error:  # noqa: BLE001 - nothing else would tell who waits for the picture
            shown = replace(shown, state="failed", text=f"{shown.flat}: {type(error).__name__}: {error}")
        if shown.state in ("unready", "failed") and opened is not None:
            opened.close()
            shown = replace(shown, opened=None)
        tell(self, self._take, asked, shown)

    def _take(self, asked: int, shown: Shown) -> None:
        old = self.shown
        if asked != self._asked:
            if shown.opened is not None:
                shown.opened.close()
            return
        if shown.state == old.state == "ready" and (shown.key, shown.flat) == (old.key, old.flat):
            # Whoever reads the old one goes on with it.
            if shown.opened is not None:
                shown.opened.close()
            if shown.title != old.title:
                self.shown = replace(old, title=shown.title)
                self.changed.emit()
            return
        self.shown, self.kept = shown, []
        self._forget(old)
        self.changed.emit()
        self.look_what_is_kept()

    def _forget(self, old: Shown) -> None:
        low, self._low = self._low, None
        self._behind.forget()
        self._drop_cursor()
        for opened in (old.opened, low):
            if opened is not None and opened is not self.shown.opened:
                opened.close()

    # Frames

    def want(self, index: int) -> None:
        """Have this frame, instead of any other that was wanted and has not come: `frame` or `trouble` says so."""
        shown = self.shown
        if shown.info is None or not 0 <= index < shown.frames:
            return
        frame = self.cache.get(shown.key, index)
        if frame is not None:
            self._front.forget()
            self.frame.emit(shown.key, index, frame)
            return
        self._front.ask(partial(self._fetch, shown, index))

    def _fetch(self, shown: Shown, index: int, job: Job) -> None:
        """On a thread: make one frame; of what is only read, those after it too, as the decoder stands there."""
        try:
            if shown.read_only:
                self._fetch_near(shown, index, job)
                return
            frame = next(frames_of(shown.opened, index, index + 1, job))
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - frames are made by nodes, which may raise anything
            if not job.spare:
                tell(self, self.trouble.emit, said(error))
            return
        self.cache.put(shown.key, index, frame)
        tell(self, self.frame.emit, shown.key, index, frame)

    def _fetch_near(self, shown: Shown, index: int, job: Job) -> None:
        """The frame, by a cursor that stays, and then the ones after it until something else is asked for. What is
        overtaken here is not cancelled: what it decodes is on the way to the next."""
        info, cursor = shown.info, self._cursor_of(shown)
        assert info is not None
        room = NEIGHBOUR_BYTES // (info.width * info.height * 3)
        stop = min(info.frames, index + max(1, min(ceil(info.rate * NEIGHBOURS), room)))
        at, size = index, 1
        while at < stop and not job.cancelled:
            end = min(stop, at + size)
            frames = cursor.frames(at, end)
            for k in range(len(frames)):
                self.cache.put(shown.key, at + k, eight_bit(frames[k : k + 1].numpy()[0]))
            if at == index:
                tell(self, self.frame.emit, shown.key, index, self.cache.get(shown.key, index))
                job.spare = True
            at, size = end, cursor.batch

    def _cursor_of(self, shown: Shown) -> Cursor:
        if shown.opened is None:
            raise Cancelled
        if self._cursor is None or self._cursor[0] is not shown.opened:
            self._drop_cursor()
            self._cursor = (shown.opened, shown.opened.cursor())
        return self._cursor[1]

    def _drop_cursor(self) -> None:
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor[1].close()

    # Thumbnails

    def thumb(self, low: int, index: int, high: int) -> Any | None:
        """The thumbnail of frame `index`, or of the nearest one from `low` to `high` that there is."""
        key = self.shown.key
        here = [number for one, number in self._thumbs if one == key and low <= number < high]
        nearest = min(here, key=lambda number: abs(number - index), default=None)
        return None if nearest is None else self._thumbs.get((key, nearest))

    def want_thumbs(self, places: Sequence[tuple[int, int, int]], held: bool = False) -> None:
        """Fetch a thumbnail for each of these places (`low`, frame, `high`), the first first, and no others. Where
        frames are dear, one is taken that is there; with `held`, only of frames in the cache."""
        shown, engine = self.shown, self.runner.engine
        wanted = [number for place in places if (number := self._best(*place)) is not None]
        wanted = [index for index in wanted if (shown.key, index) not in self._thumbs]
        if held:
            wanted = [index for index in wanted if self.cache.holds(shown.key, index)]
        if shown.info is None or engine is None or not wanted:
            self._behind.forget()
            return
        here = (self.session.graph, self.session.paths)
        self._behind.ask(partial(self._fetch_thumbs, engine, here, shown, wanted))

    def _best(self, low: int, index: int, high: int) -> int | None:
        shown = self.shown
        if shown.cheap or self.cache.holds(shown.key, index):
            return index
        there = {number for number in self.cache.numbers(shown.key) if low <= number < high}
        for start, stop in self.kept:
            if start < high and low < stop:
                there.add(min(max(index, start, low), stop - 1, high - 1))
        return min(there, key=lambda number: abs(number - index), default=None)

    def _fetch_thumbs(
        self,
        engine: Engine,
        here: tuple[Graph, Paths],
        shown: Shown,
        wanted: list[int],
        job: Job,
    ) -> None:
        """On a thread: shrink what is held already, then make the others when nothing else is to be done."""
        wanted = [index for index in wanted if not self._shrink(shown.key, index)]
        try:
            low = self._low
            if low is None and wanted:
                low = engine.open(here[0], shown.node, LOW, output=shown.output, paths=here[1], sparing=True)
                job.stopped_by(low.close)
                low.wait()
                job.stopped_by(lambda: None)
                if f"{low.key}.{low.output}" != shown.key or job.cancelled:
                    low.close()
                    return
                self._low = low
            for index in wanted:
                if job.cancelled:
                    return
                if not self._shrink(shown.key, index):
                    frame = next(frames_of(low, index, index + 1, job))
                    tell(self, self._take_thumb, shown.key, index, small(frame))
        except Exception:  # noqa: BLE001 - the frame itself says what is wrong with it when it is looked at
            return

    def _shrink(self, key: str, index: int) -> bool:
        """Make a thumbnail of a frame that is held; False where it is not."""
        frame = self.cache.get(key, index) if self.cache.holds(key, index) else None
        if frame is not None:
            tell(self, self._take_thumb, key, index, small(frame))
        return frame is not None

    def _take_thumb(self, key: str, index: int, thumb: Any) -> None:
        self._thumbs[key, index] = thumb
        while len(self._thumbs) > MOST_THUMBS:
            self._thumbs.popitem(last=False)
        self.thumbnail.emit(index)

    @property
    def running(self) -> bool:
        """Whether a run is making the shown frames: they come by themselves, and to make others would slow it."""
        return self.session.state(self.shown.node).kind == "running"

    @property
    def busy(self) -> bool:
        """Whether something is being opened or fetched, or a run is at work."""
        return self.runner.busy or self._opener.busy or self._front.busy

    # What a run makes

    def look_what_is_kept(self) -> None:
        """Ask which frames are in the store; `kept_changed` says where that is news."""
        shown = self.shown
        if shown.state == "ready" and shown.info is not None and shown.opened is not None:
            self._watch.ask(lambda _: self._looking(shown))

    def _looking(self, shown: Shown) -> None:
        try:
            assert shown.opened is not None
            found = shown.opened.kept()
        except VidflowError:
            return
        tell(self, self._take_kept, shown.key, found)

    def _take_kept(self, key: str, ranges: list[tuple[int, int]]) -> None:
        if key == self.shown.key and ranges != self.kept:
            self.kept = ranges
            self.kept_changed.emit()

    def _on_picture(self, flat: str, start: int, stop: int, frames: Any) -> None:
        shown = self.shown
        if flat not in (shown.node, shown.flat):
            return
        run = self.runner.current
        same = run is not None and run.graph is self.session.graph
        self._coming.ask(lambda _: self._take_live(shown, same, stop - 1, frames))

    def _take_live(self, shown: Shown, same: bool, index: int, frames: Any) -> None:
        """On a thread: a frame that a run has made, a thumbnail only where the graph is still the one that runs."""
        frame = eight_bit(frames[-1:].numpy()[0])
        if same and shown.state == "ready":
            tell(self, self._take_thumb, shown.key, index, small(frame))
        tell(self, self.live.emit, index, frame)

    def _on_preview(self, flat: str, step: int, total: int, picture: Any) -> None:
        if flat == self.session.shown or flat in self.shown.missing:
            self.preview.emit(flat, step, total, picture)

    def close(self) -> None:
        """End the threads and let go of the engine."""
        self._look.stop()
        self._again.stop()
        for thread in (self._opener, self._front, self._behind, self._watch, self._coming, self.shrinking):
            thread.close()
        self._drop_cursor()
        for opened in (self.shown.opened, self._low):
            if opened is not None:
                opened.close()
        self._low, self.shown = None, Shown()
        self.cache.clear()


def only_read(video: Video) -> bool:
    """Whether no node makes the frames of a video: they come from files, or are chosen among those that do."""
    from vidflow.engine.keptvideo import KeptVideo
    from vidflow.values.stages import inputs_of
    from vidflow.values.video import Map, Resample

    todo = [video]
    while todo:
        op = todo.pop().made_by
        if isinstance(op, Map | KeptVideo) or (isinstance(op, Resample) and op.make is not None):
            return False
        todo.extend(inputs_of(op))
    return True


def frames_of(opened: Opened | None, start: int, stop: int, job: Job) -> Iterator[Any]:
    """Frames as they are shown. Raises what went wrong in making them, or Cancelled."""
    if opened is None:
        raise Cancelled
    reading = opened.read(start, stop)
    job.stopped_by(reading.cancel)
    for frames in reading:
        for k in range(len(frames)):
            if job.cancelled:
                raise Cancelled
            # One by one, since all of them as one array would be a copy.
            yield eight_bit(frames[k : k + 1].numpy()[0])


def small(frame: Any) -> Any:
    """A frame at the height of a thumbnail, its own memory."""
    return within(frame, float("inf"), THUMB_HEIGHT).copy()


def said(error: Exception) -> str:
    """What the user is told of an error in making frames."""
    return str(error) if isinstance(error, VidflowError) else f"{type(error).__name__}: {error}"
