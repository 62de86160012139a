"""Loaded parts of checkpoints: each held once however many nodes use it, the least recently used let go when memory is
short. Used on the GPU lane only, where one piece runs at a time (and more urgent ones inside it)."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from vidflow import heap
from vidflow.errors import ModelError

T = TypeVar("T")
M = TypeVar("M")
_NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "could not create a primitive",  # oneDNN's words for it
)
SPARE = 1.1
"""How many times a part's own size has to be free before it is loaded."""


@dataclass(slots=True)
class _Held:
    part: Any
    nbytes: int
    device: torch.device
    users: int = 0


class Residency:
    """The parts that are in memory, by what they were loaded from."""

    def __init__(self, free: Callable[[torch.device], int] | None = None) -> None:
        """`free` tells how many bytes are free on a device."""
        self._free = free or free_bytes
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._lock = threading.Lock()
        """Held for a moment only: an engine that is closed lets go of parts from another thread."""
        self.loads = 0
        """How many parts have been loaded."""

    @contextmanager
    def held(
        self, wanted: dict[str, tuple[Hashable, int, Callable[[], Any]]], device: torch.device, leave: bool = False
    ) -> Iterator[dict[str, Any]]:
        """The parts by their names, in memory for as long as the block lasts; `wanted` gives for each what it is known
        by, its bytes, and what loads it. With `leave` they go afterwards, unless somebody else uses them."""
        taken: list[_Held] = []
        try:
            parts: dict[str, Any] = {}
            for name, (key, nbytes, load) in wanted.items():
                held = self._taken(key)
                if held is None:
                    self._make_room(int(nbytes * SPARE), device)
                    held = _Held(load(), nbytes, device, 1)
                    self.loads += 1
                    with self._lock:
                        self._held[key] = held
                taken.append(held)
                parts[name] = held.part
            yield parts
        finally:
            for held in taken:
                held.users -= 1
            if leave:
                self._let_go([key for key, _, _ in wanted.values()])

    def _taken(self, key: Hashable) -> _Held | None:
        """The part that is held under `key`, counted as used once more."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                held.users += 1
            return held

    def release(self, nbytes: int | None = None) -> int:
        """Let go of parts that nobody uses, the least recently used first, until `nbytes` are free or (without it) all
        are gone; how many bytes that were."""
        return self._let_go(list(self._held), nbytes)

    def _let_go(self, keys: Iterable[Hashable], nbytes: int | None = None) -> int:
        gone = 0
        with self._lock:
            for key in keys:
                if nbytes is not None and gone >= nbytes:
                    break
                if key in self._held and not self._held[key].users:
                    gone += self._held.pop(key).nbytes
        if gone:
            gc.collect()
            heap.trim()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return gone

    def room(self, device: torch.device) -> int:
        """Bytes that are free on `device`, or would be without the parts that nobody uses."""
        with self._lock:
            idle = sum(held.nbytes for held in self._held.values() if held.device == device and not held.users)
        return idle + self._free(device)

    def _make_room(self, nbytes: int, device: torch.device) -> None:
        short = nbytes - self._free(device)
        if short > 0:
            self.release(short)


def free_bytes(device: torch.device) -> int:
    """Bytes that are free on `device`: of the GPU, or of the machine within what its control group allows."""
    if device.type == "cuda":
        # What torch holds ready counts as taken there, and is free for whoever asks torch.
        ready = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + ready
    free = 2**62
    with Path("/proc/meminfo").open(encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    try:
        with Path("/sys/fs/cgroup/memory.max").open(encoding="ascii") as file:
            limit = file.read().strip()
        if limit != "max":
            with Path("/sys/fs/cgroup/memory.current").open(encoding="ascii") as file:
                free = min(free, int(limit) - int(file.read()))
    except (OSError, ValueError):
        pass
    return free


RESIDENT = Residency()
"""The parts of this process."""


def with_room(work: Callable[[M], T], manners: Iterable[M], advice: str) -> T:
    """`work` in the first of the `manners` that memory suffices for; where it runs out, each is tried once more without
    the parts that nobody uses. Raises ModelError with advice."""
    for manner in manners:
        for _ in range(2):
            try:
                return work(manner)
            except (RuntimeError, MemoryError, OSError) as error:
                if not out_of_memory(error):
                    raise
            # Only here, where the error no longer holds what the work had made.
            if not RESIDENT.release():
                break
    raise ModelError(f"Memory ran out. {advice}")


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on whatever device."""
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(one in said for one in _NO_MEMORY)
