"""concat: the clips one after the other, in the first one's size and rate, each with its own sound in step."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import cv2
import numpy as np
import pytest

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import SAMPLES, film, padded, picture, pixels, samples, sound
from vidflow.api import Image, NodeError, Video, media
from vidflow.errors import GraphError

FRAME = SAMPLES // 25


def test_clips_of_one_kind_follow_each_other(call: Call) -> None:
    clips = [film(count, seed=count) for count in (5, 1, 8)]
    whole = call("concat", videos=clips)
    assert whole.info == replace(clips[0].info, frames=14, audio=whole.audio.info)
    assert (pixels(whole) == np.concatenate([pixels(clip) for clip in clips])).all()
    assert np.array_equal(samples(whole), np.concatenate([samples(clip) for clip in clips]))


def test_one_clip_is_itself(call: Call) -> None:
    clip = film(5)
    whole = call("concat", videos=[clip])
    assert whole.info == clip.info
    assert (pixels(whole) == pixels(clip)).all()
    assert np.array_equal(samples(whole), samples(clip))


def test_one_clip_can_be_played_twice(call: Call) -> None:
    clip = film(5)
    whole = call("concat", videos=[clip, clip])
    assert (pixels(whole) == np.concatenate([pixels(clip), pixels(clip)])).all()


def test_a_clip_of_another_size_is_brought_to_the_first_ones_inside_black_bars(call: Call) -> None:
    clips = [film(2, 16, 12), film(2, 8, 12, seed=1), film(2, 32, 6, seed=2)]
    whole = call("concat", videos=clips)
    assert (whole.info.width, whole.info.height, whole.info.frames) == (16, 12, 6)
    shown = pixels(whole)
    assert (shown[2:4, :, 4:12] == pixels(clips[1])).all()
    assert not shown[2:4, :, :4].any()
    assert not shown[2:4, :, 12:].any()
    flat = np.stack([cv2.resize(frame, (16, 3), interpolation=cv2.INTER_CUBIC) for frame in pixels(clips[2])])
    assert (shown[4:, 4:7] == flat).all()
    assert not shown[4:, :4].any()
    assert not shown[4:, 7:].any()


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(50), Fraction(10)])
def test_a_clip_of_another_rate_keeps_its_duration(call: Call, rate: Fraction) -> None:
    clips = [film(3), film(20, rate=rate, seed=1)]
    whole = call("concat", videos=clips)
    count = ceil(20 / rate * 25)
    assert whole.info.rate == 25
    assert whole.info.frames == 3 + count
    shown = [min(int(Fraction(k, 25) * rate), 19) for k in range(count)]
    assert (pixels(whole)[3:] == pixels(clips[1])[shown]).all()
    assert np.array_equal(samples(whole)[3 * FRAME :], padded(samples(clips[1]), 0, count * FRAME))


def test_bytes_and_floats_become_floats(call: Call) -> None:
    clips = [film(2), film(2, deep=True, seed=1)]
    whole = call("concat", videos=clips)
    assert whole.info.dtype == "float32"
    assert np.allclose(pixels(whole), np.concatenate([pixels(clips[0]) / 255, pixels(clips[1])]), atol=1e-6)


def test_clips_without_sound_are_silent_for_as_long_as_they_are(call: Call) -> None:
    quiet, loud = film(4, silent=True, seed=1), film(5)
    whole = call("concat", videos=[quiet, loud, quiet])
    assert whole.audio.info == replace(loud.audio.info, samples=13 * FRAME)
    assert np.array_equal(samples(whole), padded(samples(loud), -4 * FRAME, 9 * FRAME))


def test_clips_that_are_all_silent_give_no_sound(call: Call) -> None:
    assert call("concat", videos=[film(2, silent=True), film(3, silent=True)]).audio is None


def test_the_sound_has_the_first_sounds_rate_and_layout(call: Call) -> None:
    clips = [
        film(5, silent=True),
        film(5, audio=sound(44100 // 5, 44100, 1)),
        film(5, audio=sound(SAMPLES // 5, SAMPLES, 2)),
    ]
    whole = call("concat", videos=clips)
    assert whole.audio.info == replace(clips[1].audio.info, samples=3 * 44100 // 5)
    found = np.split(samples(whole), 3)
    assert not found[0].any()
    assert np.array_equal(found[1], samples(clips[1]))
    assert np.allclose(found[2], media.convert(clips[2].audio, 44100, "mono").read(), atol=1e-7)


@pytest.mark.parametrize("length", [1, 5 * FRAME - 7, 5 * FRAME + 7, 20 * FRAME])
def test_a_sound_that_is_not_as_long_as_its_picture_does_not_move_the_next(call: Call, length: int) -> None:
    clips = [film(5, audio=sound(length)), film(5, seed=1)]
    heard = samples(call("concat", videos=clips))
    assert np.array_equal(heard, np.concatenate([padded(samples(clips[0]), 0, 5 * FRAME), samples(clips[1])]))


@pytest.mark.parametrize("transition", [["cut"], ["cut", "cut"]])
def test_a_transition_is_one_for_all_or_one_for_each_joint(call: Call, transition: list[str]) -> None:
    assert call("concat", videos=[film(1), film(2), film(3)], transition=transition).info.frames == 6


def test_a_single_transition_needs_no_list_in_a_graph(in_graph: InGraph) -> None:
    assert in_graph("concat", videos=[film(1), film(2)], transition="cut").info.frames == 3


@pytest.mark.parametrize(
    ("count", "given", "said"),
    [
        (2, 3, "there are 3 transitions for 1 joint; give one for all, or one for each."),
        (4, 2, "there are 2 transitions for 3 joints; give one for all, or one for each."),
        (1, 2, "there are 2 transitions for 0 joints; give one for all, or one for each."),
    ],
)
def test_another_number_of_transitions_is_refused(call: Call, count: int, given: int, said: str) -> None:
    with pytest.raises(NodeError) as caught:
        call("concat", videos=[film(1)] * count, transition=["cut"] * given)
    assert str(caught.value) == said


def test_nothing_to_join_is_refused(in_graph: InGraph) -> None:
    with pytest.raises(NodeError, match="there is no video to join; link at least one"):
        CORE["concat"].function([])
    with pytest.raises(GraphError, match=r"it\.videos: "):
        in_graph("concat", videos=[])


def test_an_unknown_transition_is_refused_before_the_run(in_graph: InGraph) -> None:
    with pytest.raises(GraphError, match=r"it\.transition.*'melt' is none of cut"):
        in_graph("concat", videos=[film(1), film(1)], transition=["melt"])


def test_an_image_is_a_clip_of_one_second(call: Call) -> None:
    still = picture(seed=4)
    whole = call("concat", videos=[film(5), still])
    assert not isinstance(whole, Image)
    assert whole.info.frames == 5 + 25
    assert (pixels(whole)[5:] == still.numpy()).all()


def test_a_frame_of_one_clip_needs_none_of_the_others() -> None:
    def refuse(frame: np.ndarray) -> np.ndarray:
        raise AssertionError("this clip was read")

    clips = [film(50).map(refuse), film(50, seed=1), film(50).map(refuse)]
    whole: Video = CORE["concat"].function(clips)
    assert (whole.frame(70) == clips[1].frame(20)).all()
