"""The only conversions between whole-number and float pixels, so that every path gives the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_uint8(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """`frame` as uint8: floats in 0..1 are clipped and rounded to the nearest of 255 steps, without dither."""
    return frame if frame.dtype == np.uint8 else _rounded(frame, 255).astype(np.uint8)


def to_steps(frame: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """`frame` (uint8, or float in 0..1) as whole numbers of `bits` bits in uint16."""
    if frame.dtype == np.uint8:
        frame = frame.astype(np.float32) / np.float32(255)
    return _rounded(frame, 2**bits - 1).astype(np.uint16)


def from_uint16(frame: NDArray[np.uint16]) -> NDArray[np.float32]:
    """`frame / 65535` in float32, correctly rounded."""
    return np.divide(frame, np.float32(65535), dtype=np.float32)


def round16(frame: NDArray[Any]) -> NDArray[np.float32]:
    """`frame` as it comes back from a segment: clipped to 0..1 and rounded to 16 bits, float32."""
    return from_uint16(to_steps(frame, 16))


def _rounded(frame: NDArray[Any], top: int) -> NDArray[np.float32]:
    # fmax and fmin take the number where the other is NaN, so that a NaN becomes black and not noise.
    steps = np.fmin(np.fmax(np.asarray(frame, np.float32), np.float32(0)), np.float32(1))
    steps *= np.float32(top)
    return np.rint(steps, out=steps)
