"""Clips of the world and their captions, rendered by as many processes as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from training.world.render import clip
from training.world.words import Scene, drawn

T = TypeVar("T")
HELD_OUT = 10**9
"""The seeds of scenes that are never trained on begin here."""
_TOGETHER = 8


def scene(seed: int) -> Scene:
    """The scene of a seed."""
    return drawn(np.random.default_rng((1, seed)), unseen=seed >= HELD_OUT)


def clips(first: int, count: int) -> Iterator[NDArray[Any]]:
    """The clips of the seeds from `first` on, each `[FRAMES, HEIGHT, WIDTH, 3]` in uint8."""
    return mapped(np.asarray, first, count)


def mapped(change: Callable[[NDArray[Any]], NDArray[Any]], first: int, count: int) -> Iterator[NDArray[Any]]:
    """What a function of a module makes of each of these clips."""
    # Started anew: a copy of a process that runs threads of torch may wait for them for ever.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(_changed, change), range(first, first + count), chunksize=_TOGETHER)


def _changed(change: Callable[[NDArray[Any]], NDArray[Any]], seed: int) -> NDArray[Any]:
    return change(clip(scene(seed), seed))


def groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many items at a time, and at last the rest."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
