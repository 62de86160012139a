"""A wire on the canvas: a curve from an output to an input, through the points that the user bent it at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from vidflow.gui import theme
from vidflow.gui.canvas.face import wire_type

THICK, THIN = 3.0, 2.0
Z = -1.0


class WireItem(QGraphicsPathItem):
    """The view of one link. Painted by Qt itself, which is what makes a thousand of them cheap."""

    def __init__(self, source: tuple[str, str | None], target: tuple[str, str, int | None]) -> None:
        super().__init__()
        self.source = source
        """The node and the output, None for its first."""
        self.target = target
        """The node, the input and the place in its list."""
        self.flows = "value"
        """The type that flows along it."""
        self.bends: tuple[tuple[float, float], ...] = ()
        self.picked = False
        self.hovered = False
        self.hairline = False
        self.faded = False
        self._samples: list[QPointF] = []
        self.setZValue(Z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setFlag(self.GraphicsItemFlag.ItemIsSelectable, False)

    def lay(self, start: QPointF, end: QPointF) -> None:
        """Draw it from `start` to `end`, in the scene's coordinates."""
        points = [start, *(QPointF(*bend) for bend in self.bends), end]
        self.setPath(curve(points))
        self._samples = []

    def dress(self) -> None:
        """Take the pen that its state asks for."""
        colours = theme.now()
        colour = colours.wire(wire_type(self.flows))
        if self.picked:
            colour = colours.qcolor("accent")
        pen = QPen(colour, THICK if self.picked or self.hovered else THIN)
        if self.hairline:
            pen = QPen(colour, 1.0)
            pen.setCosmetic(True)
        self.setOpacity(0.35 if self.faded else 1.0)
        if pen != self.pen():
            self.setPen(pen)

    def distance(self, at: QPointF) -> float:
        """How far a point of the scene is from the curve."""
        if not self._samples:
            path = self.path()
            count = max(8, min(64, int(path.length() / 16)))
            self._samples = [path.pointAtPercent(k / count) for k in range(count + 1)]
        return min(_to_segment(at, one, other) for one, other in pairwise(self._samples))

    def nearer_end(self, at: QPointF) -> str:
        """`in` or `out`: the end that a point is nearer to."""
        path = self.path()
        start, end = path.pointAtPercent(0), path.pointAtPercent(1)
        return "out" if _length(at - start) < _length(at - end) else "in"


def hover(before: WireItem | None, after: WireItem | None) -> WireItem | None:
    """Let the mouse go from one wire, or none, to another; gives that one."""
    if after is not before:
        for wire in (before, after):
            if wire is not None:
                wire.hovered = wire is after
                wire.dress()
    return after


def curve(points: Sequence[QPointF]) -> QPainterPath:
    """A smooth curve that leaves to the right and arrives from the left."""
    path = QPainterPath(points[0])
    for index, (one, other) in enumerate(pairwise(points)):
        reach = max(24.0, min(160.0, abs(other.x() - one.x()) * 0.5 + abs(other.y() - one.y()) * 0.15))
        if other.x() < one.x():
            reach = max(60.0, min(200.0, (one.x() - other.x()) * 0.4 + 40))
        first = last = reach
        if index and len(points) > 2:
            first = min(reach, 40.0)
        if index < len(points) - 2:
            last = min(reach, 40.0)
        path.cubicTo(one + QPointF(first, 0), other - QPointF(last, 0), other)
    return path


def bounds(points: Sequence[QPointF]) -> QRectF:
    """The box of a curve through these points."""
    return curve(points).boundingRect()


def _length(vector: QPointF) -> float:
    return math.hypot(vector.x(), vector.y())


def _to_segment(at: QPointF, one: QPointF, other: QPointF) -> float:
    line = other - one
    length = line.x() ** 2 + line.y() ** 2
    share = 0.0 if not length else max(0.0, min(1.0, QPointF.dotProduct(at - one, line) / length))
    return _length(at - one - line * share)
