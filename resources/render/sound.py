"""The instruments and noises of the clips, made of sines and shaped noise, and the music under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Sound: TypeAlias = NDArray[np.float64]
"""Stereo, `[samples, 2]`, in -1..1; an instrument gives mono, `[samples]`."""


def note(name: str) -> float:
    """The frequency of a note such as `A4` (440 Hz) or `Bb3`, in hertz, in equal temperament."""
    steps = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}[name[0]]
    steps += {"#": 1, "b": -1}.get(name[1], 0) + 12 * (int(name[-1]) - 4)
    return 440 * 2 ** (steps / 12)


def pad(chord: Sequence[str], seconds: float, rate: int, *, attack: float = 1.2, bright: float = 2.2) -> Sound:
    """A soft choir of detuned tones, stereo."""
    t = np.arange(int(seconds * rate)) / rate
    out = np.zeros((t.size, 2))
    for i, name in enumerate(chord):
        for side in (0, 1):
            for j, cents in enumerate((-5, 0, 6)):
                f = note(name) * 2 ** (cents / 1200)
                phase = 2 * np.pi * (f * t + 0.0011 * f * np.sin(2 * np.pi * (0.13 + 0.03 * j) * t + i + 2 * side) / f)
                for h in range(1, 7):
                    out[:, side] += np.sin(h * phase + 1.7 * i + j + 2.4 * side * h) / h**bright
    rise = np.clip(t / attack, 0, 1) * np.clip((seconds - t) / attack, 0, 1)
    return out * np.sin(rise * np.pi / 2)[:, None] ** 2 / (3 * len(chord)) * 0.5


def bell(name: str, rate: int, seconds: float = 4.0) -> Sound:
    """A bell of inharmonic partials (Risset, "Catalogue of computer synthesized sounds", 1969)."""
    t = np.arange(int(seconds * rate)) / rate
    partials = [(0.56, 0.5, 1.0), (0.92, 0.4, 0.9), (1.19, 0.8, 0.65), (1.7, 0.5, 0.55), (2.0, 0.6, 0.33)]
    partials += [(2.74, 0.35, 0.35), (3.0, 0.3, 0.25), (3.76, 0.2, 0.2)]
    f = note(name)
    ring = sum(a * np.sin(2 * np.pi * r * f * t) * np.exp(-t / (d * seconds * 0.33)) for r, a, d in partials)
    return ring * np.clip(t * 600, 0, 1) * np.clip((seconds - t) * 20, 0, 1) * 0.16


def harp(name: str, rate: int, seconds: float = 3.0) -> Sound:
    """A plucked string: the higher a harmonic, the sooner it is gone."""
    t = np.arange(int(seconds * rate)) / rate
    f = note(name)
    string = np.zeros(t.size)
    for h in range(1, int(min(14, rate / 2.2 / f))):
        string += (
            np.sin(2 * np.pi * h * f * t) * np.sin(np.pi * h * 0.23) / h**1.1 * np.exp(-t * (0.9 + 0.42 * h + f / 420))
        )
    return string * np.clip(t * 350, 0, 1) * np.clip((seconds - t) * 20, 0, 1) * 0.34


def hiss(seconds: float, rate: int, seed: int, low: float, high: float, slope: float = 0.5) -> Sound:
    """Noise between `low` and `high` hertz that falls as frequency ** -`slope`, stereo, of deviation 1."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    f = np.fft.rfftfreq(n, 1 / rate)[:, None]
    gain = np.maximum(f, low) ** -slope / np.sqrt(1 + (low / np.maximum(f, 1)) ** 4) / np.sqrt(1 + (f / high) ** 4)
    out = np.fft.irfft(np.fft.rfft(rng.standard_normal((n, 2)), axis=0) * gain, n, axis=0)
    return out / out.std()


def room(sound: Sound, rate: int, seconds: float, amount: float, seed: int = 1) -> Sound:
    """`sound` in a room whose echo takes `seconds` to fall by 60 dB; it keeps its length."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    t = np.arange(n) / rate
    tail = rng.standard_normal((n, 2)) * np.exp(-6.9 * t / seconds)[:, None] * np.clip(t * 80, 0, 1)[:, None]
    size = 1 << (len(sound) + n).bit_length()
    damp = 1 / (1 + np.fft.rfftfreq(size, 1 / rate)[:, None] / 2600)
    wet = np.fft.irfft(np.fft.rfft(sound, size, axis=0) * np.fft.rfft(tail, size, axis=0) * damp, size, axis=0)
    wet = wet[: len(sound)] / np.sqrt((tail**2).sum())
    return sound * (1 - amount * 0.4) + wet * amount * 2.2


def place(out: Sound, mono: Sound, at: float, rate: int, *, level: float = 1.0, pan: float = 0.0) -> None:
    """Add `mono` to `out` at `at` seconds; `pan` is -1 left to 1 right, of equal power."""
    start = int(at * rate)
    stop = min(start + mono.size, len(out))
    turn = (pan + 1) * np.pi / 4
    if start < stop:
        out[start:stop] += mono[: stop - start, None] * (level * np.array([np.cos(turn), np.sin(turn)]) * 1.414)


def finish(sound: Sound, rate: int, peak: float = 0.6, fade: float = 0.35) -> NDArray[np.float32]:
    """The sound brought to `peak`, its ends faded, as float32."""
    t = np.arange(len(sound)) / rate
    ends = np.clip(t / fade, 0, 1) * np.clip((t[-1] - t) / fade, 0, 1)
    shaped = sound * np.sin(ends * np.pi / 2)[:, None] ** 2
    return (shaped * (peak / np.abs(shaped).max())).astype(np.float32)


def shore(seconds: float, rate: int) -> NDArray[np.float32]:
    """Waves that come and draw back, far gulls' peace, and a warm chord."""
    t = np.arange(int(seconds * rate)) / rate
    swell = 0.35 + 0.65 * np.sin(np.pi * ((t / 3.4 + 0.12) % 1)) ** 3
    foam = np.roll(swell, int(0.45 * rate)) ** 2
    out = 0.05 * hiss(seconds, rate, 2, 60, 500, 0.8) * swell[:, None]
    out += 0.022 * hiss(seconds, rate, 3, 900, 5200, 0.3) * foam[:, None]
    out += 0.5 * pad(["D3", "A3", "D4", "F#4", "E4"], seconds, rate)
    for at, name, pan in ((0.5, "A5", -0.4), (1.9, "F#5", 0.3), (3.1, "E5", 0.0)):
        place(out, bell(name, rate), at, rate, level=0.16, pan=pan)
    return finish(room(out, rate, 2.2, 0.35), rate)


def night(seconds: float, rate: int) -> NDArray[np.float32]:
    """A music box and bells over a quiet lake, and crickets."""
    t = np.arange(int(seconds * rate)) / rate
    out = 0.45 * pad(["Bb2", "F3", "D4", "A4", "C5"], seconds, rate)
    tune = ("F5", "D5", "A5", "C6", "Bb5", "F5", "D6", "A5", "F6", "C6")
    for i, name in enumerate(tune):
        place(out, bell(name, rate, 3.0), 0.25 + 0.45 * i, rate, level=0.3, pan=0.5 * np.sin(2.1 * i))
    chirp = np.sin(2 * np.pi * 4300 * t) * np.clip(np.sin(2 * np.pi * 21 * t), 0, 1)
    chirp *= np.clip(np.sin(2 * np.pi * 0.9 * t + 1) * 3 - 1.6, 0, 1)
    place(out, chirp, 0, rate, level=0.012, pan=-0.6)
    out += 0.008 * hiss(seconds, rate, 5, 80, 700, 0.7)
    return finish(room(out, rate, 2.8, 0.5), rate)


def winter(seconds: float, rate: int) -> NDArray[np.float32]:
    """Wind in firs, a harp, and far sleigh bells."""
    t = np.arange(int(seconds * rate)) / rate
    gust = 0.55 + 0.45 * np.sin(2 * np.pi * 0.21 * t + 0.5) * np.sin(2 * np.pi * 0.13 * t + 1)
    out = 0.035 * hiss(seconds, rate, 7, 150, 900, 1.0) * gust[:, None]
    out += 0.4 * pad(["G2", "D3", "B3", "A4"], seconds, rate, attack=1.0)
    for i, name in enumerate(("G4", "D5", "B4", "A5", "G5", "D5", "F#5", "B5")):
        place(out, harp(name, rate), 0.2 + 0.42 * i, rate, level=0.42, pan=0.4 * np.cos(1.7 * i))
    rng = np.random.default_rng(9)
    for at in np.arange(0.3, seconds - 0.3, 0.21):
        jingle = hiss(0.12, rate, int(at * 1000), 5200, 9500, 0)[:, 0]
        jingle *= np.exp(-np.arange(jingle.size) / rate / 0.028)
        place(out, jingle, at + rng.uniform(0, 0.012), rate, level=0.008, pan=0.2)
    return finish(room(out, rate, 2.0, 0.4), rate)


def city(seconds: float, rate: int) -> NDArray[np.float32]:
    """Rain on a street, the hum of signs, and an electric piano in a bar nearby."""
    t = np.arange(int(seconds * rate)) / rate
    out = 0.03 * hiss(seconds, rate, 13, 700, 7000, 0.35) + 0.02 * hiss(seconds, rate, 14, 60, 260, 0.9)
    rng = np.random.default_rng(17)
    for at in np.cumsum(rng.exponential(0.022, int(seconds / 0.022))):
        f = rng.uniform(900, 3400)
        n = np.arange(int(0.05 * rate)) / rate
        drop = np.sin(2 * np.pi * f * n * (1 + 2.2 * n)) * np.exp(-n / rng.uniform(0.004, 0.012))
        place(out, drop, at, rate, level=0.02 * rng.power(0.6), pan=rng.uniform(-1, 1))
    out += 0.3 * pad(["C#3", "G#3", "B3", "E4", "D#5"], seconds, rate, attack=0.9)
    for at, names in (
        (0.3, ("E4", "B4", "D#5")),
        (1.5, ("G#4", "C#5")),
        (2.1, ("B4",)),
        (2.7, ("F#4", "A4", "E5")),
        (3.9, ("D#5",)),
    ):
        for i, name in enumerate(names):
            n = np.arange(int(2.2 * rate)) / rate
            f = note(name)
            key = np.sin(2 * np.pi * f * n + 1.2 * np.exp(-n * 5) * np.sin(2 * np.pi * f * n)) * np.exp(-n * 1.9)
            place(out, key * np.clip(n * 300, 0, 1), at + 0.03 * i, rate, level=0.07, pan=0.35)
    place(out, np.sin(2 * np.pi * 100 * t) + 0.4 * np.sin(2 * np.pi * 300 * t), 0, rate, level=0.004, pan=-0.5)
    return finish(room(out, rate, 1.6, 0.3), rate)


def song(rate: int) -> NDArray[np.float32]:
    """Twenty seconds of music: four chords, twice, under a harp and a slow tune of bells."""
    beat = 0.625
    chords = [
        ("D", ["D3", "A3", "F#4", "C#5"], "D2"),
        ("Bm", ["B2", "F#3", "D4", "A4"], "B1"),
        ("G", ["G2", "D3", "B3", "F#4"], "G1"),
        ("A", ["A2", "E3", "C#4", "B4"], "A1"),
    ]
    figure = {
        "D": ("D4", "A4", "D5", "F#5", "E5", "D5", "A4", "F#4"),
        "Bm": ("B3", "F#4", "B4", "D5", "C#5", "B4", "F#4", "D4"),
        "G": ("G3", "D4", "G4", "B4", "D5", "B4", "A4", "G4"),
        "A": ("A3", "E4", "A4", "C#5", "E5", "C#5", "B4", "A4"),
    }
    tune = [(0, "F#5"), (2, "A5"), (4, "D6"), (7, "C#6"), (8, "B5"), (11, "A5"), (12, "E5"), (15, "A5")]
    tune += [(16, "F#5"), (18, "A5"), (20, "F#6"), (23, "E6"), (24, "D6"), (27, "B5"), (28, "A5"), (30, "D6")]
    seconds = 32 * beat
    out = np.zeros((int(seconds * rate), 2))
    for bar in range(8):
        name, chord, bass = chords[bar % 4] if bar < 7 else chords[0]
        at = bar * 4 * beat
        layer = pad(chord, 4 * beat + 1.0, rate, attack=0.9)
        start = int(max(0.0, at - 0.45) * rate)
        stop = min(len(out), start + len(layer))
        out[start:stop] += 0.42 * layer[: stop - start]
        n = np.arange(int(4 * beat * rate)) / rate
        low = np.sin(2 * np.pi * note(bass) * 2 * n) + 0.3 * np.sin(4 * np.pi * note(bass) * 2 * n)
        place(out, low * np.exp(-n * 0.8) * np.clip(n * 60, 0, 1) * np.clip((n[-1] - n) * 8, 0, 1), at, rate, level=0.1)
        for i, step in enumerate(figure[name]):
            if bar < 7 or i < 5:
                soft = 0.34 * (1.0, 0.7, 0.8, 0.9, 0.75, 0.7, 0.65, 0.7)[i]
                place(out, harp(step, rate), at + i * beat / 2, rate, level=soft, pan=0.45 * np.sin(0.9 * i))
    for step, name in tune:
        place(out, bell(name, rate, 3.2), step * beat + 0.01, rate, level=0.17, pan=-0.2)
    return finish(room(out, rate, 2.4, 0.45), rate, peak=0.7, fade=0.25)
