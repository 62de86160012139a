"""Files in: video, image, sound."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from vidflow.api import Audio, File, Folder, Given, Image, Rate, Run, Trouble, Video, media, node


@node(title="Load video", category="Input", version=2)
def load_video(*, path: Annotated[str, File("video")], deinterlace: bool = False, run: Run) -> Video:
    """Open a video with its sound. Nothing is decoded until it is read.

    Eight-bit video stays eight-bit, deeper video becomes float; high dynamic range is tone mapped to sRGB; a variable
    rate is conformed to the nearest constant one. `deinterlace` makes whole frames of interlaced ones. The node's
    notes say where one of these applies, and what is damaged.
    """
    return media.open_video(Path(path), deinterlace=deinterlace, note=run.note)


def _image_rule(given: Given) -> Iterator[Trouble]:
    path = given.values.get("path")
    try:
        wrong = path is not None and not media.is_picture(Path(path))
    except OSError:
        return
    if wrong:
        yield Trouble(f"{path}: this is no picture that can be read.", "path", "Give for example a PNG, JPEG or WebP.")


@node(title="Load image", category="Input", version=2, rule=_image_rule)
def load_image(*, path: Annotated[str, File("image")], run: Run) -> Image:
    """Open a still image, turned upright as its file says. It fits wherever a video does.

    Pictures of over eight bits become float. Transparency is dropped: the colours are as they are stored.
    """
    return media.open_image(Path(path), run.note)


@node(title="Load audio", category="Input")
def load_audio(*, path: Annotated[str, File("audio")], run: Run) -> Audio:
    """Open the sound of a file: music, speech, or the sound of a video."""
    return media.open_audio(Path(path), run.note)


@node(title="Image sequence", category="Input")
def image_sequence(*, path: Annotated[str, Folder("image")], rate: Annotated[str, Rate()] = "24", run: Run) -> Video:
    """Play the pictures of a folder, or of a pattern such as `shots/*.png`, one after the other.

    They come in the natural order of their names (2 before 10), in the size of the first; one of another size is
    fitted inside with black bars. Other files of a folder are left out.
    """
    return media.open_sequence(Path(path), Fraction(rate), run.note)
