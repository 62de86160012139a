"""The course of time: trim, reverse."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal

from vidflow.api import Audio, NodeError, Number, Video, node


@node(title="Trim", category="Time")
def trim(
    video: Video,
    *,
    start: Annotated[float, Number(0)] = 0.0,
    end: Annotated[float | None, Number(0)] = None,
    unit: Literal["seconds", "frames"] = "seconds",
) -> Video:
    """Keep what plays from `start` up to `end` (exclusive; empty is the video's own end), picture and sound alike."""
    info = video.info
    scale = info.rate if unit == "seconds" else Fraction(1)
    first = round(Fraction(start) * scale)
    last = info.frames if end is None else min(info.frames, round(Fraction(end) * scale))
    if first >= last:
        raise NodeError(
            f"nothing is left: start is {start:g} {unit} and end is {'empty' if end is None else f'{end:g}'}, but the "
            f"video has {info.frames} frames ({float(info.duration):.3f} seconds); choose a smaller start or later end."
        )
    if (first, last) == (0, info.frames):
        return video
    sound = video.audio and between(video.audio, first / info.rate, last / info.rate)
    return video.resample(None, lambda k: (first + k,), replace(info, frames=last - first), sound)


@node(title="Reverse", category="Time")
def reverse(video: Video) -> Video:
    """Play the video backwards, its sound too."""
    last = video.info.frames - 1
    sound = video.audio and between(video.audio, Fraction(0), video.info.duration).reversed()
    return video.resample(None, lambda k: (last - k,), video.info, sound)


def between(sound: Audio, start: Fraction, stop: Fraction) -> Audio:
    """The sound from `start` to `stop` in seconds, each to the nearest sample; silence where there is none."""
    return sound.slice(round(start * sound.info.rate), round(stop * sound.info.rate))
