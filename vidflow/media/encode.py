"""Encoding a video in closed parts, which can be joined without encoding again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidflow import courtesy
from vidflow.errors import MediaError
from vidflow.media.codecs import CODECS, Encoding, bits, encoding_problem, setup
from vidflow.media.container import reporting
from vidflow.media.depth import to_steps, to_uint8
from vidflow.values import Frames, VideoInfo

_BT709 = 1
_EARLY = 16
"""Frames; both codecs that reorder keep back no more."""


class PartWriter:
    """Encodes frames into one closed part: it starts at a key frame, leans on no other part, and can be joined.

    All codecs but ffv1 are written in BT.709, limited range, and tagged so, with 4:2:0 chroma (ProRes 4:2:2) that is
    the mean of the pixels it stands for. h264 and hevc become 4:4:4 where width or height is odd, because only that can
    hold such a size there; ProRes becomes 4444 where the width is. Frames of a float video are rounded to the depth
    of the file, without dither. ffv1 stores RGB, so frames come back as they were (rounded to `depth` bits). The same
    frames give the same bytes each time, however they are batched.
    """

    def __init__(self, path: Path, info: VideoInfo, encoding: Encoding) -> None:
        """Raises MediaError where `path` cannot be written, or pictures of this kind cannot be encoded so."""
        if CODECS[encoding.codec].part_format is None:
            raise ValueError(f"{encoding.codec} is not encoded in parts")
        wrong = encoding_problem(info, encoding)
        if wrong:
            raise MediaError(path, wrong)
        self._path = path
        self._info = info
        self._count = self._written = 0
        self._reorders = CODECS[encoding.codec].reorders
        self._closed = False
        self._reformatter = VideoReformatter()
        self._bits = bits(info, encoding)
        self._rgb = encoding.codec == "ffv1"
        with reporting(path, "cannot be written"):
            self._out = av.open(str(path.absolute()), "w", format=CODECS[encoding.codec].part_format)
            self._stream = _add_pictures(self._out, info, encoding)
            # Opens the file and the encoder now, so that what is wrong with either is known before a frame is made.
            courtesy.opened(self._out.start_encoding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, frames: Frames) -> None:
        """Encode `frames` after those that came before. Raises MediaError where the disk is full or the size wrong."""
        with reporting(self._path, "cannot be written"):
            for frame in frames:
                self._mux(self._stream.encode(self._picture(_array(frame))))

    def close(self) -> None:
        """Finish the part. Raises MediaError where it cannot be written or holds no frame."""
        if self._closed:
            return
        if not self._count:
            self.abandon()
            raise MediaError(self._path, "a part of a video needs at least one frame.")
        self._closed = True
        with reporting(self._path, "cannot be written"):
            try:
                self._mux(self._stream.encode())
            finally:
                self._out.close()

    def abandon(self) -> None:
        """Let go of the file without finishing it."""
        if not self._closed:
            self._closed = True
            try:
                self._out.close()
            except (FFmpegError, OSError):
                # The part is thrown away; that it cannot be finished is no news.
                pass

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if self._reorders:
                # x265 now and then gives no decoding time, or a wrong one, in a part of a few frames. Joining counts
                # them anew, so that here they need only be early enough.
                packet.dts = self._written - _EARLY
            self._written += 1
            self._out.mux_one(packet)

    def _picture(self, frame: NDArray[Any]) -> VideoFrame:
        info = self._info
        if frame.shape[:2] != (info.height, info.width):
            size = f"{frame.shape[1]}x{frame.shape[0]}"
            raise MediaError(self._path, f"a frame is {size}, expected {info.width}x{info.height}.")
        if self._bits == 8 or (frame.dtype == np.uint8 and not self._rgb):
            picture = VideoFrame.from_numpy_buffer(_rows(to_uint8(frame)), "rgb24")
        elif self._bits == 16 or not self._rgb:
            picture = VideoFrame.from_numpy_buffer(_rows(to_steps(frame, 16)), "rgb48le")
        else:
            picture = VideoFrame.from_ndarray(to_steps(frame, self._bits), f"gbrp{self._bits}le")
        picture = self._converted(picture)
        picture.pts, picture.time_base = self._count, 1 / info.rate
        self._count += 1
        return picture

    def _converted(self, picture: VideoFrame) -> VideoFrame:
        # One thread: the encoder keeps the other cores busy, and on several the conversion to 10 bits gives other
        # pixels each time. Area is the mean of each 2x2 block: as near to the exact one as rounding allows, at the
        # price of bilinear.
        if self._rgb:
            return self._reformatter.reformat(picture, format=self._stream.pix_fmt, threads=1)
        return self._reformatter.reformat(
            picture,
            format=self._stream.pix_fmt,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            # ProRes says of each frame what its colours are.
            dst_color_primaries=_BT709,
            dst_color_trc=_BT709,
            interpolation=Interpolation.AREA,
            threads=1,
        )


def unavailable(info: VideoInfo, encoding: Encoding) -> str | None:
    """Why the encoder cannot be opened on this machine, or None. Only NVENC can be missing."""
    if encoding.encoder == "software":
        return None
    made = setup(info, encoding)
    try:
        context = av.CodecContext.create(made.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = info.width, info.height, made.pixels
        context.time_base, context.options = 1 / info.rate, made.options
        context.open()
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"NVENC cannot encode {encoding.codec} on this machine ({reason}); choose the encoder `software`."
    return None


def _add_pictures(out: OutputContainer, info: VideoInfo, encoding: Encoding) -> VideoStream:
    made = setup(info, encoding)
    stream = out.add_stream(made.name, rate=info.rate)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    # As FFmpeg does: as many threads as the encoder likes, each with a frame of its own (x264) rather than a slice.
    context.thread_type, context.thread_count = "AUTO", 0
    context.width, context.height, context.time_base = info.width, info.height, 1 / info.rate
    context.pix_fmt, context.options = made.pixels, made.options
    if made.tag:
        context.codec_tag = made.tag
    if encoding.codec != "ffv1":
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = _BT709, _BT709
    return stream


def _array(frame: Any) -> NDArray[Any]:
    return Frames([frame]).numpy()[0]


def _rows(frame: NDArray[Any]) -> NDArray[Any]:
    """`frame` with its pixels side by side in each row, as FFmpeg asks; copied only where they are not."""
    size = frame.itemsize
    return frame if frame.strides[1:] == (3 * size, size) and frame.strides[0] > 0 else np.ascontiguousarray(frame)
