"""A file of moving pictures as a lazy `Video`: any frame, the same bits as in a decode from the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.colour import ToRgb, is_float
from vidflow.media.container import open_input, reporting
from vidflow.media.fields import Deinterlaced
from vidflow.media.index import FrameIndex, frame_index, read_packets
from vidflow.media.pictures import Pictures
from vidflow.media.probe import PictureInfo, picture_stream, probe, sound_stream
from vidflow.media.remarks import Remarks, look_over
from vidflow.media.sound import sound_of
from vidflow.media.timing import Conformed, conform
from vidflow.media.webp import animation
from vidflow.values import Frames, Video, VideoInfo

INTERLACED = (
    "This video is interlaced, {}: what moves has combed edges; set deinterlace to make a whole frame of each two "
    "fields."
)
NOT_INTERLACED = (
    "This video does not say that it is interlaced; it is deinterlaced all the same, which blurs frames that are whole."
)


@dataclass(frozen=True, slots=True, eq=False)
class VideoFile:
    """What is known of a file of moving pictures, shared by its readers."""

    path: Path
    picture: PictureInfo
    index: FrameIndex
    timing: Conformed
    deinterlace: bool
    remarks: Remarks

    def open(self) -> VideoReader:
        """A cursor of its own."""
        return VideoReader(self)


def open_video(path: Path, *, deinterlace: bool = False, note: Callable[[str], None] | None = None) -> Video:
    """The video in the file at `path`, turned as it asks, with its sound; sample 0 sounds when frame 0 shows.

    Its packets are read once, for their times; nothing is decoded until frames are read. A frame that cannot be
    decoded repeats the last good one. `deinterlace` makes one whole frame of each interlaced one (`Deinterlaced`).

    `note` is told, in one sentence each, what a person should know: what the file is (interlaced, transparent, of high
    dynamic range or variable rate, cut off, ...) when it is opened, damaged frames when they are met, then perhaps on
    another thread.

    Raises MediaError where there is no picture to be had.
    """
    moving = animation(path)
    if moving is not None:
        return moving.video(note)
    about = probe(path)
    picture = about.picture
    if picture is None:
        raise MediaError(path, "this file holds sound but no pictures.")
    said = Remarks(note)
    with open_input(path) as found, reporting(path):
        stream, sound = picture_stream(found), sound_stream(found)
        assert stream is not None
        tables = read_packets(found, [stream, sound] if sound else [stream])
        index = frame_index(tables[0], stream)
        if len(index) == 0:
            raise MediaError(path, "this file holds no whole picture.")
        timing = conform(index, picture.rate)
        origin = int(index.times[0]) * index.time_base
        try:
            audio = sound_of(path, sound, tables[1], origin, said) if sound and len(tables[1]) else None
        except (FFmpegError, MediaError):
            # Sound that cannot be had is no reason to refuse the pictures; `look_over` says so.
            audio = None
        look_over(said.say, about, found, stream, tables, index, timing, audio)
    if picture.fields != "progressive" and not deinterlace:
        said.say("interlaced", INTERLACED.format(picture.fields))
    if picture.fields == "progressive" and deinterlace:
        said.say("interlaced", NOT_INTERLACED)
    width, height = picture.shown
    info = VideoInfo(width, height, timing.rate, timing.frames, "float32" if is_float(picture) else "uint8")
    return Video.from_source(info, VideoFile(path, picture, index, timing, deinterlace, said).open, audio)


class VideoReader:
    """A cursor into a video file: goes on where it stands, or seeks to the key frame before and decodes from there."""

    def __init__(self, file: VideoFile) -> None:
        self._file = file
        leaps = file.picture.codec == "h264" and file.picture.fields == "progressive"
        self._pictures = Pictures(file.path, file.index, partial(_damaged, file), leaps=leaps)
        self._picture = self._pictures.picture
        if file.deinterlace:
            self._picture = Deinterlaced(self._picture, len(file.index)).picture
        self._to_rgb = ToRgb(file.picture, partial(_resized, file))
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
                self._last = (number, self._to_rgb(self._picture(number)))
        return self._last[1]


def _damaged(file: VideoFile, number: int) -> None:
    index = file.index
    seconds = float((int(index.times[number]) - int(index.times[0])) * index.time_base)
    file.remarks.say(
        "damaged",
        f"Frame {number} of this file (at {seconds:.4g} s) cannot be decoded, and there may be more; each such "
        "frame shows the last good one instead.",
    )


def _resized(file: VideoFile, picture: VideoFrame) -> None:
    first = file.picture
    file.remarks.say(
        "resized",
        f"The pictures of this video change size, from {first.width}x{first.height} to "
        f"{picture.width}x{picture.height}; all are scaled to the first one's.",
    )
