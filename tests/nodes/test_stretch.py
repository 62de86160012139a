"""Stretched sound: a tone keeps its pitch and its level, an onset its instant, and any range is the same samples."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodes.bench import CORE
from tests.nodes.material import SAMPLES
from vidflow.api import Audio, AudioInfo

# The pack's modules have no name of their own in tests; the node is their way in.
stretched = import_module(f"{CORE['retime'].function.__module__.rpartition('.')[0]}.stretch").stretched
SPEEDS = [Fraction(speed) for speed in ("0.5", "0.97", "1.25", "2", "4")]


def sine(hertz: float, seconds: float = 4) -> Audio:
    """A tone in two channels, the second half as loud and the other way round."""
    wave = 0.5 * np.sin(np.arange(round(seconds * SAMPLES)) * (2 * np.pi * hertz / SAMPLES))
    return Audio.from_array(np.stack([wave, -wave / 2], axis=1).astype(np.float32), SAMPLES)


@pytest.mark.parametrize(
    ("hertz", "speed", "seconds", "off"),
    [
        *[(hertz, speed, 4, 0.6) for hertz in (60, 440, 1234.5) for speed in SPEEDS],
        # Three blocks and more: their seams cannot be heard, and nothing adds up along them.
        *[(hertz, speed, 20, 0.3) for hertz in (217, 440, 1234.5, 3777.7) for speed in (Fraction("1.1"), Fraction(2))],
    ],
)
def test_a_tone_keeps_its_pitch_and_its_level(hertz: float, speed: Fraction, seconds: float, off: float) -> None:
    heard = stretched(sine(hertz, seconds), speed).read()[2000:-2000, 0].astype(np.float64)
    power = np.square(np.abs(np.fft.rfft(heard * np.blackman(len(heard)), 8 * len(heard))))
    scale = SAMPLES / (8 * len(heard))
    assert power.argmax() * scale == pytest.approx(hertz, abs=off)
    near = np.abs(np.arange(len(power)) * scale - hertz) < 20
    assert power[~near].sum() < 10**-2.6 * power[near].sum()
    # Whole periods, so that the level of a window does not depend on its phase.
    window = round(round(hertz / 60) / hertz * SAMPLES)
    levels = np.square(heard[: len(heard) // window * window]).reshape(-1, window).mean(axis=1)
    assert np.sqrt(levels * 2) == pytest.approx(np.full(len(levels), 0.5), rel=0.04)


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_channels_stay_in_phase(speed: Fraction) -> None:
    heard = stretched(sine(333.3, 3), speed).read()
    assert np.allclose(heard[:, 0], -2 * heard[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("speed", "bed"),
    [
        *[("0.2", "noise"), ("0.5", "silence"), ("0.5", "tone"), ("0.97", "tone"), ("1.01", "noise")],
        *[("1.25", "silence"), ("2", "noise"), ("2", "tone"), ("4", "silence"), ("7", "tone")],
    ],
)
def test_a_click_keeps_its_instant_and_is_heard_once(speed: str, bed: str) -> None:
    chance = np.random.default_rng(5)
    wave = {
        "silence": np.zeros(10 * SAMPLES),
        "noise": 1e-3 * chance.standard_normal(10 * SAMPLES),
        "tone": sine(440, 10).read()[:, 0] / 10,
    }[bed]
    # One in each second, one right at the start, and one where a block ends.
    clicks = sorted({300, 8 * SAMPLES, *(second * SAMPLES + int(chance.integers(0, 20000)) for second in range(1, 10))})
    shape = 0.9 * np.exp(-np.arange(48) / 10) * np.cos(np.arange(48) * 1.5)
    for click in clicks:
        wave[click : click + 48] += shape
    heard = stretched(Audio.from_array(wave[:, None].astype(np.float32), SAMPLES), Fraction(speed)).read()[:, 0]
    jumps = np.abs(np.diff(heard, prepend=0))
    apart = np.diff(clicks).min()
    for click in clicks:
        wanted, reach = round(click / Fraction(speed)), min(2400, int(apart / float(speed) / 2))
        around = jumps[max(0, wanted - reach) : wanted + reach]
        found = int(around.argmax()) + max(0, wanted - reach)
        assert abs(found - wanted) <= SAMPLES // 1000
        assert around.max() > 0.85
    assert np.count_nonzero(np.diff(np.flatnonzero(jumps > 0.2)) > 480) == len(clicks) - 1


@given(
    st.integers(0, 40000),
    st.fractions(Fraction(1, 100), 100, max_denominator=100),
    st.integers(0, 2**32),
    st.sampled_from([8000, 48000]),
)
@settings(max_examples=40)
def test_any_sound_at_any_speed_has_its_length(samples: int, speed: Fraction, seed: int, rate: int) -> None:
    samples = min(samples, int(100000 * speed))
    chance = np.random.default_rng(seed)
    wave = chance.standard_normal((samples, 1)) * (chance.random((samples, 1)) < 0.001)
    sound = stretched(Audio.from_array(wave.astype(np.float32), rate), speed)
    assert sound.info.samples == round(samples / speed)
    heard = sound.read()
    assert len(heard) == sound.info.samples
    assert np.abs(heard).max(initial=0) <= np.abs(wave).max(initial=0) * 1.0001


@pytest.mark.parametrize("speed", [Fraction("0.37"), Fraction(1), Fraction("1.9")])
def test_any_range_in_any_order_is_the_same_samples(speed: Fraction) -> None:
    chance = np.random.default_rng(3)
    steps = np.cumsum(chance.standard_normal((30 * SAMPLES, 1)), axis=0)
    wave = (np.sin(steps / 30) * np.abs(np.sin(np.arange(30 * SAMPLES) / 9000))[:, None]).astype(np.float32)
    sound = stretched(Audio.from_array(wave, SAMPLES), speed)
    whole = sound.read()
    reader = sound.open()
    for _ in range(12):
        start = int(chance.integers(0, len(whole)))
        stop = min(len(whole), start + int(chance.integers(1, 30000)))
        assert np.array_equal(reader.read(start, stop), whole[start:stop])
    reader.close()
    if speed == 1:
        assert np.abs(whole - wave).max() < 1e-6


def test_hours_are_not_read_for_their_end() -> None:
    read: list[tuple[int, int]] = []

    class Silence:
        def read(self, start: int, stop: int) -> np.ndarray:
            read.append((start, stop))
            return np.zeros((stop - start, 1), np.float32)

        def close(self) -> None:
            pass

    hours = Audio.from_source(AudioInfo(SAMPLES, 1, 7200 * SAMPLES, "mono"), Silence)
    slow = stretched(hours, Fraction(1, 2))
    slow.read(slow.info.samples - 1000, slow.info.samples)
    assert sum(stop - start for start, stop in read) < 30 * SAMPLES
    assert max(stop - start for start, stop in read) < 10 * SAMPLES
