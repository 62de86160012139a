"""What the engine says while it works: frozen events in one ordered hub per request."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeAlias

from vidflow.values import Frames


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A request was planned; `nodes` are those that may run, in order, `wanted` those that the run is for."""

    run: str
    nodes: tuple[str, ...]
    wanted: tuple[str, ...] = ()
    variant: str = ""


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node's body began, or (for a video made lazily) its first frame."""

    run: str
    node: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """Step `step` of `total` of a node is done (frames of a video, steps of a sampler, bytes of a load)."""

    run: str
    node: str
    step: int
    total: int
    preview: Any = None
    variant: str = ""


@dataclass(frozen=True, slots=True)
class FramesReady:
    """Frames `start` to `stop` of a watched node were just made; held by reference."""

    run: str
    node: str
    start: int
    stop: int
    frames: Frames
    variant: str = ""


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node is done. `kept` says that its result was there already; `seconds` sums its pieces."""

    run: str
    node: str
    kept: bool
    seconds: float
    peak_memory: int = 0
    notes: tuple[str, ...] = ()
    variant: str = ""


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node failed. `origin` is file and line of the error, `inputs` what it was given, `cause` the exception."""

    run: str
    node: str
    message: str
    origin: str
    inputs: Mapping[str, str]
    cause: BaseException | None = None
    variant: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The request ended: `done`, `failed` or `cancelled`. `files` are those its sinks wrote or found unchanged."""

    run: str
    status: str
    seconds: float
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    variant: str = ""


Event: TypeAlias = RunStarted | NodeStarted | NodeProgress | FramesReady | NodeFinished | NodeFailed | RunFinished

COMPACT_ABOVE = 1000
FRAMES_EVERY = 1 / 30
"""Seconds between two FramesReady of one node, at least."""


class Hub:
    """Events in the order they happened, for any number of readers, each with its own place.

    Of progress and frames only the newest unread one of each node is kept, so that a slow reader costs nothing.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: list[Reader] = []
        self._past: list[Event] = []
        self._last_frames: dict[str, float] = {}
        self.closed = False

    def put(self, event: Event) -> None:
        """Append an event."""
        with self._changed:
            if isinstance(event, FramesReady):
                now = monotonic()
                if now - self._last_frames.get(event.node, 0.0) < FRAMES_EVERY:
                    return
                self._last_frames[event.node] = now
            elif not isinstance(event, NodeProgress):
                self._past.append(event)
            for reader in self._readers:
                reader.take(event)
            if isinstance(event, RunFinished):
                self.closed = True
            if self._readers or self.closed:
                self._changed.notify_all()

    def reader(self) -> Reader:
        """A reader that sees all events from the first on (progress and frames only from now on)."""
        with self._changed:
            reader = Reader(self, self._changed, self._past)
            self._readers.append(reader)
            return reader

    def leave(self, reader: Reader) -> None:
        """`reader` reads no more."""
        with self._changed:
            if reader in self._readers:
                self._readers.remove(reader)

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait for RunFinished; False where that took longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.closed, timeout)


class Reader:
    """One reader's place in a hub. Iterate to the end of the run, or `drain()` what is there now."""

    def __init__(self, hub: Hub, changed: threading.Condition, past: list[Event]) -> None:
        self._hub = hub
        self._changed = changed
        self._waiting: deque[Event | None] = deque(past)
        self._newest: dict[tuple[type, str, str], int] = {}
        self._taken = 0

    def take(self, event: Event) -> None:
        """Called by the hub, which holds its lock."""
        if isinstance(event, NodeProgress | FramesReady):
            place = (type(event), event.node, event.variant)
            old = self._newest.get(place, -1) - self._taken
            if 0 <= old < len(self._waiting):
                self._waiting[old] = None
            self._newest[place] = self._taken + len(self._waiting)
        self._waiting.append(event)
        if len(self._waiting) > 2 * COMPACT_ABOVE and self._waiting.count(None) > COMPACT_ABOVE:
            self._compact()

    def _compact(self) -> None:
        """Forget the places of events that newer ones have replaced."""
        self._taken += len(self._waiting)
        self._waiting = deque(event for event in self._waiting if event is not None)
        self._taken -= len(self._waiting)
        self._newest = {
            (type(event), event.node, event.variant): self._taken + place
            for place, event in enumerate(self._waiting)
            if isinstance(event, NodeProgress | FramesReady)
        }

    def drain(self) -> list[Event]:
        """Every event not read yet, without waiting."""
        with self._changed:
            return self._drain()

    def _drain(self) -> list[Event]:
        self._taken += len(self._waiting)
        events = [event for event in self._waiting if event is not None]
        self._waiting.clear()
        return events

    def __iter__(self) -> Iterator[Event]:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._hub.closed)
                    events = self._drain()
                    ended = self._hub.closed and not events
                yield from events
                if ended:
                    return
        finally:
            self._hub.leave(self)
