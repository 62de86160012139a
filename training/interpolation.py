"""Train the RIFE in the box: an IFNet with a head and four blocks of the same width, led by dense optical flow.

    python -m training.interpolation [--tied N | --begin FILE] [--steps N]

Dense flow finds most of what moved on any CPU, in a twentieth of the network's time; so the network begins there, and
learns where the flow is wrong, what hides what, and which frame to take each pixel from. From flow alone it would not
learn to look for itself: most of it is right already. So many scenes begin with none, or with one that is bent.

Each block looks at the frames at a scale of its own and does there what the others do at theirs. So the blocks first
share their weights, which learn from every scale at once, and go their own ways only afterwards. A coarse block sees
little of a scene that fits a batch; so some scenes are shown to the first blocks alone, as if they were large ones at
an eighth.

Procedural scenes alone (see `training.motion`). Since they know where everything went, the flow is taught beside the
frame: the loss is the L1 distance of the frame after each block, and a little of the flow's; the later the block, the
more it counts, of the frame above all, since the first blocks see little of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from training import loop
from training.motion import Scene, Scenes
from training.muon import Muon
from training.pictures import pictures
from vidflow.models import ifnet, rife
from vidflow.places import resource

LAYOUT = rife.Layout((64, 64, 64, 64), "residual", 24, head="named", hidden=16, features=4, led=True)
_SIDE, _SMALL = 224, 128
"""Pixels of the sides of scenes, and of those for the tied blocks."""
_GENTLER = 0.35
"""Times the rate, once the blocks go their own ways: faster, they forget what they learned together."""
_ASTRAY = 0.7, 0.0
"""Shares of the scenes that begin with no flow or with a bent one, as many each: while the blocks are tied, which is
when they learn to look, and afterwards, when they learn what to leave as it is."""
_FAR = 0.25, 0.1
"""How far things move at most, of the side of a scene, in both stages: in the second, dense flow finds most of it."""
_FLOW = 0.01
"""What a pixel of error in the flow counts beside one of the whole range in the frame."""
_PLAIN, _SQUARED = 0.3, 5.0
"""What the distances of frames count, as they are (which keeps edges) and squared (which has the network take the mean
where it cannot know)."""
_CAUTION = 0.004, 0.01
"""In the second stage, what a pixel of change of the flow counts, and a mask that does not take both frames alike: what
is no better for it stays as it is."""
_AGAIN = 4
"""How many times a scene is seen, each time otherwise turned: drawing one costs as much as learning from it."""
_HELD_OUT = 10**9
"""The seeds of what is never trained on begin here."""


class Batches:
    """Batches by the step's number, of scenes that were drawn in the last steps."""

    def __init__(self, scenes: Scenes, batch: int, seed: int) -> None:
        self.scenes, self.batch, self.seed = scenes, batch, seed
        self._drawn: dict[int, Scene] = {}

    def __call__(self, step: int) -> Scene:
        """The last batches that were drawn, mixed, turned, and some played backwards."""
        newest = step // _AGAIN
        oldest = max(0, newest - _AGAIN + 1)
        for number in range(oldest, newest + 1):
            if number not in self._drawn:
                self._drawn[number] = self.scenes(number, self.batch)
        self._drawn = {number: scene for number, scene in self._drawn.items() if number >= oldest}
        rng = torch.Generator().manual_seed(self.seed * 2**32 + step)
        parts = [torch.cat(one) for one in zip(*self._drawn.values(), strict=True)]
        chosen = torch.randperm(len(parts[0]), generator=rng)[: self.batch]
        scene = Scene(*(part[chosen] for part in parts))
        turns, mirrored, backwards = (int(torch.randint(0, n, (), generator=rng)) for n in (4, 2, 2))
        return _changed(scene, turns, bool(mirrored), bool(backwards), torch.randperm(3, generator=rng))


def _changed(scene: Scene, turns: int, mirrored: bool, backwards: bool, colours: Tensor) -> Scene:
    first, second, middle, moment, flow = scene
    x0, y0, x1, y1 = flow.unbind(1)
    if mirrored:
        first, second, middle = (frame.flip(3) for frame in (first, second, middle))
        x0, y0, x1, y1 = (-x0).flip(2), y0.flip(2), (-x1).flip(2), y1.flip(2)
    for _ in range(turns):
        first, second, middle = (torch.rot90(frame, 1, (2, 3)) for frame in (first, second, middle))
        x0, y0, x1, y1 = (torch.rot90(plane, 1, (1, 2)) for plane in (y0, -x0, y1, -x1))
    flow = torch.stack((x0, y0, x1, y1), 1)
    if backwards:
        first, second, moment, flow = second, first, 1 - moment, torch.stack((x1, y1, x0, y0), 1)
    return Scene(first[:, colours], second[:, colours], middle[:, colours], moment, flow)


def loss(
    net: nn.Module,
    scene: Scene,
    led: tuple[Tensor, Tensor] | None = None,
    scale: int = 1,
    caution: tuple[float, float] = (0, 0),
) -> Tensor:
    """How far the frames and flows after each block are from the true ones, begun with the flow `led` both ways. With a
    larger `scale` the first blocks alone are asked, as if the scene were so many times larger and they the coarse ones
    that they are."""
    assert isinstance(net, ifnet.IFNet)
    first, second = (one.contiguous(memory_format=torch.channels_last) for one in (scene.first, scene.second))
    blocks = sum(one >= scale for one in LAYOUT.scales)
    start = ifnet.begun(scene.moment, first, second, *(led or ifnet.motion(first, second)))
    estimates = islice(net.estimates(first, second, scene.moment, None, start, scale=scale), blocks)
    total = torch.zeros((), device=scene.flow.device)
    for number, found in enumerate(estimates):
        after = blocks - 1 - number
        made = found.blended() if after else ifnet.finished(found, first, second, start)
        wrong = made.float() - scene.middle
        frame = _PLAIN * wrong.abs().mean() + _SQUARED * wrong.square().mean()
        flow = ((found.flow - scene.flow).square() + 0.01).sqrt().mean()
        change = (found.flow - start.flow).abs().mean()
        uneven = (torch.sigmoid(found.mask.float()) - (1 - scene.moment)).square().mean()
        total = total + 0.5**after * frame + 0.8**after * (_FLOW * flow + caution[0] * change + caution[1] * uneven)
    return total


def leading(scene: Scene, astray: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The flow between the frames of a scene, both ways; for that share of scenes none, or bent by up to a few
    pixels."""
    count, side = len(scene.flow), scene.flow.shape[-1]
    kind = torch.rand(count, 1, 1, 1, generator=rng)
    reach = 0.5 * 16 ** torch.rand(count, 1, 1, 1, generator=rng) * ((kind > astray / 2) & (kind < astray))
    flows: list[Tensor] = []
    for moved in ifnet.motion(scene.first, scene.second):
        cells = int(torch.randint(2, 8, (), generator=rng))
        bend = torch.randn(count, 2, cells, cells, generator=rng) * reach
        bend = functional.interpolate(bend, (side, side), mode="bicubic", align_corners=True)
        flows.append(moved * (kind > astray / 2).to(moved.device) + bend.to(moved.device))
    return flows[0], flows[1]


def tied() -> ifnet.IFNet:
    """The network to begin with: its blocks share their weights. The same is to be found at every scale, so that each
    learns from all."""
    net = ifnet.IFNet(LAYOUT)
    for name, layer in net.named_modules():
        if ".conv0." in name and isinstance(layer, nn.Conv2d):
            # The weights that torch begins with let the signal fade too much.
            nn.init.kaiming_normal_(layer.weight, a=0.2, nonlinearity="leaky_relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    for number in range(1, len(LAYOUT.widths)):
        net.add_module(f"block{number}", net.get_submodule("block0"))
    return net


def untied(weights: Mapping[str, Tensor]) -> ifnet.IFNet:
    """The network of these weights, with blocks that do not share them."""
    net = ifnet.IFNet(LAYOUT)
    net.load_state_dict(weights)
    return net


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=4_000, batch=8, rate=1e-3, folder="interpolation")
    parser.add_argument("--tied", type=int, default=4000, help="steps with tied blocks before (default %(default)s)")
    parser.add_argument("--begin", type=Path, help="weights to go on from, in place of tied blocks; use another --seed")
    parser.add_argument("--pictures", type=int, default=1500, help="how many are drawn (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/rife-small"))
    given = parser.parse_args()
    budget = loop.budget(given)
    stock = torch.from_numpy(pictures(given.pictures, given.seed * 10**6)).to(budget.device)
    count = budget.batch * _SIDE**2 // _SMALL**2
    small = Batches(Scenes(stock, given.seed + 1, _SMALL, _FAR[0]), count, given.seed)
    whole = Batches(Scenes(stock, given.seed, _SIDE, _FAR[1]), budget.batch, given.seed)
    unseen = torch.from_numpy(pictures(64, _HELD_OUT)).to(budget.device)
    tests = [Scenes(unseen, _HELD_OUT, 256, _FAR[1])(number, 4) for number in range(12)]

    def shown(scene: Scene, step: int, astray: float) -> tuple[Scene, tuple[Tensor, Tensor]]:
        return scene, leading(scene, astray, torch.Generator().manual_seed(given.seed * 2**32 + step))

    def searching(net: nn.Module, sample: tuple[Scene, tuple[Tensor, Tensor], int]) -> Tensor:
        return loss(net, *sample)

    def cautious(net: nn.Module, sample: tuple[Scene, tuple[Tensor, Tensor]]) -> Tensor:
        return loss(net, *sample, caution=_CAUTION)

    def validate(net: nn.Module) -> dict[str, float]:
        made = torch.cat([net(one.first, one.second, one.moment) for one in tests])
        mean = torch.cat([torch.lerp(one.first, one.second, one.moment) for one in tests])
        true = torch.cat([one.middle for one in tests])
        return {"psnr": loop.psnr(made, true), "beyond the mean": loop.psnr(made, true) - loop.psnr(mean, true)}

    def begun() -> Mapping[str, Tensor]:
        if given.begin:
            return load_file(given.begin)
        first = replace(budget, steps=given.tied, folder=given.folder / "tied")
        return loop.train(tied, first, any_scale, searching, validate, optimized=muon).state_dict()

    def any_scale(step: int) -> tuple[Scene, tuple[Tensor, Tensor], int]:
        return *shown(small(step), step, _ASTRAY[0]), LAYOUT.scales[step % 4]

    def own_scale(step: int) -> tuple[Scene, tuple[Tensor, Tensor]]:
        return shown(whole(step), step, _ASTRAY[1])

    gently = replace(budget, rate=budget.rate * _GENTLER, fall=0.0)
    net = loop.train(lambda: untied(begun()), gently, own_scale, cautious, validate, optimized=muon)
    loop.ship(net, given.to, "IFNet", asdict(LAYOUT))


def muon(net: nn.Module, rate: float) -> Muon:
    """Its optimizer: what meets frames, flows and masks themselves is left to AdamW."""
    return Muon(net, rate, ("conv0.0", "lastconv", "cnn0", "cnn3", "beta"))


if __name__ == "__main__":
    main()
