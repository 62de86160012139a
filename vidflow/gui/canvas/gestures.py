"""Which gesture the mouse is at: what a press begins, and what gestures end in.

Press, move and release go to one gesture at a time; Esc puts everything back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QRubberBand

from vidflow.graph import MoveNodes, SetInput, SetView
from vidflow.graph.connecting import disconnected
from vidflow.graph.edits import UNSET
from vidflow.gui.canvas.face import Port, scrubs
from vidflow.gui.canvas.node import NodeItem
from vidflow.gui.canvas.wire import WireItem, hover
from vidflow.gui.words import plain
from vidflow.nodespec.hints import Number

if TYPE_CHECKING:
    from vidflow.gui.canvas.view import Canvas
from vidflow.gui.canvas.gesture import ALT, CTRL, SHIFT, Band, Gesture, Move, Pan, ResizeFrame
from vidflow.gui.canvas.wiring import Bend, DragWire, Tug


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
        pace = 0.1 if event.modifiers() & SHIFT else 10.0 if event.modifiers() & CTRL else 1.0
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
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and event.modifiers() & ALT):
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
            if not event.modifiers() & (SHIFT | CTRL):
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
        if modifiers & SHIFT:
            session.select((*(one for one in session.selection if one != id), id))
        elif modifiers & CTRL:
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
        self._hovered = hover(self._hovered, wire)
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
        if modifiers & ALT:
            by = 32 if modifiers & SHIFT else 8
            to = {item.id: (item.pos().x() + x * by, item.pos().y() + y * by) for item in chosen}
            if to:
                session.do(MoveNodes(to, session.definition), merge_key=("step", tuple(to)))
            return
        found = self._next_to(chosen[-1], x, y) if chosen else next(iter(canvas.nodes.values()), None)
        if found is not None:
            session.select((*session.selection, found.id) if modifiers & SHIFT else (found.id,))
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
