"""Threads that give way to a window: those of encoders, which otherwise keep it waiting for a processor (Linux)."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

NICE = 5
_on = False


def give_way() -> None:
    """For a process with a window: what `opened` opens from now on gives way to all other threads."""
    global _on
    _on = sys.platform == "linux"


def opened(work: Callable[[], None]) -> None:
    """Do `work`, which starts threads of a C library. They are as patient as the thread that starts them, for good."""
    if not _on:
        work()
        return
    with ThreadPoolExecutor(1, "vidflow-open", _be_patient) as thread:
        thread.submit(work).result()


def _be_patient() -> None:
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE)
