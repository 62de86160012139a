"""One gesture of the mouse, from the press of a button to its release, and the gestures that move what is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QMouseEvent

from vidflow.graph import Batch, Edit, MoveNodes, SetView
from vidflow.graph.connecting import inserted
from vidflow.graph.document import links_in
from vidflow.gui.canvas.frame import FrameItem
from vidflow.gui.canvas.node import NodeItem
from vidflow.gui.canvas.wire import WireItem, hover

if TYPE_CHECKING:
    from vidflow.gui.canvas.view import Canvas

MOVED = 4
"""Pixels that the mouse must move before a click becomes a drag."""
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


class Gesture:
    """One gesture, from the press of a button to its release."""

    def __init__(self, canvas: Canvas, event: QMouseEvent) -> None:
        self.canvas = canvas
        self.session = canvas.session
        self.start = event.position()
        self.origin = canvas.mapToScene(self.start.toPoint())
        self.dragging = False

    def moved(self, event: QMouseEvent) -> bool:
        """Whether the mouse has moved far enough for a drag."""
        if not self.dragging:
            way = event.position() - self.start
            self.dragging = math.hypot(way.x(), way.y()) >= MOVED
        return self.dragging

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        """The mouse moved to `at` in the scene."""

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        """The button was let go of."""

    def cancel(self) -> None:
        """Put everything back."""

    def interrupt(self) -> bool:
        """The document changes under it, by a key for instance. Gives whether that ends it: by default, as Esc does."""
        self.cancel()
        return True


class Pan(Gesture):
    """Moving what is seen."""

    def interrupt(self) -> bool:
        return False

    def __init__(self, canvas: Canvas, event: QMouseEvent) -> None:
        super().__init__(canvas, event)
        self.last = self.start
        canvas.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        by = (event.position() - self.last).toPoint()
        if not by.isNull():
            self.last += QPointF(by)
            self.canvas.pan(by)

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        self.cancel()

    def cancel(self) -> None:
        self.canvas.viewport().unsetCursor()


class Band(Gesture):
    """The rubber band: selects what it touches; Shift adds to the selection, Ctrl takes away."""

    def __init__(self, canvas: Canvas, event: QMouseEvent) -> None:
        super().__init__(canvas, event)
        self.before = self.session.selection
        self.band = canvas._rubber_band
        self.modifiers = event.modifiers()

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        if not self.moved(event):
            return
        # The viewer's own band is a child of the view, which begins where its viewport does.
        self.band.setGeometry(QRect(self.start.toPoint(), event.position().toPoint()).normalized())
        self.band.show()
        box = QRectF(self.origin, at).normalized()
        touched = [id for id, item in self.canvas.nodes.items() if box.intersects(item.body.translated(item.pos()))]
        if self.modifiers & CTRL:
            self.session.select(id for id in self.before if id not in touched)
        elif self.modifiers & SHIFT:
            self.session.select((*self.before, *touched))
        else:
            self.session.select(touched)

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        self.band.hide()
        if not self.dragging and not self.modifiers & (SHIFT | CTRL):
            self.session.select(())
            self.canvas.gestures.pick(None)

    def cancel(self) -> None:
        self.band.hide()
        self.session.select(self.before)

    def interrupt(self) -> bool:
        return False


class Move(Gesture):
    """Moving the selected nodes and frames. A single loose node dropped on a wire goes into it."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, taken: NodeItem | FrameItem) -> None:
        super().__init__(canvas, event)
        self.frames = [item for item in canvas.frames.values() if item.isSelected()]
        if isinstance(taken, FrameItem) and taken not in self.frames:
            self.frames.append(taken)
        ids = set(self.session.selection)
        for frame in self.frames:
            box = frame.scene_box()
            ids |= {id for id, item in canvas.nodes.items() if box.contains(item.body.translated(item.pos()))}
        self.items = {id: canvas.nodes[id] for id in ids if id in canvas.nodes}
        self.places = {id: QPointF(item.pos()) for id, item in self.items.items()}
        self.frame_places = {item.name: QPointF(item.pos()) for item in self.frames}
        self.taken = taken
        self.wire: WireItem | None = None

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        from vidflow.gui.canvas.view import snapped

        if not self.moved(event):
            return
        by = at - self.origin
        anchor = (
            self.places.get(self.taken.id) if isinstance(self.taken, NodeItem) else self.frame_places[self.taken.name]
        )
        anchor = anchor if anchor is not None else QPointF()
        by = QPointF(snapped(anchor.x() + by.x()) - anchor.x(), snapped(anchor.y() + by.y()) - anchor.y())
        for id, item in self.items.items():
            item.setPos(self.places[id] + by)
        for frame in self.frames:
            frame.setPos(self.frame_places[frame.name] + by)
        self.canvas.lay_around(self.items)
        self._aim(at)

    def _aim(self, at: QPointF) -> None:
        """The wire that the node would go into."""
        found: WireItem | None = None
        if len(self.items) == 1 and not self.frames and self._loose():
            (item,) = self.items.values()
            centre = item.pos() + QPointF(item.width / 2, 14)
            wire = self.canvas.wire_at(centre, 14) or self.canvas.wire_at(at, 10)
            if (
                wire is not None
                and item.id not in (wire.source[0], wire.target[0])
                and self._insertion(wire) is not None
            ):
                found = wire
        self.wire = hover(self.wire, found)

    def _loose(self) -> bool:
        (id,) = self.items
        if any(links_in(value) for value in self.session.nodes[id].inputs.values()):
            return False
        return not any(wire.source[0] == id for wire in self.canvas.wires.values())

    def _insertion(self, wire: WireItem) -> Edit | None:
        (id,) = self.items
        session = self.session
        return inserted(session.graph, session.types, session.definition, id, *wire.target)

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        if not self.dragging:
            return
        scope = self.session.definition
        edits: list[Edit] = []
        if self.items:
            edits.append(MoveNodes({id: _pair(item.pos()) for id, item in self.items.items()}, scope))
        edits.extend(SetView(("frames", frame.name, "at"), list(_pair(frame.pos())), scope) for frame in self.frames)
        insertion = self._insertion(self.wire) if self.wire is not None else None
        if insertion is not None:
            edits.append(insertion)
        self.wire = hover(self.wire, None)
        self.session.do(Batch(tuple(edits)))

    def cancel(self) -> None:
        for id, item in self.items.items():
            item.setPos(self.places[id])
        for frame in self.frames:
            frame.setPos(self.frame_places[frame.name])
        self.canvas.lay_around(self.items)
        self.wire = hover(self.wire, None)


class ResizeFrame(Gesture):
    """Dragging the corner of a frame."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, frame: FrameItem) -> None:
        super().__init__(canvas, event)
        self.frame = frame
        self.size = frame.size

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        from vidflow.gui.canvas.view import snapped

        by = at - self.origin
        self.frame.resize(snapped(self.size[0] + by.x()), snapped(self.size[1] + by.y()))

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        path = ("frames", self.frame.name, "size")
        self.session.do(SetView(path, list(self.frame.size), self.session.definition))

    def cancel(self) -> None:
        self.frame.resize(*self.size)


def _pair(at: QPointF) -> tuple[float, float]:
    return (at.x(), at.y())
