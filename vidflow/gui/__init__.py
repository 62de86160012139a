"""The editor. Importing this loads nothing of Qt; opening a window does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vidflow.gui.window import Window


def open_window(graph: str | Path | None = None) -> Window:
    """The editor's main window, shown by nobody yet, with the graph file (or movie) `graph` open in it.

    Makes the QApplication where there is none, and starts no event loop. Raises GraphError where the file is no graph.
    """
    from vidflow.gui.application import application

    application()
    from vidflow.gui.window import Window

    window = Window()
    if graph is not None:
        window.open(graph)
    return window


def run(graph: str | Path | None = None) -> int:
    """Show the editor until its window is closed, and give the exit status."""
    from vidflow.gui.application import application

    app = application()
    window = open_window(graph)
    window.show()
    return app.exec()
