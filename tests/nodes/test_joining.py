"""concat: the clips in the first one's size and rate, each with its own sound in step, cut or with transitions."""

from __future__ import annotations

import weakref
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import SAMPLES, film, info, padded, picture, pixels, samples, sound
from vidflow.api import Audio, AudioInfo, Frames, Image, NodeError, Video, media
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
        CORE["concat"].function([], run=Here(Path()))
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
    whole: Video = CORE["concat"].function(clips, run=Here(Path()))
    assert (whole.frame(70) == clips[1].frame(20)).all()


def test_an_image_first_does_not_give_the_rate(call: Call) -> None:
    still, clip = picture(seed=4), film(5)
    whole = call("concat", videos=[still, clip, still])
    assert (whole.info.rate, whole.info.frames) == (25, 25 + 5 + 25)
    assert (pixels(whole)[:25] == still.numpy()).all()
    assert (pixels(whole)[25:30] == pixels(clip)).all()
    with_sound = call("set_audio", video=still, audio=sound(SAMPLES))
    assert call("concat", videos=[with_sound, clip]).info.frames == 30


def test_a_film_of_stills_is_smooth(call: Call) -> None:
    stills = [picture(seed=number) for number in range(3)]
    whole = call("concat", videos=stills, transition=["crossfade"], transition_seconds=[0.4])
    assert (whole.info.rate, whole.info.frames) == (25, 75 - 20)
    assert len({frame.tobytes() for frame in pixels(whole)[15:25]}) == 10


def flat(value: int, frames: int, *, deep: bool = False, width: int = 48) -> Video:
    """One grey level, with a sound as loud as it is bright."""
    shown = np.full((frames, 4, width, 3), value, np.uint8)
    level = np.full((frames * FRAME, 1), value / 256, np.float32)
    return Video.from_array(shown / np.float32(255) if deep else shown, 25, Audio.from_array(level, SAMPLES))


def joined(call: Call, clips: list[Video], *kinds: str, seconds: float = 0.2) -> Video:
    return call("concat", videos=clips, transition=list(kinds), transition_seconds=[seconds])


@pytest.mark.parametrize("kind", ["crossfade", "fade", "wipe"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_transition_overlaps_its_clips_and_touches_nothing_else(call: Call, kind: str, deep: bool) -> None:
    clips = [film(20, deep=deep), film(15, seed=1, deep=deep), film(12, seed=2, deep=deep)]
    whole = joined(call, clips, kind)
    assert whole.info.frames == 20 + 15 + 12 - 2 * 5
    shown = pixels(whole)
    assert (shown[:15] == pixels(clips[0])[:15]).all()
    assert (shown[20:25] == pixels(clips[1])[5:10]).all()
    assert (shown[30:] == pixels(clips[2])[5:]).all()
    heard = samples(whole)
    assert len(heard) == 37 * FRAME
    assert np.array_equal(heard[: 15 * FRAME], samples(clips[0])[: 15 * FRAME])
    assert np.array_equal(heard[20 * FRAME : 25 * FRAME], samples(clips[1])[5 * FRAME : 10 * FRAME])
    assert np.array_equal(heard[30 * FRAME :], samples(clips[2])[5 * FRAME :])


@pytest.mark.parametrize("deep", [False, True])
def test_a_crossfade_mixes_evenly(call: Call, deep: bool) -> None:
    shown = pixels(joined(call, [flat(200, 10, deep=deep), flat(80, 10, deep=deep)], "crossfade"))[5:10]
    wanted = [180, 160, 140, 120, 100]
    assert np.allclose(shown[:, 0, 0, 0] * (255 if deep else 1), wanted, atol=1e-3)
    assert (shown == shown[:, :1, :1]).all()


def test_a_fade_goes_through_black(call: Call) -> None:
    shown = pixels(joined(call, [flat(120, 10), flat(60, 10)], "fade"))[5:10, 0, 0, 0]
    assert shown.tolist() == [80, 40, 0, 20, 40]


def test_a_wipe_comes_in_from_the_left_with_a_soft_edge(call: Call) -> None:
    shown = pixels(joined(call, [flat(200, 10, width=480), flat(80, 10, width=480)], "wipe"))[5:10, 0, :, 0]
    assert (np.diff(shown.astype(int), axis=1) >= 0).all()
    edges = [int(np.argmax(row > 140)) for row in shown]
    assert np.allclose(np.diff(edges), 500 / 6, atol=1)
    assert edges[2] == 240
    assert all(np.count_nonzero((row > 80) & (row < 200)) == 20 for row in shown)


def test_a_transition_played_backwards_is_the_same(call: Call) -> None:
    """No frame of it is one clip's alone, and its middle is its middle."""
    one, other = film(10), film(10, seed=1)
    there, back = (pixels(joined(call, clips, "crossfade"))[5:10] for clips in ([one, other], [other, one]))
    mirrored = pixels(joined(call, [call("reverse", video=other), call("reverse", video=one)], "crossfade"))[5:10]
    assert np.abs(there.astype(int) - mirrored[::-1]).max() <= 1
    assert not (there == back).all()


@pytest.mark.parametrize("kind", ["crossfade", "wipe"])
def test_crossing_sounds_keep_their_power(call: Call, kind: str) -> None:
    heard = samples(joined(call, [flat(128, 10), flat(0, 10)], kind))[:, 0]
    other = samples(joined(call, [flat(0, 10), flat(128, 10)], kind))[:, 0]
    assert np.allclose(heard**2 + other**2, 0.25, atol=1e-6)
    assert (np.diff(heard[5 * FRAME : 10 * FRAME]) <= 0).all()
    assert heard[15 * FRAME // 2] == pytest.approx(0.5 * np.sqrt(0.5), abs=1e-4)


def test_the_sounds_of_a_fade_are_silent_where_the_picture_is_black(call: Call) -> None:
    heard = samples(joined(call, [flat(128, 10), flat(64, 10)], "fade"))[5 * FRAME : 10 * FRAME, 0]
    t = (np.arange(5 * FRAME) + 0.5) / (5 * FRAME)
    assert np.allclose(heard, 0.5 * np.maximum(0, 1 - 2 * t) + 0.25 * np.maximum(0, 2 * t - 1), atol=1e-6)


def test_each_joint_can_have_its_own_transition_and_length(call: Call) -> None:
    clips = [flat(level, 30) for level in (10, 110, 210, 60)]
    whole = call("concat", videos=clips, transition=["crossfade", "cut", "fade"], transition_seconds=[0.2, 9.0, 0.4])
    assert whole.info.frames == 120 - 5 - 10
    shown = pixels(whole)[:, 0, 0, 0]
    assert shown[27] == 60
    assert shown[54:56].tolist() == [110, 210]
    assert shown[75:85].min() < 20


@pytest.mark.parametrize("kind", ["crossfade", ["cut", "fade"]])
def test_a_single_transition_or_a_list_of_them_fits_a_graph(in_graph: InGraph, kind: object) -> None:
    clips = [film(30), film(30, seed=1), film(30, seed=2)]
    whole = in_graph("concat", videos=clips, transition=kind, transition_seconds=0.2)
    assert whole.info.frames == (80 if kind == "crossfade" else 85)


def test_a_transition_of_no_length_is_a_cut(call: Call) -> None:
    clips = [film(5), film(5, seed=1)]
    assert (
        pixels(joined(call, clips, "crossfade", seconds=0)) == np.concatenate([pixels(clip) for clip in clips])
    ).all()


def test_a_number_of_lengths_that_does_not_fit_is_refused(call: Call) -> None:
    with pytest.raises(NodeError, match="there are 2 values of transition_seconds for 1 joint; give one for all"):
        call("concat", videos=[film(5), film(5)], transition_seconds=[1.0, 1.0])
    with pytest.raises(NodeError, match="there are 5 values"):
        call("concat", videos=[film(5)] * 3, transition=["fade"], transition_seconds=[1.0] * 5)


@pytest.mark.parametrize(
    ("lengths", "wanted", "got"),
    [
        ([50, 50], [20], [20]),
        ([50, 10], [20], [10]),
        ([10, 50], [20], [10]),
        ([50, 10, 50], [20, 20], [5, 5]),
        ([50, 30, 50], [20, 20], [15, 15]),
        ([50, 40, 50], [20, 20], [20, 20]),
        ([50, 40, 50], [30, 10], [30, 10]),
        ([50, 20, 50], [30, 10], [15, 5]),
        ([50, 1, 50], [20, 20], [0, 0]),
        ([50, 10, 50], [20, 0], [10, 0]),
    ],
)
def test_a_clip_that_is_too_short_is_shared_by_its_two_transitions(
    lengths: list[int], wanted: list[int], got: list[int]
) -> None:
    run = Here(Path())
    clips = [film(length, 4, 4, seed=length) for length in lengths]
    settings = {"transition": ["crossfade" if want else "cut" for want in wanted]}
    seconds = [want / 25 for want in wanted]
    whole = CORE["concat"].function(clips, **settings, transition_seconds=seconds, run=run)
    assert whole.info.frames == sum(lengths) - sum(got)
    assert len(pixels(whole)) == whole.info.frames
    assert whole.audio.info.samples == whole.info.frames * FRAME
    assert run.notes == [
        f"The crossfade at joint {number} lasts {one} frames, not {want}: a clip is too short for it."
        for number, (want, one) in enumerate(zip(wanted, got, strict=True), 1)
        if one < want
    ]


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.lists(st.sampled_from(["cut", "crossfade", "fade", "wipe"]), min_size=5, max_size=5),
    st.sampled_from([0.0, 0.1, 0.4, 2.0]),
)
def test_any_cut_shows_every_frame_once_and_in_order(lengths: list[int], kinds: list[str], seconds: float) -> None:
    clips = [film(length, 2, 2, seed=number) for number, length in enumerate(lengths)]
    joints = len(lengths) - 1
    whole = CORE["concat"].function(
        clips, transition=kinds[:joints] or ["cut"], transition_seconds=[seconds], run=Here(Path())
    )
    shown = pixels(whole)
    random = [whole.frame(k) for k in range(len(shown))]
    assert np.array_equal(np.stack(random), shown)
    needs = [whole.made_by.needs(k) for k in range(len(shown))] if hasattr(whole.made_by, "needs") else None
    if needs is not None:
        assert sorted(index for asked in needs for index in asked) == list(range(sum(lengths)))
    assert whole.audio.info.samples == whole.info.frames * FRAME


class Counted:
    """Clips that count how many of them are open, and keep an eye on the frames that they gave."""

    def __init__(self) -> None:
        self.open = self.most = 0
        self.blocks: list[weakref.ref[np.ndarray]] = []

    def clip(self, frames: int) -> Video:
        """One of them."""
        opened = self

        class Reader:
            def __init__(self) -> None:
                opened.open += 1
                opened.most = max(opened.most, opened.open)

            def read(self, start: int, stop: int) -> Frames:
                block = np.zeros((stop - start, 2, 2, 3), np.uint8)
                opened.blocks.append(weakref.ref(block))
                return Frames(block)

            def close(self) -> None:
                opened.open -= 1

        return Video.from_source(info(2, 2, 25, frames), Reader)

    def sound(self, samples: int) -> Audio:
        """A sound of the kind."""
        opened = self

        class Reader:
            def __init__(self) -> None:
                opened.open += 1
                opened.most = max(opened.most, opened.open)

            def read(self, start: int, stop: int) -> np.ndarray:
                return np.zeros((stop - start, 1), np.float32)

            def close(self) -> None:
                opened.open -= 1

        return Audio.from_source(AudioInfo(SAMPLES, 1, samples, "mono"), Reader)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", ["cut", "crossfade"])
def test_a_film_of_many_clips_keeps_few_of_them_open(kind: str, backwards: bool) -> None:
    counted = Counted()
    clips = [CORE["trim"].function(counted.clip(150), end=3.0) for _ in range(50)]
    clips = [CORE["reverse"].function(clip) for clip in clips] if backwards else clips
    whole = CORE["concat"].function(clips, transition=[kind], transition_seconds=[0.5], run=Here(Path()))
    shown = held = 0
    for frames in whole.read():
        shown += len(frames)
        held = max(held, sum(block() is not None for block in counted.blocks))
    assert shown == whole.info.frames
    assert counted.open == 0
    assert counted.most <= 5
    assert held <= 10
    assert len(counted.blocks) > 50


def test_the_sound_of_many_clips_keeps_few_of_them_open() -> None:
    counted = Counted()
    clips = [film(25, 2, 2, audio=counted.sound(SAMPLES)) for _ in range(50)]
    whole = CORE["concat"].function(clips, transition=["crossfade"], transition_seconds=[0.2], run=Here(Path()))
    reader = whole.audio.open()
    for at in range(0, whole.audio.info.samples - 1024, 1024):
        reader.read(at, at + 1024)
    reader.close()
    assert counted.open == 0
    assert counted.most <= 8
