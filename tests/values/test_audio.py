"""Sound that is cut, joined and reversed equals the same done to an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.values import Audio, AudioInfo

Sound = tuple[Audio, np.ndarray]
RATE = 1000


def array(samples: int, channels: int = 2, first: int = 1) -> np.ndarray:
    """Samples that are all different, and none of them silence."""
    return np.arange(first, first + samples * channels, dtype=np.float32).reshape(samples, channels)


def padded(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Rows `start` to `stop`, zero where there are none."""
    out = np.zeros((stop - start, samples.shape[1]), np.float32)
    low, high = max(start, 0), min(stop, len(samples))
    if low < high:
        out[low - start : high - start] = samples[low:high]
    return out


class Tape:
    """A source of sound that counts how often it was opened and closed."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples
        self.opened = self.closed = 0
        self.asked: list[tuple[int, int]] = []
        info = AudioInfo(RATE, samples.shape[1], len(samples), "stereo")
        self.audio = Audio.from_source(info, self.open)

    def open(self) -> Tape:
        self.opened += 1
        return self

    def read(self, start: int, stop: int) -> np.ndarray:
        self.asked.append((start, stop))
        return self.samples[start:stop]

    def close(self) -> None:
        self.closed += 1


@st.composite
def cut(draw: st.DrawFn, sounds: st.SearchStrategy[Sound]) -> Sound:
    audio, samples = draw(sounds)
    start = draw(st.integers(-6, len(samples) + 6))
    stop = start + draw(st.integers(0, len(samples) + 12))
    return audio.slice(start, stop), padded(samples, start, stop)


@st.composite
def joined(draw: st.DrawFn, sounds: st.SearchStrategy[Sound]) -> Sound:
    parts = draw(st.lists(sounds, min_size=1, max_size=3))
    return Audio.joined([audio for audio, _ in parts]), np.concatenate([samples for _, samples in parts])


def turned(sounds: st.SearchStrategy[Sound]) -> st.SearchStrategy[Sound]:
    return sounds.map(lambda sound: (sound[0].reversed(), sound[1][::-1]))


def recorded(samples: int, first: int) -> Sound:
    made = array(samples, first=first)
    return Audio.from_array(made, RATE), made


SILENT = AudioInfo(RATE, 2, 0, "stereo")
BASE = st.one_of(
    st.builds(recorded, st.integers(0, 9), st.integers(1, 1000)),
    st.integers(0, 5).map(lambda n: (Audio.silence(SILENT, n), np.zeros((n, 2), np.float32))),
)
SOUNDS = st.recursive(BASE, lambda inner: st.one_of(cut(inner), joined(inner), turned(inner)), max_leaves=12)


@given(SOUNDS, st.data())
def test_any_cutting_joining_and_reversing_equals_the_same_of_arrays(sound: Sound, data: st.DataObject) -> None:
    audio, wanted = sound
    assert audio.info == AudioInfo(RATE, 2, len(wanted), "stereo")
    assert sum(piece.stop - piece.start for piece in audio.pieces) == len(wanted), "what follows is not moved"
    assert np.array_equal(audio.read(), wanted)
    start = data.draw(st.integers(0, len(wanted)))
    stop = data.draw(st.integers(start, len(wanted)))
    assert np.array_equal(audio.read(start, stop), wanted[start:stop])


def test_past_either_end_is_silence() -> None:
    samples = array(4)
    audio = Audio.from_array(samples, RATE)
    assert np.array_equal(audio.slice(-2, 6).read(), padded(samples, -2, 6))
    assert not audio.slice(-9, -4).read().any()
    assert not audio.slice(7, 10).read().any()
    assert audio.slice(7, 10).info.samples == 3


def test_a_cut_of_a_reversed_sound_reads_only_what_it_plays() -> None:
    tape = Tape(array(100))
    audio = tape.audio.reversed().slice(10, 15)
    assert np.array_equal(audio.read(), tape.samples[::-1][10:15])
    assert tape.asked == [(85, 90)]


def test_cutting_and_joining_keeps_a_flat_list() -> None:
    audio = Audio.from_array(array(50), RATE)
    for _ in range(200):
        audio = Audio.joined([audio.slice(0, 25), audio.slice(25, 50)]).reversed().slice(0, 50)
    assert len(audio.pieces) <= 50
    assert np.array_equal(audio.read(), array(50))


def test_a_cursor_opens_each_source_once_and_closes_it() -> None:
    one, other = Tape(array(10)), Tape(array(10, first=500))
    audio = Audio.joined([one.audio, other.audio, one.audio.reversed()])
    assert (one.opened, other.opened) == (0, 0), "making it opens nothing"
    reader = audio.open()
    blocks = [reader.read(at, at + 3) for at in range(0, 30, 3)]
    assert np.array_equal(np.concatenate(blocks), audio.read())
    reader.close()
    assert (one.opened, other.opened) == (2, 2), "once by the cursor, once by the straight read"
    assert (one.closed, other.closed) == (2, 2)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 11), (5, 4)])
def test_a_range_that_is_not_inside_is_an_index_error(start: int, stop: int) -> None:
    with pytest.raises(IndexError, match="of a sound of 10"):
        Audio.from_array(array(10), RATE).read(start, stop)


@pytest.mark.parametrize("other", [(44100, "stereo"), (RATE, "2.1")])
def test_sounds_of_another_kind_are_not_joined(other: tuple[int, str]) -> None:
    with pytest.raises(ValueError, match="convert them first"):
        Audio.joined([Audio.from_array(array(4), RATE), Audio.from_array(array(4), *other)])


@pytest.mark.parametrize(
    ("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "5.1"), (8, "7.1"), (3, "3 channels")]
)
def test_a_layout_follows_from_the_number_of_channels(channels: int, layout: str) -> None:
    audio = Audio.from_array(array(4, channels), RATE)
    assert (audio.info.layout, audio.info.channels) == (layout, channels)
    assert repr(audio) == f"Audio(1000 Hz, {layout}, 0.004 s)"


@pytest.mark.parametrize("kind", [np.float64, np.int16])
def test_samples_come_as_float32(kind: Any) -> None:
    samples = Audio.from_array(array(4).astype(kind), RATE).read()
    assert samples.dtype == np.float32
    assert np.array_equal(samples, array(4))
