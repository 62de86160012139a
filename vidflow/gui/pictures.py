"""Frames as pictures of the screen: in 8 bits, and scaled down fast enough to follow a film."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QImage


def eight_bit(frame: Any) -> Any:
    """A frame as it is shown: uint8 `[height, width, 3]`, in one piece."""
    import numpy as np

    if frame.dtype != np.uint8:
        frame = np.rint(np.clip(frame, 0, 1) * np.float32(255)).astype(np.uint8)
    return np.ascontiguousarray(frame)


def scaled_down(frame: Any, width: int, height: int) -> Any:
    """A uint8 frame `[h, w, 3]` at a smaller size.

    Halved as often as that goes, each pixel the mean of four, then interpolated: a sixth of the time that a mean over
    odd areas takes.
    """
    import cv2

    high, wide, _ = frame.shape
    while wide >= 2 * width and high >= 2 * height and not (wide % 2 or high % 2):
        wide, high = wide // 2, high // 2
        frame = cv2.resize(frame, (wide, high), interpolation=cv2.INTER_AREA)
    if (wide, high) == (width, height):
        return frame
    close = wide <= 2 * width and high <= 2 * height
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR if close else cv2.INTER_AREA)


def within(frame: Any, width: float, height: float) -> Any:
    """A uint8 frame scaled down, if it is larger, to lie within a size that it fills in one direction."""
    high, wide, _ = frame.shape
    scale = min(width / wide, height / high)
    return frame if scale >= 1 else scaled_down(frame, max(1, round(wide * scale)), max(1, round(high * scale)))


def image_of(frame: Any) -> QImage:
    """A view of a uint8 frame's memory, to be used while the frame is held."""
    height, width, _ = frame.shape
    return QImage(frame.data, width, height, frame.strides[0], QImage.Format.Format_RGB888)
