"""Pictures of nodes that have not run: one frame of each that is in sight and cheap to make, while nothing else is at
work, behind everything else that the engine does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtCore import QObject, QTimer

from vidflow.errors import VidflowError
from vidflow.graph import Graph, Paths
from vidflow.gui.telling import tell
from vidflow.values import Video

if TYPE_CHECKING:
    from vidflow.engine.service import Engine
    from vidflow.gui.canvas.view import Canvas
    from vidflow.gui.running import Runner
    from vidflow.gui.session import Session
    from vidflow.gui.thumbnails import Thumbnails

_Here: TypeAlias = "tuple[int, Graph, Paths]"
"""Which document, as it was and where."""
WAIT = 400
"""Milliseconds after the last check or run when pictures are looked for."""
MOST = 60
"""How many nodes are looked at in one go."""
BEHIND = -20.0
"""Less urgent than a run."""


class Stills(QObject):
    """Asks for what is missing."""

    def __init__(self, session: Session, runner: Runner, canvas: Canvas, thumbs: Thumbnails) -> None:
        super().__init__()
        self.session, self.runner, self.canvas, self.thumbs = session, runner, canvas, thumbs
        self._had: dict[str, int] = {}
        """The mark of each node when its picture was made, or found to be dear."""
        self._turn = 0
        self._timer = QTimer(self, singleShot=True, interval=WAIT)
        self._timer.timeout.connect(self._look)
        for signal in (session.checked, session.scope_changed, canvas.zoomed):
            signal.connect(lambda *_: self._timer.start())
        session.replaced.connect(self._forget)
        runner.started.connect(lambda _: self.stop())
        runner.finished.connect(lambda _: self._timer.start())

    def stop(self) -> None:
        """Make no more."""
        self._turn += 1
        self._timer.stop()

    def _forget(self) -> None:
        self.stop()
        self._had.clear()

    def _take(self, document: int, flat: str, picture: Any) -> None:
        if document == self.session.number:
            self.thumbs.offer(flat, picture)

    def _look(self) -> None:
        session = self.session
        if self.runner.busy:
            return
        self._turn += 1
        wrong = {problem.node for problem in session.problems if problem.level == "error"}
        wanted: list[tuple[str, int]] = []
        for id, item in self.canvas.nodes.items():
            flat = session.flat(id)
            mark = session.mark(flat)
            if item.face.picture and mark and self._had.get(flat) != mark and flat not in wrong:
                wanted.append((flat, mark))
        if wanted:
            here = (session.number, session.graph, session.paths)
            turn = self._turn
            self.runner.with_engine(lambda engine: self._begin(engine, here, wanted[:MOST], turn))

    def _begin(self, engine: Engine, here: _Here, wanted: list[tuple[str, int]], turn: int) -> None:
        work = (engine, here, wanted, turn)
        threading.Thread(target=self._make, args=work, name="stills", daemon=True).start()

    def _make(self, engine: Engine, here: _Here, wanted: list[tuple[str, int]], turn: int) -> None:
        document, graph, paths = here
        for flat, mark in wanted:
            if turn != self._turn or engine.closed:
                return
            self._had[flat] = mark
            try:
                with engine.open(graph, flat, BEHIND, paths=paths, sparing=True) as opened:
                    opened.wait()
                    if opened.missing:
                        continue
                    video = opened.value()
                    if not isinstance(video, Video):
                        continue
                    at = video.info.frames // 3
                    for frames in opened.read(at, at + 1):
                        tell(self, self._take, document, flat, frames.numpy()[0])
            except (VidflowError, KeyError):
                # What is wrong is said where the node is looked at or run.
                continue
