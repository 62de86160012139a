"""Pictures and sound in files: PyAV in and out. Importing this loads neither av nor numpy; its modules do."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidflow.media.animation import write_animation
    from vidflow.media.codecs import CODECS, CodecInfo, Encoding, encoding_problem
    from vidflow.media.decode import open_video
    from vidflow.media.encode import PartWriter, unavailable
    from vidflow.media.image import open_image, write_image
    from vidflow.media.joining import join
    from vidflow.media.metadata import read_metadata
    from vidflow.media.sequence import open_sequence
    from vidflow.media.sound import convert, open_audio
    from vidflow.media.still import is_picture

__all__ = [
    "CODECS",
    "CodecInfo",
    "Encoding",
    "PartWriter",
    "convert",
    "encoding_problem",
    "is_picture",
    "join",
    "open_audio",
    "open_image",
    "open_sequence",
    "open_video",
    "read_metadata",
    "unavailable",
    "write_animation",
    "write_image",
]
_HOMES = {
    "open_video": "decode",
    "write_animation": "animation",
    "CODECS": "codecs",
    "CodecInfo": "codecs",
    "Encoding": "codecs",
    "encoding_problem": "codecs",
    "PartWriter": "encode",
    "unavailable": "encode",
    "join": "joining",
    "read_metadata": "metadata",
    "is_picture": "still",
    "open_image": "image",
    "write_image": "image",
    "convert": "resample",
    "open_audio": "sound",
    "open_sequence": "sequence",
}


def __getattr__(name: str) -> Any:
    """Each name is loaded with its module where it is first used.

    `probe` is not among them: the module of that name would take its place.
    """
    if name in _HOMES:
        return getattr(import_module(f"vidflow.media.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
