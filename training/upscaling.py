"""Train the ESRGAN in the box: x2, compact, for fidelity.

    python -m training.upscaling [--steps N]

Procedural pictures alone (see `training.pictures`): half of the samples are halved by a clean antialiased bicubic
kernel, the others are blurred, noisy or compressed a little as well, half of them by a codec. What a network of this
size learns from the L1 distance to the original is to draw edges and letters sharper than a resampling filter, and to
leave out blocks and noise; it invents no texture, for which it has neither room nor adversary.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training import degrading, loop
from training.pictures import picture, pictures
from vidflow.models import esrgan, generators
from vidflow.places import resource

LAYOUT = esrgan.Layout("compact", scale=2, width=48, depth=12)
_CROP = 128
"""Pixels of a side of what is to be made."""
_MARGIN = 16
"""Pixels around it that are degraded with it and then cut away: what was done to them ends at the picture's edge."""
_ENCODED = 0.5
"""Of the samples that are not clean, the part that a codec has compressed."""
_HELD_OUT = 10**9
"""The seeds of pictures that are never trained on begin here."""


class Samples:
    """Pairs of a small picture and what it was, from a stock of pictures."""

    def __init__(self, stock: Tensor, packed: Tensor, seed: int) -> None:
        """`stock` is uint8 `[count, side, side, 3]`, on the device where the work is done; `packed` the same halved
        and encoded."""
        self.stock, self.packed, self.seed = stock, packed, seed

    def __call__(self, number: int, count: int, clean: bool | None = None) -> tuple[Tensor, Tensor]:
        """Batch `number`, of `count`: float32 `[count, 3, _CROP / 2, _CROP / 2]` and `[count, 3, _CROP, _CROP]`. The
        first half is clean, or with `clean` all or none."""
        rng = torch.Generator().manual_seed(self.seed * 2**32 + number)
        cuts = [self._cut(rng) for _ in range(count)]
        true = torch.stack([cut for cut, _ in cuts]).float() / 255
        kept = count // 2 if clean is None else count * clean
        thin = int(torch.randint(0, count + 1, (), generator=rng))
        if thin:
            # Any of them: which are clean is told by their place.
            which = torch.randperm(count, generator=rng)[:thin]
            true[which] = degrading.thin_colour(true[which])
        true = true.clamp(0, 1)
        sharpness = 0.5 + 0.25 * float(torch.rand((), generator=rng))
        small = degrading.halved(true, sharpness)
        if kept < count:
            small[kept:] = self._worsened(true[kept:], sharpness, rng)
            for place in range(kept, count):
                if torch.rand((), generator=rng) < _ENCODED:
                    small[place] = cuts[place][1].float() / 255
        small = (small.clamp(0, 1) * 255).round() / 255
        edge, half = _MARGIN, _MARGIN // 2
        return small[..., half:-half, half:-half], true[..., edge:-edge, edge:-edge]

    def _cut(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """A part of a picture and the same part of it encoded, turned alike."""
        side = _CROP // 2 + _MARGIN
        count, length = self.packed.shape[:2]
        which, top, left = (int(torch.randint(0, n, (), generator=rng)) for n in (count, *[length - side + 1] * 2))
        turns, mirrored = (int(torch.randint(0, n, (), generator=rng)) for n in (4, 2))
        colours = torch.randperm(3, generator=rng)

        def cut(stock: Tensor, scale: int) -> Tensor:
            rows, columns = (slice(at * scale, (at + side) * scale) for at in (top, left))
            part = stock[which, rows, columns].permute(2, 0, 1)
            return torch.rot90(part.flip(2) if mirrored else part, turns, (1, 2))[colours]

        return cut(self.stock, 2), cut(self.packed, 1)

    def _worsened(self, true: Tensor, sharpness: float, rng: torch.Generator) -> Tensor:
        """Some of: blur, noise, compression."""

        def drawn(*shape: int) -> Tensor:
            return torch.rand(shape, generator=rng).to(true.device)

        count = len(true)
        soft = degrading.blurred(true, 0.3 + 1.2 * float(drawn()))
        small = degrading.halved(torch.where(drawn(count, 1, 1, 1) < 0.3, soft, true), sharpness)
        noise = torch.randn(small.shape, generator=rng).to(true.device)
        strength = 0.03 * drawn(count, 1, 1, 1) * (drawn(count, 1, 1, 1) < 0.3)
        small = (small + noise * strength).clamp(0, 1)
        packed = degrading.compressed(small, 55 + 40 * drawn(count, 1, 1, 1))
        return torch.where(drawn(count, 1, 1, 1) < 0.7, packed, small)


def packed(seed: int) -> NDArray[Any]:
    """The picture of a seed, halved and encoded."""
    small = degrading.halved(torch.from_numpy(picture(seed)).permute(2, 0, 1)[None].float() / 255)
    eight_bit = (small[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return degrading.encoded(eight_bit.numpy(), seed)


def _samples(count: int, first: int, seed: int, device: torch.device) -> Samples:
    stock, small = (torch.from_numpy(pictures(count, first, make)).to(device) for make in (None, packed))
    return Samples(stock, small, seed)


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=24_000, batch=16, rate=1e-3, folder="upscaling")
    parser.add_argument("--pictures", type=int, default=1500, help="how many are drawn (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/esrgan-small-x2"))
    given = parser.parse_args()
    budget = loop.budget(given)
    samples = _samples(given.pictures, given.seed * 10**6, given.seed, budget.device)
    unseen = _samples(32, _HELD_OUT, _HELD_OUT, budget.device)
    tests = {name: unseen(0, 48, clean) for name, clean in (("clean", True), ("worsened", False))}
    drawn: dict[int, tuple[Tensor, Tensor]] = {}

    def batch(step: int) -> tuple[Tensor, Tensor]:
        # Two steps' are drawn at once: many small ones cost more than a few large ones.
        if step not in drawn:
            small, true = samples(step // 2, 2 * budget.batch)
            drawn.clear()
            drawn.update({step // 2 * 2 + i: (small[i::2], true[i::2]) for i in range(2)})
        return drawn[step]

    def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        small, true = batch
        return (net(small.contiguous(memory_format=torch.channels_last)).float() - true).abs().mean()

    def validate(net: nn.Module) -> dict[str, float]:
        figures: dict[str, float] = {}
        for name, (small, true) in tests.items():
            plain = functional.interpolate(small, scale_factor=2, mode="bicubic", align_corners=False)
            figures[name] = loop.psnr(net(small), true)
            figures[f"{name} beyond bicubic"] = figures[name] - loop.psnr(plain, true)
        return figures

    net = loop.train(lambda: generators.Compact(LAYOUT), budget, batch, loss, validate)
    loop.ship(net, given.to, "SRVGGNetCompact", asdict(LAYOUT))


if __name__ == "__main__":
    main()
