"""Train the RIFE in the box: an IFNet with a head and four blocks of the same width, led by dense optical flow.

    python -m training.interpolation [--steps N] [--begin FILE]

From nothing, a network takes weeks of a GPU to find what moved; that flow finds most of it on any CPU, in a twentieth
of the network's time. So the network begins there, and learns where the flow is wrong, what hides what, and which
frame to take each pixel from.

Procedural scenes alone (see `training.motion`). Since they know where everything went, the flow is taught beside the
frame: the loss is the L1 distance of the frame after each block, and a little of the flow's; the later the block, the
more it counts.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training import loop
from training.motion import Scene, Scenes
from training.muon import Muon
from training.pictures import pictures
from vidflow.models import ifnet, rife
from vidflow.places import resource

LAYOUT = rife.Layout((64, 64, 64, 64), "residual", 24, head="named", hidden=16, features=4, led=True)
_SIDE = 224
"""Pixels of the sides of scenes."""
_FLOW = 0.01
"""What a pixel of error in the flow counts beside one of the whole range in the frame."""
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


def loss(net: nn.Module, scene: Scene) -> Tensor:
    """How far the frames and flows after each block are from the true ones."""
    assert isinstance(net, ifnet.IFNet)
    first, second = (one.contiguous(memory_format=torch.channels_last) for one in (scene.first, scene.second))
    total = torch.zeros((), device=scene.flow.device)
    for number, found in enumerate(net.estimates(first, second, scene.moment)):
        after = len(LAYOUT.widths) - 1 - number
        frame = (found.blended().float() - scene.middle).abs().mean()
        flow = ((found.flow - scene.flow).square() + 0.01).sqrt().mean()
        total = total + 0.5**after * frame + 0.8**after * _FLOW * flow
    return total


def begun(weights: Path | None) -> ifnet.IFNet:
    """The network to begin with: that of the weights in a file, or one that changes nothing of the flow yet."""
    net = ifnet.IFNet(LAYOUT)
    if weights:
        net.load_state_dict(load_file(weights))
        return net
    for name, layer in net.named_modules():
        if ".conv0." in name and isinstance(layer, nn.Conv2d):
            # The weights that torch begins with let the signal fade too much.
            nn.init.kaiming_normal_(layer.weight, a=0.2, nonlinearity="leaky_relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.ConvTranspose2d) and "lastconv" in name:
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    return net


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=4_000, batch=8, rate=1e-3, folder="interpolation")
    parser.add_argument("--begin", type=Path, help="weights to go on from; use another --seed, and a lower --rate")
    parser.add_argument("--pictures", type=int, default=1500, help="how many are drawn (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/rife-small"))
    given = parser.parse_args()
    budget = replace(loop.budget(given), fall=0.0)
    stock = torch.from_numpy(pictures(given.pictures, given.seed * 10**6)).to(budget.device)
    unseen = torch.from_numpy(pictures(64, _HELD_OUT)).to(budget.device)
    tests = [Scenes(unseen, _HELD_OUT, 256)(number, 4) for number in range(12)]

    def validate(net: nn.Module) -> dict[str, float]:
        made = torch.cat([net(one.first, one.second, one.moment) for one in tests])
        mean = torch.cat([torch.lerp(one.first, one.second, one.moment) for one in tests])
        true = torch.cat([one.middle for one in tests])
        return {"psnr": loop.psnr(made, true), "beyond the mean": loop.psnr(made, true) - loop.psnr(mean, true)}

    batches = Batches(Scenes(stock, given.seed, _SIDE), budget.batch, given.seed)
    net = loop.train(lambda: begun(given.begin), budget, batches, loss, validate, optimized=muon)
    loop.ship(net, given.to, "IFNet", asdict(LAYOUT))


def muon(net: nn.Module, rate: float) -> Muon:
    """Its optimizer: what meets frames, flows and masks themselves is left to AdamW."""
    return Muon(net, rate, ("conv0.0", "lastconv", "cnn0", "cnn3", "beta"))


if __name__ == "__main__":
    main()
