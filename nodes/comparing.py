"""Two videos in one picture, to see how they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from vidflow.api import Image, Number, Video, node

from .joining import conformed

Mode = Literal["side", "wipe", "difference"]
LINE = 540
"""The line of a wipe is one pixel wide for so many pixels of the picture's shorter side."""


@node(title="Compare", category="Compose")
def compare(
    a: Video,
    b: Video,
    *,
    mode: Mode = "side",
    position: Annotated[float, Number(0, 1, step=0.01), "of the wipe's line, from the left"] = 0.5,
) -> Video:
    """Show two videos in one picture, up to the end of the shorter one, with the sound of `a`.

    `side` puts `b` to the right of `a`, both at full size; `wipe` shows `a` to the left of a white line and `b` to the
    right of it; `difference` shows by how much each value differs, black where they are equal. `b` is brought to the
    size and rate of `a`, its proportions kept inside black bars; an image stands as long as the other video lasts.
    """
    depth = "uint8" if a.info.dtype == b.info.dtype == "uint8" else "float32"
    moving = b if isinstance(a, Image) else a
    target = replace(a.info, dtype=depth, rate=moving.info.rate)
    pair = [held(one, moving) if isinstance(one, Image) else one for one in (a, b)]
    width, height = target.width, target.height
    make = {"side": beside, "wipe": wiped(width, height, position), "difference": differing}[mode]
    shown = width * 2 if mode == "side" else width
    return Video.combined([conformed(one, target) for one in pair], make, width=shown, height=height)


def held(image: Image, moving: Video) -> Video:
    """The image for as long as the other video lasts, at its rate."""
    info = replace(image.info, rate=moving.info.rate, frames=moving.info.frames)
    return image.resample(None, lambda k: (0,), info)


def beside(pair: list[Any]) -> Any:
    """The second frame to the right of the first."""
    import numpy as np

    return np.concatenate(pair, axis=1)


def wiped(width: int, height: int, position: float) -> Callable[[list[Any]], Any]:
    """A function that shows the first frame up to `position` (0..1 of the width) and the second behind it.

    Over the joint, where both are seen, lies a white line.
    """
    edge = round(width * position)
    thick = max(1, round(min(width, height) / LINE))
    line = slice(max(0, edge - thick // 2), edge - thick // 2 + thick) if 0 < edge < width else slice(0)

    def make(pair: list[Any]) -> Any:
        out = pair[1].copy()
        out[:, :edge] = pair[0][:, :edge]
        out[:, line] = 255 if out.dtype == "uint8" else 1
        return out

    return make


def differing(pair: list[Any]) -> Any:
    """By how much each value differs."""
    import cv2

    return cv2.absdiff(*pair)
