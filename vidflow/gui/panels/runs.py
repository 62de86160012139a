"""Runs: the one at work and how far it is, those that wait, and what those before it made."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QToolButton, QVBoxLayout, QWidget

from vidflow.gui import icons, theme
from vidflow.gui.panels.pieces import Elided, button, emptied, label, size_text, time_text
from vidflow.gui.running import Run, Runner
from vidflow.gui.session import Session
from vidflow.gui.words import tr

KEPT = 50
"""Ended runs that are shown."""
TICK = 500
"""Milliseconds between two looks at the clock."""
_PICTURES = (".png", ".jpg", ".jpeg", ".json")


class Runs(QScrollArea):
    """The panel."""

    def __init__(self, session: Session, runner: Runner) -> None:
        super().__init__()
        self.setObjectName("runs")
        self.session = session
        self.runner = runner
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setProperty("role", "panel")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(8)
        self._now = QVBoxLayout()
        self._waiting = QVBoxLayout()
        self._ended = QVBoxLayout()
        self.empty = label("", "hint")
        self._column.addWidget(self.empty)
        for part in (self._now, self._waiting, self._ended):
            part.setSpacing(8)
            self._column.addLayout(part)
        self._column.addStretch(1)
        self.setWidget(body)
        self._times: dict[str, str] = {}
        self._shown: list[str] = []
        self._current: _Current | None = None
        self._clock = QTimer(self, interval=TICK)
        self._clock.timeout.connect(self._tick)
        runner.queued.connect(self._show)
        runner.started.connect(self._show)
        runner.finished.connect(self._on_finished)
        runner.advanced.connect(self._tick)
        self._speak()

    def _speak(self) -> None:
        self.setAccessibleName(tr("Runs"))
        self.empty.setText(tr("Nothing has run yet. Run makes what the graph describes."))
        self._shown.clear()
        emptied(self._ended)
        self._current = None
        self._show()

    def _on_finished(self, run: Run) -> None:
        self._times[run.id] = time.strftime("%H:%M")
        self._show()

    def _tick(self, *_: object) -> None:
        if self._current is not None:
            self._current.refresh()

    def _show(self, *_: object) -> None:
        runner = self.runner
        run = runner.current
        running = run if run is not None and run.status in ("running", "cancelled") else None
        if (self._current.run if self._current else None) is not running:
            emptied(self._now)
            self._current = _Current(self, running) if running is not None else None
            if self._current is not None:
                self._now.addWidget(self._current)
        if self._current is not None:
            self._current.refresh()
            self._clock.start()
        else:
            self._clock.stop()
        emptied(self._waiting)
        for place, one in enumerate(runner.queue, 1):
            self._waiting.addWidget(self._waiter(one, place))
        for one in runner.history:
            if one.id not in self._shown:
                self._shown.append(one.id)
                self._ended.insertWidget(0, _Ended(self, one, self._times.get(one.id, "")))
        while self._ended.count() > KEPT:
            item = self._ended.takeAt(KEPT)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        self.empty.setVisible(running is None and not runner.queue and not self._shown)

    def _waiter(self, run: Run, place: int) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(_mark("clock", "muted", tr("Waiting")))
        line.addWidget(Elided(_title(self.session, run)), 1)
        line.addWidget(label(tr("Waiting, number {}").format(place), "muted"))
        stop = tr("Cancel {}").format(run.title)
        line.addWidget(button(tr("Cancel"), lambda: self.runner.cancel(run), name=stop))
        return row

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()


class _Current(QWidget):
    """The run at work."""

    def __init__(self, panel: Runs, run: Run) -> None:
        super().__init__()
        self.run = run
        self._session = panel.session
        self._runner = panel.runner
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(_mark("play", "accent", tr("Running")))
        top.addWidget(Elided(_title(panel.session, run)), 1)
        self.time = label("", "muted")
        top.addWidget(self.time)
        self.cancel = button(tr("Cancel"), lambda: panel.runner.cancel(run), name=tr("Cancel {}").format(run.title))
        top.addWidget(self.cancel)
        column.addLayout(top)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of {}").format(run.title))
        column.addWidget(self.bar)
        self.doing = Elided("", "hint")
        self.doing.setFont(theme.font(theme.LABEL))
        column.addWidget(self.doing)

    def refresh(self) -> None:
        """Show how far it is."""
        run = self.run
        # Else the bar paints at once, and with it whatever in the window waits to be painted.
        self.bar.setUpdatesEnabled(False)
        self.bar.setValue(round(1000 * run.share))
        self.bar.setUpdatesEnabled(True)
        parts = [f"{100 * run.share:.0f} %", time_text(time.monotonic() - run.began)]
        if run.left is not None:
            parts.append(tr("about {} left").format(time_text(run.left)))
        if run.status == "cancelled":
            parts = [tr("Cancelling")]
            self.cancel.setEnabled(False)
        self.time.setText("  ·  ".join(parts))
        doing: list[str] = []
        for flat, (step, total) in run.progress.items():
            doing.append(f"{self._session.called(flat)} {tr('{} of {}').format(step, total)}")
        self.doing.setText(", ".join(doing) or (tr("Preparing") if not run.nodes else ""))


class _Ended(QFrame):
    """A run that has ended: how, what it made, and what failed."""

    def __init__(self, panel: Runs, run: Run, ended: str) -> None:
        super().__init__()
        self._panel = panel
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        words, icon, token = {
            "done": (tr("Done"), "check-circle", "ok"),
            "failed": (tr("Failed"), "x-circle", "error"),
            "cancelled": (tr("Cancelled"), "prohibit", "muted"),
        }.get(run.status, (run.status, "circle", "muted"))
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(_mark(icon, token, words))
        top.addWidget(Elided(_title(panel.session, run)), 1)
        taken = f"  ·  {time_text(run.seconds)}" if run.seconds else ""
        top.addWidget(label(f"{words}{taken}" + (f"  ·  {ended}" if ended else ""), "muted"))
        column.addLayout(top)
        for failure in run.failures:
            column.addLayout(self._failure(run, failure))
        for file in run.files:
            column.addLayout(self._file(Path(file)))
        for note in run.notes:
            column.addWidget(_indented(label(note, "hint", wrap=True)))

    def _failure(self, run: Run, text: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(32, 0, 0, 0)
        row.setSpacing(8)
        place, _, rest = text.partition(": ")
        flat = place.split(".")[0]
        known = _known(self._panel.session, flat)
        row.addWidget(label(rest if known else text, "error", wrap=True), 1)
        if known and self._panel.session.number == run.document:
            title = self._panel.session.called(flat)
            go = partial(self._panel.session.reveal, flat)
            link = button(title, go, name=tr("Go to {}").format(title), flat=True)
            row.insertWidget(0, link, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _file(self, path: Path) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(32, 0, 0, 0)
        row.setSpacing(8)
        name = Elided(path.name, mode=Qt.TextElideMode.ElideMiddle)
        name.note = str(path)
        row.addWidget(name, 1)
        try:
            row.addWidget(label(size_text(path.stat().st_size), "muted"))
        except OSError:
            row.addWidget(label(tr("is no longer there"), "hint"))
            return row
        show = partial(self._open, path.parent)
        row.addWidget(button(tr("Show in folder"), show, name=tr("Show {} in folder").format(path.name)))
        words = tr("Open") if path.suffix.lower() in _PICTURES else tr("Play")
        row.addWidget(button(words, partial(self._open, path), name=f"{words} {path.name}"))
        return row

    def _open(self, path: Path) -> None:
        if QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))) is False:
            text = tr("Nothing on this system opens {}.")
            self._panel.session.message.emit("warn", text.format(path))


def _title(session: Session, run: Run) -> str:
    """What a run is called: its graph, and the nodes that it is for where they were chosen."""
    if not run.only:
        return run.title
    return tr("{} up to {}").format(run.title, ", ".join(session.called(flat) for flat in run.only))


def _known(session: Session, flat: str) -> bool:
    nodes = session.graph.nodes
    return flat.split("/")[0] in nodes


def _mark(icon: str, token: str, name: str) -> QToolButton:
    made = QToolButton()
    made.setProperty("compact", True)
    made.setIconSize(QSize(16, 16))
    made.setFixedSize(24, 24)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    made.setAccessibleName(name)
    icons.on(made, icon, token)
    return made


def _indented(one: QLabel) -> QLabel:
    one.setContentsMargins(32, 0, 0, 0)
    return one
