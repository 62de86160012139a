"""Every sample graph runs as it stands, and gives what it promises."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import pytest

import vidflow
from vidflow import places
from vidflow.graph.advice import advice
from vidflow.graph.check import check
from vidflow.graph.files import dump, load
from vidflow.graph.paths import paths_for
from vidflow.media.decode import open_video
from vidflow.nodespec.registry import installed

SAMPLES = sorted(path.name for path in places.samples().glob("*.json"))
FILMS = {
    "first_cut.json": ("first_cut.mp4", 960, 540, Fraction(25), 270, 48_000),
    "first_film.json": ("first_film.mp4", 896, 512, Fraction(24), 129, 44_100),
    "new_soundtrack.json": ("new_soundtrack.mp4", 960, 400, Fraction(24000, 1001), 120, 48_000),
    "postcards.json": ("postcards.mp4", 360, 360, Fraction(25), 80, 48_000),
    "reverse_loop.json": ("reverse_loop.mp4", 480, 270, Fraction(24), 240, 44_100),
    "score_and_pick.json": ("best_take.mp4", 480, 270, Fraction(25), 50, None),
    "sharpen_to_4k.json": ("lanterns_4k.mp4", 3840, 2160, Fraction(24), 1, 44_100),
    "slow_motion_quarter.json": ("slow_motion.mp4", 480, 270, Fraction(25), 160, 48_000),
    "smooth_24_to_60.json": ("smooth_60.mp4", 480, 270, Fraction(60), 300, 44_100),
    "unify_colour.json": ("unify_colour.mp4", 960, 540, Fraction(24), 144, 44_100),
}
QUICK: dict[str, dict[str, object]] = {"sharpen_to_4k.json": {"part.end": 49}}
"""Settings that make less of a film that takes its time."""
SHOT = {"shot.width": 32, "shot.height": 32, "shot.steps": 2}
INNER: dict[str, object] = {
    f"{shot}/sample.{name}": value
    for shot in ("harbour", "boat", "sea")
    for name, value in {"width": 32, "height": 32, "steps": 2, "frames": 21}.items()
}
GENERATED: dict[str, tuple[str, dict[str, object], str, int, Fraction]] = {
    "image_to_video_svd.json": ("svd", {**SHOT, "shot.frames": 3}, "mountains_svd.mp4", 3, Fraction(7)),
    "folder_of_stills_to_video.json": ("svd", {**SHOT, "shot.frames": 3}, "still-mountains.mp4", 3, Fraction(7)),
    "text_to_video_animatediff.json": (
        "stable_diffusion",
        {**SHOT, "shot.frames": 4},
        "boat_animatediff.mp4",
        4,
        Fraction(8),
    ),
    "text_to_video_cogvideox.json": ("cogvideox", {**SHOT, "shot.frames": 9}, "boat_cogvideox.mp4", 9, Fraction(8)),
    "text_to_video_hunyuan.json": ("hunyuan", {**SHOT, "shot.frames": 5}, "boat_hunyuan.mp4", 5, Fraction(24)),
    "text_to_video_ltx.json": ("ltx", {**SHOT, "shot.frames": 9}, "boat_ltx.mp4", 9, Fraction(25)),
    "text_to_video_mochi.json": ("mochi", {**SHOT, "shot.frames": 7}, "boat_mochi.mp4", 7, Fraction(30)),
    "text_to_video_wan.json": ("wan", {**SHOT, "shot.frames": 5}, "boat_wan.mp4", 5, Fraction(16)),
    "three_shot_film.json": ("wan", INNER, "three_shots.mp4", 3 * 21 - 2 * 8, Fraction(16)),
    "video_to_video.json": ("wan", {**SHOT, "part.end": 9}, "stormy_sea.mp4", 9, Fraction(16)),
}
"""Samples whose model is not in the box: the tiny checkpoint that stands in for it, the settings that make it quick,
the file, its frames and their rate."""
PICTURES = {"folder_of_stills.json": {"still.jpg": (1280, 720)}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[vidflow.Engine]:
    """One engine for all samples, with a store of its own."""
    made = vidflow.Engine(store=tmp_path_factory.mktemp("store"))
    yield made
    made.close()


def test_every_sample_is_tested_for_what_it_promises() -> None:
    assert set(SAMPLES) == FILMS.keys() | PICTURES.keys() | GENERATED.keys()


@pytest.mark.parametrize("name", FILMS)
def test_a_film_has_the_frames_size_rate_and_sound_that_its_graph_promises(
    name: str, engine: vidflow.Engine, tmp_path: Path
) -> None:
    engine.submit(
        places.samples() / name, set={"save.preset": "ultrafast", **QUICK.get(name, {})}, output_dir=tmp_path
    ).result()
    film, width, height, rate, frames, pitch = FILMS[name]
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(tmp_path / film)]
    streams = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]
    (video,) = [stream for stream in streams if stream["codec_type"] == "video"]
    sounds = [stream for stream in streams if stream["codec_type"] == "audio"]
    assert (video["width"], video["height"], int(video["nb_read_frames"])) == (width, height, frames)
    assert Fraction(video["avg_frame_rate"]) == rate
    assert [(int(sound["sample_rate"]), sound["channels"]) for sound in sounds] == ([(pitch, 2)] if pitch else [])
    assert all(float(sound["duration"]) == pytest.approx(float(frames / rate), abs=0.05) for sound in sounds)


def test_the_first_sample_runs_on_real_clips(engine: vidflow.Engine, real_media: Path, tmp_path: Path) -> None:
    clips = {"sea.path": "bigbuckbunny.mp4", "lanterns.path": "bikes.mp4"}
    given = {name: str(real_media / clip) for name, clip in clips.items()} | {"save.preset": "ultrafast"}
    result = engine.submit(places.samples() / "first_cut.json", set=given, output_dir=tmp_path).result()
    film = result["film"].info
    assert (film.width, film.height) == (960, 540)
    assert film.duration > 10
    assert film.audio.samples == pytest.approx(film.duration * film.audio.rate, abs=1)
    assert (tmp_path / "first_cut.mp4").exists()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_the_size_that_its_graph_promises(name: str, engine: vidflow.Engine, tmp_path: Path) -> None:
    engine.submit(places.samples() / name, output_dir=tmp_path).result()
    for file, size in PICTURES[name].items():
        picture = cv2.imread(str(tmp_path / file))
        assert picture is not None
        assert picture.shape[1::-1] == size
        assert picture.std() > 20


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_written_as_vidflow_saves_it(name: str) -> None:
    path = places.samples() / name
    assert dump(load(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_says_in_english_and_japanese_what_it_shows(name: str) -> None:
    view = load(places.samples() / name).view
    for words in (view["title"], view["about"]):
        assert words["en"].isascii()
        assert any("\u3040" <= letter <= "\u9fff" for letter in words["ja"])
    assert view["about"]["en"].count(". ") == 0
    assert view["about"]["en"].endswith(".")
    assert view["about"]["ja"].endswith("。")


@pytest.mark.parametrize("name", GENERATED)
def test_a_sample_whose_model_is_not_here_says_how_to_fetch_it(name: str) -> None:
    path = places.samples() / name
    model = load(path).nodes["model"].inputs["model"]
    checked = check(load(path), installed(), paths_for(path))
    assert [(problem.node, problem.input) for problem in checked.problems] == [("model", "model")]
    assert str(checked.problems[0]).endswith(f"'vidflow models fetch {model}' fetches it.")


@pytest.mark.parametrize("name", GENERATED)
def test_a_sample_runs_with_a_small_model_in_the_place_of_its_own(
    name: str, engine: vidflow.Engine, small: Callable[[str], Path], tmp_path: Path
) -> None:
    model, settings, file, frames, rate = GENERATED[name]
    given = {**settings, "model.model": str(small(model)), "save.preset": "ultrafast"}
    if name == "text_to_video_animatediff.json":
        given["model.adapter"] = str(small("motion_adapter"))
    each = {"still.path": [str(places.resource("media/mountains.jpg"))]} if name.startswith("folder") else None
    engine.submit(places.samples() / name, set=given, each=each, output_dir=tmp_path).result()
    video = open_video(tmp_path / file).info
    assert (video.width, video.height, video.frames, video.rate) == (32, 32, frames, rate)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint, made once."""
    from tests.models.tiny import build

    folder = tmp_path_factory.mktemp("models")
    return cache(lambda name: build(name, folder / name))


@pytest.mark.parametrize("name", sorted(FILMS.keys() | PICTURES.keys()))
def test_a_sample_has_a_picture_of_what_it_makes(name: str) -> None:
    picture = cv2.imread(str((places.samples() / "pictures" / name).with_suffix(".jpg")))
    assert picture is not None
    assert picture.shape == (270, 480, 3)
    assert picture.std() > 20


@pytest.mark.parametrize("name", sorted(FILMS.keys() | PICTURES.keys()))
def test_a_sample_gives_no_cause_for_advice(name: str) -> None:
    path = places.samples() / name
    # What it shows is the clash itself.
    meant = [("before", "uneven-colour")] if name == "unify_colour.json" else []
    checked = check(load(path), installed(), paths_for(path))
    assert checked.problems == ()
    assert [(note.node, note.code) for note in advice(checked)] == meant


def test_every_still_of_a_folder_becomes_a_picture_of_its_own(engine: vidflow.Engine, tmp_path: Path) -> None:
    stills = [str(places.resource(f"media/{name}")) for name in ("mountains.jpg", "moon.png", "ribbons.png")]
    engine.submit(places.samples() / "folder_of_stills.json", each={"still.path": stills}, output_dir=tmp_path).result()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "still-moon.jpg",
        "still-mountains.jpg",
        "still-ribbons.jpg",
    ]


def test_the_best_take_is_the_one_without_a_fault(engine: vidflow.Engine, tmp_path: Path) -> None:
    result = engine.submit(places.samples() / "score_and_pick.json", output_dir=tmp_path).result()
    assert result["best"].index == 3
    assert json.loads((tmp_path / "best_take.json").read_text())["overall"] > 0.5
