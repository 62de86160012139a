"""Every sample graph runs as it stands, and gives what it promises."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

import vidflow
from vidflow import places
from vidflow.graph.files import dump, load

SAMPLES = sorted(path.name for path in places.samples().glob("*.json"))
FILMS = {
    "first_cut.json": ("first_cut.mp4", 960, 540, Fraction(25), 300, 48_000),
    "new_soundtrack.json": ("new_soundtrack.mp4", 960, 400, Fraction(24000, 1001), 120, 48_000),
    "postcards.json": ("postcards.mp4", 360, 360, Fraction(25), 100, 48_000),
    "reverse_loop.json": ("reverse_loop.mp4", 480, 270, Fraction(24), 240, 44_100),
}
PICTURES = {"stills.json": {"mountains_wide.jpg": (960, 400), "moon_face.png": (400, 400)}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[vidflow.Engine]:
    """One engine for all samples, with a store of its own."""
    made = vidflow.Engine(store=tmp_path_factory.mktemp("store"))
    yield made
    made.close()


def test_every_sample_is_tested_for_what_it_promises() -> None:
    assert set(SAMPLES) == FILMS.keys() | PICTURES.keys()


@pytest.mark.parametrize("name", FILMS)
def test_a_film_has_the_frames_size_rate_and_sound_that_its_graph_promises(
    name: str, engine: vidflow.Engine, tmp_path: Path
) -> None:
    engine.submit(places.samples() / name, set={"save.preset": "ultrafast"}, output_dir=tmp_path).result()
    film, width, height, rate, frames, pitch = FILMS[name]
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(tmp_path / film)]
    streams = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]
    (video,) = [stream for stream in streams if stream["codec_type"] == "video"]
    (audio,) = [stream for stream in streams if stream["codec_type"] == "audio"]
    assert (video["width"], video["height"], int(video["nb_read_frames"])) == (width, height, frames)
    assert Fraction(video["avg_frame_rate"]) == rate
    assert (int(audio["sample_rate"]), audio["channels"]) == (pitch, 2)
    assert float(audio["duration"]) == pytest.approx(float(frames / rate), abs=0.05)


def test_the_first_sample_runs_on_real_clips(engine: vidflow.Engine, real_media: Path, tmp_path: Path) -> None:
    clips = {"sea.path": "bigbuckbunny.mp4", "lanterns.path": "bikes.mp4", "forest.path": "bigbuckbunny.mp4"}
    given = {name: str(real_media / clip) for name, clip in clips.items()} | {"save.preset": "ultrafast"}
    result = engine.submit(places.samples() / "first_cut.json", set=given, output_dir=tmp_path).result()
    film = result["film"].info
    assert (film.width, film.height, film.rate, film.frames) == (960, 540, 25, 300)
    assert film.audio.samples == 12 * 48_000
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
