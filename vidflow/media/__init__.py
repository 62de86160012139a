"""Pictures and sound in files: PyAV in and out. Importing this loads neither av nor numpy; its modules do."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidflow.media.decode import open_video
    from vidflow.media.encode import Encoding, PartWriter, join, suffixes
    from vidflow.media.image import open_image, write_image
    from vidflow.media.sound import convert, open_audio

__all__ = [
    "Encoding",
    "PartWriter",
    "convert",
    "join",
    "open_audio",
    "open_image",
    "open_video",
    "suffixes",
    "write_image",
]
_HOMES = {
    "open_video": "decode",
    "Encoding": "encode",
    "PartWriter": "encode",
    "join": "encode",
    "suffixes": "encode",
    "open_image": "image",
    "write_image": "image",
    "convert": "resample",
    "open_audio": "sound",
}


def __getattr__(name: str) -> Any:
    """Each name is loaded with its module where it is first used.

    `probe` is not among them: the module of that name would take its place.
    """
    if name in _HOMES:
        return getattr(import_module(f"vidflow.media.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
