"""A hand on the canvas: mouse and keys where the nodes, ports and wires are."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NONE = Qt.KeyboardModifier.NoModifier


class Hand:
    """Works a window's canvas by events, as the system sends them."""

    def __init__(self, window: Any, bot: Any) -> None:
        self.window = window
        self.canvas = window.canvas
        self.session = window.session
        self.bot = bot

    # Places on the viewport

    def at(self, x: float, y: float) -> QPoint:
        """Where a place of the scene is."""
        return self.canvas.mapFromScene(QPointF(x, y))

    def header(self, id: str) -> QPoint:
        """The title of a node."""
        item = self.canvas.nodes[id]
        return self.canvas.mapFromScene(item.pos() + QPointF(90, 14))

    def output(self, id: str, name: str | None = None) -> QPoint:
        """An output of a node, its first without a name."""
        item = self.canvas.nodes[id]
        spots = [spot for spot in item.spots.values() if spot.port.side == "out" and name in (None, spot.port.name)]
        return self.canvas.mapFromScene(item.pos() + spots[0].at)

    def input(self, id: str, name: str, place: int | None = None) -> QPoint:
        """An input of a node."""
        item = self.canvas.nodes[id]
        return self.canvas.mapFromScene(item.pos() + item.spots["in", name, place].at)

    def value(self, id: str, setting: str) -> QPoint:
        """The value of a setting that a node shows."""
        item = self.canvas.nodes[id]
        row = next(k for k, one in enumerate(item.face.rows) if one.setting == setting)
        return self.canvas.mapFromScene(item.pos() + item.value_rect(row).center())

    # Doing

    def send(self, kind: QEvent.Type, at: QPoint, button: Any, buttons: Any, modifiers: Any = NONE) -> None:
        """One event of the mouse."""
        viewport = self.canvas.viewport()
        place = QPointF(at)
        event = QMouseEvent(kind, place, QPointF(viewport.mapToGlobal(at)), button, buttons, modifiers)
        QApplication.sendEvent(viewport, event)

    def press(self, at: QPoint, button: Any = LEFT, modifiers: Any = NONE) -> None:
        """Press a button."""
        self.send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, modifiers)
        self.send(QEvent.Type.MouseButtonPress, at, button, button, modifiers)

    def move(self, at: QPoint, button: Any = LEFT, modifiers: Any = NONE) -> None:
        """Move with the button down."""
        self.send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, button, modifiers)

    def release(self, at: QPoint, button: Any = LEFT, modifiers: Any = NONE) -> None:
        """Let go."""
        self.send(QEvent.Type.MouseButtonRelease, at, button, Qt.MouseButton.NoButton, modifiers)

    def drag(self, start: QPoint, end: QPoint, button: Any = LEFT, modifiers: Any = NONE, steps: int = 5) -> None:
        """Press, move in steps, let go."""
        self.press(start, button, modifiers)
        for step in range(1, steps + 1):
            self.move(start + (end - start) * (step / steps), button, modifiers)
        self.release(end, button, modifiers)

    def click(self, at: QPoint, modifiers: Any = NONE) -> None:
        """A click."""
        self.press(at, modifiers=modifiers)
        self.release(at, modifiers=modifiers)

    def double(self, at: QPoint) -> None:
        """Two clicks."""
        self.click(at)
        self.send(QEvent.Type.MouseButtonDblClick, at, LEFT, LEFT)
        self.release(at)

    def key(self, key: Any, modifiers: Any = NONE) -> None:
        """A key on the canvas."""
        self.canvas.setFocus()
        self.bot.keyClick(self.canvas, key, modifiers)

    def do(self, name: str) -> None:
        """A command, as its menu gives it."""
        self.window.actions_by_name[name].trigger()

    def add(self, type: str, x: float, y: float) -> str:
        """A node at a place, as the search adds it."""
        id = self.window.editing.add(type, QPointF(x, y))
        assert id is not None
        self.canvas.look_at(QPointF(300, 200), 0.8)
        return id


def agree(window: Any) -> None:
    """What the canvas shows is what the document says."""
    from vidflow.graph.document import Link
    from vidflow.gui.canvas.face import EDGE

    session, canvas = window.session, window.canvas
    assert set(canvas.nodes) == set(session.nodes)
    for id, node in session.nodes.items():
        item = canvas.nodes[id]
        at = session.view_of(id).get("at", (0, 0))
        assert (item.pos().x(), item.pos().y()) == tuple(min(EDGE, max(-EDGE, one)) for one in at), id
        assert item.face.off == node.off
        assert item.isSelected() == (id in session.selection)
    links: dict[Any, Any] = {}
    for id, node in session.nodes.items():
        for name, value in node.inputs.items():
            if isinstance(value, Link):
                links[id, name, None] = (value.node, value.output)
            elif isinstance(value, tuple):
                links.update(
                    {(id, name, k): (one.node, one.output) for k, one in enumerate(value) if isinstance(one, Link)}
                )
    assert {key: wire.source for key, wire in canvas.wires.items()} == links
    in_scene = [item for item in canvas.scene().items() if type(item).__name__ in ("NodeItem", "WireItem", "FrameItem")]
    assert len(in_scene) == len(canvas.nodes) + len(canvas.wires) + len(canvas.frames)
    frames = session.layout.get("frames")
    pairs = frames.items() if isinstance(frames, dict) else ()
    assert set(canvas.frames) == {name for name, frame in pairs if isinstance(frame, dict)}
