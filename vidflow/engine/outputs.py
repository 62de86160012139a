"""Files that appear under their names only when they are whole, and what is said where they cannot be written."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from vidflow import heap
from vidflow.errors import MediaError, NodeError


@contextmanager
def replaced_when_whole(target: Path, mark: str, may_replace: Callable[[], None]) -> Generator[Path]:
    """A hidden temporary file beside `target` that takes its name when the block ends well and `may_replace` does not
    raise. Raises NodeError where the disk does not allow it."""
    folder = target.parent
    temporary = folder / f".{target.stem[:60]}.{os.getpid()}-{mark}.part{target.suffix}"
    try:
        with _said_of(target, temporary):
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder, target)
            yield temporary
            may_replace()
            if not temporary.exists():
                raise NodeError("wrote nothing to the path that run.output gave")
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    finally:
        _removed(temporary)


def made_part(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, written by `make` unless it is there. Raises NodeError where the disk does not allow it."""
    if path.exists():
        return path
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with _said_of(path.parent, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            make(temporary)
            temporary.replace(path)
    finally:
        _removed(temporary)
    heap.trim()
    return path


@contextmanager
def _said_of(place: Path, temporary: Path) -> Generator[None]:
    """Say what goes wrong with a temporary file, or its folder, of the place that the user knows."""
    try:
        yield
    except (OSError, MediaError) as error:
        cause = error.__cause__ if isinstance(error, MediaError) else error
        name = error.path if isinstance(error, MediaError) else error.filename
        known = name is None or Path(str(name)) in (temporary, *temporary.parents)
        number = getattr(cause, "errno", None)
        if number not in (errno.ENOSPC, errno.EDQUOT) and not (known and isinstance(cause, OSError)):
            raise
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise NodeError(f"{place} cannot be written: the disk is full. Free some space and run again.") from error
        reason = cause.strerror if isinstance(cause, OSError) else error
        raise NodeError(f"{place} cannot be written: {reason}. Choose another folder.") from error


def _removed(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The disk that could not be written may not let go either; the next run sweeps.
        return


def _sweep(folder: Path, target: Path) -> None:
    """Remove what killed processes left of this file."""
    left = re.compile(rf"\.{re.escape(target.stem[:60])}\.(\d+)-[0-9a-f]*\.part{re.escape(target.suffix)}")
    for entry in os.scandir(folder):
        found = left.fullmatch(entry.name)
        if found and not _runs(int(found[1])):
            Path(entry.path).unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
