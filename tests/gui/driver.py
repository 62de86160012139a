"""The editor as a process of its own, `python -m tests.gui.driver [GRAPH]`, that says what is where on the screen.

A question is a line on its input, a JSON list of a name and arguments; the answer is a line on its output. Questions
only look, but for `do` and `choose`, which act where there is no mouse.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QPointF, QSocketNotifier, Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QWidget

from vidflow.graph import dump


class Driver(QObject):
    """Answers about one window."""

    def __init__(self, window: Any, answers: int) -> None:
        super().__init__()
        self.window = window
        self.session, self.canvas = window.session, window.canvas
        self.answers = answers
        self.rest = b""
        self.dragged: list[int] | None = None
        self.runs: list[dict[str, Any]] = []
        self.previews: list[tuple[float, int]] = []
        self.notifier = QSocketNotifier(0, QSocketNotifier.Type.Read, self)
        self.notifier.activated.connect(self.read)
        self.canvas.viewport().installEventFilter(self)
        window.runner.finished.connect(self._on_finished)
        window.runner.preview.connect(lambda node, step, total, picture: self.previews.append((time.monotonic(), step)))

    def _on_finished(self, run: Any) -> None:
        found = {"status": run.status, "files": list(run.files), "failures": list(run.failures)}
        self.runs.append({**found, "at": time.monotonic()})

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what is dragged over the canvas by the system, which no widget can be asked for."""
        if event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove):
            at = event.position().toPoint()
            self.dragged = [at.x(), at.y()]
        elif event.type() in (QEvent.Type.DragLeave, QEvent.Type.Drop):
            self.dragged = None
        return False

    def read(self) -> None:
        """Answer what was asked; when the asker has gone, so does the editor."""
        data = os.read(0, 65536)
        if not data:
            os._exit(0)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            name, *arguments = json.loads(line)
            try:
                answer = {"is": getattr(self, f"ask_{name}")(*arguments)}
            except Exception:  # noqa: BLE001 - it is told to whoever asked
                answer = {"error": traceback.format_exc()}
            os.write(self.answers, json.dumps(answer).encode() + b"\n")

    # Where things are, in pixels of the screen

    def _place(self, widget: QWidget, at: QPoint) -> list[int]:
        found = widget.mapToGlobal(at)
        return [found.x(), found.y()]

    def _on_canvas(self, at: QPointF) -> list[int]:
        return self._place(self.canvas.viewport(), self.canvas.mapFromScene(at))

    def ask_command(self, name: str) -> list[int] | None:
        """The button of a command on the toolbar."""
        if name == "run":
            return self.ask_widget("run_button")
        button = self.window.toolbar.widgetForAction(self.window.actions_by_name[name])
        return self._place(button, button.rect().center()) if button.isEnabled() else None

    def ask_widget(self, name: str) -> list[int] | None:
        """The middle of a part of the window."""
        found = self.window.findChild(QWidget, name)
        return self._place(found, found.rect().center()) if found is not None and found.isVisible() else None

    def ask_named(self, part: str, name: str) -> list[int] | None:
        """The field of this accessible name in a part of the window."""
        for field in self.window.findChild(QWidget, part).findChildren(QLineEdit):
            if field.isVisible() and name in (field.accessibleName(), field.parentWidget().accessibleName()):
                return self._place(field, field.rect().center())
        return None

    def ask_box(self, name: str) -> list[int]:
        """A part of the window: left, top, width, height."""
        found = self.window.findChild(QWidget, name)
        return [*self._place(found, QPoint(0, 0)), found.width(), found.height()]

    def ask_palette(self, type: str) -> list[int] | None:
        """A node in the palette."""
        tree = self.window.palette_panel.tree
        model = tree.model()
        for row in range(model.rowCount()):
            group = model.index(row, 0)
            for inner in range(model.rowCount(group)):
                index = model.index(inner, 0, group)
                if index.data(Qt.ItemDataRole.UserRole) == type:
                    tree.scrollTo(index)
                    box = tree.visualRect(index)
                    return self._place(tree.viewport(), QPoint(box.left() + 40, box.center().y()))
        return None

    def ask_canvas(self, x: float, y: float) -> list[int]:
        """A place on the canvas, as shares of its width and height."""
        size = self.canvas.viewport().size()
        return self._place(self.canvas.viewport(), QPoint(round(size.width() * x), round(size.height() * y)))

    def ask_header(self, id: str) -> list[int]:
        """The title of a node."""
        return self._on_canvas(self.canvas.nodes[id].pos() + QPointF(90, 14))

    def ask_footer(self, id: str) -> list[int]:
        """The line under a node: left, top, right, bottom."""
        item = self.canvas.nodes[id]
        corners = (QPointF(4, item.height - 19), QPointF(item.width - 4, item.height - 1))
        return [n for at in corners for n in self._on_canvas(item.pos() + at)]

    def ask_output(self, id: str) -> list[int]:
        """The first output of a node."""
        item = self.canvas.nodes[id]
        return self._on_canvas(item.pos() + next(one.at for one in item.spots.values() if one.port.side == "out"))

    def ask_input(self, id: str, name: str) -> list[int]:
        """An input of a node."""
        item = self.canvas.nodes[id]
        return self._on_canvas(item.pos() + item.spots["in", name, None].at)

    def ask_value(self, id: str, setting: str) -> list[int]:
        """The value of a setting that a node shows."""
        item = self.canvas.nodes[id]
        row = next(k for k, one in enumerate(item.face.rows) if one.setting == setting)
        return self._on_canvas(item.pos() + item.value_rect(row).center())

    # What is so

    def ask_state(self) -> dict[str, Any]:
        """What a test waits for."""
        window, session = self.window, self.session
        gesture = self.canvas.gestures.active
        dialog = QApplication.activeModalWidget()
        focus = QApplication.focusWidget()
        return {
            "document": dump(session.graph),
            "nodes": {id: session.state(session.flat(id)).kind for id in session.nodes},
            "selection": list(session.selection),
            "path": str(session.path) if session.path else None,
            "dirty": session.dirty,
            "can_undo": session.history.can_undo,
            "can_redo": session.history.can_redo,
            "busy": window.runner.busy,
            "runs": self.runs,
            "dragged": self.dragged,
            "zoom": self.canvas.zoom,
            "gesture": type(gesture).__name__ if gesture is not None else "",
            "aimed": getattr(gesture, "end", None) is not None,
            "field": self.canvas.editor.field is not None and self.canvas.editor.field.hasFocus(),
            "typed": focus.text() if isinstance(focus, QLineEdit) else None,
            "dialog": type(dialog).__name__ if dialog is not None else None,
            "dialog_ready": isinstance(dialog, QFileDialog) and isinstance(focus, QLineEdit),
            "banner": window.banner.text.text() if window.banner.isVisible() else "",
            "choices": [button.text() for button in window.banner.findChildren(QPushButton) if button.isVisible()],
            "shown": session.shown,
            "viewer": window.source.shown.state,
            "frames": window.source.shown.frames,
            "position": window.player.position,
            "playing": window.player.playing,
            "played": window.player.played,
            "previews": self.previews,
        }

    def ask_do(self, name: str) -> None:
        """Trigger a command, once the answer is on its way."""
        QTimer.singleShot(0, self.window.actions_by_name[name].trigger)

    def ask_choose(self, words: str) -> None:
        """Press a button of the banner."""
        for button in self.window.banner.findChildren(QPushButton):
            if button.text() == words:
                QTimer.singleShot(0, button.click)


def main() -> None:
    """Open the window and answer until nobody asks any more."""
    # What libraries print goes elsewhere.
    answers = os.dup(1)
    os.dup2(2, 1)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    from vidflow.gui import open_window
    from vidflow.gui.application import application

    app = application()
    window = open_window(sys.argv[1] if len(sys.argv) > 1 else None)
    window.move(0, 0)
    window.show()
    driver = Driver(window, answers)
    os.write(answers, b"{}\n")
    app.exec()
    del driver


if __name__ == "__main__":
    main()
