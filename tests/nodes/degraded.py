"""Clips spoilt in ways whose strength is known: what the scores are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""Frames `[n, height, width, 3]`."""


def _each(clip: Pixels, make: Callable[[Any], Any]) -> Pixels:
    return np.stack([make(frame) for frame in clip])


def _bytes(values: NDArray[Any]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blur(clip: Pixels, sigma: float) -> Pixels:
    """Out of focus: a Gaussian of `sigma` pixels."""
    return _each(clip, lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma))


def noise(clip: Pixels, sigma: float) -> Pixels:
    """Gaussian noise of `sigma` levels, new in every frame and channel."""
    chance = np.random.default_rng(1)
    return _each(clip, lambda frame: _bytes(frame + chance.normal(0, sigma, frame.shape).astype(np.float32)))


def blocking(clip: Pixels, quality: int) -> Pixels:
    """Saved as JPEG of this quality."""

    def saved(frame: Any) -> Any:
        return cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)

    return _each(clip, saved)


def mosaic(clip: Pixels, share: float) -> Pixels:
    """Mixed with the means of squares of 8 pixels."""

    def mixed(frame: Any) -> Any:
        height, width = frame.shape[:2]
        small = cv2.resize(frame, (-(-width // 8), -(-height // 8)), interpolation=cv2.INTER_AREA)
        coarse = np.repeat(np.repeat(small, 8, 0), 8, 1)[:height, :width]
        return _bytes(frame * np.float32(1 - share) + coarse * np.float32(share))

    return _each(clip, mixed)


def flicker(clip: Pixels, amount: float) -> Pixels:
    """Each frame brighter or darker by up to this share."""
    gains = 1 + amount * np.random.default_rng(2).uniform(-1, 1, len(clip)).astype(np.float32)
    return np.stack([_bytes(frame * gain) for frame, gain in zip(clip, gains, strict=True)])


def banding(clip: Pixels, levels: int) -> Pixels:
    """So many levels a channel, evenly spaced."""
    step = 255 / (levels - 1)
    table = _bytes(np.rint(np.arange(256) / step) * step)
    return _each(clip, lambda frame: cv2.LUT(frame, table))


def shake(clip: Pixels, most: int) -> Pixels:
    """Each frame moved by up to so many pixels, at random."""
    moves = np.random.default_rng(3).integers(-most, most + 1, (len(clip), 2))
    return np.stack([np.roll(frame, move, (0, 1)) for frame, move in zip(clip, moves, strict=True)])


def stutter(clip: Pixels, every: int) -> Pixels:
    """Every so many frames, one shown again in place of the next."""
    return np.stack([clip[k - 1 if k % every == every - 1 else k] for k in range(len(clip))])


def ghosting(clip: Pixels, share: float) -> Pixels:
    """Mixed with the frame two before."""
    return np.stack(
        [_bytes(clip[k] * np.float32(1 - share) + clip[max(0, k - 2)] * np.float32(share)) for k in range(len(clip))]
    )


ARTIFACTS: Mapping[str, tuple[Callable[[Pixels, Any], Pixels], tuple[float, ...]]] = {
    "blur": (blur, (0.8, 1.6, 3.2, 6.4)),
    "noise": (noise, (3, 6, 12, 24)),
    "blocking": (blocking, (40, 25, 15, 6)),
    "flicker": (flicker, (0.05, 0.1, 0.2, 0.4)),
    "banding": (banding, (48, 24, 12, 6)),
}
"""Five degradations, each at four strengths, the weakest first."""

MOTION: tuple[tuple[Callable[[Pixels, Any], Pixels], float], ...] = (
    (blur, 1),
    (blur, 3),
    (noise, 4),
    (noise, 12),
    (noise, 30),
    (blocking, 20),
    (mosaic, 0.5),
    (flicker, 0.1),
    (flicker, 0.3),
    (banding, 12),
    (shake, 1),
    (shake, 3),
    (stutter, 2),
    (stutter, 5),
    (ghosting, 0.4),
)
"""Fifteen ways to spoil a clip, of which some change how it moves."""
