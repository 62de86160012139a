"""What the models in the box are trained on is the same for each seed, true to itself, and a training goes on where it
was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training.descent import losses
from training import degrading, interpolation, loop, upscaling
from training.interpolation import Batches, leading, loss, muon, tied, untied
from training.motion import Scenes
from training.muon import Muon
from training.pictures import SIDE, picture
from training.upscaling import Samples, packed
from vidflow.models import ifnet, networks


@pytest.fixture(scope="module")
def stock() -> Tensor:
    """Six pictures."""
    return torch.from_numpy(np.stack([picture(seed) for seed in range(6)]))


def test_a_picture_is_that_of_its_seed(stock: Tensor) -> None:
    assert stock.shape == (6, SIDE, SIDE, 3)
    assert np.array_equal(picture(3), stock[3].numpy())
    assert stock.float().std(dim=(1, 2, 3)).min() > 2


def test_the_flow_of_a_scene_leads_to_where_everything_went(stock: Tensor) -> None:
    scenes = Scenes(stock, 0, 96)
    scene = scenes(1, 8)
    assert torch.equal(scenes(1, 8).middle, scene.middle)
    for end, frame in ((scene.flow[:, :2], scene.first), (scene.flow[:, 2:], scene.second)):
        error = (ifnet.warped(frame, end) - scene.middle).abs().mean(1)
        # What one frame hides cannot be fetched from it; most is seen in both.
        assert error.median() < 0.01
        assert (error < 0.05).float().mean() > 0.8
    assert (scene.first - scene.middle).abs().mean() > 0.005


def test_scenes_that_are_turned_and_played_backwards_keep_their_flow_true(stock: Tensor) -> None:
    batches = Batches(Scenes(stock, 0, 96), 4, 0)
    scene = batches(0)
    for step in range(1, 6):
        scene = batches(step)
        error = (ifnet.warped(scene.first, scene.flow[:, :2]) - scene.middle).abs().mean(1)
        assert error.median() < 0.01
    again = Batches(Scenes(stock, 0, 96), 4, 0)(5)
    assert torch.equal(again.middle, scene.middle)


def test_what_is_seen_reaches_the_end_of_every_block_from_the_beginning(stock: Tensor) -> None:
    torch.manual_seed(0)
    scene = Scenes(stock, 0, 128)(0, 2)
    net = untied(tied().state_dict())
    seen: list[float] = []
    for block in (net.get_submodule(f"block{number}") for number in range(4)):
        block.get_submodule("convblock").register_forward_hook(
            lambda _, __, out: seen.append(float(out.detach().std((2, 3)).mean()))
        )
    net(scene.first, scene.second, scene.moment)
    assert min(seen) > 0.5 * float(scene.first.std((2, 3)).mean())


def test_blocks_that_are_tied_learn_from_every_scale_and_then_go_their_own_ways(stock: Tensor) -> None:
    torch.manual_seed(0)
    scene = Scenes(stock, 0, 64)(0, 2)
    shared = tied()
    # The first block alone is asked, and the last one learns.
    loss(shared, scene, scale=8).backward()
    assert float(shared.get_submodule("block3.convblock.0.conv").weight.grad.abs().sum()) > 0  # type: ignore[union-attr]
    apart = untied(shared.state_dict())
    assert torch.equal(apart(scene.first, scene.second, scene.moment), shared(scene.first, scene.second, scene.moment))
    loss(apart, scene, scale=8).backward()
    assert apart.get_submodule("block3.convblock.0.conv").weight.grad is None


def test_some_scenes_begin_with_no_flow_and_some_with_a_bent_one(stock: Tensor) -> None:
    scene = Scenes(stock, 0, 96)(1, 24)
    plain = ifnet.motion(scene.first, scene.second)
    for flow, own in zip(leading(scene, 0.7, torch.Generator().manual_seed(1)), plain, strict=True):
        away = (flow - own).abs().mean((1, 2, 3))
        same = away == 0
        none = flow.abs().amax((1, 2, 3)) == 0
        assert 0.1 < (same & ~none).float().mean() < 0.6
        assert 0.1 < none.float().mean() < 0.6
        assert 0.1 < (~same & ~none).float().mean() < 0.6
        assert away[~same & ~none].max() < 12
    again = leading(scene, 0.7, torch.Generator().manual_seed(1))
    assert torch.equal(again[0], leading(scene, 0.7, torch.Generator().manual_seed(1))[0])


def test_the_flow_that_leads_is_at_each_place_the_one_that_fits(stock: Tensor) -> None:
    scene = Scenes(stock, 0, 128, 0.1)(1, 8)
    start = ifnet.begun(scene.moment, scene.first, scene.second, *ifnet.motion(scene.first, scene.second))

    def error(flow: Tensor) -> float:
        return float((flow - scene.flow).abs().mean())

    assert error(start.flow) < 0.95 * error(start.other)
    assert error(start.flow) < 0.5 * error(torch.zeros_like(start.flow))


def test_a_few_steps_make_an_ifnet_better_on_what_it_sees(stock: Tensor) -> None:
    torch.manual_seed(0)
    scene = Scenes(stock, 0, 64)(0, 4)
    net = untied(tied().state_dict()).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    seen = losses(lambda: loss(net, scene), muon(net, 1e-3), 12)
    assert seen[-1] < 0.9 * seen[0]


def test_small_pictures_are_those_of_the_large_ones(stock: Tensor) -> None:
    small, true = Samples(stock, torch.from_numpy(np.stack([packed(seed) for seed in range(6)])), 0)(3, 8)
    assert small.shape == (8, 3, 64, 64)
    assert true.shape == (8, 3, 128, 128)
    mean = torch.nn.functional.avg_pool2d(true, 2)
    assert (small[:4] - mean[:4]).abs().mean() < 0.02
    assert (small[4:] - mean[4:]).abs().mean() > (small[:4] - mean[:4]).abs().mean()


def test_degrading_keeps_what_it_should() -> None:
    flat = torch.full((1, 3, 32, 32), 0.4)
    assert torch.allclose(degrading.halved(flat), flat[..., :16, :16], atol=1e-6)
    assert torch.allclose(degrading.blurred(flat, 1.3), flat, atol=1e-6)
    noise = torch.rand(1, 3, 30, 34, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    grey = noise.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    fine = (degrading.compressed(grey, torch.tensor([[[[100.0]]]])) - grey).abs().mean()
    coarse = (degrading.compressed(grey, torch.tensor([[[[10.0]]]])) - grey).abs().mean()
    assert fine < 0.002 < 0.01 < coarse


def test_many_matrices_at_once_move_as_each_would_by_itself() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(24, 24), nn.Linear(24, 60), nn.Linear(60, 24), nn.Conv2d(24, 20, 3), nn.Linear(24, 24)
    )
    begun = [weight.detach().clone() for weight in net.parameters() if weight.ndim > 1]
    # Torch's own takes matrices alone.
    alone = [nn.Parameter(weight.reshape(len(weight), -1).clone()) for weight in begun]
    one = Muon(net, 1e-2, (), faster=3)
    other = torch.optim.Muon(alone, 3e-2, weight_decay=0, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    matrices = [weight for weight in net.parameters() if weight.ndim > 1]
    for _ in range(3):
        for weight, matrix in zip(matrices, alone, strict=True):
            weight.grad = torch.randn_like(weight)
            matrix.grad = weight.grad.reshape(matrix.shape)
        # A layer that was not used stays where it is.
        matrices[-1].grad = alone[-1].grad = None
        one.step()
        other.step()
    for weight, matrix, before in zip(matrices[:-1], alone, begun, strict=False):
        way, its = ((moved.detach() - before.view(moved.shape)).flatten() for moved in (weight, matrix))
        assert float((way - its).norm() / its.norm()) < 0.03
        assert float(its.norm()) > 0.1
    assert torch.equal(matrices[-1], begun[-1])


@pytest.mark.parametrize("optimized", [loop.adamw, lambda net, rate: Muon(net, rate, ())])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    optimized: Callable[[nn.Module, float], torch.optim.Optimizer], tmp_path: Path
) -> None:
    class Stopped(Exception):
        """Stands for a killed process."""

    def run(folder: Path, stop: int | None = None) -> nn.Module:
        def samples(step: int) -> Tensor:
            if step == stop:
                raise Stopped
            return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(step))

        def loss(net: nn.Module, batch: Tensor) -> Tensor:
            return (net(batch).float() - batch).abs().mean()

        def figures(net: nn.Module) -> dict[str, float]:
            return {"bias": float(net.bias[0])}  # type: ignore[index]

        given = loop.Budget(8, 2, 1e-2, 0, folder, torch.device("cpu"))
        net = partial(nn.Conv2d, 3, 3, 3, padding=1)
        return loop.train(net, given, samples, loss, figures, every=2, optimized=optimized)

    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", 5)
    resumed = run(tmp_path / "stopped")
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    log = [json.loads(line) for line in (tmp_path / "stopped" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("name", "task", "layout"),
    [
        ("esrgan-small-x2", "upscaling", upscaling.LAYOUT),
        ("rife-small", "interpolation", interpolation.LAYOUT),
    ],
)
def test_what_is_shipped_is_small_has_a_card_and_is_what_it_says(
    name: str, task: networks.Task, layout: object
) -> None:
    weights = networks.weights_of(name)
    assert weights.stat().st_size < 8 * 2**20
    assert networks.layout_in(task, weights) == layout
    card = weights.with_name("README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert all(word in card for word in ("Data", "Recipe", "Measured", "Limits"))
