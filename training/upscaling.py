"""Train the ESRGAN in the box: x2, compact, for fidelity.

    python -m training.upscaling [--steps N]

Procedural pictures alone (see `training.pictures`): half of the samples are halved by a clean antialiased bicubic
kernel, the others are blurred, noisy or compressed a little as well. What a network of this size learns from the L1
distance to the original is to draw edges and letters sharper than a resampling filter, and to leave out blocks and
noise; it invents no texture, for which it has neither room nor adversary.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import degrading, loop
from training.pictures import pictures
from vidflow.models import esrgan, generators
from vidflow.places import resource

LAYOUT = esrgan.Layout("compact", scale=2, width=48, depth=12)
_CROP = 128
"""Pixels of a side of what is to be made."""
_MARGIN = 16
"""Pixels around it that are degraded with it and then cut away: what was done to them ends at the picture's edge."""
_HELD_OUT = 10**9
"""The seeds of pictures that are never trained on begin here."""


class Samples:
    """Pairs of a small picture and what it was, from a stock of pictures."""

    def __init__(self, stock: Tensor, seed: int) -> None:
        """`stock` is uint8 `[count, side, side, 3]`, on the device where the work is done."""
        self.stock, self.seed = stock, seed

    def __call__(self, number: int, count: int, clean: bool | None = None) -> tuple[Tensor, Tensor]:
        """Batch `number`, of `count`: float32 `[count, 3, _CROP / 2, _CROP / 2]` and `[count, 3, _CROP, _CROP]`. The
        first half is clean, or with `clean` all or none."""
        rng = torch.Generator().manual_seed(self.seed * 2**32 + number)
        true = torch.stack([self._cut(rng) for _ in range(count)]).float() / 255
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
        small = (small.clamp(0, 1) * 255).round() / 255
        edge, half = _MARGIN, _MARGIN // 2
        return small[..., half:-half, half:-half], true[..., edge:-edge, edge:-edge]

    def _cut(self, rng: torch.Generator) -> Tensor:
        side = _CROP + 2 * _MARGIN
        count, length = self.stock.shape[:2]
        which, top, left = (int(torch.randint(0, n, (), generator=rng)) for n in (count, *[length - side + 1] * 2))
        cut = self.stock[which, top : top + side, left : left + side].permute(2, 0, 1)
        turns, mirrored = (int(torch.randint(0, n, (), generator=rng)) for n in (4, 2))
        cut = torch.rot90(cut.flip(2) if mirrored else cut, turns, (1, 2))
        return cut[torch.randperm(3, generator=rng)]

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


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=24_000, batch=16, rate=1e-3, folder="upscaling")
    parser.add_argument("--pictures", type=int, default=1500, help="how many are drawn (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/esrgan-small-x2"))
    given = parser.parse_args()
    budget = loop.budget(given)
    stock = torch.from_numpy(pictures(given.pictures, given.seed * 10**6)).to(budget.device)
    samples = Samples(stock, given.seed)
    unseen = Samples(torch.from_numpy(pictures(32, _HELD_OUT)).to(budget.device), _HELD_OUT)
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

    net = loop.train(generators.Compact(LAYOUT), budget, batch, loss, validate)
    loop.ship(net, given.to, "SRVGGNetCompact", asdict(LAYOUT))


if __name__ == "__main__":
    main()
