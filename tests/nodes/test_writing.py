"""save_video, save_image, save_report: the files hold what came in, as other programs read them."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, gradient, picture, pixels, samples, tone
from vidflow.api import Image, NodeError, Report, Video, media
from vidflow.errors import GraphError


def probed(path: Path) -> dict[str, dict[str, Any]]:
    """What ffprobe says of the file's streams, by their kind; frames are counted, not believed."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


def shown(path: Path, width: int, height: int) -> np.ndarray:
    """The frames of the file as ffmpeg shows them."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vsync", "passthrough", "-pix_fmt", "rgb24"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def heard(path: Path, channels: int) -> np.ndarray:
    """The sound of the file as ffmpeg plays it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vn", "-f", "f32le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, channels)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25)])
def test_h264_has_the_frames_size_rate_and_sound_that_came_in(
    call: Call, tmp_path: Path, suffix: str, rate: Fraction
) -> None:
    count = round(2 * rate)
    clip = gradient(64, 48, count)
    whole = clip.resample(None, lambda k: (k,), film(count, 64, 48, rate, silent=True).info, tone(2 * 48000))
    call("save_video", video=whole, path=f"out{suffix}")
    found = probed(tmp_path / f"out{suffix}")
    assert found["video"]["codec_name"] == "h264"
    assert (found["video"]["width"], found["video"]["height"]) == (64, 48)
    assert int(found["video"]["nb_read_frames"]) == count
    assert Fraction(found["video"]["avg_frame_rate"]) == rate
    assert (found["video"]["color_space"], found["video"]["color_range"]) == ("bt709", "tv")
    assert (found["audio"]["codec_name"], found["audio"]["channels"]) == ("aac", 2)
    assert int(found["audio"]["sample_rate"]) == 48000
    assert np.abs(shown(tmp_path / f"out{suffix}", 64, 48).astype(int) - pixels(whole)).mean() < 4
    played = heard(tmp_path / f"out{suffix}", 2)[: 2 * 48000]
    # Matroska keeps the samples that prime the encoder; they are no more than one packet.
    assert abs(len(played) - 2 * 48000) <= 2048
    assert 0.4 < np.abs(played[4800:-4800, 0]).max() < 0.6


def test_a_silent_video_is_written_without_sound(call: Call, tmp_path: Path) -> None:
    call("save_video", video=film(3, silent=True), path="out.mp4")
    assert "audio" not in probed(tmp_path / "out.mp4")


@pytest.mark.parametrize("size", [(16, 12), (17, 13), (1, 1)])
def test_ffv1_gives_frames_and_sound_back_bit_for_bit(call: Call, tmp_path: Path, size: tuple[int, int]) -> None:
    whole = film(7, *size, rate=Fraction(30000, 1001))
    call("save_video", video=whole, path="out.mkv", codec="ffv1")
    found = probed(tmp_path / "out.mkv")
    assert (found["video"]["codec_name"], found["audio"]["codec_name"]) == ("ffv1", "pcm_f32le")
    assert Fraction(found["video"]["r_frame_rate"]) == Fraction(30000, 1001)
    assert (shown(tmp_path / "out.mkv", *size) == pixels(whole)).all()
    assert np.array_equal(heard(tmp_path / "out.mkv", 2), samples(whole))


def test_a_float_video_is_kept_to_16_bits_by_ffv1(call: Call, tmp_path: Path) -> None:
    whole = film(2, deep=True, silent=True)
    call("save_video", video=whole, path="out.mkv", codec="ffv1")
    again = media.open_video(tmp_path / "out.mkv")
    assert again.info.dtype == "float32"
    assert np.abs(pixels(again) - pixels(whole)).max() <= 0.5 / 65535 + 1e-7


@pytest.mark.parametrize("size", [(17, 12), (16, 13), (33, 21), (1, 1)])
def test_odd_sizes_are_written_as_they_are(call: Call, tmp_path: Path, size: tuple[int, int]) -> None:
    call("save_video", video=gradient(*size), path="out.mp4")
    found = probed(tmp_path / "out.mp4")["video"]
    assert (found["width"], found["height"]) == size
    assert shown(tmp_path / "out.mp4", *size).shape == (5, size[1], size[0], 3)


def test_quality_and_preset_change_the_file(call: Call, tmp_path: Path) -> None:
    whole = film(10, 64, 48, silent=True)
    for name, more in {"good": {"quality": 10}, "small": {"quality": 40}, "quick": {"preset": "ultrafast"}}.items():
        call("save_video", video=whole, path=f"{name}.mp4", **more)
    sizes = {name: (tmp_path / f"{name}.mp4").stat().st_size for name in ("good", "small", "quick")}
    assert sizes["small"] * 2 < sizes["good"]
    assert len(set(sizes.values())) == 3


def test_a_film_of_several_parts_is_whole(call: Call, tmp_path: Path) -> None:
    # Parts are ten seconds long.
    whole = film(47, rate=2)
    call("save_video", video=whole, path="out.mkv", codec="ffv1")
    assert (shown(tmp_path / "out.mkv", 16, 12) == pixels(whole)).all()
    assert np.array_equal(heard(tmp_path / "out.mkv", 2), samples(whole))
    call("save_video", video=whole, path="out.mp4")
    assert int(probed(tmp_path / "out.mp4")["video"]["nb_read_frames"]) == 47


def test_going_on_with_the_next_part_reads_each_frame_once(tmp_path: Path) -> None:
    asked: list[bytes] = []
    whole = film(47, rate=2, silent=True).map(lambda frame: asked.append(frame.tobytes()) or frame)
    run = Here(tmp_path)
    CORE["save_video"].function(video=whole, path="out.mkv", codec="ffv1", run=run)
    assert asked == [frame.tobytes() for frame in pixels(film(47, rate=2))]
    assert run.steps[-1] == (47, 47)
    assert [k for k, _ in run.steps] == sorted({k for k, _ in run.steps})


class Resumed(Here):
    """A run that finds the parts of an earlier one, as a store keeps them."""

    def __init__(self, folder: Path, document: str | None = None) -> None:
        super().__init__(folder)
        self.text = document
        self.made: list[str] = []

    def part(self, name: str, make: Any) -> Path:
        """Made where it is missing."""
        path = self.folder / f"{name}.part"
        if not path.exists():
            self.made.append(name)
            make(path)
        return path

    def document(self, beside: Path) -> str | None:
        """What the test gave."""
        return self.text


@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", "mov"), ("hevc", "mp4"), ("av1", "webm"), ("prores", "mov"), ("ffv1", "mkv")]
)
def test_a_part_that_is_lost_is_made_again_and_the_film_is_the_same(tmp_path: Path, codec: str, suffix: str) -> None:
    asked: list[int] = []
    film_of_parts = gradient(64, 64, 50, 2).with_audio(tone(25 * 48000))
    numbered = {frame.tobytes(): number for number, frame in enumerate(pixels(film_of_parts))}
    whole = film_of_parts.map(lambda frame: asked.append(numbered[frame.tobytes()]) or frame)
    settings: dict[str, Any] = {"path": f"out.{suffix}", "codec": codec, "preset": "veryfast"}
    first = Resumed(tmp_path)
    CORE["save_video"].function(video=whole, run=first, **settings)
    assert (first.made, asked) == (["00000", "00001", "00002"], list(range(50)))
    film_bytes = (tmp_path / f"out.{suffix}").read_bytes()
    (tmp_path / "00001.part").unlink()
    asked.clear()
    again = Resumed(tmp_path)
    CORE["save_video"].function(video=whole, run=again, **settings)
    assert again.made == ["00001"]
    assert set(range(20, 40)) <= set(asked) <= set(range(20, 50))
    assert (tmp_path / f"out.{suffix}").read_bytes() == film_bytes
    assert int(probed(tmp_path / f"out.{suffix}")["video"]["nb_read_frames"]) == 50


@pytest.mark.parametrize(("codec", "suffix"), [("webp", "webp"), ("gif", "gif")])
def test_an_animation_is_written_without_its_sound(tmp_path: Path, codec: str, suffix: str) -> None:
    run = Resumed(tmp_path, '{"vidflow": 1}')
    whole = gradient(40, 30, 12).with_audio(tone(23040))
    CORE["save_video"].function(video=whole, path=f"out.{suffix}", codec=codec, run=run)
    assert run.notes == [f"A {codec} has no sound; that of the video is left out."]
    assert run.made == []
    passes = 2 if codec == "gif" else 1
    assert run.steps[-1] == (12 * passes, 12 * passes)
    again = media.open_video(tmp_path / f"out.{suffix}")
    assert (again.info.frames, again.info.rate, again.audio) == (12, 25, None)
    assert np.abs(pixels(again).astype(int) - pixels(whole)).mean() < 8
    assert media.read_metadata(tmp_path / f"out.{suffix}")["vidflow"] == '{"vidflow": 1}'


def test_a_gif_of_too_high_a_rate_is_slowed_down(tmp_path: Path) -> None:
    run = Here(tmp_path)
    CORE["save_video"].function(video=gradient(40, 30, 31, 60), path="out.gif", codec="gif", run=run)
    assert run.notes == [
        "Players show a gif of more than 50 frames per second slowly, so this one of 60 is written with 50."
    ]
    # 31 / 60 of a second are 25.8 frames at 50 a second.
    assert int(probed(tmp_path / "out.gif")["video"]["nb_read_frames"]) == 26


@pytest.mark.parametrize("seconds", [0.5, 2, 4.5])
@pytest.mark.parametrize(("codec", "suffix"), [("h264", "mp4"), ("ffv1", "mkv")])
def test_the_sound_ends_with_the_picture(tmp_path: Path, codec: str, suffix: str, seconds: float) -> None:
    whole = gradient(32, 24, 50).with_audio(tone(int(seconds * 48000)))
    CORE["save_video"].function(video=whole, path=f"out.{suffix}", codec=codec, run=Here(tmp_path))
    played = heard(tmp_path / f"out.{suffix}", 2)
    assert 0 <= len(played) - 2 * 48000 <= (1024 if codec == "h264" else 0)
    assert np.abs(played[: int(min(seconds, 2) * 48000)]).max() > 0.4
    assert np.abs(played[int(seconds * 48000) + 2000 :]).max(initial=0) < 0.01


@pytest.mark.parametrize("embed", [True, False])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_movie_carries_its_graph_unless_it_shall_not(tmp_path: Path, suffix: str, embed: bool) -> None:
    text = json.dumps({"vidflow": 1, "nodes": {"名": {"type": "x" * 5000}}}, ensure_ascii=False)
    run = Resumed(tmp_path, text)
    CORE["save_video"].function(video=gradient(), path=f"out.{suffix}", embed_graph=embed, run=run)
    assert media.read_metadata(tmp_path / f"out.{suffix}").get("vidflow") == (text if embed else None)
    assert media.open_video(tmp_path / f"out.{suffix}").info.frames == 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"codec": "h264", "depth": 10}, "h264 is written with 8 bits, not 10"),
        ({"codec": "av1"}, "av1 takes pictures from 64x64"),
        ({"codec": "prores", "path": "out.mp4"}, r"prores is written as \.mov, not '\.mp4'"),
        ({"codec": "prores", "path": "out.mov", "encoder": "nvenc"}, "NVENC encodes h264, hevc or av1, not prores"),
        ({"path": "out.gif"}, "or choose the codec gif"),
    ],
)
def test_what_cannot_be_encoded_is_said_before_a_frame_is_made(
    call: Call, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    def refuse(frame: np.ndarray) -> np.ndarray:
        raise AssertionError("a frame was made")

    with pytest.raises(NodeError, match=said):
        call("save_video", video=film(3).map(refuse), **{"path": "out.mp4", **settings})
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob("out*")) == []


def test_an_image_is_a_film_of_one_frame(call: Call, tmp_path: Path) -> None:
    call("save_video", video=picture(), path="out.mkv", codec="ffv1")
    assert (shown(tmp_path / "out.mkv", 16, 12) == pixels(picture())).all()


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_suffix_that_the_codec_is_not_written_to_is_refused(call: Call, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(NodeError) as caught:
        call("save_video", video=film(2), path=f"out.{suffix}", codec="ffv1")
    able = "h264, hevc or av1" if suffix == "mp4" else "h264, hevc or prores"
    instead = f"change the ending, or choose the codec {able}."
    assert str(caught.value) == f"ffv1 is written as .mkv, not '.{suffix}'; {instead}"
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize(
    ("type", "name", "said"),
    [
        ("save_video", "out.avi", "'out.avi' ends in '.avi'; expected .mp4, .mov, .mkv, .webm, .webp, .gif."),
        ("save_image", "out.gif", "'out.gif' ends in '.gif'; expected .png, .jpg, .jpeg, .webp."),
        ("save_report", "out.txt", "'out.txt' ends in '.txt'; expected .json."),
    ],
)
def test_another_suffix_is_refused_before_the_run(in_graph: InGraph, type: str, name: str, said: str) -> None:
    given: dict[str, Any] = {
        "save_video": {"video": film(2)},
        "save_image": {"image": picture()},
        "save_report": {"report": Report({})},
    }[type]
    with pytest.raises(GraphError) as caught:
        in_graph(type, path=name, **given)
    assert f"it.path: {said}" in str(caught.value)


@pytest.mark.parametrize("inputs", [{"quality": 52}, {"quality": -1}, {"preset": "placebo"}, {"codec": "vp9"}])
def test_a_setting_that_makes_no_sense_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("save_video", video=film(1), path="out.mp4", **inputs)


def test_a_sink_gives_the_path_of_the_file(in_graph: InGraph, tmp_path: Path) -> None:
    assert in_graph("save_image", image=picture(), path="deep/out.png") == str(tmp_path / "deep" / "out.png")


def read(path: Path) -> np.ndarray:
    """A picture as OpenCV reads it, in RGB."""
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]


def test_a_png_holds_the_picture_exactly(call: Call, tmp_path: Path) -> None:
    call("save_image", image=picture(), path="out.png")
    assert (read(tmp_path / "out.png") == picture().numpy()).all()


def test_a_float_picture_becomes_a_png_of_16_bits(call: Call, tmp_path: Path) -> None:
    still = picture(deep=True)
    call("save_image", image=still, path="out.png")
    found = read(tmp_path / "out.png")
    assert found.dtype == np.uint16
    assert np.abs(found / 65535 - still.numpy()).max() <= 0.5 / 65535 + 1e-7


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".JPG"])
def test_jpeg_and_webp_have_a_quality(call: Call, tmp_path: Path, suffix: str) -> None:
    still = Image.from_frame(gradient(64, 48).frame(0))
    call("save_image", image=still, path=f"good{suffix}")
    call("save_image", image=still, path=f"small{suffix}", quality=5)
    good, small = (tmp_path / f"{name}{suffix}" for name in ("good", "small"))
    assert small.stat().st_size < good.stat().st_size
    assert np.abs(read(good).astype(int) - still.numpy()).mean() < 4


def test_a_report_is_written_as_json(call: Call, tmp_path: Path) -> None:
    found = {"scores": {"sharpness": 0.25}, "overall": 1, "名": ["海", None, True]}
    call("save_report", report=Report(found), path="out.json")
    text = (tmp_path / "out.json").read_text("utf-8")
    assert json.loads(text) == found
    assert "海" in text
    assert text.endswith("}\n")


def test_an_older_file_is_replaced_only_by_a_whole_one(in_graph: InGraph, tmp_path: Path) -> None:
    (tmp_path / "out.mkv").write_text("older", "utf-8")

    def refuse(frame: np.ndarray) -> np.ndarray:
        raise ValueError("not this one")

    broken = Video.joined([film(30, silent=True), film(2).map(refuse)])
    with pytest.raises(NodeError, match=r"given\d+: ValueError: not this one"):
        in_graph("save_video", video=broken, path="out.mkv", codec="ffv1")
    assert (tmp_path / "out.mkv").read_text("utf-8") == "older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.mkv", "store"]
    in_graph("save_video", video=film(3), path="out.mkv", codec="ffv1")
    assert (shown(tmp_path / "out.mkv", 16, 12) == pixels(film(3))).all()
