"""A thread that does the newest thing asked of it: what waits is replaced, what is under way is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE = 0.1
"""Seconds that something under way is given after it was overtaken, so that a drag over quick frames shows them."""


class Job:
    """Something under way, as who does it and who overtakes it see it."""

    def __init__(self, work: Callable[[Job], None]) -> None:
        self._work = work
        self._stop: Callable[[], None] | None = None
        self.cancelled = False
        self.began = 0.0
        self.spare = False
        """Whether what is left of it may be dropped at once."""

    def stopped_by(self, stop: Callable[[], None]) -> None:
        """How to cut short what is being done now."""
        self._stop = stop
        if self.cancelled:
            stop()

    def cancel(self) -> None:
        """It is not wanted any more."""
        self.cancelled = True
        if self._stop is not None:
            self._stop()

    def run(self) -> None:
        """Do it, on the thread."""
        if not self.cancelled:
            self._work(self)


class Newest:
    """One thread, started with the first thing to do. With a `patience` of None it finishes whatever it has begun."""

    def __init__(self, name: str, patience: float | None = PATIENCE) -> None:
        self._name = name
        self._patience = patience
        self._changed = threading.Condition()
        self._waiting: Job | None = None
        self._running: Job | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def ask(self, work: Callable[[Job], None]) -> None:
        """Do `work` next, which must not raise, and instead of whatever still waits."""
        with self._changed:
            if self._closed:
                return
            self._waiting = Job(work)
            running = self._running
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if running is not None and self._patience is not None:
            left = running.began + self._patience - time.monotonic()
            if left <= 0 or running.spare:
                running.cancel()
            else:
                timer = threading.Timer(left, running.cancel)
                timer.daemon = True
                timer.start()

    def forget(self) -> None:
        """Nothing that was asked for is wanted any more."""
        with self._changed:
            self._waiting = None
            running = self._running
        if running is not None:
            running.cancel()

    @property
    def busy(self) -> bool:
        """Whether something waits or is under way."""
        return self._waiting is not None or self._running is not None

    def close(self) -> None:
        """Cancel and end; waits a moment for what is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.forget()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._running = None
                self._changed.wait_for(lambda: self._waiting is not None or self._closed)
                if self._closed:
                    return
                job, self._waiting = self._waiting, None
                assert job is not None
                job.began = time.monotonic()
                self._running = job
            job.run()
            del job
