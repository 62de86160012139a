"""Claims: who makes a result. Held by one maker among all threads and processes, and freed when its process dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from pathlib import Path

_lock = threading.Lock()
_books: dict[str, _Book] = {}


class _Book:
    """The claims of this process on one store. Each is a locked byte of one file, at the hash of its name.

    The kernel frees such locks when the process ends, and no file is left behind for each. They belong to the whole
    process and fall when any descriptor of the file is closed, so the file is opened once and stays open.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.held: dict[str, Claim] = {}


class Claim:
    """The right to make what `name` stands for, until `release`."""

    __slots__ = ("_book", "name", "urgency")

    def __init__(self, book: _Book, name: str, urgency: float) -> None:
        self._book = book
        self.name = name
        self.urgency = urgency

    def release(self) -> None:
        """Let another make it. Harmless when repeated."""
        with _lock:
            if self._book.held.get(self.name) is self:
                del self._book.held[self.name]
                fcntl.lockf(self._book.descriptor, fcntl.LOCK_UN, 1, _place(self.name))


class Claims:
    """The claims on one store."""

    def __init__(self, folder: Path) -> None:
        path = folder / "claims"
        with _lock:
            # The inode tells a new store from one that was removed at the same path.
            path.touch(exist_ok=True)
            at = f"{path.resolve()}:{path.stat().st_ino}"
            book = _books.get(at)
            if book is None:
                book = _books[at] = _Book(path)
        self._book = book

    def take(self, name: str, urgency: float) -> Claim | None:
        """The claim on `name`, or None while somebody has it."""
        with _lock:
            if name in self._book.held:
                return None
            try:
                fcntl.lockf(self._book.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(name))
            except OSError:
                return None
            claim = self._book.held[name] = Claim(self._book, name, urgency)
            return claim

    def holder_urgency(self, name: str) -> float | None:
        """How urgent the holder in this process is; None where it is another process or nobody."""
        with _lock:
            claim = self._book.held.get(name)
            return claim.urgency if claim else None


def _place(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 2
