"""The size of the picture: resize, crop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from vidflow.api import AnyVideo, NodeError, Number, node

Fit = Literal["stretch", "contain", "cover"]
Filter = Literal["bilinear", "bicubic", "lanczos", "area"]
Pixels = Annotated[int | None, Number(1, 16384, unit="px")]


@node(title="Resize", category="Shape")
def resize(
    video: AnyVideo,
    *,
    width: Pixels = None,
    height: Pixels = None,
    fit: Fit = "stretch",
    filter: Filter = "bicubic",
) -> AnyVideo:
    """Scale the picture to `width` x `height`; with one of them empty, in proportion.

    `stretch` fills the size, `contain` keeps the proportions inside black bars, `cover` keeps them and cuts off what
    stands out.
    """
    old_width, old_height = video.info.width, video.info.height
    new_width = width or (round(old_width * height / old_height) if height else old_width) or 1
    new_height = height or (round(old_height * width / old_width) if width else old_height) or 1
    if (new_width, new_height) == (old_width, old_height):
        return video
    make = fitted(old_width, old_height, new_width, new_height, fit, filter)
    return video.map(make, width=new_width, height=new_height)


def fitted(old_width: int, old_height: int, width: int, height: int, fit: Fit, filter: Filter) -> Callable[[Any], Any]:
    """A function that brings a frame of the old size to the new one."""
    import cv2
    import numpy as np

    flag = {
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "lanczos": cv2.INTER_LANCZOS4,
        "area": cv2.INTER_AREA,
    }[filter]
    if fit == "stretch":
        return lambda frame: cv2.resize(frame, (width, height), interpolation=flag)
    pick = min if fit == "contain" else max
    scale = pick(width / old_width, height / old_height)
    inner_width, inner_height = max(1, round(old_width * scale)), max(1, round(old_height * scale))
    left, top = abs(width - inner_width) // 2, abs(height - inner_height) // 2

    def contain(frame: Any) -> Any:
        canvas = np.zeros((height, width, 3), frame.dtype)
        scaled = cv2.resize(frame, (inner_width, inner_height), interpolation=flag)
        canvas[top : top + inner_height, left : left + inner_width] = scaled
        return canvas

    def cover(frame: Any) -> Any:
        scaled = cv2.resize(frame, (inner_width, inner_height), interpolation=flag)
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])

    return contain if fit == "contain" else cover


@node(title="Crop", category="Shape")
def crop(
    video: AnyVideo,
    *,
    left: Annotated[int, Number(0, unit="px")] = 0,
    top: Annotated[int, Number(0, unit="px")] = 0,
    width: Pixels = None,
    height: Pixels = None,
) -> AnyVideo:
    """Cut a rectangle out of the picture; with an empty width or height, up to the edge."""
    old_width, old_height = video.info.width, video.info.height
    right = left + width if width else old_width
    bottom = top + height if height else old_height
    if left >= right or top >= bottom or right > old_width or bottom > old_height:
        raise NodeError(
            f"the rectangle {right - left}x{bottom - top} at {left}, {top} does not lie in the picture of "
            f"{old_width}x{old_height}; make it smaller or move it."
        )
    import numpy as np

    return video.map(
        lambda frame: np.ascontiguousarray(frame[top:bottom, left:right]), width=right - left, height=bottom - top
    )
