"""Small pictures for nodes: made of frames on a thread of its own, at most a few a second for each node."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

WIDTH = 320
"""Pixels: a node of 160 at a scaling of 200 %."""
EVERY = 0.2
"""Seconds between two pictures of a node, at least, but for the last."""


class Thumbnails(QObject):
    """`offer` takes frames; `ready` gives a node's picture on the thread of whoever listens."""

    ready = Signal(str, QImage)
    _shrunk = Signal(int, str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[str, Any] = {}
        self._made: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._turn = 0
        self._shrunk.connect(self._take)
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
            try:
                self._shrunk.emit(turn, flat, small(picture() if callable(picture) else picture))
            except RuntimeError:  # the window was closed meanwhile
                return

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
    import cv2
    import numpy as np

    height, width = picture.shape[:2]
    scale = min(1.0, WIDTH / max(width, height))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Every few pixels first: averaging all of a large frame would take a core.
        step = max(1, int(1 / scale / 3))
        picture = cv2.resize(np.ascontiguousarray(picture[::step, ::step]), size, interpolation=cv2.INTER_AREA)
    if picture.dtype != np.uint8:
        picture = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
