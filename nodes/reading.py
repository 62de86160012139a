"""Files in: video, image, sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from vidflow.api import Audio, File, Image, Video, media, node


@node(title="Load video", category="Input")
def load_video(*, path: Annotated[str, File("video")]) -> Video:
    """Open a video with its sound. Nothing is decoded until it is read.

    Eight-bit video stays eight-bit, deeper video becomes float; a variable rate is conformed to the nearest constant
    one.
    """
    return media.open_video(Path(path))


@node(title="Load image", category="Input")
def load_image(*, path: Annotated[str, File("image")]) -> Image:
    """Open a still image, turned upright as its file says. It fits wherever a video does."""
    return media.open_image(Path(path))


@node(title="Load audio", category="Input")
def load_audio(*, path: Annotated[str, File("audio")]) -> Audio:
    """Open the sound of a file: music, speech, or the sound of a video."""
    return media.open_audio(Path(path))
