"""Animated WebP and GIF: films that are written in one go, a frame at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, BinaryIO

import av
import cv2
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.codecs import Encoding, gif_colours, webp_quality
from vidflow.media.container import reporting
from vidflow.media.depth import to_uint8
from vidflow.media.metadata import WEBP_CHUNK
from vidflow.values import Frames, VideoInfo

_KEY_EVERY = 50
"""Frames of a WebP from one that is stored whole to the next."""
_LOSSLESS = 101
_RIFF_LIMIT = 2**32 - 2**20
# Six bits a channel are plenty to choose 256 colours by, and there can be no more than 262,144 of them.
_COARSE = np.rint(np.rint(np.arange(256) * 63 / 255) * 255 / 63).astype(np.uint8)
_TICK = Fraction(1, 100)
_DITHER = {"ordered": "bayer", "diffused": "sierra2_4a", "none": "none"}

Read = Callable[[], Iterable[Frames]]


def write_animation(
    path: Path, info: VideoInfo, encoding: Encoding, read: Read, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the frames that `read()` gives, each time from the first, as an animation that repeats for ever.

    Frames are rounded to 8 bits. Frame k starts at k / rate, rounded to milliseconds in WebP and to hundredths of a
    second in GIF. A WebP stores every 50th frame whole and of the others the rectangle that changed. A GIF has one
    palette, the best for all of its frames (FFmpeg's palettegen and paletteuse), and so reads the video twice. Holds no
    more than a few frames. Raises MediaError where `path` cannot be written.
    """
    write = _write_gif if encoding.codec == "gif" else _write_webp
    with reporting(path, "cannot be written"):
        write(path, info, encoding, read, dict(metadata or {}))


def _start(number: int, info: VideoInfo, ticks: int) -> int:
    """When frame `number` begins, in so many ticks a second. The whole is rounded down, so that what it is divided
    into at the rate is no frame more."""
    return floor(ticks * number / info.rate) if number == info.frames else round(ticks * number / info.rate)


def _pictures(frames: Iterable[Frames]) -> Iterator[NDArray[np.uint8]]:
    for batch in frames:
        for frame in batch:
            yield to_uint8(Frames([frame]).numpy()[0])


# WebP: https://developers.google.com/speed/webp/docs/riff_container


def _write_webp(path: Path, info: VideoInfo, encoding: Encoding, read: Read, metadata: Mapping[str, str]) -> None:
    if encoding.quality is None:
        quality = 75
    else:
        quality = webp_quality(encoding.quality) if encoding.quality else _LOSSLESS
    with path.open("wb") as out:
        out.write(b"RIFF\0\0\0\0WEBP")
        animated = b"\x02\0\0\0"
        _chunk(out, b"VP8X", animated + _u24(info.width - 1) + _u24(info.height - 1))
        black_for_ever = b"\0\0\0\xff\0\0"
        _chunk(out, b"ANIM", black_for_ever)
        before: NDArray[np.uint8] | None = None
        for number, picture in enumerate(_pictures(read())):
            whole = before is None or number % _KEY_EVERY == 0
            top, bottom, left, right = (0, info.height, 0, info.width) if whole else _changed(before, picture)
            data = _still(path, picture[top:bottom, left:right], quality)
            place = b"".join(_u24(one) for one in (left // 2, top // 2, right - left - 1, bottom - top - 1))
            time = _start(number + 1, info, 1000) - _start(number, info, 1000)
            replaces = b"\x02"
            _chunk(out, b"ANMF", place + _u24(time) + replaces + data)
            if out.tell() > _RIFF_LIMIT:
                raise MediaError(path, "a WebP holds no more than 4 GB; make the video shorter or smaller.")
            before = picture
        if metadata:
            _chunk(out, WEBP_CHUNK, json.dumps(metadata, ensure_ascii=False).encode())
        size = out.tell() - 8
        out.seek(4)
        out.write(size.to_bytes(4, "little"))


def _changed(before: NDArray[np.uint8] | None, picture: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The rows and columns that hold all changes, from even ones on; a little corner where there are none."""
    differs = (before != picture).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, min(2, len(differs)), 0, min(2, differs.shape[1])
    return int(rows[0]) & ~1, int(rows[-1]) + 1, int(columns[0]) & ~1, int(columns[-1]) + 1


def _still(path: Path, picture: NDArray[np.uint8], quality: int) -> bytes:
    """The picture as the chunks of a WebP, without what goes around them."""
    good, data = cv2.imencode(".webp", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not good:
        raise MediaError(path, f"a frame of {picture.shape[1]}x{picture.shape[0]} cannot be written as WebP.")
    return data.tobytes()[12:]


def _chunk(out: BinaryIO, name: bytes, data: bytes) -> None:
    out.write(name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2))


def _u24(value: int) -> bytes:
    return value.to_bytes(3, "little")


# GIF


def _write_gif(path: Path, info: VideoInfo, encoding: Encoding, read: Read, metadata: Mapping[str, str]) -> None:
    palette = _palette(info, gif_colours(encoding.quality), read)
    painter = _Painter(info, palette, _DITHER[encoding.dither])
    last = {"final_delay": str(_start(info.frames, info, 100) - _start(info.frames - 1, info, 100))}
    with (
        path.open("wb") as file,
        av.open(_WithComments(file, metadata), "w", format="gif", container_options=last) as out,
    ):
        stream = out.add_stream("gif", rate=info.rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = info.width, info.height, "pal8"
        stream.codec_context.time_base = _TICK
        for picture in painter(_pictures(read())):
            out.mux(stream.encode(picture))
        out.mux(stream.encode())


def _palette(info: VideoInfo, colours: int, read: Read) -> VideoFrame:
    """The palette that suits all frames best, a picture of 16x16."""
    graph = Graph()
    source = _buffer(graph, info.width, info.height)
    maker = graph.add("palettegen", max_colors=str(colours), stats_mode="full", reserve_transparent="0")
    sink = graph.add("buffersink")
    source.link_to(maker)
    maker.link_to(sink)
    graph.configure()
    to_filter = _ToFilter()
    for number, picture in enumerate(_pictures(read())):
        source.push(to_filter(cv2.LUT(picture, _COARSE), number))
        # The filter takes what was pushed only when it is asked for a result; else all frames would wait.
        for _ in _ready(sink):
            pass
    source.push(None)
    (made,) = _ready(sink)
    return made


class _Painter:
    """Turns pictures into ones of the palette's colours."""

    def __init__(self, info: VideoInfo, palette: VideoFrame, dither: str) -> None:
        self._info = info
        self._graph = Graph()
        self._pictures = _buffer(self._graph, info.width, info.height)
        colours = _buffer(self._graph, palette.width, palette.height)
        painter = self._graph.add("paletteuse", dither=dither, bayer_scale="3")
        self._sink = self._graph.add("buffersink")
        self._pictures.link_to(painter, 0, 0)
        colours.link_to(painter, 0, 1)
        painter.link_to(self._sink)
        self._graph.configure()
        palette.pts, palette.time_base = 0, _TICK
        colours.push(palette)
        colours.push(None)

    def __call__(self, pictures: Iterator[NDArray[np.uint8]]) -> Iterator[VideoFrame]:
        to_filter = _ToFilter()
        for number, picture in enumerate(pictures):
            self._pictures.push(to_filter(picture, _start(number, self._info, 100)))
            yield from _ready(self._sink)
        self._pictures.push(None)
        yield from _ready(self._sink)


def _ready(sink: FilterContext) -> Iterator[VideoFrame]:
    """The frames that the filters have made so far."""
    while True:
        try:
            found = sink.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(found, VideoFrame)
        found.time_base = _TICK
        yield found


class _ToFilter:
    """Pictures as these filters take them. On one thread, as on several the result is not always the same."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, picture: NDArray[Any], pts: int) -> VideoFrame:
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame = self._reformatter.reformat(frame, format="bgra", threads=1)
        frame.pts, frame.time_base = pts, _TICK
        return frame


def _buffer(graph: Graph, width: int, height: int) -> FilterContext:
    return graph.add_buffer(width=width, height=height, format=VideoFormat("bgra"), time_base=_TICK)


class _WithComments:
    """A file that puts entries as comments `key=value` after the header of the GIF that is written to it.

    FFmpeg writes none itself, and takes one at the end for another frame.
    """

    def __init__(self, file: BinaryIO, metadata: Mapping[str, str]) -> None:
        self._file = file
        self._comments = b"".join(_comment(f"{key}={value}".encode()) for key, value in metadata.items())
        self._head = b""

    def write(self, data: bytes) -> int:
        """Write the next bytes."""
        if not self._comments:
            return self._file.write(data)
        self._head += data
        if len(self._head) > 10:
            flags = self._head[10]
            end = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
            if len(self._head) >= end:
                self._file.write(self._head[:end] + self._comments + self._head[end:])
                self._comments = b""
        return len(data)


def _comment(data: bytes) -> bytes:
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
