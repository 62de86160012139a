"""What the mouse does on the canvas. A gesture moves items while the button is down and ends in one edit, or in none.

Press, move and release go to one gesture at a time; Esc puts everything back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QRubberBand

from vidflow.graph import Batch, Edit, Link, MoveNodes, SetInput, SetView
from vidflow.graph.connecting import Wiring, connected, disconnected, inserted
from vidflow.graph.document import links_in
from vidflow.graph.edits import UNSET
from vidflow.gui import theme
from vidflow.gui.canvas.face import Port, scrubs, wire_type
from vidflow.gui.canvas.frame import FrameItem
from vidflow.gui.canvas.node import NodeItem, key_of
from vidflow.gui.canvas.wire import WireItem, curve
from vidflow.gui.problemwords import told
from vidflow.gui.words import plain, tr
from vidflow.nodespec.hints import Number

if TYPE_CHECKING:
    from vidflow.gui.canvas.view import Canvas

MOVED = 4
"""Pixels that the mouse must move before a click becomes a drag."""
_SHIFT, _CTRL, _ALT = (
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
        if self.modifiers & _CTRL:
            self.session.select(id for id in self.before if id not in touched)
        elif self.modifiers & _SHIFT:
            self.session.select((*self.before, *touched))
        else:
            self.session.select(touched)

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        self.band.hide()
        if not self.dragging and not self.modifiers & (_SHIFT | _CTRL):
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
        if found is not self.wire:
            for wire in (self.wire, found):
                if wire is not None:
                    wire.hovered = wire is found
                    wire.dress()
            self.wire = found

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
        self._calm()
        self.session.do(Batch(tuple(edits)))

    def _calm(self) -> None:
        if self.wire is not None:
            self.wire.hovered = False
            self.wire.dress()

    def cancel(self) -> None:
        for id, item in self.items.items():
            item.setPos(self.places[id])
        for frame in self.frames:
            frame.setPos(self.frame_places[frame.name])
        self.canvas.lay_around(self.items)
        self._calm()


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


class Scrub(Gesture):
    """A sideways drag on a number; Shift is fine, Ctrl coarse. A click edits the value in place."""

    def __init__(self, canvas: Canvas, event: QMouseEvent, item: NodeItem, row: int) -> None:
        super().__init__(canvas, event)
        self.item = item
        self.row = row
        self.input = item.face.rows[row].setting
        kind = self.session.kind(item.id)
        assert kind is not None
        self.slot = kind.slots[self.input]
        node = self.session.nodes[item.id]
        self.value: Any = node.inputs.get(self.input, kind.defaults.get(self.input))
        self.turned = 0.0
        self.last = self.start.x()
        self.key = object()
        self.changed = self.editing = False

    def move(self, event: QMouseEvent, at: QPointF) -> None:
        numeric = scrubs(self.slot) and isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not numeric or not self.moved(event):
            return
        self.canvas.viewport().setCursor(Qt.CursorShape.SizeHorCursor)
        pace = 0.1 if event.modifiers() & _SHIFT else 10.0 if event.modifiers() & _CTRL else 1.0
        self.turned += (event.position().x() - self.last) * pace
        self.last = event.position().x()
        hint = self.slot.spec.hint
        step = hint.step if isinstance(hint, Number) and hint.step else 1.0 if self.slot.type.name == "int" else 0.05
        value = self.value + step * (self.turned / 4)
        if isinstance(hint, Number):
            value = max(value, hint.min) if hint.min is not None else value
            value = min(value, hint.max) if hint.max is not None else value
        value = round(value) if self.slot.type.name == "int" else round(value, 6)
        edit = SetInput(self.item.id, self.input, value, self.session.definition)
        self.editing = True
        self.changed = self.session.do(edit, merge_key=self.key) or self.changed
        self.editing = False

    def release(self, event: QMouseEvent, at: QPointF) -> None:
        self.canvas.viewport().unsetCursor()
        if not self.dragging:
            self.canvas.gestures.edit_value(self.item, self.row)

    def cancel(self) -> None:
        self.canvas.viewport().unsetCursor()
        if self.changed:
            self.session.undo()

    def interrupt(self) -> bool:
        # The edit that Esc would take back may not be the last one any more.
        if not self.editing:
            self.canvas.viewport().unsetCursor()
        return not self.editing


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


class Gestures:
    """Which gesture the mouse is at."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.session = canvas.session
        self.active: Gesture | None = None
        self.picked: WireItem | None = None
        self._hovered: WireItem | None = None
        canvas._rubber_band = QRubberBand(QRubberBand.Shape.Rectangle, canvas.viewport())

    # The mouse

    def press(self, event: QMouseEvent) -> None:
        """A button was pressed."""
        if self.active is not None:
            return
        canvas, button = self.canvas, event.button()
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and event.modifiers() & _ALT):
            self.active = Pan(canvas, event)
        elif button == Qt.MouseButton.LeftButton:
            self.active = self._left(event)

    def _left(self, event: QMouseEvent) -> Gesture | None:
        canvas = self.canvas
        at = canvas.mapToScene(event.position().toPoint())
        spot = self._port_at(at)
        if spot is not None:
            self.pick(None)
            return self._from_port(event, *spot)
        item = canvas.node_at(at)
        if item is not None:
            self.pick(None)
            self._select(item.id, event)
            row = item.value_at(at - item.pos(), canvas.zoom)
            if row is not None:
                return Scrub(canvas, event, item, row)
            return Move(canvas, event, item)
        wire = canvas.wire_at(at)
        if wire is not None:
            return self._from_wire(event, wire, at)
        frame = canvas.frame_at(at)
        if frame is not None:
            self.pick(None)
            if not event.modifiers() & (_SHIFT | _CTRL):
                self.session.select(())
                canvas.scene().clearSelection()
            frame.setSelected(True)
            if frame.grip.contains(at - frame.pos()):
                return ResizeFrame(canvas, event, frame)
            return Move(canvas, event, frame)
        for other in canvas.frames.values():
            other.setSelected(False)
        return Band(canvas, event)

    def _port_at(self, at: QPointF) -> tuple[NodeItem, Port] | None:
        reach = max(12.0, 10 / self.canvas.zoom) if self.canvas.zoom >= 0.3 else 0
        best: tuple[float, NodeItem, Port] | None = None
        for item in self.canvas.nodes_near(at, reach):
            for spot in item.spots.values():
                way = item.pos() + spot.at - at
                distance = math.hypot(way.x(), way.y())
                if distance <= reach and (best is None or distance < best[0]):
                    best = (distance, item, spot.port)
        return (best[1], best[2]) if best else None

    def _from_port(self, event: QMouseEvent, item: NodeItem, port: Port) -> Gesture:
        canvas = self.canvas
        if port.side == "in" and port.linked:
            wires = canvas.wires
            wire = wires.get((item.id, port.name, port.place)) or wires.get((item.id, port.name, None))
            if wire is not None:
                return self._detach(event, wire)
        return DragWire(canvas, event, port)

    def _detach(self, event: QMouseEvent, wire: WireItem) -> Gesture:
        """Take a wire off its input; its other end stays."""
        source = self.canvas.nodes.get(wire.source[0])
        spots = source.spots.values() if source is not None else ()
        outputs = [spot.port for spot in spots if spot.port.side == "out"]
        port = next((one for one in outputs if one.name == wire.source[1]), outputs[0] if outputs else None)
        if port is None:
            port = Port(wire.source[0], wire.source[1] or "", wire.flows, "out")
        return DragWire(self.canvas, event, port, wire)

    def _from_wire(self, event: QMouseEvent, wire: WireItem, at: QPointF) -> Gesture | None:
        for index, (x, y) in enumerate(wire.bends):
            if math.hypot(at.x() - x, at.y() - y) <= 10 / self.canvas.zoom:
                self.pick(wire)
                return Bend(self.canvas, event, wire, index)
        self.session.select(())
        self.pick(wire)
        return Tug(self.canvas, event, wire)

    def _select(self, id: str, event: QMouseEvent) -> None:
        session, modifiers = self.session, event.modifiers()
        if modifiers & _SHIFT:
            session.select((*(one for one in session.selection if one != id), id))
        elif modifiers & _CTRL:
            there = id in session.selection
            session.select([one for one in session.selection if one != id] if there else [*session.selection, id])
        elif id not in session.selection:
            for frame in self.canvas.frames.values():
                frame.setSelected(False)
            session.select((id,))
        else:
            session.select((*(one for one in session.selection if one != id), id))

    def move(self, event: QMouseEvent) -> None:
        """The mouse moved."""
        at = self.canvas.mapToScene(event.position().toPoint())
        if self.active is not None:
            self.active.move(event, at)
        else:
            self._hover(at)

    def _hover(self, at: QPointF) -> None:
        canvas = self.canvas
        item, spot = canvas.node_at(at), self._port_at(at)
        wire = None if item is not None or spot is not None else canvas.wire_at(at)
        if wire is not self._hovered:
            for one in (self._hovered, wire):
                if one is not None:
                    one.hovered = one is wire
                    one.dress()
            self._hovered = wire
        cursor = Qt.CursorShape.ArrowCursor
        tip = ""
        if spot is not None:
            cursor = Qt.CursorShape.CrossCursor
            tip = self._port_words(spot[1])
        elif item is not None:
            row = item.value_at(at - item.pos(), canvas.zoom)
            if row is not None:
                kind = self.session.kind(item.id)
                slot = kind.slots[item.face.rows[row].setting] if kind else None
                cursor = Qt.CursorShape.SizeHorCursor if slot and scrubs(slot) else Qt.CursorShape.IBeamCursor
            words, token = item.footer()
            tip = f"{words} {item.hint}".strip() if token == "error" else item.face.doc
        canvas.viewport().setCursor(cursor)
        tip = plain(tip)
        if canvas.viewport().toolTip() != tip:
            canvas.viewport().setToolTip(tip)

    def _port_words(self, port: Port) -> str:
        from vidflow.gui.canvas.face import label_of

        return f"{label_of(port.name)}: {label_of(port.type)}"

    def release(self, event: QMouseEvent) -> None:
        """A button was let go of."""
        gesture, self.active = self.active, None
        if gesture is not None:
            gesture.release(event, self.canvas.mapToScene(event.position().toPoint()))

    def double(self, event: QMouseEvent) -> None:
        """A second click."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        canvas = self.canvas
        at = canvas.mapToScene(event.position().toPoint())
        item = canvas.node_at(at)
        if item is not None:
            inside = at - item.pos()
            if item.thumb_rect.contains(inside):
                canvas.session.pin(canvas.session.flat(item.id))
            elif item.face.inner:
                canvas.session.enter(item.id)
            elif inside.y() < 28:
                canvas.editor.rename(item)
            return
        wire = canvas.wire_at(at)
        if wire is not None:
            self._bend_or_straighten(wire, at)
            return
        frame = canvas.frame_at(at)
        if frame is not None:
            canvas.editor.rename_frame(frame)
            return
        canvas.search_asked.emit(at, None)

    def cancel(self) -> None:
        """Esc: put everything back."""
        gesture, self.active = self.active, None
        if gesture is not None:
            gesture.cancel()

    def interrupt(self) -> None:
        """The document changes while the button is down."""
        gesture, self.active = self.active, None
        if gesture is not None and not gesture.interrupt():
            self.active = gesture

    def drop(self) -> None:
        """Another scope or document is shown: nothing of what the mouse was at is there any more."""
        gesture, self.active = self.active, None
        self.picked = self._hovered = None
        if isinstance(gesture, Band):
            gesture.band.hide()
        elif isinstance(gesture, Pan):
            gesture.cancel()
        elif gesture is not None:
            gesture.interrupt()

    # What gestures end in

    def pick(self, wire: WireItem | None) -> None:
        """Select a wire, or none."""
        for one in (self.picked, wire):
            if one is not None:
                one.picked = one is wire
                one.dress()
        self.picked = wire

    def delete_picked(self) -> bool:
        """Take the selected wire away; False where none is selected."""
        wire = self.picked
        self.picked = None
        if wire is None or self.canvas.wires.get(wire.target) is not wire:
            return False
        return self.session.do(disconnected(self.session.graph, self.session.definition, *wire.target))

    def edit_value(self, item: NodeItem, row: int) -> None:
        """Edit a value in its place."""
        self.canvas.editor.edit(item, row)

    def _bend_or_straighten(self, wire: WireItem, at: QPointF) -> None:
        from vidflow.gui.canvas.view import snapped

        near = [k for k, (x, y) in enumerate(wire.bends) if math.hypot(at.x() - x, at.y() - y) <= 10 / self.canvas.zoom]
        if near:
            self.bend(wire, [one for k, one in enumerate(wire.bends) if k != near[0]])
            return
        point = (snapped(at.x()), snapped(at.y()))
        self.bend(wire, sorted([*wire.bends, point]))

    def bend(self, wire: WireItem, bends: Any) -> None:
        """Bend a wire at these points."""
        from vidflow.gui.canvas.view import bend_name

        value = [list(point) for point in bends]
        self.session.do(SetView(("bends", bend_name(wire.target)), value or UNSET, self.session.definition))

    def step(self, x: int, y: int, modifiers: Any) -> None:
        """Arrow keys: Alt moves the selected nodes by the grid (Shift by four), else the next node is selected."""
        canvas, session = self.canvas, self.session
        chosen = [canvas.nodes[id] for id in session.selection if id in canvas.nodes]
        if modifiers & _ALT:
            by = 32 if modifiers & _SHIFT else 8
            to = {item.id: (item.pos().x() + x * by, item.pos().y() + y * by) for item in chosen}
            if to:
                session.do(MoveNodes(to, session.definition), merge_key=("step", tuple(to)))
            return
        found = self._next_to(chosen[-1], x, y) if chosen else next(iter(canvas.nodes.values()), None)
        if found is not None:
            session.select((*session.selection, found.id) if modifiers & _SHIFT else (found.id,))
            canvas.ensureVisible(found.body.translated(found.pos()), 24, 24)

    def _next_to(self, item: NodeItem, x: int, y: int) -> NodeItem | None:
        """The nearest node in a direction."""
        centre = item.pos() + QPointF(item.width / 2, item.height / 2)
        best: tuple[float, NodeItem] | None = None
        for other in self.canvas.nodes.values():
            way = other.pos() + QPointF(other.width / 2, other.height / 2) - centre
            along, across = way.x() * x + way.y() * y, abs(way.x() * y) + abs(way.y() * x)
            if other is not item and along > 1 and (best is None or along + 2 * across < best[0]):
                best = (along + 2 * across, other)
        return best[1] if best else None


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


def _pair(at: QPointF) -> tuple[float, float]:
    return (at.x(), at.y())
