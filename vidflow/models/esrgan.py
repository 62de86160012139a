"""Real-ESRGAN's two networks: RRDBNet (Wang et al., "ESRGAN", ECCVW 2018; "Real-ESRGAN", ICCVW 2021), in the three ways
in which its weights were ever named, and SRVGGNetCompact, its small one. Which it is, of what size and scale, is read
from the names and shapes of the weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Shape = tuple[int, ...]
_DENSE = 5
"""Convolutions of a dense block, each of which sees what all before it gave."""
_RESIDUAL = 0.2
"""Of what a block finds, the part that is added to what it was given."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells one network from another: `depth` blocks (or convolutions) of `width` channels.

    An `rrdb` grows by `growth` channels in its dense blocks, doubles the size `doublings` times, and may begin with a
    pixel unshuffle. A `compact` one ends in a pixel shuffle by its scale.
    """

    kind: Literal["rrdb", "compact"]
    scale: int
    width: int
    depth: int
    growth: int = 0
    doublings: int = 0
    colours: int = 3
    """Channels of what it is given."""
    out: int = 3
    """Channels of what it gives."""

    @property
    def unshuffle(self) -> int:
        """By how much the sides of the picture shrink before the first convolution."""
        return 2**self.doublings // self.scale if self.kind == "rrdb" else 1

    @property
    def reach(self) -> int:
        """Pixels of the picture that one of the result can depend on, to each side."""
        if self.kind == "compact":
            return self.depth + 2
        # The convolutions after each doubling reach ever less far.
        return (2 + 3 * _DENSE * self.depth + self.doublings + 2) * self.unshuffle


def layout_of(shapes: Mapping[str, Shape]) -> Layout | None:
    """The layout that weights of these names and shapes are of (see `renamed`); None where they are of neither net."""
    try:
        return _compact(shapes) if len(shapes.get("body.1.weight", ())) == 1 else _rrdb(shapes)
    except (KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def _compact(shapes: Mapping[str, Shape]) -> Layout | None:
    last = max(int(name.split(".")[1]) for name in shapes)
    width, colours = shapes["body.0.weight"][:2]
    for out in (colours, 3, 4, 1):
        scale = isqrt(shapes[f"body.{last}.weight"][0] // out)
        if scale * scale * out == shapes[f"body.{last}.weight"][0] and last % 2 == 0:
            return Layout("compact", scale, width, (last - 2) // 2, colours=colours, out=out)
    return None


def _rrdb(shapes: Mapping[str, Shape]) -> Layout | None:
    width, inputs = shapes["conv_first.weight"][:2]
    out, growth = shapes["conv_last.weight"][0], shapes["body.0.rdb1.conv1.weight"][0]
    depth = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("body."))
    doublings = sum(f"conv_up{i}.weight" in shapes for i in range(1, 4))
    unshuffle = {4 * out: 2, 16 * out: 4}.get(inputs, 1)
    scale = 2**doublings // unshuffle
    return Layout("rrdb", scale, width, depth, growth, doublings, inputs // unshuffle**2, out) if scale else None


_MIDDLE = ((r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."), (r"trunk_conv\.", "conv_body."), (r"HRconv\.", "conv_hr."))


def renamed(names: list[str]) -> dict[str, str] | None:
    """What each of `names` is called today, for weights as ESRGAN's authors named them first, later, and now; None
    where something is among them that no RRDBNet has."""
    if "model.0.weight" in names:
        return _from_sequence(names)
    found: dict[str, str] = {}
    for name in names:
        new = re.sub(r"^upconv(\d)\.", r"conv_up\1.", name)
        for old, now in _MIDDLE:
            new = re.sub(f"^{old}", now, new)
        found[name] = new
    return found


def _from_sequence(names: list[str]) -> dict[str, str] | None:
    """Of the first naming: one sequence of layers, where only places tell what is what."""
    tops = sorted({int(name.split(".")[1]) for name in names if re.fullmatch(r"model\.\d+\.(weight|bias)", name)})
    trunk = max((int(name.split(".")[3]) for name in names if name.startswith("model.1.sub.")), default=0)
    if len(tops) < 3:
        return None
    last = [f"conv_up{i}" for i in range(1, len(tops) - 2)] + ["conv_hr", "conv_last"]
    new = {f"model.{place}": name for place, name in zip(tops, ["conv_first", *last], strict=True)}
    new[f"model.1.sub.{trunk}"] = "conv_body"
    found: dict[str, str] = {}
    for name in names:
        stem, part = name.rsplit(".", 1)
        dense = re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0", stem)
        if dense:
            found[name] = f"body.{dense[1]}.rdb{dense[2]}.conv{dense[3]}.{part}"
        elif stem in new:
            found[name] = f"{new[stem]}.{part}"
        else:
            return None
    return found


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
        for i in range(_DENSE):
            out = growth if i < _DENSE - 1 else width
            self.add_module(f"conv{i + 1}", nn.Conv2d(width + i * growth, out, 3, 1, 1))

    def forward(self, planes: Tensor) -> Tensor:
        found = planes
        for i in range(1, _DENSE):
            found = torch.cat((found, functional.leaky_relu(self.get_submodule(f"conv{i}")(found), 0.2)), 1)
        return self.get_submodule(f"conv{_DENSE}")(found) * _RESIDUAL + planes
