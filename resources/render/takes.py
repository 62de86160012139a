"""Shots as a model may give them, small and with few frames: five takes of one, of which four have a fault each and the
fourth has none; and a cabin in the snow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice

import cv2
import forest
import numpy as np
import sea
from numpy.typing import NDArray

WIDTH, HEIGHT, COUNT = 480, 270, 50
RATE, CABIN_RATE = Fraction(sea.RATE), Fraction(15)
Shot = Sequence[NDArray[np.uint8]]


def frames(take: int) -> Iterator[NDArray[np.uint8]]:
    """Each frame of take 1 to 5, 8-bit sRGB."""
    return TAKES[take - 1]([_small(frame) for frame in islice(sea.frames(), COUNT)])


def cabin() -> Iterator[NDArray[np.uint8]]:
    """Every second frame of 3.2 seconds of the forest, 8-bit sRGB."""
    return map(_small, islice(forest.frames(), 12, 108, 2))


def _small(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)


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
