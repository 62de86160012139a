"""trim and reverse: the right frames, and the sound in step with them to the sample."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE
from tests.nodes.conftest import Call
from tests.nodes.material import SAMPLES, film, padded, picture, pixels, samples, sound
from vidflow.api import Image, NodeError, Video

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)]
trim, reverse = CORE["trim"].function, CORE["reverse"].function


@pytest.mark.parametrize("rate", RATES)
def test_trim_keeps_what_plays_between_two_times(call: Call, rate: Fraction) -> None:
    whole = film(100, rate=rate)
    cut = call("trim", video=whole, start=0.5, end=1.25)
    first, last = round(rate / 2), round(rate * 5 / 4)
    assert cut.info == replace(whole.info, frames=last - first, audio=cut.audio.info)
    assert (pixels(cut) == pixels(whole)[first:last]).all()
    low, high = round(first / rate * SAMPLES), round(last / rate * SAMPLES)
    assert np.array_equal(samples(cut), samples(whole)[low:high])


def test_trim_counts_frames_where_it_is_told_to(call: Call) -> None:
    whole = film(10)
    assert (pixels(call("trim", video=whole, start=3, end=4, unit="frames")) == pixels(whole)[3:4]).all()
    assert (pixels(call("trim", video=whole, start=3, unit="frames")) == pixels(whole)[3:]).all()
    assert (pixels(call("trim", video=whole, end=3, unit="frames")) == pixels(whole)[:3]).all()


def test_trim_past_the_end_goes_up_to_the_end(call: Call) -> None:
    whole = film(10)
    cut = call("trim", video=whole, start=0.2, end=1000)
    assert (pixels(cut) == pixels(whole)[5:]).all()
    assert np.array_equal(samples(cut), samples(whole)[5 * SAMPLES // 25 :])


def test_trim_at_its_defaults_changes_nothing(call: Call) -> None:
    whole = film(10, audio=sound(100))
    same = call("trim", video=whole)
    assert same.info == whole.info
    assert (pixels(same) == pixels(whole)).all()
    assert np.array_equal(samples(same), samples(whole))


def test_trim_of_a_silent_video_is_silent(call: Call) -> None:
    assert call("trim", video=film(10, silent=True), end=0.2).audio is None


def test_trim_keeps_a_sound_that_ends_early_in_step(call: Call) -> None:
    whole = film(50, audio=sound(SAMPLES))
    late = call("trim", video=whole, start=0.8, end=1.6)
    assert np.array_equal(samples(late), padded(samples(whole), round(0.8 * SAMPLES), round(1.6 * SAMPLES)))
    assert not samples(late)[round(0.2 * SAMPLES) :].any()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"start": 5},
            "nothing is left: start is 5 seconds and end is empty, but the video has 10 frames (0.400 seconds)",
        ),
        (
            {"start": 3, "end": 3, "unit": "frames"},
            "nothing is left: start is 3 frames and end is 3, but the video has 10 frames (0.400 seconds)",
        ),
        (
            {"start": 0.1, "end": 0.11},
            "nothing is left: start is 0.1 seconds and end is 0.11, but the video has 10 frames",
        ),
    ],
)
def test_trim_says_where_nothing_is_left(call: Call, inputs: dict[str, float], said: str) -> None:
    with pytest.raises(NodeError) as caught:
        call("trim", video=film(10), **inputs)
    assert str(caught.value).startswith(said)


@given(
    st.sampled_from(RATES),
    st.integers(1, 60),
    st.floats(0, 3),
    st.floats(0, 3),
    st.sampled_from([SAMPLES, 44100, 8000]),
)
def test_a_trimmed_sound_is_in_step_at_any_time(
    rate: Fraction, frames: int, start: float, end: float, hertz: int
) -> None:
    """Frame `first` of the whole and its sound begin together, to the nearest sample."""
    first, last = round(Fraction(start) * rate), min(frames, round(Fraction(end) * rate))
    # Sample n is n + 1, so that a sample says where it comes from.
    length = round(frames / rate * hertz)
    whole = film(frames, 2, 2, rate, audio=sound(length, hertz, 1))
    if first >= last:
        with pytest.raises(NodeError, match="nothing is left"):
            trim(whole, start=start, end=end)
        return
    cut = trim(whole, start=start, end=end)
    assert cut.info.frames == last - first
    assert cut.audio.info.samples == round(last / rate * hertz) - round(first / rate * hertz)
    places = samples(cut)[:, 0] * 2**23 - 1
    assert places[0] == round(first / rate * hertz)
    assert (np.diff(places) == 1).all()


def test_reverse_plays_picture_and_sound_backwards(call: Call) -> None:
    whole = film(10)
    back = call("reverse", video=whole)
    assert back.info == whole.info
    assert (pixels(back) == pixels(whole)[::-1]).all()
    assert np.array_equal(samples(back), samples(whole)[::-1])


@pytest.mark.parametrize("rate", RATES)
def test_reverse_twice_is_the_video_itself(call: Call, rate: Fraction) -> None:
    whole = film(31, rate=rate)
    again = call("reverse", video=call("reverse", video=whole))
    assert (pixels(again) == pixels(whole)).all()
    assert np.array_equal(samples(again), samples(whole))


@pytest.mark.parametrize("length", [100, SAMPLES])
def test_reverse_keeps_a_sound_of_another_length_in_step(call: Call, length: int) -> None:
    whole = film(10, audio=sound(length))
    back = call("reverse", video=whole)
    assert np.array_equal(samples(back), padded(samples(whole), 0, round(0.4 * SAMPLES))[::-1])


def test_reverse_of_a_silent_video_is_silent(call: Call) -> None:
    assert call("reverse", video=film(3, silent=True)).audio is None


def test_an_image_has_one_frame_to_trim_and_to_reverse(call: Call) -> None:
    still = picture()
    for type in ("trim", "reverse"):
        assert (pixels(call(type, video=still)) == pixels(still)).all()


def test_the_last_frame_of_a_long_video_is_made_alone() -> None:
    asked: list[int] = []

    def note(frame: np.ndarray) -> np.ndarray:
        asked.append(int(frame[0, 0, 0]))
        return frame

    numbered = np.arange(200, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 3), np.uint8)
    whole = Video.from_array(numbered, 25).map(note)
    assert (trim(reverse(whole), start=100, unit="frames").frame(5) == 94).all()
    assert asked == [94]


def test_the_nodes_give_a_video_and_no_image() -> None:
    assert not isinstance(reverse(picture()), Image)
