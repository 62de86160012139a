"""Frames out of files: the right ones, at the right time, in the right colours."""

from __future__ import annotations

import gc
import random
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidflow.errors import MediaError
from vidflow.media import pictures
from vidflow.media.decode import VideoFile, open_video
from vidflow.media.pictures import Pictures
from vidflow.media.probe import probe
from vidflow.media.sound import open_audio
from vidflow.media.soundreader import SoundReader
from vidflow.values import Video

SOURCE = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=80")


def file_of(video: Video) -> VideoFile:
    """The file behind an opened video."""
    return video.made_by.open.__self__


def check_all(video: Video, expected: list[np.ndarray], order: list[int]) -> None:
    """That each frame of `order` is bit for bit the one expected, read one by one by one reader."""
    assert video.info.frames == len(expected)
    reader = video.made_by.open()
    for number in order:
        assert np.array_equal(reader.read(number, number + 1)[0], expected[number]), f"frame {number} differs"
    reader.close()


@pytest.fixture(scope="session")
def long_clip(make_clip):
    """2000 frames with B-frames, in 20 groups of pictures."""
    return make_clip("long.mp4", *SOURCE, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "100")


@pytest.fixture(scope="session")
def straight_of_long(long_clip, straight):
    """All its frames."""
    return straight(long_clip)


def test_any_frame_of_a_long_clip_equals_that_of_a_straight_decode(long_clip, straight):
    expected, video = straight(long_clip), open_video(long_clip)
    order = list(range(0, 2000, 37))
    check_all(video, expected, order)
    random.Random(1).shuffle(order)
    check_all(video, expected, order)


@pytest.mark.parametrize(
    "options",
    [
        ("-bf", "3", "-x264-params", "b-pyramid=normal:keyint=1000:scenecut=0"),
        ("-bf", "8", "-x264-params", "b-pyramid=none:keyint=1000:scenecut=0:weightp=2"),
        ("-bf", "0", "-x264-params", "keyint=1000:scenecut=0"),
        ("-bf", "3", "-x264-params", "open-gop=1:keyint=150:bframes=3"),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_a_leap_over_pictures_that_no_other_needs_lands_on_the_same_bits(make_clip, straight, options, suffix):
    clip = make_clip(f"leap.{suffix}", *SOURCE, "-frames:v", "400", "-c:v", "libx264", "-preset", "fast", *options)
    expected, video = straight(clip), open_video(clip)
    order = random.Random(3).sample(range(400), 40)
    # After a leap, what lies before it and behind it is looked at too.
    order += [330, 329, 310, 299, 298, 297, 250, 331, 399, 0, 200, 199, 201]
    check_all(video, expected, order)


def test_a_leap_decodes_far_fewer_pictures(make_clip, monkeypatch):
    clip = make_clip("far.mp4", *SOURCE, "-frames:v", "400", "-c:v", "libx264", "-bf", "3", "-g", "400")
    seen: list[int] = []
    number_of = Pictures._number

    def noting(self, picture):
        seen.append(picture.pts)
        return number_of(self, picture)

    monkeypatch.setattr(Pictures, "_number", noting)
    reader = open_video(clip).made_by.open()
    reader.read(390, 391)
    assert 100 < len(set(seen)) < 280
    reader.close()


def test_a_leap_to_a_picture_that_is_damaged_shows_the_last_good_one(make_clip, straight, tmp_path):
    clip = make_clip("hurt.mkv", *SOURCE, "-frames:v", "300", "-c:v", "libx264", "-bf", "3", "-g", "300")
    data = bytearray(clip.read_bytes())
    with av.open(str(clip)) as found:
        packets = [(packet.pts, bytes(packet)) for packet in found.demux(video=0) if packet.size]
    shown = [body for _, body in sorted(packets)]
    # The last good picture is one that no other is made from (nal_ref_idc 0), so a leap leaves it out; then come more
    # that cannot be decoded than are decoded before the one leapt to.
    first = next(k + 1 for k in range(200, 240) if not shown[k][4] >> 5 & 3)
    for body in shown[first : first + 40]:
        at = data.index(body)
        data[at : at + len(body)] = b"\0" * len(body)
    path = tmp_path / "hurt.mkv"
    path.write_bytes(data)
    one, other = (open_video(path).made_by.open() for _ in range(2))
    straight_on = [other.read(number, number + 1)[0] for number in range(first + 50)]
    for number in (first + 38, 10, first + 35, first + 3, 20, first + 49):
        assert np.array_equal(one.read(number, number + 1)[0], straight_on[number]), number
    one.close()
    other.close()


def test_a_clip_read_backwards_and_in_runs_gives_the_same_frames(long_clip, straight):
    expected, video = straight(long_clip), open_video(long_clip)
    reader = video.made_by.open()
    for start in (190, 180, 95, 99, 100, 101, 1990, 0):
        found = reader.read(start, start + 10).numpy()
        assert np.array_equal(found, np.stack(expected[start : start + 10]))
    reader.close()


def test_reading_backwards_decodes_a_group_of_pictures_a_few_times_only(make_clip, monkeypatch):
    # 150 KB a picture: the window takes 40 of the group of 120.
    monkeypatch.setattr(pictures, "WINDOW_BYTES", 6 * 2**20)
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25")
    clip = make_clip("group.mp4", *source, "-frames:v", "120", "-c:v", "libx264", "-preset", "ultrafast", "-g", "250")
    decoded, most, number_of, add = 0, 0, Pictures._number, pictures.Window.add

    def counting(self, picture):
        nonlocal decoded
        decoded += 1
        return number_of(self, picture)

    def weighing(self, number, picture):
        nonlocal most
        add(self, number, picture)
        most = max(most, self._bytes)

    monkeypatch.setattr(Pictures, "_number", counting)
    monkeypatch.setattr(pictures.Window, "add", weighing)
    reader = open_video(clip).made_by.open()
    for stop in range(120, 0, -5):
        reader.read(stop - 5, stop)
    # Each batch of five alone would take 120 + 115 + ...: 1500.
    assert 120 < decoded // 2 < 450
    assert 5 * 2**20 < most <= 6 * 2**20
    reader.close()


def test_the_window_is_let_go_when_nobody_reads_backwards_any_more(long_clip):
    reader = open_video(long_clip).made_by.open()
    for start in (900, 890):
        reader.read(start, start + 10)
    window = reader._pictures._window
    assert window._bytes > 0
    for start in range(900, 1200, 50):
        reader.read(start, start + 50)
    assert window._bytes == 0
    reader.close()


@given(order=st.lists(st.tuples(st.integers(0, 290), st.integers(1, 10)), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ranges_in_any_order_give_the_frames_of_a_straight_decode(long_clip, straight_of_long, order):
    reader = open_video(long_clip).made_by.open()
    for start, length in order:
        for number, frame in enumerate(reader.read(start, start + length), start):
            assert np.array_equal(frame, straight_of_long[number])
    reader.close()


@pytest.mark.parametrize("rest", [None, "fresh"], ids=["read on", "opened anew"])
def test_a_reader_that_is_done_leaves_no_decoder(make_clip, rest):
    clip = make_clip(
        "threads.mp4", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=12", "-f", "lavfi", "-i", "sine=d=12",
        "-c:v", "libx264", "-g", "10", "-c:a", "flac", "-strict", "-2", "-shortest",
    )  # fmt: skip
    video, sound = open_video(clip), open_audio(clip)
    threads = Path("/proc/self/task")
    gc.collect()
    gc.disable()
    try:
        before = set(threads.iterdir())
        seen, heard = video.made_by.open(), sound.open()
        seen.read(20, 30)
        if rest:
            seen.read(0, 1)
        heard.read(0, 100)
        within = set(threads.iterdir())
        seen.close()
        heard.close()
        del seen, heard
        assert within - before
        assert set(threads.iterdir()) <= before
        assert not any(type(thing) is SoundReader for thing in gc.get_objects())
    finally:
        gc.enable()


def test_opening_decodes_nothing_and_is_quick(long_clip):
    begun = time.perf_counter()
    video = open_video(long_clip)
    assert time.perf_counter() - begun < 0.3
    assert (video.info.width, video.info.height, video.info.rate, video.info.frames) == (96, 64, 25, 2000)


def test_a_frame_at_random_decodes_less_than_two_groups_of_pictures(long_clip, monkeypatch):
    seen: set[int] = set()
    number_of = Pictures._number

    def noting(self, picture):
        seen.add(picture.pts)
        return number_of(self, picture)

    monkeypatch.setattr(Pictures, "_number", noting)
    reader = open_video(long_clip).made_by.open()
    for number in (1999, 150, 1234, 799, 800):
        seen.clear()
        reader.read(number, number + 1)
        assert 0 < len(seen) < 200
    reader.close()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("open.mp4", ("-x264-params", "open-gop=1:keyint=25:bframes=3")),
        ("open.mkv", ("-x264-params", "open-gop=1:keyint=25:bframes=3")),
        ("open.ts", ("-x264-params", "open-gop=1:keyint=25:bframes=3")),
        ("refresh.mp4", ("-x264-params", "intra-refresh=1:keyint=25")),
        ("flash.flv", ("-g", "20")),
        ("old.avi", ("-c:v", "mpeg4", "-bf", "2", "-g", "20", "-q:v", "3")),
        ("hevc.mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=25:log-level=none")),
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-g", "25", "-b:v", "300k")),
        ("raw.264", ("-g", "20", "-bf", "2")),
        ("still.mjpeg", ("-c:v", "mjpeg")),
    ],
)
def test_every_kind_of_file_can_be_read_in_any_order(make_clip, straight, name, options):
    defaults = () if "-c:v" in options else ("-c:v", "libx264", "-preset", "veryfast")
    clip = make_clip(name, *SOURCE, "-frames:v", "150", *defaults, *options, "-pix_fmt", "yuv420p")
    expected = straight(clip)
    assert len(expected) == 150
    order = list(range(150))
    random.Random(2).shuffle(order)
    check_all(open_video(clip), expected, [*order[:40], *range(60, 90)])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotation_flag_is_honoured(make_clip, shown, degrees):
    plain = make_clip("plain.mp4", *SOURCE, "-frames:v", "5", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    clip = make_clip(f"turned{degrees}.mp4", "-i", plain, "-c", "copy", "-metadata:s:v", f"rotate={degrees}")
    width, height = (96, 64) if degrees == 180 else (64, 96)
    video = open_video(clip)
    assert (video.info.width, video.info.height) == (width, height)
    assert probe(clip).picture.turn.degrees == 360 - degrees
    frames = video.made_by.open().read(0, 5).numpy()
    assert frames.shape == (5, height, width, 3)
    assert frames.flags.c_contiguous
    # The tag counts the other way round. FFmpeg turns before it converts, and so blends the colours of other
    # neighbours: compared in the mean.
    off = np.abs(frames.astype(int) - shown(clip, width, height))
    assert off.mean() < 1.5


@pytest.mark.parametrize(
    "matrix", [(), ("-colorspace", "bt709"), ("-colorspace", "smpte170m"), ("-colorspace", "bt2020nc")]
)
@pytest.mark.parametrize("limits", ["tv", "pc"])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p"])
def test_colours_are_those_that_ffmpeg_shows(make_clip, shown, matrix, limits, pixels):
    name = f"colours-{'-'.join(matrix)}-{limits}-{pixels}.mp4"
    options = ("-c:v", "libx264", "-qp", "4", *matrix, "-color_range", limits, "-pix_fmt", pixels)
    clip = make_clip(name, *SOURCE, "-frames:v", "2", *options)
    frames = open_video(clip).made_by.open().read(0, 2).numpy()
    assert np.abs(frames.astype(int) - shown(clip, 96, 64)).max() <= 2


def test_a_matrix_and_a_range_make_a_difference(make_clip):
    def first(*options):
        name = f"differ{'-'.join(options)}.mp4"
        clip = make_clip(
            name, *SOURCE, "-frames:v", "1", "-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv420p", *options
        )
        return open_video(clip).frame(0).astype(int)

    wide = first("-colorspace", "bt709", "-color_range", "tv")
    assert np.abs(wide - first("-colorspace", "smpte170m", "-color_range", "tv")).max() > 8


@pytest.mark.parametrize("limits", ["tv", "pc"])
def test_over_eight_bits_come_as_floats(make_clip, shown, limits):
    options = ("-c:v", "libx264", "-qp", "4", "-pix_fmt", "yuv444p10le", "-color_range", limits)
    clip = make_clip(f"ten-{limits}.mp4", *SOURCE, "-frames:v", "2", *options, "-colorspace", "bt709")
    video = open_video(clip)
    frames = video.made_by.open().read(0, 2).numpy()
    assert video.info.dtype == "float32"
    assert frames.dtype == np.float32
    assert frames.min() >= 0
    assert frames.max() <= 1
    assert np.abs(frames * 255 - shown(clip, 96, 64, "rgb48le") / 257).max() <= 2
    assert len(np.unique(frames)) > 256


def test_frames_are_contiguous_whatever_the_width(make_clip, shown):
    clip = make_clip(
        "narrow.mp4", "-f", "lavfi", "-i", "testsrc2=s=50x34:d=0.2", "-c:v", "libx264", "-pix_fmt", "yuv420p"
    )
    frame = open_video(clip).frame(0)
    assert frame.shape == (34, 50, 3)
    assert frame.flags.c_contiguous
    assert np.abs(frame.astype(int) - shown(clip, 50, 34)[0]).max() <= 2


def test_a_variable_rate_is_conformed_by_time(make_clip, straight):
    # Frames 0 to 29 at 30 a second, then every third: 10 a second.
    pick = "select='lt(n,30)+not(mod(n,3))'"
    clip = make_clip(
        "variable.mkv", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=30:d=3", "-vf", pick, "-vsync", "vfr",
        "-c:v", "libx264", "-pix_fmt", "yuv420p",
    )  # fmt: skip
    expected, video = straight(clip), open_video(clip)
    assert len(expected) == 50
    file = file_of(video)
    times = [Fraction(int(time)) * file.index.time_base for time in file.index.times]
    end = file.index.end * file.index.time_base
    assert abs(video.info.rate - 50 / end) <= video.info.rate / 500
    assert video.info.frames == -(-end * video.info.rate // 1)
    frames = video.made_by.open().read(0, video.info.frames).numpy()
    for number, frame in enumerate(frames):
        on_screen = max(k for k, moment in enumerate(times) if moment <= number / video.info.rate)
        assert np.array_equal(frame, expected[on_screen])


@pytest.mark.parametrize("rate", ["24000/1001", "24", "30000/1001", "60"])
@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_a_constant_rate_is_exact_and_keeps_every_frame_once(make_clip, rate, kind):
    source = f"testsrc2=s=32x32:r={rate}"
    clip = make_clip(
        f"rate-{rate.replace('/', '-')}.{kind}", "-f", "lavfi", "-i", source, "-frames:v", "100", "-c:v", "libx264"
    )
    info = open_video(clip).info
    assert (info.rate, info.frames) == (Fraction(rate), 100)


def test_an_edit_list_that_cuts_the_start_is_honoured(make_clip, shown, long_clip):
    clip = make_clip("cut.mp4", "-ss", "1.2", "-i", long_clip, "-c", "copy", "-t", "2")
    expected, video = shown(clip, 96, 64), open_video(clip)
    assert video.info.frames == len(expected)
    frames = video.made_by.open().read(0, video.info.frames).numpy()
    assert np.abs(frames.astype(int) - expected).max() <= 2


def test_a_start_that_is_not_zero_changes_nothing(make_clip, straight):
    options = ("-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p")
    clip = make_clip("late.ts", *SOURCE, "-frames:v", "40", *options, "-output_ts_offset", "100")
    check_all(open_video(clip), straight(clip), [39, 0, 25, 11])


def test_what_can_be_read_of_a_broken_file_is_read(make_clip, straight, tmp_path):
    whole = make_clip("whole.mkv", *SOURCE, "-frames:v", "60", "-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p")
    expected = straight(whole)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) * 6 // 10])
    video = open_video(cut)
    assert 20 < video.info.frames < 60
    frames = video.made_by.open().read(0, video.info.frames)
    assert np.array_equal(frames[0], expected[0])
    assert np.array_equal(frames[15], expected[15])


@pytest.mark.parametrize(("broken", "shows"), [(12, 11), (0, 1), (19, 18)])
def test_a_frame_that_cannot_be_decoded_repeats_the_last_good_one(make_clip, straight, tmp_path, broken, shows):
    # Every frame on its own, so that one that is broken leaves the others alone.
    clip = make_clip("each.mkv", *SOURCE, "-frames:v", "20", "-c:v", "magicyuv", "-pix_fmt", "gbrp")
    expected, data = straight(clip), bytearray(clip.read_bytes())
    with av.open(str(clip)) as found:
        body = bytes([packet for packet in found.demux(video=0) if packet.size][broken])
    at = data.index(body)
    data[at : at + len(body)] = b"\0" * len(body)
    path = tmp_path / "broken.mkv"
    path.write_bytes(data)
    reader = open_video(path).made_by.open()
    for number in (broken, 3, broken, 13, 0, 19):
        wanted = expected[shows if number == broken else number]
        assert np.array_equal(reader.read(number, number + 1)[0], wanted)
    reader.close()


@pytest.mark.parametrize("content", [b"", b"hello\n" * 100, b"#EXTM3U\n#EXTINF:1,\nclip.ts\n", b"\0" * 5000])
@pytest.mark.parametrize("name", ["clip.mp4", "notes.txt", "clip.mkv", "list.m3u8", "x%03d.png"])
def test_what_is_no_media_file_is_named_so(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    for opened in (probe, open_video, open_audio):
        with pytest.raises(MediaError, match=name):
            opened(path)


def test_a_missing_file_and_a_folder_are_named_so(tmp_path):
    for opened in (probe, open_video, open_audio):
        with pytest.raises(MediaError, match="no such file"):
            opened(tmp_path / "missing.mp4")
        with pytest.raises(MediaError, match="folder"):
            opened(tmp_path)


def test_a_name_that_looks_like_a_protocol_is_only_a_name(make_clip, tmp_path, monkeypatch):
    clip = make_clip("plain.mp4", *SOURCE, "-frames:v", "5", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    (tmp_path / "concat:a b%d'ä.mp4").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert open_video(Path("concat:a b%d'ä.mp4")).info.frames == 5


def test_sound_alone_is_no_video_and_silent_pictures_are_no_sound(make_clip):
    sound = make_clip("tone.wav", "-f", "lavfi", "-i", "sine=d=0.2")
    silent = make_clip("plain.mp4", *SOURCE, "-frames:v", "5", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    with pytest.raises(MediaError, match="no pictures"):
        open_video(sound)
    with pytest.raises(MediaError, match="no sound"):
        open_audio(silent)
    assert open_video(silent).audio is None


def test_probe_tells_what_is_in_a_file(make_clip):
    clip = make_clip(
        "told.mp4", *SOURCE, "-f", "lavfi", "-i", "sine=r=44100", "-t", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv", "-c:a", "aac",
    )  # fmt: skip
    about = probe(clip)
    assert (about.picture.codec, about.picture.width, about.picture.height, about.picture.depth) == ("h264", 96, 64, 8)
    picture = about.picture
    assert (picture.range, picture.matrix, picture.primaries, picture.transfer) == ("limited", *["bt709"] * 3)
    assert (about.sound.codec, about.sound.rate, about.sound.layout) == ("aac", 44100, "mono")
    assert about.duration is not None
    assert abs(about.duration - 1) < Fraction(1, 10)


def test_real_clips_equal_their_straight_decode(real_media, straight):
    clip = real_media / "bikes.mp4"
    expected = straight(clip)
    check_all(open_video(clip), expected, [249, 0, 100, 101, 102, 17])
