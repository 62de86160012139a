"""From decoded pictures to RGB arrays, exactly as FFmpeg itself shows them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from vidflow.media.depth import from_uint16
from vidflow.media.probe import PictureInfo


class ToRgb:
    """Turns decoded pictures of one stream into arrays `[h, w, 3]`, uint8, or float32 in 0..1 for over 8 bits.

    Range and matrix are those of the picture; where it does not say, limited range and BT.601 are taken, as
    FFmpeg's own conversion does. Holds the state of the conversion: one object a stream and thread.
    """

    def __init__(self, info: PictureInfo) -> None:
        self._info = info
        self._format, self._type = ("rgb48le", np.uint16) if info.depth > 8 else ("rgb24", np.uint8)
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> NDArray[Any]:
        """The picture, turned as the file asks; a picture whose size changed on the way is scaled to the first's."""
        info = self._info
        # One thread: at these sizes starting another costs more than it saves, and decoding runs beside.
        rgb = self._reformatter.reformat(
            picture, info.width, info.height, self._format, interpolation=Interpolation.BICUBIC, threads=1
        )
        array = plane(rgb, 0, self._type, 3)
        turn = info.turn
        if turn.transposed:
            array = array.transpose(1, 0, 2)
        if turn.mirrored:
            array = array[:, ::-1]
        if turn.flipped:
            array = array[::-1]
        return np.ascontiguousarray(array) if self._type is np.uint8 else from_uint16(np.ascontiguousarray(array))


def plane(picture: VideoFrame, number: int, type: type[np.generic], components: int) -> NDArray[Any]:
    """Plane `number` of `picture` as `[h, w, components]`, without a copy: the array keeps the picture alive."""
    data = picture.planes[number]
    size = np.dtype(type).itemsize
    # A plane is a buffer, though its stub does not say so.
    rows = np.frombuffer(cast("Any", data), type).reshape(data.height, data.line_size // size)
    return rows[:, : data.width * components].reshape(data.height, data.width, components)
