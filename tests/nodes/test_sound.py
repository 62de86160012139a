"""set_audio: every sample of the result is what arithmetic says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import SAMPLES, film, padded, picture, pixels, samples, sound, tone
from vidflow.api import Audio, AudioInfo, NodeError, media
from vidflow.errors import GraphError

SECOND = SAMPLES
set_audio = CORE["set_audio"].function


def test_the_sound_takes_the_place_of_the_old_one(call: Call) -> None:
    whole, other = film(25), sound(SECOND, first=777)
    result = call("set_audio", video=whole, audio=other)
    assert result.info == whole.info
    assert (pixels(result) == pixels(whole)).all()
    assert np.array_equal(samples(result), other.read())


def test_a_silent_video_gets_the_sound_as_it_is(call: Call) -> None:
    other = sound(8000, 8000, 1)
    for mode in ("replace", "mix"):
        result = call("set_audio", video=film(25, silent=True), audio=other, mode=mode)
        assert result.audio.info == other.info
        assert np.array_equal(samples(result), other.read())


def test_a_long_sound_is_cut_off_with_the_picture(call: Call) -> None:
    other = sound(2 * SECOND)
    assert np.array_equal(samples(call("set_audio", video=film(25), audio=other)), other.read(0, SECOND))


def test_a_short_sound_ends_early(call: Call) -> None:
    other = sound(1000)
    assert np.array_equal(samples(call("set_audio", video=film(25), audio=other)), padded(other.read(), 0, SECOND))


def test_the_sound_begins_where_it_is_told_to(call: Call) -> None:
    other = sound(SECOND)
    late = samples(call("set_audio", video=film(25), audio=other, start=0.3))
    assert np.array_equal(late, padded(other.read(), -round(0.3 * SECOND), SECOND - round(0.3 * SECOND)))


def test_the_gain_is_in_decibels(call: Call) -> None:
    other = tone(SECOND)
    softer = samples(call("set_audio", video=film(25), audio=other, gain_db=-20))
    assert np.allclose(softer, other.read() / 10, rtol=1e-6)
    louder = samples(call("set_audio", video=film(25), audio=other, gain_db=20))
    assert np.allclose(louder, other.read() * 10, rtol=1e-6)
    assert louder.dtype == np.float32


def test_the_fades_are_straight_lines_at_the_two_ends_of_the_sound(call: Call) -> None:
    ones = Audio.from_array(np.ones((1000, 1), np.float32), 1000)
    faded = samples(call("set_audio", video=film(50, silent=True), audio=ones, start=0.5, fade_in=0.1, fade_out=0.2))[
        :, 0
    ]
    assert len(faded) == 2000
    assert not faded[:500].any()
    assert np.allclose(faded[500:600], np.arange(100) / 100)
    assert (faded[600:1300] == 1).all()
    assert np.allclose(faded[1300:1500], np.arange(200, 0, -1) / 200)
    assert not faded[1500:].any()


def test_the_fade_out_ends_where_the_picture_does(call: Call) -> None:
    ones = Audio.from_array(np.ones((5000, 1), np.float32), 1000)
    faded = samples(call("set_audio", video=film(25, silent=True), audio=ones, fade_out=0.5))[:, 0]
    assert np.allclose(faded, np.minimum(1, (1000 - np.arange(1000)) / 500))


def test_fades_that_meet_are_multiplied(call: Call) -> None:
    ones = Audio.from_array(np.ones((100, 1), np.float32), 1000)
    faded = samples(call("set_audio", video=film(25, silent=True), audio=ones, fade_in=0.2, fade_out=0.2))[:100, 0]
    k = np.arange(100)
    assert np.allclose(faded, (k / 200) * ((100 - k) / 200), atol=1e-7)


def test_a_looped_sound_begins_again_and_again(call: Call) -> None:
    other = sound(700)
    looped = samples(call("set_audio", video=film(25), audio=other, start=0.25, length="loop"))
    quarter = SECOND // 4
    assert not looped[:quarter].any()
    assert np.array_equal(looped[quarter:], np.resize(other.read(), (SECOND - quarter, 2)))


def test_a_looped_sound_fades_as_one(call: Call) -> None:
    ones = Audio.from_array(np.ones((7, 1), np.float32), 1000)
    looped = samples(call("set_audio", video=film(25, silent=True), audio=ones, length="loop", fade_out=1))[:, 0]
    assert np.allclose(looped, (1000 - np.arange(1000)) / 1000)


def test_the_shortest_ends_the_picture_with_the_sound(call: Call) -> None:
    whole, other = film(50), sound(SECOND, first=777)
    result = call("set_audio", video=whole, audio=other, length="shortest", start=0.2)
    assert result.info == replace(whole.info, frames=30, audio=result.audio.info)
    assert (pixels(result) == pixels(whole)[:30]).all()
    assert np.array_equal(samples(result), padded(other.read(), -round(0.2 * SECOND), SECOND))


def test_the_shortest_leaves_a_picture_that_is_shorter_than_the_sound(call: Call) -> None:
    whole, other = film(20), sound(2 * SECOND)
    result = call("set_audio", video=whole, audio=other, length="shortest")
    assert result.info.frames == 20
    assert np.array_equal(samples(result), other.read(0, round(0.8 * SECOND)))


def test_the_fade_out_of_the_shortest_ends_with_the_picture_too(call: Call) -> None:
    # 1.49 frames of sound: the picture is one frame long.
    ones = Audio.from_array(np.ones((596, 1), np.float32), 10000)
    result = call("set_audio", video=film(25, silent=True), audio=ones, length="shortest", fade_out=0.01)
    assert result.info.frames == 1
    assert np.allclose(samples(result)[:, 0], np.minimum(1, (400 - np.arange(400)) / 100))


def test_the_shortest_shows_at_least_the_frame_in_which_the_sound_begins(call: Call) -> None:
    click = sound(10)
    result = call("set_audio", video=film(25), audio=click, length="shortest", start=0.05)
    assert result.info.frames == 2
    assert np.array_equal(samples(result)[round(0.05 * SECOND) :][:10], click.read())


def test_mixed_sounds_are_added(call: Call) -> None:
    whole, other = film(25), sound(SECOND // 2, first=10**6)
    mixed = samples(call("set_audio", video=whole, audio=other, mode="mix", start=0.25))
    wanted = samples(whole) + padded(other.read(), -SECOND // 4, 3 * SECOND // 4)
    assert np.array_equal(mixed, wanted)


def test_the_gain_of_a_mix_is_that_of_the_new_sound(call: Call) -> None:
    whole, other = film(25), tone(SECOND)
    mixed = samples(call("set_audio", video=whole, audio=other, mode="mix", gain_db=-20))
    assert np.allclose(mixed, samples(whole) + other.read() / 10, rtol=1e-6)


def test_a_mix_has_the_rate_and_layout_of_the_videos_own_sound(call: Call) -> None:
    whole, other = film(25, audio=sound(44100, 44100)), tone(SECOND).slice(0, SECOND)
    mono = Audio.from_array(other.read()[:, :1], SECOND)
    result = call("set_audio", video=whole, audio=mono, mode="mix")
    assert result.audio.info == whole.audio.info
    assert np.allclose(samples(result), samples(whole) + media.convert(mono, 44100, "stereo").read(), atol=1e-7)


def test_a_mix_with_a_sound_of_another_length_is_as_long_as_the_picture(call: Call) -> None:
    for length in (100, 2 * SECOND):
        whole = film(25, audio=sound(length))
        mixed = samples(call("set_audio", video=whole, audio=sound(50), mode="mix"))
        assert np.array_equal(mixed, padded(samples(whole), 0, SECOND) + padded(sound(50).read(), 0, SECOND))


def test_an_image_can_have_a_sound(call: Call) -> None:
    result = call("set_audio", video=picture(), audio=sound(100))
    assert result.info.frames == 1
    assert result.audio.info.samples == SECOND


@pytest.mark.parametrize("start", [1.0, 2.0])
def test_a_sound_that_would_begin_after_the_video_is_refused(call: Call, start: float) -> None:
    with pytest.raises(NodeError, match=rf"start is {start:g} s, but the video ends after 1\.000 s"):
        call("set_audio", video=film(25), audio=sound(10), start=start)


def test_an_empty_sound_is_refused(call: Call) -> None:
    with pytest.raises(NodeError, match="the sound is empty; choose another file"):
        call("set_audio", video=film(25), audio=Audio.silence(sound(1).info, 0))


@pytest.mark.parametrize(
    "inputs", [{"start": -1}, {"gain_db": 25}, {"fade_in": -0.1}, {"mode": "add"}, {"length": "longest"}]
)
def test_a_setting_that_makes_no_sense_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("set_audio", video=film(25), audio=sound(10), **inputs)


class Counting:
    """A sound far too long to hold: sample n is made(n)."""

    def __init__(self, made: Callable[[np.ndarray], np.ndarray]) -> None:
        self.made = made

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.made(np.arange(start, stop))[:, None].astype(np.float32)

    def close(self) -> None:
        pass


def test_a_fade_at_the_end_of_two_hours_is_as_smooth_as_one_at_the_start() -> None:
    hours = 2 * 3600 * SECOND
    ones = Audio.from_source(AudioInfo(SECOND, 1, hours, "mono"), lambda: Counting(np.ones_like))
    film_of_hours = film(2 * 3600, 2, 2, 1, silent=True)
    faded = set_audio(film_of_hours, ones, fade_out=2.0).audio.read(hours - 2 * SECOND, hours)[:, 0]
    assert np.allclose(faded, 1 - np.arange(2 * SECOND) / (2 * SECOND), atol=1e-7)


def test_a_sound_of_a_few_samples_can_be_looped_for_hours() -> None:
    hours = 2 * 3600 * SECOND
    looped = set_audio(film(2 * 3600, 2, 2, 1, silent=True), sound(3), length="loop").audio
    assert looped.info.samples == hours
    reader = looped.open()
    for at in range(hours - 1024 * 100, hours, 1024):
        block = reader.read(at, at + 1024)
        assert np.array_equal(block, sound(3).read()[np.arange(at, at + 1024) % 3])
    reader.close()


@given(
    frames=st.integers(1, 20),
    count=st.integers(1, 400),
    start=st.floats(0, 0.5),
    length=st.sampled_from(["video", "loop"]),
    fades=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    gain_db=st.floats(-60, 24),
    data=st.data(),
)
def test_any_range_of_any_sound_is_what_arithmetic_says(
    frames: int,
    count: int,
    start: float,
    length: str,
    fades: tuple[float, float],
    gain_db: float,
    data: st.DataObject,
) -> None:
    rate, total = 200, frames * 8
    whole, other = film(frames, 2, 2, 25, silent=True), sound(count, rate, 1)
    delay = round(Fraction(str(start)) * rate)
    arguments: dict[str, Any] = {"start": start, "length": length, "fade_in": fades[0], "fade_out": fades[1]}
    if delay >= total:
        with pytest.raises(NodeError, match="start is"):
            set_audio(whole, other, gain_db=gain_db, **arguments)
        return
    played = other.read()[:, 0].astype(np.float64)
    played = np.resize(played, max(count, total - delay)) if length == "loop" else played
    played = played[: total - delay] * 10 ** (gain_db / 20)
    k, (fade_in, fade_out) = np.arange(len(played)), (round(Fraction(str(fade)) * rate) for fade in fades)
    if fade_in:
        played = played * np.minimum(1, k / fade_in)
    if fade_out:
        played = played * np.minimum(1, (len(played) - k) / fade_out)
    wanted = np.zeros(total)
    wanted[delay : delay + len(played)] = played
    found = set_audio(whole, other, gain_db=gain_db, **arguments).audio
    assert found.info == AudioInfo(rate, 1, total, "mono")
    low = data.draw(st.integers(0, total))
    high = data.draw(st.integers(low, total))
    assert np.allclose(found.read(low, high)[:, 0], wanted[low:high], rtol=1e-6, atol=1e-12)
