"""The playhead: which frame is shown, in and out, and playing by a clock that drops frames rather than drift."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from functools import partial
from time import perf_counter
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from vidflow.gui.telling import tell
from vidflow.gui.viewer.ahead import Ahead, Course, due_after
from vidflow.gui.viewer.sound import Sound
from vidflow.gui.viewer.source import Source

FASTEST = 4
PATIENCE = 0.25
"""Seconds that the clock waits for the first frame; after that it runs, and frames are dropped."""
TOLD_EVERY = 0.5
_LOOK_BACK = 64
IDLE = 250
"""Milliseconds without a move after which what only has to be read is fetched, so that any of it comes at once."""


class Player(QObject):
    """Positions are frame numbers of the shown video; `stop` is the frame after the last one that plays."""

    moved = Signal(int)
    pictured = Signal(int, object)
    """A frame to be shown, and its number."""
    state_changed = Signal()
    """Playing, paused, another speed, in, out or loop."""
    reached_changed = Signal(float)
    """Frames a second that were shown of late."""

    def __init__(self, source: Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.source = source
        self.position = 0
        self.speed = 0
        self.loop = True
        self.reached = 0.0
        self.dropped = 0
        """How many frames were due and not shown since it began to play."""
        self.played = 0
        """How many were shown since."""
        self.sound = Sound(self)
        self._marks: tuple[int | None, int | None] = (None, None)
        self._follow = True
        """Whether the playhead goes where a run makes frames, until the user moves it."""
        self._flat = ""
        self._pictured: tuple[str, int] = ("", -1)
        self._base = 0
        self._origin: float | None = None
        self._asked = 0.0
        self._last = -1
        self._times: deque[float] = deque()
        self._told = 0.0
        self._ahead = Ahead(source.cache, partial(tell, self, self._on_failed), partial(tell, self, self._on_came))
        self._timer = QTimer(self, singleShot=True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._idle = QTimer(self, singleShot=True, interval=IDLE)
        self._idle.timeout.connect(self._fill)
        source.changed.connect(self._on_changed)
        source.frame.connect(self._on_frame)
        source.live.connect(self._on_live)
        source.runner.started.connect(self._on_started)

    # What is known

    @property
    def frames(self) -> int:
        """How many frames the shown video has; 0 where none is shown."""
        return self.source.shown.frames

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        info = self.source.shown.info
        return info.rate if info is not None else Fraction(25)

    @property
    def start(self) -> int:
        """The first frame that plays."""
        return self._marks[0] or 0

    @property
    def stop(self) -> int:
        """The frame after the last that plays."""
        return self.frames if self._marks[1] is None else min(self.frames, self._marks[1])

    @property
    def marked(self) -> tuple[int | None, int | None]:
        """In and out (the frame after it), where they were set."""
        return self._marks

    @property
    def playing(self) -> bool:
        """Whether time goes on."""
        return self.speed != 0

    @property
    def filling(self) -> bool:
        """Whether frames are being fetched, or soon will be, in case they are looked at."""
        soon = self._idle.isActive() and self.source.shown.read_only and self.frames > 1
        return not self.playing and (soon or self._ahead.busy)

    # Going places

    def seek(self, index: int) -> None:
        """Show this frame; what plays goes on from there."""
        if not self.frames:
            return
        self._follow = False
        self._go(index)
        if self.playing:
            self._begin()

    def step(self, by: int) -> None:
        """So many frames on, or back; stops what plays."""
        self.pause()
        self.seek(self.position + by)

    def _go(self, index: int) -> None:
        index = min(max(0, index), max(0, self.frames - 1))
        if index != self.position:
            self.position = index
            self.moved.emit(index)
        if not self.playing:
            self._ahead.rest()
            if self._pictured != (self.source.shown.key, index):
                self.source.want(index)
            self._idle.start()

    def _fill(self) -> None:
        """Fetch the frames around the playhead; of a video that is not much larger than the room, all of them."""
        shown, info = self.source.shown, self.source.shown.info
        if self.playing or info is None or not shown.read_only or info.frames < 2:
            return
        if self.source.busy:
            self._idle.start()
            return
        room = int(self.source.cache.room * 0.95) // (info.width * info.height * 3)
        start, stop = 0, info.frames
        if stop > room * 1.5:
            start = min(max(0, self.position - room // 4), stop - room)
            stop = start + room
        held = self.source.cache.numbers(shown.key)
        if len(held) < min(room, info.frames) * 0.9:
            self._ahead.play(Course(shown, 1, start, stop, loop=False, fill=True), start)

    def mark_in(self) -> None:
        """Play from here; again at the same place: from the start."""
        _, stop = self._marks
        start = None if self._marks[0] == self.position else self.position
        self._mark(start, None if start is not None and stop is not None and stop <= start else stop)

    def mark_out(self) -> None:
        """Play up to here; again at the same place: to the end."""
        start, stop = self._marks
        stop = None if stop == self.position + 1 else self.position + 1
        self._mark(None if start is not None and stop is not None and stop <= start else start, stop)

    def _mark(self, start: int | None, stop: int | None) -> None:
        self._marks = (start, stop)
        self.state_changed.emit()
        if self.playing:
            self._begin()

    def set_loop(self, on: bool) -> None:
        """Whether playing begins again at its end."""
        self.loop = on
        self.state_changed.emit()
        if self.playing:
            self._begin()

    # Playing

    def toggle(self) -> None:
        """Play, or stop."""
        if self.playing:
            self.pause()
        else:
            self.play(1)

    def shuttle(self, way: int) -> None:
        """J (-1), K (0), L (1): again in the same direction is twice as fast, up to four times."""
        if way == 0:
            self.pause()
        elif self.speed * way > 0:
            self.play(way * min(FASTEST, abs(self.speed) * 2))
        else:
            self.play(way)

    def play(self, speed: int = 1) -> None:
        """Play `speed` times as fast, backwards where negative."""
        if self.frames < 2 or speed == 0:
            return
        self._follow = False
        self._idle.stop()
        fresh = not self.playing
        self.speed = speed
        if fresh:
            self.played = self.dropped = 0
        first, last = (self.start, self.stop - 1) if speed > 0 else (self.stop - 1, self.start)
        if not self.start <= self.position < self.stop or self.position == last:
            self.position = first
            self.moved.emit(first)
        self._begin()
        self.state_changed.emit()

    def pause(self) -> None:
        """Stop at the frame that is shown."""
        if not self.playing:
            return
        self.speed = 0
        self._timer.stop()
        self._ahead.rest()
        self.sound.stop()
        self.state_changed.emit()
        self._go(self.position)

    def _begin(self) -> None:
        """Play on from the position, the clock set anew."""
        shown = self.source.shown
        if not self.frames:
            self.pause()
            return
        if not self.start <= self.position < self.stop:
            self.position = self.start
        self.sound.stop()
        self._last = self.position - (1 if self.speed > 0 else -1)
        self._base, self._origin, self._asked = self.position, None, perf_counter()
        self._times.clear()
        self._ahead.play(Course(shown, self.speed, self.start, self.stop, self.loop), self.position)
        self._tick()

    def _tick(self) -> None:
        if not self.playing:
            return
        now = perf_counter()
        key = self.source.shown.key
        if self._origin is None:
            if not self.source.cache.holds(key, self._base) and now - self._asked < PATIENCE:
                self._timer.start(5)
                return
            self._origin = now
            self._be_heard()
        due = self._due(now)
        if due is None:
            self._end()
            return
        self._ahead.at(due)
        self._show(due, key, now)
        assert self._origin is not None
        pace = float(self.rate) * abs(self.speed)
        following = self._origin + (abs(due - self._base) + 1) / pace
        self._timer.start(max(0, int((following - perf_counter()) * 1000)))

    def _be_heard(self) -> None:
        audio = getattr(self.source.shown.value, "audio", None)
        if audio is not None and self.speed == 1:
            self.sound.start(audio, float(self._base / self.rate))

    def _due(self, now: float) -> int | None:
        """The frame that the clock is at; None where it has come to the end."""
        assert self._origin is not None
        way = 1 if self.speed > 0 else -1
        pace = float(self.rate) * abs(self.speed)
        while True:
            due = self._base + way * due_after(now - self._origin, self.rate, self.speed)
            if self.start <= due < self.stop:
                return due
            if not self.loop:
                return None
            left = self.stop - self._base if way > 0 else self._base - self.start + 1
            self._origin += left / pace
            self._base = self.start if way > 0 else self.stop - 1
            self._last = self._base - way
            self._be_heard()

    def _show(self, due: int, key: str, now: float) -> None:
        """Show the frame that is due, or the last one before it that is there."""
        way = 1 if self.speed > 0 else -1
        shown = due
        while not self.source.cache.holds(key, shown):
            shown -= way
            if (shown - self._last) * way <= 0 or abs(due - shown) > _LOOK_BACK:
                return
        if shown == self._last:
            return
        frame = self.source.cache.get(key, shown)
        if frame is None:
            return
        self.dropped += max(0, abs(shown - self._last) // abs(self.speed) - 1)
        self.played += 1
        self._last = shown
        self.position = shown
        self._picture(key, shown, frame)
        self.moved.emit(shown)
        self._times.append(now)
        while now - self._times[0] > 1:
            self._times.popleft()
        if now - self._told > TOLD_EVERY and len(self._times) > 2:
            self._told = now
            self.reached = (len(self._times) - 1) / (now - self._times[0])
            self.reached_changed.emit(self.reached)

    def _end(self) -> None:
        last = self.stop - 1 if self.speed > 0 else self.start
        self.pause()
        self._go(last)

    def _picture(self, key: str, index: int, frame: Any) -> None:
        self._pictured = (key, index)
        self.pictured.emit(index, frame)

    # What comes from elsewhere

    def _on_came(self) -> None:
        if self.playing and (self._origin is None or self._last != self._due(perf_counter())):
            self._tick()

    def _on_failed(self, text: str) -> None:
        self.pause()
        self.source.trouble.emit(text)

    def _on_changed(self) -> None:
        shown = self.source.shown
        if shown.flat != self._flat:
            self._flat = shown.flat
            self.pause()
            self._marks, self._follow = (None, None), True
            # The viewer is cleared: the same picture of another node, as of a video and its sink, is shown anew.
            self._pictured = ("", -1)
            self.position = 0
            self.moved.emit(0)
        if not shown.frames:
            self.pause()
            self.state_changed.emit()
            return
        start, stop = self._marks
        self._marks = (
            start if start is not None and start < shown.frames else None,
            min(stop, shown.frames) if stop is not None else None,
        )
        self.state_changed.emit()
        if self.playing and shown.frames > 1:
            self._begin()
        else:
            self.pause()
            self._go(self.position)

    def _on_frame(self, key: str, index: int, frame: Any) -> None:
        if key != self.source.shown.key or self.playing:
            return
        # While the playhead is dragged, what came of an earlier place is better than nothing.
        if index == self.position or self._pictured != (key, self.position):
            self._picture(key, index, frame)

    def _on_started(self, _: object) -> None:
        if not self.playing:
            self._follow = True
            self._ahead.rest()

    def _on_live(self, index: int, frame: Any) -> None:
        if not self._follow or self.playing:
            return
        if index != self.position:
            self.position = index
            self.moved.emit(index)
        self._picture(self.source.shown.key, index, frame)

    def key(self, event: QKeyEvent) -> bool:
        """Do what a key of players means; False where it means nothing."""
        far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier):
            return False
        keys = {
            Qt.Key.Key_Space: self.toggle,
            Qt.Key.Key_J: lambda: self.shuttle(-1),
            Qt.Key.Key_K: lambda: self.shuttle(0),
            Qt.Key.Key_L: lambda: self.shuttle(1),
            Qt.Key.Key_Left: lambda: self.step(-far),
            Qt.Key.Key_Right: lambda: self.step(far),
            Qt.Key.Key_Home: lambda: self.seek(self.start),
            Qt.Key.Key_End: lambda: self.seek(self.stop - 1),
            Qt.Key.Key_I: self.mark_in,
            Qt.Key.Key_O: self.mark_out,
        }
        act = keys.get(Qt.Key(event.key()))
        if act is None:
            return False
        act()
        return True

    def close(self) -> None:
        """Stop, and end the thread."""
        self.pause()
        self._idle.stop()
        self._ahead.close()
        self.sound.stop()
