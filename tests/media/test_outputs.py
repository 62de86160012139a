"""Every codec in every container it is written to, read back by ffprobe, by FFmpeg and by ourselves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageSequence

from tests.media.test_encode import film, pictures
from vidflow.media.animation import write_animation
from vidflow.media.codecs import CODECS, Codec, Encoding, encoding_problem, gif_colours, setup, svt_crf, webp_quality
from vidflow.media.decode import open_video
from vidflow.media.encode import PartWriter, unavailable
from vidflow.media.joining import join
from vidflow.media.metadata import MOST_BYTES, read_metadata
from vidflow.values import Audio, Frames, VideoInfo

FfProbe = Callable[..., Any]
RATE = Fraction(30000, 1001)
COUNT = 13
PIXELS = {
    "h264": ("yuv420p", "yuv444p"),
    "hevc": ("yuv420p", "yuv444p"),
    "av1": ("yuv420p", "yuv420p"),
    # FFmpeg decodes 4444 to 12 bits.
    "prores": ("yuv422p10le", "yuv444p12le"),
    "ffv1": ("bgr0", "bgr0"),
}
DEEP_PIXELS = {
    "hevc": ("yuv420p10le", "yuv444p10le"),
    "av1": ("yuv420p10le", "yuv420p10le"),
    "prores": PIXELS["prores"],
    "ffv1": ("gbrp16le", "gbrp16le"),
}
LEAST_PSNR = {"h264": 34.0, "hevc": 34.0, "av1": 34.0, "prores": 37.0, "ffv1": 100.0, "webp": 32.0, "gif": 20.0}

FILMS = [(codec, suffix) for codec, about in CODECS.items() if about.part_format for suffix in about.suffixes]


CARRIERS = [
    ("h264", ".mp4"),
    ("h264", ".mkv"),
    ("prores", ".mov"),
    ("av1", ".webm"),
    ("webp", ".webp"),
    ("gif", ".gif"),
]


def info_of(frames: np.ndarray, rate: Fraction = RATE) -> VideoInfo:
    """What describes these frames."""
    count, height, width, _ = frames.shape
    return VideoInfo(width, height, rate, count, "uint8" if frames.dtype == np.uint8 else "float32")


def save(
    path: Path, frames: np.ndarray, encoding: Encoding, audio: Audio | None = None, rate: Fraction = RATE, **more: Any
) -> Path:
    """A file of these frames, in two parts where there are parts."""
    info, middle = info_of(frames, rate), len(frames) // 2
    if CODECS[encoding.codec].part_format is None:
        batches = [Frames(frames[at : at + 5]) for at in range(0, len(frames), 5)]
        write_animation(path, info, encoding, lambda: batches, more.get("metadata"))
        return path
    parts: list[Path] = []
    for batch in (frames[:middle], frames[middle:]):
        if len(batch):
            parts.append(path.with_name(f"part{len(parts)}"))
            with PartWriter(parts[-1], info, encoding) as part:
                part.write(Frames(batch))
    join(parts, path, info, encoding, audio, **more)
    return path


def psnr(found: np.ndarray, wanted: np.ndarray) -> float:
    """Decibels, of all channels of all frames."""
    a, b = (x / 255 if x.dtype == np.uint8 else x.astype(float) for x in (found, wanted))
    return float(-10 * np.log10(max(1e-13, np.mean((a - b) ** 2))))


def surround(layout: str, channels: int, rate: int = 44100) -> Audio:
    """A sound as long as the picture, each channel of its own pitch."""
    time = np.arange(round(COUNT / RATE * rate))[:, None] / rate
    wave = np.sin(2 * np.pi * (200 + 100 * np.arange(channels)) * time) * 0.4
    return Audio.from_array(wave.astype(np.float32), rate, layout)


@pytest.mark.parametrize("kind", ["bytes with sound", "floats without", "an odd size with sound"])
@pytest.mark.parametrize(("codec", "suffix"), FILMS)
def test_each_codec_is_written_to_each_of_its_containers(
    tmp_path: Path, ffprobe: FfProbe, codec: Codec, suffix: str, kind: str
) -> None:
    odd, deep = "odd" in kind, "floats" in kind
    width, height = (97, 65) if odd else (96, 64)
    frames = film(width, height, COUNT, "float32" if deep else "uint8")
    depth = 10 if deep and codec in ("hevc", "av1") else None
    audio = None if deep else surround("5.1", 6)
    target = save(tmp_path / f"film{suffix}", frames, Encoding(codec, depth=depth), audio)

    found = ffprobe(target, "stream:format=duration", "-count_frames")
    streams = {stream["codec_type"]: stream for stream in found["streams"]}
    seen = streams["video"]
    assert (seen["codec_name"], seen["width"], seen["height"]) == (codec, width, height)
    assert int(seen["nb_read_frames"]) == COUNT
    assert Fraction(seen["r_frame_rate"]) == RATE
    pixels = DEEP_PIXELS if deep and codec in DEEP_PIXELS else PIXELS
    assert seen["pix_fmt"] == pixels[codec][odd]
    if codec != "ffv1":
        names = ("color_range", "color_space", "color_primaries", "color_transfer")
        assert [seen[name] for name in names] == ["tv", "bt709", "bt709", "bt709"]
    tags = {"h264": "avc1", "hevc": "hvc1", "av1": "av01", "prores": "ap4h" if odd else "apch"}
    if suffix in (".mp4", ".mov"):
        assert seen["codec_tag_string"] == tags[codec]
    # Matroska counts in milliseconds, and its sound may end with a whole packet of AAC.
    assert abs(Fraction(found["format"]["duration"]) - COUNT / RATE) < Fraction(3, 100)

    video = open_video(target)
    assert (video.info.rate, video.info.frames) == (RATE, COUNT)
    assert video.info.dtype == ("uint8" if pixels[codec][odd] in ("yuv420p", "yuv444p", "bgr0") else "float32")
    assert psnr(pictures(target), frames) > LEAST_PSNR[codec]

    assert ("audio" in streams) == (not deep)
    if audio is not None:
        heard = streams["audio"]
        pcm = {"ffv1": "pcm_f32le", "prores": "pcm_s24le"}
        opus = suffix == ".webm" or (codec, suffix) == ("av1", ".mkv")
        assert heard["codec_name"] == pcm.get(codec, "opus" if opus else "aac")
        assert (heard["channels"], heard["sample_rate"]) == (6, "48000" if opus else "44100")
        command = ["ffmpeg", "-v", "error", "-i", str(target), "-f", "f32le", "-"]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
        length = Fraction(len(raw) // 24, int(heard["sample_rate"]))
        # FFmpeg 5.1 plays the last packet of AAC to its end.
        assert abs(length - COUNT / RATE) < (Fraction(1, 1000) if opus or codec in pcm else 1 / RATE)


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8)])
@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("av1", ".webm"), ("prores", ".mov")])
def test_each_loudspeaker_gets_its_channel(
    tmp_path: Path, ffprobe: FfProbe, codec: Codec, suffix: str, layout: str, channels: int
) -> None:
    target = save(tmp_path / f"film{suffix}", film(64, 64, COUNT), Encoding(codec), surround(layout, channels, 48000))
    (stream,) = ffprobe(target, "stream=channels,channel_layout", "-select_streams", "a")["streams"]
    assert (stream["channels"], stream["channel_layout"]) == (channels, layout)
    command = ["ffmpeg", "-v", "error", "-i", str(target), "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    spectrum = np.abs(np.fft.rfft(np.frombuffer(raw, np.float32).reshape(-1, channels)[4800:14400], axis=0))
    for channel in range(channels):
        # The fourth of surround is low frequencies only.
        if channels < 6 or channel != 3:
            assert round(float(spectrum[:, channel].argmax()) * 48000 / 9600 / 100) == 2 + channel


def test_sound_beside_prores_is_kept_to_24_bits(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (9000, 2)).astype(np.float32)
    samples[:3] = [[1, -1], [2, -2], [np.nan, 0]]
    target = save(tmp_path / "film.mov", film(16, 16, 5), Encoding("prores"), Audio.from_array(samples, 44100))
    command = ["ffmpeg", "-v", "error", "-i", str(target), "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    wanted = np.nan_to_num(samples).clip(-1, 1)
    assert np.abs(np.frombuffer(raw, np.float32).reshape(-1, 2) - wanted).max() <= 2**-23


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "prores", "ffv1"])
def test_one_frame_is_a_film(tmp_path: Path, ffprobe: FfProbe, codec: Codec) -> None:
    target = save(tmp_path / f"film{CODECS[codec].suffixes[0]}", film(64, 64, 1), Encoding(codec))
    assert ffprobe(target, "stream=nb_read_frames", "-count_frames")["streams"][0]["nb_read_frames"] == "1"
    assert open_video(target).info.frames == 1


@pytest.mark.parametrize("codec", ["h264", "prores", "ffv1", "webp", "gif"])
def test_one_pixel_is_a_film(tmp_path: Path, codec: Codec) -> None:
    frames = np.full((3, 1, 1, 3), 200, np.uint8)
    target = save(tmp_path / f"film{CODECS[codec].suffixes[0]}", frames, Encoding(codec))
    video = open_video(target)
    assert (video.info.width, video.info.height, video.info.frames) == (1, 1, 3)
    assert psnr(pictures(target), frames) > 34


def test_what_an_encoder_does_not_take_is_said(tmp_path: Path) -> None:
    def said(width: int, height: int, suffix: str | None = None, **settings: Any) -> str | None:
        return encoding_problem(VideoInfo(width, height, RATE, 3), Encoding(**settings), suffix)

    assert said(64, 64) is None
    assert said(17, 65, codec="av1") == (
        "av1 takes pictures from 64x64 to 16384x8704 pixels, not 17x65; resize them, or choose another codec."
    )
    assert "from 32x32" in (said(16, 100, codec="hevc") or "")
    assert "to 16383x16383 pixels, not 20000x2" in (said(20000, 2) or "")
    assert "16383" in (said(16384, 2, codec="webp") or "")
    assert said(20000, 20000, codec="ffv1") == "pictures of 20000x20000 are too large to be encoded; resize them."
    assert said(64, 64, depth=10) == (
        "h264 is written with 8 bits, not 10; leave depth out, or choose hevc, av1, prores or ffv1."
    )
    assert said(64, 64, ".mp4", codec="gif") == (
        "gif is written as .gif, not '.mp4'; change the ending, or choose the codec h264, hevc or av1."
    )
    assert said(64, 64, ".WEBM", codec="av1") is None
    assert "NVENC encodes h264, hevc or av1, not prores" in (said(64, 64, codec="prores", encoder="nvenc") or "")
    assert "even sizes only" in (said(65, 64, encoder="nvenc") or "")
    with pytest.raises(ValueError, match="parts"):
        PartWriter(tmp_path / "part", VideoInfo(8, 8, RATE, 1), Encoding("webp"))


def test_without_nvenc_it_is_said_and_software_is_always_there() -> None:
    info = VideoInfo(640, 360, RATE, 3)
    assert unavailable(info, Encoding()) is None
    for codec in ("h264", "hevc", "av1"):
        told = unavailable(info, Encoding(codec, encoder="nvenc"))
        assert told is None or told.endswith("choose the encoder `software`.")


def test_a_quality_means_the_same_for_all() -> None:
    assert [svt_crf(quality) for quality in (0, 10, 18, 23, 28, 33, 51)] == [1, 5, 20, 35, 50, 63, 63]
    assert [webp_quality(quality) for quality in (10, 18, 28, 51)] == [97, 92, 57, 1]
    for ladder in (svt_crf, lambda quality: -webp_quality(quality)):
        steps = [ladder(quality) for quality in range(52)]
        assert steps == sorted(steps)
    profiles = [
        setup(info_of(film(16, 16, 1)), Encoding("prores", quality)).options["profile"] for quality in (18, 23, 28, 29)
    ]
    assert profiles == ["hq", "standard", "lt", "proxy"]


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "webp", "gif"])
def test_a_lower_quality_is_smaller(tmp_path: Path, codec: Codec) -> None:
    frames, suffix = film(96, 64, 8), CODECS[codec].suffixes[0]
    sizes = [
        save(tmp_path / f"{quality}{suffix}", frames, Encoding(codec, quality, "veryfast")).stat().st_size
        for quality in (18, 30, 45)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < sizes[0] * 0.8


# Animations


def webp_frames(path: Path) -> np.ndarray:
    """The frames of an animated WebP as Pillow, which has libwebp's own decoder, shows them."""
    with Pillow.open(path) as found:
        return np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(found)])


def durations(path: Path) -> list[int]:
    """Milliseconds of each frame, as Pillow reads them."""
    with Pillow.open(path) as found:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(found) if frame.load() is not None]


def still_then_moving(count: int = 60) -> np.ndarray:
    """A ground that stands still, with a block that moves, and stands from time to time."""
    frames = np.repeat(film(40, 30, 1), count, axis=0)
    for number in range(count):
        left = min(number, 20)
        frames[number, 9:18, left : left + 9] = (250, 10, 120)
    return frames


@pytest.mark.parametrize("quality", [0, 18])
def test_an_animated_webp_shows_the_frames(tmp_path: Path, quality: int) -> None:
    frames = still_then_moving()
    target = save(tmp_path / "film.webp", frames, Encoding("webp", quality))
    shown = webp_frames(target)
    assert shown.shape == frames.shape
    if quality == 0:
        assert np.array_equal(shown, frames)
        assert np.array_equal(pictures(target), frames)
    else:
        assert psnr(shown, frames) > 27
    assert open_video(target).info.frames == len(frames)
    # Nothing changes from frame 21 on, but each 50th is whole.
    whole = save(tmp_path / "moving.webp", film(40, 30, 60), Encoding("webp", quality))
    assert target.stat().st_size < whole.stat().st_size / 2
    with Pillow.open(target) as found:
        assert found.info["loop"] == 0


def test_what_moves_in_a_webp_leaves_nothing_behind(tmp_path: Path) -> None:
    frames = still_then_moving()
    moving = webp_frames(save(tmp_path / "film.webp", frames, Encoding("webp", 10)))
    worst = np.abs(moving.astype(int) - frames).max(axis=(1, 2, 3))
    alone = webp_frames(save(tmp_path / "one.webp", frames[:1], Encoding("webp", 10)))
    assert worst.max() <= np.abs(alone.astype(int) - frames[:1]).max() + 40
    assert np.abs(moving.astype(int) - frames).mean() < 5


@pytest.mark.parametrize("dither", ["ordered", "diffused", "none"])
def test_a_gif_shows_the_frames(tmp_path: Path, shown: Callable[..., np.ndarray], dither: Any) -> None:
    frames = film(96, 64, COUNT)
    target = save(tmp_path / "film.gif", frames, Encoding("gif", dither=dither))
    seen = shown(target, 96, 64)
    assert seen.shape == frames.shape
    assert psnr(seen, frames) > 24
    assert np.abs(seen.astype(float).mean(axis=(1, 2)) - frames.astype(float).mean(axis=(1, 2))).max() < 4
    assert np.array_equal(pictures(target), seen)
    with Pillow.open(target) as found:
        assert found.info["loop"] == 0
        assert "transparency" not in found.info


def test_a_gif_of_few_colours_is_exact(tmp_path: Path, shown: Callable[..., np.ndarray]) -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)
    chance = np.random.default_rng(0)
    frames = np.repeat(np.repeat(colours[chance.integers(0, 4, (6, 6, 8))], 5, 1), 5, 2)
    target = save(tmp_path / "film.gif", frames, Encoding("gif"))
    assert np.array_equal(shown(target, 40, 30), frames)


@pytest.mark.parametrize("codec", ["webp", "gif"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(12), RATE, Fraction(50)])
def test_frames_of_animations_begin_at_the_nearest_tick(tmp_path: Path, codec: Codec, rate: Fraction) -> None:
    ticks = 1000 if codec == "webp" else 100
    target = save(tmp_path / f"film.{codec}", film(16, 16, 40), Encoding(codec), rate=rate)
    found = durations(target)
    starts = [sum(found[:number]) * ticks // 1000 for number in range(41)]
    assert starts[:40] == [round(ticks * number / rate) for number in range(40)]
    assert starts[40] == int(ticks * 40 / rate)
    assert all(a < b for a, b in pairwise(starts))
    video = open_video(target)
    assert video.info.frames == 40
    assert abs(video.info.rate - rate) < rate / 50


@pytest.mark.parametrize("codec", ["webp", "gif"])
def test_an_animation_holds_no_more_than_a_few_frames(tmp_path: Path, codec: Codec) -> None:
    code = f"""
import resource, sys
from pathlib import Path
import numpy as np
from vidflow.media.animation import write_animation
from vidflow.media.codecs import Encoding
from vidflow.values import Frames, VideoInfo
ground = np.random.default_rng(0).integers(0, 64, (270, 480, 3), np.uint8).repeat(1, 0)
def peak(count):
    frames = lambda: (Frames([np.roll(ground, k, 1)]) for k in range(count))
    info = VideoInfo(480, 270, 25, count)
    write_animation(Path(sys.argv[1]), info, Encoding("{codec}", 40), frames)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peak(10), peak(90))
"""
    command = [sys.executable, "-c", code, str(tmp_path / f"film.{codec}")]
    few, many = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    # Eighty frames are 41 MB as the filters hold them.
    assert many - few < 15


@pytest.mark.parametrize("codec", ["webp", "gif"])
def test_an_animation_has_the_same_bytes_each_time(tmp_path: Path, codec: Codec) -> None:
    frames = film(66, 50, 9, "float32")
    made: set[bytes] = set()
    for size in (1, 2, 9):
        batches = [Frames(frames[at : at + size]) for at in range(0, 9, size)]
        write_animation(tmp_path / f"film.{codec}", info_of(frames), Encoding(codec), lambda batches=batches: batches)
        made.add((tmp_path / f"film.{codec}").read_bytes())
    assert len(made) == 1


# What a file carries


@pytest.mark.parametrize("length", [0, 40, 70_000, 1_000_000])
@pytest.mark.parametrize(("codec", "suffix"), CARRIERS)
def test_a_graph_comes_back_whole(tmp_path: Path, codec: Codec, suffix: str, length: int) -> None:
    text = json.dumps({"vidflow": 1, "名": "海\n\"'=;#\\" + "x" * length}, ensure_ascii=False)
    audio = surround("stereo", 2) if codec not in ("webp", "gif") else None
    target = save(
        tmp_path / f"film{suffix}", film(64, 64, 3), Encoding(codec), audio, metadata={"vidflow": text, "Title": "Sea"}
    )
    found = read_metadata(target)
    assert found["vidflow"] == text
    assert found["title"] == "Sea"
    assert found.keys() <= {"vidflow", "title", "encoder"}
    assert open_video(target).info.frames == 3
    if codec == "webp":
        assert len(webp_frames(target)) == 3
    elif codec != "gif":
        command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", str(target)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["format"]["tags"]
        assert {key.lower(): value for key, value in said.items()}["vidflow"] == text


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_texts_that_ffmpeg_wrote_are_read(tmp_path: Path, make_clip: Callable[..., Path], suffix: str) -> None:
    vidflow = ("-metadata", "vidflow={}", "-metadata", "title=Sea", "-metadata:s:v", "title=not this")
    codec = ("-c:v", "libvpx") if suffix == "webm" else ()
    free = ("-movflags", "use_metadata_tags") if suffix in ("mp4", "mov") else ()
    source = ("-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2")
    found = read_metadata(make_clip(f"a.{suffix}", *source, *vidflow, *codec, *free))
    assert (found["vidflow"], found["title"]) == ("{}", "Sea")
    if suffix == "mp4":
        plain = read_metadata(make_clip("b.mp4", *source, "-metadata", "title=Sea", "-metadata", "comment=hm"))
        assert (plain["title"], plain["comment"]) == ("Sea", "hm")
    live = make_clip("c.mkv", *source, *vidflow, "-live", "1")
    assert read_metadata(live)["vidflow"] == "{}"


def test_files_that_carry_nothing_give_nothing(tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"{}", "riff": b"RIFF\xff\xff\xff\xffWEBP", "gif": b"GIF89a"}.items():
        (tmp_path / name).write_bytes(data)
        assert read_metadata(tmp_path / name) == {}
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((3, 3, 3), np.uint8))
    assert read_metadata(tmp_path / "a.png") == {}


def test_a_text_that_is_a_bomb_is_left_out(tmp_path: Path) -> None:
    long = (MOST_BYTES + 1).to_bytes(4, "big")
    data = b"\0\0\0\x10ftypisom\0\0\0\0" + long + b"moov" + b"\0" * 8
    (tmp_path / "claims.mp4").write_bytes(data)
    with (tmp_path / "is.mp4").open("wb") as file:
        entry = b"data\0\0\0\x01\0\0\0\0"
        sizes = [MOST_BYTES + 100 - 8 * n for n in range(5)]
        names = (b"moov", b"udta", b"ilst", b"\xa9nam")
        file.write(b"\0\0\0\x10ftypisom\0\0\0\0")
        file.write(sizes[0].to_bytes(4, "big") + b"moov" + sizes[1].to_bytes(4, "big") + b"meta\0\0\0\0")
        for size, name in zip((sizes[1] - 12, sizes[1] - 20), names[2:], strict=True):
            file.write(size.to_bytes(4, "big") + name)
        file.write((sizes[1] - 28).to_bytes(4, "big") + entry)
        file.truncate(16 + sizes[0])
    for name in ("claims", "is"):
        assert read_metadata(tmp_path / f"{name}.mp4") == {}


def test_damaged_files_give_what_is_whole_and_never_a_traceback(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    kinds = [("h264", ".mp4"), ("av1", ".webm"), ("gif", ".gif"), ("webp", ".webp")]
    for codec, suffix in kinds:
        whole = save(tmp_path / f"film{suffix}", film(64, 64, 2), Encoding(codec), metadata={"vidflow": "{}" * 50})
        data = whole.read_bytes()
        for trial in range(150):
            broken = np.frombuffer(data, np.uint8).copy()
            at = chance.integers(0, min(len(data), 3000), 1 + trial % 7)
            broken[at] = chance.integers(0, 256, len(at))
            (tmp_path / "broken").write_bytes(broken[: int(chance.integers(8, len(data)))].tobytes())
            assert isinstance(read_metadata(tmp_path / "broken"), dict)


def test_the_page_on_formats_says_what_is_so() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    for codec, about in CODECS.items():
        endings = " ".join(f"`{suffix}`" for suffix in about.suffixes)
        sizes = f"{about.smallest}x{about.smallest} to {about.largest[0]}x{about.largest[1]}"
        assert f"| `{codec}` | {endings} | {sizes} | {', '.join(map(str, about.depths))}" in page
        assert about.fastest is None or f"up to {about.fastest} frames per second" in page
    qualities = (0, 10, 14, 18, 23, 28, 33, 51)
    steps = " | ".join(str(svt_crf(quality)) for quality in qualities)
    assert f"| `av1`: CRF of SVT-AV1 | {steps} |" in page
    steps = " | ".join(str(webp_quality(quality)) for quality in qualities[1:])
    assert f"| `webp`: quality | lossless | {steps} |" in page
    steps = " | ".join(str(gif_colours(quality)) for quality in qualities)
    assert f"| `gif`: colours | {steps} |" in page
