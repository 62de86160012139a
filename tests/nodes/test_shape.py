"""resize and crop: the picture has the size that was asked for, and shows what it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, gradient, picture, pixels, samples
from vidflow.api import Image, NodeError, Video
from vidflow.errors import GraphError

FLAGS = {
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}


@pytest.mark.parametrize("filter", FLAGS)
@pytest.mark.parametrize("size", [(8, 6), (40, 30), (23, 5)])
@pytest.mark.parametrize("deep", [False, True])
def test_resize_scales_with_the_filter_that_is_named(
    call: Call, filter: str, size: tuple[int, int], deep: bool
) -> None:
    whole = film(3, deep=deep)
    scaled = call("resize", video=whole, width=size[0], height=size[1], filter=filter)
    assert scaled.info == replace(whole.info, width=size[0], height=size[1])
    wanted = np.stack([cv2.resize(frame, size, interpolation=FLAGS[filter]) for frame in pixels(whole)])
    assert (pixels(scaled) == (wanted.clip(0, 1) if deep else wanted)).all()


@pytest.mark.parametrize("size", [7, 20])
def test_every_filter_gives_another_picture(call: Call, size: int) -> None:
    made = {call("resize", video=picture(), width=size, filter=filter).numpy().tobytes() for filter in FLAGS}
    assert len(made) == len(FLAGS)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, (16, 12)),
        ({"width": 8}, (8, 6)),
        ({"height": 24}, (32, 24)),
        ({"width": 5}, (5, 4)),
        ({"width": 1}, (1, 1)),
        ({"height": 1}, (1, 1)),
        ({"width": 16, "height": 3}, (16, 3)),
    ],
)
def test_an_empty_size_follows_in_proportion(call: Call, given: dict[str, int], size: tuple[int, int]) -> None:
    scaled = call("resize", video=film(2), **given)
    assert (scaled.info.width, scaled.info.height) == size
    assert pixels(scaled).shape == (2, size[1], size[0], 3)


def test_resize_at_its_defaults_changes_nothing(call: Call) -> None:
    whole = film(3)
    same = call("resize", video=whole)
    assert same.info == whole.info
    assert (pixels(same) == pixels(whole)).all()


def test_resize_keeps_the_sound(call: Call) -> None:
    whole = film(3)
    assert np.array_equal(samples(call("resize", video=whole, width=4)), samples(whole))


@pytest.mark.parametrize(("width", "height", "bars"), [(32, 12, (0, 8)), (16, 20, (4, 0)), (17, 12, (0, 0))])
def test_contain_keeps_the_proportions_inside_black_bars(
    call: Call, width: int, height: int, bars: tuple[int, int]
) -> None:
    white = Video.from_array(np.full((1, 12, 16, 3), 255, np.uint8), 25)
    boxed = pixels(call("resize", video=white, width=width, height=height, fit="contain"))[0]
    wanted = np.zeros((height, width, 3), np.uint8)
    top, left = bars
    wanted[top : top + 12, left : left + 16] = 255
    assert (boxed == wanted).all()


@pytest.mark.parametrize(("width", "height"), [(32, 12), (8, 12), (15, 12)])
def test_cover_keeps_the_proportions_and_cuts_both_sides_alike(call: Call, width: int, height: int) -> None:
    whole = film(2)
    scale = max(width / 16, height / 12)
    inner = round(16 * scale), round(12 * scale)
    left, top = (inner[0] - width) // 2, (inner[1] - height) // 2
    covered = pixels(call("resize", video=whole, width=width, height=height, fit="cover", filter="bilinear"))
    for frame, old in zip(covered, pixels(whole), strict=True):
        larger = cv2.resize(old, inner, interpolation=cv2.INTER_LINEAR)
        assert (frame == larger[top : top + height, left : left + width]).all()


@pytest.mark.parametrize("fit", ["stretch", "contain", "cover"])
@pytest.mark.parametrize("size", [(7, 3), (3, 7), (31, 29), (1, 40), (40, 1)])
@pytest.mark.parametrize("old", [(16, 12), (5, 9), (1, 1)])
def test_any_size_can_be_had_from_any_other(call: Call, fit: str, size: tuple[int, int], old: tuple[int, int]) -> None:
    scaled = call("resize", video=picture(*old), width=size[0], height=size[1], fit=fit)
    assert scaled.numpy().shape == (size[1], size[0], 3)


@pytest.mark.parametrize("filter", FLAGS)
def test_a_plain_picture_stays_plain(call: Call, filter: str) -> None:
    grey = Image.from_frame(np.full((9, 13, 3), (10, 130, 250), np.uint8))
    assert (call("resize", video=grey, width=40, height=5, filter=filter).numpy() == (10, 130, 250)).all()


def test_what_a_filter_overshoots_is_clipped(call: Call) -> None:
    edge = np.zeros((8, 8, 3), np.float32)
    edge[:, 4:] = 1
    scaled = call("resize", video=Image.from_frame(edge), width=32, filter="lanczos").numpy()
    assert (scaled.min(), scaled.max()) == (0, 1)


@pytest.mark.parametrize(("type", "inputs"), [("resize", {"width": 8}), ("crop", {"width": 8})])
def test_an_image_stays_an_image(call: Call, type: str, inputs: dict[str, int]) -> None:
    assert isinstance(call(type, video=picture(), **inputs), Image)
    assert not isinstance(call(type, video=film(1), **inputs), Image)


@pytest.mark.parametrize(
    "inputs",
    [{"width": 0}, {"width": -3}, {"height": 16385}, {"width": 4.5}, {"filter": "cubic"}, {"fit": "fill"}],
)
def test_a_size_or_a_word_that_makes_no_sense_is_refused_before_the_run(
    in_graph: InGraph, inputs: dict[str, Any]
) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("resize", video=film(1), **inputs)


def test_crop_cuts_a_rectangle_out(call: Call) -> None:
    whole = film(3)
    cut = call("crop", video=whole, left=3, top=2, width=7, height=5)
    assert cut.info == replace(whole.info, width=7, height=5)
    assert (pixels(cut) == pixels(whole)[:, 2:7, 3:10]).all()
    assert pixels(cut).flags.c_contiguous
    assert np.array_equal(samples(cut), samples(whole))


def test_crop_goes_up_to_the_edge_where_a_size_is_empty(call: Call) -> None:
    whole = film(2)
    assert (pixels(call("crop", video=whole, left=15)) == pixels(whole)[:, :, 15:]).all()
    assert (pixels(call("crop", video=whole, top=11, width=2)) == pixels(whole)[:, 11:, :2]).all()
    assert (pixels(call("crop", video=whole)) == pixels(whole)).all()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"left": 10, "width": 7}, "the rectangle 7x12 at 10, 0 does not lie in the picture of 16x12"),
        ({"top": 1, "height": 12}, "the rectangle 16x12 at 0, 1 does not lie in the picture of 16x12"),
        ({"left": 16}, "the rectangle 0x12 at 16, 0 does not lie in the picture of 16x12"),
        ({"width": 17}, "the rectangle 17x12 at 0, 0 does not lie in the picture of 16x12"),
    ],
)
def test_crop_says_where_the_rectangle_does_not_lie_in_the_picture(
    call: Call, inputs: dict[str, int], said: str
) -> None:
    with pytest.raises(NodeError) as caught:
        call("crop", video=film(1), **inputs)
    assert str(caught.value) == f"{said}; make it smaller or move it."


@pytest.mark.parametrize("inputs", [{"left": -1}, {"top": -1}, {"width": 0}, {"height": 0}])
def test_a_rectangle_that_is_none_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, int]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: .* is out of range"):
        in_graph("crop", video=film(1), **inputs)


def test_only_the_frames_that_are_shown_are_scaled() -> None:
    asked: list[int] = []

    def note(frame: np.ndarray) -> np.ndarray:
        asked.append(1)
        return frame

    scaled = CORE["resize"].function(gradient(frames=50).map(note), width=8)
    assert scaled.frame(40).shape == (6, 8, 3)
    assert len(asked) == 1
