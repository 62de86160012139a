"""RIFE's and ESRGAN's networks as they are published: names and shapes of their weights, and what they compute.

Written from the versions' own code, as functions over a file's weights and without a line of vidflow's, so that it can
be held against vidflow's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Shapes = dict[str, tuple[int, ...]]
Weights = dict[str, Tensor]


def random_weights(shapes: Shapes, seed: int, gain: float = 1.0, last: float = 1.0) -> Weights:
    """Weights under which signals neither die nor explode: `gain` times what keeps their size through a convolution,
    and `last` times that where a block of IFNet speaks of flow and mask."""
    rng = torch.Generator().manual_seed(seed)
    made: Weights = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=rng)
        if name.endswith("beta"):
            made[name] = 0.5 + drawn / 5
        elif len(shape) == 4:
            transposed = "lastconv" in name or shape[2:] == (4, 4)
            reached = 4 * shape[0] if transposed else shape[1] * shape[2] * shape[3]
            made[name] = drawn * gain / reached**0.5 * (last if "lastconv" in name else 1)
        elif name.endswith("weight"):
            made[name] = 0.2 + drawn / 20
        else:
            made[name] = drawn / 10
    return made


def random_pictures(count: int, height: int, width: int, seed: int) -> Tensor:
    """Soft ones in 0..1, `[count, 3, height, width]`, in which the last digits of a flow make little difference."""
    drawn = torch.rand((count, 3, height // 4, width // 4), generator=torch.Generator().manual_seed(seed))
    return F.interpolate(drawn, size=(height, width), mode="bicubic").clamp(0, 1)


def convolved(planes: Tensor, weights: Weights, name: str, stride: int = 1, groups: int = 1) -> Tensor:
    """By a 3 x 3 kernel with a border of zeros."""
    return F.conv2d(planes, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, 1, groups=groups)


def unfolded(planes: Tensor, weights: Weights, name: str) -> Tensor:
    """To twice the size, by a 4 x 4 kernel."""
    return F.conv_transpose2d(planes, weights[f"{name}.weight"], weights[f"{name}.bias"], 2, 1)


def leaky(planes: Tensor) -> Tensor:
    """The bend that all of them have in common."""
    return torch.where(planes > 0, planes, 0.2 * planes)


def bent(planes: Tensor, weights: Weights, name: str) -> Tensor:
    """By a slope for each channel."""
    return torch.where(planes > 0, planes, weights[f"{name}.weight"][:, None, None] * planes)


@dataclass(frozen=True)
class Rife:
    """A group of versions of RIFE whose networks are the same."""

    versions: str
    inputs: tuple[int, ...]
    """Channels that each block is given."""
    widths: tuple[int, ...]
    body: Literal["prelu", "plain", "residual", "residual in 2 groups"]
    out: int
    """Channels of each block's last layer."""
    head: tuple[Literal["short", "numbered", "named"], int, int] | None
    """How the layers of the head are called, the channels within, those of its result."""
    sizes: tuple[int, ...]
    """How many pixels of the frames to one of a block's."""
    pad: int
    mask: Literal["added", "replaced"]
    ensemble: bool
    parameters: int


_FOUR, _FIVE = (8, 4, 2, 1), (16, 8, 4, 2, 1)
_FULL, _LITE = (192, 128, 96, 64), (128, 96, 64, 48)
_BARE, _E4, _E8 = (7, 12, 12, 12), (15, 20, 20, 20), (23, 28, 28, 28)
_CARRIED_E4, _CARRIED_E8 = (15, 28, 28, 28), (23, 36, 36, 36)
_PLUS = (15, 28, 28, 28, 28)
_N4, _N8 = ("numbered", 32, 4), ("numbered", 32, 8)
_C4, _C8, _C16 = ("named", 16, 4), ("named", 32, 8), ("named", 16, 16)
_RES = "residual"
# fmt: off
RIFE = {
    "A": Rife("4.0 4.1", _BARE, _FULL, "prelu", 5, None, _FOUR, 64, "added", True, 5160980),
    "B": Rife("4.2 4.3 4.4", _BARE, _FULL, "plain", 5, None, _FOUR, 32, "added", True, 5156420),
    "C": Rife("4.5", _BARE, _FULL, _RES, 20, None, _FOUR, 32, "added", True, 5275520),
    "D": Rife("4.6", _BARE, _FULL, _RES, 24, None, _FOUR, 32, "added", True, 5306256),
    "E": Rife("4.7 4.8 4.9", _E4, _FULL, _RES, 24, ("short", 16, 4), _FOUR, 32, "replaced", True, 5325012),
    "F": Rife("4.10 4.11 4.12", _E8, _FULL, _RES, 24, _N8, _FOUR, 32, "replaced", True, 5364312),
    "G": Rife("4.12.lite 4.13.lite", _E4, _LITE, _RES, 24, _N4, _FOUR, 32, "replaced", True, 2631804),
    "H": Rife("4.13 4.14 4.15 4.17 4.18 4.19 4.24", _E8, _FULL, _RES, 24, _C8, _FOUR, 32, "replaced", True, 5364312),
    "I": Rife("4.14.lite", _E8, _FULL, "residual in 2 groups", 24, _C8, _FOUR, 32, "replaced", True, 2968152),
    "J": Rife("4.15.lite 4.16.lite 4.17.lite", _E4, _LITE, _RES, 24, _C4, _FOUR, 32, "replaced", True, 2616476),
    "K": Rife("4.20", _E8, (384, 192, 96, 48), _RES, 24, _C8, _FOUR, 32, "replaced", True, 15376512),
    "L": Rife("4.21 4.22 4.23", _CARRIED_E8, (256, 192, 96, 48), _RES, 52, _C8, _FOUR, 32, "replaced", False, 9322416),
    "M": Rife("4.22.lite", _CARRIED_E4, (192, 128, 64, 32), _RES, 52, _C4, _FOUR, 32, "replaced", False, 4866052),
    "N": Rife("4.25 4.26", _PLUS, (*_FULL, 32), _RES, 52, _C4, _FIVE, 64, "replaced", False, 5664776),
    "O": Rife("4.25.lite", _PLUS, (*_FULL, 24), _RES, 52, _C4, (32, 16, 8, 4, 1), 128, "replaced", False, 5622700),
    "P": Rife("4.25.heavy", _PLUS, (384, 256, 192, 128, 64), _RES, 52, _C4, _FIVE, 64, "replaced", False, 21663528),
    "Q": Rife("4.26.heavy", (39, 52, 52, 52, 52), (*_FULL, 32), _RES, 52, _C16, _FIVE, 64, "replaced", False, 5723156),
}
# fmt: on


def rife_shapes(net: Rife) -> Shapes:
    """The names and shapes in a version's file."""
    shapes: Shapes = {}

    def layer(name: str, *shape: int, biases: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, (biases,)

    for i, (n, c) in enumerate(zip(net.inputs, net.widths, strict=True)):
        layer(f"block{i}.conv0.0.0", c // 2, n, 3, 3, biases=c // 2)
        layer(f"block{i}.conv0.1.0", c, c // 2, 3, 3, biases=c)
        if net.body == "prelu":
            shapes[f"block{i}.conv0.0.1.weight"], shapes[f"block{i}.conv0.1.1.weight"] = (c // 2,), (c,)
        for k in range(8):
            if net.body in ("prelu", "plain"):
                layer(f"block{i}.convblock.{k}.0", c, c, 3, 3, biases=c)
            else:
                layer(f"block{i}.convblock.{k}.conv", c, c if net.body == "residual" else c // 2, 3, 3, biases=c)
                shapes[f"block{i}.convblock.{k}.beta"] = (1, c, 1, 1)
            if net.body == "prelu":
                shapes[f"block{i}.convblock.{k}.1.weight"] = (c,)
        layer(f"block{i}.lastconv" + (".0" if net.out != 5 else ""), c, net.out, 4, 4, biases=net.out)
    if net.head:
        _, h, e = net.head
        *others, last = _HEADS[net.head[0]]
        for number, name in enumerate(others):
            layer(name, h, h if number else 3, 3, 3, biases=h)
        layer(last, h, e, 4, 4, biases=e)
    return shapes


_HEADS = {
    "short": ("encode.0", "encode.1"),
    "numbered": ("encode.0", "encode.2", "encode.4", "encode.6"),
    "named": ("encode.cnn0", "encode.cnn1", "encode.cnn2", "encode.cnn3"),
}


def rife_seen(net: Rife, weights: Weights, frames: Tensor) -> Tensor:
    """What the head makes of frames."""
    if not net.head:
        return frames[:, 3:]
    *others, last = _HEADS[net.head[0]]
    for number, name in enumerate(others):
        frames = convolved(frames, weights, name, 1 if number else 2)
        frames = frames if net.head[0] == "short" else leaky(frames)
    return unfolded(frames, weights, last)


class Between(NamedTuple):
    """What a network finds: the frames, the flow to both sides, and whether it doubled its sizes for it."""

    frames: Tensor
    flow: Tensor
    doubled: bool


def rife_frames(
    net: Rife, weights: Weights, first: Tensor, second: Tensor, moment: Tensor, scale: float, ensemble: bool
) -> Between:
    """What is between two frames each."""
    seen = rife_seen(net, weights, first), rife_seen(net, weights, second)
    times = moment.expand(-1, 1, *first.shape[-2:])
    sizes = [size / scale for size in net.sizes]

    def asked(i: int, at: Tensor | None, mask: Tensor | None, carried: Tensor | None, turned: bool = False) -> Tensor:
        sides = [(first, seen[0]), (second, seen[1])]
        if at is not None:
            sides = [tuple(fetched(one, way) for one in side) for side, way in zip(sides, at.split(2, 1), strict=True)]
        told = [times, *(one for one in (mask, carried) if one is not None)]
        if turned:
            sides, told = sides[::-1], [1 - times, *([] if mask is None else [-mask])]
            at = None if at is None else at[:, [2, 3, 0, 1]]
        given = torch.cat([sides[0][0], sides[1][0], sides[0][1], sides[1][1], *told], 1)
        return rife_block(net, weights, i, given, at, sizes[i])

    def averaged(found: Tensor, i: int, at: Tensor | None, mask: Tensor | None) -> Tensor:
        if not ensemble:
            return found
        other = asked(i, at, mask, None, turned=True)
        flow = (found[:, :4] + other[:, [2, 3, 0, 1]]) / 2
        return torch.cat((flow, (found[:, 4:5] - other[:, 4:5]) / 2), 1)

    found = averaged(asked(0, None, None, None), 0, None, None)
    flow, mask, carried = found[:, :4], found[:, 4:5], found[:, 5:] if net.out == 52 else None
    for i in range(1, len(net.widths)):
        found = asked(i, flow, mask, carried)
        if net.body == "prelu" and i == 1 and found[:, :2].abs().max() > 32 and found[:, 2:4].abs().max() > 32:
            sizes = [2 * size for size in sizes]
            found = asked(0, None, None, None)
            flow, mask = found[:, :4], found[:, 4:5]
            found = asked(1, flow, mask, None)
        found = averaged(found, i, flow, mask)
        flow = flow + found[:, :4]
        mask = mask + found[:, 4:5] if net.mask == "added" else found[:, 4:5]
        carried = found[:, 5:] if net.out == 52 else None
    share = 1 / (1 + torch.exp(-mask))
    frames = share * fetched(first, flow[:, :2]) + (1 - share) * fetched(second, flow[:, 2:])
    return Between(frames, flow, sizes[0] != net.sizes[0] / scale)


def rife_block(net: Rife, weights: Weights, i: int, given: Tensor, flow: Tensor | None, size: float) -> Tensor:
    """What block `i` says at the size of the frames: changes of the flow, the mask, and what else it tells the next."""
    height, width = given.shape[-2:]

    def to(planes: Tensor, *sides: float) -> Tensor:
        return F.interpolate(planes, size=[round(side) for side in sides], mode="bilinear")

    planes = to(given, height / size, width / size)
    if flow is not None:
        planes = torch.cat((planes, to(flow, height / size, width / size) / size), 1)
    for name in (f"block{i}.conv0.0", f"block{i}.conv0.1"):
        planes = convolved(planes, weights, f"{name}.0", 2)
        planes = bent(planes, weights, f"{name}.1") if net.body == "prelu" else leaky(planes)
    begun = planes
    for k in range(8):
        name = f"block{i}.convblock.{k}"
        if net.body == "prelu":
            planes = bent(convolved(planes, weights, f"{name}.0"), weights, f"{name}.1")
        elif net.body == "plain":
            planes = leaky(convolved(planes, weights, f"{name}.0"))
        else:
            change = convolved(planes, weights, f"{name}.conv", groups=1 if net.body == "residual" else 2)
            planes = leaky(change * weights[f"{name}.beta"] + planes)
    if net.body == "prelu":
        planes = planes + begun
    if net.out == 5:
        found = to(unfolded(planes, weights, f"block{i}.lastconv"), height, width)
        return torch.cat((found[:, :4] * (2 * size), found[:, 4:]), 1)
    found = to(F.pixel_shuffle(unfolded(planes, weights, f"block{i}.lastconv.0"), 2), height, width)
    return torch.cat((found[:, :4] * size, found[:, 4:]), 1)


def fetched(planes: Tensor, flow: Tensor) -> Tensor:
    """Planes from where `flow` points to, between the four pixels around it; from the edge where it points outside."""
    n, c, height, width = planes.shape
    x = (torch.arange(width) + flow[:, 0]).clamp(0, width - 1)
    y = (torch.arange(height)[:, None] + flow[:, 1]).clamp(0, height - 1)
    left, top = x.floor().clamp(max=width - 2), y.floor().clamp(max=height - 2)
    right, low = (x - left)[:, None], (y - top)[:, None]
    at = (top * width + left).long().flatten(1)[:, None].expand(-1, c, -1)
    rows = planes.flatten(2)

    def corner(step: int) -> Tensor:
        return rows.gather(2, at + step).view(n, c, height, width)

    above = corner(0) * (1 - right) + corner(1) * right
    below = corner(width) * (1 - right) + corner(width + 1) * right
    return above * (1 - low) + below * low


@dataclass(frozen=True)
class Rrdb:
    """A file of an RRDBNet."""

    naming: Literal["first", "later", "now"]
    inputs: int
    """Channels that the first convolution is given."""
    width: int
    depth: int
    growth: int
    doublings: int
    unshuffle: int
    scale: int
    parameters: int | None = None
    """Where they were counted."""


RRDB = {
    "RealESRGAN_x4plus": Rrdb("now", 3, 64, 23, 32, 2, 1, 4, 16697987),
    "RealESRGAN_x2plus": Rrdb("now", 12, 64, 23, 32, 2, 2, 2, 16703171),
    "RealESRGAN_x4plus_anime_6B": Rrdb("now", 3, 64, 6, 32, 2, 1, 4, 4467779),
    "BSRGAN": Rrdb("later", 3, 64, 23, 32, 2, 1, 4, 16697987),
    "RRDB_ESRGAN_x4_old_arch": Rrdb("first", 3, 64, 23, 32, 2, 1, 4, 16697987),
    "4x-NMKD-YandereNeo": Rrdb("first", 3, 32, 12, 32, 2, 1, 4, 5021155),
    # Of these the depth is less than theirs, which is 23.
    "x1 after an unshuffle by 4": Rrdb("now", 48, 64, 2, 32, 2, 4, 1),
    "BSRGANx2": Rrdb("later", 3, 64, 2, 32, 1, 1, 2),
    "x1 of the first naming": Rrdb("first", 3, 64, 2, 32, 0, 1, 1),
    "x2 of the first naming": Rrdb("first", 3, 64, 2, 32, 1, 1, 2),
    "x8 of the first naming": Rrdb("first", 3, 64, 2, 32, 3, 1, 8),
    "x16 of the first naming": Rrdb("first", 3, 64, 2, 32, 4, 1, 16),
    "x32, grey, narrow": Rrdb("first", 1, 8, 1, 4, 5, 1, 32),
}


def rrdb_name(net: Rrdb, layer: str) -> str:
    """What a convolution is called in a file: `first`, `body`, `up2`, `hr`, `last`, or `0.1.5`, the fifth of the first
    dense block of the first block."""
    n, _, rest = layer.partition(".")
    if rest:
        m, k = rest.split(".")
        return {
            "first": f"model.1.sub.{n}.RDB{m}.conv{k}.0",
            "later": f"RRDB_trunk.{n}.RDB{m}.conv{k}",
            "now": f"body.{n}.rdb{m}.conv{k}",
        }[net.naming]
    if net.naming == "first":
        places = {
            "first": "0",
            "body": f"1.sub.{net.depth}",
            "up1": "3",
            "up2": "6",
            "up3": "9",
            "up4": "12",
            "up5": "15",
        }
        hr = {0: 2, 1: 5, 2: 8, 3: 11, 4: 14, 5: 17}[net.doublings]
        return "model." + (places | {"hr": f"{hr}", "last": f"{hr + 2}"})[layer]
    later = {"body": "trunk_conv", "hr": "HRconv", "up1": "upconv1", "up2": "upconv2"}
    return (later if net.naming == "later" else {}).get(layer, f"conv_{layer}")


def rrdb_shapes(net: Rrdb) -> Shapes:
    """The names and shapes in a file."""
    width, growth, out = net.width, net.growth, net.inputs // net.unshuffle**2
    sides = {"first": (width, net.inputs), "body": (width, width), "hr": (width, width), "last": (out, width)}
    sides |= {f"up{i + 1}": (width, width) for i in range(net.doublings)}
    for n in range(net.depth):
        for m in (1, 2, 3):
            sides |= {f"{n}.{m}.{k}": (growth, width + (k - 1) * growth) for k in (1, 2, 3, 4)}
            sides[f"{n}.{m}.5"] = width, width + 4 * growth
    shapes: Shapes = {}
    for layer, (to, given) in sides.items():
        name = rrdb_name(net, layer)
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (to, given, 3, 3), (to,)
    return shapes


def rrdb_picture(net: Rrdb, weights: Weights, pictures: Tensor) -> Tensor:
    """The pictures enlarged."""

    def layer(planes: Tensor, what: str) -> Tensor:
        return convolved(planes, weights, rrdb_name(net, what))

    n, c, height, width = pictures.shape
    u = net.unshuffle
    planes = pictures.view(n, c, height // u, u, width // u, u).permute(0, 1, 3, 5, 2, 4)
    begun = layer(planes.reshape(n, c * u * u, height // u, width // u), "first")
    trunk = begun
    for i in range(net.depth):
        block = trunk
        for m in (1, 2, 3):
            known = [block]
            for k in (1, 2, 3, 4):
                known.append(leaky(layer(torch.cat(known, 1), f"{i}.{m}.{k}")))
            block = block + 0.2 * layer(torch.cat(known, 1), f"{i}.{m}.5")
        trunk = trunk + 0.2 * block
    planes = begun + layer(trunk, "body")
    for i in range(net.doublings):
        planes = leaky(layer(repeated(planes, 2), f"up{i + 1}"))
    return layer(leaky(layer(planes, "hr")), "last")


@dataclass(frozen=True)
class Compact:
    """A file of an SRVGGNetCompact."""

    width: int
    depth: int
    scale: int
    parameters: int
    colours: int = 3


COMPACT = {
    "realesr-animevideov3": Compact(64, 16, 4, 621424),
    "realesr-general-x4v3": Compact(64, 32, 4, 1213296),
    "RealESRGANv2-animevideo-xsx2": Compact(64, 16, 2, 600652),
    "RealESRGANv2-animevideo-xsx4": Compact(64, 16, 4, 621424),
    "x2 of 32": Compact(64, 32, 2, 1192524),
    "x3 of 16": Compact(64, 16, 3, 609307),
    "x1 of 16": Compact(64, 16, 1, 595459),
    "x2 of 2, grey, narrow": Compact(8, 2, 2, 1564, colours=1),
}


def compact_shapes(net: Compact) -> Shapes:
    """The names and shapes in a file."""
    places = [2 * i for i in range(net.depth + 2)]
    shapes: Shapes = {}
    for place in places:
        given = net.colours if place == 0 else net.width
        to = net.colours * net.scale**2 if place == places[-1] else net.width
        shapes[f"body.{place}.weight"], shapes[f"body.{place}.bias"] = (to, given, 3, 3), (to,)
    return shapes | {f"body.{place + 1}.weight": (net.width,) for place in places[:-1]}


def compact_picture(net: Compact, weights: Weights, pictures: Tensor) -> Tensor:
    """The pictures enlarged."""
    planes = pictures
    for place in range(0, 2 * net.depth + 2, 2):
        planes = bent(convolved(planes, weights, f"body.{place}"), weights, f"body.{place + 1}")
    planes = convolved(planes, weights, f"body.{2 * net.depth + 2}")
    (n, c, height, width), s = pictures.shape, net.scale
    found = planes.view(n, c, s, s, height, width).permute(0, 1, 4, 2, 5, 3).reshape(n, c, height * s, width * s)
    return found + repeated(pictures, s)


def repeated(planes: Tensor, times: int) -> Tensor:
    """Each pixel, to both sides."""
    return planes.repeat_interleave(times, 2).repeat_interleave(times, 3)


def spoilt(shapes: Shapes, rng: random.Random) -> Shapes:
    """Some names gone, some shapes changed."""
    left = dict(shapes)
    for name in rng.sample(sorted(shapes), rng.choice([1, 1, 2, 10])):
        shape = left.pop(name)
        change = rng.choice(["gone", "flat", "longer", "side", "side", "side"])
        if change != "gone":
            at = rng.randrange(len(shape))
            side = rng.choice([0, shape[at] + 1, 2 * shape[at], 3 * shape[at] + 7])
            left[name] = {
                "flat": shape[1:],
                "longer": (*shape, 1),
                "side": (*shape[:at], side, *shape[at + 1 :]),
            }[change]
    return left
