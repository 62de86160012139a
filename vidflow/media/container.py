"""Opening a media file so that whatever is wrong with it becomes one `MediaError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from vidflow.errors import MediaError

# These demuxers read other files by name, or take any text for a picture.
_REFUSED = frozenset({"hls", "dash", "concat", "image2", "tty", "sdp", "rtsp", "bin", "xbin", "adf", "idf", "data"})


@contextmanager
def reporting(path: Path, doing: str = "cannot be read") -> Iterator[None]:
    """Turn what FFmpeg and the system raise inside into a `MediaError` about `path`."""
    try:
        yield
    except MediaError:
        raise
    except (FFmpegError, OSError) as error:
        raise MediaError(path, f"{doing}: {error.strerror or error}.") from error


def open_input(path: Path) -> InputContainer:
    """An open container; the caller closes it.

    Raises MediaError where `path` is missing, a folder, empty or no media file.
    """
    with reporting(path):
        if not path.exists():
            raise MediaError(path, "there is no such file.")
        if path.is_dir():
            raise MediaError(path, "this is a folder; expected a media file.")
        if not path.is_file():
            raise MediaError(path, "this is no plain file; expected a media file.")
        if path.stat().st_size == 0:
            raise MediaError(path, "this file is empty; expected a media file.")
    try:
        # An absolute path keeps a name such as `concat:x` from being taken for a protocol.
        found = av.open(
            str(path.absolute()), "r", metadata_errors="replace", container_options={"protocol_whitelist": "file"}
        )
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(path, f"this is no media file that can be read ({reason}).") from error
    if _REFUSED & set(found.format.name.split(",")):
        found.close()
        raise MediaError(path, f"this is no media file (it looks like {found.format.long_name}).")
    return found
