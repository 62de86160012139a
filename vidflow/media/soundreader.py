"""A cursor into the sound of a file: decodes in blocks of a fixed place, so that any range has the same bits."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags2
from av.error import FFmpegError
from av.packet import Packet
from av.sidedata.sidedata import SideData, Type
from av.stream import Discard
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import open_input, reporting
from vidflow.media.probe import sound_stream

if TYPE_CHECKING:
    from vidflow.media.sound import SoundFile

_BLOCK_SECONDS = 4
# These decoders carry state from packet to packet (even the noise that AAC fills bands with), and need nothing of the
# container but the codec's header: each block gets a new one, so that it comes out the same every time.
FRESH = frozenset({"aac", "ac3", "eac3", "mp3", "mp3float", "opus", "vorbis", "flac"})


class SoundReader:
    """A cursor into the sound of a file. Decodes in blocks of a fixed place and length, and keeps the last two."""

    def __init__(self, file: SoundFile, addresses: NDArray[np.int64] | None = None) -> None:
        self._file = file
        self._addresses = file.addresses if addresses is None else addresses
        self._numbers = {int(pts): number for number, pts in enumerate(file.table.pts)}
        self._blocks: OrderedDict[int, tuple[int, NDArray[np.float32]]] = OrderedDict()
        self._length = _BLOCK_SECONDS * file.rate
        self._late = False
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
        # The generator holds this object: a ring, whose decoder would stay until it is collected.
        self._packets = iter(())
        self._found.close()

    def lengths(self) -> Iterator[tuple[int, int]]:
        """The number of each packet that gives samples, and how many, in order."""
        decoder = self._decoder()
        for number, packet in self._packets:
            length = sum(frame.samples for frame in self._decoded(decoder, packet, False))
            if length:
                yield number, length

    def beginning(self) -> tuple[int, int]:
        """The first packet that gives samples, and how many of them only prime the decoder."""
        decoder = self._decoder()
        for number, packet in self._packets:
            frames = self._decoded(decoder, packet, False)
            if frames and sum(frame.samples for frame in frames):
                return number, _skipped(frames[0])
        return 0, 0

    def end(self) -> tuple[int, bool]:
        """How many samples the last packet gives, with those that come after it, and whether some do."""
        count = len(self._addresses)
        with reporting(self._file.path):
            return len(self._decode(count - 1, count)[1]), self._late

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
        packets = self._from(max(0, low - self._file.preroll), high)
        # Only now, as finding the packets may open the file anew.
        decoder = self._decoder()
        start = at = int(self._addresses[low])
        pieces: list[tuple[int, NDArray[np.float32]]] = []
        for number, packet in packets:
            frames = self._decoded(decoder, packet, number >= low)
            if number < low:
                continue
            if frames and frames[0].pts in (packet.pts, None):
                at = int(self._addresses[number])
            for frame in frames:
                pieces.append((at, _samples(frame, self._file.channels)))
                at += frame.samples
        if high == len(self._addresses):
            rest = self._decoded(decoder, None, False)
            self._late = bool(rest)
            for frame in rest:
                pieces.append((at, _samples(frame, self._file.channels)))
                at += frame.samples
        length = max((at + len(samples) for at, samples in pieces), default=start) - start
        out = np.zeros((max(0, length), self._file.channels), np.float32)
        for at, samples in pieces:
            out[at - start : at - start + len(samples)] = samples[: max(0, len(out) - (at - start))]
        return start, out

    def _decoded(self, decoder: AudioCodecContext, packet: Packet[AudioStream] | None, heard: bool) -> list[AudioFrame]:
        try:
            return decoder.decode(packet)
        except FFmpegError:
            # A damaged packet is silent; those after it may be good. At the end there is nothing to say.
            if heard:
                self._file.said.say("damage", "Part of this sound is damaged; it is silent there.")
            return []

    def _from(self, low: int, high: int) -> Iterator[tuple[int, Packet[AudioStream]]]:
        """The packets `low` to `high`: those at hand, then those that follow in the file."""
        at_hand = [entry for entry in self._recent if low <= entry[0] < high]
        next_one = self._recent[-1][0] + 1 if self._recent else 0
        if self._begun and not self._stateless:
            # Emptying these decoders leaves traces of what they decoded before.
            self._found.close()
            self._open()
            at_hand = []
            next_one = 0
        if not (low == next_one or (at_hand and at_hand[0][0] == low)):
            self._seek(low)
            at_hand = []
        return self._following(at_hand, low, high)

    def _following(
        self, at_hand: list[tuple[int, Packet[AudioStream]]], low: int, high: int
    ) -> Iterator[tuple[int, Packet[AudioStream]]]:
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

    @property
    def _stateless(self) -> bool:
        return self._file.pcm or self._file.codec in FRESH

    def _seek(self, number: int) -> None:
        self._recent.clear()
        pts = int(self._file.table.pts[number])
        if number and self._file.told_apart:
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
        count = 0
        try:
            for packet in self._found.demux(self._stream):
                if packet.dts is None and packet.pts is None and packet.size == 0:
                    continue
                number: int | None = count
                count += 1
                if self._file.told_apart:
                    number = self._numbers.get(packet.pts) if packet.pts is not None else None
                if packet.size and number is not None and number < len(self._addresses):
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
        self._begun = False
        self._recent: deque[tuple[int, Packet[AudioStream]]] = deque(maxlen=max(1, self._file.preroll))
        self._packets = self._numbered()

    def _decoder(self) -> AudioCodecContext:
        own = self._stream.codec_context
        if self._file.codec not in FRESH:
            own.flags2 |= Flags2.skip_manual
            self._begun = True
            return own
        fresh = av.CodecContext.create(own.codec.name, "r")
        assert isinstance(fresh, AudioCodecContext)
        fresh.extradata = own.extradata
        fresh.sample_rate = own.sample_rate
        fresh.layout = own.layout
        # What primes the decoder is cut by its address, not by the packet that happens to come first.
        fresh.flags2 |= Flags2.skip_manual
        return fresh


def _skipped(frame: AudioFrame) -> int:
    # The stub takes the container for a mapping of names.
    for data in cast("Iterable[SideData]", frame.side_data):
        if data.type == Type.SKIP_SAMPLES:
            return int.from_bytes(bytes(data)[:4], "little")
    return 0


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
