"""Every version of RIFE that was published is recognised and computes what its authors' code does."""

from __future__ import annotations

import random
from functools import lru_cache
from math import prod

import pytest
import torch

from tests.models.published import (
    COMPACT,
    RIFE,
    RRDB,
    Between,
    Shapes,
    Weights,
    compact_shapes,
    random_pictures,
    random_weights,
    rife_frames,
    rife_shapes,
    rrdb_shapes,
    spoilt,
)
from vidflow.models.ifnet import IFNet
from vidflow.models.rife import Layout, layout_of

pytestmark = pytest.mark.usefixtures("one_thread")
WAYS = {"plain": (1.0, False), "half the scale": (0.5, False), "ensemble": (1.0, True)}
CASES = [(name, way) for name, net in RIFE.items() for way in WAYS if net.ensemble or way != "ensemble"]
SLOW, FAST = 0.4, 1.4
"""With these, weights give flows of some pixels; or in the first versions of more than 32, but less in an ensemble's
mean, which is not what they go by."""


def recognised(shapes: Shapes) -> Layout:
    """The layout of weights that are known to be of an IFNet."""
    layout = layout_of(shapes)
    assert layout
    return layout


@lru_cache(maxsize=1)
def of(name: str, last: float = SLOW) -> tuple[Weights, IFNet]:
    """A version's weights, drawn by chance, and our network with them."""
    net = RIFE[name]
    # What is not added to its input loses half of its strength where it is bent.
    gain = 1.4 if net.body in ("prelu", "plain") else 1.0
    weights = random_weights(rife_shapes(net), ord(name), gain, last * 8 / net.sizes[0])
    with torch.device("meta"):
        network = IFNet(recognised({key: tuple(weight.shape) for key, weight in weights.items()}))
    network.load_state_dict(weights, assign=True)
    return weights, network.requires_grad_(False)


def agreed(name: str, scale: float, ensemble: bool, last: float = SLOW, near: float = 1e-5) -> Between:
    """What the published network finds between two pairs of frames at different times; ours has to find the same."""
    net, (weights, network) = RIFE[name], of(name, last)
    side = int(net.pad / scale)
    drawn = random_pictures(4, side, 2 * side if scale == 1 else side, seed=7)
    pair, moment = (drawn[:2], drawn[2:]), torch.tensor([0.3, 0.8]).view(2, 1, 1, 1)
    expected = rife_frames(net, weights, *pair, moment, scale, ensemble)
    *_, found = network.estimates(*pair, moment, scale=scale, ensemble=ensemble)
    torch.testing.assert_close(found.blended(), expected.frames, atol=near, rtol=0)
    torch.testing.assert_close(found.flow, expected.flow, atol=10 * near, rtol=1e-5)
    # A network that did nothing would agree with many.
    assert (expected.frames - sum(pair) / 2).abs().mean() > 0.01
    return expected


@pytest.mark.parametrize("name", RIFE)
def test_every_published_version_is_recognised_by_its_names_and_shapes(name: str) -> None:
    net = RIFE[name]
    shapes = rife_shapes(net)
    layout = recognised(shapes)
    with torch.device("meta"):
        ours = {key: tuple(weight.shape) for key, weight in IFNet(layout).state_dict().items()}
    assert ours == shapes
    assert sum(map(prod, ours.values())) == net.parameters
    assert layout.inputs == net.inputs
    assert layout.scales == net.sizes
    assert layout.multiple == net.pad
    assert layout.adds == (net.mask == "added")
    assert layout.ensembles == net.ensemble


@pytest.mark.parametrize(("name", "way"), CASES)
def test_frames_between_are_those_that_the_published_network_finds(name: str, way: str) -> None:
    between = agreed(name, *WAYS[way])
    assert between.flow.abs().max() > 1
    assert not between.doubled


@pytest.mark.parametrize("ensemble", [False, True])
def test_the_first_versions_look_twice_as_coarsely_where_both_sides_move_fast(ensemble: bool) -> None:
    # The last digit of a flow of hundreds of pixels is worth more.
    between = agreed("A", 1.0, ensemble, last=FAST, near=3e-4)
    assert between.doubled


def test_features_kept_of_a_frame_serve_as_those_just_found() -> None:
    _, network = of("J")
    first, second = random_pictures(2, 32, 64, seed=1).split(1)
    moment = torch.full((1, 1, 1, 1), 0.5)
    kept = network.features(first), network.features(second)
    assert torch.equal(network(first, second, moment, kept), network(first, second, moment))
    assert not torch.equal(network(first, second, moment, kept[::-1]), network(first, second, moment))


def test_a_layout_that_is_led_begins_with_the_flow_it_is_given_and_is_recognised() -> None:
    layout = Layout((16, 16, 8, 8), "residual", 24, head="named", hidden=8, features=4, led=True)
    assert len(set(layout.inputs)) == 1
    assert layout_of(layout.shapes) == layout
    network = IFNet(layout).eval().requires_grad_(False)
    for number in range(4):
        torch.nn.init.zeros_(network.get_parameter(f"block{number}.lastconv.0.weight"))
        torch.nn.init.zeros_(network.get_parameter(f"block{number}.lastconv.0.bias"))
    first = random_pictures(1, 64, 64, seed=1)
    second, moment = first.roll(6, 3), torch.full((1, 1, 1, 1), 0.5)
    moved = torch.zeros(1, 2, 64, 64)
    moved[:, 0] = 6
    between = network(first, second, moment, None, (moved, -moved))
    torch.testing.assert_close(between[..., 8:-8], first.roll(3, 3)[..., 8:-8], atol=1e-5, rtol=0)


def test_weights_used_in_training_alone_are_passed_over() -> None:
    shapes = rife_shapes(RIFE["N"])
    teacher = {
        name.replace("block1.", "teacher."): shape for name, shape in shapes.items() if name.startswith("block1.")
    }
    others = {"caltime.0.weight": (32, 17, 3, 3), "contextnet.conv1.0.weight": (16, 3, 3, 3), "unet.up0.0.bias": (128,)}
    assert layout_of(shapes | teacher | others) == layout_of(shapes)


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"block": (1,), "block0": (), "blocks.0.attn.weight": (8, 8), "encode.": (1,)},
        {
            "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
            "first_stage_model.decoder.conv_in.bias": (512,),
        },
        rrdb_shapes(RRDB["RealESRGAN_x4plus_anime_6B"]),
        compact_shapes(COMPACT["realesr-animevideov3"]),
    ],
    ids=["nothing", "alike", "SDXL", "RRDBNet", "SRVGGNetCompact"],
)
def test_weights_of_something_else_are_not_recognised(shapes: Shapes) -> None:
    assert layout_of(shapes) is None


@pytest.mark.parametrize(
    "change",
    [
        {"block2.convblock.5.conv.weight": (96, 95, 3, 3)},
        {"block1.conv0.0.0.weight": (64, 27, 3, 3)},
        {"block3.conv0.1.0.weight": (66, 32, 3, 3)},
        {"block4.conv0.1.0.weight": (0, 16, 3, 3)},
        {"block0.lastconv.0.weight": (192, 28, 4, 4), "block0.lastconv.0.bias": (28,)},
        {"block1.convblock.8.conv.bias": (128,)},
        {"block5.conv0.0.0.bias": (16,)},
        {"encode.cnn4.bias": (16,)},
        {"encode.cnn1.weight": (16, 16, 1, 1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_shape_that_does_not_fit_is_enough_to_refuse(change: Shapes) -> None:
    shapes = rife_shapes(RIFE["N"])
    assert layout_of(shapes)
    assert layout_of(shapes | change) is None


def test_damaged_weights_are_refused_and_never_an_error() -> None:
    rng = random.Random(5)
    for _ in range(200):
        shapes = rife_shapes(RIFE[rng.choice("ABCEGIJQ")])
        assert layout_of(spoilt(shapes, rng)) is None
