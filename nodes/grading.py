"""The look of a picture: exposure, white balance, contrast, saturation, LUT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vidflow.api import AnyVideo, File, Number, VideoInfo, node

from .cube import Cube, CubeFilter, read_cube

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in the brightness of a colour (ITU-R BT.709)."""
GREY = 0.461356
"""sRGB of a surface that reflects 18 % of the light."""
ROWS = 32
"""A frame is worked on in strips of so many rows, whose floats stay in the processor's cache."""


@node(title="Grade", category="Colour")
def grade(
    video: AnyVideo,
    *,
    exposure: Annotated[float, Number(-4, 4, step=0.05, unit="stops")] = 0.0,
    contrast: Annotated[float, Number(0, 4, step=0.02)] = 1.0,
    saturation: Annotated[float, Number(0, 4, step=0.02), "0 is black and white"] = 1.0,
    temperature: Annotated[float, Number(-1, 1, step=0.02), "warmer above 0, cooler below"] = 0.0,
    tint: Annotated[float, Number(-1, 1, step=0.02), "more magenta above 0, greener below"] = 0.0,
    lut: Annotated[str | None, File("any"), "a .cube file"] = None,
) -> AnyVideo:
    """Change the look of the picture. At its defaults it changes nothing.

    In this order, without clipping in between: `exposure` multiplies the light by 2**exposure; `temperature` and
    `tint` multiply red, green and blue light by 2**(temperature/2), 2**(-tint/2) and 2**(-temperature/2), and keep the
    brightness of grey; `contrast` moves values away from middle grey (18 % of the light, 0.46 in sRGB):
    (value - 0.46) * contrast + 0.46; `saturation` moves colours away from grey of the same brightness:
    grey + (value - grey) * saturation. The last is the look-up table `lut` (1D or 3D), which holds what it is given
    to its domain.
    """
    if (exposure, temperature, tint, contrast, saturation, lut) == (0, 0, 0, 1, 1, None):
        return video
    cube = read_cube(Path(lut)) if lut is not None else None
    curve = _curve(_gains(exposure, temperature, tint), contrast)
    info = video.info
    if info.dtype == "float32":
        part = _of_floats(curve, _matrix(saturation, cube, 1))
    elif cube is None:
        part = _of_bytes(curve, _matrix(saturation, None, 255), "uint8")
    else:
        part = _of_bytes(curve, _matrix(saturation, cube, 65535), "uint16")
    return video.map(_whole(part) if cube is None else _looked_up(part, cube, info))


Make = Callable[[Any], Any]


def _gains(exposure: float, temperature: float, tint: float) -> NDArray[np.float64] | None:
    """What red, green and blue light is multiplied by; None where that is nothing."""
    import numpy as np

    if (exposure, temperature, tint) == (0, 0, 0):
        return None
    balance = np.exp2(np.array([temperature, -tint, -temperature]) / 2)
    return balance / (balance @ LUMA) * 2.0**exposure


def _curve(gains: NDArray[np.float64] | None, contrast: float) -> Make:
    """What happens to each channel by itself, as a function of values `[..., 3]` in 0..1; the result is not clipped.

    The curve between values and light is that of sRGB (IEC 61966-2-1, 1999), carried on above 1.
    """
    import numpy as np

    def curve(values: Any) -> Any:
        if gains is not None:
            light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
            light *= gains.astype(values.dtype)
            values = np.where(light <= 0.0031308, light * 12.92, light ** (1 / 2.4) * 1.055 - 0.055)
        return values if contrast == 1 else (values - GREY) * contrast + GREY

    return curve


def _matrix(saturation: float, cube: Cube | None, top: int) -> NDArray[np.float32] | None:
    """What mixes the channels, `[3, 4]`, of values in 0..`top`: saturation, then from the LUT's domain to 0..`top`."""
    import numpy as np

    mixed = np.hstack([saturation * np.eye(3) + (1 - saturation) * np.array([LUMA] * 3), np.zeros((3, 1))])
    if cube is not None:
        low, high = np.array(cube.low), np.array(cube.high)
        mixed /= (high - low)[:, None]
        mixed[:, 3] = -low / (high - low) * top
    return None if np.array_equal(mixed, np.eye(3, 4)) else mixed.astype(np.float32)


def _of_bytes(curve: Make, matrix: NDArray[np.float32] | None, depth: str) -> Make:
    """A function of uint8 pixels that gives pixels of `depth`, of all its range."""
    import cv2
    import numpy as np

    top = np.iinfo(depth).max
    table = curve(np.repeat(np.arange(256)[None, :, None] / 255, 3, axis=2)) * top
    if matrix is None:
        table = np.rint(table.clip(0, top)).astype(depth)
        return lambda part: cv2.LUT(part, table)
    table = table.astype(np.float32)
    code = cv2.CV_8U if depth == "uint8" else cv2.CV_16U

    def mixed(part: Any) -> Any:
        values = cv2.transform(cv2.LUT(part, table), matrix)
        # A sum with nothing: what OpenCV rounds and clips fastest.
        return cv2.addWeighted(values, 1, values, 0, 0, dtype=code)

    return mixed


def _of_floats(curve: Make, matrix: NDArray[np.float32] | None) -> Make:
    """A function of float32 pixels that gives such, clipped to 0..1."""
    import cv2
    import numpy as np

    def graded(part: Any) -> Any:
        values = curve(part)
        # These take the number where the other is NaN, which no table has a place for.
        return np.fmin(np.fmax(values if matrix is None else cv2.transform(values, matrix), 0), 1)

    return graded


def _strips(frame: Any) -> list[slice]:
    return [slice(row, row + ROWS) for row in range(0, len(frame), ROWS)]


def _whole(part: Make) -> Make:
    """A function of frames from one of their strips."""
    import numpy as np

    def graded(frame: Any) -> Any:
        out = np.empty_like(frame)
        for rows in _strips(frame):
            out[rows] = part(frame[rows])
        return out

    return graded


def _looked_up(part: Make, cube: Cube, info: VideoInfo) -> Make:
    """A function of frames from one of their strips, with the LUT at the end."""
    import cv2
    import numpy as np

    eight = info.dtype == "uint8"
    look = CubeFilter(cube, info.width, info.height, "uint16" if eight else "float32")

    def graded(frame: Any) -> Any:
        given = look.blank()
        planes = look.planes(given)
        for rows in _strips(frame):
            values = part(frame[rows])
            for channel, plane in enumerate(planes):
                cv2.extractChannel(values, channel, plane[rows])
        found = look.planes(look.apply(given))
        if eight:
            return cv2.merge([cv2.convertScaleAbs(plane, alpha=255 / 65535) for plane in found])
        return np.clip(cv2.merge(found), 0, 1)

    return graded
