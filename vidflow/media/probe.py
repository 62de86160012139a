"""What is in a media file, found without decoding more than its first picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData, Type
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidflow.errors import MediaError
from vidflow.media.container import open_input
from vidflow.media.fields import FieldOrder, field_order

# ITU-T H.273, the names as FFmpeg writes them.
_MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_PRIMARIES |= {10: "smpte428", 11: "smpte431", 12: "smpte432"}
_TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 13: "iec61966-2-1"}
_TRANSFERS |= {14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_RANGES: dict[int, Literal["limited", "full"]] = {1: "limited", 2: "full"}

MOST_PIXELS = 2**26
"""Of one picture of a video: 8192 x 8192, twice those of 8K. What claims more is refused before memory is taken."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How the stored picture is turned for display: first transposed, then mirrored left-right, then top-bottom."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @property
    def degrees(self) -> int:
        """Clockwise, 0 to 270; a mirrored picture counts as the rotation that is left of it."""
        if self.transposed:
            return 90 if self.mirrored else 270
        return 180 if self.flipped else 0


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A picture stream. `width` and `height` are as stored, before `turn`; `depth` is in bits a component.

    `range`, `matrix`, `primaries` and `transfer` are "unspecified" where the file does not say.
    """

    codec: str
    width: int
    height: int
    turn: Turn
    depth: int
    range: Literal["limited", "full", "unspecified"]
    matrix: str
    primaries: str
    transfer: str
    rate: Fraction | None
    """Frames per second as the container says."""
    fields: FieldOrder = "progressive"
    """Whether the first picture is interlaced."""
    transparent: bool = False
    """Whether the first picture is not opaque everywhere, or the file keeps a transparency that is not decoded."""
    sample_aspect: Fraction = Fraction(1)
    """Width to height of one pixel on display."""

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height on display, after `turn`."""
        return (self.height, self.width) if self.turn.transposed else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """A sound stream. `rate` in samples per second; `layout` as FFmpeg names it (`stereo`, `5.1`)."""

    codec: str
    rate: int
    channels: int
    layout: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What is in a media file. `duration` in seconds, as the container says."""

    path: Path
    container: str
    duration: Fraction | None
    picture: PictureInfo | None
    sound: SoundInfo | None


def probe(path: Path) -> MediaInfo:
    """What is in the file at `path`.

    Raises MediaError where it is missing, empty, a folder, no media file, or holds neither pictures nor sound.
    """
    from vidflow.media.webp import animation

    moving = animation(path)
    if moving is not None:
        return moving.about
    with open_input(path) as found:
        pictures, sound = picture_stream(found), sound_stream(found)
        if pictures is None and sound is None:
            raise MediaError(path, "this file holds neither pictures nor sound.")
        return MediaInfo(
            path,
            found.format.name,
            Fraction(found.duration, av.time_base) if found.duration else None,
            _describe(path, found, pictures) if pictures else None,
            describe_sound(sound) if sound else None,
        )


def picture_stream(found: InputContainer) -> VideoStream | None:
    """The pictures that are meant to be watched: not the cover of a song. Of several, the one that FFmpeg takes."""
    return max(picture_streams(found), key=_worth, default=None)


def picture_streams(found: InputContainer) -> list[VideoStream]:
    """All moving pictures that can be decoded."""
    hidden = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = (stream for stream in found.streams.video if stream.codec_context is not None)
    return [stream for stream in streams if not stream.disposition & hidden]


def _worth(stream: VideoStream) -> int:
    # The largest, where none is marked as the one to take; so does the program ffmpeg.
    context = stream.codec_context
    return context.width * context.height + 5_000_000 * bool(stream.disposition & Disposition.default)


def sound_stream(found: InputContainer) -> AudioStream | None:
    """The sound that is meant to be heard."""
    best = found.streams.best("audio")
    return best if isinstance(best, AudioStream) and best.codec_context is not None else None


def describe_sound(stream: AudioStream) -> SoundInfo:
    """What is known of `stream` without decoding it."""
    context = stream.codec_context
    layout = context.layout.name
    if layout.endswith(" channels"):
        # A file that does not say which channel is which (PCM in Matroska): the usual order for that many.
        layout = _LAYOUTS.get(context.channels, layout)
    return SoundInfo(context.codec.canonical_name, context.sample_rate, context.channels, layout)


def _describe(path: Path, found: InputContainer, stream: VideoStream) -> PictureInfo:
    claimed = stream.codec_context
    if claimed.width * claimed.height > MOST_PIXELS:
        raise MediaError(
            path,
            f"its pictures are said to be {claimed.width}x{claimed.height}; expected at most {MOST_PIXELS} pixels.",
        )
    # Only a decoded picture tells its orientation, and its pixel format for certain.
    picture = _first_picture(found, stream)
    if picture is None:
        raise MediaError(path, "none of its pictures can be decoded.")
    context = stream.codec_context
    return PictureInfo(
        codec=context.codec.canonical_name,
        width=picture.width,
        height=picture.height,
        turn=_turn(picture),
        depth=max((component.bits for component in picture.format.components), default=8),
        range=_RANGES.get(picture.color_range, "unspecified"),
        matrix=_MATRICES.get(picture.colorspace, "unspecified"),
        primaries=_PRIMARIES.get(picture.color_primaries, "unspecified"),
        transfer=_TRANSFERS.get(picture.color_trc, "unspecified"),
        rate=stream.average_rate or stream.guessed_rate,
        fields=field_order(picture),
        transparent=stream.metadata.get("alpha_mode") == "1" or _is_transparent(picture),
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
    )


def _is_transparent(picture: VideoFrame) -> bool:
    has_palette = picture.format.has_palette
    if not has_palette and not any(component.is_alpha for component in picture.format.components):
        return False
    deep = any(component.bits > 8 for component in picture.format.components)
    words = np.frombuffer(
        cast("Any", picture.reformat(format="rgba64le" if deep else "rgba").planes[0]), "<u2" if deep else "u1"
    )
    return bool((words[3::4] < np.iinfo(words.dtype).max).any())


def bound(stream: VideoStream) -> None:
    """Let the decoder of `stream` refuse pictures over `MOST_PIXELS`; to be called before it decodes."""
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}


def _first_picture(found: InputContainer, stream: VideoStream) -> VideoFrame | None:
    stream.codec_context.thread_count = 1
    bound(stream)
    try:
        for packet in found.demux(stream):
            try:
                for picture in packet.decode():
                    return picture
            except FFmpegError:
                continue
    except FFmpegError:
        pass
    return None


def _turn(picture: VideoFrame) -> Turn:
    try:
        # The stub takes the container for a mapping of names.
        found = [data for data in cast("Iterable[SideData]", picture.side_data) if data.type == Type.DISPLAYMATRIX]
    except ValueError:
        # PyAV has no name for some kinds (EXIF), and then gives none of them; degrees count to the left.
        return {90: Turn(True, False, True), 180: Turn(False, True, True), 270: Turn(True, True, False)}.get(
            picture.rotation % 360, Turn()
        )
    if not found:
        return Turn()
    # Nine 16.16 numbers: a stored point (x, y) is shown at (a x + c y, b x + d y).
    matrix = np.frombuffer(bytes(found[0]), "<i4")
    a, b, c, d = (int(matrix[place]) for place in (0, 1, 3, 4))
    transposed = abs(c) > abs(a)
    return Turn(transposed, (c if transposed else a) < 0, (b if transposed else d) < 0)
