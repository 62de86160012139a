"""What the user is told of an exception: the message, and where it came from."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from vidflow.errors import VidflowError


def origin_of(error: BaseException) -> str:
    """File and line that an exception came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def message_of(error: BaseException, frame: int | None = None) -> str:
    """What the user is told of an exception."""
    if isinstance(error, VidflowError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full: {error.filename or ''} could not be written; free some space and run again."
    if isinstance(error, MemoryError):
        return "There is not enough memory; smaller frames or fewer at once need less."
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, ValueError) and "read-only" in text:
        text += "; frames are shared, so make a new one: frame = frame.copy()"
    file, _, line = origin_of(error).rpartition(":")
    places = [f"{Path(file).parent.name}/{Path(file).name}:{line}"] if file else []
    places += [] if frame is None else [f"frame {frame}"]
    return f"{text} ({', '.join(places)}; --debug shows more)" if places else text
