"""Small pictures for nodes: made of frames on a thread of its own, at most a few a second for each node."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from vidflow.gui.pictures import eight_bit, image_of, within
from vidflow.gui.telling import tell

WIDTH = 320
"""Pixels: a node of 160 at a scaling of 200 %."""
EVERY = 0.5
"""Seconds between two pictures of a node, at least, but for the last."""


class Thumbnails(QObject):
    """`offer` takes frames; `ready` gives a node's picture on the thread of whoever listens."""

    ready = Signal(str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[str, Any] = {}
        self._made: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._turn = 0
        self._thread: threading.Thread | None = None

    def offer(self, flat: str, picture: Any) -> None:
        """A picture of a node: an array [height, width, 3], or a function that gives one. The newest one counts."""
        with self._changed:
            self._waiting[flat] = picture
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="thumbnails", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self) -> None:
        """Whatever was offered is of another document."""
        with self._changed:
            self._turn += 1
            self._waiting.clear()
            self._made.clear()

    def _take(self, turn: int, flat: str, image: QImage) -> None:
        if turn == self._turn:
            self.ready.emit(flat, image)

    def _work(self) -> None:
        while (found := self._next()) is not None:
            turn, flat, picture = found
            tell(self, self._take, turn, flat, small(picture() if callable(picture) else picture))

    def _next(self) -> tuple[int, str, Any] | None:
        """What is to be made next; None once all is over."""
        with self._changed:
            while not self._closed:
                now = monotonic()
                for flat in self._waiting:
                    if now - self._made.get(flat, 0.0) >= EVERY:
                        self._made[flat] = now
                        return self._turn, flat, self._waiting.pop(flat)
                self._changed.wait(EVERY if self._waiting else None)
            return None

    def close(self) -> None:
        """Stop the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()


def small(picture: Any) -> QImage:
    """A picture of at most `WIDTH` pixels a side, [height, width, 3], uint8 or float in 0..1."""
    return image_of(within(eight_bit(picture), WIDTH, WIDTH)).copy()
