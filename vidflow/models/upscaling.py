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

from vidflow.models.networks import dtype_on, layout_in, opened
from vidflow.models.residency import RESIDENT, with_room
from vidflow.models.transfers import as_frame, as_tensor, zeros
from vidflow.values.frames import Underway

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

    def enlarged(self, frame: NDArray[Any], passes: int, step: Callable[[int, int], None]) -> NDArray[Any] | Underway:
        """The frame `[h, w, 3]`, float32 in 0..1 or uint8, `passes` times through the network, at `scale` times its
        size each time; `step` is called before tile k of n. Raises ModelError."""

        def made(side: int) -> NDArray[Any] | Underway:
            with opened("upscaling", self._path, self._device, self._dtype) as net, torch.inference_mode():
                picture = as_tensor(frame, self._device, self._dtype)
                for _ in range(passes):
                    picture = self._in_tiles(net, picture, side, step)
                return as_frame(picture, frame.dtype)

        side = min(self._tile or self._suited(), max(frame.shape[:2]) * self.scale ** (passes - 1))
        sides = [side]
        while sides[-1] > _SMALLEST:
            sides.append(max(_SMALLEST, sides[-1] // 2))
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

    def _in_tiles(self, net: Any, picture: Tensor, side: int, step: Callable[[int, int], None]) -> Tensor:
        """A picture `[1, 3, h, w]` through the network."""
        scale, layout = self.scale, self._layout
        overlap = min(_OVERLAP, layout.reach + _SEAM)
        overlap += -overlap % layout.unshuffle
        seam = max(_SEAM, overlap - layout.reach, overlap // 2 * (layout.reach > overlap))
        height, width = picture.shape[2:]
        spans = [_spans(length, side, overlap, seam, layout.unshuffle) for length in (height, width)]
        places = [(rows, columns) for rows in spans[0] for columns in spans[1]]
        if len(places) == 1:
            return self._made(net, picture)
        result = zeros((1, 3, height * scale, width * scale), torch.float32, picture.device)
        for number, (rows, columns) in enumerate(places):
            if number:
                step(number, len(places))
            tile = self._made(net, picture[..., rows.start : rows.stop, columns.start : columns.stop])
            share = torch.from_numpy(np.outer(rows.share(scale), columns.share(scale))).to(picture.device)
            area = slice(rows.start * scale, rows.stop * scale), slice(columns.start * scale, columns.stop * scale)
            result[..., area[0], area[1]] += tile * share
        return result.clamp_(0, 1).to(picture.dtype)

    def _made(self, net: Any, tile: Tensor) -> Tensor:
        """A tile through the network."""
        height, width = tile.shape[2:]
        unit = self._layout.unshuffle
        tile = functional.pad(tile, (0, -width % unit, 0, -height % unit), mode="replicate")
        made = net(tile.contiguous(memory_format=torch.channels_last))
        return made[..., : height * self.scale, : width * self.scale].clamp(0, 1)


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
