"""What is said of a file that is not as plain as it looks, and the silence about one that is."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from vidflow.errors import MediaError
from vidflow.media import probe as media_probe
from vidflow.media.decode import open_video

SOURCE = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=3,noise=alls=12:allf=t")
TONE = ("-f", "lavfi", "-i", "sine=d=3")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10")


def said_of(path, **options):
    """The video in a file, all of it read, and what was said of it."""
    notes: list[str] = []
    video = open_video(path, note=notes.append, **options)
    for _ in video.read():
        pass
    return video, notes


@pytest.fixture
def cut(tmp_path):
    """A function that gives the first part of a file."""

    def cut_off(path, share):
        data, kept = path.read_bytes(), tmp_path / path.name
        kept.write_bytes(data[: int(len(data) * share)])
        return kept

    return cut_off


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", X264),
        ("plain.mkv", X264),
        ("plain.ts", X264),
        ("plain.flv", (*X264, "-ar", "44100")),
        ("plain.avi", ("-c:v", "mpeg4", "-bf", "2")),
        ("plain.webm", ("-c:v", "libvpx", "-deadline", "realtime")),
        ("plain.ogv", ("-c:v", "libtheora")),
        ("plain.wmv", ("-c:v", "wmv2")),
        ("plain.mpg", ("-c:v", "mpeg2video")),
        ("plain.gif", ("-an", "-r", "10")),
        ("opaque.mov", ("-c:v", "qtrle", "-pix_fmt", "argb", "-vf", "geq=r='X':g='Y':b=9:a=255")),
    ],
)
def test_nothing_is_said_of_an_ordinary_file(make_clip, name, options):
    clip = make_clip(name, *SOURCE, *TONE, "-t", "1", *options)
    assert said_of(clip)[1] == []


def test_nothing_is_said_of_the_real_clips(real_media):
    for clip in real_media.glob("*.mp4"):
        assert said_of(clip)[1] == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm", "flv"])
def test_a_file_that_breaks_off_is_read_as_far_as_it_goes_and_named(make_clip, cut, suffix):
    codec = {"avi": ("-c:v", "mpeg4"), "webm": ("-c:v", "libvpx", "-deadline", "realtime")}.get(suffix, X264)
    whole = make_clip(
        f"whole.{suffix}",
        *SOURCE,
        *TONE,
        "-ar",
        "48000" if suffix == "webm" else "44100",
        *codec,
        "-movflags",
        "+faststart",
    )
    video, notes = said_of(cut(whole, 0.6))
    assert 25 < video.info.frames < 60
    assert video.info.rate == 25
    assert any("breaks off" in note for note in notes)


def test_a_frame_that_cannot_be_decoded_is_named_when_it_is_met(make_clip, tmp_path):
    clip = make_clip("each.mkv", *SOURCE, "-frames:v", "20", "-c:v", "magicyuv", "-pix_fmt", "gbrp")
    data = bytearray(clip.read_bytes())
    with av.open(str(clip)) as found:
        packets = [bytes(packet) for packet in found.demux(video=0) if packet.size]
    for number in (12, 15):
        at = data.index(packets[number])
        data[at : at + len(packets[number])] = b"\0" * len(packets[number])
    path = tmp_path / "broken.mkv"
    path.write_bytes(data)
    notes: list[str] = []
    video = open_video(path, note=notes.append)
    video.frame(3)
    assert notes == []
    for _ in range(2):
        list(video.read())
    assert len(notes) == 1
    assert "Frame 12 of this file (at 0.48 s) cannot be decoded" in notes[0]


def test_a_variable_rate_is_named_with_what_it_becomes(make_clip):
    slow = ("-vf", "select='lt(n,30)+not(mod(n,3))'", "-vsync", "vfr")
    video, notes = said_of(make_clip("variable.mp4", *SOURCE, *slow, *X264))
    assert len(notes) == 1
    assert "variable rate, 8.333 to 25 frames a second" in notes[0]
    assert f"{video.info.frames} frames from 45" in notes[0]


def test_frames_missing_from_a_constant_rate_are_shown_again_and_counted(make_clip, straight):
    clip = make_clip("dropped.mkv", *SOURCE, "-vf", "select='not(eq(n,40))'", "-vsync", "vfr", *X264)
    video, notes = said_of(clip)
    shown = straight(clip)
    assert (video.info.rate, video.info.frames, len(shown)) == (25, 75, 74)
    frames = np.concatenate([part.numpy() for part in video.read()])
    for number in range(75):
        assert np.array_equal(frames[number], shown[number if number < 40 else number - 1])
    assert notes == [
        "1 of this video's 75 frames are missing from the file; the frame before is shown for each.",
    ]


def test_frames_that_the_file_itself_repeats_are_no_variable_rate(make_clip):
    still = ("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=1")
    video, notes = said_of(make_clip("still.ogv", *still, "-c:v", "libtheora"))
    assert (video.info.rate, video.info.frames, notes) == (25, 25, [])


@pytest.mark.parametrize(("name", "order"), [("top", "top field first"), ("bottom", "bottom field first")])
def test_interlaced_video_is_named_with_its_first_field(make_clip, name, order):
    options = ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-top", "1" if name == "top" else "0")
    clip = make_clip(f"{name}.ts", *SOURCE, "-t", "0.4", *options)
    notes = said_of(clip)[1]
    assert len(notes) == 1
    assert f"interlaced, {order}" in notes[0]
    assert "set deinterlace" in notes[0]
    assert said_of(clip, deinterlace=True)[1] == []


def test_deinterlacing_what_is_not_interlaced_is_named(make_clip):
    clip = make_clip("whole.mp4", *SOURCE, *X264)
    assert "does not say that it is interlaced" in said_of(clip, deinterlace=True)[1][0]


def test_transparency_is_named_and_the_colours_are_kept(make_clip):
    fade = ("-vf", "format=rgba,geq=r='X*2':g='Y*3':b=9:a='X'", "-frames:v", "2")
    video, notes = said_of(make_clip("fade.mov", *SOURCE, *fade, "-c:v", "png", "-pix_fmt", "rgba"))
    assert notes == ["This video has transparent parts; transparency is dropped, the colours below it are shown."]
    x, y = np.meshgrid(np.arange(96), np.arange(64))
    assert np.array_equal(video.frame(1), np.stack([x * 2, y * 3, np.full_like(x, 9)], 2))


def test_transparency_beside_the_pictures_is_named_too(make_clip):
    options = ("-vf", "format=yuva420p", "-c:v", "libvpx", "-deadline", "realtime", "-auto-alt-ref", "0")
    clip = make_clip("beside.webm", *SOURCE, "-frames:v", "5", *options, "-pix_fmt", "yuva420p")
    assert any("transparency is dropped" in note for note in said_of(clip)[1])


@pytest.mark.parametrize(("codec", "name"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_high_dynamic_range_is_named(make_clip, codec, name):
    tags = f"colorprim=bt2020:transfer={codec}:colormatrix=bt2020nc:log-level=none"
    options = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", tags, "-pix_fmt", "yuv420p10le")
    video, notes = said_of(make_clip(f"{name}.mp4", *SOURCE, "-frames:v", "3", *options))
    assert notes == [f"This video is of high dynamic range ({name}); it is tone mapped to sRGB."]
    assert video.info.dtype == "float32"


def test_pixels_that_are_not_square_are_kept_and_named(make_clip):
    video, notes = said_of(make_clip("wide.mp4", *SOURCE, "-frames:v", "3", "-vf", "setsar=4/3", *X264))
    assert (video.info.width, video.info.height) == (96, 64)
    assert len(notes) == 1
    assert "not square (4:3)" in notes[0]
    assert "resize it to 128x64" in notes[0]


def test_of_two_videos_the_larger_is_taken_and_it_is_said(make_clip):
    small = make_clip("small.mp4", "-f", "lavfi", "-i", "testsrc2=s=48x32:r=25", "-frames:v", "5", *X264)
    large = make_clip("large.mp4", *SOURCE, "-frames:v", "7", *X264)
    clip = make_clip("two.mkv", "-i", small, "-i", large, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "0")
    video, notes = said_of(clip)
    assert (video.info.width, video.info.height, video.info.frames) == (96, 64, 7)
    assert notes == ["This file holds 2 videos; stream 1, of 96x64, is used."]


def test_a_sound_that_ends_early_is_named(make_clip):
    clip = make_clip("early.mkv", *SOURCE, "-f", "lavfi", "-i", "sine=d=1", *X264, "-c:a", "pcm_s16le")
    assert said_of(clip)[1] == ["The sound ends after 1 s, 2 s before the picture."]


def test_a_sound_that_cannot_be_decoded_is_named(make_clip, tmp_path):
    clip = make_clip("sound.mkv", *SOURCE, *TONE, "-t", "1", *X264, "-c:a", "pcm_s16le")
    data = clip.read_bytes()
    assert data.count(b"A_PCM/INT/LIT") == 1
    path = tmp_path / "strange.mkv"
    path.write_bytes(data.replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    video, notes = said_of(path)
    assert video.audio is None
    assert notes == ["The sound of this file cannot be read; the video is silent."]


def test_pictures_without_times_are_shown_at_a_rate_that_is_named(make_clip):
    video, notes = said_of(make_clip("bare.h264", *SOURCE, *X264))
    assert video.info.rate == 25
    assert notes == ["This file holds pictures without their times; 25 frames a second are assumed."]


def test_a_recording_that_was_never_closed_is_counted(make_clip):
    clip = make_clip("live.webm", *SOURCE, "-c:v", "libvpx", "-deadline", "realtime", "-live", "1")
    video, notes = said_of(clip)
    assert (video.info.frames, video.info.rate) == (75, 25)
    assert notes == ["This file does not say how long it is; 75 frames were found."]


def test_pictures_that_change_their_size_are_scaled_to_the_first(make_clip, tmp_path):
    small = make_clip("small.h264", "-f", "lavfi", "-i", "testsrc2=s=48x32:r=25", "-frames:v", "5", *X264)
    large = make_clip("large.h264", *SOURCE, "-frames:v", "5", *X264)
    path = tmp_path / "both.h264"
    path.write_bytes(large.read_bytes() + small.read_bytes())
    video, notes = said_of(path)
    assert (video.info.width, video.info.height, video.info.frames) == (96, 64, 10)
    assert any("change size, from 96x64 to 48x32" in note for note in notes)
    assert video.frame(9).std() > 20


def test_without_anybody_to_tell_a_file_opens_as_well(make_clip):
    clip = make_clip("wide.mp4", *SOURCE, "-frames:v", "3", "-vf", "setsar=4/3", *X264)
    assert open_video(clip).info.rate == Fraction(25)


def test_pictures_of_an_absurd_size_are_refused_before_memory_is_taken(make_clip, tmp_path, monkeypatch):
    monkeypatch.setattr(media_probe, "MOST_PIXELS", 5000)
    small = make_clip("small.h264", "-f", "lavfi", "-i", "testsrc2=s=48x32:r=25", "-frames:v", "5", *X264)
    large = make_clip("large.h264", *SOURCE, "-frames:v", "5", *X264)
    with pytest.raises(MediaError, match=r"are said to be 96x64; expected at most 5000 pixels"):
        open_video(large)
    path = tmp_path / "grows.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    video, notes = said_of(path)
    assert any("cannot be decoded" in note for note in notes)
    assert video.info.frames == 10
    assert video.frame(9).shape == (32, 48, 3)
