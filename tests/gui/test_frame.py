"""What a frame shows of its words, near and from afar."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from vidflow.gui import theme
from vidflow.gui.canvas.frame import FrameItem


def drawn(title: str, note: str, scale: float) -> QImage:
    """A frame 200 wide on white, with as much room again to its right."""
    scene, frame = QGraphicsScene(), FrameItem("f")
    scene.addItem(frame)
    frame.present({"at": [0, 0], "size": [200, 120], "title": title, "note": note})
    image = QImage(int(400 * scale), int(130 * scale), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    scene.render(painter, QRectF(image.rect()), QRectF(0, 0, image.width() / scale, image.height() / scale))
    painter.end()
    return image


@pytest.mark.parametrize("scale", [1.0, 0.65, 0.55, 0.25])
def test_a_title_that_is_too_long_ends_in_dots(qapp: Any, scale: float) -> None:
    title = "A title that is far too long for its frame"
    shorter = QFontMetricsF(theme.font(theme.HEADING, bold=True)).elidedText(title, Qt.TextElideMode.ElideRight, 176)
    assert shorter.endswith("…")
    assert drawn(title, "", scale) == drawn(shorter, "", scale)


def test_a_title_grows_from_afar_where_there_is_room_and_the_note_is_gone(qapp: Any) -> None:
    assert drawn("Film", "One sentence.", 0.5) == drawn("Film", "", 0.5)
    assert drawn("Film", "One sentence.", 0.7) != drawn("Film", "", 0.7)

    def width(image: QImage, scale: float) -> float:
        ground = image.pixelColor((QPointF(190, 10) * scale).toPoint())
        rows, columns = range(int(8 * scale), int(40 * scale)), range(int(11 * scale), int(190 * scale))
        return sum(any(image.pixelColor(x, y) != ground for y in rows) for x in columns) / scale

    assert width(drawn("Film", "", 0.5), 0.5) > 1.2 * width(drawn("Film", "", 1.0), 1.0)
