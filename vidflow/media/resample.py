"""Sound at another sample rate or layout, the same samples for every range that is asked for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vidflow.media.layout import channels, mixing
from vidflow.values import Audio, AudioInfo

_CROSSINGS = 32
"""Zero crossings of the sinc on either side."""
_BETA = 11.0
"""Kaiser window: side lobes about 110 dB down."""
_PASS = 0.95
"""The cutoff as a share of the lower of the two Nyquist frequencies."""
_LONGEST_PERIOD = 1024


def convert(audio: Audio, rate: int, layout: str) -> Audio:
    """`audio` at `rate` samples per second and in `layout`, lazily; round(samples * rate / old rate) samples.

    Rate: band-limited interpolation with a Kaiser-windowed sinc (J. O. Smith, "Digital Audio Resampling Home Page",
    2002), computed as a polyphase filter. Layout: see `mixing`. Raises ValueError for a rate below 1 or an unknown
    layout.
    """
    info = audio.info
    if rate < 1:
        raise ValueError(f"{rate} is no sample rate.")
    if (rate, layout) == (info.rate, info.layout):
        return audio
    samples = round(Fraction(info.samples * rate, info.rate))
    resampling = _Resampling(Fraction(rate, info.rate)) if rate != info.rate else None
    matrix = mixing(info.layout, layout) if layout != info.layout else None
    new = AudioInfo(rate, len(channels(layout)) if matrix is not None else info.channels, samples, layout)
    return Audio.from_source(new, lambda: _Converter(audio, resampling, matrix))


class _Converter:
    """A cursor into converted sound. Computes in blocks of a fixed place and length, and keeps the last two."""

    def __init__(self, audio: Audio, resampling: _Resampling | None, matrix: NDArray[np.float32] | None) -> None:
        self._audio, self._resampling, self._matrix = audio, resampling, matrix
        self._source = audio.open()
        self._blocks: OrderedDict[int, NDArray[np.float32]] = OrderedDict()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, float32 `[n, channels]`."""
        found = self._source.read(start, stop) if self._resampling is None else self._resampled(start, stop)
        return found if self._matrix is None else _mixed(found, self._matrix)

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

    def _resampled(self, start: int, stop: int) -> NDArray[np.float32]:
        assert self._resampling is not None
        length = self._resampling.block
        out = np.empty((stop - start, self._audio.info.channels), np.float32)
        for number in range(start // length, -(-stop // length)):
            a, b = max(start, number * length), min(stop, (number + 1) * length)
            out[a - start : b - start] = self._block(number)[a - number * length : b - number * length]
        return out

    def _block(self, number: int) -> NDArray[np.float32]:
        assert self._resampling is not None
        if number not in self._blocks:
            low, high = self._resampling.needs(number)
            total = self._audio.info.samples
            padded = np.zeros((high - low, self._audio.info.channels), np.float32)
            a, b = min(max(low, 0), total), min(max(high, 0), total)
            padded[a - low : b - low] = self._source.read(a, b)
            self._blocks[number] = self._resampling.make(number, padded)
            while len(self._blocks) > 2:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]


def _mixed(samples: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    # Column by column and not as one product, whose rounding would depend on how many samples were asked for.
    out = np.zeros((len(samples), matrix.shape[1]), np.float32)
    for source, target in zip(*np.nonzero(matrix), strict=True):
        out[:, target] += samples[:, source] * matrix[source, target]
    return out


@dataclass(eq=False)
class _Resampling:
    """Sample n of the result lies at n / ratio in the source.

    Outputs are made in runs. A run is a product with one matrix, which holds the filter at each output's phase;
    phases repeat after `ratio.numerator` outputs, so one matrix serves all runs where that is short.
    """

    ratio: Fraction

    @cached_property
    def _run(self) -> int:
        period = self.ratio.numerator
        return period * max(1, 128 // period) if period <= _LONGEST_PERIOD else 256

    @cached_property
    def block(self) -> int:
        """Samples in one block."""
        return self._run * max(1, 16384 // self._run)

    @cached_property
    def _cutoff(self) -> float:
        """As a share of the source's Nyquist frequency."""
        return _PASS * min(1.0, float(self.ratio))

    @cached_property
    def _reach(self) -> int:
        """Source samples that the filter looks at on either side."""
        return int(np.ceil(_CROSSINGS / self._cutoff)) + 1

    def needs(self, number: int) -> tuple[int, int]:
        """The source samples that block `number` is made from."""
        first, last = number * self.block, (number + 1) * self.block - 1
        return self._floor(first) - self._reach, self._floor(last) + self._reach + 1

    def make(self, number: int, padded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Block `number` from the samples that it needs, float32 `[block, channels]`."""
        low = self.needs(number)[0]
        out = np.empty((self.block, padded.shape[1]), np.float32)
        for at in range(0, self.block, self._run):
            first = number * self.block + at
            start = self._floor(first) - self._reach - low
            matrix = self._shared if self._run % self.ratio.numerator == 0 else self._matrix(first)
            window = padded[start : start + matrix.shape[1]]
            out[at : at + self._run] = matrix[:, : len(window)] @ window
        return out

    def _floor(self, sample: int) -> int:
        return sample * self.ratio.denominator // self.ratio.numerator

    @cached_property
    def _shared(self) -> NDArray[np.float32]:
        return self._matrix(0)

    def _matrix(self, first: int) -> NDArray[np.float32]:
        """`[run, source samples]` for the run that starts at output `first`: h(t) = c sinc(c t) kaiser(c t / Z)."""
        up, down = self.ratio.numerator, self.ratio.denominator
        base = self._floor(first)
        places = [((first + k) * down // up - base, (first + k) * down % up / up) for k in range(self._run)]
        whole = np.array([place for place, _ in places])
        part = np.array([place for _, place in places])
        taps = np.arange(-self._reach, self._reach + 1)
        scaled = (taps[None] - part[:, None]) * self._cutoff
        inside = np.clip(1 - (scaled / _CROSSINGS) ** 2, 0, None)
        window = np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA) * (np.abs(scaled) < _CROSSINGS)
        kernel = self._cutoff * np.sinc(scaled) * window
        # Each phase passes a constant unchanged.
        kernel /= kernel.sum(axis=1, keepdims=True)
        matrix = np.zeros((self._run, int(whole[-1]) + 2 * self._reach + 1))
        matrix[np.arange(self._run)[:, None], whole[:, None] + np.arange(2 * self._reach + 1)] = kernel
        return matrix.astype(np.float32)
