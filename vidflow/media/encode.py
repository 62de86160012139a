"""Encoding a video in closed parts, and joining them into one file without encoding again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import open_input, reporting
from vidflow.media.depth import to_steps, to_uint8
from vidflow.media.probe import picture_stream
from vidflow.media.resample import convert
from vidflow.values import Audio, AudioReader, Frames, VideoInfo

Codec = Literal["h264", "ffv1"]

_SUFFIXES: dict[Codec, tuple[str, ...]] = {"h264": (".mp4", ".mov", ".mkv"), "ffv1": (".mkv",)}
_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
# Matroska parts lose the decoding times that B-frames need.
_PART_FORMATS: dict[Codec, str] = {"h264": "mp4", "ffv1": "matroska"}
_AAC_RATES = frozenset({96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350})
_AAC_BITS = {"mono": 96_000, "stereo": 192_000, "5.1": 384_000}
# What an mp4 file has a box of its own for; other keys need the freer kind of metadata.
_MP4_KEYS = frozenset({"title", "artist", "album", "comment", "copyright", "date", "description", "genre", "synopsis"})
_BT709 = 1
H264_LIMIT = 16384
"""Pixels: width and height must be less."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a video is encoded.

    `quality` is the CRF (h264 only); `preset` trades speed for size (h264 only). `depth` is in bits a component: h264
    always has 8; ffv1 has 8, 10 or 16, by default 8 for a uint8 video and 16 for a float one.
    """

    codec: Codec = "h264"
    quality: int | None = 18
    preset: str = "medium"
    depth: int | None = None


def suffixes(codec: Codec) -> tuple[str, ...]:
    """The file suffixes that `codec` can be written to, in lower case with the dot."""
    return _SUFFIXES[codec]


class PartWriter:
    """Encodes frames into one closed part: it starts at a key frame, leans on no other part, and can be joined.

    h264 is written in BT.709, limited range, and tagged so: 4:2:0 with the chroma of each 2x2 block at its centre
    (its mean), or 4:4:4 where width or height is odd, because only that can hold such a size. Frames of a float video
    are rounded to 8 bits, without dither. ffv1 stores RGB, so frames come back as they were (rounded to `depth` bits).
    """

    def __init__(self, path: Path, info: VideoInfo, encoding: Encoding) -> None:
        """Raises MediaError where `path` cannot be written."""
        self._path = path
        self._info = info
        self._encoding = encoding
        self._count = 0
        self._closed = False
        self._reformatter = VideoReformatter()
        self._bits = _bits(info, encoding)
        if encoding.codec == "h264" and max(info.width, info.height) >= H264_LIMIT:
            size = f"{info.width}x{info.height}"
            raise MediaError(path, f"h264 cannot hold pictures of {size}; make them smaller, or use ffv1.")
        with reporting(path, "cannot be written"):
            self._out = av.open(str(path.absolute()), "w", format=_PART_FORMATS[encoding.codec])
            self._stream = _add_pictures(self._out, info, encoding)
            # Opens the file and the encoder now, so that what is wrong with either is known before a frame is made.
            self._out.start_encoding()

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
                self._out.mux(self._stream.encode(self._picture(_array(frame))))

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
                self._out.mux(self._stream.encode())
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

    def _picture(self, frame: NDArray[Any]) -> VideoFrame:
        info = self._info
        if frame.shape[:2] != (info.height, info.width):
            size = f"{frame.shape[1]}x{frame.shape[0]}"
            raise MediaError(self._path, f"a frame is {size}, expected {info.width}x{info.height}.")
        if self._bits == 8:
            picture = VideoFrame.from_numpy_buffer(_rows(to_uint8(frame)), "rgb24")
        elif self._bits == 16:
            picture = VideoFrame.from_numpy_buffer(_rows(to_steps(frame, 16)), "rgb48le")
        else:
            picture = VideoFrame.from_ndarray(to_steps(frame, self._bits), f"gbrp{self._bits}le")
        picture = self._converted(picture)
        picture.pts, picture.time_base = self._count, 1 / info.rate
        self._count += 1
        return picture

    def _converted(self, picture: VideoFrame) -> VideoFrame:
        # Area is the mean of each 2x2 block: as near to the exact one as rounding allows, at the price of bilinear.
        # One thread: the encoder keeps the other cores busy.
        if self._encoding.codec != "h264":
            return self._reformatter.reformat(picture, format=self._stream.pix_fmt, threads=1)
        return self._reformatter.reformat(
            picture,
            format=self._stream.pix_fmt,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )


def join(
    parts: Sequence[Path],
    target: Path,
    info: VideoInfo,
    encoding: Encoding,
    audio: Audio | None = None,
    metadata: Mapping[str, str] | None = None,
    suffix: str | None = None,
) -> None:
    """Write the `parts`, one after the other and without encoding them again, and `audio` to `target`.

    The container follows from `suffix`, by default that of `target`. Frame k is at exactly k / rate (Matroska rounds
    to milliseconds). The sound becomes AAC (192 kb/s in stereo), beside ffv1 uncompressed float samples. Holds no more
    than a few packets at a time. Raises MediaError where a part is damaged or `target` cannot be written.
    """
    kind = (suffix or target.suffix).lower()
    if kind not in suffixes(encoding.codec):
        raise MediaError(target, f"{encoding.codec} is written as {', '.join(suffixes(encoding.codec))}, not {kind!r}.")
    notes = dict(metadata or {})
    flags = "+faststart" if notes.keys() <= _MP4_KEYS else "+faststart+use_metadata_tags"
    with ExitStack() as stack:
        first = stack.enter_context(open_input(parts[0]))
        template = picture_stream(first)
        if template is None:
            raise MediaError(parts[0], "this part holds no pictures.")
        stack.enter_context(reporting(target, "cannot be written"))
        options = {} if kind == ".mkv" else {"movflags": flags}
        out = av.open(str(target.absolute()), "w", format=_FORMATS[kind], container_options=options)
        stack.callback(out.close)
        out.metadata.update(notes)
        stream = out.add_stream_from_template(template, opaque=True)
        delay = 0 if encoding.codec == "ffv1" else template.codec_context.reorder_depth
        track = None
        if audio is not None and audio.info.samples:
            track = stack.enter_context(_SoundTrack(out, audio, lossless=encoding.codec == "ffv1"))
        for packet, at in _packets(parts, info, delay):
            packet.stream = stream
            if track:
                track.encode_until(at)
            out.mux(packet)
        if track:
            track.finish()


def _packets(parts: Sequence[Path], info: VideoInfo, delay: int) -> Iterator[tuple[Packet[VideoStream], Fraction]]:
    """Every packet with its times in the whole, and that time in seconds.

    Packets come in the order of decoding, so the decoding time of the n-th is n less the delay that reordering needs;
    that of a part alone would depend on how short it is.
    """
    tick = 1 / info.rate
    number = start = 0
    for path in parts:
        with open_input(path) as found:
            stream = picture_stream(found)
            if stream is None:
                raise MediaError(path, "this part holds no pictures.")
            for packet in found.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None:
                    raise MediaError(path, "this part is damaged: a frame of it has no time.")
                own = number - start if delay == 0 else round(packet.pts * packet.time_base * info.rate)
                packet.time_base = tick
                packet.pts, packet.dts, packet.duration = start + own, number - delay, 1
                yield packet, (number - delay) * tick
                number += 1
        start = number
    if number != info.frames:
        raise MediaError(parts[-1], f"the parts hold {number} frames, expected {info.frames}.")


class _SoundTrack:
    """The sound of a file while it is being written: encoded as far as the pictures have come."""

    def __init__(self, out: OutputContainer, audio: Audio, lossless: bool) -> None:
        self._out = out
        self._audio = audio if lossless else convert(audio, *_aac_kind(audio))
        self._layout = self._audio.info.layout
        self._at = 0
        name = "pcm_f32le" if lossless else "aac"
        self._stream = out.add_stream(name, rate=self._audio.info.rate)
        self._stream.codec_context.layout = self._layout
        self._stream.codec_context.time_base = Fraction(1, self._audio.info.rate)
        self._format = "flt" if lossless else "fltp"
        self._stream.codec_context.format = self._format
        if not lossless:
            self._stream.codec_context.bit_rate = _AAC_BITS[self._layout]

    def __enter__(self) -> Self:
        self._reader: AudioReader = self._audio.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def encode_until(self, seconds: Fraction) -> None:
        """Encode what sounds before `seconds`, in steps of 1024 samples, the length of an AAC frame."""
        info = self._audio.info
        while self._at < info.samples and self._at < seconds * info.rate:
            stop = min(self._at + 1024, info.samples)
            samples = self._reader.read(self._at, stop)
            packed = samples.T if self._format == "fltp" else samples.reshape(1, -1)
            frame = AudioFrame.from_ndarray(packed.copy(), format=self._format, layout=self._layout)
            frame.sample_rate, frame.time_base, frame.pts = info.rate, Fraction(1, info.rate), self._at
            self._out.mux(self._stream.encode(frame))
            self._at = stop

    def finish(self) -> None:
        """Encode the rest."""
        self.encode_until(self._audio.info.duration + 1)
        self._out.mux(self._stream.encode())


def _aac_kind(audio: Audio) -> tuple[int, str]:
    """The rate and layout nearest to those of `audio` that AAC is played in everywhere."""
    info = audio.info
    rate = info.rate if info.rate in _AAC_RATES else 48000
    layout = info.layout if info.layout in _AAC_BITS else "mono" if info.channels == 1 else "stereo"
    return rate, "5.1" if info.layout.startswith(("5.1", "7.1")) else layout


def _bits(info: VideoInfo, encoding: Encoding) -> int:
    if encoding.codec == "h264":
        return 8
    return encoding.depth or (8 if info.dtype == "uint8" else 16)


def _add_pictures(out: OutputContainer, info: VideoInfo, encoding: Encoding) -> VideoStream:
    stream = out.add_stream("libx264" if encoding.codec == "h264" else "ffv1", rate=info.rate)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    # As FFmpeg does: as many threads as the encoder likes, each with a frame of its own (x264) rather than a slice.
    context.thread_type, context.thread_count = "AUTO", 0
    context.width, context.height, context.time_base = info.width, info.height, 1 / info.rate
    if encoding.codec == "ffv1":
        # bgr0 is how FFV1 stores 8-bit RGB. Slices let it use several cores; each carries a checksum.
        context.pix_fmt = {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"}[_bits(info, encoding)]
        context.options = {
            "level": "3",
            "g": "1",
            "slices": "16" if min(info.width, info.height) >= 4 else "1",
            "slicecrc": "1",
        }
        return stream
    odd = info.width % 2 or info.height % 2
    context.pix_fmt = "yuv444p" if odd else "yuv420p"
    context.color_range, context.colorspace = ColorRange.MPEG, _BT709
    context.color_primaries, context.color_trc = _BT709, _BT709
    # The AVX-512 form of one step of x264's rate control reads memory that nobody wrote: at widths that are no multiple
    # of 128 the same frames gave other bytes each time, on one thread too. This asks for the form that is the same on
    # every processor, at no cost that could be measured.
    settings = ["cpu-independent=1"]
    if not odd:
        # H.264's number for the centre of the block.
        settings.append("chromaloc=1")
    context.options = {"preset": encoding.preset, "x264-params": ":".join(settings)}
    if encoding.quality is not None:
        context.options |= {"crf": str(encoding.quality)}
    return stream


def _array(frame: Any) -> NDArray[Any]:
    return Frames([frame]).numpy()[0]


def _rows(frame: NDArray[Any]) -> NDArray[Any]:
    """`frame` with its pixels side by side in each row, as FFmpeg asks; copied only where they are not."""
    size = frame.itemsize
    return frame if frame.strides[1:] == (3 * size, size) and frame.strides[0] > 0 else np.ascontiguousarray(frame)
