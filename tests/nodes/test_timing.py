"""trim, reverse, change_rate, retime, pick_frame: the right frames, and the sound in step with them to the sample."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import SAMPLES, film, padded, picture, pixels, samples, sound, tone
from vidflow.api import Image, NodeError, Video
from vidflow.errors import GraphError

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)]
trim, reverse, change_rate, retime = (CORE[name].function for name in ("trim", "reverse", "change_rate", "retime"))


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
            {"start": 0.11, "end": 0.12},
            "nothing is left: start is 0.11 seconds and end is 0.12, but the video has 10 frames",
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
    first, last = round(Fraction(str(start)) * rate), min(frames, round(Fraction(str(end)) * rate))
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


def test_a_time_is_the_decimal_that_was_typed(call: Call) -> None:
    # 0.58 in binary is a little less, and would round 14.5 frames down where 0.62 rounds 15.5 up.
    whole = film(30)
    assert call("trim", video=whole, start=0.58).info.frames == 30 - round(Fraction("14.5"))
    assert call("trim", video=whole, start=0.7).info.frames == 30 - round(Fraction("17.5"))


@pytest.mark.parametrize(
    ("rate", "text"), [(24, "24"), (Fraction(30000, 1001), "30000/1001"), (Fraction("12.5"), "12.5")]
)
def test_another_rate_keeps_the_duration_and_the_sound(call: Call, rate: Fraction, text: str) -> None:
    whole = film(26)
    changed = call("change_rate", video=whole, rate=text)
    count = ceil(Fraction(26, 25) * rate)
    assert changed.info == replace(whole.info, rate=Fraction(rate), frames=count)
    assert (pixels(changed) == pixels(whole)[[int(k * 25 / rate) for k in range(count)]]).all()
    assert np.array_equal(samples(changed), samples(whole))


def test_the_same_rate_is_the_video_itself(call: Call) -> None:
    whole = film(10, audio=sound(100))
    same = call("change_rate", video=whole, rate="25")
    assert same.info == whole.info
    assert np.array_equal(samples(same), samples(whole))


def test_many_changes_of_rate_do_not_leave_the_sound_behind() -> None:
    """Each makes the picture longer by a part of a frame."""
    whole = film(26)
    for rate in ["24", "25"] * 10:
        whole = change_rate(whole, rate=rate)
    assert whole.info.frames > 26
    assert whole.info.duration - whole.audio.info.duration < 1 / whole.info.rate


def test_an_image_becomes_a_film_of_one_second(call: Call) -> None:
    still = picture()
    shown = call("change_rate", video=still, rate="24")
    assert not isinstance(shown, Image)
    assert shown.info.duration == 1
    assert (pixels(shown) == pixels(still)).all()


def test_what_is_no_rate_is_refused_before_the_run(in_graph: InGraph) -> None:
    with pytest.raises(GraphError, match=r"it\.rate: 'fast' is no frame rate"):
        in_graph("change_rate", video=film(2), rate="fast")


@pytest.mark.parametrize("speed", [0.3, 0.5, 1.1, 2.0, 7.0])
@pytest.mark.parametrize("kept", ["stretch", "pitch", "drop"])
def test_retime_shows_each_frame_at_its_time(call: Call, speed: float, kept: str) -> None:
    whole = film(25)
    fast = call("retime", video=whole, speed=speed, sound=kept)
    exact = Fraction(str(speed))
    count = ceil(25 / exact)
    assert (fast.info.rate, fast.info.frames) == (25, count)
    assert (pixels(fast) == pixels(whole)[[int(k * exact) for k in range(count)]]).all()
    if kept == "drop":
        assert fast.audio is None
    else:
        assert fast.audio.info == replace(whole.audio.info, samples=round(SAMPLES / exact))


def test_half_and_double_the_speed_are_inverse() -> None:
    whole = film(20)
    again = retime(retime(whole, speed=0.5), speed=2.0)
    assert (pixels(again) == pixels(whole)).all()
    assert again.audio.info == whole.audio.info


def test_retime_at_its_defaults_changes_nothing(call: Call) -> None:
    whole = film(10, audio=sound(100))
    same = call("retime", video=whole)
    assert (pixels(same) == pixels(whole)).all()
    assert np.array_equal(samples(same), samples(whole))
    assert call("retime", video=whole, sound="drop").audio is None


def pitch(heard: np.ndarray, rate: int = SAMPLES) -> float:
    """The strongest frequency of the first channel."""
    middle = heard[len(heard) // 10 : -len(heard) // 10, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 16 * len(middle)))
    return float(spectrum.argmax() * rate / (16 * len(middle)))


@pytest.mark.parametrize(("speed", "kept", "hertz"), [(2.0, "pitch", 880), (0.5, "pitch", 220), (1.37, "pitch", 602.8)])
def test_the_pitch_rises_as_on_a_tape(call: Call, speed: float, kept: str, hertz: float) -> None:
    whole = film(50, audio=tone(2 * SAMPLES))
    heard = samples(call("retime", video=whole, speed=speed, sound=kept))
    assert pitch(heard) == pytest.approx(hertz, abs=1)
    assert np.abs(heard[1000:-1000, 0]).max() == pytest.approx(0.5, abs=0.005)


def test_the_pitch_stays_where_the_sound_is_stretched(call: Call) -> None:
    for speed in (0.5, 2.0):
        heard = samples(call("retime", video=film(50, audio=tone(2 * SAMPLES)), speed=speed))
        assert pitch(heard) == pytest.approx(440, abs=1)


def test_a_sound_at_another_speed_is_that_of_the_picture_alone(call: Call) -> None:
    """A sound that goes on after the picture, or ends before it, must not end far from it in slow motion."""
    for length in (SAMPLES // 2, 2 * SAMPLES):
        slow = call("retime", video=film(25, audio=tone(length)), speed=0.1)
        assert slow.audio.info.duration == slow.info.duration == 10


@pytest.mark.parametrize("index", [0, 3, 9, -1, -10])
def test_pick_frame_gives_an_image(call: Call, index: int) -> None:
    whole = film(10)
    still = call("pick_frame", video=whole, index=index)
    assert isinstance(still, Image)
    assert (still.info.frames, still.info.rate, still.audio) == (1, 1, None)
    assert (still.numpy() == pixels(whole)[index]).all()


@pytest.mark.parametrize("index", [10, -11])
def test_pick_frame_says_which_frames_there_are(call: Call, index: int) -> None:
    said = f"there is no frame {index}: the video has 10 frames; choose 0 to 9, or count from the end with -1 to -10."
    with pytest.raises(NodeError) as caught:
        call("pick_frame", video=film(10), index=index)
    assert str(caught.value) == said


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
