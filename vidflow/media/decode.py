"""A file of moving pictures as a lazy `Video`: any frame, the same bits as in a decode from the start."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.colour import ToRgb
from vidflow.media.container import open_input, reporting
from vidflow.media.index import FrameIndex, frame_index, read_packets
from vidflow.media.probe import PictureInfo, picture_stream, probe, sound_stream
from vidflow.media.sound import sound_of
from vidflow.media.timing import Conformed, conform
from vidflow.values import Frames, Video, VideoInfo


@dataclass(frozen=True, slots=True, eq=False)
class VideoFile:
    """What is known of a file of moving pictures, shared by its readers."""

    path: Path
    picture: PictureInfo
    index: FrameIndex
    timing: Conformed

    def open(self) -> VideoReader:
        """A cursor of its own."""
        return VideoReader(self)


def open_video(path: Path) -> Video:
    """The video in the file at `path`, turned as it asks, with its sound; sample 0 sounds when frame 0 shows.

    Its packets are read once, for their times; nothing is decoded until frames are read. A frame that cannot be
    decoded repeats the last good one. Raises MediaError where there is no picture to be had.
    """
    about = probe(path)
    picture = about.picture
    if picture is None:
        raise MediaError(path, "this file holds sound but no pictures.")
    with open_input(path) as found, reporting(path):
        stream, sound = picture_stream(found), sound_stream(found)
        assert stream is not None
        tables = read_packets(found, [stream, sound] if sound else [stream])
        index = frame_index(tables[0], stream)
        if len(index) == 0:
            raise MediaError(path, "this file holds no whole picture.")
        timing = conform(index, picture.rate)
        origin = int(index.times[0]) * index.time_base
        audio = sound_of(path, sound, tables[1], origin) if sound and len(tables[1]) else None
    width, height = picture.shown
    info = VideoInfo(width, height, timing.rate, timing.frames, "float32" if picture.depth > 8 else "uint8")
    return Video.from_source(info, VideoFile(path, picture, index, timing).open, audio)


class VideoReader:
    """A cursor into a video file: goes on where it stands, or seeks to the key frame before and decodes from there."""

    def __init__(self, file: VideoFile) -> None:
        self._file = file
        self._pictures = Pictures(file.path, file.index)
        self._to_rgb = ToRgb(file.picture)
        self._last: tuple[int, NDArray[Any]] | None = None

    def read(self, start: int, stop: int) -> Frames:
        """Exactly the frames `start` to `stop`."""
        return Frames([self._array(self._file.timing.source(frame)) for frame in range(start, stop)])

    def close(self) -> None:
        """Let go of the file."""
        self._last = None
        self._pictures.close()

    def _array(self, number: int) -> NDArray[Any]:
        if self._last is None or self._last[0] != number:
            with reporting(self._file.path):
                self._last = (number, self._to_rgb(self._pictures.picture(number)))
        return self._last[1]


class Pictures:
    """The decoded pictures of a file by number, in the order of presentation."""

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._path = path
        self._index = index
        self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._decoded.clear()
        self._good = None
        self._found.close()

    def picture(self, number: int) -> VideoFrame:
        """Picture `number`; where it cannot be decoded, the last good one before it, or else the first good one."""
        key = self._index.key_before(number)
        if number < self._at or (self._index.timed and self._index.key_before(self._at) < key):
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

    def _look_for(self, number: int) -> VideoFrame | None:
        # `_at` is the number from which on pictures can still come; `_good` the last one that came.
        while True:
            if self._good is not None and self._good_number == number:
                return self._good
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
        if self._good is not None:
            return self._good
        if self._from_start and self._decoded:
            return self._decoded[0]
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
        self._stream: VideoStream = stream
        self._begin(self._demuxed(), 0, True)

    def _begin(self, packets: Iterator[Packet[VideoStream]], at: int, from_start: bool) -> None:
        self._packets = packets
        self._ended = False
        self._from_start = from_start
        self._decoded: deque[VideoFrame] = deque()
        self._good: VideoFrame | None = None
        self._good_number = self._at = at

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
