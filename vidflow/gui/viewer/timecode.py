"""Timecode: hours, minutes, seconds and frames of a rate, without dropped numbers."""

from __future__ import annotations

from fractions import Fraction
from math import ceil


def timecode(index: int, rate: Fraction) -> str:
    """`HH:MM:SS:FF` of a frame; at 29.97 frames a second thirty are counted, so it falls behind the clock slowly."""
    base = max(1, ceil(rate))
    seconds, frames = divmod(index, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}:{frames:02}"


def rate_text(rate: Fraction) -> str:
    """Frames per second as people write it: 25, 29.97."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
