"""A frame on the canvas: a titled box with a note behind the nodes that belong together. It moves what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem

from vidflow.gui import theme
from vidflow.gui.canvas.face import pair_of
from vidflow.gui.words import said

LONGEST = 500
"""Characters of a title that are painted; of a note, ten times as many."""
HEAD = 32.0
GRIP = 16.0
Z = -10.0
TOKENS = ("muted", "accent", "ok", "warn", "error")
NOTE = 0.6
"""Below this scale the note is too small to be read; the title grows in its room instead."""
TITLE_FLAGS = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
NOTE_FLAGS = TITLE_FLAGS | Qt.TextFlag.TextWordWrap


class FrameItem(QGraphicsItem):
    """The view of one entry of `frames` in the layout."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.title = self.note = ""
        self.token = "muted"
        self._size = (320.0, 200.0)
        self.setZValue(Z)
        self.setFlag(self.GraphicsItemFlag.ItemIsSelectable, True)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption, True)

    def present(self, entry: Mapping[str, Any]) -> None:
        """Show what the layout says of it."""
        self.prepareGeometryChange()
        at, size = pair_of(entry.get("at")) or (0.0, 0.0), pair_of(entry.get("size")) or (320.0, 200.0)
        self._size = (max(96.0, size[0]), max(64.0, size[1]))
        self.setPos(*at)
        self.title, self.note = said(entry.get("title")), said(entry.get("note"))
        colour = entry.get("colour")
        self.token = colour if colour in TOKENS else "muted"
        self.update()

    def resize(self, width: float, height: float) -> None:
        """Another size, while it is being dragged."""
        self.prepareGeometryChange()
        self._size = (max(96.0, width), max(64.0, height))
        self.update()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self._size

    @property
    def rect(self) -> QRectF:
        """The box in its own coordinates."""
        return QRectF(0, 0, *self._size)

    def boundingRect(self) -> QRectF:
        return self.rect.adjusted(-2, -2, 2, 2)

    def shape(self) -> QPainterPath:
        """Only its head and its grip can be taken: what is inside belongs to the nodes and the rubber band."""
        path = QPainterPath()
        path.addRect(QRectF(0, 0, self._size[0], HEAD))
        path.addRect(self.grip)
        return path

    @property
    def grip(self) -> QRectF:
        """The corner that resizes it."""
        return QRectF(self._size[0] - GRIP, self._size[1] - GRIP, GRIP, GRIP)

    def scene_box(self) -> QRectF:
        """The box in the scene's coordinates."""
        return self.rect.translated(self.pos())

    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        colours = theme.now()
        lod = option.levelOfDetailFromTransform(painter.worldTransform())
        selected = self.isSelected()
        painter.setPen(
            QPen(colours.qcolor("accent" if selected else self.token, 1.0 if selected else 0.5), 2 if selected else 1)
        )
        painter.setBrush(colours.qcolor(self.token, 0.08))
        painter.drawRoundedRect(self.rect, 6, 6)
        corner = self.rect.bottomRight()
        painter.setPen(QPen(colours.qcolor(self.token, 0.6), 1))
        for step in (5, 10):
            painter.drawLine(corner - QPointF(step, 3), corner - QPointF(3, step))
        if lod < 0.2:
            return
        painter.setPen(colours.qcolor("text"))
        size = self._title_size(lod)
        painter.setFont(theme.font(size, bold=True))
        title = QFontMetricsF(painter.font()).elidedText(
            self.title[:LONGEST], Qt.TextElideMode.ElideRight, self.title_box.width()
        )
        painter.drawText(self.title_box, TITLE_FLAGS, title)
        if self.note and lod >= NOTE:
            painter.setPen(colours.qcolor("muted"))
            painter.setFont(theme.font(theme.LABEL))
            painter.drawText(self.note_box, NOTE_FLAGS, self.note[: 10 * LONGEST])

    @property
    def title_box(self) -> QRectF:
        """Where the title stands, in one line."""
        return self.rect.adjusted(12, 6, -12, 0)

    @property
    def note_box(self) -> QRectF:
        """The room for the note, which breaks into lines."""
        return self.rect.adjusted(12, HEAD - 2, -12, -4)

    def _title_size(self, lod: float) -> int:
        """Titles are read from afar, so they grow where all is small, as far as there is room."""
        if lod >= NOTE:
            return theme.HEADING
        wide = QFontMetricsF(theme.font(theme.HEADING, bold=True)).horizontalAdvance(self.title[:LONGEST])
        room = theme.HEADING * self.title_box.width() / max(1.0, wide)
        return max(theme.HEADING, min(28, int(theme.HEADING * 0.7 / lod), int(room)))
