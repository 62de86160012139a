"""Where everything is in a file: one pass over its packets, without decoding any."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidflow.media.h264 import second_fields

_KEY, _DISCARD, _COMPLETES = 1, 2, 4
_COLUMNS = 5
_UNKNOWN = -(2**63)


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """The packets of one stream in the order of the file; times in units of `time_base` seconds."""

    time_base: Fraction
    pts: NDArray[np.int64]
    """`UNKNOWN` where the container does not say."""
    dts: NDArray[np.int64]
    duration: NDArray[np.int64]
    size: NDArray[np.int64]
    flags: NDArray[np.int64]
    start: int = 0
    """When the container says the stream starts."""
    head_skip: int = 0
    """Samples that the start of a sound only primes the decoder with."""
    tail_skip: int = 0
    """Samples at the end of a sound that are padding."""
    broken: bool = False
    """Whether the file breaks off or is damaged somewhere; what is past that is not here."""

    UNKNOWN = _UNKNOWN

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def key(self) -> NDArray[np.bool_]:
        """Which packets decoding can start at."""
        return (self.flags & _KEY) != 0

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which packets are shown, not only decoded for others (an edit list says so)."""
        return (self.flags & _DISCARD) == 0

    @property
    def begins(self) -> NDArray[np.bool_]:
        """Which packets begin a picture: they are not empty, and no second field."""
        return (self.size > 0) & ((self.flags & _COMPLETES) == 0)


def read_packets(found: InputContainer, streams: Sequence[Stream]) -> list[PacketTable]:
    """The tables of `streams`. What is past damage in the file is left out."""
    # Numbers, not objects: a film of hours has half a million packets.
    rows = {stream.index: array("q") for stream in streams}
    skips: dict[int, list[int]] = {stream.index: [0, 0] for stream in streams}
    broken = False
    fields = {stream.index: second_fields(stream) for stream in streams if isinstance(stream, VideoStream)}
    sounds = {stream.index for stream in streams if stream.type == "audio"}
    for stream in found.streams:
        if stream.index not in rows:
            stream.discard = Discard.all
    try:
        for packet in found.demux(*streams):
            if packet.dts is None and packet.pts is None and packet.size == 0:
                continue
            index = packet.stream_index
            broken = broken or packet.is_corrupt
            flags = _KEY * packet.is_keyframe | _DISCARD * packet.is_discard
            second = fields.get(index)
            if second is not None and second(packet):
                flags |= _COMPLETES
            pts = _UNKNOWN if packet.pts is None else packet.pts
            dts = _UNKNOWN if packet.dts is None else packet.dts
            rows[index].extend((pts, dts, packet.duration or 0, packet.size, flags))
            if index in sounds and packet.has_sidedata("skip_samples"):
                words = np.frombuffer(bytes(packet.get_sidedata("skip_samples")), "<u4", 2)
                if len(rows[index]) == _COLUMNS:
                    skips[index][0] = int(words[0])
                skips[index][1] = int(words[1])
    except FFmpegError:
        broken = True
    if found.format.name == "ogg":
        # Its last duration is already without the padding.
        skips = {index: [head, 0] for index, (head, _) in skips.items()}
    return [_table(stream, rows[stream.index], skips[stream.index], broken) for stream in streams]


def _table(stream: Stream, rows: array[int], skips: list[int], broken: bool) -> PacketTable:
    pts, dts, duration, size, flags = np.array(rows, np.int64).reshape(-1, _COLUMNS).T
    time_base = stream.time_base or Fraction(1, av.time_base)
    start = stream.start_time if stream.start_time is not None else int(pts[0]) if len(pts) else 0
    return PacketTable(time_base, pts, dts, duration, size, flags, start, skips[0], skips[1], broken)


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """When each frame of a video is shown, and where decoding can start.

    Frames are numbered in the order of presentation. `times` is when each is shown, in units of `time_base`; `end`
    is when the last one goes. `keys` are the places that decoding can start at, by presentation time.
    """

    time_base: Fraction
    times: NDArray[np.int64]
    end: int
    key_pts: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    timed: bool
    """Whether the container tells presentation times; without them frames are only counted from the start."""
    repeats: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """When the file says that the picture before is shown once more (an empty packet)."""

    def __len__(self) -> int:
        return len(self.times)

    def key_before(self, frame: int) -> int:
        """The key that decoding must start at to show `frame`.

        It is shown no later than `frame`: pictures that follow an open key frame in the file but are shown before
        it lean on the group before, and so belong to the key before.
        """
        return max(0, int(np.searchsorted(self.key_pts, self.times[frame], "right")) - 1)


def frame_index(table: PacketTable, stream: VideoStream) -> FrameIndex:
    """The frames that the packets in `table` hold."""
    begins = table.begins
    if bool((table.pts[begins] == PacketTable.UNKNOWN).any()):
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        start, count = np.zeros(1, np.int64), int(begins.sum())
        return FrameIndex(1 / rate, np.arange(count, dtype=np.int64), count, start, start, False)
    real = table.shown & begins
    times, first = np.unique(table.pts[real], return_index=True)
    durations = table.duration[real][first]
    last = int(durations[-1]) if len(times) else 0
    if last <= 0:
        last = int(np.median(np.diff(times))) if len(times) > 1 else 1
    keys = np.flatnonzero(table.key & begins)
    keys = keys[np.argsort(table.pts[keys], kind="stable")]
    end = int(times[-1]) + last if len(times) else 0
    empty = table.pts[table.shown & (table.size == 0) & (table.pts != PacketTable.UNKNOWN)]
    repeats = np.setdiff1d(empty[empty > times[0]], times) if len(times) else empty
    if len(repeats):
        end = max(end, int(repeats[-1]) + last)
    return FrameIndex(table.time_base, times, end, table.pts[keys], table.dts[keys], True, repeats)
