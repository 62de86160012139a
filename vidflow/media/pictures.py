"""The decoded pictures of a file by number: found, decoded once where possible, and made good where damaged."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidflow.errors import MediaError
from vidflow.media.container import open_input
from vidflow.media.index import FrameIndex
from vidflow.media.probe import bound, picture_stream

WINDOW_BYTES = 64 * 2**20
"""What `Pictures` keeps of decoded pictures, at most, while it is read backwards."""
NEAR = 32
"""Pictures before one that is leapt to which are decoded all the same: who looks at a picture often wants those too."""
_FORWARD = 256
"""After so many pictures asked for in ascending order nobody reads backwards any more."""


class Window:
    """The last decoded pictures up to where decoding stands, as many as fit.

    Decoding runs forward only: to go back one picture, all since the key frame are decoded again. So while somebody
    goes back, what is decoded on the way is kept as it was decoded (YUV, half of RGB), and a group of pictures is
    decoded a few times instead of once for each batch.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._pictures: deque[VideoFrame] = deque()
        self._bytes = 0
        self._ascending = _FORWARD
        self._asked = 0

    def find(self, number: int) -> tuple[int, VideoFrame] | None:
        """Picture `number` with its number, or where it could not be decoded the last good one before."""
        self._ascending = 0 if number < self._asked else self._ascending + 1
        self._asked = number
        if self._ascending >= _FORWARD:
            self.clear()
        if not self._numbers or not self._numbers[0] <= number <= self._numbers[-1]:
            return None
        place = bisect_right(self._numbers, number) - 1
        return self._numbers[place], self._pictures[place]

    def add(self, number: int, picture: VideoFrame) -> None:
        """Keep a picture that was just decoded, and let go of the oldest."""
        if self._ascending >= _FORWARD:
            return
        self._numbers.append(number)
        self._pictures.append(picture)
        self._bytes += _size(picture)
        while self._bytes > WINDOW_BYTES and len(self._numbers) > 1:
            del self._numbers[0]
            self._bytes -= _size(self._pictures.popleft())

    def begin_at(self, number: int) -> None:
        """Let go of the pictures before `number`."""
        while self._numbers and self._numbers[0] < number:
            del self._numbers[0]
            self._bytes -= _size(self._pictures.popleft())

    def clear(self) -> None:
        """Let go of all."""
        self._numbers.clear()
        self._pictures.clear()
        self._bytes = 0


def _size(picture: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in picture.planes)


class Pictures:
    """The decoded pictures of a file by number, in the order of presentation.

    `damaged` is called with the number of a picture that cannot be decoded. With `leaps`, pictures on the way to one
    far ahead are not decoded where no other is made from them, which halves the way; the others have the same bits.
    """

    def __init__(
        self,
        path: Path,
        index: FrameIndex,
        damaged: Callable[[int], None] = lambda number: None,
        *,
        leaps: bool = False,
    ) -> None:
        self._path = path
        self._index = index
        self._damaged = damaged
        self._window = Window()
        self._leaps = leaps and index.timed
        self._landing: int | None = None
        """The time stamp before which pictures that no other is made from are left out, while they are."""
        self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._decoded.clear()
        self._window.clear()
        self._good = None
        # The generator holds this object: a ring, whose decoder and its threads would stay until it is collected.
        self._packets = iter(())
        self._found.close()

    def picture(self, number: int) -> VideoFrame:
        """Picture `number`; where it cannot be decoded, the last good one before it, or else the first good one."""
        found = self._window.find(number) or self._decode(number)
        if found[0] != number:
            self._damaged(number)
        return found[1]

    def _decode(self, number: int) -> tuple[int, VideoFrame]:
        key = self._index.key_before(number)
        if number < self._at or (self._index.timed and self._index.key_before(self._at) < key):
            self._start_at(key)
        if self._leaps and number - self._at > 2 * NEAR:
            found = self._leap(number)
            if found is not None:
                return found
            # It cannot be decoded, and what stands for it may have been left out.
            self._start_at(key)
        while True:
            found = self._look_for(number)
            if found is not None:
                return found
            # Nothing good since the key frame: what the decoder would still show comes from before it.
            if key == 0:
                raise MediaError(self._path, "none of its pictures can be decoded.")
            key -= 1
            self._start_at(key)

    def _leap(self, number: int) -> tuple[int, VideoFrame] | None:
        """Picture `number`, by way of those alone that others are made from; None where it cannot be decoded."""
        first = number - NEAR
        self._landing = int(self._index.times[first])
        self._window.clear()
        try:
            found = self._look_for(number)
        finally:
            self._landing = None
            self._stream.codec_context.skip_frame = "DEFAULT"
        # What was kept of the way has gaps.
        self._window.begin_at(first)
        return found if found is not None and found[0] == number else None

    def _look_for(self, number: int) -> tuple[int, VideoFrame] | None:
        # `_at` is the number from which on pictures can still come; `_good` the last one that came.
        while True:
            if self._good is not None and self._good_number == number:
                return number, self._good
            if not self._decoded and not self._decode_more():
                break
            coming = self._decoded[0]
            coming_number = self._number(coming)
            if coming_number is not None and coming_number > number:
                break
            self._decoded.popleft()
            if coming_number is not None and coming_number >= self._at:
                self._good, self._good_number = coming, coming_number
                self._at = coming_number
                self._window.add(coming_number, coming)
        if self._good is not None:
            return self._good_number, self._good
        if self._from_start and self._decoded:
            return -1, self._decoded[0]
        return None

    def _number(self, picture: VideoFrame) -> int | None:
        times = self._index.times
        if self._index.timed and picture.pts is not None:
            number = int(times.searchsorted(picture.pts))
            return number if number < len(times) and times[number] == picture.pts else None
        return self._good_number + 1 if self._good is not None else 0

    def _decode_more(self) -> bool:
        while not self._decoded:
            if self._ended:
                return False
            packet = next(self._packets, None)
            self._ended = packet is None
            if self._landing is not None:
                before = packet is not None and packet.pts is not None and packet.pts < self._landing
                self._stream.codec_context.skip_frame = "NONREF" if before else "DEFAULT"
            try:
                self._decoded.extend(self._stream.decode(packet))
            except FFmpegError:
                # A damaged picture, or the end told twice: the picture is missing, the rest may be good.
                continue
        return True

    def _open(self) -> None:
        self._found = open_input(self._path)
        stream = picture_stream(self._found)
        if stream is None:
            raise MediaError(self._path, "this file holds no pictures any more.")
        for other in self._found.streams:
            if other is not stream:
                other.discard = Discard.all
        stream.thread_type = "AUTO"
        bound(stream)
        self._stream: VideoStream = stream
        self._begin(self._demuxed(), 0, True)

    def _begin(self, packets: Iterator[Packet[VideoStream]], at: int, from_start: bool) -> None:
        self._packets = packets
        self._ended = False
        self._from_start = from_start
        self._decoded: deque[VideoFrame] = deque()
        self._good: VideoFrame | None = None
        self._good_number = self._at = at
        self._window.clear()

    def _demuxed(self) -> Iterator[Packet[VideoStream]]:
        try:
            for packet in self._found.demux(self._stream):
                if packet.size:
                    yield packet
        except FFmpegError:
            # The file breaks off here.
            return

    def _start_at(self, key: int) -> None:
        if key == 0:
            self._found.close()
            self._open()
            return
        index = self._index
        pts, dts = int(index.key_pts[key]), int(index.key_dts[key])
        at = int(index.times.searchsorted(pts))
        second = int(1 / index.time_base)
        for target in (dts, pts, dts - second):
            try:
                self._found.seek(target, stream=self._stream)
            except FFmpegError:
                continue
            packets = self._from_key(pts, dts)
            if packets is not None:
                self._begin(packets, at, False)
                return
        self._found.close()
        self._open()

    def _from_key(self, pts: int, dts: int) -> Iterator[Packet[VideoStream]] | None:
        """The packets from that key frame on, or None where the container landed past it."""
        packets = self._demuxed()
        for packet in packets:
            if packet.pts == pts and packet.is_keyframe:
                return _chain(packet, packets)
            if packet.dts is not None and packet.dts > dts:
                return None
        return None


def _chain(first: Packet[VideoStream], rest: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    yield first
    yield from rest
