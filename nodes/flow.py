"""How much moves between two frames, also where they are made smaller to save time."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log2
from typing import Any

FACTOR, LEVELS, WINDOW, ITERATIONS, REACH, SIGMA = 0.5, 3, 15, 3, 5, 1.2
"""Farneback, Two-Frame Motion Estimation Based on Polynomial Expansion (2003), with the settings of the definition."""
SMALLEST = 32
"""Pixels: OpenCV adds no level to the pyramid on which a side would be shorter."""


@dataclass(frozen=True, slots=True)
class View:
    """The size at which frames are compared, and the pyramid on which their motion is looked for there."""

    width: int
    height: int
    factor: float
    levels: int
    reduces: bool

    @classmethod
    def of(cls, width: int, height: int, side: int | None) -> View:
        """That of a video whose longer side becomes `side` where it is more; None takes frames as they are.

        The pyramid of a smaller picture ends at the size at which that of the whole one ends, else fast motion (that of
        a cut above all) is found in the one and not in the other. It has as few levels as reach there in steps of at
        least one half.
        """
        if side is None or max(width, height) <= side:
            return cls(width, height, FACTOR, LEVELS, False)
        scale = side / max(width, height)
        depth = LEVELS
        while depth and min(width, height) * FACTOR**depth < SMALLEST:
            depth -= 1
        # By a hair more, or rounding could cost the last level.
        end = min(1.0, FACTOR**depth / scale * (1 + 1e-6))
        levels = floor(log2(1 / end))
        factor = end ** (1 / levels) if levels else FACTOR
        return cls(max(1, round(width * scale)), max(1, round(height * scale)), factor, levels, True)

    def reduced(self, frame: Any) -> Any:
        """The frame at this size, each pixel the mean of what it covers."""
        import cv2

        if not self.reduces:
            return frame
        height, width = frame.shape[:2]
        # Halving first is twice as quick as going to any other size at once.
        while width % 2 == height % 2 == 0 and width >= 2 * self.width and height >= 2 * self.height:
            width, height = width // 2, height // 2
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        return cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def motion(self, before: Any, now: Any) -> float:
        """The mean length of the flow between two grey frames of this size, in its pixels."""
        import cv2
        import numpy as np

        start: Any = None
        flow: Any = cv2.calcOpticalFlowFarneback(
            before, now, start, self.factor, self.levels, WINDOW, ITERATIONS, REACH, SIGMA, 0
        )
        return float(cv2.magnitude(flow[..., 0], flow[..., 1]).mean(dtype=np.float64))
