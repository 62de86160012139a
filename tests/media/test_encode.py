"""Videos into files: parts that join to one film, which others play as we meant it."""

from __future__ import annotations

import subprocess
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidflow.errors import MediaError
from vidflow.media.codecs import CODECS, Encoding
from vidflow.media.decode import open_video
from vidflow.media.encode import PartWriter
from vidflow.media.joining import join
from vidflow.values import Audio, Frames, VideoInfo

FAST = Encoding(preset="veryfast")


def film(width: int, height: int, count: int, dtype: str = "uint8") -> np.ndarray:
    """Smooth colours that move."""
    y, x, k = np.mgrid[0:height, 0:width, 0:count].astype(np.float32)
    waves = [np.sin((x * a + y * b + k * 3) / 17) for a, b in ((1, 0.3), (0.4, 1), (0.7, -0.6))]
    frames = np.stack(waves, -1).transpose(2, 0, 1, 3) * 0.45 + 0.5
    return frames if dtype == "float32" else np.rint(frames * 255).astype(np.uint8)


def write(folder: Path, frames: np.ndarray, encoding: Encoding, cuts: list[int], rate: Fraction = Fraction(25)):
    """Parts of `frames` that end at `cuts`, and the info of the whole."""
    count, height, width, _ = frames.shape
    info = VideoInfo(width, height, rate, count, "uint8" if frames.dtype == np.uint8 else "float32")
    paths = []
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, count], strict=True)):
        paths.append(folder / f"part{number}")
        with PartWriter(paths[-1], info, encoding) as part:
            for at in range(start, stop, 7):
                part.write(Frames(frames[at : min(at + 7, stop)]))
    return paths, info


def pictures(path: Path) -> np.ndarray:
    """All frames of a file."""
    video = open_video(path)
    with closing(video.made_by.open()) as reader:
        return reader.read(0, video.info.frames).numpy()


@pytest.mark.parametrize("suffix", CODECS["h264"].suffixes)
@pytest.mark.parametrize("cuts", [[], [30], [30, 31, 33, 50], [1, 2]])
def test_joined_parts_are_one_film_with_exact_times(tmp_path, ffprobe, suffix, cuts):
    rate = Fraction(30000, 1001)
    parts, info = write(tmp_path, film(96, 64, 60), FAST, cuts, rate)
    target = tmp_path / f"film{suffix}"
    join(parts, target, info, FAST)
    assert np.array_equal(pictures(target), np.concatenate([pictures(part) for part in parts]))
    packets = ffprobe(target, "packet=pts,dts,flags")["packets"]
    base = Fraction(ffprobe(target, "stream=time_base")["streams"][0]["time_base"])
    times = sorted(packet["pts"] * base for packet in packets)
    tolerance = Fraction(1, 1000) if suffix == ".mkv" else 0
    assert len(times) == 60
    assert all(abs(time - number / rate) <= tolerance for number, time in enumerate(times))
    assert sum("K" in packet["flags"] for packet in packets) == len(cuts) + 1
    if suffix != ".mkv":
        decoding = [packet["dts"] for packet in packets]
        assert decoding == sorted(set(decoding))
        assert all(packet["dts"] <= packet["pts"] for packet in packets)


def test_a_film_looks_as_it_was_and_is_tagged(tmp_path, ffprobe, shown):
    frames = film(96, 64, 10)
    parts, info = write(tmp_path, frames, Encoding(quality=1), [])
    target = tmp_path / "film.mp4"
    join(parts, target, info, FAST)
    for found in (pictures(target), shown(target, 96, 64)):
        off = found.astype(int) - frames
        assert np.abs(off).mean() < 3
        # FFmpeg's quick way to RGB rounds down; beyond that no colour leans one way.
        assert np.ptp(off.mean(axis=(0, 1, 2))) < 1
    wanted = "codec_name,pix_fmt,color_range,color_space,color_primaries,color_transfer,r_frame_rate"
    stream = ffprobe(target, f"stream={wanted}")["streams"][0]
    assert (stream["codec_name"], stream["pix_fmt"], stream["color_range"]) == ("h264", "yuv420p", "tv")
    assert {stream[key] for key in ("color_space", "color_primaries", "color_transfer")} == {"bt709"}
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_become_yuv_to_within_a_level(tmp_path):
    frames = film(64, 48, 1)
    parts, _ = write(tmp_path, frames, Encoding(quality=0), [])
    with av.open(str(parts[0])) as found:
        planes = next(found.decode(video=0)).planes
        luma, blue, red = (
            np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width] for plane in planes
        )
    r, g, b = np.moveaxis(frames[0].astype(float), -1, 0)
    # BT.709, limited range (ITU-R BT.709-6, items 3.2 to 3.5).
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    assert np.abs(luma - (16 + y * 219 / 255)).max() <= 1
    for plane, colour, scale in ((blue, b, 1.8556), (red, r, 1.5748)):
        whole = 128 + (colour - y) / scale * 224 / 255
        halved = whole.reshape(24, 2, 32, 2).mean(axis=(1, 3))
        assert np.abs(plane - halved).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(77, 101), (64, 33), (33, 64), (2, 2), (1, 1)])
def test_odd_sizes_keep_their_size(tmp_path, ffprobe, shown, width, height):
    frames = film(width, height, 5)
    parts, info = write(tmp_path, frames, Encoding(quality=4), [2])
    target = tmp_path / "odd.mp4"
    join(parts, target, info, FAST)
    stream = ffprobe(target, "stream=width,height")["streams"][0]
    assert (stream["width"], stream["height"]) == (width, height)
    assert np.abs(pictures(target).astype(int) - frames).mean() < 4
    assert shown(target, width, height).shape == frames.shape


@pytest.mark.parametrize("size", [(77, 101), (64, 48)])
def test_ffv1_gives_frames_back_bit_for_bit(tmp_path, shown, size):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (9, size[1], size[0], 3), np.uint8)
    encoding = Encoding("ffv1")
    parts, info = write(tmp_path, frames, encoding, [4])
    target = tmp_path / "film.mkv"
    join(parts, target, info, encoding)
    assert np.array_equal(pictures(target), frames)
    assert np.array_equal(shown(target, *size), frames)


@pytest.mark.parametrize(("depth", "steps"), [(None, 65535), (16, 65535), (10, 1023), (8, 255)])
def test_ffv1_keeps_the_depth_that_is_asked_for(tmp_path, depth, steps):
    frames, encoding = film(32, 24, 4, "float32"), Encoding("ffv1", depth=depth)
    parts, info = write(tmp_path, frames, encoding, [])
    found = pictures(parts[0])
    assert found.dtype == (np.uint8 if depth == 8 else np.float32)
    got = found / 255 if depth == 8 else found
    assert np.abs(got - np.rint(frames * steps) / steps).max() * steps < 0.05
    assert info.dtype == "float32"


def test_a_float_film_is_rounded_for_h264(tmp_path):
    frames = film(32, 24, 4, "float32")
    (a,), _ = write(tmp_path, frames, FAST, [])
    (tmp_path / "whole").mkdir()
    (b,), _ = write(tmp_path / "whole", np.rint(frames * 255).astype(np.uint8), FAST, [])
    assert np.array_equal(pictures(a), pictures(b))


@pytest.mark.parametrize("suffix", CODECS["h264"].suffixes)
def test_sound_is_in_time(tmp_path, ffprobe, suffix):
    samples = np.zeros((48000 * 2, 2), np.float32)
    samples[48000:48096] = 0.9
    frames = film(32, 32, 50)
    parts, info = write(tmp_path, frames, FAST, [20])
    target = tmp_path / f"film{suffix}"
    join(parts, target, info, FAST, Audio.from_array(samples, 48000), {"comment": "made of waves"})
    found = open_video(target)
    assert abs(int(np.argmax(np.abs(found.audio.read()[:, 0]) > 0.3)) - 48000) < 60
    assert abs(found.audio.info.samples - len(samples)) < 2100
    command = ["ffmpeg", "-v", "error", "-i", str(target), "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    heard = np.frombuffer(raw, np.float32).reshape(-1, 2)
    if suffix != ".mkv":
        assert abs(int(np.argmax(np.abs(heard[:, 0]) > 0.3)) - 48000) < 60
    streams = ffprobe(target, "stream=codec_name,channels,sample_rate:format_tags")
    sound = streams["streams"][1]
    assert (sound["codec_name"], sound["channels"], sound["sample_rate"]) == ("aac", 2, "48000")
    tags = {key.lower(): value for key, value in streams["format"]["tags"].items()}
    assert tags["comment"] == "made of waves"


def test_sound_beside_ffv1_is_kept_exactly(tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, (30_000, 1)).astype(np.float32)
    encoding = Encoding("ffv1")
    parts, info = write(tmp_path, film(16, 16, 10), encoding, [])
    join(parts, tmp_path / "film.mkv", info, encoding, Audio.from_array(samples, 44100))
    assert np.array_equal(open_video(tmp_path / "film.mkv").audio.read(), samples)


@pytest.mark.parametrize(("rate", "layout", "channels"), [(44100, "mono", 1), (192_000, "quad", 4), (48000, "6.1", 7)])
def test_sound_that_aac_does_not_take_is_converted(tmp_path, rate, layout, channels):
    samples = np.full((rate, channels), 0.1, np.float32)
    parts, info = write(tmp_path, film(16, 16, 25), FAST, [])
    join(parts, tmp_path / "film.mp4", info, FAST, Audio.from_array(samples, rate, layout))
    found = open_video(tmp_path / "film.mp4").audio.info
    assert (found.rate, found.layout) == {1: (44100, "mono"), 4: (48000, "stereo"), 7: (48000, "5.1")}[channels]


def test_keys_of_ones_own_are_kept_in_mp4(tmp_path, ffprobe):
    parts, info = write(tmp_path, film(16, 16, 3), FAST, [])
    join(parts, tmp_path / "film.mp4", info, FAST, None, {"vidflow": '{"nodes": {}}', "title": "waves"})
    tags = ffprobe(tmp_path / "film.mp4", "format_tags")["format"]["tags"]
    assert (tags["vidflow"], tags["title"]) == ('{"nodes": {}}', "waves")


# At these sizes x264 with AVX-512, and left to itself, gives other bytes in about every second run.
@pytest.mark.parametrize(("width", "height"), [(320, 240), (96, 64), (336, 96)])
def test_the_same_frames_give_the_same_bytes(tmp_path, width, height):
    frames, made = film(width, height, 30), set()
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        parts, info = write(folder, frames, FAST, [11])
        join(parts, folder / "film.mp4", info, FAST, Audio.from_array(np.ones((9000, 1), np.float32) / 3, 48000))
        made.add((folder / "film.mp4").read_bytes())
    assert len(made) == 1


# x265 gave other bytes at 64x64; 10 bits became others wherever several threads made them.
@pytest.mark.parametrize(
    ("encoding", "size"),
    [
        *((Encoding("hevc", preset="fast"), size) for size in [(64, 64), (320, 240), (33, 71)]),
        (Encoding("hevc", depth=10), (66, 66)),
        (Encoding("av1", depth=10, preset="fast"), (66, 66)),
        (Encoding("av1", preset="superfast"), (320, 240)),
        (Encoding("prores"), (322, 182)),
        (Encoding("prores"), (65, 33)),
        (Encoding("ffv1"), (65, 33)),
    ],
    ids=lambda one: f"{one.codec}-{one.depth}" if isinstance(one, Encoding) else "{}x{}".format(*one),
)
def test_other_codecs_give_the_same_bytes_too(tmp_path, encoding, size):
    frames, made = film(*size, 12, "float32" if encoding.depth else "uint8"), set()
    target = tmp_path / f"film{CODECS[encoding.codec].suffixes[-1]}"
    for number in range(4):
        info = VideoInfo(*size, Fraction(25), 12, "float32" if encoding.depth else "uint8")
        parts = [tmp_path / "a", tmp_path / "b"]
        for part, start, stop in zip(parts, (0, 5), (5, 12), strict=True):
            with PartWriter(part, info, encoding) as writer:
                for at in range(start, stop, number + 1):
                    writer.write(Frames(frames[at : min(at + number + 1, stop)]))
        join(parts, target, info, encoding, Audio.from_array(np.ones((9000, 1), np.float32) / 3, 48000))
        made.add(target.read_bytes())
    assert len(made) == 1


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(preset="ultrafast"),
        Encoding(preset="slower"),
        Encoding("hevc"),
        Encoding("hevc", depth=10, preset="veryfast"),
        Encoding("av1"),
        Encoding("prores"),
    ],
    ids=lambda one: f"{one.codec}-{one.preset}",
)
def test_parts_of_other_codecs_and_presets_join_too(tmp_path, ffprobe, encoding):
    suffix, rate = CODECS[encoding.codec].suffixes[0], Fraction(30000, 1001)
    parts, info = write(tmp_path, film(96, 64, 40), encoding, [1, 20, 22], rate)
    target = tmp_path / f"film{suffix}"
    join(parts, target, info, encoding)
    assert np.array_equal(pictures(target), np.concatenate([pictures(part) for part in parts]))
    packets = ffprobe(target, "packet=pts,dts,flags")["packets"]
    base = Fraction(ffprobe(target, "stream=time_base")["streams"][0]["time_base"])
    assert sorted(packet["pts"] * base for packet in packets) == [k / rate for k in range(40)]
    decoding = [packet["dts"] for packet in packets]
    assert decoding == sorted(set(decoding))
    assert all(packet["dts"] <= packet["pts"] for packet in packets)


def test_what_cannot_be_written_is_named(tmp_path):
    frames = film(16, 16, 3)
    parts, info = write(tmp_path, frames, FAST, [])
    with pytest.raises(MediaError, match=r"ffv1 is written as \.mkv"):
        join(parts, tmp_path / "film.mp4", info, Encoding("ffv1"))
    with pytest.raises(ValueError, match="not encoded in parts"):
        PartWriter(tmp_path / "part", info, Encoding("gif"))
    with pytest.raises(MediaError, match=r"film\.mp4: cannot be written"):
        join(parts, tmp_path / "missing" / "film.mp4", info, FAST)
    with pytest.raises(MediaError, match="cannot be written"):
        PartWriter(tmp_path / "missing" / "part", info, FAST)
    with pytest.raises(MediaError, match="at least one frame"), PartWriter(tmp_path / "empty", info, FAST):
        pass
    with pytest.raises(MediaError, match="expected 16x16"), PartWriter(tmp_path / "wrong", info, FAST) as part:
        part.write(Frames(frames[:, :8]))
    short = VideoInfo(16, 16, Fraction(25), 4)
    with pytest.raises(MediaError, match="3 frames, expected 4"):
        join(parts, tmp_path / "film.mp4", short, FAST)
    parts[0].write_bytes(parts[0].read_bytes()[:200])
    with pytest.raises(MediaError, match="part0"):
        join(parts, tmp_path / "film.mp4", info, FAST)
