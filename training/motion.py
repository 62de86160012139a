"""Procedural scenes in motion: layers with the textures of pictures, of all shapes, that move, turn, grow and bend
before one another, with what is true of them: the frame between two others, and from where to where everything went.

All of it is drawn on tensors, on whatever device.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from training.degrading import compressed

_TEXTURE = 256
"""Pixels of the side of a texture; beyond it goes on mirrored."""
_MOST = 7
"""Layers of a scene, at most."""


class Scene(NamedTuple):
    """Two frames, `[n, 3, h, w]` in 0..1, and that at the moment `[n, 1, 1, 1]` between them; `flow` `[n, 4, h, w]` in
    pixels leads from the moment to both, as IFNet has it, also where the one or the other hides what is there."""

    first: Tensor
    second: Tensor
    middle: Tensor
    moment: Tensor
    flow: Tensor


class Scenes:
    """Scenes by their number, from a stock of pictures."""

    def __init__(self, stock: Tensor, seed: int, side: int, far: float = 0.25) -> None:
        """`stock` is uint8 `[count, h, w, 3]`, on the device where the work is done; frames are `side` to each side;
        the camera, and things by themselves, move by `far` of that at most."""
        self.stock, self.seed, self.side, self.far = stock, seed, side, far

    def __call__(self, number: int, count: int) -> Scene:
        """Batch `number`, of `count` scenes."""
        draw = _Draw(torch.Generator().manual_seed(self.seed * 2**32 + number), count, self.stock.device)
        layers = int(torch.randint(1, _MOST + 1, (), generator=draw.rng))
        moment = torch.where(draw.uniform(1) < 0.5, 0.5, draw.uniform(1, 0.05, 0.95))
        camera = _Pose(draw, self.far, self.side, 0.35)
        grain = 0.02 * draw.uniform(1) * (draw.uniform(1) < 0.4)
        frames: list[Tensor] = [torch.empty(0)] * 3
        flow = torch.empty(0)
        grid = self._grid()
        for number_of in range(layers):
            layer = _Layer(draw, self, camera, behind=number_of == 0)
            for k, time in enumerate((torch.zeros_like(moment), torch.ones_like(moment), moment)):
                at = layer.backwards(grid, time)
                share, colour = layer.share(at), layer.colour(at)
                frames[k] = colour if number_of == 0 else torch.lerp(frames[k], colour, share)
                if k == 2:
                    ends = [
                        layer.forwards(at, one) - grid for one in (torch.zeros_like(moment), torch.ones_like(moment))
                    ]
                    found = torch.cat([end.permute(0, 3, 1, 2) for end in ends], 1)
                    flow = found if number_of == 0 else torch.where(share > 0.5, found, flow)
        first, second, middle = (frame.clamp(0, 1) for frame in frames)
        first, second = (_grained(frame, grain, draw.rng) for frame in (first, second))
        first, second = _compressed(draw, first, second)
        return Scene(first, second, middle, moment.reshape(-1, 1, 1, 1), flow)

    def _grid(self) -> Tensor:
        """Where pixels are, `[1, h, w, 2]`, from the middle of the frame."""
        at = torch.arange(self.side, device=self.stock.device) - (self.side - 1) / 2
        return torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)[None]


class _Draw:
    """Random numbers for each scene of a batch, the same on every device."""

    def __init__(self, rng: torch.Generator, count: int, device: torch.device) -> None:
        self.rng, self.count, self.device = rng, count, device

    def uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return (low + (high - low) * torch.rand(self.count, n, generator=self.rng)).to(self.device)

    def normal(self, n: int) -> Tensor:
        return torch.randn(self.count, n, generator=self.rng).to(self.device)


class _Pose:
    """Where something is at a time: it moves by `speed` `[n, 2]` pixels from frame to frame (at most
    the part `most` of the side), turns by `turn` radians,
    grows by the logarithm `growth`, all even."""

    def __init__(self, draw: _Draw, most: float, side: int, moving: float) -> None:
        # As often by one to two pixels as by ten to twenty; and what does not move at all has to stay as it is.
        length = side * most * 50 ** (draw.uniform(1) - 1) * (draw.uniform(1) < moving + 0.3)
        heading = draw.uniform(1, 0, 2 * math.pi)
        self.speed = length * torch.cat((heading.cos(), heading.sin()), 1)
        self.turn = 0.08 * draw.normal(1) * (draw.uniform(1) < moving)
        self.growth = 0.05 * draw.normal(1) * (draw.uniform(1) < moving)


class _Layer:
    def __init__(self, draw: _Draw, scenes: Scenes, camera: _Pose, behind: bool) -> None:
        self.behind, side = behind, scenes.side
        self.centre = draw.uniform(2, -0.5, 0.5) * side * (not behind)
        pose = _Pose(draw, 0.05 if behind else scenes.far, side, 0.3 if behind else 0.6)
        near = draw.uniform(1, 0.6, 1.4)
        self.speed = pose.speed + camera.speed * near
        self.turn, self.growth = pose.turn + camera.turn, pose.growth + camera.growth
        # It turns and grows about the middle of the frame with the camera, about its own by itself.
        self.bend = draw.uniform(2, 0, 4) * (draw.uniform(1) < 0.4)
        self.wave, self.phase = draw.uniform(4, -0.1, 0.1), draw.uniform(2, 0, 6.3)
        size = side * 0.04 * 20 ** draw.uniform(1)
        self.half = torch.cat((size, size * draw.uniform(1, 0.12, 1)), 1)
        self.lean = draw.uniform(1, 0, 2 * math.pi)
        self.power = 2 ** torch.floor(draw.uniform(1, 0, 4))
        self.lobes, self.depth = torch.floor(draw.uniform(1, 2, 7)), draw.uniform(1, 0, 0.35)
        self.softness = torch.where(draw.uniform(1) < 0.8, 1.0, draw.uniform(1, 1, 6))
        self.fine = 0.25 * 5 ** draw.uniform(1)
        self.tint = draw.uniform(3, 0.7, 1.2)
        self.texture = _textures(draw, scenes.stock)

    def forwards(self, at: Tensor, time: Tensor) -> Tensor:
        """From the layer's own places `[n, h, w, 2]` to the frame's, at `time` `[n, 1]`."""
        at = at + self._bent(at, time)
        return _turned(at, self.turn * time) * _wide(torch.exp(self.growth * time)) + _wide(
            self.centre + self.speed * time
        )

    def backwards(self, grid: Tensor, time: Tensor) -> Tensor:
        """From the frame's places to the layer's own."""
        at = (grid - _wide(self.centre + self.speed * time)) * _wide(torch.exp(-self.growth * time))
        rigid = at = _turned(at, -self.turn * time)
        for _ in range(3):
            at = rigid - self._bent(at, time)
        return at

    def _bent(self, at: Tensor, time: Tensor) -> Tensor:
        """By how much places are moved beside that, as cloth is."""
        x, y = at.unbind(-1)
        wave = self.wave[:, None, None]
        waves = torch.stack((x * wave[..., 0] + y * wave[..., 1], x * wave[..., 2] + y * wave[..., 3]), -1)
        return torch.sin(waves + _wide(self.phase)) * _wide(self.bend * time)

    def share(self, at: Tensor) -> Tensor:
        """How much of each pixel it covers, `[n, 1, h, w]`: a star, a leaf, a box, a stroke."""
        if self.behind:
            return torch.ones_like(at[..., 0])[:, None]
        x, y = (_turned(at, self.lean) / _wide(self.half)).unbind(-1)
        power, lobes, depth = (one[:, :, None] for one in (self.power, self.lobes, self.depth))
        reach = (x.abs() ** power + y.abs() ** power + 1e-6) ** (1 / power)
        reach = reach / (1 + depth * torch.cos(lobes * torch.atan2(y, x)))
        inside = (1 - reach) * self.half.amin(1)[:, None, None]
        return (0.5 + inside / self.softness[:, :, None]).clamp(0, 1)[:, None]

    def colour(self, at: Tensor) -> Tensor:
        """Of its texture, `[n, 3, h, w]`."""
        places = at * _wide(self.fine) / (_TEXTURE / 2)
        found = functional.grid_sample(self.texture, places, padding_mode="reflection", align_corners=False)
        return found * self.tint[:, :, None, None]


def _textures(draw: _Draw, stock: Tensor) -> Tensor:
    """Cuts of the stock, `[n, 3, _TEXTURE, _TEXTURE]`, mirrored and with colours changed about."""
    length = stock.shape[1]
    cuts: list[Tensor] = []
    for _ in range(draw.count):
        which, top, left, mirrored = (
            int(torch.randint(0, n, (), generator=draw.rng)) for n in (len(stock), *[length - _TEXTURE + 1] * 2, 2)
        )
        cut = stock[which, top : top + _TEXTURE, left : left + _TEXTURE].permute(2, 0, 1)
        cuts.append((cut.transpose(1, 2) if mirrored else cut)[torch.randperm(3, generator=draw.rng)])
    return torch.stack(cuts).float() / 255


def _grained(frames: Tensor, grain: Tensor, rng: torch.Generator) -> Tensor:
    """With noise of so much deviation, of which the frame between them is free."""
    noise = torch.randn(frames.shape, generator=rng).to(frames.device)
    return (frames + noise * grain[:, :, None, None]).clamp(0, 1)


def _compressed(draw: _Draw, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Half of the scenes as after compression: what is left of it in a frame does not move as the scene does."""
    which, quality = draw.uniform(1)[:, :, None, None] < 0.5, draw.uniform(1, 40, 95)[:, :, None, None]
    after = [torch.where(which, compressed(one, quality).clamp(0, 1), one) for one in (first, second)]
    return after[0], after[1]


def _turned(at: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos()[:, :, None], angle.sin()[:, :, None]
    x, y = at.unbind(-1)
    return torch.stack((x * cos - y * sin, x * sin + y * cos), -1)


def _wide(numbers: Tensor) -> Tensor:
    """Numbers of each scene, `[n, c]`, beside places."""
    return numbers[:, None, None]
