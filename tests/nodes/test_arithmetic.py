"""However nodes of time follow each other, frames and samples are as many as arithmetic says."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here
from tests.nodes.material import film, pixels, sound
from vidflow.api import Audio, Video

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)]
HERTZ = [48000, 44100]
trim, reverse, concat, set_audio = (CORE[type].function for type in ("trim", "reverse", "concat", "set_audio"))


@st.composite
def clips(draw: st.DrawFn) -> Video:
    """A clip of any rate and length, with a sound as long as it is, or not quite, or without."""
    frames, rate = draw(st.integers(1, 40)), draw(st.sampled_from(RATES))
    off = draw(st.one_of(st.none(), st.just(0), st.integers(-900, 900)))
    hertz = draw(st.sampled_from(HERTZ))
    audio: Audio | None = None
    if off is not None:
        audio = sound(max(1, round(frames / rate * hertz) + off), hertz, 1)
    return film(frames, 2, 2, rate, seed=draw(st.integers(0, 9)), audio=audio, silent=audio is None)


def expected_samples(video: Video, frames: int) -> int | None:
    """How many samples are as long as so many frames of this video."""
    return video.audio and round(frames / video.info.rate * video.audio.info.rate)


@given(clips(), st.integers(0, 45), st.integers(1, 45))
def test_trim_by_frames(clip: Video, start: int, count: int) -> None:
    first, last = start, min(start + count, clip.info.frames)
    if first >= last:
        return
    cut = trim(clip, start=start, end=start + count, unit="frames")
    assert (pixels(cut) == pixels(clip)[first:last]).all()
    if clip.audio and last - first < clip.info.frames:
        assert cut.audio.info.samples == expected_samples(clip, last) - expected_samples(clip, first)


@given(clips())
def test_reverse(clip: Video) -> None:
    back = reverse(clip)
    assert (pixels(back) == pixels(clip)[::-1]).all()
    assert (back.audio and back.audio.info.samples) == expected_samples(clip, clip.info.frames)


@given(st.lists(clips(), min_size=1, max_size=4))
def test_concat(given_clips: list[Video]) -> None:
    whole = concat(given_clips, run=Here(Path()))
    rate = given_clips[0].info.rate
    counts = [ceil(clip.info.frames / clip.info.rate * rate) for clip in given_clips]
    assert whole.info.rate == rate
    assert whole.info.frames == sum(counts) == len(pixels(whole))
    heard = [clip.audio for clip in given_clips if clip.audio]
    assert (whole.audio is None) is not bool(heard)
    if whole.audio:
        assert whole.audio.info.rate == heard[0].info.rate
        assert whole.audio.info.samples == expected_samples(whole, sum(counts))


@given(clips(), st.lists(st.sampled_from(["trim", "reverse", "twice", "another rate"]), max_size=5), st.data())
def test_any_chain(clip: Video, chain: list[str], data: st.DataObject) -> None:
    """Each node's sound is as long as its picture, to the nearest sample, whatever was done before."""
    frames, rate = clip.info.frames, clip.info.rate
    for step in chain:
        if step == "trim":
            first = data.draw(st.integers(0, frames - 1))
            frames = data.draw(st.integers(1, frames - first))
            clip = trim(clip, start=first, end=first + frames, unit="frames")
        elif step == "reverse":
            clip = reverse(clip)
        elif step == "twice":
            clip, frames = concat([clip, clip], run=Here(Path())), 2 * frames
        else:
            lead = film(1, 2, 2, data.draw(st.sampled_from(RATES)), silent=True)
            clip, frames = concat([lead, clip], run=Here(Path())), 1 + ceil(frames / rate * lead.info.rate)
            rate = lead.info.rate
        assert (clip.info.frames, clip.info.rate) == (frames, rate)
    assert len(pixels(clip)) == frames
    if clip.audio:
        assert len(clip.audio.read()) == clip.audio.info.samples
        if set(chain) - {"trim"}:
            # A cut is as long as the difference of two rounded times: one sample more or less than its own length.
            assert abs(clip.audio.info.samples - expected_samples(clip, frames)) <= 1


@given(clips(), st.integers(1, 3000), st.floats(0, 0.3), st.sampled_from(["video", "shortest", "loop"]))
def test_set_audio(clip: Video, count: int, start: float, length: Any) -> None:
    other = sound(count, 8000, 1)
    delay = round(Fraction(str(start)) * 8000)
    if delay >= round(clip.info.duration * 8000):
        return
    result = set_audio(clip, other, start=start, length=length)
    assert result.audio.info.samples == round(result.info.duration * 8000)
    room = round(clip.info.duration * 8000) - delay
    if length == "shortest" and count < room:
        ends = Fraction(delay + count, 8000) * clip.info.rate
        assert (
            abs(result.info.frames - ends) <= Fraction(1, 2)
            or result.info.frames == int(Fraction(delay, 8000) * clip.info.rate) + 1
        )
    else:
        assert result.info.frames == clip.info.frames
    heard = np.flatnonzero(result.audio.read()[:, 0])
    assert len(heard) == 0 or heard[0] == delay
