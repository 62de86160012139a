"""Frames as they are shown, by key and number, in a bounded room: those needed least recently leave first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

ROOM = 512 * 2**20


class FrameCache:
    """uint8 pictures `[height, width, 3]` in at most `room` bytes. Every method may be called from any thread."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._frames: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._numbers: dict[str, set[int]] = {}
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes held now."""
        return self._size

    def get(self, key: str, index: int) -> Any | None:
        """The frame, which is needed again by that; None where it is not here."""
        with self._lock:
            frame = self._frames.get((key, index))
            if frame is not None:
                self._frames.move_to_end((key, index))
            return frame

    def holds(self, key: str, index: int) -> bool:
        """Whether the frame is here; to ask is not to need it."""
        return (key, index) in self._frames

    def put(self, key: str, index: int, frame: Any) -> None:
        """Keep a frame. One that is larger than the room is not kept."""
        if frame.nbytes > self.room:
            return
        with self._lock:
            old = self._frames.pop((key, index), None)
            self._size += frame.nbytes - (old.nbytes if old is not None else 0)
            self._frames[key, index] = frame
            self._numbers.setdefault(key, set()).add(index)
            while self._size > self.room:
                (gone, number), left = self._frames.popitem(last=False)
                self._size -= left.nbytes
                numbers = self._numbers[gone]
                numbers.discard(number)
                if not numbers:
                    del self._numbers[gone]

    def numbers(self, key: str) -> set[int]:
        """Which frames of a key are here."""
        with self._lock:
            return set(self._numbers.get(key, ()))

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._frames.clear()
            self._numbers.clear()
            self._size = 0
