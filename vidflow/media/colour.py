"""From decoded pictures to RGB arrays, exactly as FFmpeg itself shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from vidflow.media.depth import from_uint16
from vidflow.media.fields import Filter, kind
from vidflow.media.probe import PictureInfo
from vidflow.media.tonemap import tone_map


class ToRgb:
    """Turns decoded pictures of one stream into arrays `[h, w, 3]`, uint8, or float32 in 0..1 for over 8 bits.

    Range and matrix are those of the picture; where it does not say, limited range and BT.601 are taken, as
    FFmpeg's own conversion does. High dynamic range is brought to sRGB (`tone_map`) as float32. Transparency is
    dropped, the colours below it kept. `resized` is called for a picture whose size is not that of the first, which is
    scaled to it. Holds the state of the conversion: one object a stream and thread.
    """

    def __init__(self, info: PictureInfo, resized: Callable[[VideoFrame], None] = lambda picture: None) -> None:
        self._info = info
        self._resized = resized
        self._tones = tone_map(info.transfer, info.primaries)
        self._format, self._type = ("rgb48le", np.uint16) if is_float(info) else ("rgb24", np.uint8)
        self._reformatter = VideoReformatter()
        self._plain: Filter | None = None
        self._kind: tuple[str, int, int] = ("", 0, 0)

    def __call__(self, picture: VideoFrame) -> NDArray[Any]:
        """The picture, turned as the file asks."""
        info = self._info
        if (picture.width, picture.height) != (info.width, info.height):
            self._resized(picture)
        # One thread: at these sizes starting another costs more than it saves, and decoding runs beside.
        rgb = self._reformatter.reformat(
            self._unmarked(picture),
            info.width,
            info.height,
            self._format,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        array = plane(rgb, 0, self._type, 3)
        turn = info.turn
        if turn.transposed:
            array = array.transpose(1, 0, 2)
        if turn.mirrored:
            array = array[:, ::-1]
        if turn.flipped:
            array = array[::-1]
        array = np.ascontiguousarray(array)
        if self._tones is not None:
            return self._tones(array)
        return array if self._type is np.uint8 else from_uint16(array)

    def _unmarked(self, picture: VideoFrame) -> VideoFrame:
        """The same picture without what the conversion would make of two marks.

        For interlaced pictures it would interpolate chroma within each field, and over 8 bits it would move chroma to
        where the file says that it was sampled. The program ffmpeg does neither by itself; and the second would move
        the chroma a little at every save and load, as 8-bit video is converted without it both ways.
        """
        if self._plain is None or self._kind != kind(picture):
            self._kind = kind(picture)
            self._plain = Filter(picture, "setparams", "field_mode=prog:chroma_location=unspecified")
        self._plain.push(picture)
        return self._plain.pull() or picture


def is_float(info: PictureInfo) -> bool:
    """Whether these pictures come as float32."""
    return info.depth > 8 or tone_map(info.transfer, info.primaries) is not None


def plane(picture: VideoFrame, number: int, type: type[np.generic], components: int) -> NDArray[Any]:
    """Plane `number` of `picture` as `[h, w, components]`, without a copy: the array keeps the picture alive."""
    data = picture.planes[number]
    size = np.dtype(type).itemsize
    # A plane is a buffer, though its stub does not say so.
    rows = np.frombuffer(cast("Any", data), type).reshape(data.height, data.line_size // size)
    return rows[:, : data.width * components].reshape(data.height, data.width, components)
