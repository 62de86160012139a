"""Latents decoded in tiles that overlap and are blended: memory is that of one tile and of the frames, at any size."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import torch

from vidflow.models.family import Family

_OVERLAP = 0.25
"""Of a tile's side, at least."""


def decode_in_tiles(
    found: Family, vae: Any, latents: torch.Tensor, chunk: int, side: int, step: Callable[[int, int], None]
) -> torch.Tensor:
    """Frames `[1, 3, n, height, width]`, float32 on the CPU, of latents made ready, by tiles of `side` latents; `step`
    is called before tile k of n. Each tile is decoded through all frames, so a causal VAE remembers only its own."""
    rows, columns = latents.shape[-2:]
    places = [(y, x) for y in _starts(rows, side) for x in _starts(columns, side)]
    frames = weights = torch.empty(0)
    for number, (y, x) in enumerate(places):
        step(number, len(places))
        part = latents[..., y : y + side, x : x + side]
        tile = torch.cat([run.float().cpu() for run in found.runs(vae, part, chunk)], dim=2)
        scale = tile.shape[-1] // part.shape[-1]
        if not number:
            frames = torch.zeros(*tile.shape[:3], rows * scale, columns * scale)
            weights = torch.zeros(frames.shape[-2:])
        mask = torch.outer(_ramp(tile.shape[-2]), _ramp(tile.shape[-1]))
        area = ..., slice(y * scale, y * scale + tile.shape[-2]), slice(x * scale, x * scale + tile.shape[-1])
        frames[area] += tile * mask
        weights[area] += mask
    return frames.div_(weights)


def _starts(length: int, side: int) -> list[int]:
    """Where tiles of `side` begin that cover `length`, evenly spread."""
    if side >= length:
        return [0]
    count = ceil((length - side) / (side * (1 - _OVERLAP))) + 1
    return [round(number * (length - side) / (count - 1)) for number in range(count)]


def _ramp(length: int) -> torch.Tensor:
    """Weights that rise from a tile's edges to its middle; what one tile shows alone keeps its value whatever they
    are."""
    rise = (torch.arange(length) + 0.5) / (length * _OVERLAP)
    return torch.minimum(rise, rise.flip(0)).clamp(max=1)
