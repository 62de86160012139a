"""The course of time: trim, reverse, change_rate, retime, pick_frame.

Picture and sound stay together because each node counts in its own frames: it cuts the sound at the sample nearest to a
frame boundary, computed from the start of the video in one exact division. A node thus moves its sound by half a sample
at most (0.01 ms at 48 kHz), wherever in the video, and ends it with the picture, so that nothing adds up along a film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from vidflow.api import Audio, Image, NodeError, Number, Rate, Video, media, node

from .stretch import stretched


@node(title="Trim", category="Time", version=2)
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
    first = round(exact(start) * scale)
    last = info.frames if end is None else min(info.frames, round(exact(end) * scale))
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


@node(title="Change rate", category="Time")
def change_rate(video: Video, *, rate: Annotated[str, Rate()] = "24") -> Video:
    """Show the same at another number of frames per second: frames are shown again or left out, the duration stays."""
    return at_rate(video, Fraction(rate))


@node(title="Retime", category="Time")
def retime(
    video: Video,
    *,
    speed: Annotated[float, Number(0.01, 100, step=0.05)] = 1.0,
    sound: Literal["stretch", "pitch", "drop"] = "stretch",
) -> Video:
    """Play the video `speed` times as fast, at the same rate.

    `stretch` keeps the pitch of the sound, `pitch` lets it rise and fall as on a tape, `drop` leaves it out.
    """
    if sound == "drop":
        video = video.with_audio(None)
    factor = exact(speed)
    if factor == 1:
        return video
    info = video.info
    heard = video.audio and between(video.audio, Fraction(0), info.duration)
    if heard:
        heard = stretched(heard, factor) if sound == "stretch" else as_on_tape(heard, factor)
    changed = replace(info, frames=ceil(info.frames / factor))
    return video.resample(None, shown_at(factor, info.frames), changed, heard)


@node(title="Pick frame", category="Time")
def pick_frame(video: Video, *, index: int = 0) -> Image:
    """Take frame `index` as an image; the first is 0, the last is -1."""
    info = video.info
    if not -info.frames <= index < info.frames:
        raise NodeError(
            f"there is no frame {index}: the video has {info.frames} frames; choose 0 to {info.frames - 1}, or count "
            f"from the end with -1 to {-info.frames}."
        )
    place = index % info.frames
    return Image.of(video.resample(None, lambda k: (place,), replace(info, frames=1, rate=Fraction(1))))


def at_rate(video: Video, rate: Fraction) -> Video:
    """The video at `rate`, in ceil(duration x rate) frames: frame k shows what is on screen at k / rate."""
    info = video.info
    if rate == info.rate:
        return video
    changed = replace(info, rate=rate, frames=ceil(info.duration * rate))
    sound = video.audio
    # The picture may get longer, by a part of a frame each time: many such nodes would leave the sound behind.
    if sound and sound.info.duration + 1 / rate <= changed.duration:
        sound = between(sound, Fraction(0), changed.duration)
    return video.resample(None, shown_at(info.rate / rate, info.frames), changed, sound)


def shown_at(step: Fraction, frames: int) -> Callable[[int], tuple[int]]:
    """Which of `frames` frames is on screen after k times `step` frames; the last one is held."""
    up, down, last = step.numerator, step.denominator, frames - 1
    return lambda k: (min(k * up // down, last),)


def between(sound: Audio, start: Fraction, stop: Fraction) -> Audio:
    """The sound from `start` to `stop` in seconds, each to the nearest sample; silence where there is none."""
    return sound.slice(round(start * sound.info.rate), round(stop * sound.info.rate))


def as_on_tape(sound: Audio, speed: Fraction) -> Audio:
    """The sound `speed` times as fast and as high, round(samples / speed) samples."""
    info = sound.info
    # Played as if it had `speed` times its rate; only the ratio of the two rates counts.
    faster = Audio(replace(info, rate=speed.numerator), sound.pieces)
    heard = media.convert(faster, speed.denominator, info.layout)
    return Audio(replace(heard.info, rate=info.rate), heard.pieces)


def exact(value: float) -> Fraction:
    """The decimal number that a person typed: 0.1 is one tenth."""
    return Fraction(str(value))
