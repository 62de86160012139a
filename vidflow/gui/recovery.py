"""Nothing is lost: the document is written aside while it is edited, runs that are not finished are noted, and both are
taken up at the next start. Each window has a folder of its own, which a lock says is in use.

::

    DATA/sessions/ID/lock            held while the window is open; the system frees it with the process
    DATA/sessions/ID/document.json   the document, at most two seconds behind, while it differs from its file
    DATA/sessions/ID/about.json      its path
    DATA/sessions/ID/runs.json       runs that are queued or at work
    DATA/versions/HASH/TIME.json     what a file was before it was saved again, the last twenty
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QLockFile, QObject, QTimer

from vidflow.errors import GraphError
from vidflow.graph import Graph, Paths, dump, files, parse
from vidflow.gui.preferences import preferences
from vidflow.gui.running import Run, Runner
from vidflow.gui.session import Session
from vidflow.gui.telling import tell
from vidflow.gui.words import tr
from vidflow.places import data_dir

WRITE_AFTER = 1000
"""Milliseconds after the first edit that is not yet written aside."""
VERSIONS = 20
RECENT = 12


class Banner(Protocol):
    """Where an offer is made."""

    def say(self, level: str, text: str, choices: dict[str, Any] | None = None) -> None:
        """Show a line with buttons."""


class Keeper(QObject):
    """Keeps what is open in this window."""

    def __init__(self, session: Session, runner: Runner) -> None:
        super().__init__()
        self.session = session
        self.runner = runner
        self.folder = data_dir() / "sessions" / uuid.uuid4().hex
        self._lock = _lock(self.folder)
        with contextlib.suppress(OSError):  # said when there is something to keep
            self._claim()
        self._worker = ThreadPoolExecutor(1, "keeper")
        self._timer = QTimer(self, singleShot=True, interval=WRITE_AFTER)
        self._timer.timeout.connect(self.write)
        self._kept: Graph | None = None
        self._told = self._closed = False
        session.file_changed.connect(self._soon)
        for signal in (runner.queued, runner.started, runner.finished):
            signal.connect(lambda _: self._note_runs())

    def _claim(self) -> None:
        """Have the folder, and its lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._lock.isLocked():
            self._lock.tryLock(0)

    def _soon(self) -> None:
        if not self._closed and not self._timer.isActive():
            self._timer.start()

    def write(self) -> None:
        """Write the document aside, on a thread; take it away where its file says the same."""
        session = self.session
        if not session.dirty:
            self._kept = None
            self._worker.submit(self._remove)
        elif session.graph is not self._kept:
            self._kept = session.graph
            path = str(session.path) if session.path else None
            self._worker.submit(self._write, session.graph, path)

    def _write(self, graph: Graph, path: str | None) -> bool:
        try:
            self._claim()
            _put(self.folder / "about.json", json.dumps({"path": path, "time": time.time()}).encode())
            _put(self.folder / "document.json", dump(graph).encode())
        except (OSError, GraphError) as error:
            tell(self, self._on_failed, str(error))
            return False
        return True

    def _on_failed(self, why: str) -> None:
        """Try again as long as there is something to keep; say it once."""
        self._kept = None
        self._soon()
        if not self._told:
            self._told = True
            text = tr("The copy that saves your work from a crash cannot be written: {}")
            self.session.message.emit("warn", text.format(why))

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            for name in ("document.json", "about.json"):
                (self.folder / name).unlink(missing_ok=True)

    def _note_runs(self) -> None:
        if self._closed:
            return
        found = [one for one in (self.runner.current, *self.runner.queue) if one is not None]
        runs = [run for run in found if run.status in ("queued", "running")]

        def note() -> None:
            target = self.folder / "runs.json"
            with contextlib.suppress(OSError):
                if runs:
                    self._claim()
                    _put(target, json.dumps([_noted(run) for run in runs]).encode())
                else:
                    target.unlink(missing_ok=True)

        self._worker.submit(note)

    def close(self) -> None:
        """The window closes: only runs that are not finished are kept for the next start."""
        self._closed = True
        self._timer.stop()
        self._worker.shutdown(wait=True)
        self._remove()
        if (self.folder / "runs.json").exists():
            self._lock.unlock()
        else:
            _discard(self.folder, self._lock)

    def offer(self, banner: Banner, may_leave: Callable[[], bool]) -> None:
        """Take up the runs of windows that are gone, and offer their documents; `may_leave` asks whether the document
        that is open may be closed for one."""
        try:
            folders = sorted(self.folder.parent.iterdir(), key=_age)
        except OSError:
            return
        for folder in folders:
            if folder == self.folder or not folder.is_dir() or _begun(folder):
                continue
            lock = _lock(folder)
            if not lock.tryLock(0):
                continue
            self._take_up_runs(folder)
            if (folder / "document.json").is_file():
                self._offer_document(banner, may_leave, folder, lock)
                return
            _discard(folder, lock)

    def _take_up_runs(self, folder: Path) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, GraphError):
            for note in json.loads((folder / "runs.json").read_text("utf-8")):
                run = _run_of(note)
                self.runner.put(run)
                self.session.message.emit("info", tr("The run of {} that was not finished goes on.").format(run.title))
        with contextlib.suppress(OSError):
            (folder / "runs.json").unlink(missing_ok=True)

    def _offer_document(self, banner: Banner, may_leave: Callable[[], bool], folder: Path, lock: QLockFile) -> None:
        path: Path | None = None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            named = json.loads((folder / "about.json").read_text("utf-8")).get("path")
            path = Path(named) if isinstance(named, str) else None

        def forget() -> None:
            _discard(folder, lock)
            self.offer(banner, may_leave)

        def offer() -> None:
            name = path.name if path else tr("Untitled")
            text = tr("vidflow ended without saving {}. Its last state was kept.").format(name)
            banner.say("warn", text, {tr("Recover"): recover, tr("Discard"): forget})

        def recover() -> None:
            if not may_leave():
                offer()
                return
            try:
                graph = parse((folder / "document.json").read_text("utf-8"))
            except (OSError, ValueError, GraphError) as error:
                banner.say("error", tr("What was kept cannot be read: {}").format(error))
                return
            self.session.put(graph, path, dirty=True)
            self._kept = graph
            # Written into this window's own folder before the other goes; where there is no room, the other stays.
            if self._write(graph, str(path) if path else None):
                forget()

        offer()

    def keep_version(self, path: Path) -> None:
        """Keep what lies at `path` before it is replaced; the oldest go."""
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size < files.MAX_BYTES:
                folder = _versions(path)
                folder.mkdir(parents=True, exist_ok=True)
                _put(folder / "path.txt", os.fsencode(path.absolute()))
                now = time.time_ns()
                when = time.strftime("%Y%m%d-%H%M%S", time.localtime(now // 10**9))
                _put(folder / f"{when}-{now % 10**9:09}.json", path.read_bytes())
                for old in sorted(folder.glob("*.json"))[:-VERSIONS]:
                    old.unlink()


def versions_of(path: Path) -> list[Path]:
    """The versions of a file that are kept, the newest first."""
    return sorted(_versions(path).glob("*.json"), reverse=True)


def recent_files() -> list[Path]:
    """The files that were open last and are still there, the newest first."""
    value = preferences().value("recent", [])
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [Path(name) for name in names if isinstance(name, str) and Path(name).is_file()]


def remember_file(path: Path) -> None:
    """Put a file in front of the recent ones."""
    path = path.absolute()
    names = [str(path), *(str(one) for one in recent_files() if one != path)]
    preferences().setValue("recent", names[:RECENT])


def _versions(path: Path) -> Path:
    digest = hashlib.sha256(os.fspath(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return data_dir() / "versions" / digest


def _lock(folder: Path) -> QLockFile:
    lock = QLockFile(str(folder / "lock"))
    # Never by its age: only where the process is gone.
    lock.setStaleLockTime(0)
    return lock


def _age(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return -folder.stat().st_mtime
    return 0.0


def _begun(folder: Path) -> bool:
    """Whether a window that is just being opened may have made this folder, and not locked it yet."""
    with contextlib.suppress(OSError):
        return not any(folder.iterdir()) and time.time() - folder.stat().st_mtime < 60
    return True


def _discard(folder: Path, lock: QLockFile) -> None:
    """Take a folder away for good. Its document goes first, so that nobody is offered it who finds it unlocked."""
    with contextlib.suppress(OSError):
        (folder / "document.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    lock.unlock()


def _put(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _noted(run: Run) -> dict[str, Any]:
    paths = run.paths
    return {
        "graph": dump(run.graph),
        "title": run.title,
        "only": list(run.only),
        "each": {name: list(values) for name, values in run.each.items()},
        "paths": [paths.graph_name, str(paths.base), str(paths.cwd), str(paths.output_dir)],
    }


def _run_of(note: dict[str, Any]) -> Run:
    name, base, cwd, output = note["paths"]
    paths = Paths(name, Path(base), Path(cwd), Path(output))
    return Run(parse(note["graph"]), paths, tuple(note["only"]), note["each"], note["title"])
