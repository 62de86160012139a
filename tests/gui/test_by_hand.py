"""From an empty window to a film that plays, by mouse and keys as pytest-qt sends them; `test_real_mouse` does the same
on a real screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from tests.gui.hand import agree
from vidflow.graph import SetInput

CTRL = Qt.KeyboardModifier.ControlModifier


def _drag_from_palette(window: Any, type: str, at: QPoint) -> None:
    """What the palette hands over for the row of a type, dropped on the canvas."""
    model = window.palette_panel.tree.model()
    for category in (model.index(row, 0) for row in range(model.rowCount())):
        for index in (model.index(row, 0, category) for row in range(model.rowCount(category))):
            data: QMimeData = model.mimeData([index])
            if any(bytes(data.data(name).data()).decode("utf-8", "replace") == type for name in data.formats()):
                viewport = window.canvas.viewport()
                rest = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
                QApplication.sendEvent(viewport, QDragEnterEvent(at, *rest))
                QApplication.sendEvent(viewport, QDropEvent(QPointF(at), *rest))
                return
    raise AssertionError(f"{type} is not in the palette")


def test_a_film_is_made_run_played_saved_and_opened_again(window: Any, hand: Any, qtbot: Any, tmp_path: Path) -> None:
    canvas, session = window.canvas, window.session
    canvas.look_at(QPointF(400, 150), 0.5)
    for type, x in (("load_video", 0), ("resize", 300), ("save_video", 600)):
        _drag_from_palette(window, type, hand.at(x, 0))
    assert list(session.nodes) == ["load_video", "resize", "save_video"]
    hand.drag(hand.output("load_video"), hand.input("resize", "video"))
    hand.drag(hand.output("resize"), hand.input("save_video", "video"))
    assert len(canvas.wires) == 2
    session.do(SetInput("load_video", "path", "resources:media/sea.mp4"))
    session.do(SetInput("resize", "width", 640))
    canvas.look_at(canvas.nodes["resize"].pos() + QPointF(100, 80), 1.0)
    hand.click(hand.value("resize", "width"))
    field = canvas.editor.field
    field.selectAll()
    qtbot.keyClicks(field, "160")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert session.nodes["resize"].inputs["width"] == 160
    path = tmp_path / "sea.json"
    assert window.save_to(path)

    with qtbot.waitSignal(window.runner.finished, timeout=60_000) as blocker:
        qtbot.keyClick(canvas, Qt.Key.Key_Return, CTRL)
    run = blocker.args[0]
    assert run.status == "done", run.failures
    assert Path(run.files[0]).parent == tmp_path / "outputs"
    assert {canvas.nodes[id].state.kind for id in session.nodes} <= {"done", "kept"}

    session.select(("resize",))
    qtbot.waitUntil(lambda: window.player.frames > 1, timeout=20_000)
    shown: set[int] = set()
    window.player.pictured.connect(lambda index, _: shown.add(index))
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(shown) > 5, timeout=20_000)
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not window.player.playing, timeout=5_000)

    assert window.save_to(path)
    saved = path.read_bytes()
    while session.history.can_undo:
        qtbot.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert not session.nodes
    agree(window)
    while session.history.can_redo:
        qtbot.keyClick(window, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    agree(window)
    assert window.save_to(path)
    assert path.read_bytes() == saved

    session.new()
    window.open(path)
    agree(window)
    assert window.save_to(path)
    assert path.read_bytes() == saved
    assert json.loads(saved)["nodes"]["resize"]["inputs"]["width"] == 160
