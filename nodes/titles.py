"""Text over the picture."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal

from vidflow.api import AnyVideo, Colour, File, Image, NodeError, Number, Run, Text, VideoInfo, node

from .lettering import Layer, Style, lettered
from .timing import exact

Position = Literal["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"]
PLACES: dict[Position, tuple[float, float]] = {
    "top left": (0, 0),
    "top": (0.5, 0),
    "top right": (1, 0),
    "left": (0, 0.5),
    "centre": (0.5, 0.5),
    "right": (1, 0.5),
    "bottom left": (0, 1),
    "bottom": (0.5, 1),
    "bottom right": (1, 1),
}
Opacity = Annotated[float, Number(0, 1, step=0.05)]
Seconds = Annotated[float, Number(0, step=0.1, unit="s")]


@node(title="Overlay text", category="Compose")
def overlay_text(
    video: AnyVideo,
    *,
    text: Annotated[str, Text(multiline=True, placeholder="Title")] = "",
    position: Position = "bottom",
    size: Annotated[float, Number(0.005, 1, step=0.005), "share of the picture's height"] = 0.06,
    colour: Annotated[str, Colour()] = "#ffffff",
    outline: Annotated[float, Number(0, 0.5, step=0.01), "share of the letters' size"] = 0.06,
    outline_colour: Annotated[str, Colour()] = "#000000",
    box: Annotated[Opacity, "opacity of a box behind the text"] = 0.0,
    box_colour: Annotated[str, Colour()] = "#000000",
    font: Annotated[str | None, File("any"), "a TrueType or OpenType file; the one in the box without it"] = None,
    start: Seconds = 0.0,
    end: Annotated[float | None, Number(0, step=0.1, unit="s"), "the end of the video without it"] = None,
    fade: Seconds = 0.0,
    margin: Annotated[float, Number(0, 0.45, step=0.01), "share of the picture's shorter side"] = 0.05,
    run: Run,
) -> AnyVideo:
    """Lay a text over the picture, from `start` to `end`, fading in and out.

    Lines are broken where they would not fit; a text too long for the picture is made smaller. The font in the box has
    Latin, Greek, Cyrillic and Japanese letters and looks the same on every machine; for others a font of the system is
    used. On an image the text simply stands.
    """
    info = video.info
    if end is not None and end <= start:
        raise NodeError(f"the text ends at {end:g} s and starts at {start:g} s; let it end later.")
    if not text.strip():
        return video
    style = Style(size * info.height, colour, outline, outline_colour, box, box_colour, Path(font) if font else None)
    edge = margin * min(info.width, info.height)
    layer = lettered(text, style, info.width, info.height, PLACES[position], edge)
    for note in _notes(layer, size):
        run.note(note)
    if not layer.opacity.size:
        return video
    laid = _laid(layer, info)
    if isinstance(video, Image):
        return video.map(lambda frame: laid(frame, 1.0))
    opacity, first, last = shown(info, start, end, fade)
    if first >= info.frames:
        run.note(f"The text is never seen: it starts at {start:g} s, and the video ends at {float(info.duration):g} s.")
        return video

    def make(frames: list[Any], k: int) -> Any:
        return laid(frames[0], opacity(k)) if first <= k < last else frames[0]

    titled: Any = video.resample(make, lambda k: (k,), info, video.audio)
    return titled


def shown(info: VideoInfo, start: float, end: float | None, fade: float) -> tuple[Callable[[int], float], int, int]:
    """How opaque the text is in each frame that shows it, and which these are: from the second number on, up to the
    third.

    Frame k shows it where start <= k / rate < end. It comes and goes in straight lines, seen from the middle of each
    frame; where it is not shown for twice `fade`, each takes half of the time.
    """
    first = ceil(exact(start) * info.rate)
    last = info.frames if end is None else ceil(exact(end) * info.rate)
    length = min(exact(fade) * info.rate, Fraction(last - first, 2))

    def opacity(k: int) -> float:
        near = min(k - first, last - 1 - k) + Fraction(1, 2)
        return float(near / length) if near < length else 1.0

    return opacity, first, last


def _notes(layer: Layer, size: float) -> list[str]:
    notes: list[str] = []
    if layer.scale < 1:
        notes.append(f"The text does not fit at size {size:g} and is shown at {size * layer.scale:.2g}.")
    if layer.fonts:
        notes.append(f"The font in use lacks some of the letters; they are drawn with {', '.join(layer.fonts)}.")
    if layer.missing:
        shown = layer.missing if len(layer.missing) <= 20 else f"{layer.missing[:20]}..."
        notes.append(f"No font here has these letters, which are left out: {shown}; name a font that has them.")
    return notes


def _laid(layer: Layer, info: VideoInfo) -> Callable[[Any, float], Any]:
    """A function that lays the layer over a frame, as opaque as it is told (0..1): frame * (1 - opacity) + light."""
    import cv2
    import numpy as np

    height, width = layer.opacity.shape[:2]
    box = slice(layer.top, layer.top + height), slice(layer.left, layer.left + width)
    eight = info.dtype == "uint8"
    depth = cv2.CV_8U if eight else cv2.CV_32F
    opacity, light = layer.opacity, layer.light * np.float32(255 if eight else 1)

    def parts(share: float) -> tuple[Any, Any]:
        return np.repeat(1 - opacity * np.float32(share), 3, axis=2), light * np.float32(share)

    whole = parts(1)

    def laid(frame: Any, share: float) -> Any:
        out = frame.copy()
        kept, added = whole if share == 1 else parts(share)
        out[box] = cv2.add(cv2.multiply(frame[box], kept, dtype=cv2.CV_32F), added, dtype=depth)
        return out

    return laid
