"""A wire in the hand: from a port, off an input, along its bends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QMouseEvent, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from vidflow.graph import Batch, Edit, Link
from vidflow.graph.connecting import Wiring, connected, disconnected
from vidflow.gui import theme
from vidflow.gui.canvas.face import Port, wire_type
from vidflow.gui.canvas.node import NodeItem, key_of
from vidflow.gui.canvas.wire import WireItem, curve
from vidflow.gui.problemwords import told
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.canvas.view import Canvas
from vidflow.gui.canvas.gesture import Gesture


class DragWire(Gesture):
    """A wire on its way from a port: ports in reach that fit grow and catch it, the others fade; why one does not fit
    is a line at the pointer. Dropped on empty canvas, it offers the nodes that fit."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, port: Port, detached: WireItem | None = None) -> None:
        super().__init__(canvas, event)
        self.port = port
        self.detached = detached
        self.item = QGraphicsPathItem()
        self.item.setZValue(5)
        self.item.setPen(QPen(theme.now().wire(wire_type(port.type)), 2.5))
        canvas.scene().addItem(self.item)
        if detached is not None:
            detached.setVisible(False)
        self.end: tuple[NodeItem, Port] | None = None
        session = self.session
        self.wiring = Wiring(session.graph, session.types, session.definition)
        self._mark_reach()
        self.draw(self.origin)

    def _source_target(self, other: Port) -> tuple[Link, Port] | None:
        """What would be linked to what."""
        if other.side == self.port.side:
            return None
        source, target = (self.port, other) if self.port.side == "out" else (other, self.port)
        return self._link(source), target

    def _link(self, source: Port) -> Link:
        kind = self.session.kind(source.node)
        first = next((name for name in kind.outputs if name is not None), None) if kind else None
        return Link(source.node, None if source.name in (first, "") else source.name)

    def why_not(self, other: Port) -> str | None:
        """Why this wire cannot end there."""
        pair = self._source_target(other)
        if pair is None:
            return tr("An output is linked to an input.")
        link, target = pair
        return told(self.wiring.refusal(link, target.node, target.name) or "") or None

    def _mark_reach(self) -> None:
        """Which ports fit, asked once for each node and type at the start of the drag."""
        for item in self.canvas.nodes.values():
            item.reach = {
                key: spot.port == self.port or (spot.port.side != self.port.side and self.why_not(spot.port) is None)
                for key, spot in item.spots.items()
            }
            item.update()

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        self.moved(event)
        from vidflow.gui.canvas.view import SNAP

        found, reason = self._find(at, SNAP / self.canvas.zoom)
        self._aim(found)
        self._say(reason if found is None else "", event.position().toPoint())
        end = found[0].pos() + _spot(found) if found is not None else at
        self.draw(end)

    def _find(self, at: QPointF, reach: float) -> tuple[tuple[NodeItem, Port] | None, str]:
        near: list[tuple[float, NodeItem, Port]] = []
        for item in self.canvas.nodes_near(at, reach):
            for spot in item.spots.values():
                way = item.pos() + spot.at - at
                distance = math.hypot(way.x(), way.y())
                if distance <= reach and spot.port.side != self.port.side:
                    near.append((distance, item, spot.port))
        near.sort(key=lambda one: one[0])
        for _, item, port in near:
            if item.reach is not None and item.reach.get(key_of(port)):
                return (item, port), ""
        item = self.canvas.node_at(at)
        if item is not None and self.port.side == "out":
            row = item.row_at(at - item.pos())
            if row is not None and item.face.rows[row].setting:
                setting = item.face.rows[row].setting
                kind = self.session.kind(item.id)
                assert kind is not None
                slot = kind.slots[setting]
                port = Port(item.id, setting, slot.type.name, "in", None, slot.many)
                why = self.why_not(port)
                return ((item, port), "") if why is None else (None, why)
        if near:
            return None, self.why_not(near[0][2]) or ""
        return None, ""

    def _aim(self, found: tuple[NodeItem, Port] | None) -> None:
        if self.end is not None and (found is None or found[0] is not self.end[0]):
            self.end[0].target = None
            self.end[0].update()
        self.end = found
        if found is not None:
            item, port = found
            key = key_of(port)
            item.target = key if key in item.spots else ("setting", port.name, None)
            item.update()

    def _say(self, text: str, at: QPoint) -> None:
        label = self.canvas.reason
        if not text:
            label.hide()
            return
        label.setText(text)
        label.adjustSize()
        room = self.canvas.viewport().size()
        x = min(at.x() + 16, room.width() - label.width() - 4)
        label.move(max(4, x), min(at.y() + 16, room.height() - label.height() - 4))
        label.show()

    def draw(self, end: QPointF) -> None:
        """Draw the wire to `end`."""
        item = self.canvas.nodes.get(self.port.node)
        spot = item.spots.get(key_of(self.port)) if item is not None else None
        fixed = item.pos() + spot.at if item is not None and spot is not None else self.origin
        self.item.setPath(curve([fixed, end] if self.port.side == "out" else [end, fixed]))

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        end, detached = self.end, self.detached
        self._clear()
        session = self.session
        scope = session.definition
        edits: list[Edit] = []
        if end is not None:
            pair = self._source_target(end[1])
            assert pair is not None
            link, target = pair
            if detached is not None and detached.target == (target.node, target.name, target.place):
                self._restore()
                return
            if detached is not None:
                edits.append(disconnected(session.graph, scope, *detached.target))
            place = target.place
            if (
                detached is not None
                and place is not None
                and detached.target[2] is not None
                and detached.target[:2] == (target.node, target.name)
                and detached.target[2] < place
            ):
                place -= 1
            graph = session.graph
            if edits:
                from vidflow.graph.edits import edited

                graph = edited(graph, edits[0])
            edits.append(connected(graph, session.types, scope, link, target.node, target.name, place))
            session.do(Batch(tuple(edits)))
        elif detached is not None:
            if self.dragging:
                session.do(disconnected(session.graph, scope, *detached.target))
            else:
                self._restore()
                self.canvas.gestures.pick(detached)
        elif self.dragging and self.canvas.node_at(at) is None:
            self.canvas.search_asked.emit(at, self.port)

    def _restore(self) -> None:
        if self.detached is not None:
            self.detached.setVisible(True)

    def _clear(self) -> None:
        self.canvas.scene().removeItem(self.item)
        self.canvas.reason.hide()
        for item in self.canvas.nodes.values():
            item.reach = None
            item.target = None
            item.update()

    def cancel(self) -> None:
        self._clear()
        self._restore()


class Bend(Gesture):
    """Dragging a bend of a wire."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, wire: WireItem, index: int) -> None:
        super().__init__(canvas, event)
        self.wire = wire
        self.index = index
        self.before = wire.bends

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        from vidflow.gui.canvas.view import snapped

        if self.moved(event):
            bends = list(self.before)
            bends[self.index] = (snapped(at.x()), snapped(at.y()))
            self.wire.bends = tuple(bends)
            self.canvas.lay(self.wire)

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        if self.dragging:
            self.canvas.gestures.bend(self.wire, self.wire.bends)

    def cancel(self) -> None:
        self.wire.bends = self.before
        self.canvas.lay(self.wire)


class Tug(Gesture):
    """A press on a wire: a click selects it, a drag takes off the end that is nearer."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, wire: WireItem) -> None:
        super().__init__(canvas, event)
        self.wire = wire
        self.event = event.clone()

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        if not self.moved(event):
            return
        gestures = self.canvas.gestures
        gestures.pick(None)
        if self.wire.nearer_end(self.origin) == "in":
            drag = gestures._detach(event, self.wire)
        else:
            item = self.canvas.nodes.get(self.wire.target[0])
            spot = item.spots.get(("in", *self.wire.target[1:])) if item is not None else None
            if spot is None:
                return
            drag = DragWire(self.canvas, event, spot.port, self.wire)
        drag.dragging = True
        gestures.active = drag


def _spot(found: tuple[NodeItem, Port]) -> QPointF:
    item, port = found
    spot = item.spots.get(key_of(port))
    if spot is not None:
        return spot.at
    row = next((k for k, one in enumerate(item.face.rows) if one.setting == port.name), 0)
    return QPointF(0, item.row_rect(row).center().y())
