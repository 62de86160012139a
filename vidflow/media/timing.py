"""From the times in a file to a constant rate: which frame of the file each frame of the video shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vidflow.media.index import FrameIndex

STANDARD_RATES = (
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
    *(Fraction(rate) for rate in (10, 12, 15, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 240)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Conformed:
    """A constant `rate`, the number of frames at it, and which frame of the file each one shows (None: the same)."""

    rate: Fraction
    frames: int
    shows: NDArray[np.int64] | None

    def source(self, frame: int) -> int:
        """The frame of the file that `frame` shows."""
        return frame if self.shows is None else int(self.shows[frame])


def conform(index: FrameIndex, said: Fraction | None) -> Conformed:
    """The video at a constant rate. `said` is the rate that the container claims.

    Frames at a constant rate (within the container's clock) stay as they are, each once. Otherwise the rate is the
    average one, snapped to the nearest standard one within 0.1 %, and frame k is what is on screen at k / rate.
    """
    count = len(index)
    span = (index.end - int(index.times[0])) * index.time_base
    if count == 1 or span <= 0:
        return Conformed(said or (1 / span if span > 0 else Fraction(25)), count, None)
    mean = (count - 1) / ((int(index.times[-1]) - int(index.times[0])) * index.time_base)
    for rate in dict.fromkeys((snapped(mean), said, mean.limit_denominator(1001))):
        if rate and _is_constant(index, rate):
            return Conformed(rate, count, None)
    rate = snapped(count / span)
    frames = max(1, -((-span * rate) // 1))
    start, ticks = int(index.times[0]), 1 / (rate * index.time_base)
    moments = [start + (k * ticks.numerator) // ticks.denominator for k in range(frames)]
    return Conformed(rate, frames, np.searchsorted(index.times, moments, "right") - 1)


def snapped(rate: Fraction) -> Fraction:
    """The nearest standard rate where one is within 0.1 %, else `rate` itself in terms of at most 1001."""
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard - rate))
    return nearest if abs(nearest - rate) <= rate / 1000 else rate.limit_denominator(1001)


def _is_constant(index: FrameIndex, rate: Fraction) -> bool:
    # A coarse clock (Matroska's millisecond) rounds each time to the nearest tick, or cuts it off.
    ticks = float(1 / (rate * index.time_base))
    ideal = np.arange(len(index)) * ticks
    off = (index.times - index.times[0]) - ideal
    return bool(np.ptp(off) <= 1.01) or bool(np.ptp(off) <= ticks / 1000)
