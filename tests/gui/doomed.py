"""An editor that is edited at random until it is killed: `python -m tests.gui.doomed SEED`.

It says on its output, a line for each state of the document, when it came (`time.monotonic()`, one clock for all
processes) and its hash.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import Any

from PySide6.QtCore import QTimer

from tests.gui.hand import Hand
from tests.gui.wild import Wild
from vidflow.graph import Graph, dump

PAUSE = 30
"""Milliseconds between two gestures, so that several such editors fit on one machine."""


def mark(graph: Graph) -> str:
    """A hash of a document."""
    return hashlib.sha256(dump(graph).encode()).hexdigest()


def main() -> None:
    """Edit until the end."""
    said = os.dup(1)
    os.dup2(2, 1)
    from vidflow.gui import open_window
    from vidflow.gui.application import application

    app = application()
    window = open_window()
    window.show()
    window.pages.setCurrentWidget(window.canvas)
    wild = Wild(Hand(window, None), int(sys.argv[1]))
    # Another document would be another one to recover, and copying needs nobody else at the clipboard.
    names = [name for name in dir(wild) if name.startswith("do_") and name != "do_load"]
    weights = [4 if name in ("do_add", "do_wire") else 1 for name in names]

    def tell(before: Any, after: Graph) -> None:
        os.write(said, f"{time.monotonic()} {mark(after)}\n".encode())

    def edit() -> None:
        getattr(wild, wild.random.choices(names, weights)[0])()

    window.session.changed.connect(tell)
    timer = QTimer(interval=PAUSE)
    timer.timeout.connect(edit)
    timer.start()
    app.exec()


if __name__ == "__main__":
    main()
