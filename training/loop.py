"""The course of a training: seeded, logged, and taken up again where it was stopped.

The learning rate is constant until the last part of the steps, where it falls to a hundredth; so a training that has
ended goes on from there with more `--steps`, if it is told to from before its fall.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

B = TypeVar("B")
_KEPT = 0.999
"""Of the mean of the weights, at each step: the mean is what is tested and shipped."""
_FALL = 0.75
"""The share of the steps after which the learning rate falls."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long, how much at once, from which seed, and where to; from which share of the steps the rate falls."""

    steps: int
    batch: int
    rate: float
    seed: int
    folder: Path
    device: torch.device
    fall: float = _FALL


def options(
    description: str | None, *, steps: int, batch: int, rate: float, folder: str, fall: float = _FALL
) -> argparse.ArgumentParser:
    """The options that every training has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=steps, help="its length (default %(default)s)")
    parser.add_argument("--batch", type=int, default=batch, help="samples of a step (default %(default)s)")
    parser.add_argument("--rate", type=float, default=rate, help="the learning rate (default %(default)s)")
    parser.add_argument(
        "--fall", type=float, default=fall, help="from which share on the rate falls (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("outputs", folder), help="where it is kept, to go on from")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def budget(given: argparse.Namespace) -> Budget:
    """What the options say."""
    device = torch.device(given.device)
    return Budget(given.steps, given.batch, given.rate, given.seed, given.folder, device, given.fall)


def adamw(net: nn.Module, rate: float) -> torch.optim.Optimizer:
    """The optimizer where no other is asked for."""
    groups = [{"params": list(net.parameters()), "initial_lr": rate}]
    return torch.optim.AdamW(groups, rate, betas=(0.9, 0.99), weight_decay=1e-4)


def train(
    begin: Callable[[], nn.Module],
    given: Budget,
    samples: Callable[[int], B],
    loss: Callable[[nn.Module, B], Tensor],
    validate: Callable[[nn.Module], dict[str, float]],
    every: int = 500,
    optimized: Callable[[nn.Module, float], torch.optim.Optimizer] = adamw,
) -> nn.Module:
    """The mean of the weights of what `begin` gives, after `given.steps`; from where the folder says that it stopped.

    `samples` are those of a step, by its number alone, so that what is taken up again goes on as it would have. Every
    so many steps the figures of `validate` are printed, and kept in `log.jsonl` of the folder.
    """
    given.folder.mkdir(parents=True, exist_ok=True)
    random.seed(given.seed)
    torch.manual_seed(given.seed)
    net = begin().to(given.device).train()
    if not any(weight.ndim == 5 for weight in net.parameters()):
        net = net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    mean = torch.optim.swa_utils.AveragedModel(net, avg_fn=_averaged)
    optimizer = optimized(net, given.rate)
    step = _resume(given, net, mean, optimizer)
    began, seen, total = time.monotonic(), 0, 0.0
    while step < given.steps:
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * _share(step, given)
        batch = samples(step)
        with torch.autocast(given.device.type, torch.bfloat16):
            found = loss(net, batch)
        optimizer.zero_grad(set_to_none=True)
        found.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(net)
        step, seen, total = step + 1, seen + 1, total + float(found.detach())
        if step % every == 0 or step == given.steps:
            figures = {"step": step, "loss": total / seen, "seconds": (time.monotonic() - began) / seen}
            with torch.inference_mode():
                figures |= validate(mean.module.eval())
            print("  ".join(f"{name} {value:.5g}" for name, value in figures.items()), flush=True)
            with (given.folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(figures) + "\n")
            _keep(given, step, net, mean, optimizer)
            began, seen, total = time.monotonic(), 0, 0.0
    return mean.module.eval()


def ship(net: nn.Module, folder: Path, architecture: str, settings: dict[str, Any]) -> None:
    """The weights as float16 safetensors, and beside them what they are of; the card (README.md) is written by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().half().contiguous() for name, tensor in net.state_dict().items()}
    path = folder / "model.safetensors"
    save_file(state, path)
    config = {"architectures": [architecture], **settings}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 2**20:.2f} MB")


def psnr(made: Tensor, true: Tensor) -> float:
    """In dB, over all that is given, in 0..1."""
    return -10 * math.log10(float((made.float().clamp(0, 1) - true.float()).square().mean()))


def _share(step: int, given: Budget) -> float:
    """Of the learning rate at a step: it rises in the first, and falls in the last."""
    left = max(0.0, (step / given.steps - given.fall) / (1 - given.fall))
    return min(1, (step + 1) / 200) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * left)))


def _averaged(mean: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """The mean moved on; at first it forgets faster, or it would long remember the weights before any training."""
    return torch.lerp(mean, new, max(1 - _KEPT, 9 / (float(count) + 10)))


def _resume(given: Budget, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    place = given.folder / "state.pt"
    if not place.is_file():
        return 0
    state: dict[str, Any] = torch.load(place, map_location=given.device, weights_only=True)
    net.load_state_dict(state["net"])
    mean.load_state_dict(state["mean"])
    optimizer.load_state_dict(state["optimizer"])
    print(f"taken up at step {state['step']}", flush=True)
    return state["step"]


def _keep(given: Budget, step: int, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    state = {"step": step, "net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
    names = ["state.pt"]
    if step <= given.steps * given.fall:
        names.append("before-fall.pt")
    for name in names:
        torch.save(state, given.folder / f"{name}.part")
        os.replace(given.folder / f"{name}.part", given.folder / name)  # noqa: PTH105
