"""Frames between frames without a network: by dense optical flow both ways, and what agrees of it."""

from __future__ import annotations

from typing import Any

from vidflow.api import models


class Flow:
    """DIS flow (Kroeger et al., Fast Optical Flow using Dense Inverse Search, 2016) of pairs of frames; the last pair's
    is kept, since all frames between two need the same."""

    def __init__(self) -> None:
        self._pair: tuple[int, int] | None = None
        self._flows: tuple[Any, Any] = (None, None)

    def between(self, frames: tuple[Any, Any], numbers: tuple[int, int], moment: float) -> Any:
        """The frame at `moment` (0 to 1) between the frames of these numbers `[h, w, 3]`, in their dtype.

        Each of the two flows leads from the place at the moment to both frames. It is believed where both show the
        same there, and doubted where one of them hides it.
        """
        import cv2
        import numpy as np

        if min(frames[0].shape[:2]) < models.dense.SMALLEST:
            return _blend(frames, moment)
        forth, back = self._of(frames, numbers)
        height, width = forth.shape[:2]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))

        def fetched(frame: Any, flow: Any, share: float) -> Any:
            at_x, at_y = x + np.float32(share) * flow[..., 0], y + np.float32(share) * flow[..., 1]
            return cv2.remap(frame, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

        first, second = (_floating(frame) for frame in frames)
        total: Any = None
        weights: Any = None
        for flow, ahead in ((forth, 1), (back, -1)):
            start, end = (-moment, 1 - moment) if ahead == 1 else (moment, moment - 1)
            before, after = fetched(first, flow, start), fetched(second, flow, end)
            unlike = cv2.blur(np.abs(before - after).mean(2), (models.dense.AROUND, models.dense.AROUND))
            weight = np.exp(unlike / np.float32(-models.dense.TRUST)) + np.float32(1e-6)
            made = (before * np.float32(1 - moment) + after * np.float32(moment)) * weight[..., None]
            total, weights = (made, weight) if total is None else (total + made, weights + weight)
        return _as(total / weights[..., None], frames[0].dtype)

    def _of(self, frames: tuple[Any, Any], numbers: tuple[int, int]) -> tuple[Any, Any]:
        if self._pair != numbers:
            self._flows = models.dense.both_ways(*frames)
            self._pair = numbers
        return self._flows


def _blend(frames: tuple[Any, Any], moment: float) -> Any:
    """For what is too small to have a flow."""
    first, second = (_floating(frame) for frame in frames)
    return _as(first * (1 - moment) + second * moment, frames[0].dtype)


def _floating(frame: Any) -> Any:
    import numpy as np

    return frame if frame.dtype == np.float32 else np.multiply(frame, np.float32(1 / 255), dtype=np.float32)


def _as(frame: Any, dtype: Any) -> Any:
    import numpy as np

    if frame.dtype == dtype:
        return frame
    if dtype == np.uint8:
        return np.rint(np.clip(frame, 0, 1) * np.float32(255)).astype(np.uint8)
    return frame.astype(np.float32)
