"""The sound in a file as a lazy `Audio`: any range, the same bits whatever was read before."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import open_input, reporting
from vidflow.media.index import PacketTable, read_packets
from vidflow.media.probe import describe_sound, picture_stream, sound_stream
from vidflow.media.remarks import Remarks
from vidflow.media.resample import convert
from vidflow.media.soundreader import FRESH, SoundReader
from vidflow.values import Audio, AudioInfo

__all__ = ["convert", "open_audio", "sound_of"]

_PREROLL_SECONDS = 2
"""Decoded before a block, so that a decoder of speech that carries state has forgotten how it began."""
_PREROLL_PACKETS = {"aac": 12, "ac3": 12, "eac3": 12, "mp3": 12, "vorbis": 12, "flac": 1, "alac": 1}
"""Codecs that are known to need less: the bit reservoir of MP3, and overlaps."""
_GAP = Fraction(1, 20)
"""Seconds between two packets that are a gap, and not a clock that is coarse."""
_LOST = Fraction(1, 4)
"""Seconds that a file announces and does not hold: a person would hear that so much is missing."""
_MOST_SILENCE = 100
"""How many times longer than its sound a file may be; otherwise its clock is damaged."""
_PCM = re.compile(r"pcm_([suf]\d+(le|be)?(_planar)?|alaw|mulaw)")


def open_audio(path: Path, note: Callable[[str], None] | None = None) -> Audio:
    """The sound in the file at `path`. Sample 0 is its first, or in a file with pictures sounds with the first of them.

    `note` is told of what is missing, and, when it is met, of what is damaged: that is silent. Raises MediaError where
    there is no sound to be had.
    """
    said = Remarks(note)
    with open_input(path) as found, reporting(path):
        stream, pictures = sound_stream(found), picture_stream(found)
        if stream is None:
            raise MediaError(path, "this file holds no sound.")
        origin = None
        if pictures is not None and pictures.start_time is not None and pictures.time_base is not None:
            origin = pictures.start_time * pictures.time_base
        table = read_packets(found, [stream])[0]
        if len(table) == 0:
            raise MediaError(path, "this file holds no sound.")
        audio = sound_of(path, stream, table, origin, said)
        announced = stream.duration * table.time_base if stream.duration else Fraction(0)
        if table.broken:
            said.say("broken", "This file is damaged; a part of its sound is missing.")
        elif announced - audio.info.duration > max(_LOST, announced / 50):
            said.say(
                "broken",
                f"This file breaks off: of the {float(announced):.1f} seconds of sound that it announces, "
                f"{float(audio.info.duration):.1f} can be read.",
            )
        return audio


def sound_of(
    path: Path, stream: AudioStream, table: PacketTable, origin: Fraction | None, said: Remarks | None = None
) -> Audio:
    """The sound of `stream`, whose packets are in `table`; sample 0 is at `origin` seconds (its own start without).

    `said` hears of damage when it is met.
    """
    about = describe_sound(stream)
    if not about.rate or not about.channels:
        raise MediaError(path, "its sound says neither its rate nor its channels.")
    pcm = _PCM.fullmatch(stream.codec_context.name) is not None
    table, told_apart = _timed(table)
    # These reckon with samples of one size, and land elsewhere than they say.
    told_apart = told_apart and (pcm or stream.container.format.name not in ("wav", "w64", "aiff", "au"))
    lengths = _packet_samples(stream, table, pcm)
    file = SoundFile(
        path, table, about.codec, about.rate, about.channels, lengths, pcm, told_apart, origin, said or Remarks(None)
    )
    _say_gap(file)
    info = AudioInfo(about.rate, about.channels, max(0, file.stop), about.layout)
    return Audio.from_source(info, file.open)


def _say_gap(file: SoundFile) -> None:
    """Say where the longest gap between two packets is, if there is one."""
    table = file.table
    if len(table) < 2:
        return
    steps = np.diff(table.pts)
    # Around damage a container may not know how long a packet is.
    gaps = steps - np.where(table.duration[:-1] > 0, table.duration[:-1], int(np.median(steps)))
    place = int(gaps.argmax())
    seconds = int(gaps[place]) * table.time_base
    if seconds > _GAP:
        at = (int(table.pts[place + 1]) - table.start) * table.time_base - seconds
        text = f"The sound of this file is missing for {float(seconds):.2g} s at {float(at):.4g} s; it is silent there."
        file.said.say("gap", text)


def _timed(table: PacketTable) -> tuple[PacketTable, bool]:
    """The table with a time for every packet, none before the last, and whether the times tell packets apart."""
    pts, step = table.pts, np.maximum(table.duration, 1)
    known = pts != PacketTable.UNKNOWN
    longest = _MOST_SILENCE * int(step.sum())
    if known.all() and (np.diff(pts) >= 0).all() and int(pts[-1]) - int(pts[0]) <= longest:
        return table, bool((np.diff(pts) > 0).all())
    # Damage, or a container that says none: where the time is no good, it is that of the packet before and its length.
    found = np.empty_like(pts)
    found[0] = at = int(pts[0]) if known[0] else 0
    for number in range(1, len(pts)):
        said = int(pts[number])
        good = known[number] and at <= said <= at + longest
        found[number] = at = said if good else at + int(step[number - 1])
    return replace(table, pts=found, start=table.start if table.head_skip else int(found[0])), False


def _packet_samples(stream: AudioStream, table: PacketTable, pcm: bool) -> NDArray[np.int64] | None:
    """How many samples each packet holds, where the codec tells."""
    context = stream.codec_context
    if pcm:
        digits = re.search(r"\d+", context.name)
        # Names without a number (A-law, mu-law) are of 8 bits.
        return table.size * 8 // (int(digits[0] if digits else 8) * context.channels)
    return np.full(len(table), context.frame_size, np.int64) if context.frame_size else None


@dataclass(frozen=True, slots=True)
class Ends:
    """What only decoding tells: the `first` packet that gives samples, how many of them to `skip`, how many come from
    the last packet on (`tail`, None where it need not be known), and whether some come only after it (`late`)."""

    first: int
    skip: int
    tail: int | None
    late: bool


@dataclass(eq=False)
class SoundFile:
    """What is known of the sound in a file, shared by its readers. Addresses are in samples from the origin."""

    path: Path
    table: PacketTable
    codec: str
    rate: int
    channels: int
    lengths: NDArray[np.int64] | None
    pcm: bool
    told_apart: bool
    """Whether the container's times tell its packets apart; otherwise they are counted from its start."""
    origin: Fraction | None
    said: Remarks

    def open(self) -> SoundReader:
        """A cursor of its own."""
        return SoundReader(self)

    @cached_property
    def ticks(self) -> Fraction:
        """Samples in one tick of the container's clock."""
        return self.table.time_base * self.rate

    @cached_property
    def preroll(self) -> int:
        """How many packets are decoded before a block, and thrown away."""
        if self.pcm:
            return 0
        if self.codec in _PREROLL_PACKETS:
            return _PREROLL_PACKETS[self.codec]
        span = (int(self.table.pts.max()) - int(self.table.pts.min())) * self.table.time_base
        return min(1000, 2 + int(_PREROLL_SECONDS * len(self.table) / span)) if span > 0 else 2

    @cached_property
    def start(self) -> int:
        """Where the first sample lies that is meant to be heard."""
        ends = self._ends
        if ends.skip or ends.first:
            return int(self.addresses[ends.first]) + ends.skip
        return self.address(self.table.start)

    @cached_property
    def stop(self) -> int:
        """Where the sound ends. A coarse clock is rounded up: a little silence rather than a lost sample."""
        table, last = self.table, int(np.argmax(self.table.pts))
        at = int(self.addresses[last])
        if self.pcm:
            assert self.lengths is not None
            return at + int(self.lengths[last])
        length = int(table.duration[last]) * self.ticks
        coarse = self.ticks if self.ticks > 1 else 0
        tail = self._ends.tail
        if tail is not None:
            exact = length and not coarse and not self._ends.late
            return at + (min(tail, round(length)) if exact else tail - table.tail_skip)
        if self.lengths is not None and (not length or abs(length - int(self.lengths[last])) <= coarse):
            return at + int(self.lengths[last]) - table.tail_skip
        return at + round(length + coarse) - table.tail_skip

    def address(self, pts: int) -> int:
        """Where a packet lies that the container says starts at `pts`."""
        return round(pts * self.ticks) - self._origin

    @cached_property
    def _ends(self) -> Ends:
        fresh = self.codec in FRESH
        # Matroska does not say what Vorbis only begins with, nor to the sample how long a last packet is.
        begins = not fresh or (self.codec == "vorbis" and not self.table.head_skip)
        ends = not fresh or (self.ticks > 1 and self.lengths is None)
        if self.pcm or not (begins or ends):
            return Ends(0, self.table.head_skip, None, False)
        plain = np.array([round(int(pts) * self.ticks) for pts in self.table.pts], np.int64)
        reader = SoundReader(self, plain)
        try:
            first, skip = reader.beginning() if begins else (0, 0)
            tail, late = reader.end() if ends else (None, False)
            return Ends(first, skip or self.table.head_skip, tail, late)
        finally:
            reader.close()

    @cached_property
    def _origin(self) -> int:
        if self.origin is None:
            table, ends = self.table, self._ends
            first = int(table.pts[ends.first]) if ends.skip or ends.first else table.start
            return round(first * self.ticks) + ends.skip
        return round(self.origin * self.rate)

    @cached_property
    def addresses(self) -> NDArray[np.int64]:
        """Where each packet starts. A clock coarser than a sample is made good by counting samples."""
        said = np.array([self.address(int(pts)) for pts in self.table.pts], np.int64)
        begins = self.address(self.table.start) - self._ends.skip
        if self._ends.skip and not self._ends.first and abs(begins - int(said[0])) <= self.ticks > 1:
            # When the first sample sounds is said more exactly than when its packet begins.
            said[0] = begins
        found = self._counted(said)
        # Sound that stands alone begins with its first sample.
        ends = self._ends
        return found - (found[ends.first] + ends.skip) if (ends.first or ends.skip) and self.origin is None else found

    def _counted(self, said: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.lengths is not None:
            counted = said[0] + np.concatenate([[0], np.cumsum(self.lengths[:-1])])
            off = int(np.abs(counted - said).max())
            # Packets that follow each other without a gap, by a clock that does not quite fit their length.
            drifts = self._gapless and off <= abs(int(said[-1] - said[0])) // 100
            if off <= 2 * max(1, self.ticks) or drifts:
                return counted
        return said if self.ticks <= 1 else said + self._counted_offsets(said)

    @property
    def _gapless(self) -> bool:
        return bool((self.table.pts[:-1] + self.table.duration[:-1] == self.table.pts[1:]).all())

    def _counted_offsets(self, said: NDArray[np.int64]) -> NDArray[np.int64]:
        # Only decoding tells how long these packets are. Where the clock and the count part, there is a gap.
        counted, tolerance = said.copy(), int(0.02 * self.rate)
        at: int | None = None
        reader = SoundReader(self, said)
        try:
            for number, length in reader.lengths():
                if at is None or abs(said[number] - at) > tolerance:
                    at = int(said[number])
                counted[number] = at
                at += length
        finally:
            reader.close()
        return counted - said
