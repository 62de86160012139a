"""Lanes: worker threads that run pieces of work, most urgent first, and never wait inside one.

One worker per GPU (or for the CPU where there is none) is the background GPU thread; the CPU lane has as many workers
as the machine has cores, the network lane at least eight. A piece that is long calls `checkpoint` between its frames or
steps: there the lane raises `Cancelled`, or runs more urgent pieces on the same thread, nested.
"""

from __future__ import annotations

import heapq
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from vidflow.errors import Cancelled


class Job(Protocol):
    """What a lane runs. The higher `urgency`, the sooner."""

    urgency: float

    @property
    def cancelled(self) -> bool: ...

    def run(self) -> None:
        """Do the work; must not raise."""
        ...


_NONE = float("-inf")
_QUICK = 0.0004
"""Seconds: with pieces that take less, a second worker would only fight with the first for the interpreter."""
_HELD_UP = 0.02
"""Seconds without a new piece after which a worker counts as held up."""
_current = threading.local()


def current_lane() -> Lane | None:
    """The lane whose worker runs this code, if one does."""
    return getattr(_current, "lane", None)


def checkpoint() -> None:
    """Between two frames or steps of a piece: raises Cancelled, or runs more urgent pieces first."""
    job: Job | None = getattr(_current, "job", None)
    if job is None:
        return
    if job.cancelled:
        raise Cancelled
    lane: Lane = _current.lane
    if lane.most_urgent > job.urgency:
        lane.run_nested(job)


class Lane:
    """A queue of pieces and the daemon threads that run them. Threads start with the first piece."""

    def __init__(self, name: str, workers: int) -> None:
        self.name = name
        self.workers = workers
        self.most_urgent = _NONE
        """The urgency of the first piece in the queue; read without the lock by `checkpoint`."""
        self._ready_lock = threading.RLock()
        self._ready = threading.Condition(self._ready_lock)
        self._queue: list[tuple[float, int, Job]] = []
        self._count = 0
        self._idle = 0
        self._started = 0
        self._closing = False
        self._taken = 0
        self._pace = _QUICK * 3
        """Seconds that a piece takes, of late."""
        self._held_up = threading.Condition(self._ready_lock)
        self._deputy: threading.Thread | None = None

    def submit(self, job: Job) -> None:
        """Queue a piece; pieces of equal urgency run in the order they came."""
        with self._ready:
            self._count += 1
            heapq.heappush(self._queue, (-job.urgency, self._count, job))
            self.most_urgent = -self._queue[0][0]
            # A worker that submits at the end of its piece takes the next one itself: waking another would only make
            # the two fight for the interpreter.
            own = getattr(_current, "lane", None) is self and getattr(_current, "ending", False)
            if len(self._queue) > (1 if own else 0):
                if self._pace < _QUICK and self._idle < self._started:
                    self._watch()
                else:
                    self._wake()

    def _watch(self) -> None:
        """Quick pieces are left to the worker that is awake; should it be held up, the deputy wakes another."""
        if self._deputy is None:
            name = f"vidflow-{self.name}-deputy"
            self._deputy = threading.Thread(target=self._stand_by, name=name, daemon=True)
            self._deputy.start()
        self._held_up.notify()

    def _stand_by(self) -> None:
        while True:
            with self._ready:
                self._held_up.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    self._deputy = None
                    return
                taken = self._taken
            time.sleep(_HELD_UP)
            with self._ready:
                if self._queue and self._taken == taken:
                    self._wake()

    def _wake(self) -> None:
        if self._idle:
            self._idle -= 1
            self._ready.notify()
        elif self._started < self.workers:
            self._start()

    def _start(self) -> None:
        self._started += 1
        threading.Thread(target=self._work, name=f"vidflow-{self.name}-{self._started}", daemon=True).start()

    def _take(self) -> Job:
        _, _, job = heapq.heappop(self._queue)
        self._taken += 1
        self.most_urgent = -self._queue[0][0] if self._queue else _NONE
        return job

    def _work(self) -> None:
        _current.lane = self
        while True:
            with self._ready:
                while not self._queue:
                    if self._closing:
                        self._started = 0
                        return
                    self._idle += 1
                    self._ready.wait()
                job = self._take()
            _current.job = job
            began = perf_counter()
            job.run()
            # One long piece among quick ones, such as the last of a run, says little.
            self._pace += (min(perf_counter() - began, 3 * _QUICK) - self._pace) * 0.1
            _current.job = job = None

    def run_nested(self, outer: Job) -> None:
        """Run every piece more urgent than `outer` on this thread, inside it."""
        try:
            with _torch_anew():
                while True:
                    with self._ready:
                        if not self._queue or -self._queue[0][0] <= outer.urgency:
                            break
                        job = self._take()
                    _current.job = job
                    job.run()
        finally:
            _current.job = outer
            with self._ready:
                if self._queue:
                    self._wake()
        if outer.cancelled:
            raise Cancelled

    def close(self) -> None:
        """Idle workers end, busy ones when the queue is empty; what comes later is run by workers of its own."""
        with self._ready:
            self._closing = True
            self._idle = self._started = 0
            self._ready.notify_all()
            self._held_up.notify_all()


class ending:
    """Marks the last part of a piece, where its worker hands on what has become ready."""

    __slots__ = ()

    def __enter__(self) -> None:
        _current.ending = True

    def __exit__(self, *_: object) -> None:
        _current.ending = False


class Lanes:
    """The lanes of an engine by name: `cpu`, `gpu`, `net`."""

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        self._lanes = {"cpu": Lane("cpu", max(2, cores)), "gpu": Lane("gpu", 1), "net": Lane("net", max(8, cores))}

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    def close(self) -> None:
        """Close every lane."""
        for lane in self._lanes.values():
            lane.close()


@contextmanager
def _torch_anew() -> Generator[None]:
    """While the block lasts, torch's state of this thread is as for a piece that is not nested. Nothing is done where
    torch is not in use."""
    torch = sys.modules.get("torch")
    # Another thread may be importing it just now.
    if torch is None or not hasattr(torch, "set_autocast_enabled"):
        yield
        return
    on_gpu = torch.is_autocast_enabled("cuda")
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
        torch.set_autocast_enabled("cuda", False)
        try:
            yield
        finally:
            torch.set_autocast_enabled("cuda", on_gpu)


class Threads:
    """Threads for bodies that may wait: as many as are needed at once, reused, all daemons."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._queue: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._closing = False

    def close(self) -> None:
        """Idle threads end, the others after their work."""
        with self._ready:
            self._closing = True
            self._idle = 0
            self._ready.notify_all()

    def start(self, work: Callable[[], None]) -> None:
        """Run `work`, which must not raise, on a thread of its own."""
        with self._ready:
            self._queue.append(work)
            if self._idle:
                self._idle -= 1
                self._ready.notify()
                return
        threading.Thread(target=self._work, name="vidflow-body", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._queue:
                    if self._closing:
                        return
                    self._idle += 1
                    self._ready.wait()
                work = self._queue.popleft()
            work()
            del work
