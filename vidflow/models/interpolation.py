"""The frame between two frames of a video, by a RIFE network: frames as arrays in and out."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vidflow.models import dense
from vidflow.models.ifnet import IFNet
from vidflow.models.networks import dtype_on, layout_in, opened
from vidflow.models.residency import with_room
from vidflow.models.rife import Layout
from vidflow.models.transfers import apart, as_frame, as_tensor
from vidflow.values.frames import Underway

_LARGE = 1440
"""Rows: of taller frames motion is looked for at half their size, where it is as many pixels as the network knows."""


class Interpolator:
    """Makes frames between those of one video. Used on one lane, by one piece at a time and others inside it."""

    def __init__(self, path: Path, device: str, dtype: str, scale: float | None, ensemble: bool) -> None:
        """`scale` below 1 looks for larger motion, coarser; None goes by the size. Raises ModelError."""
        self.layout: Layout = layout_in("interpolation", path)
        self._path, self._device = path, device
        self._dtype, self._scale = dtype_on(device, dtype), scale
        self._ensemble = ensemble and self.layout.ensembles
        self._seen: OrderedDict[int, tuple[Tensor, Tensor]] = OrderedDict()
        """What the network has of the last frames, by their number: neighbours on both sides need it."""
        self._moved: tuple[tuple[int, int, float], tuple[Tensor, Tensor]] | None = None
        """The flow that leads the network between the last pair: all moments need the same."""

    @property
    def ensembles(self) -> bool:
        """Whether this version of the network can take the mean of both directions."""
        return self.layout.ensembles

    def between(
        self, frames: tuple[NDArray[Any], NDArray[Any]], numbers: tuple[int, int], moment: float
    ) -> NDArray[Any] | Underway:
        """The frame at `moment` (0 to 1) between `frames`, which have these numbers in the video; `[h, w, 3]`, float32
        in 0..1 or uint8, as they are. Raises ModelError."""
        height, width = frames[0].shape[:2]
        scale = self._scale or (0.5 if height > _LARGE else 1.0)

        def made(scale: float) -> NDArray[Any] | Underway:
            with opened("interpolation", self._path, self._device, self._dtype) as found, torch.inference_mode():
                net = cast("IFNet", found)
                first, second = (
                    self._of(net, frame, number, scale) for frame, number in zip(frames, numbers, strict=True)
                )
                when = torch.full((1, 1, 1, 1), moment, device=first[0].device, dtype=first[0].dtype)
                seen, moved = (first[1], second[1]), self._between(frames, numbers, scale)
                result = net(first[0], second[0], when, seen, moved, scale=scale, ensemble=self._ensemble)
                return as_frame(result[..., :height, :width], frames[0].dtype)

        advice = "Put interpolate before upscale, or run it on a machine with more memory."
        return with_room(made, (scale,), advice)

    def _of(self, net: IFNet, frame: NDArray[Any], number: int, scale: float) -> tuple[Tensor, Tensor]:
        found = self._seen.get(number)
        if found is None:
            tensor = self._padded(as_tensor(frame, self._device, self._dtype), scale)
            tensor = tensor.contiguous(memory_format=torch.channels_last)
            found = self._seen[number] = apart(tensor), apart(net.features(tensor))
            while len(self._seen) > 2:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(number)
        return found

    def _between(
        self, frames: tuple[NDArray[Any], NDArray[Any]], numbers: tuple[int, int], scale: float
    ) -> tuple[Tensor, Tensor] | None:
        if not self.layout.led:
            return None
        key = (*numbers, scale)
        if self._moved is None or self._moved[0] != key:
            forth, back = (
                apart(self._padded(as_tensor(flow, self._device, "float32"), scale))
                for flow in dense.both_ways(*frames)
            )
            self._moved = key, (forth, back)
        return self._moved[1]

    def _padded(self, planes: Tensor, scale: float) -> Tensor:
        """With sides that the network can take."""
        multiple = max(self.layout.multiple, int(self.layout.multiple / scale))
        height, width = planes.shape[-2:]
        return functional.pad(planes, (0, -width % multiple, 0, -height % multiple), mode="replicate")
