"""Sound faster or slower at its own pitch, the same samples for whatever range is read.

WSOLA (Verhelst and Roelands, "An overlap-add technique based on waveform similarity", 1993): the result is a row of
points, one every `HOP`. From each to the next it fades from the source as it goes on after the one to the source as it
leads up to the other. Where a point lies in the source follows from the speed, give or take `SEARCH`: at the place that
is most like what the source would have gone on with.

Three things differ from the paper. Some points are anchors, fixed exactly where they belong: onsets, so that a click
keeps its instant and is heard once, and one about every eight seconds. Between two anchors the search runs by itself,
so any of these blocks can be made alone. And as the search ends elsewhere than at the next anchor, the points between
are shifted a little each until it does, which keeps a tone free of jumps.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from vidflow.api import Audio, AudioReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOP = Fraction(20, 1000)
"""Seconds from one point to the next; longer than a period of the deepest tones."""
SEARCH = Fraction(10, 1000)
"""Seconds that a point may lie off."""
BLOCK = 8
"""Seconds between anchors where there is no onset."""
LEAD = Fraction(1, 1000)
"""Seconds that an anchor lies before its onset."""
GRAIN = Fraction(1, 750)
"""Seconds over which the loudness is taken that onsets are found by."""
GRAINS = 500
"""So many are looked at in one go: in float64, the whole stretch would take several times its room."""
BEFORE = 18
"""Grains that one is compared with."""
RISE = 8.0
"""How many times as strong as those an onset is."""
FLOOR = 1e-7
"""Mean square below which nothing is heard."""
FAR = 0.01
"""What a place `SEARCH` off its own loses in likeness, where 1 is the same and 0 has nothing in common."""


def stretched(sound: Audio, speed: Fraction) -> Audio:
    """`sound` played `speed` times as fast at the same pitch, lazily: round(samples / speed) samples.

    All channels move together. A read costs at most the block that it lies in, whatever was read before.
    """
    info = replace(sound.info, samples=round(sound.info.samples / speed))
    return Audio.from_source(info, lambda: _Stretcher(sound, speed, info.samples))


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Sample `target` of the result is sample `source` of the sound."""

    target: int
    source: int


class _Stretcher:
    """A cursor into stretched sound. Makes blocks from one anchor to the next, and keeps the last two."""

    def __init__(self, sound: Audio, speed: Fraction, samples: int) -> None:
        self._source: AudioReader = sound.open()
        self._info = sound.info
        self._speed = speed
        self._samples = samples
        rate = sound.info.rate
        self._hop = max(2, round(HOP * rate))
        self._search = round(SEARCH * rate)
        self._lead = round(LEAD * rate)
        self._grain = max(1, round(GRAIN * rate))
        # No block needs more than 25 seconds of the source.
        self._length = max(10 * self._hop, round(BLOCK * rate / max(Fraction(1), speed)))
        self._apart = round(self._hop * (speed if speed > 1 else Fraction(5, 2)))
        """How far in the source anchors lie from each other: slowed down, the hop after one and that before the next
        must not hold both onsets; sped up, a hop of the result lies between them."""
        self._found: dict[int, tuple[_Anchor, ...]] = {}
        self._blocks: OrderedDict[int, NDArray[np.float32]] = OrderedDict()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, float32 `[n, channels]`."""
        import numpy as np

        out = np.empty((stop - start, self._info.channels), np.float32)
        number = max(0, start // self._length - 1)
        while start < stop:
            low, high = self._bounds(number)[0].target, self._bounds(number + 1)[-1].target
            if start < high:
                end = min(stop, high)
                out[len(out) - (stop - start) : len(out) - (stop - end)] = self._block(number)[start - low : end - low]
                start = end
            number += 1
        return out

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

    def _bounds(self, number: int) -> tuple[_Anchor, ...]:
        """The anchor that block `number` begins with and the one before ends with, at the strongest onset nearby.

        The start and the end of the sound are where they are, so there the onset is an anchor beside.
        """
        found = self._found.get(number)
        if found is None:
            target, total = number * self._length, self._info.samples
            source = round(target * self._speed)
            end = number > 0 and target + self._length // 2 >= self._samples
            if end:
                target, source = self._samples, total
            reach = min(self._apart, round(self._length * self._speed) // 4)
            onsets = self._onsets(max(0, source - reach), min(source + reach, total - 1))
            found = (_Anchor(target, source),)
            if onsets:
                near = self._anchor(max(onsets)[1])
                # Between the onset and the edge the sound is as it was: with a little silence, or without a little.
                edge = _Anchor(target, near.source + target - near.target)
                if number and not end:
                    found = (near,)
                elif near.target <= 0:
                    found = (edge,)
                else:
                    found = (near, edge) if end else (edge, near)
            self._found[number] = found
        return found

    def _anchor(self, onset: int) -> _Anchor:
        return _Anchor(round(onset / self._speed) - self._lead, onset - self._lead)

    def _block(self, number: int) -> NDArray[np.float32]:
        if number not in self._blocks:
            first, last = self._bounds(number), self._bounds(number + 1)
            self._blocks[number] = self._made([*first, *self._between(first[-1], last[0]), *last])
            while len(self._blocks) > 2:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _padded(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop` of the source, silence outside of it."""
        import numpy as np

        low, high = (min(max(place, 0), self._info.samples) for place in (start, stop))
        out = np.zeros((stop - start, self._info.channels), np.float32)
        out[low - start : high - start] = self._source.read(low, high)
        return out

    # Onsets

    def _between(self, first: _Anchor, last: _Anchor) -> list[_Anchor]:
        """Anchors at the onsets between two others, the strongest first, each with room on both sides."""
        low, high = first.source + self._apart, last.source - self._apart
        taken: list[int] = []
        for _, onset in sorted(self._onsets(low, high), reverse=True):
            if all(abs(onset - other) >= self._apart for other in taken):
                taken.append(onset)
        return [self._anchor(onset) for onset in sorted(taken)]

    def _onsets(self, start: int, stop: int) -> list[tuple[float, int]]:
        """Where in the source a sound sets in from `start` to `stop`, and how strongly: its mean square."""
        import numpy as np

        start = max(start, self._lead)
        first, last = start // self._grain, -(-stop // self._grain)
        if first >= last:
            return []
        samples = self._padded((first - BEFORE - 1) * self._grain - 1, last * self._grain)
        power = np.empty(len(samples) // self._grain)
        for at in range(0, len(power), GRAINS):
            part = samples[at * self._grain : (at + GRAINS) * self._grain + 1].astype(np.float64)
            # Differences: an onset is bright, and a deep tone that goes on would hide it.
            power[at : at + GRAINS] = np.square(np.diff(part, axis=0)).sum(axis=1).reshape(-1, self._grain).mean(axis=1)
        total = np.concatenate([[0.0], np.cumsum(power)])
        before = np.maximum(0, total[BEFORE:-1] - total[: -BEFORE - 1]) / BEFORE
        risen = power[BEFORE:] > RISE * before + FLOOR
        # Number n of `risen` is grain first - 1 + n.
        found: list[tuple[float, int]] = []
        for place in np.flatnonzero(risen[1:] & ~risen[:-1]):
            grain = int(place) + 1 + BEFORE
            low = grain * self._grain
            jumps = np.abs(np.diff(samples[low : low + self._grain + 1].astype(np.float64), axis=0)).max(axis=1)
            at = int(np.argmax(jumps > 0.3 * jumps.max()))
            onset = (first + int(place)) * self._grain + at
            if start <= onset < stop:
                found.append((float(power[grain]), onset))
        return found

    # The points between

    def _made(self, anchors: list[_Anchor]) -> NDArray[np.float32]:
        """The result from the first anchor to the last."""
        import numpy as np

        margin = 2 * self._hop + self._search
        origin = anchors[0].source - margin
        source = self._padded(origin, anchors[-1].source + margin)
        out = np.empty((anchors[-1].target - anchors[0].target, self._info.channels), np.float32)
        at = 0
        for one, next in pairwise(anchors):
            hops = max(1, round((next.target - one.target) / self._hop))
            targets = [one.target + k * (next.target - one.target) // hops for k in range(hops + 1)]
            sources = self._points(source, targets, one.source - origin, next.source - origin)
            for k in range(hops):
                length = targets[k + 1] - targets[k]
                t = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / np.float32(max(1, length))
                share = (np.float32(0.5) - np.float32(0.5) * np.cos(t * np.float32(np.pi)))[:, None]
                leaves = source[sources[k] : sources[k] + length]
                comes = source[sources[k + 1] - length : sources[k + 1]]
                out[at : at + length] = leaves + (comes - leaves) * share
                at += length
        return out

    def _points(self, source: NDArray[np.float32], targets: list[int], first: int, last: int) -> list[int]:
        """Where in `source` each point of the result lies; the first and the last are given."""
        hops = len(targets) - 1
        if hops == 1:
            return [first, last]
        # One hop at either end is the source as it is, so that what lies there is heard once.
        begin, end = first + targets[1] - targets[0], last - (targets[-1] - targets[-2])
        if begin > end:
            begin = end = (first + last) // 2
        places, at = [float(first)], first
        for k in range(1, hops):
            wanted = begin + (end - begin) * (k - 1) // max(1, hops - 2)
            length = targets[k] - targets[k - 1]
            # What one point loses by lying on a whole sample the next makes good, or a tone would change its pitch.
            left = places[-1] - at
            places.append(left + self._alike(source, at + length, length, wanted, begin, end))
            at = round(places[-1])
        on, length = at + targets[-1] - targets[-2], targets[-1] - targets[-2]
        off = self._alike(source, last, length, on, on - self._search, on + self._search) - on - (places[-1] - at)
        shifted = [round(place + off * k / hops) for k, place in enumerate(places)]
        return [first, *(min(max(place, begin), end) for place in shifted[1:]), last]

    def _alike(self, source: NDArray[np.float32], on: int, length: int, wanted: int, least: int, most: int) -> float:
        """The place near `wanted`, from `least` to `most`, before which the source is most like that before `on`.

        A part of a sample is told by the parabola through the likeness at a peak and beside it.
        """
        import numpy as np

        low, high = max(least, wanted - self._search), min(most, wanted + self._search)
        if low >= high:
            return min(max(wanted, least), most)
        model = source[on - length : on].astype(np.float64)
        field = source[low - length : high].astype(np.float64)
        size = 1 << (len(field) + length).bit_length()
        spectrum = np.fft.rfft(field, size, axis=0) * np.conj(np.fft.rfft(model, size, axis=0))
        products = np.fft.irfft(spectrum.sum(axis=1), size)[: high - low + 1]
        sums = np.concatenate([[0.0], np.cumsum(np.square(field).sum(axis=1))])
        norms = np.sqrt(np.maximum(sums[length:] - sums[:-length], 0.0) * np.square(model).sum())
        likeness = products / (norms + length * FLOOR)
        off = (np.arange(low, high + 1) - wanted) / self._search
        before, here, after = likeness[:-2], likeness[1:-1], likeness[2:]
        bend = np.maximum(2 * here - before - after, 1e-12)
        peak = (here > before) & (here > after)
        beside = np.where(peak, (after - before) / (2 * bend), 0.0)
        likeness[1:-1] = np.where(peak, np.minimum(1.0, here + np.square(after - before) / (8 * bend)), here)
        best = int(np.argmax(likeness - FAR * off * off))
        if low + best == on or not 0 < best < len(likeness) - 1:
            return low + best
        return low + best + float(beside[best - 1])
