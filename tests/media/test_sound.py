"""Sound out of files: any range, in time with the pictures, at any rate and layout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.material import write_wave
from vidflow.errors import MediaError
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


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Callable[..., tuple[str, ...]]:
    """A function that gives FFmpeg's arguments for a sound whose channels all differ."""
    folder = tmp_path_factory.mktemp("tones")

    def make(channels: int, rate: int = 48000, seconds: float = 5, layout: str | None = None) -> tuple[str, ...]:
        path = folder / f"{channels}-{rate}-{seconds}.wav"
        t = np.arange(int(rate * seconds)) / rate
        each = [
            0.3 * np.sin(t * 6.28 * (200 + 130 * k)) + 0.05 * np.sin(314 * (k + 1) * t * t) for k in range(channels)
        ]
        if not path.exists():
            write_wave(path, np.rint(np.stack(each, 1) * 32767).astype(np.int16), rate)
        name = layout or ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")[channels - 1]
        return ("-i", str(path), "-af", "pan=" + "|".join([name, *(f"c{k}=c{k}" for k in range(channels))]))

    return make


NO_NOISE = ("-aac_pns", "0")
# Name, channels, rate, how it is encoded, how far from FFmpeg's own decode a sample may be, and how many samples more
# or fewer there may be: the command line of FFmpeg 5.1 keeps the padding at the end of AAC and Opus in MP4.
SOUNDS: list[tuple[str, int, int, tuple[str, ...], float, int]] = [
    *((f"{codec}.wav", 2, 44100, ("-c:a", codec), 0, 0) for codec in (
        "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw",
        "adpcm_ms", "g722",
    )),
    *((f"{channels}.wav", channels, 48000, (), 0, 0) for channels in range(1, 9)),
    *((f"{channels}.flac", channels, 48000, (), 0, 0) for channels in range(1, 9)),
    *((f"{rate}.wav", 2, rate, (), 0, 0) for rate in (8000, 11025, 16000, 22050, 32000, 88200, 96000, 176400, 192000)),
    *((f"{rate}.mp3", 2, rate, (), 1e-6, 0) for rate in (8000, 16000, 22050, 32000, 44100)),
    *((f"{rate}.m4a", 1, rate, NO_NOISE, 1e-6, 1024) for rate in (8000, 22050, 48000, 96000)),
    ("deep.flac", 2, 192000, ("-sample_fmt", "s32"), 0, 0),
    ("alac.m4a", 2, 44100, ("-c:a", "alac"), 0, 0),
    ("deep_alac.m4a", 6, 48000, ("-c:a", "alac", "-sample_fmt", "s32p"), 0, 0),
    ("alac.caf", 2, 44100, ("-c:a", "alac"), 0, 0),
    ("variable.mp3", 2, 44100, ("-q:a", "4"), 1e-6, 0),
    ("two.mp2", 2, 48000, ("-c:a", "mp2"), 1e-4, 0),
    ("adts.aac", 2, 44100, NO_NOISE, 1e-6, 0),
    ("six.m4a", 6, 48000, NO_NOISE, 1e-6, 1024),
    ("aac.ts", 2, 48000, ("-c:a", "aac", *NO_NOISE), 1e-6, 0),
    ("aac.flv", 2, 44100, ("-c:a", "aac", *NO_NOISE), 1e-6, 0),
    # AC-3 fills bands with noise, which depends on where decoding began, and so do the last bits of Speex.
    ("two.ac3", 2, 48000, (), 1e-2, 0),
    ("six.eac3", 6, 48000, (), 1e-2, 0),
    ("speech.spx", 1, 16000, ("-c:a", "libspeex"), 2e-2, 0),
    # Its decoder never forgets what came before, so a block is a little different from a decode from the start.
    ("speech.aiff", 2, 44100, ("-c:a", "adpcm_ima_qt"), 1e-2, 0),
    ("two.opus", 2, 48000, (), 1e-4, 0),
    ("six.opus", 6, 48000, (), 1e-4, 0),
    ("opus.webm", 2, 48000, ("-c:a", "libopus"), 1e-4, 0),
    ("opus.mp4", 2, 48000, ("-c:a", "libopus"), 1e-4, 960),
    ("two.ogg", 2, 44100, ("-c:a", "libvorbis"), 1e-4, 0),
    ("vorbis.mka", 2, 44100, ("-c:a", "libvorbis"), 1e-4, 0),
    ("flac.ogg", 2, 44100, ("-c:a", "flac"), 0, 0),
    ("flac.mka", 2, 44100, ("-c:a", "flac"), 0, 0),
    ("float.mka", 2, 48000, ("-c:a", "pcm_f32le"), 0, 0),
    ("two.wma", 2, 44100, (), 1e-4, 0),
    ("one.wma", 1, 44100, ("-c:a", "wmav1"), 1e-4, 0),
    ("two.wv", 2, 44100, (), 0, 0),
    ("wavpack.mka", 2, 44100, ("-c:a", "wavpack"), 0, 0),
    ("two.tta", 2, 44100, (), 0, 0),
    ("tta.mka", 2, 44100, ("-c:a", "tta"), 0, 0),
    ("two.aiff", 2, 44100, (), 0, 0),
    ("two.au", 2, 44100, (), 0, 0),
    ("two.caf", 2, 44100, (), 0, 0),
    ("two.w64", 2, 44100, (), 0, 0),
    ("two.mov", 2, 44100, ("-c:a", "pcm_s24be"), 0, 0),
    ("two.dts", 2, 48000, ("-c:a", "dca", "-strict", "-2"), 1e-4, 0),
    ("two.thd", 2, 48000, ("-c:a", "truehd", "-strict", "-2"), 0, 0),
    ("truehd.mka", 2, 48000, ("-c:a", "truehd", "-strict", "-2"), 0, 0),
    ("disc.m2ts", 2, 48000, ("-c:a", "pcm_bluray"), 0, 0),
    ("studio.ts", 2, 48000, ("-c:a", "s302m", "-strict", "-2"), 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "channels", "rate", "options", "within", "more"), SOUNDS, ids=[sound[0] for sound in SOUNDS]
)
def test_sound_is_what_ffmpeg_decodes_and_any_range_is_the_same(
    make_clip, tones, name, channels, rate, options, within, more
):
    if name == "g722.wav":
        channels, rate = 1, 16000
    clip = make_clip(name, *tones(channels, rate, 10 if rate == 16000 else 5), *options)
    notes: list[str] = []
    audio, expected = open_audio(clip, notes.append), heard(clip, channels)
    assert (audio.info.rate, audio.info.channels) == (rate, channels)
    assert abs(audio.info.samples - len(expected)) <= more
    whole = audio.read()
    count = min(len(whole), len(expected))
    assert np.abs(whole[:count] - expected[:count]).max() <= within
    reader, chance = audio.open(), np.random.default_rng(0)
    # The end first, so that a decoder which remembers is found.
    for start in (len(whole) - 1000, len(whole) // 2, 0, *(int(place) for place in chance.integers(0, len(whole), 4))):
        stop = min(len(whole), start + int(chance.integers(0, 20_000)))
        assert np.array_equal(reader.read(start, stop), whole[start:stop])
    reader.close()
    assert notes == []


@pytest.mark.parametrize(
    ("layout", "channels"),
    [("3.0", 3), ("3.1", 4), ("quad", 4), ("5.1(side)", 6), ("6.0", 6), ("hexagonal", 6), ("7.1(wide)", 8)],
)
def test_unusual_layouts_keep_their_name_and_order(make_clip, tones, layout, channels):
    clip = make_clip("layout.wav", *tones(channels, 48000, 1, layout))
    audio = open_audio(clip)
    assert (audio.info.layout, audio.info.channels) == (layout, channels)
    assert np.array_equal(audio.read(), heard(clip, channels))
    stereo = convert(audio, 48000, "stereo").read()
    assert stereo.shape == (48000, 2)
    assert np.abs(stereo).max() > 0.05


@pytest.mark.parametrize("channels", [7, 10, 16])
def test_channels_without_names_are_all_kept_and_heard_on_both_sides(tmp_path, channels):
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, (2000, channels)).astype(np.int16)
    audio = open_audio(write_wave(tmp_path / "many.wav", whole))
    assert audio.info.channels == channels
    assert np.array_equal(audio.read(), whole / np.float32(2**15))
    stereo = convert(audio, 48000, "stereo").read()
    assert np.abs(stereo).max() <= 1
    assert stereo[:, 0].std() > 0.05
    assert stereo[:, 1].std() > 0.05
    back = convert(Audio.from_array(stereo, 48000), 48000, audio.info.layout).read()
    assert back.shape == (2000, channels)
    assert np.array_equal(back[:, :2], stereo) or channels == 7


def test_sound_beside_pictures_in_matroska_ends_to_the_sample(make_clip, tones):
    clip = make_clip(
        "film.webm", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", *tones(2, 48000, 1.1),
        "-c:v", "libvpx", "-c:a", "libopus",
    )  # fmt: skip
    audio, expected = open_video(clip).audio, heard(clip)
    # The muxer shows the first picture 7 ms after the sound begins, so that much of it is never heard.
    early = len(expected) - audio.info.samples
    assert early == 336
    assert np.abs(audio.read() - expected[early:]).max() < 1e-4


def test_a_song_with_cover_art_is_heard(make_clip, tones):
    cover = make_clip("cover.png", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-frames:v", "1")
    song = make_clip(
        "song.mp3", "-i", cover, *tones(2, 44100, 3), "-map", "1", "-map", "0", "-c:v", "copy",
        "-disposition:v", "attached_pic",
    )  # fmt: skip
    assert np.array_equal(open_audio(song).read(), heard(song))
    with pytest.raises(MediaError, match="this file holds sound but no pictures"):
        open_video(song)


@pytest.mark.parametrize(("name", "options"), [("cut.wav", ()), ("cut.mp3", ()), ("cut.wv", ())])
def test_sound_that_breaks_off_is_read_to_its_end_and_that_is_noted(make_clip, tmp_path, name, options):
    whole = make_clip(name, *TONE, *options)
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    notes: list[str] = []
    audio = open_audio(cut, notes.append)
    assert 5 < audio.info.duration < 5.8 or name == "cut.wv"
    expected = heard(whole)[: audio.info.samples - 3000]
    assert np.abs(audio.read()[: len(expected)] - expected).max() < 1e-6
    assert len(notes) == 1
    assert notes[0].startswith(("This file breaks off: of the 9.3 seconds", "This file is damaged"))


def test_damaged_sound_is_silent_and_that_is_noted(make_clip, tmp_path):
    data = bytearray(make_clip("tone.flac", *TONE).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    (tmp_path / "tone.flac").write_bytes(data)
    notes: list[str] = []
    audio = open_audio(tmp_path / "tone.flac", notes.append)
    whole = audio.read()
    assert np.abs(whole[: len(whole) // 3]).max() > 0.3
    assert np.abs(whole[-len(whole) // 3 :]).max() > 0.3
    assert notes
    assert all(note.startswith(("The sound of this file is missing for", "Part of this sound")) for note in notes)


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
