"""Following a run on the command line: bars on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from vidflow.engine.events import (
    Event,
    FramesReady,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeStarted,
    RunFinished,
    RunStarted,
)

if TYPE_CHECKING:
    from vidflow.engine.service import Request

_STATUS = {"done": 0, "failed": 1, "cancelled": 130}
_LINE_EVERY = 5.0
_SHOWN_AT_ONCE = 12
_WORTH_A_LINE = 0.1
"""Seconds: a node that took less gets no line of its own in a log."""


def follow(request: Request, events: str | None) -> int:
    """Show a run until it ends; its exit status. Ctrl-C cancels it."""
    with _cancelling(request), contextlib.ExitStack() as stack:
        readers: list[Any] = []
        quiet = events == "-"
        if events is not None:
            file = sys.stdout if quiet else stack.enter_context(Path(events).open("w", encoding="utf-8"))
            readers.append(_JsonLines(file))
        if not quiet:
            readers.append(stack.enter_context(_Bars()) if sys.stderr.isatty() else _Lines())
        status = "cancelled"
        for event in request:
            for reader in readers:
                reader.show(event)
            if isinstance(event, RunFinished):
                status = event.status
    return _STATUS[status]


@contextlib.contextmanager
def _cancelling(request: Request) -> Iterator[None]:
    """Ctrl-C and a request to terminate cancel the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked = False

    def cancel(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        threading.Thread(target=request.cancel, daemon=True).start()

    old = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            # Who asked once may press again while the process ends, which must not change how it ends.
            signal.signal(number, signal.SIG_IGN if asked else handler)


class _JsonLines:
    """One JSON object a line; pictures are left out."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def show(self, event: Event) -> None:
        """Write one event."""
        data: dict[str, Any] = {"event": type(event).__name__, "time": round(time.time(), 3)}
        for field in fields(event):
            value = getattr(event, field.name)
            if field.name in ("frames", "preview", "cause"):
                continue
            data[field.name] = (
                list(value) if isinstance(value, tuple) else dict(value) if field.name == "inputs" else value
            )
        self._file.write(json.dumps(data, ensure_ascii=False) + "\n")
        self._file.flush()


def _summary(event: RunFinished) -> list[str]:
    """What is said at the end."""
    lines = [f"note: {note}" for note in event.notes]
    lines += [str(file) for file in event.files]
    if event.status == "done" and not event.files:
        lines.append("note: No file was written: the graph, or what --only names, has no output.")
    seconds = f"{event.seconds:.1f} s"
    lines.append(
        {"done": f"Done in {seconds}.", "failed": f"Failed after {seconds}."}.get(
            event.status, f"Cancelled after {seconds}."
        )
    )
    return lines


def _name(event: Any) -> str:
    return _named(event.node, event.variant)


def _named(node: str, variant: str) -> str:
    return f"{node} [{variant}]" if variant else node


def _failure(event: NodeFailed) -> str:
    return f"error: {_name(event)}: {event.message}"


class _Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def show(self, event: Event) -> None:
        """Print what a log needs of an event."""
        match event:
            case NodeFinished():
                if event.kept or event.seconds >= _WORTH_A_LINE:
                    spent = "kept" if event.kept else f"{event.seconds:.2f} s of work"
                    print(f"{_name(event)}: {spent}", file=sys.stderr)
                for note in event.notes:
                    print(f"note: {_name(event)}: {note}", file=sys.stderr)
            case NodeProgress():
                now = time.monotonic()
                if now - self._last.setdefault(_name(event), now) >= _LINE_EVERY:
                    self._last[_name(event)] = now
                    print(f"{_name(event)}: {event.step} of {event.total}", file=sys.stderr)
            case NodeFailed():
                print(_failure(event), file=sys.stderr)
            case RunFinished():
                *lines, last = _summary(event)
                for line in lines:
                    print(line)
                print(last, file=sys.stderr)
            case _:
                return


class _Bars:
    """A bar for the run and for each node at work, with time left and frames per second."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._all = self._progress.add_task("whole run", total=None, rate="", count="")
        self._wanted: dict[str, float] = {}
        self._tasks: dict[str, Any] = {}
        self._began: dict[str, float] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Bring the bars up to date."""
        progress = self._progress
        match event:
            case RunStarted():
                self._wanted.update((_named(node, event.variant), 0.0) for node in event.wanted)
                progress.update(self._all, total=len(self._wanted))
            case NodeStarted():
                self._began[_name(event)] = time.monotonic()
            case NodeProgress():
                self._node(event)
                self._reached(_name(event), event.step / max(1, event.total))
            case NodeFinished():
                self._gone(_name(event))
                self._reached(_name(event), 1.0)
                for note in event.notes:
                    self._print(f"note: {_name(event)}: {note}")
            case NodeFailed():
                self._gone(_name(event))
                self._print(_failure(event), style="red")
            case RunFinished():
                progress.stop()
                for line in _summary(event):
                    self._print(line)
            case FramesReady():
                return

    def _print(self, line: str, style: str | None = None) -> None:
        """A line of text as it is; a terminal breaks it, so that what is copied from there is whole."""
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def _reached(self, name: str, share: float) -> None:
        """How far a node that the run is for has come."""
        if name in self._wanted:
            self._wanted[name] = share
            self._progress.update(self._all, completed=sum(self._wanted.values()))

    def _node(self, event: NodeProgress) -> None:
        name = _name(event)
        if event.step >= event.total:
            self._gone(name)
            return
        if name not in self._tasks:
            if len(self._tasks) >= _SHOWN_AT_ONCE:
                return
            self._tasks[name] = self._progress.add_task(name, total=event.total, rate="", count="")
        seconds = time.monotonic() - self._began.setdefault(name, time.monotonic())
        rate = f"{event.step / seconds:.1f}/s" if seconds > 0.5 else ""
        count = f"{event.step}/{event.total}"
        self._progress.update(self._tasks[name], completed=event.step, total=event.total, rate=rate, count=count)

    def _gone(self, name: str) -> None:
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))
