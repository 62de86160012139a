"""compare: two videos in one picture, each value where it should be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, info, picture, pixels, samples, sound
from vidflow.api import Image, Video
from vidflow.errors import GraphError


@pytest.mark.parametrize("deep", [False, True])
def test_side_puts_the_second_to_the_right_of_the_first(call: Call, deep: bool) -> None:
    a, b = film(4, 17, 13, deep=deep), film(6, 17, 13, seed=1, deep=deep)
    both = call("compare", a=a, b=b)
    assert both.info == info(34, 13, 25, 4, dtype=a.info.dtype, audio=a.info.audio)
    assert (pixels(both) == np.concatenate([pixels(a), pixels(b, 0, 4)], axis=2)).all()
    assert np.array_equal(samples(both), samples(a))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("position", "edge"), [(0.0, 0), (0.01, 0), (0.25, 4), (0.5, 8), (0.9, 15), (0.99, 17), (1.0, 17)]
)
def test_a_wipe_shows_one_up_to_the_position_and_the_other_behind_it(
    call: Call, position: float, edge: int, deep: bool
) -> None:
    a, b = film(2, 17, 13, deep=deep), film(2, 17, 13, seed=1, deep=deep)
    wanted = np.concatenate([pixels(a)[:, :, :edge], pixels(b)[:, :, edge:]], axis=2)
    if 0 < edge < 17:
        wanted[:, :, edge] = 1 if deep else 255
    assert (pixels(call("compare", a=a, b=b, mode="wipe", position=position)) == wanted).all()


def test_the_line_of_a_wipe_is_wider_in_a_large_picture() -> None:
    black = Image.from_frame(np.zeros((1080, 1920, 3), np.uint8))
    (lit,) = pixels(CORE["compare"].function(black, black, mode="wipe"))
    assert np.flatnonzero(lit[500, :, 0]).tolist() == [959, 960]


@pytest.mark.parametrize("deep", [False, True])
def test_difference_shows_by_how_much_each_value_differs(call: Call, deep: bool) -> None:
    a, b = film(3, deep=deep), film(3, seed=1, deep=deep)
    found = pixels(call("compare", a=a, b=b, mode="difference"))
    one, other = pixels(a).astype(np.float64), pixels(b).astype(np.float64)
    assert np.abs(found - np.abs(one - other)).max() <= (1e-6 if deep else 0)
    assert not pixels(call("compare", a=a, b=a, mode="difference")).any()


def test_bytes_beside_floats_are_compared_as_floats(call: Call) -> None:
    whole = film(2)
    both = call("compare", a=whole, b=film(2, deep=True), mode="difference")
    assert both.info.dtype == "float32"
    assert pixels(both).max() < 1e-6


def test_the_second_is_brought_to_the_size_of_the_first_inside_black_bars(call: Call) -> None:
    white = Video.from_array(np.full((2, 10, 10, 3), 255, np.uint8), 25)
    both = pixels(call("compare", a=film(2, 16, 8), b=white))
    assert both.shape == (2, 8, 32, 3)
    wanted = np.zeros((8, 16, 3), np.uint8)
    wanted[:, 4:12] = 255
    assert (both[:, :, 16:] == wanted).all()


def test_the_second_is_brought_to_the_rate_of_the_first(call: Call) -> None:
    slow, quick = film(5, rate=Fraction(25, 2)), film(10, seed=1)
    both = call("compare", a=quick, b=slow)
    assert (both.info.rate, both.info.frames) == (25, 10)
    assert (pixels(both)[:, :, 16:] == np.repeat(pixels(slow), 2, axis=0)).all()


@pytest.mark.parametrize("still_first", [False, True])
def test_an_image_stands_as_long_as_the_other_lasts(call: Call, still_first: bool) -> None:
    whole, still = film(60, silent=True), picture(seed=1)
    both = call("compare", a=still if still_first else whole, b=whole if still_first else still)
    assert (both.info.rate, both.info.frames) == (25, 60)
    halves = pixels(both)[:, :, :16], pixels(both)[:, :, 16:]
    assert (halves[0 if still_first else 1] == still.numpy()).all()
    assert (halves[1 if still_first else 0] == pixels(whole)).all()


def test_two_images_give_one_frame(call: Call) -> None:
    one, other = picture(), picture(seed=1)
    assert (pixels(call("compare", a=one, b=other))[0] == np.hstack([one.numpy(), other.numpy()])).all()


def test_any_frame_can_be_had_alone(call: Call) -> None:
    both = call("compare", a=film(9), b=film(9, 8, 6, Fraction(30000, 1001), seed=1), mode="wipe")
    whole = pixels(both)
    assert all((both.frame(k) == whole[k]).all() for k in (7, 0, 4))


@pytest.mark.parametrize("inputs", [{"mode": "left"}, {"position": 1.5}, {"position": -0.1}])
def test_what_makes_no_sense_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("compare", a=film(1), b=film(1), **inputs)


def test_only_the_first_is_heard(call: Call) -> None:
    assert call("compare", a=film(3, silent=True), b=film(3)).audio is None
    heard = call("compare", a=film(3, audio=sound(99)), b=film(3))
    assert np.array_equal(samples(heard), sound(99).read())


def test_the_plain_definition_of_a_scaled_difference_holds(call: Call) -> None:
    a, b = film(1), film(1, 32, 24, seed=1)
    scaled = cv2.resize(pixels(b)[0], (16, 12), interpolation=cv2.INTER_CUBIC)
    wanted = np.abs(pixels(a)[0].astype(int) - scaled)
    assert (pixels(call("compare", a=a, b=b, mode="difference"))[0] == wanted).all()
