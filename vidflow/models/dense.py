"""Dense optical flow without a network or torch: DIS (Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
ECCV 2016)."""

from __future__ import annotations

from typing import Any

SMALLEST = 16
"""Pixels that a side needs to have a flow."""
AROUND = 9
"""Pixels around a place whose agreement counts with its own, where it is asked whether a flow is to be believed."""
TRUST = 0.03
"""How unlike (in 0..1) what both frames show of a place may be before it is doubted by a factor of e."""


def both_ways(first: Any, second: Any) -> tuple[Any, Any]:
    """The flow from `first` to `second` and back, float32 `[h, w, 2]` in pixels (x and y).

    Frames are `[h, w, 3]`, uint8 or floats in 0..1. All is 0 where a side is below `SMALLEST`.
    """
    import cv2
    import numpy as np

    if min(first.shape[:2]) < SMALLEST:
        still = np.zeros((*first.shape[:2], 2), np.float32)
        return still, still
    grey = [cv2.cvtColor(_eight_bit(frame), cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    none: Any = None
    return dis.calc(grey[0], grey[1], none), dis.calc(grey[1], grey[0], none)


def _eight_bit(frame: Any) -> Any:
    import numpy as np

    if frame.dtype == np.uint8:
        return frame
    return np.rint(np.clip(frame, 0, 1) * np.float32(255)).astype(np.uint8)
