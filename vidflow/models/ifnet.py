"""RIFE's IFNet as a network, in every layout of `vidflow.models.rife`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vidflow.models import dense
from vidflow.models.rife import LAYERS, Body, Layout

_FAST = 32
"""Pixels: a flow beyond that on both sides makes the first versions look at everything twice as coarsely."""


class Estimate(NamedTuple):
    """What is known after a block: the `flow` in pixels from the moment to both frames `[n, 4, h, w]` (x and y to the
    first, x and y to the second), the `mask` `[n, 1, h, w]` before its sigmoid, and both frames fetched along it."""

    flow: Tensor
    mask: Tensor
    first: Tensor
    second: Tensor

    def blended(self) -> Tensor:
        """The frame at the moment, `[n, 3, h, w]`."""
        mask = torch.sigmoid(self.mask)
        return self.first * mask + self.second * (1 - mask)


class Start(NamedTuple):
    """The flows from the moment to both frames `[n, 4, h, w]` that a led network is given: at each place, `flow` is the
    one along which both frames show the same, or nearly, and `other` the one along which they do less."""

    flow: Tensor
    other: Tensor


class IFNet(nn.Module):
    """The network of a layout, its weights called as they are published."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        for i, (inputs, width) in enumerate(zip(layout.inputs, layout.widths, strict=True)):
            self.add_module(f"block{i}", _Block(inputs, width, layout))
        if layout.head != "none":
            self.encode = _head(layout)

    def features(self, frames: Tensor) -> Tensor:
        """What the head sees in frames `[n, 3, h, w]`: `[n, features, h, w]`, without channels where there is no head.
        It depends on nothing else, so that it can be kept for the pairs before and after a frame."""
        if self.layout.head == "none":
            return frames[:, :0]
        return self.encode(frames)

    def forward(
        self,
        first: Tensor,
        second: Tensor,
        moment: Tensor,
        seen: tuple[Tensor, Tensor] | None = None,
        moved: tuple[Tensor, Tensor] | None = None,
        *,
        scale: float = 1.0,
        ensemble: bool = False,
    ) -> Tensor:
        """The frames at `moment` (0 to 1, `[n, 1, 1, 1]`) between `first` and `second` `[n, 3, h, w]`, RGB in 0..1.

        The sides are multiples of `layout.multiple / scale`. `seen` are the `features` of both, and `moved`, where the
        layout is led, the `motion` between them. A smaller `scale` than 1 looks for larger motion, `ensemble` takes the
        mean with the frames swapped. The result may leave 0..1.
        """
        start = begun(moment, first, second, *(moved or motion(first, second))) if self.layout.led else None
        estimates = self.estimates(first, second, moment, seen, start, scale=scale, ensemble=ensemble)
        last = deque(estimates, maxlen=1).pop()
        return finished(last, first, second, start) if start else last.blended()

    def estimates(
        self,
        first: Tensor,
        second: Tensor,
        moment: Tensor,
        seen: tuple[Tensor, Tensor] | None = None,
        start: Start | None = None,
        *,
        scale: float = 1.0,
        ensemble: bool = False,
    ) -> Iterator[Estimate]:
        """What `forward` knows after each block; one that is led needs the `start`."""
        seen = seen or (self.features(first), self.features(second))
        sizes = [one / scale for one in self.layout.scales]
        means = [ensemble] * len(sizes)
        if self.layout.body == "prelu" and self._moves_fast(first, second, moment, seen, sizes, ensemble):
            # As published: no mean is taken of the first block when it is asked again.
            sizes, means[0] = [one * 2 for one in sizes], False
        yield from self._refined(first, second, moment, seen, sizes, means, start)

    def _refined(
        self,
        first: Tensor,
        second: Tensor,
        moment: Tensor,
        seen: tuple[Tensor, Tensor],
        sizes: list[float],
        means: list[bool],
        start: Start | None = None,
    ) -> Iterator[Estimate]:
        frames = torch.cat((first, seen[0]), 1), torch.cat((second, seen[1]), 1)
        flow = mask = carried = None
        fetched = frames
        if start:
            flow, mask = start.flow, torch.zeros_like(first[:, :1])
            fetched = warped(frames[0], flow[:, :2]), warped(frames[1], flow[:, 2:])
        for i, (size, mean) in enumerate(zip(sizes, means, strict=True)):
            block = self.get_submodule(f"block{i}")
            told = [moment.expand(-1, -1, *first.shape[-2:])]
            told += [mask] if mask is not None else []
            told += [carried] if carried is not None else []
            change, new, carried = block(_sides(*fetched, *told), flow, size)
            if mean:
                told[0] = 1 - told[0]
                told[1:2] = [-mask] if mask is not None else []
                turned = None if flow is None else _turned(flow)
                other, against, _ = block(_sides(*fetched[::-1], *told), turned, size)
                change, new = (change + _turned(other)) / 2, (new - against) / 2
            flow = change if flow is None else flow + change
            mask = mask + new if mask is not None and self.layout.adds else new
            before, after = flow.split(2, 1)
            fetched = warped(frames[0], before), warped(frames[1], after)
            yield Estimate(flow, mask, fetched[0][:, :3], fetched[1][:, :3])

    def _moves_fast(
        self,
        first: Tensor,
        second: Tensor,
        moment: Tensor,
        seen: tuple[Tensor, Tensor],
        sizes: list[float],
        ensemble: bool,
    ) -> bool:
        """Whether the second block, by itself, finds large motion on both sides, in any of the frames. Asked of the
        first versions only."""
        before, after = self._refined(first, second, moment, seen, sizes[:2], [ensemble, False])
        change = (after.flow - before.flow).abs()
        return bool(change[:, :2].max() > _FAST and change[:, 2:].max() > _FAST)


def motion(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The flow of `vidflow.models.dense` between frames `[n, 3, h, w]`, both ways, `[n, 2, h, w]` each."""
    frames = [one.detach().permute(0, 2, 3, 1).float().cpu().numpy() for one in (first, second)]
    pairs = [dense.both_ways(*pair) for pair in zip(*frames, strict=True)]
    forth, back = (torch.from_numpy(np.stack(one)).permute(0, 3, 1, 2) for one in zip(*pairs, strict=True))
    return forth.to(first.device), back.to(first.device)


def begun(moment: Tensor, first: Tensor, second: Tensor, forth: Tensor, back: Tensor) -> Start:
    """What leads to the moment, of the flow between frames both ways."""
    moment = moment.float()
    ways = torch.cat((-moment * forth, (1 - moment) * forth), 1), torch.cat((moment * back, (moment - 1) * back), 1)
    unlike = [_unlike(warped(first, way[:, :2]), warped(second, way[:, 2:])) for way in ways]
    fits = unlike[0] < unlike[1]
    return Start(torch.where(fits, *ways), torch.where(fits, *ways[::-1]))


def finished(last: Estimate, first: Tensor, second: Tensor, start: Start) -> Tensor:
    """The frame at the moment after the last block of a layout that is led: what the blocks changed of one flow is
    changed of the other as well, and each is believed as far as both frames show the same along it. Fetched along
    smoother curves than what the blocks look at, which is sharper by a third of a decibel."""
    mask, made, total = torch.sigmoid(last.mask), torch.zeros_like(first), torch.zeros_like(last.mask)
    for flow in (last.flow, last.flow - start.flow + start.other):
        before, after = warped(first, flow[:, :2], "bicubic"), warped(second, flow[:, 2:], "bicubic")
        trust = torch.exp(-_unlike(before, after) / dense.TRUST) + 1e-4
        made, total = made + trust * (before * mask + after * (1 - mask)), total + trust
    return made / total


def _unlike(one: Tensor, other: Tensor) -> Tensor:
    """How much frames differ around each place, `[n, 1, h, w]`."""
    apart, half = (one - other).abs().mean(1, keepdim=True), dense.AROUND // 2
    rows = functional.avg_pool2d(apart, (1, dense.AROUND), 1, (0, half), count_include_pad=False)
    return functional.avg_pool2d(rows, (dense.AROUND, 1), 1, (half, 0), count_include_pad=False)


def warped(frames: Tensor, flow: Tensor, mode: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    """`frames` `[n, c, h, w]` fetched from where `flow` `[n, 2, h, w]` (x and y, in pixels) points to; from the nearest
    edge where that lies outside. In float32, whatever the numbers are: half of it does not know a pixel of a large
    frame from the next."""
    height, width = flow.shape[-2:]
    at = {"device": flow.device, "dtype": torch.float32}
    right, down = flow.float().unbind(1)
    x = torch.linspace(-1, 1, width, **at) + right / ((width - 1) / 2)
    y = torch.linspace(-1, 1, height, **at)[:, None] + down / ((height - 1) / 2)
    fetched = functional.grid_sample(
        frames.float(), torch.stack((x, y), -1), mode=mode, padding_mode="border", align_corners=True
    )
    return fetched.to(frames.dtype)


def _sides(first: Tensor, second: Tensor, *told: Tensor) -> Tensor:
    """The order in which blocks take them: both frames, the features of both, and what is told of them."""
    features = first.shape[1] - 3
    parts = [one.split((3, features), 1) for one in (first, second)]
    return torch.cat((*(frame for frame, _ in parts), *(seen for _, seen in parts), *told), 1)


def _turned(flow: Tensor) -> Tensor:
    """The flow as it is when the frames are swapped."""
    return torch.cat((flow[:, 2:], flow[:, :2]), 1)


def _resized(planes: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return planes
    return functional.interpolate(planes, scale_factor=factor, mode="bilinear", align_corners=False)


class _Block(nn.Module):
    """From what is known to a change of the flow, a mask, and what is carried to the next block."""

    def __init__(self, inputs: int, width: int, layout: Layout) -> None:
        super().__init__()
        self.body = layout.body
        self.conv0 = nn.Sequential(_down(inputs, width // 2, layout.body), _down(width // 2, width, layout.body))
        if layout.body == "residual":
            layers = [_Residual(width, layout.groups) for _ in range(LAYERS)]
            self.lastconv = nn.Sequential(nn.ConvTranspose2d(width, layout.out, 4, 2, 1), nn.PixelShuffle(2))
        else:
            layers = [nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), _bend(width, layout.body)) for _ in range(LAYERS)]
            self.lastconv = nn.ConvTranspose2d(width, layout.out, 4, 2, 1)
        self.convblock = nn.Sequential(*layers)

    def forward(self, planes: Tensor, flow: Tensor | None, size: float) -> tuple[Tensor, Tensor, Tensor | None]:
        planes = _resized(planes, 1 / size)
        if flow is not None:
            planes = torch.cat((planes, (_resized(flow, 1 / size) / size).to(planes.dtype)), 1)
        planes = self.conv0(planes)
        planes = self.convblock(planes) + planes if self.body == "prelu" else self.convblock(planes)
        size = size if self.body == "residual" else size * 2
        found = self.lastconv(planes)
        flow, mask, carried = _resized(found, size).split((4, 1, found.shape[1] - 5), 1)
        # In half precision, a flow would only know by how many eighths of a pixel something moves far.
        return flow.float() * size, mask, carried if carried.shape[1] == 8 else None


class _Residual(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, planes: Tensor) -> Tensor:
        return functional.leaky_relu(self.conv(planes) * self.beta + planes, 0.2)


def _down(inputs: int, width: int, body: Body) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, width, 3, 2, 1), _bend(width, body))


def _bend(width: int, body: Body) -> nn.Module:
    return nn.PReLU(width) if body == "prelu" else nn.LeakyReLU(0.2)


def _head(layout: Layout) -> nn.Module:
    hidden, features = layout.hidden, layout.features
    first, last = nn.Conv2d(3, hidden, 3, 2, 1), nn.ConvTranspose2d(hidden, features, 4, 2, 1)
    if layout.head == "short":
        return nn.Sequential(first, last)
    middle = nn.Conv2d(hidden, hidden, 3, 1, 1), nn.Conv2d(hidden, hidden, 3, 1, 1)
    if layout.head == "numbered":
        bend = nn.LeakyReLU(0.2)
        return nn.Sequential(first, bend, middle[0], bend, middle[1], bend, last)
    return _NamedHead(first, *middle, last)


class _NamedHead(nn.Module):
    def __init__(self, cnn0: nn.Module, cnn1: nn.Module, cnn2: nn.Module, cnn3: nn.Module) -> None:
        super().__init__()
        self.cnn0, self.cnn1, self.cnn2, self.cnn3 = cnn0, cnn1, cnn2, cnn3

    def forward(self, frames: Tensor) -> Tensor:
        for layer in (self.cnn0, self.cnn1, self.cnn2):
            frames = functional.leaky_relu(layer(frames), 0.2)
        return self.cnn3(frames)
