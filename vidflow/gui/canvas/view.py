"""The canvas: the view of the scope's nodes, wires and frames, and where they are looked at from.

What is shown follows the document; what the mouse does is in `gestures.py`, and every gesture ends in an edit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsItem, QLabel, QWidget

from vidflow.graph.document import SUBGRAPH, Graph, Link, Node, links_in
from vidflow.graph.porting import ports_of
from vidflow.gui import theme
from vidflow.gui.canvas.base import NodeViewer
from vidflow.gui.canvas.editor import InPlace
from vidflow.gui.canvas.face import EDGE, Border, face_of, label_of, pair_of
from vidflow.gui.canvas.frame import FrameItem
from vidflow.gui.canvas.gestures import Gestures
from vidflow.gui.canvas.node import FAR, NodeItem, Spot
from vidflow.gui.canvas.wire import WireItem
from vidflow.gui.problemwords import worded
from vidflow.gui.session import Session
from vidflow.gui.words import tr

GRID = 8
DOTS = 32
NEAREST, FARTHEST = 3.0, 0.05
SNAP = 24
"""Pixels on the screen within which a wire finds a port."""
_NOTHING: Mapping[str, Any] = {}


class Canvas(NodeViewer):
    """The graph by hand."""

    search_asked = Signal(object, object)
    """A place of the scene, and the port that what is chosen shall be linked to, or None."""
    files_dropped = Signal(list, object)
    node_dropped = Signal(str, object)
    menu_asked = Signal(object, object)
    """A place on the screen, and what is there: a NodeItem, WireItem, FrameItem or None."""
    zoomed = Signal(float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName(tr("Canvas"))
        self.session = session
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[tuple[str, str, int | None], WireItem] = {}
        self.frames: dict[str, FrameItem] = {}
        self.thumbnails = True
        self._thumbs: dict[str, QImage] = {}
        self._known: dict[str, tuple[Any, ...]] = {}
        self._nodes: Mapping[str, Node] = {}
        self._used: dict[str, tuple[str | None, ...]] = {}
        self._bends: Any = None
        self._scale = 1.0
        self._scope: Any = None
        self._views: dict[tuple[str, ...], tuple[float, QPointF]] = {}
        self._fitted = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSceneRect(-EDGE, -EDGE, 2 * EDGE, 2 * EDGE)
        self.setTransformationAnchor(self.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(self.ViewportAnchor.NoAnchor)
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setOptimizationFlag(self.OptimizationFlag.DontAdjustForAntialiasing, True)
        self.setViewportUpdateMode(self.ViewportUpdateMode.BoundingRectViewportUpdate)
        self.viewport().setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for item in (self._cursor_text, self._LIVE_PIPE, self._SLICER_PIPE):
            self.scene().removeItem(item)
        # NodeGraphQt's own search has no parent, so nobody else would take it away.
        self._search_widget.deleteLater()
        self.reason = QLabel(self.viewport())
        self.reason.setObjectName("reason")
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.reason.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.reason.hide()
        self.empty = QLabel(self.viewport())
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "hint")
        self.empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._sharpen = QTimer(self, singleShot=True, interval=120)
        self._sharpen.timeout.connect(lambda: self._smooth(True))
        self.gestures = Gestures(self)
        self.editor = InPlace(self)
        session.changed.connect(self._on_change)
        session.scope_changed.connect(self._on_scope)
        session.replaced.connect(self._on_replaced)
        session.selection_changed.connect(self._on_selection)
        session.state_changed.connect(self._on_state)
        session.checked.connect(self._on_checked)
        theme.look.changed.connect(self._on_theme)
        self._on_theme()
        self.rebuild()

    # The document's view

    def _on_change(self, before: Graph, after: Graph) -> None:
        # First: what it puts back is where it was before the change.
        self.gestures.interrupt()
        self.sync()

    def _on_replaced(self) -> None:
        self._thumbs.clear()
        self._views.clear()
        self._scope = None  # else the place where the last document was looked at would be kept for this one

    def _on_scope(self) -> None:
        self.gestures.drop()
        if self._scope is not None:
            self._views[self._scope] = (self._scale, self.mapToScene(self.viewport().rect().center()))
        self._scope = self.session.scope
        self.rebuild()
        kept = self._views.get(self._scope)
        if kept is None:
            self.fit()
        else:
            self.look_at(kept[1], kept[0])

    def rebuild(self) -> None:
        """Show the scope from nothing."""
        scene = self.scene()
        for item in (*self.wires.values(), *self.nodes.values(), *self.frames.values()):
            scene.removeItem(item)
        self.wires.clear()
        self.nodes.clear()
        self.frames.clear()
        self._known.clear()
        self._nodes, self._used, self._bends = {}, {}, None
        self.sync()
        self._on_checked()

    def sync(self) -> None:
        """Bring the items to what the document says now; what has not changed is known by identity."""
        session = self.session
        nodes, layout = session.nodes, session.layout
        entries = layout.get("nodes")
        views: Mapping[str, Any] = entries if isinstance(entries, Mapping) else {}
        graphs = session.graph.graphs
        relinked = self._relinked(nodes)
        if relinked:
            self._used = _used(nodes)
        used = self._used
        borders = self._borders()
        for id in [id for id in self.nodes if id not in nodes]:
            self.scene().removeItem(self.nodes.pop(id))
            self._known.pop(id, None)
        moved: set[str] = set()
        for id, node in nodes.items():
            view = views.get(id, _NOTHING)
            view = view if view.__class__ is dict or isinstance(view, Mapping) else _NOTHING
            part = graphs.get(node.type[len(SUBGRAPH) :]) if node.type.startswith(SUBGRAPH) else None
            border = borders.get(id)
            seen = (node, view, part, used.get(id, ()), self.thumbnails, border)
            old = self._known.get(id)
            if old is not None and old[0] is node and old[1] is view and old[2] is part and old[3:] == seen[3:]:
                continue
            self._known[id] = seen
            item = self._item(id)
            kind = session.kind(node)
            item.present(face_of(id, node, kind, view, part, used.get(id, ()), border, thumbnails=self.thumbnails))
            item.setPos(*(pair_of(view.get("at")) or (0.0, 0.0)))
            moved.add(id)
        if relinked or layout.get("bends") is not self._bends:
            self._sync_wires(nodes, layout, moved)
        elif moved:
            self.lay_around(moved)
        self._sync_frames(layout)
        self.empty.setVisible(not nodes)
        self._on_selection()

    def _relinked(self, nodes: Mapping[str, Node]) -> bool:
        """Whether there are other links, or other nodes, than when this was asked last."""
        before, self._nodes = self._nodes, nodes
        if before.keys() != nodes.keys():
            return True
        return any(old is not nodes[id] and _links(id, old) != _links(id, nodes[id]) for id, old in before.items())

    def _borders(self) -> dict[str, Border]:
        """Which inputs and outputs of the scope's nodes are ports of the subgraph that it is."""
        name = self.session.definition
        if name is None:
            return {}
        takes, gives = ports_of(self.session.graph.graphs[name])
        found: dict[str, Border] = {}
        for id in {*takes, *gives}:
            node = self.session.nodes.get(id)
            kind = self.session.kind(node) if node is not None else None
            first = next((one for one in kind.outputs if one is not None), "") if kind is not None else ""
            outputs = {output or first: port for output, port in gives.get(id, {}).items()}
            found[id] = Border(takes.get(id, {}), outputs)
        return found

    def _item(self, id: str) -> NodeItem:
        """The item of a node, made where there is none yet."""
        item = self.nodes.get(id)
        if item is None:
            item = self.nodes[id] = NodeItem(id)
            self.scene().addItem(item)
            flat = self.session.flat(id)
            item.state = self.session.state(flat)
            if flat in self._thumbs:
                item.set_thumb(self._thumbs[flat])
        return item

    def _sync_wires(self, nodes: Mapping[str, Node], layout: Mapping[str, Any], moved: set[str]) -> None:
        self._bends = layout.get("bends")
        bends = self._bends if isinstance(self._bends, Mapping) else {}
        wanted: dict[tuple[str, str, int | None], Link] = {}
        for id, node in nodes.items():
            wanted.update(_links(id, node))
        for key in [key for key in self.wires if key not in wanted]:
            self.scene().removeItem(self.wires.pop(key))
        for key, link in wanted.items():
            wire = self.wires.get(key)
            source = (link.node, link.output)
            if wire is None:
                wire = self.wires[key] = WireItem(source, key)
                wire.hairline = self._scale < FAR
                self.scene().addItem(wire)
            elif (
                wire.source == source
                and key[0] not in moved
                and link.node not in moved
                and wire.bends == _bends(bends, key)
            ):
                continue
            wire.source = source
            wire.bends = _bends(bends, key)
            self.lay(wire)

    def lay(self, wire: WireItem) -> None:
        """Draw a wire between its ports as they are now."""
        source, target = self.nodes.get(wire.source[0]), self.nodes.get(wire.target[0])
        if source is None or target is None:
            wire.setVisible(False)
            return
        start, end = self._ends(wire, source, target)
        wire.flows = start.port.type if start else "value"
        wire.setVisible(True)
        wire.lay(
            source.pos() + (start.at if start else QPointF(source.width, 14)),
            target.pos() + (end.at if end else QPointF(0, 14)),
        )
        wire.dress()

    def heights(self, wire: WireItem) -> tuple[float, float]:
        """How far below the top of its nodes a wire leaves and arrives."""
        start, end = self._ends(wire, self.nodes[wire.source[0]], self.nodes[wire.target[0]])
        return (start.at.y() if start else 14, end.at.y() if end else 14)

    def _ends(self, wire: WireItem, source: NodeItem, target: NodeItem) -> tuple[Spot | None, Spot | None]:
        output = wire.source[1]
        if output is None:
            output = next((spot.port.name for spot in source.spots.values() if spot.port.side == "out"), "")
        start = source.spots.get(("out", output, None))
        end = target.spots.get(("in", wire.target[1], wire.target[2]))
        if end is None and wire.target[2] is None:
            # A list that is one link, without brackets.
            end = target.spots.get(("in", wire.target[1], 0))
        return start, end

    def lay_around(self, ids: Iterable[str]) -> None:
        """Draw the wires of nodes again that are being moved."""
        moved = set(ids)
        for wire in self.wires.values():
            if wire.source[0] in moved or wire.target[0] in moved:
                self.lay(wire)

    def _sync_frames(self, layout: Mapping[str, Any]) -> None:
        found = layout.get("frames")
        pairs = found.items() if isinstance(found, Mapping) else ()
        entries: dict[str, Mapping[str, Any]] = {name: one for name, one in pairs if isinstance(one, Mapping)}
        for name in [name for name in self.frames if name not in entries]:
            self.scene().removeItem(self.frames.pop(name))
            self._known.pop(f"frame {name}", None)
        for name, entry in entries.items():
            item = self.frames.get(name)
            if item is None:
                item = self.frames[name] = FrameItem(name)
                self.scene().addItem(item)
            if self._known.get(f"frame {name}") is not entry:
                self._known[f"frame {name}"] = entry  # type: ignore[assignment]
                item.present(entry)

    def _on_selection(self) -> None:
        chosen = set(self.session.selection)
        for item in self.scene().selectedItems():
            if isinstance(item, NodeItem) and item.id not in chosen:
                item.setSelected(False)
                item.setZValue(0)
        for id in chosen:
            item = self.nodes.get(id)
            if item is not None and not item.isSelected():
                item.setSelected(True)
                item.setZValue(1)

    def _on_state(self, flat: str) -> None:
        item = self._item_of(flat)
        if item is not None:
            item.state = self.session.state(flat)
            item.update()

    def _item_of(self, flat: str) -> NodeItem | None:
        *outer, id = flat.split("/")
        return self.nodes.get(id) if tuple(outer) == self.session.scope else None

    def _on_checked(self) -> None:
        found: dict[str, tuple[str, str]] = {}
        prefix = "".join(f"{id}/" for id in self.session.scope)
        for problem in self.session.problems:
            if problem.level == "error" and problem.node and problem.node.startswith(prefix):
                inner = problem.node[len(prefix) :].split("/")[0]
                text, hint = worded(problem)
                text = f"{label_of(problem.input)}: {text}" if problem.input else text
                found.setdefault(inner, (text, hint))
        for id, item in self.nodes.items():
            problem, item.hint = found.get(id, ("", ""))
            if item.problem != problem:
                item.problem = problem
                item.update()

    def has_room(self, flat: str) -> bool:
        """Whether a node is on the canvas and shows a picture."""
        item = self._item_of(flat)
        return item is not None and item.face.picture

    def set_thumb(self, flat: str, image: QImage) -> None:
        """Show a picture on a node, now or when its scope is entered."""
        self._thumbs[flat] = image
        item = self._item_of(flat)
        if item is not None:
            item.set_thumb(image)

    def _on_theme(self) -> None:
        colours = theme.now()
        self.reason.setStyleSheet(
            f"background: {colours.raised}; color: {colours.error}; border: 1px solid {colours.line};"
            "border-radius: 4px; padding: 4px 8px;"
        )
        self.empty.setText(tr("Drop a clip here, or press Tab."))
        for wire in self.wires.values():
            wire.dress()
        self.viewport().update()

    # Looking

    def drawBackground(self, painter: QPainter, rect: QRectF | Any) -> None:
        step = DOTS * self._scale
        # From afar every second dot is enough.
        while step < 20:
            step *= 2
        # Only what is painted anew: an edit of one node leaves most of the dots as they are.
        area = self.mapFromScene(rect).boundingRect().adjusted(-2, -2, 2, 2) & self.viewport().rect()
        painter.save()
        painter.resetTransform()
        painter.fillRect(area, theme.now().qcolor("canvas"))
        if self._scale >= 0.35:
            painter.setPen(theme.now().qcolor("line"))
            origin = self.mapFromScene(QPointF(0, 0))
            across = _places(origin.x(), step, area.left(), area.right())
            down = _places(origin.y(), step, area.top(), area.bottom())
            painter.drawPoints([QPointF(x, y) for x in across for y in down])
        painter.restore()

    @property
    def zoom(self) -> float:
        """How large the scene is drawn; 1 is its own size."""
        return self._scale

    def zoom_by(self, factor: float, at: QPoint | None = None) -> None:
        """Draw the scene larger or smaller, with what is at `at` staying there."""
        at = at if at is not None else self.viewport().rect().center()
        before = self.mapToScene(at)
        self._set_scale(self._scale * factor)
        self._scroll(self.mapFromScene(before) - at)

    def _set_scale(self, scale: float) -> None:
        scale = min(NEAREST, max(FARTHEST, scale))
        far = (self._scale < FAR) != (scale < FAR)
        self._scale = scale
        self.resetTransform()
        self.scale_view(scale)
        if far:
            for wire in self.wires.values():
                wire.hairline = scale < FAR
                wire.dress()
        self._smooth(False)
        self.zoomed.emit(scale)

    def scale_view(self, scale: float) -> None:
        """Set the transformation alone."""
        transform = self.transform()
        transform.reset()
        transform.scale(scale, scale)
        self.setTransform(transform)

    def _scroll(self, by: QPoint) -> None:
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setValue(across.value() + by.x())
        down.setValue(down.value() + by.y())

    def pan(self, by: QPoint) -> None:
        """Move what is seen by so many pixels."""
        self._smooth(False)
        self._scroll(QPoint(-by.x(), -by.y()))

    def look_at(self, centre: QPointF, scale: float) -> None:
        """Look at a place of the scene."""
        self._set_scale(scale)
        middle = self.viewport().rect().center()
        self._scroll(self.mapFromScene(centre) - middle)

    def fit(self, ids: Iterable[str] | None = None) -> None:
        """Show these nodes, or all there is, as large as they fit, at most at their own size."""
        chosen = [self.nodes[id] for id in ids if id in self.nodes] if ids is not None else list(self.nodes.values())
        rect = QRectF()
        for item in chosen:
            rect = rect.united(item.body.translated(item.pos()))
        if ids is None:
            for frame in self.frames.values():
                rect = rect.united(frame.scene_box())
        if rect.isEmpty():
            self.look_at(QPointF(0, 0), 1.0)
            return
        room = self.viewport().size()
        margin = 24
        scale = min((room.width() - 2 * margin) / rect.width(), (room.height() - 2 * margin) / rect.height(), 1.0)
        self.look_at(rect.center(), max(FARTHEST, scale))

    def reveal(self, id: str) -> None:
        """Scroll just so far that the whole of a node is seen."""
        item = self.nodes.get(id)
        if item is not None:
            box = self.mapFromScene(item.body.translated(item.pos())).boundingRect().adjusted(-16, -16, 16, 16)
            room = self.viewport().rect()
            across = max(0, box.right() - room.right()) or min(0, box.left())
            down = max(0, box.bottom() - room.bottom()) or min(0, box.top())
            if across or down:
                self.pan(QPoint(-across, -down))

    def _smooth(self, on: bool) -> None:
        """While all moves, edges may be rough: that halves a frame."""
        if self.renderHints() & QPainter.RenderHint.Antialiasing and on:
            return
        self.setRenderHint(QPainter.RenderHint.Antialiasing, on)
        if on:
            self.viewport().update()
        else:
            self._sharpen.start()

    # Finding

    def node_at(self, at: QPointF) -> NodeItem | None:
        """The node whose body is at a place of the scene."""
        for item in self.scene().items(at):
            if isinstance(item, NodeItem):
                return item
        return None

    def nodes_near(self, at: QPointF, reach: float) -> list[NodeItem]:
        """The nodes that have something within `reach` of a place of the scene."""
        box = QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)
        found = self.scene().items(box, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
        return [item for item in found if isinstance(item, NodeItem)]

    def frame_at(self, at: QPointF) -> FrameItem | None:
        """The frame whose head or grip is at a place of the scene."""
        for item in self.scene().items(at):
            if isinstance(item, FrameItem):
                return item
        return None

    def wire_at(self, at: QPointF, reach: float = 6.0) -> WireItem | None:
        """The wire within `reach` pixels of a place of the scene."""
        reach /= self._scale
        box = QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)
        best: tuple[float, WireItem] | None = None
        for item in self.scene().items(box, Qt.ItemSelectionMode.IntersectsItemBoundingRect):
            if isinstance(item, WireItem) and item.isVisible():
                distance = item.distance(at)
                if distance <= reach and (best is None or distance < best[0]):
                    best = (distance, item)
        return best[1] if best else None

    def free_place(self, near: QPointF, size: tuple[float, float] = (200, 216)) -> QPointF:
        """A place on the grid near `near` where no node is."""
        boxes = [item.body.translated(item.pos()).adjusted(-16, -16, 16, 16) for item in self.nodes.values()]
        start = QPointF(snapped(near.x()), snapped(near.y()))
        for ring in range(60):
            for dx, dy in _ring(ring):
                at = start + QPointF(dx * 24, dy * 24)
                if not any(box.intersects(QRectF(at.x(), at.y(), *size)) for box in boxes):
                    return at
        return start

    def beside_selection(self) -> QPointF:
        """Where a new node belongs: to the right of what is selected, or in the middle."""
        chosen = [self.nodes[id] for id in self.session.selection if id in self.nodes]
        if chosen:
            right = max(item.pos().x() + item.width for item in chosen)
            top = chosen[-1].pos().y()
            return self.free_place(QPointF(right + 64, top))
        middle = self.mapToScene(self.viewport().rect().center())
        return self.free_place(middle - QPointF(100, 60))

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.gestures.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.gestures.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.gestures.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.gestures.double(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        if delta:
            self.zoom_by(1.0015**delta, event.position().toPoint())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.gestures.active:
            self.gestures.cancel()
            return
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.gestures.step(*step, event.modifiers())
            return
        QWidget.keyPressEvent(self, event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        QWidget.keyReleaseEvent(self, event)

    def focusNextPrevChild(self, next: bool) -> bool:
        # Tab opens the search here; Ctrl+Tab goes on to the next part of the window.
        return False

    def focusInEvent(self, event: Any) -> None:
        QWidget.focusInEvent(self, event)

    def focusOutEvent(self, event: Any) -> None:
        self.clear_key_state()
        QWidget.focusOutEvent(self, event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.gestures.active:
            return
        at = self.mapToScene(event.pos())
        what: QGraphicsItem | None = self.node_at(at) or self.wire_at(at) or self.frame_at(at)
        if isinstance(what, NodeItem) and not what.isSelected():
            self.session.select((what.id,))
        self.menu_asked.emit(event.globalPos(), what)

    def resizeEvent(self, event: QResizeEvent) -> None:
        old = event.oldSize()
        self.empty.setGeometry(self.viewport().rect())
        if not self._fitted and self.isVisible():
            self._fitted = True
            self.fit()
        elif old.isValid():
            # What is in the middle stays there.
            self._scroll(QPoint((old.width() - event.size().width()) // 2, (old.height() - event.size().height()) // 2))

    def showEvent(self, event: Any) -> None:
        QWidget.showEvent(self, event)
        if not self._fitted:
            self._fitted = True
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("Canvas"))
            self._known.clear()
            self.sync()
            self._on_checked()
            self._on_theme()
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._take_drag(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._take_drag(event)

    def _take_drag(self, event: Any) -> None:
        data = event.mimeData()
        if data.hasFormat(NODE_FORMAT) or data.hasUrls():
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        at = self.mapToScene(event.position().toPoint())
        data = event.mimeData()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if data.hasFormat(NODE_FORMAT):
            self.node_dropped.emit(bytes(data.data(NODE_FORMAT).data()).decode(), at)
        elif data.hasUrls():
            self.files_dropped.emit([url.toLocalFile() for url in data.urls() if url.isLocalFile()], at)


NODE_FORMAT = "application/x-vidflow-node"
"""What the palette drags: the name of a node type."""


def snapped(value: float) -> float:
    """On the grid."""
    return float(round(value / GRID) * GRID)


def _bends(bends: Mapping[str, Any], key: tuple[str, str, int | None]) -> tuple[tuple[float, float], ...]:
    points = bends.get(bend_name(key))
    if not isinstance(points, list | tuple):
        return ()
    return tuple(pair for point in points if (pair := pair_of(point)) is not None)


def bend_name(key: tuple[str, str, int | None]) -> str:
    """How the layout names a wire: `node.input`, or `node.input.2` in a list."""
    return f"{key[0]}.{key[1]}" if key[2] is None else f"{key[0]}.{key[1]}.{key[2]}"


def _places(origin: float, step: float, first: int, last: int) -> list[float]:
    """Where the dots of the grid are between two pixels."""
    start = math.ceil((first - origin) / step)
    return [origin + k * step for k in range(start, math.floor((last - origin) / step) + 1)]


def _links(id: str, node: Node) -> dict[tuple[str, str, int | None], Link]:
    """The links that a node reads, as the canvas names wires."""
    found: dict[tuple[str, str, int | None], Link] = {}
    for name, value in node.inputs.items():
        if isinstance(value, Link):
            found[id, name, None] = value
        elif isinstance(value, tuple):
            found.update({(id, name, place): one for place, one in enumerate(value) if isinstance(one, Link)})
    return found


def _used(nodes: Mapping[str, Node]) -> dict[str, tuple[str | None, ...]]:
    """The outputs of each node that another reads."""
    found: dict[str, dict[str | None, None]] = {}
    for node in nodes.values():
        for value in node.inputs.values():
            if value.__class__ is Link or value.__class__ is tuple:
                for link in links_in(value):
                    found.setdefault(link.node, {})[link.output] = None
    return {id: tuple(sorted(names, key=str)) for id, names in found.items()}


def _ring(radius: int) -> list[tuple[int, int]]:
    if not radius:
        return [(0, 0)]
    count = 8 * radius
    # Down and to the right first: that is where a graph grows.
    angles = [math.tau * k / count for k in range(count)]
    ring = {(round(radius * math.cos(a)), round(radius * math.sin(a))) for a in angles}
    return sorted(ring, key=lambda spot: (spot[1] < 0, spot[0] < 0, spot))
