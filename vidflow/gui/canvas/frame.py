"""A frame on the canvas: a titled box with a note behind the nodes that belong together. It moves what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem

from vidflow.gui import theme
from vidflow.gui.words import said

HEAD = 32.0
GRIP = 16.0
Z = -10.0
TOKENS = ("muted", "accent", "ok", "warn", "error")


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
        at, size = _pair(entry.get("at"), (0.0, 0.0)), _pair(entry.get("size"), (320.0, 200.0))
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
        # Titles are read from afar, so they grow a little where all is small.
        size = theme.HEADING if lod > 0.7 else min(28, int(theme.HEADING * 0.7 / lod))
        painter.setFont(theme.font(size, bold=True))
        box = self.rect.adjusted(12, 6, -12, 0)
        painter.drawText(box, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, self.title)
        if self.note and lod >= 0.5:
            painter.setPen(colours.qcolor("muted"))
            painter.setFont(theme.font(theme.LABEL))
            flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            painter.drawText(box.adjusted(0, size + 8, 0, -4), flags, self.note)


def _pair(value: Any, default: tuple[float, float]) -> tuple[float, float]:
    good = isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, int | float) for one in value)
    return (float(value[0]), float(value[1])) if good else default
