"""The store: what was made, by key, on disk; atomic, safe for several processes, under a cap.

::

    FOLDER/index.sqlite       small values, descriptions of videos, finished sinks, file digests, node state, journal
    FOLDER/claims             locked bytes: who makes what
    FOLDER/objects/ab/KEY/    large values and segments of frames, each file whole or not there
    FOLDER/parts/KEY/         encoded parts of sinks that are not finished

Rows are written in groups by `flush`, which the engine calls often and at the end of each run. What is lost in a crash
between two flushes is made again; files count only once they have their names.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidflow.engine.claims import Claims
from vidflow.engine.codec import decode, encode
from vidflow.engine.keys import digest_file
from vidflow.errors import MediaError, StoreError

INLINE_BYTES = 64 * 1024
PARTS_KEPT = 7 * 24 * 3600
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, kind TEXT, data BLOB, seconds REAL, notes TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INT, mtime INT, inode INT, strict INT, digest TEXT)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sinks (key TEXT PRIMARY KEY, path TEXT, size INT, mtime INT, inode INT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (key TEXT, name TEXT, value TEXT, PRIMARY KEY (key, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, graph TEXT, started REAL, seconds REAL, status TEXT)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timings (run TEXT, node TEXT, kept INT, seconds REAL);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the index: a value's kind and bytes (None where they lie in a file), what it took, its notes."""

    kind: str
    data: bytes | None
    seconds: float
    notes: tuple[str, ...] = ()


class Store:
    """What was made, by key. Every method may be called from any thread."""

    def __init__(self, folder: Path, cap: int | None = None, private: bool = False) -> None:
        """`cap` in bytes; by default the smaller of 50 GB and a quarter of the free disk.

        Raises StoreError where the folder cannot be written.
        """
        self.folder = folder
        self.private = private
        self._lock = threading.RLock()
        self._pending: dict[str, Kept] = {}
        self._rows: list[tuple[str, tuple[Any, ...]]] = []
        self._digests: dict[str, tuple[tuple[Any, ...], str]] = {}
        self._pins: dict[str, int] = {}
        self._size: int | None = None
        self._added = 0
        self.trouble = ""
        """Why the last write failed, until somebody has said so."""
        try:
            for name in ("objects", "parts"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self.cap = cap if cap is not None else default_cap(folder)
            self.claims = Claims(folder)
            # One process at a time: SQLite answers "locked" at once where another changes the journal mode.
            with (folder / "opening").open("w") as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                self._index = _opened(folder / "index.sqlite")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"The store in {folder} cannot be used: {error}. Set VIDFLOW_STORE to a folder that can be written."
            ) from error
        self._sweep_parts()

    # Values

    def get(self, key: str) -> Kept | None:
        """What is known under `key`."""
        with self._lock:
            found = self._pending.get(key)
            if found is not None:
                return found
            row = self._index.execute("SELECT kind, data, seconds, notes FROM kept WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        return Kept(row[0], row[1], row[2], tuple(json.loads(row[3])) if row[3] else ())

    def cost(self, key: str, seconds: float) -> None:
        """What `key` took so far, by which it is judged when room is needed."""
        kept = self.get(key)
        if kept is not None and seconds > kept.seconds:
            self.put(key, kept.kind, kept.data, seconds, kept.notes)

    def put(self, key: str, kind: str, data: bytes | None, seconds: float, notes: tuple[str, ...] = ()) -> None:
        """Keep a row; it is written at the next flush."""
        with self._lock:
            self._pending[key] = Kept(kind, data, seconds, notes)

    def keep_value(self, key: str, value: Any, seconds: float, notes: tuple[str, ...] = ()) -> None:
        """Keep any value that has a store form."""
        kind, data = encode(value)
        if len(data) > INLINE_BYTES:
            self.write(key, "value.safetensors", lambda path: _write(path, data))
            self.put(key, kind, None, seconds, notes)
        else:
            self.put(key, kind, data, seconds, notes)

    def load_value(self, key: str, kept: Kept) -> Any:
        """The value of a row. Raises KeyError where its file is gone, or damaged and so made again."""
        if kept.data is not None:
            return decode(kept.kind, kept.data)
        path = self.path(key, "value.safetensors")
        try:
            return decode(kept.kind, path.read_bytes())
        except FileNotFoundError:
            raise KeyError(key) from None
        except StoreError:
            path.unlink(missing_ok=True)
            raise KeyError(key) from None

    # Files

    def path(self, key: str, name: str) -> Path:
        """Where the file `name` of `key` is, if it is kept."""
        return self.folder / "objects" / key[:2] / key / name

    def write(self, key: str, name: str, make: Callable[[Path], None]) -> bool:
        """Keep a file that `make` writes. False where the disk does not allow it: a run goes on without."""
        path = self.path(key, name)
        temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            make(temporary)
            size = temporary.stat().st_size
            temporary.replace(path)
        except (OSError, MediaError) as error:
            temporary.unlink(missing_ok=True)
            self.trouble = _trouble(self.folder, error)
            return False
        self._grown(size)
        return True

    def touch(self, key: str, name: str) -> None:
        """Note that a file was used, so that it is evicted later."""
        try:
            os.utime(self.path(key, name))
        except OSError:
            return

    def pin(self, keys: Iterable[str]) -> None:
        """A running plan needs these keys."""
        with self._lock:
            for key in keys:
                self._pins[key] = self._pins.get(key, 0) + 1

    def unpin(self, keys: Iterable[str]) -> None:
        """It needs them no more."""
        with self._lock:
            for key in keys:
                self._pins[key] -= 1
                if not self._pins[key]:
                    del self._pins[key]

    # Sinks

    def sink_file(self, key: str) -> Path | None:
        """The file that a finished sink wrote, where it is still there unchanged."""
        with self._lock:
            row = self._index.execute("SELECT path, size, mtime, inode FROM sinks WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            status = Path(row[0]).stat()
        except OSError:
            return None
        return Path(row[0]) if (status.st_size, status.st_mtime_ns, status.st_ino) == row[1:] else None

    def sink_done(self, key: str, path: Path) -> None:
        """A sink wrote `path`; its parts are no longer needed."""
        status = path.stat()
        row = (key, str(path), status.st_size, status.st_mtime_ns, status.st_ino)
        self._now("INSERT OR REPLACE INTO sinks VALUES (?, ?, ?, ?, ?)", row)
        shutil.rmtree(self.parts(key), ignore_errors=True)

    def parts(self, key: str) -> Path:
        """The folder of a sink's parts."""
        return self.folder / "parts" / key

    def _sweep_parts(self) -> None:
        limit = time.time() - PARTS_KEPT
        for folder in (self.folder / "parts").iterdir():
            try:
                if folder.stat().st_mtime < limit:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                continue

    # Digests, state, journal

    def digest(self, path: Path, strict: bool) -> str:
        """The digest of a file, remembered by path, size, time and inode. Raises MediaError."""
        try:
            status = path.stat()
        except OSError as error:
            raise MediaError(path, f"the file cannot be read: {error.strerror or error}.") from error
        name, mark = str(path), (status.st_size, status.st_mtime_ns, status.st_ino, int(strict))
        with self._lock:
            known = self._digests.get(name)
            if known is None:
                row = self._index.execute(
                    "SELECT size, mtime, inode, strict, digest FROM digests WHERE path = ?", (name,)
                )
                if (found := row.fetchone()) is not None:
                    known = (found[:4], found[4])
        if known is not None and known[0] == mark:
            return known[1]
        digest = digest_file(path, strict)
        with self._lock:
            self._digests[name] = (mark, digest)
            self._rows.append(("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", (name, *mark, digest)))
        return digest

    def state_get(self, key: str) -> dict[str, Any]:
        """What a node noted under its key."""
        with self._lock:
            rows = self._index.execute("SELECT name, value FROM state WHERE key = ?", (key,)).fetchall()
        return {name: json.loads(value) for name, value in rows}

    def state_put(self, key: str, name: str, value: Any) -> None:
        """Note a value (None forgets it), on disk before this returns."""
        if value is None:
            self._now("DELETE FROM state WHERE key = ? AND name = ?", (key, name), needed=True)
        else:
            self._now("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, name, json.dumps(value)), needed=True)

    def journal(self, statement: str, row: tuple[Any, ...]) -> None:
        """Queue a row of the journal for the next flush."""
        with self._lock:
            self._rows.append((statement, row))

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the index."""
        with self._lock:
            return self._index.execute(statement, values).fetchall()

    # Writing

    def flush(self) -> None:
        """Write what is queued, in one transaction."""
        with self._lock:
            if not self._pending and not self._rows:
                return
            rows = [
                (key, one.kind, one.data, one.seconds, json.dumps(one.notes) if one.notes else None)
                for key, one in self._pending.items()
            ]
            try:
                self._index.execute("BEGIN IMMEDIATE")
                self._index.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", rows)
                for statement, row in self._rows:
                    self._index.execute(statement, row)
                self._index.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.ProgrammingError):
                    if self._index.in_transaction:
                        self._index.execute("ROLLBACK")
                self.trouble = _trouble(self.folder, error)
            self._pending.clear()
            self._rows.clear()

    def _now(self, statement: str, row: tuple[Any, ...], needed: bool = False) -> None:
        with self._lock:
            try:
                self._index.execute(statement, row)
            except sqlite3.Error as error:
                if needed:
                    raise StoreError(f"The store in {self.folder} cannot be written: {error}.") from error
                self.trouble = _trouble(self.folder, error)

    def close(self) -> None:
        """Write the rest and close; a private store is removed."""
        with self._lock:
            self.flush()
            self._index.close()
        if self.private:
            shutil.rmtree(self.folder, ignore_errors=True)

    # The cap

    def _grown(self, size: int) -> None:
        with self._lock:
            self._added += size
            if self._size is None or self._size + self._added > self.cap or self._added > self.cap // 20:
                self._size, self._added = self._evict(), 0

    def _evict(self) -> int:
        """Remove what is cheapest to remake per byte until the cap holds; the bytes that are left."""
        files = list(_files(self.folder / "objects"))
        total = sum(size for _, _, size, _ in files)
        if total <= self.cap:
            return total
        bytes_of: dict[str, int] = {}
        for key, _, size, _ in files:
            bytes_of[key] = bytes_of.get(key, 0) + size
        price: dict[str, float] = {}
        for key, size in bytes_of.items():
            kept = self.get(key)
            price[key] = (kept.seconds if kept else 0.0) / max(1, size)
        # Pinned keys come last, the oldest of their segments first.
        files.sort(key=lambda one: (one[0] in self._pins, 0.0 if one[0] in self._pins else price[one[0]], one[3]))
        for key, path, size, _ in files:
            # A little more than needed, so that not every file that is kept asks for all of this again.
            if total <= self.cap * 0.95:
                break
            if key in self._pins:
                self.trouble = (
                    f"The run needs more than the store's cap of {self.cap / 1e9:.1f} GB; parts are made again."
                )
            try:
                path.unlink()
            except FileNotFoundError:
                pass
            total -= size
        return total

    def usage(self) -> tuple[int, int]:
        """Bytes and number of the files that are kept."""
        files = list(_files(self.folder / "objects"))
        return sum(size for _, _, size, _ in files), len(files)

    def clear(self) -> None:
        """Forget every result; what sinks wrote stays where it is, as do unfinished parts and the journal."""
        with self._lock:
            self._pending.clear()
            self._now("DELETE FROM kept", ())
            self._now("DELETE FROM sinks", ())
            shutil.rmtree(self.folder / "objects", ignore_errors=True)
            (self.folder / "objects").mkdir(exist_ok=True)
            self._size = None


def _opened(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
    index.execute("PRAGMA journal_mode=WAL")
    index.execute("PRAGMA synchronous=NORMAL")
    index.executescript(_SCHEMA)
    return index


def _trouble(folder: Path, error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, MediaError) else error
    reason = cause.strerror if isinstance(cause, OSError) else str(error)
    return f"Not everything could be kept in {folder}: {str(reason).rstrip('.')}."


def default_cap(folder: Path) -> int:
    """`VIDFLOW_STORE_CAP` in bytes (or with K, M, G, T), else the smaller of 50 GB and a quarter of the free disk."""
    text = os.environ.get("VIDFLOW_STORE_CAP", "").strip().upper().removesuffix("B")
    if text:
        factor = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1], 1)
        try:
            return int(float(text.rstrip("KMGT")) * factor)
        except ValueError:
            raise StoreError(f"VIDFLOW_STORE_CAP is {text!r}; expected a size such as 20G.") from None
    return min(50 * 10**9, shutil.disk_usage(folder).free // 4)


def _files(objects: Path) -> Iterable[tuple[str, Path, int, float]]:
    """Key, path, bytes and time of last use of every kept file."""
    for path in objects.glob("*/*/*"):
        try:
            status = path.stat()
        except OSError:
            continue
        yield path.parent.name, path, status.st_size, status.st_mtime


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
