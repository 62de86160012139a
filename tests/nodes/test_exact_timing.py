"""Time is exact: counts are what arithmetic says, and a flash and its click stay together whatever is done to them.

A marker is a flash of two output frames around a click. Where frames are only moved (trim, reverse, concat) it stays
where it is, to the sample. Where the grid of frames changes (change_rate, retime, a clip of another rate),
frame k shows what is on screen at k / rate: the mean of those instants is within half an output frame of the click.
Played backwards, a frame shows the instant that it ends with. A second change of the grid samples the first, which may
be late by one of its frames; sound is never sampled twice that way, so it does not run away.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here
from tests.nodes.material import SAMPLES, info, write_wave
from vidflow.api import Audio, AudioInfo, Frames, Video, media

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)]
NAMES = {rate: str(rate) for rate in RATES}
SPEEDS = [0.25, 0.5, 0.8, 1.1, 1.25, 2.0, 3.0]
TRANSITIONS = ["cut", "crossfade", "fade", "wipe"]
trim, reverse, change_rate, retime = (CORE[name].function for name in ("trim", "reverse", "change_rate", "retime"))


def concat(videos: list[Video], **settings: Any) -> Video:
    """The node, whose notes nobody reads."""
    return CORE["concat"].function(videos, run=Here(Path()), **settings)


# Films without pixels


class Made:
    """A source that makes what is asked for from where it lies."""

    def __init__(self, make: Callable[[np.ndarray], np.ndarray], wrap: Callable[[Any], Any]) -> None:
        self.make, self.wrap = make, wrap

    def read(self, start: int, stop: int) -> Any:
        return self.wrap(self.make(np.arange(start, stop)))

    def close(self) -> None:
        pass


def pictures(rate: Fraction, frames: int, make: Callable[[np.ndarray], np.ndarray]) -> Video:
    """A film of single pixels: those of frame k are `make(k)`, `[n, 3]`."""
    return Video.from_source(
        info(1, 1, rate, frames), lambda: Made(make, lambda made: Frames(made.astype(np.uint8)[:, None, None]))
    )


def sounds(samples: int, make: Callable[[np.ndarray], np.ndarray]) -> Audio:
    """A sound: sample n is `make(n)`, `[n, channels]`."""
    channels = make(np.arange(1)).shape[1]
    about = AudioInfo(SAMPLES, channels, samples, {1: "mono", 2: "stereo"}[channels])
    return Audio.from_source(about, lambda: Made(make, lambda made: made.astype(np.float32)))


def numbered(rate: Fraction, frames: int) -> Video:
    """A film whose frames and samples each say where they lie."""
    picture = pictures(rate, frames, lambda k: np.stack([k >> 16, k >> 8 & 255, k & 255], axis=1))
    sound = sounds(round(frames / rate * SAMPLES), lambda n: np.stack([n >> 14, n & 16383], axis=1) / 2**15)
    return picture.with_audio(sound)


def frame_at(film: Video, k: int) -> int:
    """The number of frame k."""
    high, middle, low = (int(part) for part in film.frame(k)[0, 0])
    return high << 16 | middle << 8 | low


def sample_at(film: Video, n: int) -> int:
    """The number of sample n."""
    assert film.audio is not None
    high, low = (int(part) for part in np.rint(film.audio.read(n, n + 1)[0] * 2**15))
    return high << 14 | low


# Counts


Step = Callable[[Video], Video]
cuts = st.tuples(st.integers(0, 20), st.integers(1, 60), st.booleans())
rates = st.sampled_from(RATES)
steps = st.one_of(
    rates.map(lambda rate: ("change_rate", rate)),
    st.tuples(st.just("retime"), st.sampled_from(SPEEDS), st.sampled_from(["pitch", "stretch"])),
    cuts.map(lambda cut: ("trim", *cut)),
    st.just(("reverse",)),
    st.tuples(
        st.just("concat"),
        rates,
        st.integers(1, 40),
        st.sampled_from(TRANSITIONS),
        st.sampled_from([0.0, 0.1, 0.5, 3.0]),
        st.booleans(),
    ),
)


def taken(film: Video, step: tuple[Any, ...]) -> tuple[Video, int]:
    """The film after a step, and how many frames arithmetic says it has."""
    count, rate = film.info.frames, film.info.rate
    match step:
        case ("change_rate", new):
            return change_rate(film, rate=NAMES[new]), ceil(count / rate * new)
        case ("retime", speed, sound):
            return retime(film, speed=speed, sound=sound), ceil(count / Fraction(str(speed)))
        case ("trim", first, length, _) if first < count:
            cut = trim(film, start=first, end=first + length, unit="frames")
            return cut, min(count, first + length) - first
        case ("concat", new, length, kind, seconds, before):
            other = numbered(new, length)
            clips = [other, film] if before else [film, other]
            target = clips[0].info.rate
            both = [ceil(clip.info.duration * target) for clip in clips]
            overlap = 0 if kind == "cut" else min(round(Fraction(str(seconds)) * target), *both)
            return concat(clips, transition=[kind], transition_seconds=[seconds]), sum(both) - overlap
        case ("reverse",):
            return reverse(film), count
        case _:
            return film, count


@given(rates, st.integers(1, 200), st.lists(steps, max_size=8))
def test_counts_are_what_arithmetic_says_and_picture_and_sound_end_together(
    rate: Fraction, frames: int, chain: list[tuple[Any, ...]]
) -> None:
    film = numbered(rate, frames)
    for step in chain:
        film, count = taken(film, step)
        assert film.info.frames == count
        assert film.info.duration == count / film.info.rate
        assert film.audio is not None
        apart = abs(film.audio.info.duration - film.info.duration)
        assert apart < 1 / film.info.rate + Fraction(1, SAMPLES)


@given(rates, st.integers(1, 60), st.sampled_from(RATES))
def test_a_frame_shows_what_is_on_screen_at_its_time(rate: Fraction, frames: int, new: Fraction) -> None:
    film = numbered(rate, frames)
    changed = change_rate(film, rate=NAMES[new])
    shown = [frame_at(changed, k) for k in range(changed.info.frames)]
    assert shown == [min(int(k / new * rate), frames - 1) for k in range(changed.info.frames)]
    assert shown[-1] == frames - 1 or new < rate


@given(rates, st.integers(1, 60), st.sampled_from([*SPEEDS, 1.0, 0.01, 7.77]))
def test_a_retimed_frame_shows_what_is_on_screen_at_its_time(rate: Fraction, frames: int, speed: float) -> None:
    fast = retime(numbered(rate, frames), speed=speed)
    some = range(0, fast.info.frames, max(1, fast.info.frames // 50))
    exact = Fraction(str(speed))
    assert [frame_at(fast, k) for k in some] == [min(int(k * exact), frames - 1) for k in some]


# Two hours


@pytest.mark.parametrize("rate", RATES)
def test_two_hours_drift_by_nothing(rate: Fraction) -> None:
    """Through trim, concat and reverse, every frame stays with its sample, however late it comes."""
    hours = numbered(rate, int(7200 * rate))
    film = trim(hours, start=0.1)
    film = concat([film, trim(hours, end=1.7)], transition=["crossfade"], transition_seconds=[0.5])
    film = reverse(reverse(film))
    first = round(Fraction(1, 10) * rate)
    for k in (0, 1, 1000, film.info.frames // 2, int(7190 * rate)):
        assert frame_at(film, k) == k + first
        here = round(k / rate * SAMPLES)
        assert abs(sample_at(film, here) - (k + first) / rate * SAMPLES) <= 2
    back = reverse(film)
    for k in (int(10 * rate), int(7000 * rate)):
        shown = frame_at(back, k)
        here = round((k + 1) / rate * SAMPLES)
        assert abs(sample_at(back, here) - shown / rate * SAMPLES) <= 3


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("new", RATES)
def test_two_hours_at_another_rate_drift_by_nothing(rate: Fraction, new: Fraction) -> None:
    film = change_rate(numbered(rate, int(7200 * rate)), rate=NAMES[new])
    for k in (0, 12345, film.info.frames - 2):
        assert 0 <= k / new - frame_at(film, k) / rate < 1 / rate
        assert sample_at(film, round(k / new * SAMPLES)) == round(k / new * SAMPLES)


@pytest.mark.parametrize("speed", [0.5, 1.1, 2.0])
@pytest.mark.parametrize("sound", ["pitch", "stretch"])
def test_two_hours_at_another_speed_drift_by_nothing(speed: float, sound: str) -> None:
    rate, exact = Fraction(24000, 1001), Fraction(str(speed))
    clicks = [1000 * SAMPLES, 7190 * SAMPLES + 12345]
    total = int(7200 * rate)
    film = numbered(rate, total).with_audio(
        sounds(round(total / rate * SAMPLES), lambda n: np.isin(n, clicks)[:, None])
    )
    fast = retime(film, speed=speed, sound=sound)
    assert fast.info.frames == ceil(total / exact)
    for click in clicks:
        wanted = round(click / exact)
        heard = np.abs(fast.audio.read(wanted - 4800, wanted + 4800))[:, 0]
        assert abs(int(heard.argmax()) - 4800) <= 1
        k = ceil(Fraction(wanted, SAMPLES) * rate)
        assert abs(frame_at(fast, k) / rate - Fraction(click, SAMPLES)) <= exact / rate + 1 / rate


# Markers


@dataclass(frozen=True)
class Marker:
    """A film with one flash, and a click in its middle."""

    film: Video
    first: int
    length: int


def marked(rate: Fraction, place: Fraction, flash: Fraction, seconds: int = 6) -> Marker:
    """A film of `seconds` with a flash of at least `flash` seconds from about `place` on."""
    length, first = max(1, ceil(flash * rate)), round(place * rate)
    click = round((first + Fraction(length, 2)) / rate * SAMPLES)
    frames = ceil(seconds * rate)
    picture = pictures(rate, frames, lambda k: (((k >= first) & (k < first + length)) * 255)[:, None].repeat(3, 1))
    sound = sounds(round(frames / rate * SAMPLES), lambda n: (n == click)[:, None])
    return Marker(picture.with_audio(sound), first, length)


def dark(rate: Fraction, frames: int) -> Video:
    """A film without a marker, silent but with a sound."""
    return pictures(rate, frames, lambda k: np.zeros((len(k), 3))).with_audio(
        sounds(round(frames / rate * SAMPLES), lambda n: np.zeros((len(n), 1)))
    )


def flash_and_click(film: Video, *, backwards: bool = False) -> tuple[Fraction, Fraction]:
    """When the flash is shown (the mean of the instants that its frames show) and the click is heard."""
    bright = [k for k, frame in enumerate(one for frames in film.read() for one in frames) if frame.max() > 127]
    assert bright, "there is no flash"
    assert bright[-1] - bright[0] == len(bright) - 1, "there are several flashes"
    assert film.audio is not None
    click = int(np.abs(film.audio.read()).max(axis=1).argmax())
    shown = Fraction(sum(bright), len(bright)) + (1 if backwards else 0)
    return shown / film.info.rate, Fraction(click, SAMPLES)


def apart(film: Video, *, backwards: bool = False) -> Fraction:
    """Seconds between the flash and its click, beyond half a frame."""
    flash, click = flash_and_click(film, backwards=backwards)
    return abs(flash - click) - 1 / film.info.rate / 2


MILLISECOND = Fraction(1, 1000)
places = st.fractions(2, 4, max_denominator=1000)
moves = st.lists(
    st.one_of(
        st.fractions(0, 1, max_denominator=100).map(lambda seconds: ("trim", float(seconds))),
        st.just(("reverse", 0.0)),
        st.tuples(st.sampled_from(TRANSITIONS), st.sampled_from([0.1, 0.4])),
    ),
    max_size=4,
)


def moved(film: Video, chain: list[tuple[str, float]]) -> tuple[Video, bool]:
    """The film after steps that only move frames, and whether it now plays backwards. A second on either side of the
    marker is left alone."""
    backwards, spare = False, 1.0
    for name, amount in chain:
        length = float(film.info.duration)
        match name:
            case "trim" if amount < spare:
                film, spare = trim(film, start=amount / 2, end=length - amount / 2), spare - amount
            case "reverse":
                film, backwards = reverse(film), not backwards
            case "crossfade" | "fade" | "wipe" | "cut" if amount < spare:
                others = dark(film.info.rate, 20), dark(film.info.rate, 15)
                clips = [others[0], film, others[1]]
                film = concat(clips, transition=[name], transition_seconds=[amount])
                spare -= amount
            case _:
                pass
    return film, backwards


@given(rates, places, moves)
@settings(max_examples=60)
def test_a_marker_stays_together_where_frames_are_moved(
    rate: Fraction, place: Fraction, chain: list[tuple[str, float]]
) -> None:
    film, _ = moved(marked(rate, place, 2 / rate).film, chain)
    flash, click = flash_and_click(film)
    # The middle of what is shown, for frames last: nothing is rounded but the click's sample.
    assert abs(flash + 1 / rate / 2 - click) <= Fraction(len(chain) + 2, SAMPLES)


@given(rates, places, rates, moves, moves)
@settings(max_examples=60)
def test_a_marker_stays_together_at_another_rate(
    rate: Fraction, place: Fraction, new: Fraction, before: list[tuple[str, float]], after: list[tuple[str, float]]
) -> None:
    film, _ = moved(marked(rate, place, 2 / new).film, before)
    film, backwards = moved(change_rate(film, rate=NAMES[new]), after)
    assert apart(film, backwards=backwards) <= MILLISECOND


@given(rates, places, st.sampled_from(SPEEDS), st.sampled_from(["pitch", "stretch"]), moves, moves)
@settings(max_examples=40)
def test_a_marker_stays_together_at_another_speed(
    rate: Fraction,
    place: Fraction,
    speed: float,
    sound: str,
    before: list[tuple[str, float]],
    after: list[tuple[str, float]],
) -> None:
    film, _ = moved(marked(rate, place, 2 / rate * Fraction(str(speed))).film, before)
    film, backwards = moved(retime(film, speed=speed, sound=sound), after)
    assert apart(film, backwards=backwards) <= MILLISECOND


@given(rates, rates, places, st.sampled_from(TRANSITIONS), st.sampled_from([0.1, 0.5, 1.0]))
@settings(max_examples=40)
def test_a_marker_stays_together_in_a_clip_that_is_brought_to_another_rate(
    rate: Fraction, new: Fraction, place: Fraction, kind: str, seconds: float
) -> None:
    clips = [dark(new, 50), marked(rate, place, 2 / new).film, dark(rate, 60)]
    assert apart(concat(clips, transition=[kind], transition_seconds=[seconds])) <= MILLISECOND


@pytest.mark.parametrize("new", RATES)
def test_a_marker_in_a_file_of_variable_rate_stays_together(tmp_path: Path, new: Fraction) -> None:
    # 30 frames a second, each up to 0.4 of a frame early or late.
    times = [Fraction(round((k + 0.4 * np.sin(k * 1.7)) * 1000 / 30) + 20, 1000) for k in range(120)]
    first, length = 61, 4
    click = (times[first] + times[first + length]) / 2
    heard = np.zeros((4 * SAMPLES, 1), np.int16)
    heard[round(click * SAMPLES)] = 32000
    wave = write_wave(tmp_path / "click.wav", heard)
    path = tmp_path / "variable.mkv"
    frames = np.zeros((120, 16, 16, 3), np.uint8)
    frames[first : first + length] = 255
    command = f"ffmpeg -v error -f rawvideo -pix_fmt rgb24 -s 16x16 -r 30 -i - -i {wave} -c:v ffv1 -c:a copy"
    moment = "settb=1/1000,setpts=round((N+0.4*sin(N*1.7))*1000/30)+20"
    exact = f"-fps_mode passthrough -enc_time_base 1/1000 -vf {moment}"
    subprocess.run([*command.split(), *exact.split(), str(path)], input=frames.tobytes(), check=True)
    film = media.open_video(path)
    assert abs(film.info.rate - 30) < 1
    assert apart(film) <= MILLISECOND
    assert apart(trim(film, start=0.5)) <= MILLISECOND
    assert apart(reverse(film), backwards=True) <= MILLISECOND
    assert apart(concat([film, dark(new, 20)], transition=["wipe"])) <= MILLISECOND
    once_more = 1 / film.info.rate
    assert apart(change_rate(film, rate=NAMES[new])) <= once_more + MILLISECOND
    assert apart(retime(film, speed=0.5)) <= 2 * once_more + MILLISECOND
