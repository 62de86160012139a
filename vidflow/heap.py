"""The C library's heap, told to give memory back: a long film must not need more of it than a short one (glibc)."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""The numbers that mallopt(3) gives them."""
_own = False
"""Whether the process is vidflow's own."""
_TRIM_EVERY = 1.0
"""Seconds."""
_trimmed = 0.0


def steady() -> None:
    """For a process that is vidflow's own: have freed frames go back to the system at once, and small blocks lie in one
    place. By default each thread has a heap of its own, in pieces that fit nothing later."""
    global _own
    _own = True
    set_option = _function("mallopt")
    if set_option is not None:
        set_option(_ARENA_MAX, 1)
        set_option(_MMAP_THRESHOLD, 2**20)


def reuse() -> None:
    """Where networks run on the CPU of such a process: have large blocks kept for the next frame, which needs them all
    again. To be given each anew, cleared by the system, takes as long as the network itself."""
    set_option = _function("mallopt") if _own else None
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, 2**26)
        set_option(_TRIM_THRESHOLD, 2**28)


def trim_now_and_then() -> None:
    """After each frame that such a network makes: what was kept for the next lies free between blocks that live on."""
    global _trimmed
    if _own and time.monotonic() - _trimmed > _TRIM_EVERY:
        trim()
        _trimmed = time.monotonic()


def trim() -> None:
    """Give back what lies free between blocks in use: an encoder's memory seldom fits where the one before had its."""
    give_back = _function("malloc_trim")
    if give_back is not None:
        give_back(0)


def _function(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
