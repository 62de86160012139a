"""The store's lossless form of a short run of frames."""

from __future__ import annotations

import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.colour import plane
from vidflow.media.container import reporting
from vidflow.media.depth import from_uint16, round16, to_steps
from vidflow.values import Frames, VideoInfo

__all__ = ["read_segment", "round16", "write_segment"]

# MagicYUV, each frame on its own: six times as fast as FFV1 for a third more bytes, and a packet says of itself how it
# is to be read. It has 8 bits: 16-bit frames are two pictures, the high bytes and then the low ones.
_CODEC = "magicyuv"
_MAGIC = b"vidflow segment 1\n"


def write_segment(path: Path, frames: Frames) -> None:
    """Write `frames` to `path`: uint8 exactly, float32 rounded to 16 bits (see `round16`).

    The file is a line that names its form, a line of JSON (size and checksum of each packet), and the packets.
    Raises MediaError where it cannot be written.
    """
    deep = frames[0].dtype != "uint8"
    height, width = frames[0].shape[:2]
    high, low = _Encoder(width, height, "gradient"), _Encoder(width, height, "left")
    packets: list[bytes] = []
    for frame in frames:
        array = Frames([frame]).numpy()[0]
        if deep:
            steps = to_steps(array, 16)
            packets += [high((steps >> 8).astype(np.uint8)), low(steps.astype(np.uint8))]
        else:
            packets.append(high(array))
    head = {
        "width": width,
        "height": height,
        "frames": len(frames),
        "deep": deep,
        "packets": [[len(packet), zlib.crc32(packet)] for packet in packets],
    }
    line = json.dumps(head, separators=(",", ":")).encode()
    with reporting(path, "cannot be written"), path.open("wb") as out:
        out.write(_MAGIC + b"%08x " % zlib.crc32(line) + line + b"\n")
        out.writelines(packets)


def read_segment(path: Path, start: int, stop: int, info: VideoInfo) -> Frames:
    """Frames `start` to `stop` of the segment at `path`, of a video as `info` describes it.

    Raises MediaError where the segment is missing, damaged, or of another video, and IndexError for a range outside.
    """
    with reporting(path), path.open("rb") as file:
        sizes, deep = _head(path, file.read(len(_MAGIC)) + file.readline(), info)
        each = 2 if deep else 1
        if not 0 <= start <= stop <= len(sizes) // each:
            raise IndexError(f"frames {start} to {stop} of a segment of {len(sizes) // each}")
        file.seek(sum(size for size, _ in sizes[: start * each]), 1)
        decoder, pictures = _Decoder(info.width, info.height), list[Any]()
        for size, checksum in sizes[start * each : stop * each]:
            data = file.read(size)
            if len(data) != size or zlib.crc32(data) != checksum:
                raise MediaError(path, "this segment is damaged.")
            pictures.append(decoder(data))
    if deep:
        pairs = zip(pictures[::2], pictures[1::2], strict=True)
        return Frames([from_uint16(_bytes_together(high, low)) for high, low in pairs])
    return Frames(pictures)


def _head(path: Path, found: bytes, info: VideoInfo) -> tuple[list[tuple[int, int]], bool]:
    line = found.removeprefix(_MAGIC)
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if line == found or checksum != b"%08x" % zlib.crc32(text):
        raise MediaError(path, "this is no whole segment of a video.")
    head = json.loads(text)
    deep = info.dtype == "float32"
    if (head["width"], head["height"], head["deep"]) != (info.width, info.height, deep):
        raise MediaError(path, f"this segment is not of a {info.dtype} video of {info.width}x{info.height}.")
    return [(size, checksum) for size, checksum in head["packets"]], deep


def _bytes_together(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    both = high.astype(np.uint16)
    both <<= 8
    both |= low
    return both


def _context(mode: Any, width: int, height: int) -> VideoCodecContext:
    context = av.CodecContext.create(_CODEC, mode)
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "gbrp"
    # Threads within a frame: threads across frames would keep frames back.
    context.thread_type = "SLICE"
    return context


class _Encoder:
    """Frames `[h, w, 3]` uint8 to packets, one each. Of noise, as low bytes are, only `left` makes no more work."""

    def __init__(self, width: int, height: int, prediction: str) -> None:
        self._context = _context("w", width, height)
        self._context.options, self._context.time_base = {"pred": prediction}, Fraction(1)
        self._reformatter = VideoReformatter()
        self._count = 0

    def __call__(self, frame: NDArray[np.uint8]) -> bytes:
        picture = VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), "rgb24")
        picture = self._reformatter.reformat(picture, format="gbrp", threads=1)
        picture.pts, self._count = self._count, self._count + 1
        picture.time_base = self._context.time_base
        (packet,) = self._context.encode(picture)
        return bytes(packet)


class _Decoder:
    """The reverse."""

    def __init__(self, width: int, height: int) -> None:
        self._context = _context("r", width, height)
        self._reformatter = VideoReformatter()

    def __call__(self, data: bytes) -> NDArray[np.uint8]:
        (picture,) = self._context.decode(Packet(data))
        rgb = self._reformatter.reformat(picture, format="rgb24", threads=1)
        return np.ascontiguousarray(plane(rgb, 0, np.uint8, 3))
