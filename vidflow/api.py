"""All that a node pack may import.

::

    from vidflow.api import Frame, Number, Video, node
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidflow.errors import Cancelled, MediaError, ModelError, NodeError
from vidflow.nodespec.declare import node
from vidflow.nodespec.hints import Choice, Colour, File, Folder, Number, OutputFile, Rate, Seed, Text, Weights, Words
from vidflow.nodespec.rules import Given, Trouble
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
    from vidflow import media, models

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
    "Given",
    "Image",
    "Latents",
    "MediaError",
    "Model",
    "ModelError",
    "NodeError",
    "Number",
    "OutputFile",
    "Prompt",
    "Rate",
    "Report",
    "Run",
    "Seed",
    "Text",
    "Trouble",
    "Video",
    "VideoInfo",
    "Weights",
    "Words",
    "media",
    "models",
    "node",
]


def __getattr__(name: str) -> object:
    """`media`, which imports PyAV, and `models` are loaded where they are first used."""
    if name in ("media", "models"):
        import importlib

        return importlib.import_module(f"vidflow.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
