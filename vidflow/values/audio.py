"""`Audio`: lazy sound, addressed by sample, as a flat list of pieces of its sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_OPEN = 4
"""How many sources a cursor keeps open: a film of many clips must not hold all their decoders."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """`rate` in samples per second, `samples` counted per channel, `layout` as FFmpeg names it (`mono`, `5.1`)."""

    rate: int
    channels: int
    samples: int
    layout: str

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return Fraction(self.samples, self.rate)


class AudioReader(Protocol):
    """A cursor into a source of sound. Used by one thread at a time; going on where it stands costs no seek."""

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop` (exclusive), float32 `[stop - start, channels]`."""
        ...

    def close(self) -> None:
        """Let go of files. Called once."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Samples `start` to `stop` of what `open` gives, forwards or backwards; silence where `open` is None."""

    open: Callable[[], AudioReader] | None
    start: int
    stop: int
    backwards: bool = False

    def cut(self, start: int, stop: int) -> Piece:
        """What plays from `start` to `stop` of this piece."""
        if self.backwards:
            return replace(self, start=self.stop - stop, stop=self.stop - start)
        return replace(self, start=self.start + start, stop=self.start + stop)


class Audio:
    """Lazy sound, float32 `[samples, channels]`, nominally in -1..1.

    Cutting, joining and reversing only edit a flat list of pieces, so they cost nothing and never nest.
    """

    __slots__ = ("info", "pieces")

    def __init__(self, info: AudioInfo, pieces: Sequence[Piece]) -> None:
        """`pieces` follow each other; together they have `info.samples` samples."""
        self.info = info
        self.pieces = tuple(piece for piece in pieces if piece.stop > piece.start)

    def __repr__(self) -> str:
        return f"Audio({self.info.rate} Hz, {self.info.layout}, {float(self.info.duration):.3f} s)"

    @classmethod
    def from_source(cls, info: AudioInfo, open: Callable[[], AudioReader]) -> Audio:
        """All of what the cursors made by `open` give."""
        return cls(info, (Piece(open, 0, info.samples),))

    @classmethod
    def from_array(cls, samples: NDArray[Any], rate: int, layout: str | None = None) -> Audio:
        """The float32 samples `[n, channels]` in memory."""
        channels = samples.shape[1]
        name = layout or {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(channels, f"{channels} channels")
        return cls.from_source(AudioInfo(rate, channels, len(samples), name), lambda: _ArrayReader(samples))

    @classmethod
    def silence(cls, like: AudioInfo, samples: int) -> Audio:
        """`samples` of silence with the rate and layout of `like`."""
        return cls(replace(like, samples=samples), (Piece(None, 0, samples),))

    @classmethod
    def joined(cls, sounds: Sequence[Audio]) -> Audio:
        """One after the other. Raises ValueError where rates or layouts differ."""
        first = sounds[0].info
        if any((sound.info.rate, sound.info.layout) != (first.rate, first.layout) for sound in sounds):
            raise ValueError("sounds of different rates or layouts cannot be joined; convert them first")
        total = sum(sound.info.samples for sound in sounds)
        return cls(replace(first, samples=total), [piece for sound in sounds for piece in sound.pieces])

    def slice(self, start: int, stop: int) -> Audio:
        """Samples `start` to `stop`; silence where that reaches past either end."""
        before, after = max(0, min(stop, 0) - start), max(0, stop - max(start, self.info.samples))
        found: list[Piece] = [Piece(None, 0, before)]
        at = 0
        for piece in self.pieces:
            length = piece.stop - piece.start
            low, high = max(start - at, 0), min(stop - at, length)
            if low < high:
                found.append(piece.cut(low, high))
            at += length
        found.append(Piece(None, 0, after))
        return Audio(replace(self.info, samples=stop - start), found)

    def reversed(self) -> Audio:
        """The sound played backwards."""
        return Audio(self.info, [replace(piece, backwards=not piece.backwards) for piece in reversed(self.pieces)])

    def open(self) -> AudioReader:
        """A cursor, which keeps its place in every source; close it after use."""
        return _PiecesReader(self)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Samples `start` to `stop` (the end without it), float32 `[n, channels]`."""
        reader = self.open()
        try:
            return reader.read(start, self.info.samples if stop is None else stop)
        finally:
            reader.close()


class _ArrayReader:
    """A cursor into samples that are in memory."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self._samples = samples

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._samples[start:stop]

    def close(self) -> None:
        pass


class _PiecesReader:
    """A cursor into an `Audio`: it keeps the sources open that it read last."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self._readers: dict[Callable[[], AudioReader], AudioReader] = {}

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        import numpy as np

        info = self._audio.info
        if not 0 <= start <= stop <= info.samples:
            raise IndexError(f"samples {start} to {stop} of a sound of {info.samples}")
        out = np.zeros((stop - start, info.channels), np.float32)
        at = 0
        for piece in self._audio.slice(start, stop).pieces:
            length = piece.stop - piece.start
            if piece.open is not None:
                reader = self._readers.pop(piece.open, None) or piece.open()
                self._readers[piece.open] = reader
                while len(self._readers) > MOST_OPEN:
                    self._readers.pop(next(iter(self._readers))).close()
                block = reader.read(piece.start, piece.stop)
                out[at : at + length] = block[::-1] if piece.backwards else block
            at += length
        return out

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
