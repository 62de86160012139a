"""Interlaced video: recognised, left alone, or made whole by bwdif, the same whatever was read before."""

from __future__ import annotations

import random
import subprocess

import numpy as np
import pytest

from tests.media import paff
from vidflow.media.decode import open_video
from vidflow.media.probe import probe

# Fifty pictures a second woven into twenty-five of two fields each.
WOVEN = ("-f", "lavfi", "-i", "testsrc2=s=128x96:r=50,noise=alls=12:allf=t,tinterlace=interleave_top,setfield=tff")
KINDS = [
    ("mpeg2.ts", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-top", "1", "-g", "12", "-bf", "2", "-q:v", "3")),
    ("h264.mp4", ("-c:v", "libx264", "-flags", "+ildct+ilme", "-top", "1", "-g", "12", "-pix_fmt", "yuv420p")),
    ("prores.mov", ("-c:v", "prores_ks", "-flags", "+ildct", "-top", "1")),
    ("ffv1.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv422p", "-field_order", "tt")),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind[0])
def woven(make_clip, request):
    """Thirty interlaced frames."""
    name, options = request.param
    return make_clip(name, *WOVEN, "-frames:v", "30", *options)


def combing(frames):
    """How much neighbouring lines differ, compared with lines two apart."""
    values = np.asarray(frames, float)
    return np.abs(np.diff(values, axis=1)).mean() / np.abs(values[:, 2:] - values[:, :-2]).mean()


def test_interlaced_video_is_recognised(woven):
    assert probe(woven).picture.fields == "top field first"


def test_it_is_shown_as_it_is_unless_somebody_asks(woven, shown):
    video = open_video(woven)
    deep = video.info.dtype == "float32"
    scale, pixels = (65535, "rgb48le") if deep else (1, "rgb24")
    frames = np.concatenate([part.numpy() for part in video.read()]) * np.float32(scale)
    assert np.abs(frames - shown(woven, 128, 96, pixels)).max() <= (2 * 257 if deep else 2)


def test_deinterlaced_frames_are_those_of_ffmpeg(woven):
    video = open_video(woven, deinterlace=True)
    deep = video.info.dtype == "float32"
    frames = np.concatenate([part.numpy() for part in video.read()]) * np.float32(65535 if deep else 1)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        woven,
        "-vf",
        "bwdif=send_frame",
        "-pix_fmt",
        "rgb48le" if deep else "rgb24",
    ]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    expected = np.frombuffer(raw, np.uint16 if deep else np.uint8).reshape(-1, 96, 128, 3)
    assert len(frames) == len(expected) == 30
    off = np.abs(frames - expected)
    # Older versions of bwdif make the outermost lines of the first frame differently.
    off[0, :6] = off[0, -6:] = 0
    assert off.max() <= (2 * 257 if deep else 2)
    assert combing(frames) < combing(open_video(woven).made_by.open().read(0, 30).numpy())


def test_any_frame_is_the_same_alone_as_in_a_run_from_the_start(woven):
    video = open_video(woven, deinterlace=True)
    frames = np.concatenate([part.numpy() for part in video.read()])
    order = list(range(30))
    random.Random(3).shuffle(order)
    reader = video.made_by.open()
    for number in [29, 0, 1, *order]:
        assert np.array_equal(reader.read(number, number + 1)[0], frames[number]), f"frame {number}"
    for start in (20, 10, 0, 25, 5):
        assert np.array_equal(reader.read(start, start + 5).numpy(), frames[start : start + 5])
    reader.close()


def test_a_single_interlaced_frame_is_shown_as_ffmpeg_shows_it(make_clip, shown):
    options = ("-c:v", "ffv1", "-pix_fmt", "yuv422p", "-field_order", "tt")
    clip = make_clip("single.mkv", *WOVEN, "-frames:v", "1", *options)
    video = open_video(clip, deinterlace=True)
    assert video.info.frames == 1
    # With nothing before or after it to compare, bwdif leaves it alone.
    assert np.array_equal(video.frame(0), shown(clip, 128, 96)[0])


def test_a_packed_format_that_the_filter_does_not_know_is_deinterlaced_too(make_clip):
    clip = make_clip("packed.avi", *WOVEN, "-frames:v", "3", "-c:v", "rawvideo", "-pix_fmt", "yuyv422")
    frames = [part.numpy() for part in open_video(clip, deinterlace=True).read()]
    assert combing(np.concatenate(frames)) < 1


@pytest.mark.parametrize("high", [False, True], ids=["main", "high"])
@pytest.mark.parametrize("kind", ["h264", "ts", "mp4", "mkv"])
def test_fields_in_packets_of_their_own_are_counted_as_frames(make_clip, ffprobe, tmp_path, kind, high):
    bare = tmp_path / "fields.h264"
    bare.write_bytes(paff.stream(30, high))
    clip = (
        bare
        if kind == "h264"
        else make_clip(f"{high}.{kind}", "-fflags", "+genpts", "-r", "50", "-i", bare, "-c", "copy")
    )
    said = ffprobe(clip, "stream=nb_read_frames,nb_read_packets", "-count_frames", "-count_packets")["streams"][0]
    assert (said["nb_read_packets"], said["nb_read_frames"]) == ("60", "30")
    notes: list[str] = []
    video = open_video(clip, note=notes.append)
    assert (video.info.frames, video.info.rate) == (30, 25)
    assert any("interlaced, top field first" in note for note in notes)
    reader = video.made_by.open()
    for number in (0, 29, 7, 8, 3):
        luma = paff.frames(30)[number].astype(float)
        assert np.abs(reader.read(number, number + 1)[0] - ((luma - 16) * 255 / 219)[..., None]).max() <= 2
    reader.close()
