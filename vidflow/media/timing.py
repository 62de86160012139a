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
    variable: bool = False
    """Whether the frames of the file are not at a constant rate."""
    missing: int = 0
    """How many frames are missing from their places."""

    def source(self, frame: int) -> int:
        """The frame of the file that `frame` shows."""
        return frame if self.shows is None else int(self.shows[frame])


def conform(index: FrameIndex, said: Fraction | None) -> Conformed:
    """The video at a constant rate. `said` is the rate that the container claims.

    Frames at a constant rate (within the container's clock) stay as they are, each once; where the file repeats a
    frame, or up to one in twenty is missing from its place, the one before is shown again. Otherwise the rate is the
    average one, snapped to the nearest standard one within 0.1 %, and frame k is what is on screen at k / rate.
    """
    times = np.union1d(index.times, index.repeats)
    count, start = len(times), int(times[0])
    span = (index.end - start) * index.time_base
    if count == 1 or span <= 0:
        return Conformed(said or (1 / span if span > 0 else Fraction(25)), count, None)
    mean = (count - 1) / ((int(times[-1]) - start) * index.time_base)
    usual = 1 / (Fraction(float(np.median(np.diff(times)))) * index.time_base)
    # What is said comes first: over few frames a coarse clock agrees with many a rate.
    claimed = (snapped(said), said) if said else ()
    fitting: list[tuple[int, Fraction, NDArray[np.int64]]] = []
    for rate in dict.fromkeys((*claimed, _nearest(mean), snapped(mean), _nearest(usual))):
        places = _places(times, rate * index.time_base) if rate > 0 else None
        if places is not None:
            fitting.append((int(places[-1]) + 1 - count, rate, places))
    missing, rate, places = min(fitting, key=lambda one: one[0], default=(count, mean, times))
    if missing * 20 <= count:
        moments = places[np.isin(times, index.times)]
        shows = np.searchsorted(moments, np.arange(count + missing), "right") - 1
        return Conformed(rate, count + missing, shows if len(shows) > len(index) else None, missing=missing)
    rate = snapped(count / span)
    if rate == 0:
        # Less than a frame in a thousand seconds: the times of a damaged file.
        return Conformed(said or Fraction(25), len(index), None)
    frames = max(1, -((-span * rate) // 1))
    ticks = 1 / (rate * index.time_base)
    moments = [start + (k * ticks.numerator) // ticks.denominator for k in range(frames)]
    return Conformed(rate, frames, np.searchsorted(index.times, moments, "right") - 1, variable=True)


def snapped(rate: Fraction) -> Fraction:
    """The nearest standard rate where one is within 0.1 %, else `rate` itself in terms of at most 1001."""
    nearest = _nearest(rate)
    return nearest if abs(nearest - rate) <= rate / 1000 else rate.limit_denominator(1001)


def _nearest(rate: Fraction) -> Fraction:
    return min(STANDARD_RATES, key=lambda standard: abs(standard - rate))


def _places(times: NDArray[np.int64], step: Fraction) -> NDArray[np.int64] | None:
    """Which frame at a constant rate each time is, counted from the first; None where they do not fit that rate."""
    ticks = float(1 / step)
    passed = (times - times[0]).astype(float)
    # One after the other if that will do: AVI leaves a gap of one frame behind the first of a stream with B-frames.
    for places in (np.arange(len(times)), np.rint(passed / ticks).astype(np.int64)):
        # A coarse clock (Matroska's millisecond) rounds each time to the nearest tick, or cuts it off.
        off = np.ptp(passed - places * ticks)
        if (off <= 1.01 or off <= ticks / 1000) and bool((np.diff(places) > 0).all()):
            return places
    return None
