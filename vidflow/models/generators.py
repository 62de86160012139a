"""ESRGAN's generators as networks, in every layout of `vidflow.models.esrgan`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidflow.models.esrgan import DENSE, Layout

_RESIDUAL = 0.2
"""Of what a block finds, the part that is added to what it was given."""


def network(layout: Layout) -> nn.Module:
    """The network of a layout: pictures `[n, 3, h, w]`, RGB in 0..1, to `[n, 3, h x scale, w x scale]`, which may leave
    0..1. `h` and `w` are multiples of `layout.unshuffle`."""
    return Compact(layout) if layout.kind == "compact" else RRDBNet(layout)


class Compact(nn.Module):
    """SRVGGNetCompact: plain convolutions find what the picture enlarged by repeating its pixels lacks."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        layers: list[nn.Module] = [nn.Conv2d(layout.colours, layout.width, 3, 1, 1), nn.PReLU(layout.width)]
        for _ in range(layout.depth):
            layers += nn.Conv2d(layout.width, layout.width, 3, 1, 1), nn.PReLU(layout.width)
        layers.append(nn.Conv2d(layout.width, layout.out * layout.scale**2, 3, 1, 1))
        self.body = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        found = functional.pixel_shuffle(self.body(pictures), self.layout.scale)
        return found + functional.interpolate(pictures, scale_factor=self.layout.scale, mode="nearest")


class RRDBNet(nn.Module):
    """Residual-in-residual dense blocks, and convolutions with a doubling before each."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        width = layout.width
        self.conv_first = nn.Conv2d(layout.colours * layout.unshuffle**2, width, 3, 1, 1)
        self.body = nn.Sequential(*(_ResidualDense(width, layout.growth) for _ in range(layout.depth)))
        self.conv_body = nn.Conv2d(width, width, 3, 1, 1)
        for i in range(layout.doublings):
            self.add_module(f"conv_up{i + 1}", nn.Conv2d(width, width, 3, 1, 1))
        self.conv_hr = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_last = nn.Conv2d(width, layout.out, 3, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        first = self.conv_first(functional.pixel_unshuffle(pictures, self.layout.unshuffle))
        planes = first + self.conv_body(self.body(first))
        for i in range(self.layout.doublings):
            planes = functional.interpolate(planes, scale_factor=2, mode="nearest")
            planes = functional.leaky_relu(self.get_submodule(f"conv_up{i + 1}")(planes), 0.2)
        return self.conv_last(functional.leaky_relu(self.conv_hr(planes), 0.2))


class _ResidualDense(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(width, growth) for _ in range(3))

    def forward(self, planes: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(planes))) * _RESIDUAL + planes


class _Dense(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for i in range(DENSE):
            out = growth if i < DENSE - 1 else width
            self.add_module(f"conv{i + 1}", nn.Conv2d(width + i * growth, out, 3, 1, 1))

    def forward(self, planes: Tensor) -> Tensor:
        found = planes
        for i in range(1, DENSE):
            found = torch.cat((found, functional.leaky_relu(self.get_submodule(f"conv{i}")(found), 0.2)), 1)
        return self.get_submodule(f"conv{DENSE}")(found) * _RESIDUAL + planes
