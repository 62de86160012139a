"""The engine in the application: runs in a queue, and their events, drained up to 30 times a second on the GUI thread.

The engine is made on a thread when it is first needed, since it imports numpy, OpenCV and PyAV; its own threads do the
work, so the window stays live.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from vidflow.errors import GraphError, VidflowError
from vidflow.graph import Graph, Paths
from vidflow.gui.problemwords import told, whole
from vidflow.gui.session import Session
from vidflow.gui.states import NodeState, marks
from vidflow.gui.telling import tell
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.engine.events import Reader
    from vidflow.engine.service import Engine, Request

DRAIN, SELDOM = 33, 400
"""Milliseconds between two looks at the events, at least and at most."""
SHARE, BUSY = 0.01, 0.5
"""What the window may take of the processors for showing a run, where that run takes more than `BUSY` of them."""
Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(eq=False)
class Run:
    """One run of the document as it was when it was asked for."""

    graph: Graph
    paths: Paths
    only: tuple[str, ...] = ()
    each: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    title: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    status: Status = "queued"
    nodes: tuple[str, ...] = ()
    finished_nodes: int = 0
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)
    began: float = 0.0
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    marks: Mapping[str, int] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    document: int = -1
    """Which of the documents that were open one after the other it is of; -1 where it was open in another window."""

    @property
    def share(self) -> float:
        """How much is done, 0 to 1: of the nodes, and of what the run is for where that is one long thing."""
        if self.status in ("done",):
            return 1.0
        of_nodes = self.finished_nodes / len(self.nodes) if self.nodes else 0.0
        long = [step / total for step, total in self.progress.values() if total > 1]
        return max(of_nodes, min(long)) if long else of_nodes

    @property
    def left(self) -> float | None:
        """Seconds that it will probably take yet; None before that can be said."""
        spent, share = time.monotonic() - self.began, self.share
        return spent * (1 - share) / share if self.status == "running" and share > 0.02 and spent > 1 else None


class Runner(QObject):
    """Runs the session's document. Everything here is called on the GUI thread but what says otherwise."""

    queued = Signal(object)
    started = Signal(object)
    advanced = Signal(object, str)
    finished = Signal(object)
    picture = Signal(str, int, int, object)
    preview = Signal(str, int, int, object)
    line = Signal(str)
    """A line for the log."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.queue: list[Run] = []
        self.history: list[Run] = []
        self.current: Run | None = None
        self.request: Request | None = None
        self._engine: Engine | None = None
        self._making = self._closed = False
        self._callbacks: list[Callable[[Engine], None]] = []
        self._reader: Reader | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._pace = _Pace()
        self._timer.timeout.connect(self._drain)

    # The engine

    def with_engine(self, callback: Callable[[Engine], None]) -> None:
        """Call `callback` with the engine on the GUI thread: now, or as soon as a thread has made it; never once the
        window is closed."""
        if self._closed:
            return
        if self._engine is not None:
            callback(self._engine)
            return
        self._callbacks.append(callback)
        if not self._making:
            self._making = True
            threading.Thread(target=self._make_engine, name="engine", daemon=True).start()

    def _make_engine(self) -> None:
        made: Engine | Exception
        try:
            from vidflow import courtesy, heap
            from vidflow.engine.service import Engine

            heap.steady()
            courtesy.give_way()
            made = Engine(registry=self.session.types)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for the engine is told
            made = error
        tell(None, self._engine_ready, made)

    def _engine_ready(self, made: Engine | Exception) -> None:
        self._making = False
        callbacks, self._callbacks = self._callbacks, []
        if self._closed:
            if not isinstance(made, Exception):
                made.close()
            return
        if isinstance(made, Exception):
            self.session.message.emit("error", _words_of(made))
            if self.current is not None:
                self._end(self.current, "failed", failures=(_words_of(made),))
            return
        self._engine = made
        for callback in callbacks:
            callback(made)

    @property
    def engine(self) -> Engine | None:
        """The engine, where there is one already."""
        return self._engine

    # Runs

    @property
    def busy(self) -> bool:
        """Whether something runs or waits to."""
        return self.current is not None or bool(self.queue)

    def run(self, only: Sequence[str] = (), each: Mapping[str, Sequence[Any]] | None = None) -> Run:
        """Queue a run of the document as it is now."""
        session = self.session
        file = session.path or session.origin
        title = file.stem if file is not None else session.name
        run = Run(session.graph, session.paths, tuple(only), each or {}, title, document=session.number)
        self.put(run)
        return run

    def put(self, run: Run) -> None:
        """Queue a run."""
        self.queue.append(run)
        self.queued.emit(run)
        if self.current is None:
            self._next()

    def cancel(self, run: Run | None = None) -> None:
        """Cancel a run, by default the one at work."""
        run = run or self.current
        if run is None:
            return
        if run in self.queue:
            self.queue.remove(run)
            run.status = "cancelled"
            self.history.append(run)
            self.finished.emit(run)
        elif run is self.current:
            run.status = "cancelled"
            if self.request is not None:
                self.request.cancel()
                self._timer.start(DRAIN)

    def _next(self) -> None:
        if not self.queue:
            return
        run = self.current = self.queue.pop(0)
        run.status = "running"
        run.began = time.monotonic()
        self.started.emit(run)
        self.line.emit(tr("Run of {} began.").format(run.title))
        self.with_engine(lambda engine: self._submit(engine, run))

    def _submit(self, engine: Engine, run: Run) -> None:
        def submit() -> None:
            outcome: Any
            try:
                run.marks = marks(run.graph).of
                outcome = engine.submit(
                    run.graph, only=run.only, each=dict(run.each) or None, paths=run.paths, watch=True
                )
            except Exception as error:  # noqa: BLE001 - a run that cannot begin has failed, whatever the reason
                outcome = error
            tell(None, self._on_submitted, run, outcome)

        threading.Thread(target=submit, name="submit", daemon=True).start()

    def _on_submitted(self, run: Run, outcome: Request | Exception) -> None:
        if self._closed:
            if not isinstance(outcome, Exception):
                outcome.cancel()
            return
        if isinstance(outcome, GraphError):
            lines = tuple(whole(problem) for problem in outcome.problems)
            for problem in outcome.problems:
                if problem.node:
                    self._state(run, problem.node, NodeState("failed", message=told(problem.message)))
            self._end(run, "failed", failures=lines)
            return
        if isinstance(outcome, Exception):
            self._end(run, "failed", failures=(_words_of(outcome),))
            return
        self.request = outcome
        self._reader = outcome.events()
        if run.status == "cancelled":
            outcome.cancel()
        self._drain()

    def _drain(self) -> None:
        from vidflow.engine import events

        run, reader = self.current, self._reader
        if run is None or reader is None:
            return
        self._timer.start(DRAIN)
        here = self.session.number == run.document
        touched: dict[str, None] = {}
        newest: dict[str, Any] = {}
        ended: events.RunFinished | None = None
        for event in reader.drain():
            match event:
                case events.RunStarted():
                    run.nodes = tuple(dict.fromkeys((*run.nodes, *event.nodes)))
                    run.wanted = event.wanted
                    for node in event.nodes:
                        self._state(run, node, NodeState("waiting"))
                case events.NodeStarted():
                    self._state(run, event.node, NodeState("running"))
                    touched[event.node] = None
                case events.NodeProgress():
                    state = self.session.state(event.node)
                    self._state(run, event.node, NodeState("running", event.step, event.total, state.seconds))
                    run.progress[event.node] = (event.step, event.total)
                    touched[event.node] = None
                    if event.preview is not None and here:
                        self.preview.emit(event.node, event.step, event.total, event.preview)
                case events.FramesReady():
                    newest[event.node] = event
                case events.NodeFinished():
                    run.finished_nodes += 1
                    run.progress.pop(event.node, None)
                    kind = "kept" if event.kept else "done"
                    self._state(run, event.node, NodeState(kind, seconds=event.seconds, notes=event.notes))
                    touched[event.node] = None
                    for note in event.notes:
                        self.line.emit(f"{event.node}: {note}")
                case events.NodeFailed():
                    run.progress.pop(event.node, None)
                    self._state(run, event.node, NodeState("failed", message=told(event.message)))
                    touched[event.node] = None
                    self.line.emit(f"{event.node}: {told(event.message)}")
                case events.RunFinished():
                    ended = event
        for event in newest.values() if here else ():
            self.picture.emit(event.node, event.start, event.stop, event.frames)
        for node in touched:
            self.advanced.emit(run, node)
        wait = self._pace.wait()
        if newest:
            # There are more of them than can be shown. The steps of a sampler are few, and each is seen.
            self._timer.start(wait)
        if ended is not None:
            failures = tuple(str(one) for one in self.request.failures) if self.request else ()
            self._end(run, ended.status, ended.files, failures, ended.notes)

    def _state(self, run: Run, flat: str, state: NodeState) -> None:
        if self.session.number == run.document:
            self.session.set_state(flat, state, run.marks)

    def _end(
        self,
        run: Run,
        status: Any,
        files: tuple[str, ...] = (),
        failures: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self._timer.stop()
        self.request = self._reader = None
        run.status, run.files, run.failures, run.notes = status, files, failures, notes
        run.seconds = time.monotonic() - run.began
        for flat in run.nodes:
            if self.session.state(flat).kind in ("waiting", "running"):
                self._state(run, flat, NodeState())
        self.session.tell_around()
        self.current = None
        self.history.append(run)
        word = {"done": tr("done"), "failed": tr("failed"), "cancelled": tr("cancelled")}[status]
        self.line.emit(tr("Run of {} ended: {} after {:.1f} s.").format(run.title, word, run.seconds))
        self.finished.emit(run)
        self._next()

    def close(self) -> None:
        """Cancel what runs and close the engine, on a thread where it takes its time."""
        self._closed = True
        self.queue.clear()
        self._timer.stop()
        if self.request is not None:
            self.request.cancel()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


class _Pace:
    """How often a run is looked at, by what was spent since the last look."""

    def __init__(self) -> None:
        self._cores = os.cpu_count() or 1
        self._before = (time.monotonic(), time.process_time(), time.thread_time())

    def wait(self) -> int:
        """Milliseconds until the next look."""
        now = (time.monotonic(), time.process_time(), time.thread_time())
        passed, spent, here = (new - old for new, old in zip(now, self._before, strict=True))
        self._before = now
        return wait_after(passed * self._cores, spent, here * 1000 / self._cores)


def wait_after(there: float, spent: float, here: float) -> int:
    """Milliseconds until a run is looked at again: where the processors are free as soon as is of use, else so late
    that to paint what has changed does not slow the run.

    Of `there` seconds of all processors `spent` were used, and `here` milliseconds of them for the window.
    """
    return round(min(SELDOM, max(DRAIN, here / SHARE))) if spent > BUSY * there else DRAIN


def _words_of(error: Exception) -> str:
    return told(str(error)) if isinstance(error, VidflowError) else f"{type(error).__name__}: {error}"
