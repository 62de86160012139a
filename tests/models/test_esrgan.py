"""Every kind of Real-ESRGAN's networks is recognised, however its weights are called, and computes what its authors'
code does."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from math import prod

import pytest
import torch
from torch import nn

from tests.models.published import (
    COMPACT,
    RIFE,
    RRDB,
    Rrdb,
    Shapes,
    Weights,
    compact_picture,
    compact_shapes,
    random_pictures,
    random_weights,
    repeated,
    rife_shapes,
    rrdb_picture,
    rrdb_shapes,
    spoilt,
)
from vidflow.models.esrgan import Layout, layout_of, renamed
from vidflow.models.generators import network

pytestmark = pytest.mark.usefixtures("one_thread")


def layout_of_file(shapes: Shapes) -> Layout | None:
    """The layout of a file's weights, whatever they are called in it."""
    names = renamed(list(shapes))
    return None if names is None else layout_of({names[name]: shape for name, shape in shapes.items()})


def recognised(shapes: Shapes) -> Layout:
    """The layout of a file that is known to be of one of the networks."""
    layout = layout_of_file(shapes)
    assert layout
    return layout


def empty(layout: Layout) -> nn.Module:
    """Our network, without weights."""
    with torch.device("meta"):
        return network(layout)


def loaded(weights: Weights) -> nn.Module:
    """Our network with a file's weights."""
    names = renamed(list(weights))
    made = empty(recognised({name: tuple(weight.shape) for name, weight in weights.items()}))
    made.load_state_dict({names[name]: weight for name, weight in weights.items()}, assign=True)
    return made.requires_grad_(False)


@pytest.mark.parametrize("name", RRDB)
def test_an_rrdbnet_is_recognised_by_its_names_and_shapes(name: str) -> None:
    net = RRDB[name]
    shapes = rrdb_shapes(net)
    layout = recognised(shapes)
    names = renamed(list(shapes))
    ours = {key: tuple(weight.shape) for key, weight in empty(layout).state_dict().items()}
    assert ours == {names[key]: shape for key, shape in shapes.items()}
    assert net.parameters in (None, sum(map(prod, ours.values())))
    colours = net.inputs // net.unshuffle**2
    assert layout == Layout("rrdb", net.scale, net.width, net.depth, net.growth, net.doublings, colours, colours)
    assert layout.unshuffle == net.unshuffle


@pytest.mark.parametrize("name", COMPACT)
def test_a_compact_one_is_recognised_by_its_names_and_shapes(name: str) -> None:
    net = COMPACT[name]
    shapes = compact_shapes(net)
    layout = recognised(shapes)
    assert {key: tuple(weight.shape) for key, weight in empty(layout).state_dict().items()} == shapes
    assert sum(map(prod, shapes.values())) == net.parameters
    assert layout == Layout("compact", net.scale, net.width, net.depth, colours=net.colours, out=net.colours)


@pytest.mark.parametrize("name", RRDB)
def test_pictures_are_those_of_the_published_rrdbnet(name: str) -> None:
    net = RRDB[name]
    if name != "RealESRGAN_x4plus":
        net = replace(net, depth=min(net.depth, 2))
    weights = random_weights(rrdb_shapes(net), seed=3, gain=0.7 if net.depth > 2 else 1.5)
    pictures = random_pictures(2, 8, 12, seed=4)[:, : net.inputs // net.unshuffle**2]
    found = loaded(weights)(pictures)
    assert found.shape[2:] == (8 * net.scale, 12 * net.scale)
    torch.testing.assert_close(found, rrdb_picture(net, weights, pictures), atol=1e-5, rtol=1e-5)
    assert found.std() > 0.05


@pytest.mark.parametrize("name", COMPACT)
def test_pictures_are_those_of_the_published_compact_network(name: str) -> None:
    net = COMPACT[name]
    weights = random_weights(compact_shapes(net), seed=3)
    pictures = random_pictures(2, 8, 12, seed=4)[:, : net.colours]
    found = loaded(weights)(pictures)
    assert found.shape[2:] == (8 * net.scale, 12 * net.scale)
    torch.testing.assert_close(found, compact_picture(net, weights, pictures), atol=1e-5, rtol=1e-5)
    # Beside the picture that it is added to.
    assert (found - repeated(pictures, net.scale)).std() > 0.05


def test_an_enlargement_by_three_is_taken_for_one_by_two() -> None:
    """Of the first naming, where weights are the same for both."""
    assert recognised(rrdb_shapes(RRDB["x2 of the first naming"])).scale == 2


@pytest.mark.parametrize("name", ["RealESRGAN_x2plus", "x2 of the first naming", "x1 of the first naming", "x1 of 16"])
def test_nothing_farther_than_its_reach_changes_a_pixel(name: str) -> None:
    if name in RRDB:
        weights = random_weights(rrdb_shapes(replace(RRDB[name], depth=1)), seed=3)
    else:
        weights = random_weights(compact_shapes(COMPACT[name]), seed=3)
    made = loaded(weights)
    layout = made.layout
    side = 2 * layout.reach + 8
    pictures = random_pictures(1, side, side, seed=4).requires_grad_(True)
    middle = layout.scale * side // 2
    made(pictures)[..., middle, middle].sum().backward()
    rows, columns = (one.tolist() for one in pictures.grad[0].abs().sum(0).nonzero().unbind(1))
    assert max(abs(place - side // 2) for place in rows + columns) <= layout.reach
    assert max(abs(place - side // 2) for place in rows + columns) > layout.reach // 2


def plus(net: Rrdb) -> Shapes:
    """ESRGAN+, whose dense blocks have one convolution more."""
    shapes = rrdb_shapes(net)
    second = {name: shape for name, shape in shapes.items() if ".conv2." in name and name.endswith("weight")}
    return shapes | {
        re.sub(r"conv2(\.0)?\.", "conv1x1.", name): (*shape[:1], net.width, 1, 1) for name, shape in second.items()
    }


@pytest.mark.parametrize("name", ["RealESRGAN_x4plus_anime_6B", "BSRGANx2", "x2 of the first naming"])
def test_the_network_of_esrgan_plus_is_refused(name: str) -> None:
    shapes = plus(RRDB[name])
    assert any("RDB1.conv1x1.weight" in shape or "rdb1.conv1x1.weight" in shape for shape in shapes)
    assert layout_of_file(shapes) is None


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"model": (), "body.": (1,), "body": (1, 1), "": (3, 3), "model.0.weight": (64, 3, 3, 3), "model.1.sub.": (1,)},
        {"body.0.weight": (64, 3, 3, 3), "body.1.weight": (64,), "body": (64,)},
        {
            "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
            "first_stage_model.decoder.conv_in.bias": (512,),
        },
        rife_shapes(RIFE["B"]),
    ],
    ids=["nothing", "alike", "alike and compact", "SDXL", "IFNet"],
)
def test_weights_of_something_else_are_not_recognised(shapes: Shapes) -> None:
    assert layout_of_file(shapes) is None
    assert layout_of(shapes) is None


@pytest.mark.parametrize(
    "change",
    [
        {"body.1.rdb2.conv3.weight": (32, 127, 3, 3)},
        {"body.1.rdb3.conv5.bias": (65,)},
        {"body.6.rdb1.conv1.bias": (32,)},
        {"body.99999999999.rdb1.conv1.bias": (32,)},
        {"body.0.rdb1.conv1.weight": (16, 64, 3, 3)},
        {"conv_up4.weight": (64, 64, 3, 3), "conv_up4.bias": (64,)},
        {"conv_up2.weight": (256, 64, 3, 3), "conv_up2.bias": (256,)},
        {"conv_first.weight": (64, 12, 1, 1)},
        {"conv_first.weight": (0, 3, 3, 3)},
        {"conv_last.weight": (0, 64, 3, 3)},
        {"conv_hr.scale": (1,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_shape_that_does_not_fit_is_enough_to_refuse_an_rrdbnet(change: Shapes) -> None:
    shapes = rrdb_shapes(RRDB["RealESRGAN_x4plus_anime_6B"])
    assert layout_of(shapes)
    assert layout_of(shapes | change) is None


@pytest.mark.parametrize(
    "change",
    [
        {"body.4.weight": (64, 63, 3, 3)},
        {"body.5.weight": (63,)},
        {"body.34.weight": (64, 64, 3, 3), "body.34.bias": (64,)},
        {"body.35.weight": (48,)},
        {"body.99999999998.weight": (48, 64, 3, 3)},
        {"body.0.weight": (64, 1, 3, 3)},
        {"body.0.bias": (0,), "body.0.weight": (0, 3, 3, 3)},
        {"body.1.weight": (64,), "body.0.weight": (64, 0, 3, 3)},
        {"body.34.weight": (47, 64, 3, 3), "body.34.bias": (47,)},
        {"sharpness": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_shape_that_does_not_fit_is_enough_to_refuse_a_compact_network(change: Shapes) -> None:
    shapes = compact_shapes(COMPACT["realesr-animevideov3"])
    assert layout_of(shapes)
    assert layout_of(shapes | change) is None


def test_damaged_weights_are_refused_and_never_an_error() -> None:
    rng = random.Random(5)
    files = [rrdb_shapes(net) for net in RRDB.values() if net.depth < 6]
    files += [compact_shapes(net) for net in COMPACT.values()]
    for _ in range(200):
        assert layout_of_file(spoilt(rng.choice(files), rng)) is None
