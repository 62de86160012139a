"""All that a node pack may import.

::

    from vidflow.api import Frame, Number, Video, node
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidflow.errors import Cancelled, MediaError, NodeError
from vidflow.nodespec.declare import node
from vidflow.nodespec.hints import Choice, Colour, File, Folder, Number, OutputFile, Rate, Seed, Text
from vidflow.nodespec.run import Run
from vidflow.values import (
    AnyVideo,
    Audio,
    AudioInfo,
    AudioReader,
    Conditioning,
    Frame,
    Frame8,
    Frames,
    Image,
    Latents,
    Model,
    Prompt,
    Report,
    Video,
    VideoInfo,
)

if TYPE_CHECKING:
    from vidflow import media

__all__ = [
    "AnyVideo",
    "Audio",
    "AudioInfo",
    "AudioReader",
    "Cancelled",
    "Choice",
    "Colour",
    "Conditioning",
    "File",
    "Folder",
    "Frame",
    "Frame8",
    "Frames",
    "Image",
    "Latents",
    "MediaError",
    "Model",
    "NodeError",
    "Number",
    "OutputFile",
    "Prompt",
    "Rate",
    "Report",
    "Run",
    "Seed",
    "Text",
    "Video",
    "VideoInfo",
    "media",
    "node",
]


def __getattr__(name: str) -> object:
    """`media`, which imports PyAV, is loaded where it is first used."""
    if name == "media":
        import importlib

        return importlib.import_module("vidflow.media")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
