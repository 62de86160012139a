"""A node on the canvas, painted in one go, without child items: header, rows, thumbnail, footer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from vidflow.gui import icons, theme
from vidflow.gui.canvas.base import AbstractNodeItem
from vidflow.gui.canvas.face import Face, Port, Row, wire_type
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.states import NodeState

HEADER, ROW, FOOTER, PAD = 28.0, 22.0, 18.0, 8.0
THUMB = 9 / 16
LONGEST = 500
"""Characters of a text that are measured: more than a node has room for."""
DOT = 10.0
EDGE = 10.0
"""How far ports, the outline and their growing stand out of the body."""
NO_PICTURE, NO_TITLE, FAR, SMALL = 0.1, 0.16, 0.3, 0.55
"""Below the first, a node is a plain box; below the second, a box with its picture; below the third, one with its title
in letters that do not shrink; below the last, it has no rows."""
GLYPHS = {
    "done": ("check", "ok"),
    "kept": ("stack", "muted"),
    "stale": ("arrow-counter-clockwise", "warn"),
    "failed": ("warning", "error"),
    "waiting": ("clock", "hint"),
    "running": ("", "accent"),
}


@dataclass(slots=True)
class Spot:
    """Where a port is, in the node's own coordinates, and how it looks while a wire is dragged."""

    port: Port
    at: QPointF
    row: int


class NodeItem(AbstractNodeItem):
    """The view of one node of the scope."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.setCacheMode(self.CacheMode.NoCache)
        self.setFlag(self.GraphicsItemFlag.ItemIsMovable, False)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption, True)
        self.setAcceptHoverEvents(False)
        self.setToolTip("")
        self.id = id
        self.face = Face("", "", "value", (), False, False, False)
        self.spots: dict[tuple[str, str, int | None], Spot] = {}
        self.state: NodeState | None = None
        self.problem = self.hint = ""
        self.thumb: QPixmap | None = None
        self._scaled: QPixmap | None = None
        self.reach: dict[tuple[str, str, int | None], bool] | None = None
        """While a wire is dragged: which of the ports it may end at."""
        self.target: tuple[str, str, int | None] | None = None
        """The port, or the setting's row, that the dragged wire would end at."""
        self._texts: dict[Any, str] = {}
        self._rect = QRectF()

    # Geometry

    def present(self, face: Face) -> None:
        """Show another face."""
        self.face = face
        self._texts.clear()
        height = HEADER + ROW * len(face.rows) + 4 + (face.width * THUMB if face.picture else 0) + FOOTER
        rect = QRectF(-EDGE, -4, face.width + 2 * EDGE, height + 8)
        if rect != self._rect:
            self.prepareGeometryChange()
            self._rect = rect
            self._width, self._height = face.width, height
        self.spots = {}
        for index, row in enumerate(face.rows):
            y = HEADER + ROW * (index + 0.5)
            for port, x in ((row.left, 0.0), (row.right, face.width)):
                if port is not None:
                    self.spots[key_of(port)] = Spot(port, QPointF(x, y), index)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._rect

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(self.body)
        return path

    @property
    def body(self) -> QRectF:
        """The box without what stands out of it."""
        return QRectF(0, 0, self._width, self._height)

    def row_rect(self, index: int) -> QRectF:
        """The line of a row."""
        return QRectF(0, HEADER + ROW * index, self._width, ROW)

    def row_at(self, at: QPointF) -> int | None:
        """The row at a point of the node's own coordinates."""
        index = int((at.y() - HEADER) // ROW)
        inside = 0 <= at.x() <= self._width and 0 <= index < len(self.face.rows) and at.y() >= HEADER
        return index if inside else None

    def value_at(self, at: QPointF, zoom: float) -> int | None:
        """The row whose setting's value is at a point, where so far away as `zoom` values are still drawn."""
        row = self.row_at(at)
        if row is None or zoom < SMALL or not self.face.rows[row].setting:
            return None
        return row if self.value_rect(row).contains(at) else None

    @property
    def thumb_rect(self) -> QRectF:
        """Where the thumbnail is; empty where there is none."""
        if not self.face.picture:
            return QRectF()
        top = HEADER + ROW * len(self.face.rows) + 4
        return QRectF(1, top, self._width - 2, self._width * THUMB)

    # Painting

    def set_thumb(self, image: QImage | None) -> None:
        """Show a picture."""
        self.thumb = None if image is None else QPixmap.fromImage(image)
        self._scaled = None
        self.update(self.thumb_rect)

    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        colours = theme.now()
        lod = option.levelOfDetailFromTransform(painter.worldTransform())
        face, body = self.face, self.body
        selected = self.isSelected()
        if face.off:
            painter.setOpacity(0.45)
        if lod < FAR:
            painter.fillRect(body, colours.qcolor("raised"))
            painter.fillRect(QRectF(0, 0, max(3.0, 3 / lod), body.height()), colours.wire(face.main))
            if face.picture and self.thumb is not None and lod >= NO_PICTURE:
                self._thumb(painter, colours)
            if lod >= NO_TITLE:
                self._far_title(painter, colours, lod)
            self._far_state(painter, colours, lod)
            painter.setPen(_pen(colours.accent, 2 / lod) if selected else _pen(colours.line, 1 / lod))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(body)
            return
        self._body(painter, colours, selected)
        if face.picture:
            self._thumb(painter, colours)
        self._header(painter, colours, lod)
        if lod >= SMALL:
            painter.setFont(theme.font(theme.LABEL))
            for index, row in enumerate(face.rows):
                self._row(painter, colours, index, row)
            self._footer(painter, colours)
        elif self.footer()[1] == "error":
            self._far_error(painter, colours, lod)
        self._ports(painter, colours)
        self._progress(painter, colours)

    def _far_title(self, painter: QPainter, colours: theme.Theme, lod: float) -> None:
        """The title in letters of one size on the screen, above the picture or in the middle."""
        size = round(9 / lod)
        room = self.thumb_rect.top() if self.face.picture and self.thumb is not None else self._height
        box = QRectF(5 / lod, 1 / lod, self._width - 8 / lod, room - 2 / lod)
        painter.setPen(colours.qcolor("text"))
        painter.setFont(theme.font(size))
        key = ("far", size, round(box.height()))
        if key not in self._texts:
            self._texts[key] = "\n".join(_lines(self.face.title[:LONGEST], QFontMetricsF(theme.font(size)), box))
        painter.drawText(box, _MIDDLE_LEFT, self._texts[key])

    def _far_error(self, painter: QPainter, colours: theme.Theme, lod: float) -> None:
        """What is wrong, in the place of the rows, in letters that can still be read."""
        bottom = self.thumb_rect.top() if self.face.picture and self.thumb is not None else self._height - 4
        box = QRectF(12, HEADER, self._width - 20, bottom - HEADER)
        painter.setPen(colours.qcolor("error"))
        painter.setFont(theme.font(round(9 / lod)))
        # Whole lines only.
        line = painter.fontMetrics().lineSpacing()
        box.setHeight(max(1, box.height() // line) * line)
        painter.drawText(box, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, self.footer()[0])

    def _far_state(self, painter: QPainter, colours: theme.Theme, lod: float) -> None:
        kind = self._glyph()
        if kind:
            side = min(self._width / 3, 8 / lod)
            painter.fillRect(QRectF(self._width - side, 0, side, side), colours.qcolor(GLYPHS[kind][1]))

    def _body(self, painter: QPainter, colours: theme.Theme, selected: bool) -> None:
        pen = _pen(colours.accent, 2.0) if selected else _pen(colours.line, 1.0)
        if self.face.off:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(colours.qcolor("raised"))
        painter.drawRoundedRect(self.body, 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.wire(self.face.main))
        painter.drawRoundedRect(QRectF(0, 6, 3, self._height - 12), 1.5, 1.5)

    def _header(self, painter: QPainter, colours: theme.Theme, lod: float) -> None:
        ratio = painter.device().devicePixelRatioF()
        left = 12.0
        icon = icons.pixmap(
            self.face.icon, 16, "error" if self.face.missing else "muted", max(1.0, round(ratio * lod, 1))
        )
        if icon is not None:
            painter.drawPixmap(QRectF(left, 6, 16, 16), icon, QRectF(icon.rect()))
            left += 22
        right = self._width - 8
        kind = self._glyph()
        if kind == "running" and self.state is not None:
            painter.setFont(theme.font(theme.CAPTION))
            painter.setPen(colours.qcolor("accent"))
            painter.drawText(QRectF(right - 40, 0, 40, HEADER - 3), _MIDDLE_RIGHT, f"{self._share():.0%}")
            right -= 44
        elif kind:
            name, token = GLYPHS[kind]
            glyph = icons.pixmap(name, 16, token, max(1.0, round(ratio * lod, 1)))
            if glyph is not None:
                painter.drawPixmap(QRectF(right - 16, 6, 16, 16), glyph, QRectF(glyph.rect()))
            right -= 20
        painter.setPen(colours.qcolor("text"))
        # From afar, as large as the header is high.
        size = max(theme.BODY, min(18, round(9 / lod)))
        painter.setFont(theme.font(size, bold=True))
        box = QRectF(left, 0, right - left, HEADER)
        painter.drawText(box, _MIDDLE_LEFT, self._elided(("title", size), self.face.title, box.width(), size, True))

    def _glyph(self) -> str:
        if self.face.missing or self.problem:
            return "failed"
        kind = self.state.kind if self.state else "idle"
        return kind if kind in GLYPHS else ""

    def _row(self, painter: QPainter, colours: theme.Theme, index: int, row: Row) -> None:
        rect = self.row_rect(index).adjusted(12, 0, -12, 0)
        if self.target is not None and row.setting == self.target[1] and self.target[0] == "setting":
            painter.fillRect(self.row_rect(index).adjusted(3, 1, -1, -1), colours.qcolor("accent", 0.25))
        half = rect.width() * (0.5 if row.setting or row.right else 1.0)
        if row.setting:
            # A long name has the room that a short value leaves.
            half = max(half, rect.width() - self._advance(index, row.value) - 4)
        painter.setPen(colours.qcolor("muted"))
        if row.label:
            box = QRectF(rect.left(), rect.top(), half - 4, ROW)
            painter.drawText(box, _MIDDLE_LEFT, self._elided((index, "l"), row.label, box.width()))
        if row.right_label:
            box = QRectF(rect.right() - rect.width() * 0.5, rect.top(), rect.width() * 0.5, ROW)
            painter.drawText(box, _MIDDLE_RIGHT, self._elided((index, "r"), row.right_label, box.width()))
        elif row.setting:
            box = self.value_rect(index)
            painter.setPen(colours.qcolor("text"))
            painter.drawText(box, _MIDDLE_RIGHT, self._elided((index, "v"), row.value, box.width()))

    def value_rect(self, index: int) -> QRectF:
        """Where a setting's value stands, which a click edits."""
        rect = self.row_rect(index).adjusted(12, 0, -12, 0)
        return QRectF(rect.left() + rect.width() * 0.42, rect.top() + 1, rect.width() * 0.58, ROW - 2)

    def _thumb(self, painter: QPainter, colours: theme.Theme) -> None:
        rect = self.thumb_rect
        painter.fillRect(rect, colours.qcolor("surround"))
        if self.thumb is not None and not self.thumb.isNull():
            size = self.thumb.deviceIndependentSize()
            scale = min(rect.width() / size.width(), rect.height() / size.height())
            width, height = size.width() * scale, size.height() * scale
            box = QRectF(rect.center().x() - width / 2, rect.center().y() - height / 2, width, height)
            pixels = (box.size() * painter.worldTransform().m11() * painter.device().devicePixelRatioF()).toSize()
            if self._scaled is None or self._scaled.size() != pixels:
                # Scaled once for each zoom: to scale it in each frame would take most of the frame.
                ways = (Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
                self._scaled = self.thumb.scaled(pixels, *ways)
            painter.drawPixmap(box, self._scaled, QRectF(self._scaled.rect()))

    def _footer(self, painter: QPainter, colours: theme.Theme) -> None:
        text, token = self.footer()
        if not text:
            return
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(colours.qcolor(token))
        box = QRectF(12, self._height - FOOTER - 1, self._width - 24, FOOTER)
        painter.drawText(box, _MIDDLE_LEFT, self._elided(("footer", text), text, box.width(), theme.CAPTION))

    def footer(self) -> tuple[str, str]:
        """The line under the node, and its colour's token."""
        state = self.state
        if self.problem:
            # A line under a node has no room for folders.
            return _FOLDERS.sub("", self.problem), "error"
        if self.face.missing:
            return tr("This node type is not installed."), "error"
        if state is None:
            return "", "muted"
        if state.kind == "failed":
            return _FOLDERS.sub("", state.message.split("\n")[0]), "error"
        if state.kind == "running" and state.total > 1:
            return f"{state.step} / {state.total}", "muted"
        if state.kind == "kept":
            return tr("kept"), "muted"
        if state.kind == "stale":
            return tr("changed since it ran"), "warn"
        if state.kind == "done":
            return tr("{:.1f} s").format(state.seconds) if state.seconds >= 0.05 else tr("done"), "muted"
        return "", "muted"

    def _share(self) -> float:
        """How much of the work at hand is done."""
        return self.state.step / self.state.total if self.state and self.state.total else 0.0

    def _progress(self, painter: QPainter, colours: theme.Theme) -> None:
        state = self.state
        if state is None or state.kind != "running":
            return
        share = self._share()
        width = self._width - 2
        painter.fillRect(QRectF(1, HEADER - 3, width, 3), colours.qcolor("line"))
        painter.fillRect(QRectF(1, HEADER - 3, width * min(1.0, max(0.04, share)), 3), colours.qcolor("accent"))

    def _ports(self, painter: QPainter, colours: theme.Theme) -> None:
        for key, spot in self.spots.items():
            fits = self.reach is None or self.reach.get(key, False)
            aimed = key == self.target
            size = DOT * (1.6 if aimed else 1.25 if self.reach is not None and fits else 1.0)
            painter.setOpacity((0.45 if self.face.off else 1.0) * (1.0 if fits else 0.25))
            draw_port(painter, colours, spot.port, spot.at, size)
        painter.setOpacity(0.45 if self.face.off else 1.0)

    def _advance(self, index: int, text: str) -> float:
        key = (index, "w")
        if key not in self._texts:
            self._texts[key] = str(QFontMetricsF(theme.font(theme.LABEL)).horizontalAdvance(text[:LONGEST]))
        return float(self._texts[key])

    def _elided(self, key: Any, text: str, width: float, size: int = theme.LABEL, bold: bool = False) -> str:
        # Hinted letters are a little wider where the canvas is zoomed.
        found = self._texts.get(key)
        if found is None:
            metrics = QFontMetricsF(theme.font(size, bold))
            if len(self._texts) > 40:
                self._texts.clear()
            found = self._texts[key] = metrics.elidedText(text[:LONGEST], Qt.TextElideMode.ElideRight, 0.97 * width)
        return found


def _lines(text: str, metrics: QFontMetricsF, box: QRectF) -> list[str]:
    """As much of a text as fits into a box in whole letters, on lines broken between words where there are any."""
    found: list[str] = []
    room = max(1, int(box.height() // metrics.lineSpacing()))
    while text and len(found) < room:
        end = len(text)
        while end > 1 and metrics.horizontalAdvance(text[:end]) > box.width():
            end -= 1
        if end < len(text) and len(found) + 1 < room and text[end] != " " and " " in text[:end]:
            end = text[:end].rindex(" ")
        found.append(text[:end])
        text = text[end:].lstrip()
    return found


def key_of(port: Port) -> tuple[str, str, int | None]:
    """How a node finds a port of its own again."""
    return (port.side, port.name, port.place)


def draw_port(painter: QPainter, colours: theme.Theme, port: Port, at: QPointF, size: float) -> None:
    """A port by its type: the shape says what the colour says."""
    type = wire_type(port.type)
    colour = colours.wire(type)
    ground = colours.qcolor("canvas")
    painter.setPen(QPen(ground, 1.5))
    painter.setBrush(colour if port.linked or type == "latents" else _mixed(colour, ground))
    half = size / 2
    box = QRectF(at.x() - half, at.y() - half, size, size)
    match type:
        case "image":
            painter.drawRect(box.adjusted(0.8, 0.8, -0.8, -0.8))
        case "audio":
            points = [
                QPointF(at.x() - half, at.y() - half),
                QPointF(at.x() + half, at.y()),
                QPointF(at.x() - half, at.y() + half),
            ]
            painter.drawPolygon(QPolygonF(points))
        case "prompt":
            points = [
                QPointF(at.x(), at.y() - half),
                QPointF(at.x() + half, at.y()),
                QPointF(at.x(), at.y() + half),
                QPointF(at.x() - half, at.y()),
            ]
            painter.drawPolygon(QPolygonF(points))
        case "conditioning":
            q = half / 2
            points = [
                QPointF(at.x() + x, at.y() + y)
                for x, y in ((-half, 0), (-q, -half), (q, -half), (half, 0), (q, half), (-q, half))
            ]
            painter.drawPolygon(QPolygonF(points))
        case "latents":
            painter.drawEllipse(box)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawEllipse(at, half * 0.45, half * 0.45)
        case "model":
            painter.drawRoundedRect(box, 3, 3)
        case "report":
            painter.drawRect(QRectF(at.x() - half * 0.55, at.y() - half, size * 0.55, size))
        case "value":
            painter.drawEllipse(at, half * 0.7, half * 0.7)
        case _:
            painter.drawEllipse(box)


def _mixed(colour: QColor, ground: QColor) -> QColor:
    """The colour of a port that nothing is linked to: darker, towards the ground."""
    return QColor.fromRgb(
        (colour.red() + ground.red()) // 2, (colour.green() + ground.green()) // 2, (colour.blue() + ground.blue()) // 2
    )


def _pen(colour: str, width: float) -> QPen:
    return QPen(QColor(colour), width)


_FOLDERS = re.compile(r"(?<!\S)(?:[A-Za-z]:)?[/\\](?:[^/\\:]+[/\\])+")
_MIDDLE_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_MIDDLE_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
