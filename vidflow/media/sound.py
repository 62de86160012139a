"""The sound in a file as a lazy `Audio`: any range, the same bits whatever was read before."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags2
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import open_input, reporting
from vidflow.media.index import PacketTable, read_packets
from vidflow.media.probe import describe_sound, picture_stream, sound_stream
from vidflow.media.resample import convert
from vidflow.values import Audio, AudioInfo

__all__ = ["convert", "open_audio", "sound_of"]

_BLOCK_SECONDS = 4
_PREROLL = 12
"""Packets decoded before a block: enough for the bit reservoir of MP3 and the 80 ms that Opus takes to settle."""
# These decoders carry state from packet to packet (even the noise that AAC fills bands with), and need nothing of the
# container but the codec's header: each block gets a new one, so that it comes out the same every time.
_FRESH = frozenset({"aac", "ac3", "eac3", "mp3", "mp3float", "opus", "vorbis", "flac"})


def open_audio(path: Path) -> Audio:
    """The sound in the file at `path`. Sample 0 is its first, or in a file with pictures sounds with the first of them.

    Raises MediaError where there is no sound to be had.
    """
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
        return sound_of(path, stream, table, origin)


def sound_of(path: Path, stream: AudioStream, table: PacketTable, origin: Fraction | None) -> Audio:
    """The sound of `stream`, whose packets are in `table`; sample 0 is at `origin` seconds (its own start without)."""
    about = describe_sound(stream)
    pcm = stream.codec_context.name.startswith("pcm_")
    file = SoundFile(path, table, about.rate, about.channels, _packet_samples(stream, table), pcm, origin)
    info = AudioInfo(about.rate, about.channels, max(0, file.stop), about.layout)
    return Audio.from_source(info, file.open)


def _packet_samples(stream: AudioStream, table: PacketTable) -> NDArray[np.int64] | None:
    """How many samples each packet holds, where the codec tells."""
    context = stream.codec_context
    if context.name.startswith("pcm_"):
        digits = re.search(r"\d+", context.name)
        # Names without a number (A-law, mu-law) are of 8 bits.
        return table.size * 8 // (int(digits[0] if digits else 8) * context.channels)
    return np.full(len(table), context.frame_size, np.int64) if context.frame_size else None


@dataclass(eq=False)
class SoundFile:
    """What is known of the sound in a file, shared by its readers. Addresses are in samples from the origin."""

    path: Path
    table: PacketTable
    rate: int
    channels: int
    lengths: NDArray[np.int64] | None
    pcm: bool
    origin: Fraction | None

    def open(self) -> SoundReader:
        """A cursor of its own."""
        return SoundReader(self)

    @cached_property
    def ticks(self) -> Fraction:
        """Samples in one tick of the container's clock."""
        return self.table.time_base * self.rate

    @cached_property
    def start(self) -> int:
        """Where the first sample lies that is meant to be heard."""
        table = self.table
        if table.head_skip:
            return self.address(int(table.pts[0])) + table.head_skip
        return self.address(table.start)

    @cached_property
    def stop(self) -> int:
        """Where the sound ends. A coarse clock is rounded up: a little silence rather than a lost sample."""
        table, last = self.table, int(np.argmax(self.table.pts))
        if self.lengths is not None and (self.pcm or not table.duration[last]):
            return int(self.addresses[last] + self.lengths[last])
        length = int(table.duration[last]) * self.ticks
        if self.ticks > 1:
            length += self.ticks
        return self.address(int(table.pts[last])) + round(length) - table.tail_skip

    def address(self, pts: int) -> int:
        """Where a packet lies that the container says starts at `pts`."""
        return round(pts * self.ticks) - self._origin

    @cached_property
    def _origin(self) -> int:
        if self.origin is None:
            table = self.table
            first = int(table.pts[0]) if table.head_skip else table.start
            return round(first * self.ticks) + table.head_skip
        return round(self.origin * self.rate)

    @cached_property
    def addresses(self) -> NDArray[np.int64]:
        """Where each packet starts. A clock coarser than a sample is made good by counting samples."""
        said = np.array([self.address(int(pts)) for pts in self.table.pts], np.int64)
        if self.ticks <= 1:
            return said
        if self.lengths is not None:
            counted = said[0] + np.concatenate([[0], np.cumsum(self.lengths[:-1])])
            if np.abs(counted - said).max() <= 2 * self.ticks:
                return counted
        return said + self._counted_offsets(said)

    def _counted_offsets(self, said: NDArray[np.int64]) -> NDArray[np.int64]:
        # Only decoding tells how long these packets are. Where the clock and the count part, there is a gap.
        counted, at, tolerance = said.copy(), int(said[0]), int(0.02 * self.rate)
        reader = SoundReader(self, said)
        try:
            for number, length in reader.lengths():
                if abs(said[number] - at) > tolerance:
                    at = int(said[number])
                counted[number] = at
                at += length
        finally:
            reader.close()
        return counted - said


class SoundReader:
    """A cursor into the sound of a file. Decodes in blocks of a fixed place and length, and keeps the last two."""

    def __init__(self, file: SoundFile, addresses: NDArray[np.int64] | None = None) -> None:
        self._file = file
        self._addresses = file.addresses if addresses is None else addresses
        self._numbers = {int(pts): number for number, pts in enumerate(file.table.pts)}
        self._blocks: OrderedDict[int, tuple[int, NDArray[np.float32]]] = OrderedDict()
        self._length = _BLOCK_SECONDS * file.rate
        self._open()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop`, float32 `[n, channels]`; silence where the file has none."""
        out = np.zeros((stop - start, self._file.channels), np.float32)
        first = int(self._addresses[0])
        low, high = max(start, self._file.start), min(stop, self._file.stop)
        if low >= high:
            return out
        # A block's last packet can reach into the next one's time, so one more block is asked before the first.
        for block in range(max(0, (low - first) // self._length - 1), (high - 1 - first) // self._length + 1):
            with reporting(self._file.path):
                at, samples = self._block(block)
            a, b = max(low, at), min(high, at + len(samples))
            if a < b:
                out[a - start : b - start] = samples[a - at : b - at]
        return out

    def close(self) -> None:
        """Let go of the file."""
        self._blocks.clear()
        self._recent.clear()
        self._found.close()

    def lengths(self) -> Iterator[tuple[int, int]]:
        """The number of each packet that gives samples, and how many, in order."""
        decoder = self._decoder()
        for number, packet in self._packets:
            length = sum(frame.samples for frame in _decoded(decoder, packet))
            if length:
                yield number, length

    def _block(self, block: int) -> tuple[int, NDArray[np.float32]]:
        """Where the block starts, and its samples."""
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return self._blocks[block]
        first = int(self._addresses[0]) + block * self._length
        low, high = (int(np.searchsorted(self._addresses, edge)) for edge in (first, first + self._length))
        found = self._decode(low, high) if low < high else (first, np.zeros((0, self._file.channels), np.float32))
        self._blocks[block] = found
        while len(self._blocks) > 2:
            self._blocks.popitem(last=False)
        return found

    def _decode(self, low: int, high: int) -> tuple[int, NDArray[np.float32]]:
        """The samples of packets `low` to `high`."""
        decoder = self._decoder()
        start = at = int(self._addresses[low])
        pieces: list[tuple[int, NDArray[np.float32]]] = []
        for number, packet in self._from(max(0, low - _PREROLL), high):
            frames = _decoded(decoder, packet)
            if number < low:
                continue
            if frames and frames[0].pts in (packet.pts, None):
                at = int(self._addresses[number])
            for frame in frames:
                pieces.append((at, _samples(frame, self._file.channels)))
                at += frame.samples
        length = max((at + len(samples) for at, samples in pieces), default=start) - start
        out = np.zeros((max(0, length), self._file.channels), np.float32)
        for at, samples in pieces:
            out[at - start : at - start + len(samples)] = samples[: max(0, len(out) - (at - start))]
        return start, out

    def _from(self, low: int, high: int) -> Iterator[tuple[int, Packet[AudioStream]]]:
        """The packets `low` to `high`: those at hand, then those that follow in the file."""
        at_hand = [entry for entry in self._recent if low <= entry[0] < high]
        next_one = self._recent[-1][0] + 1 if self._recent else 0
        if not (low == next_one or (at_hand and at_hand[0][0] == low)):
            self._seek(low)
            at_hand = []
        yield from at_hand
        if at_hand and at_hand[-1][0] >= high - 1:
            return
        for entry in self._packets:
            if entry[0] < low:
                continue
            self._recent.append(entry)
            yield entry
            if entry[0] >= high - 1:
                return

    def _seek(self, number: int) -> None:
        self._recent.clear()
        pts = int(self._file.table.pts[number])
        if number:
            try:
                self._found.seek(pts, stream=self._stream)
                self._packets = self._numbered()
                first = next(self._packets, None)
                if first is not None and first[0] <= number:
                    self._packets = _chain(first, self._packets)
                    return
            except FFmpegError:
                pass
        self._found.close()
        self._open()

    def _numbered(self) -> Iterator[tuple[int, Packet[AudioStream]]]:
        try:
            for packet in self._found.demux(self._stream):
                number = self._numbers.get(packet.pts) if packet.pts is not None else None
                if packet.size and number is not None:
                    yield number, packet
        except FFmpegError:
            # The file breaks off here; what is missing is silence.
            return

    def _open(self) -> None:
        self._found = open_input(self._file.path)
        stream = sound_stream(self._found)
        if stream is None:
            raise MediaError(self._file.path, "this file holds no sound any more.")
        for other in self._found.streams:
            if other is not stream:
                other.discard = Discard.all
        self._stream = stream
        self._recent: deque[tuple[int, Packet[AudioStream]]] = deque(maxlen=_PREROLL)
        self._packets = self._numbered()

    def _decoder(self) -> AudioCodecContext:
        own = self._stream.codec_context
        if own.codec.canonical_name not in _FRESH:
            own.flush_buffers()
            own.flags2 |= Flags2.skip_manual
            return own
        fresh = av.CodecContext.create(own.codec.name, "r")
        assert isinstance(fresh, AudioCodecContext)
        fresh.extradata = own.extradata
        fresh.sample_rate = own.sample_rate
        fresh.layout = own.layout
        # What primes the decoder is cut by its address, not by the packet that happens to come first.
        fresh.flags2 |= Flags2.skip_manual
        return fresh


def _decoded(decoder: AudioCodecContext, packet: Packet[AudioStream]) -> list[AudioFrame]:
    try:
        return decoder.decode(packet)
    except FFmpegError:
        # A damaged packet is silent; those after it may be good.
        return []


def _samples(frame: AudioFrame, channels: int) -> NDArray[np.float32]:
    """The frame as float32 `[n, channels]` in -1..1."""
    array: NDArray[Any] = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, len(frame.layout.channels))
    if array.dtype == np.uint8:
        array = (array.astype(np.float32) - 128) / np.float32(128)
    elif array.dtype.kind == "i":
        array = (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    return array.astype(np.float32)[:, :channels]


def _chain(
    first: tuple[int, Packet[AudioStream]], rest: Iterator[tuple[int, Packet[AudioStream]]]
) -> Iterator[tuple[int, Packet[AudioStream]]]:
    yield first
    yield from rest
