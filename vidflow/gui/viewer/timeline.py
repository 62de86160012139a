"""The timeline of the shown node: transport, ruler, filmstrip, playhead, in and out, and what is kept."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from vidflow.gui import icons, theme
from vidflow.gui.viewer.player import Player
from vidflow.gui.viewer.source import Source
from vidflow.gui.viewer.timecode import rate_text, timecode
from vidflow.gui.words import later as _
from vidflow.gui.words import tr

RULER, KEPT, MARGIN = 32, 6, 12
"""Heights of the ruler and of the bar of kept frames, and the room at either end, in pixels at 100 %."""
APART = 80
"""Pixels between two labels of the ruler, at least."""
THUMBS_AFTER = 60
"""Milliseconds without a change after which thumbnails are fetched."""


class Timeline(QWidget):
    """Transport buttons above the strip."""

    def __init__(self, source: Source, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._player, self._source = player, source
        self.strip = Strip(source, player)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._transport())
        column.addWidget(self.strip, 1)
        player.moved.connect(self._tell)
        player.state_changed.connect(self._on_state)
        player.reached_changed.connect(self._tell)
        source.changed.connect(self._on_state)
        self._speak()

    def _speak(self) -> None:
        self.setAccessibleName(tr("Timeline"))
        self.time.setAccessibleName(tr("Time"))
        self.strip.setAccessibleName(tr("Filmstrip"))
        for button in self._buttons.values():
            _name(button, tr(button.property("words")))
        self._on_state()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()

    def _transport(self) -> QHBoxLayout:
        player = self._player
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 12, 4)
        row.setSpacing(4)
        self.time = QLabel()
        self.time.setObjectName("timecode")
        self.time.setFont(theme.font(theme.BODY))
        self.told = QLabel()
        self.told.setObjectName("playingRate")
        self.told.setProperty("role", "caption")
        self.told.setFont(theme.font(theme.CAPTION))
        self._buttons: dict[str, QToolButton] = {}
        for name, text, key, icon, act in (
            ("toStart", _("To the start"), "Home", "skip-back", lambda: player.seek(player.start)),
            ("backwards", _("Play backwards"), "J", "rewind", lambda: player.shuttle(-1)),
            ("stepBack", _("One frame back"), "←", "caret-left", lambda: player.step(-1)),
            ("play", _("Play"), "Space", "play", player.toggle),
            ("stepOn", _("One frame on"), "→", "caret-right", lambda: player.step(1)),
            ("forwards", _("Play faster"), "L", "fast-forward", lambda: player.shuttle(1)),
            ("toEnd", _("To the end"), "End", "skip-forward", lambda: player.seek(player.stop - 1)),
            ("markIn", _("In"), "I", "bracket-square", player.mark_in),
            ("markOut", _("Out"), "O", "bracket-square", player.mark_out),
            ("loop", _("Loop"), "", "repeat", lambda: player.set_loop(not player.loop)),
        ):
            button = QToolButton()
            button.setObjectName(name)
            button.setProperty("words", text)
            button.setProperty("keys", key)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, act=act: act())
            if name in ("markIn", "markOut"):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            else:
                icons.on(button, icon)
            self._buttons[name] = button
            row.addWidget(button)
        self._buttons["loop"].setCheckable(True)
        row.addSpacing(8)
        row.addWidget(self.time)
        row.addStretch(1)
        row.addWidget(self.told)
        return row

    def _on_state(self) -> None:
        player = self._player
        many = player.frames > 1
        for button in self._buttons.values():
            button.setEnabled(many)
        play = self._buttons["play"]
        text = tr("Pause") if player.playing else tr("Play")
        if play.accessibleName() != text or not play.icon().isNull():
            _name(play, text)
            icons.on(play, "pause" if player.playing else "play")
        self._buttons["loop"].setChecked(player.loop)
        self._tell()
        self.strip.again()

    def _tell(self, _: Any = None) -> None:
        player, info = self._player, self._source.shown.info
        if info is None or player.frames < 2:
            self.time.setText("")
            self.told.setText("")
            return
        self.time.setText(f"{timecode(player.position, info.rate)}  {player.position}")
        told = tr("{} fps").format(rate_text(info.rate))
        if player.playing:
            speed = f"{player.speed}x  " if player.speed != 1 else ""
            reached = tr("{} of {} fps").format(f"{player.reached:.1f}", rate_text(info.rate))
            told = f"{speed}{reached}"
        self.told.setText(told)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._player.key(event):
            super().keyPressEvent(event)


def _name(button: QToolButton, text: str) -> None:
    button.setAccessibleName(text)
    button.setText(text)
    keys = str(button.property("keys"))
    # The names of keys are Qt's own words.
    shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) if len(keys) > 1 else keys
    button.setToolTip(f"{text} ({shown})" if keys else text)


class Strip(QWidget):
    """What is painted of the timeline. The whole video is as wide as the strip."""

    def __init__(self, source: Source, player: Player) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumHeight(RULER + KEPT + 24)
        self._source, self._player = source, player
        self._dragged = False
        self._rest = QTimer(self, singleShot=True, interval=THUMBS_AFTER)
        self._rest.timeout.connect(self._want_thumbs)
        player.moved.connect(self._on_moved)
        self._painted = 0
        source.thumbnail.connect(self._on_thumb)
        source.kept_changed.connect(self.again)
        source.frame.connect(lambda *_: self._rest.start())
        self._held: list[tuple[int, int]] = []
        """The frames in the cache, as they were at the last look."""
        self._owed = False
        """Whether there are thumbnails yet to be asked for, while frames come into the cache anyway."""
        self._late = QTimer(self, interval=500)
        self._late.timeout.connect(self._look)
        self._late.start()
        theme.look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(640, RULER + KEPT + 64)

    def again(self) -> None:
        """Something else is to be seen: paint, and fetch the thumbnails that are missing."""
        self._look()
        self.update()
        self._rest.start()

    def _look(self) -> None:
        held = _runs(sorted(self._source.cache.numbers(self._source.shown.key)))
        if held != self._held:
            self._held = held
            self.update()
        elif not self._owed:
            return
        self._rest.start()

    def _on_moved(self, index: int) -> None:
        x = int(self.x_of(index))
        for at in (x, self._painted):
            self.update(QRect(at - 8, 0, 16, self.height()))

    def _on_thumb(self, index: int) -> None:
        for place, (low, *_between, high) in self.thumbs():
            if low <= index < high:
                self.update(place.toAlignedRect())

    # Where things are

    def _track(self) -> QRectF:
        return QRectF(MARGIN, 0, max(1, self.width() - 2 * MARGIN), self.height())

    def x_of(self, index: float) -> float:
        """Where frame `index` begins."""
        track = self._track()
        return track.left() + track.width() * index / max(1, self._player.frames)

    def index_at(self, x: float) -> int:
        """The frame at `x`."""
        track, frames = self._track(), self._player.frames
        return min(max(0, int((x - track.left()) / track.width() * frames)), max(0, frames - 1))

    def thumbs(self) -> list[tuple[QRectF, tuple[int, int, int]]]:
        """The places of the filmstrip; of each the first frame, the one that it shows, and the one after the last."""
        info = self._source.shown.info
        if info is None or not self._player.frames:
            return []
        track = self._track()
        high = self.height() - RULER - KEPT - 8
        if high < 8:
            return []
        wide = max(8.0, high * info.width / info.height)
        top = RULER + KEPT + 4
        if info.frames == 1:
            return [(QRectF(track.left(), top, min(wide, track.width()), high), (0, 0, 1))]
        count = max(1, min(info.frames, int(track.width() // wide)))
        wide = track.width() / count
        edges = [info.frames * k // count for k in range(count + 1)]
        return [
            (QRectF(track.left() + k * wide, top, wide, high), (edges[k], (edges[k] + edges[k + 1]) // 2, edges[k + 1]))
            for k in range(count)
        ]

    def _want_thumbs(self) -> None:
        if self._player.playing or not self.isVisible():
            self._source.want_thumbs(())
            return
        self._owed = self._player.filling or self._source.running
        self._source.want_thumbs([place for _, place in self.thumbs()], held=self._owed)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, now = QPainter(self), theme.now()
        painter.fillRect(event.rect(), now.qcolor("panel"))
        info = self._source.shown.info
        if info is None or not self._player.frames:
            painter.setPen(now.qcolor("muted"))
            painter.setFont(theme.font(theme.LABEL))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("No video is shown."))
            return
        self._paint_film(painter, QRectF(event.rect()))
        if info.frames > 1:
            if event.rect().top() < RULER:
                self._paint_ruler(painter)
            self._paint_kept(painter)
            self._paint_marks(painter)
            self._paint_playhead(painter)

    def _paint_film(self, painter: QPainter, part: QRectF) -> None:
        for place, frames in self.thumbs():
            if not place.intersects(part):
                continue
            thumb = self._source.thumb(*frames)
            if thumb is None:
                painter.fillRect(place.adjusted(0, 0, -1, 0), theme.now().qcolor("raised"))
                continue
            height, width, _ = thumb.shape
            image = QImage(thumb.data, width, height, width * 3, QImage.Format.Format_RGB888)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            across = min(width, height * place.width() / place.height())
            painter.drawImage(
                place.adjusted(0, 0, -1, 0), image, QRectF((width - across) / 2, 0, max(1, across), height)
            )

    def _paint_ruler(self, painter: QPainter) -> None:
        now, frames, rate = theme.now(), self._player.frames, self._player.rate
        painter.setFont(theme.font(theme.CAPTION))
        track = self._track()
        step = _step(frames, track.width() / APART, round(float(rate)) or 1)
        line = painter.fontMetrics().height()
        painter.setPen(now.qcolor("line"))
        painter.drawLine(QPointF(0, RULER - 0.5), QPointF(self.width(), RULER - 0.5))
        for index in range(0, frames, step):
            x = self.x_of(index)
            painter.setPen(now.qcolor("line"))
            painter.drawLine(QPointF(x, RULER - 6), QPointF(x, RULER - 1))
            if x + APART > self.width():
                continue
            painter.setPen(now.qcolor("muted"))
            painter.drawText(QPointF(x + 3, line - 3), timecode(index, rate))
            painter.setPen(now.qcolor("hint"))
            painter.drawText(QPointF(x + 3, RULER - 5), str(index))

    def _paint_kept(self, painter: QPainter) -> None:
        now, source = theme.now(), self._source
        top, high = RULER + 1, KEPT - 2
        painter.fillRect(QRectF(MARGIN, top, self._track().width(), high), now.qcolor("raised"))
        for start, stop in self._held:
            self._bar(painter, start, stop, top, high, now.qcolor("accent", 0.55))
        for start, stop in source.kept:
            self._bar(painter, start, stop, top, high, now.qcolor("ok"))

    def _bar(self, painter: QPainter, start: int, stop: int, top: float, high: float, colour: Any) -> None:
        left = self.x_of(start)
        painter.fillRect(QRectF(left, top, max(1.0, self.x_of(stop) - left), high), colour)

    def _paint_marks(self, painter: QPainter) -> None:
        start, stop = self._player.marked
        now = theme.now()
        shade = now.qcolor("panel", 0.65)
        for low, high in ((0, start or 0), (self._player.stop, self._player.frames)):
            if high > low:
                left = self.x_of(low)
                painter.fillRect(QRectF(left, RULER, self.x_of(high) - left, self.height() - RULER), shade)
        painter.setPen(now.qcolor("accent"))
        for index in (start, stop):
            if index is not None:
                x = self.x_of(index)
                painter.drawLine(QPointF(x, RULER - 10), QPointF(x, self.height()))

    def _paint_playhead(self, painter: QPainter) -> None:
        colour = theme.now().qcolor("accent")
        x = self.x_of(self._player.position)
        self._painted = int(x)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x, 9)]))
        painter.fillRect(QRectF(x - 0.75, 0, 1.5, self.height()), colour)

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._player.frames > 1:
            self._dragged = True
            self._player.pause()
            self._player.seek(self.index_at(event.position().x()))
            parent = self.parentWidget()
            if parent is not None:
                parent.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged:
            self._player.seek(self.index_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.again()


def _step(frames: int, labels: float, base: int) -> int:
    """Frames between two labels: a round number of frames or seconds, so that no more than `labels` fit."""
    wanted = frames / max(1.0, labels)
    seconds = [base * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 36000)]
    for step in sorted({1, 2, 5, 10, *(n for n in (20, base // 2) if n > 0), *seconds}):
        if step >= wanted:
            return step
    return max(1, int(wanted))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as ranges."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found
