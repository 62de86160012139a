"""Five takes of one shot as a model may give them: four have a fault each, the fourth has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice

import cv2
import numpy as np
import sea
from numpy.typing import NDArray

WIDTH, HEIGHT, COUNT = 480, 270, 50
RATE = Fraction(sea.RATE)
Shot = Sequence[NDArray[np.uint8]]


def frames(take: int) -> Iterator[NDArray[np.uint8]]:
    """Each frame of take 1 to 5, 8-bit sRGB."""
    shot = [
        cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)
        for frame in islice(sea.frames(), COUNT)
    ]
    return TAKES[take - 1](shot)


def _flickering(shot: Shot) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    for frame, light in zip(shot, rng.uniform(0.88, 1.1, len(shot)), strict=True):
        yield cv2.convertScaleAbs(frame, alpha=float(light)).astype(np.uint8)


def _soft(shot: Shot) -> Iterator[NDArray[np.uint8]]:
    for frame in shot:
        yield cv2.GaussianBlur(frame, (0, 0), 1.8).astype(np.uint8)


def _noisy(shot: Shot) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    for frame in shot:
        grain = rng.normal(0, 13, (HEIGHT, WIDTH, 1)) + rng.normal(0, 4, frame.shape)
        yield np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8)


def _stuttering(shot: Shot) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    held = 0
    for k in range(len(shot)):
        held = k if rng.random() < 0.4 else held
        yield shot[held]


TAKES: tuple[Callable[[Shot], Iterator[NDArray[np.uint8]]], ...] = (_flickering, _soft, _noisy, iter, _stuttering)
