"""Frames enlarged by an ESRGAN network, in tiles where they are large: frames as arrays in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vidflow.models.interpolation import as_tensor
from vidflow.models.networks import dtype_on, layout_in, opened
from vidflow.models.residency import RESIDENT, with_room

_OVERLAP = 32
"""Pixels by which tiles reach into their neighbours, at most: what lies farther has no visible influence."""
_SEAM = 2
"""Pixels to each side over which two tiles are blended, where both are exact there."""
_ON_CPU = 512
"""Pixels of a tile's side on a CPU."""
_SMALLEST = 64
_SHARE = 0.5
"""Of the memory that is free on a GPU: what one tile may take."""


class Upscaler:
    """Enlarges the frames of one video."""

    def __init__(self, path: Path, device: str, dtype: str, tile: int | None) -> None:
        """`tile` is the side of tiles in pixels; None chooses it. Raises ModelError."""
        self._layout = layout_in("upscaling", path)
        self._path, self._device, self._dtype, self._tile = path, device, dtype_on(device, dtype), tile
        self.scale: int = self._layout.scale

    def enlarged(self, frame: NDArray[Any], step: Callable[[int, int], None]) -> NDArray[Any]:
        """The frame `[h, w, 3]`, float32 in 0..1 or uint8, at `scale` times its size; `step` is called before tile k of
        n. Raises ModelError."""
        whole = max(frame.shape[:2])
        side = min(self._tile or self._suited(), whole)
        sides = [side]
        while sides[-1] > _SMALLEST:
            sides.append(max(_SMALLEST, sides[-1] // 2))

        def made(side: int) -> NDArray[Any]:
            return self._in_tiles(frame, side, step)

        return with_room(made, sides, "Run upscale on a machine with more memory, or on smaller frames.")

    def _suited(self) -> int:
        """The side of a tile that memory suffices for."""
        if self._device == "cpu":
            return _ON_CPU
        layout = self._layout
        # Some three copies of all channels at the largest size they have.
        widest = layout.width * layout.scale**2 if layout.kind == "rrdb" else layout.width
        free = RESIDENT.room(torch.device(self._device)) * _SHARE
        return max(_SMALLEST, int((free / (widest * 3 * torch.finfo(getattr(torch, self._dtype)).bits / 8)) ** 0.5))

    def _in_tiles(self, frame: NDArray[Any], side: int, step: Callable[[int, int], None]) -> NDArray[Any]:
        height, width = frame.shape[:2]
        scale, unit = self.scale, self._layout.unshuffle
        overlap = min(_OVERLAP, self._layout.reach + _SEAM)
        overlap += -overlap % unit
        seam = max(_SEAM, overlap - self._layout.reach, overlap // 2 * (self._layout.reach > overlap))
        eight_bit = frame.dtype == np.uint8
        result = np.zeros((height * scale, width * scale, 3), np.float32)
        spans = [_spans(length, side, overlap, seam, unit) for length in (height, width)]
        places = [(rows, columns) for rows in spans[0] for columns in spans[1]]
        with opened("upscaling", self._path, self._device, self._dtype) as net, torch.inference_mode():
            for number, (rows, columns) in enumerate(places):
                if number:
                    step(number, len(places))
                part = frame[rows.start : rows.stop, columns.start : columns.stop]
                tile = self._made(net, as_tensor(part, self._device, self._dtype), unit)
                if len(places) == 1:
                    result = tile
                    continue
                share = np.outer(rows.share(scale), columns.share(scale))[..., None]
                area = slice(rows.start * scale, rows.stop * scale), slice(columns.start * scale, columns.stop * scale)
                result[area] += tile * share
        np.clip(result, 0, 1, out=result)
        return np.rint(result * np.float32(255)).astype(np.uint8) if eight_bit else result

    def _made(self, net: Any, tile: Tensor, unit: int) -> NDArray[Any]:
        """A tile through the network, float32."""
        height, width = tile.shape[-2:]
        tile = functional.pad(tile, (0, -width % unit, 0, -height % unit), mode="replicate")
        made = net(tile.contiguous(memory_format=torch.channels_last))
        made = made[0, :, : height * self.scale, : width * self.scale].permute(1, 2, 0)
        return made.float().contiguous().cpu().numpy()


@dataclass(frozen=True, slots=True)
class _Span:
    """A tile's rows (or columns), `start` to `stop`; `before` and `after` are the seams with its neighbours, each from
    where to where their shares change, None at the edge of the frame."""

    start: int
    stop: int
    before: tuple[int, int] | None
    after: tuple[int, int] | None

    def share(self, scale: int) -> NDArray[Any]:
        """The weight of each row of the enlarged tile; with the neighbours' it makes one."""
        at = self.start + (np.arange((self.stop - self.start) * scale, dtype=np.float32) + 0.5) / scale
        share = np.ones_like(at)
        if self.before is not None:
            share *= np.clip((at - self.before[0]) / (self.before[1] - self.before[0]), 0, 1)
        if self.after is not None:
            share *= np.clip((self.after[1] - at) / (self.after[1] - self.after[0]), 0, 1)
        return share


def _spans(length: int, side: int, overlap: int, seam: int, unit: int) -> list[_Span]:
    """Tiles of about `side` that cover `length` evenly, from multiples of `unit`."""
    count = max(1, ceil(length / side))
    edges = [round(number * length / count / unit) * unit for number in range(count)] + [length]
    seams = [None, *((edge - seam, edge + seam) for edge in edges[1:-1]), None]
    return [
        _Span(max(0, edges[k] - overlap), min(length, edges[k + 1] + overlap), seams[k], seams[k + 1])
        for k in range(count)
    ]
