"""Sound out of files: any range, in time with the pictures, at any rate and layout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.media.decode import open_video
from vidflow.media.layout import mixing
from vidflow.media.resample import convert
from vidflow.media.sound import open_audio
from vidflow.values import Audio

TONE = ("-f", "lavfi", "-i", "aevalsrc=0.4*sin(2*PI*440*t)|0.3*sin(2*PI*1000*t):s=48000:d=9.3:c=stereo")
CLICK = "aevalsrc='if(between(t,1,1.002),0.9,0)':s=48000:d=2.5"


def heard(path: Path, channels: int = 2) -> np.ndarray:
    """What FFmpeg decodes from start to end."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, channels)


@pytest.mark.parametrize(
    ("name", "options", "exact"),
    [
        ("tone.wav", ("-c:a", "pcm_s16le"), True),
        ("deep.wav", ("-c:a", "pcm_s24le"), True),
        ("tone.flac", (), True),
        ("tone.m4a", ("-c:a", "aac", "-aac_pns", "0"), True),
        ("tone.mp3", (), True),
        ("tone.ogg", ("-c:a", "libvorbis"), True),
        ("tone.opus", ("-c:a", "libopus"), False),
        ("tone.mka", ("-c:a", "aac", "-aac_pns", "0"), True),
        ("float.mka", ("-c:a", "pcm_f32le"), True),
        ("flac.mka", ("-c:a", "flac"), True),
    ],
)
def test_sound_is_what_ffmpeg_decodes_and_any_range_is_the_same(make_clip, name, options, exact):
    clip = make_clip(name, *TONE, *options)
    audio, expected = open_audio(clip), heard(clip)
    whole = audio.read()
    count = min(len(whole), len(expected))
    assert abs(audio.info.samples - len(expected)) < 1100
    # Opus settles within its preroll to what cannot be heard, not to the same bits.
    assert np.abs(whole[:count] - expected[:count]).max() < (1e-6 if exact else 1e-2)
    for start, stop in ((0, 1), (200_000, 200_500), (191_990, 192_010), (7, 100_000), (count - 5, count)):
        assert np.array_equal(audio.read(start, stop), whole[start:stop])
    reader = audio.open()
    for start in (400_000, 300_000, 300_100, 0):
        assert np.array_equal(reader.read(start, start + 100), whole[start : start + 100])
    reader.close()


@pytest.mark.parametrize("name", ["noise.m4a", "noise.ac3"])
def test_codecs_that_make_up_noise_make_up_the_same_every_time(make_clip, name):
    clip = make_clip(name, "-f", "lavfi", "-i", "anoisesrc=d=9:a=0.3:r=48000", "-b:a", "64k")
    audio = open_audio(clip)
    whole = audio.read()
    for start in (300_000, 100_000, 191_000):
        assert np.array_equal(audio.read(start, start + 5000), whole[start : start + 5000])


@pytest.mark.parametrize("kind", ["mp4", "mov", "mkv", "ts"])
def test_a_click_sounds_when_it_should(make_clip, kind):
    clip = make_clip(
        f"click.{kind}", "-f", "lavfi", "-i", "testsrc2=s=32x32:d=2.5", "-f", "lavfi", "-i", CLICK,
        "-c:v", "libx264", "-bf", "2", "-c:a", "flac" if kind == "mkv" else "aac",
    )  # fmt: skip
    sound = np.abs(open_video(clip).audio.read()[:, 0])
    # MPEG-TS says nothing of the 1024 samples that AAC is late by.
    assert abs(int(np.argmax(sound > 0.2)) - 48000) < (1100 if kind == "ts" else 100)


@pytest.mark.parametrize(("offset", "first"), [("0.5", 1.5), ("-0.5", 0.5)])
def test_start_offsets_of_the_streams_are_honoured(make_clip, offset, first):
    pictures = make_clip("pictures.mp4", "-f", "lavfi", "-i", "testsrc2=s=32x32:d=2", "-c:v", "libx264")
    sound = make_clip("click.wav", "-f", "lavfi", "-i", CLICK)
    clip = make_clip(
        f"offset{offset}.mkv", "-i", pictures, "-itsoffset", offset, "-i", sound, "-c:v", "copy", "-c:a", "flac"
    )
    audio = open_video(clip).audio
    samples = np.abs(audio.read()[:, 0])
    assert abs(int(np.argmax(samples > 0.2)) - int(first * 48000)) < 100
    assert audio.info.samples == len(samples)
    assert np.array_equal(open_audio(clip).read(0, 48000), audio.read(0, 48000))


def test_a_real_clip_keeps_its_sound(real_media):
    clip = real_media / "bigbuckbunny.mp4"
    audio, expected = open_video(clip).audio, heard(clip, 6)
    assert (audio.info.rate, audio.info.layout, audio.info.channels) == (48000, "5.1", 6)
    count = min(len(expected), audio.info.samples, 150_000)
    assert np.abs(audio.read(0, count) - expected[:count]).max() < 1e-5


def sine(rate: int, seconds: float = 1.0) -> Audio:
    """1 kHz at half scale, in stereo."""
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(int(rate * seconds)) / rate)
    return Audio.from_array(np.stack([wave, wave], 1).astype(np.float32), rate)


@pytest.mark.parametrize(
    ("old", "new"), [(44100, 48000), (48000, 44100), (48000, 16000), (8000, 48000), (44100, 47999)]
)
def test_a_sine_at_another_rate_is_the_same_sine(old, new):
    made = convert(sine(old), new, "stereo").read()
    assert len(made) == round(old * new / old)
    ideal = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(len(made)) / new)
    error = np.abs(made[2000:-2000] - ideal[2000:-2000, None]).max()
    assert 20 * np.log10(error) < -90


def test_what_is_too_high_for_the_new_rate_is_gone():
    wave = np.sin(2 * np.pi * 15000 * np.arange(48000) / 48000).astype(np.float32)[:, None]
    made = convert(Audio.from_array(wave, 48000), 16000, "mono").read()
    assert np.abs(made[500:-500]).max() < 1e-4


_CONVERTED = convert(sine(44100), 48000, "mono")
_WHOLE = _CONVERTED.read()


@given(st.integers(0, 47_999), st.integers(0, 20_000))
def test_any_range_of_converted_sound_is_the_same(start, length):
    stop = min(start + length, 48_000)
    assert np.array_equal(_CONVERTED.read(start, stop), _WHOLE[start:stop])


def test_layouts_are_mixed_as_documented():
    assert mixing("mono", "stereo").tolist() == [[1, 1]]
    assert mixing("stereo", "mono").tolist() == [[0.5], [0.5]]
    assert mixing("5.1(side)", "5.1").tolist() == np.eye(6).tolist()
    down = mixing("5.1", "stereo")
    assert down.sum(axis=0).max() <= 1.0001
    assert down[2, 0] == down[2, 1] == pytest.approx(down[0, 0] * np.sqrt(0.5), abs=1e-6)
    assert down[3].tolist() == [0, 0]
    made = convert(sine(8000), 8000, "5.1")
    assert made.info.channels == 6
    assert np.array_equal(made.read(0, 100)[:, :2], sine(8000).read(0, 100))


def test_sound_as_it_is_wanted_is_left_alone():
    audio = sine(48000)
    assert convert(audio, 48000, "stereo") is audio
    with pytest.raises(ValueError, match="sample rate"):
        convert(audio, 0, "stereo")
    with pytest.raises(ValueError, match="layout"):
        convert(audio, 48000, "no such layout")
