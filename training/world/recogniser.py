"""A small network that tells what the subject of a clip is: `python -m training.world.recogniser`.

It has seen renders alone, cut out where the judge finds the subject, and looks at a few frames of a clip.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from training import loop
from training.world.judge import subject
from training.world.words import PARTS, Scene

_SIDE = 48
_WIDTHS = 24, 48, 64
_FRAMES = 0, 4, 8, 12, 16
_BENT, _BLOTCHED = 0.3, 0.6
"""How uneven cuts are made in training: in halves of their side, and as parts of their brightness."""
_WEIGHTS = Path(__file__).with_name("recogniser.safetensors")


class Recogniser(nn.Module):
    """`[n, 3, _SIDE, _SIDE]` in 0..1 to the logits of subjects, `[n, subjects]`."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inner = 3
        for width in _WIDTHS:
            layers += [nn.Conv2d(inner, width, 3, padding=1), nn.GroupNorm(4, width), nn.SiLU()]
            layers += [nn.Conv2d(width, width, 3, stride=2, padding=1), nn.GroupNorm(4, width), nn.SiLU()]
            inner = width
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2))
        self.tell = nn.Linear(inner * (_SIDE // 2 ** len(_WIDTHS)) ** 2, len(PARTS["subject"]))

    def forward(self, cuts: Tensor) -> Tensor:
        """The logits."""
        return self.tell(self.layers(cuts - 0.5))


def cuts(clip: NDArray[Any]) -> NDArray[Any]:
    """The subject of some frames of a clip, `[n, _SIDE, _SIDE, 3]`: where none is found, the whole frame."""
    return np.stack([_cut(clip[k]) for k in _FRAMES if k < len(clip)])


def _cut(frame: NDArray[Any]) -> NDArray[Any]:
    mask = subject(frame)
    height, width = mask.shape
    rows, columns = np.nonzero(mask) if mask.any() else (np.array((0, height - 1)), np.array((0, width - 1)))
    x, y = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
    half = 0.62 * max(np.ptp(rows), np.ptp(columns)) + 3
    scale = _SIDE / (2 * half)
    there = np.array([[scale, 0, _SIDE / 2 - x * scale], [0, scale, _SIDE / 2 - y * scale]])
    if scale < 1:
        frame = cv2.GaussianBlur(frame, (0, 0), 0.4 / scale)
    return cv2.warpAffine(frame, there, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def recognised(clip: NDArray[Any]) -> str:
    """The subject of a clip."""
    with torch.inference_mode():
        return PARTS["subject"][int(_trained()(_as_tensor(cuts(clip))).log_softmax(1).mean(0).argmax())]


@cache
def _trained() -> Recogniser:
    net = Recogniser()
    net.load_state_dict({name: tensor.float() for name, tensor in load_file(_WEIGHTS).items()})
    return net.eval()


def _as_tensor(frames: NDArray[Any]) -> Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255


def _labels(scenes: list[Scene]) -> Tensor:
    return torch.tensor([PARTS["subject"].index(scene.subject) for scene in scenes])


def main() -> None:
    """Train and keep."""
    from training.pocket import stock

    parser = loop.options(__doc__, steps=1500, batch=128, rate=2e-3, folder="recogniser")
    parser.add_argument("--clips", type=int, default=2000, help="how many are rendered (default %(default)s)")
    given = parser.parse_args()
    budget = loop.budget(given)

    def shown(first: int, count: int) -> tuple[Tensor, Tensor]:
        found = torch.from_numpy(np.stack(list(stock.mapped(cuts, first, count))))
        return found, _labels([stock.scene(seed) for seed in range(first, first + count)])

    seen, named = shown(given.seed * 10**6, given.clips)
    unseen, others = shown(stock.HELD_OUT + 2 * 10**6, 300)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = torch.Generator().manual_seed(budget.seed * 2**32 + step)
        which = torch.randint(len(seen), (budget.batch,), generator=rng)
        frame = torch.randint(seen.shape[1], (budget.batch,), generator=rng)
        some = seen[which, frame].permute(0, 3, 1, 2).float() / 255
        # Turned, moved and enlarged a little, mirrored, of another brightness and less sharp; bent and of uneven
        # colour, as what a model makes may be.
        angle, moved, scale = (torch.rand(budget.batch, n, generator=rng) * 2 - 1 for n in (1, 2, 1))
        angle, scale = angle[:, 0] * 0.25, (1 + 0.15 * scale[:, 0])
        mirror = torch.where(torch.rand(budget.batch, generator=rng) < 0.5, -1.0, 1.0)
        rows = torch.stack((angle.cos() * scale * mirror, -angle.sin() * scale, moved[:, 0] * 0.12), 1)
        columns = torch.stack((angle.sin() * scale * mirror, angle.cos() * scale, moved[:, 1] * 0.12), 1)
        grid = functional.affine_grid(torch.stack((rows, columns), 1), list(some.shape), align_corners=False)
        grid = grid + uneven(2, _BENT, rng).permute(0, 2, 3, 1)
        some = functional.grid_sample(some, grid, padding_mode="border", align_corners=False)
        soft = functional.avg_pool2d(functional.pad(some, 4 * (2,), mode="replicate"), 5, 1)
        share = torch.rand(budget.batch, 1, 1, 1, generator=rng) * 0.95
        bright = 0.8 + 0.4 * torch.rand(budget.batch, 1, 1, 1, generator=rng)
        some = torch.lerp(some, soft, share) * (bright + uneven(3, _BLOTCHED, rng))
        return some.clamp(0, 1).to(budget.device), named[which].to(budget.device)

    def uneven(channels: int, most: float, rng: torch.Generator) -> Tensor:
        """Smooth fields by chance, of up to about so much: of some cuts more, of others less."""
        coarse = torch.randn(budget.batch, channels, 6, 6, generator=rng)
        coarse *= 0.5 * most * torch.rand(budget.batch, 1, 1, 1, generator=rng)
        return functional.interpolate(coarse, (_SIDE, _SIDE), mode="bicubic")

    def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(net(batch[0]).float(), batch[1], label_smoothing=0.05)

    def validate(net: nn.Module) -> dict[str, float]:
        found = torch.stack([net(_as_tensor(one.numpy())).log_softmax(1).mean(0).argmax() for one in unseen])
        return {"right": float((found == others).float().mean())}

    net = loop.train(Recogniser, budget, batch, loss, validate, every=250)
    save_file({name: tensor.half().contiguous() for name, tensor in net.state_dict().items()}, _WEIGHTS)


if __name__ == "__main__":
    main()
