"""A thread that makes frames ahead of the playhead, into the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from vidflow.errors import Cancelled
from vidflow.gui.pictures import eight_bit
from vidflow.gui.viewer.cache import FrameCache
from vidflow.gui.viewer.source import Shown, said

SECONDS = 1.0
"""How far ahead of the playhead, at most."""
BYTES = 160 * 2**20
LATE = 0.5
"""Seconds behind the clock after which frames are skipped; below that, decoding on catches up sooner than a seek."""
LEAD = 0.1
"""Seconds that a skip goes in front of the clock, as it takes a while itself."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is being played: `speed` times as fast as it is, backwards where negative, frames `start` to `stop`."""

    shown: Shown
    speed: int
    start: int
    stop: int
    loop: bool
    fill: bool = False
    """Nothing is played: the frames are fetched once, in case they are looked at."""


class Ahead:
    """Keeps the frames that are due next in the cache. `failed` is called on its thread."""

    def __init__(self, cache: FrameCache, failed: Callable[[str], None], came: Callable[[], None]) -> None:
        self._cache = cache
        self._failed = failed
        self._came = came
        self._changed = threading.Condition()
        self._course: Course | None = None
        self._due = 0
        self._reading: Any = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether there is something to be made."""
        return self._course is not None

    def play(self, course: Course, due: int) -> None:
        """Follow another course, from frame `due` on."""
        with self._changed:
            self._course, self._due = course, due
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="viewer-ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        self._break_off()

    def rest(self) -> None:
        """Make no more."""
        with self._changed:
            self._course = None
            self._changed.notify_all()
        self._break_off()

    def at(self, due: int) -> None:
        """The playhead has moved on."""
        with self._changed:
            self._due = due
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self.rest()
        if self._thread is not None:
            self._thread.join(2)

    def _break_off(self) -> None:
        reading = self._reading
        if reading is not None:
            reading.cancel()

    # On the thread

    def _run(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._course is not None or self._closed)
                course = self._course
            if course is None:
                continue
            try:
                self._follow(course)
            except Cancelled:
                continue
            except Exception as error:  # noqa: BLE001 - frames are made by nodes, which may raise anything
                with self._changed:
                    if self._course is course:
                        self._course = None
                self._failed(said(error))

    def _horizon(self, course: Course) -> int:
        info = course.shown.info
        assert info is not None
        wanted = ceil(SECONDS * info.rate * abs(course.speed))
        return max(2, min(wanted, BYTES // max(1, info.width * info.height * 3), course.stop - course.start - 1))

    def _follow(self, course: Course) -> None:
        """Until the course changes: find the next stretch that is not in the cache, and make it."""
        if course.fill:
            self._make(course, course.start, course.stop)
            with self._changed:
                if self._course is course:
                    self._course = None
            return
        horizon = self._horizon(course)
        while self._course is course:
            with self._changed:
                due = self._due
                stretch = self._next(course, due, horizon)
                if stretch is None:
                    # Everything up to the horizon is there.
                    self._changed.wait_for(lambda due=due: self._course is not course or self._due != due)
                    continue
            if course.speed > 0:
                self._forwards(course, *stretch, horizon)
            else:
                self._make(course, *stretch)

    def _next(self, course: Course, due: int, horizon: int) -> tuple[int, int] | None:
        """The first stretch of frames after `due`, in the order of playing, that is to be made."""
        holds, key, start, stop = self._cache.holds, course.shown.key, course.start, course.stop
        step = 1 if course.speed > 0 else -1
        at, left = due, horizon + 1
        while left and holds(key, at):
            at += step
            left -= 1
            if not start <= at < stop:
                if not course.loop:
                    return None
                at = start if step > 0 else stop - 1
        if not left:
            return None
        if step > 0:
            return at, stop
        # Backwards, in runs of half a horizon, each made forwards.
        low = max(start, at - max(1, horizon // 2) + 1)
        return low, at + 1

    def _forwards(self, course: Course, at: int, stop: int, horizon: int) -> None:
        """Make one frame after the other, as far ahead as is allowed; return where a stretch is there or too late."""
        info, key = course.shown.info, course.shown.key
        assert info is not None
        pace = info.rate * course.speed
        self._reading = reading = self._read(course, at, stop)
        for frames in reading:
            for frame in self._shown(frames):
                self._cache.put(key, at, frame)
                at += 1
            self._came()
            with self._changed:
                self._changed.wait_for(lambda at=at: self._course is not course or self._ahead(course, at) <= horizon)
                late = self._due - at
                if self._course is not course:
                    raise Cancelled
                if late > LATE * pace and late < (stop - course.start) // 2:
                    # Where it goes on is found from here: in front of the clock.
                    self._due = min(stop - 1, self._due + ceil(LEAD * pace))
                    return
                if at < stop and self._cache.holds(key, at) and self._cache.holds(key, min(stop - 1, at + 1)):
                    return

    def _ahead(self, course: Course, at: int) -> int:
        """How many frames `at` lies before the playhead, which it may have left behind at the end of the range."""
        ahead = at - self._due
        return ahead + (course.stop - course.start) if ahead < -(course.stop - course.start) // 2 else ahead

    def _make(self, course: Course, start: int, stop: int) -> None:
        self._reading = reading = self._read(course, start, stop)
        at = start
        for frames in reading:
            for frame in self._shown(frames):
                self._cache.put(course.shown.key, at, frame)
                at += 1
            self._came()
            if self._course is not course:
                raise Cancelled

    def _read(self, course: Course, start: int, stop: int) -> Any:
        if course.shown.opened is None:
            raise Cancelled
        reading = course.shown.opened.read(start, stop)
        if self._course is not course:
            raise Cancelled
        return reading

    @staticmethod
    def _shown(frames: Any) -> list[Any]:
        # One by one, since all of them as one array would be a copy.
        return [eight_bit(frames[k : k + 1].numpy()[0]) for k in range(len(frames))]


def due_after(seconds: float, rate: Fraction, speed: int) -> int:
    """How many frames the playhead has moved after so long."""
    return int(seconds * float(rate) * abs(speed) + 1e-6)
