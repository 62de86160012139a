"""A film carries its graph: without the graph's file it is checked and made again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.models.tiny import build
from tests.process.commands import Place, pictures
from vidflow.graph import load
from vidflow.graph.provenance import read
from vidflow.media import read_metadata


def clip(path: Path) -> None:
    """A clip of twelve frames, with sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sources = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=0.5", "-f", "lavfi", "-i", "sine=d=0.5:r=48000"]
    subprocess.run(["ffmpeg", "-v", "error", *sources, str(path)], check=True)


@pytest.fixture
def project(place: Place) -> Place:
    """A folder with a clip and a graph, of which a part is used twice."""
    clip(place.folder / "media" / "clip.mp4")
    place.text(
        json.dumps(
            {
                "vidflow": 1,
                "nodes": {
                    "clip": {"type": "load_video", "inputs": {"path": "media/clip.mp4"}},
                    "one": {"type": "graph:piece", "inputs": {"video": {"from": "clip"}}},
                    "two": {"type": "graph:piece", "inputs": {"video": {"from": "clip"}}},
                    "film": {"type": "concat", "inputs": {"videos": [{"from": "one"}, {"from": "two"}]}},
                    "save": {
                        "type": "save_video",
                        "inputs": {"video": {"from": "film"}, "path": "film.mp4", "preset": "ultrafast"},
                    },
                },
                "graphs": {
                    "piece": {
                        "nodes": {"cut": {"type": "trim", "inputs": {"end": 2, "unit": "frames"}}},
                        "inputs": {"video": ["cut.video"]},
                        "outputs": {"video": {"from": "cut"}},
                    }
                },
            }
        )
    )
    return place


def differing(place: Place, film: Path) -> list[str]:
    """What a check says is another here than where the film was made, but the device: some are made on the CPU."""
    problems = json.loads(done(place, "check", film, "--json"))
    found = [one for one in problems if one["code"] == "differs-here"]
    assert all(one["level"] == "note" for one in found)
    return [f"{one['node'] or ''}: {one['message']}" for one in found if " made on " not in one["message"]]


def done(place: Place, *arguments: object, limit: float = 60) -> str:
    """Run the command, which must end well; what it printed."""
    ended = place.run(*arguments, limit=limit)
    assert ended.status == 0, ended.err + ended.out
    return ended.out


def test_a_film_is_made_again_from_itself_with_what_was_set(project: Place) -> None:
    done(project, "run", "graph.json", "--set", "two/cut.end=5", "--set", "save.quality=23")
    (project.folder / "graph.json").unlink()
    film = project.out / "film.mp4"
    assert done(project, "check", film).splitlines()[-1] == f"{film}: 5 nodes, ready to run."
    out = done(project, "run", film, "--output-dir", "other")
    assert out.split() == [str(project.folder / "other" / "film.mp4")]
    assert pictures(project.folder / "other" / "film.mp4") == pictures(film)
    done(project, "run", film, "--output-dir", "third", "--set", "two/cut.end=2")
    assert pictures(project.folder / "third" / "film.mp4") != pictures(film)


def test_running_a_film_where_it_lies_finds_it_unchanged(project: Place) -> None:
    done(project, "run", "graph.json")
    film = project.out / "film.mp4"
    before = film.read_bytes(), film.stat().st_mtime_ns
    ended = project.run("run", "outputs/film.mp4")
    assert ended.status == 0, ended.err
    assert "save: kept" in ended.err
    assert (film.read_bytes(), film.stat().st_mtime_ns) == before
    ended = project.run("run", "outputs/film.mp4", "--no-store")
    assert ended.status == 0, ended.err
    assert film.read_bytes() == before[0]


def test_a_folder_with_film_and_clips_can_be_moved(project: Place) -> None:
    done(project, "run", "graph.json", "--output-dir", ".")
    moved = project.folder / "elsewhere"
    moved.mkdir()
    for name in ("film.mp4", "media"):
        shutil.move(project.folder / name, moved / name)
    done(project, "run", moved / "film.mp4", "--output-dir", "other")
    assert pictures(project.folder / "other" / "film.mp4") == pictures(moved / "film.mp4")
    shutil.move(moved / "media", project.folder / "lost")
    ended = project.run("run", moved / "film.mp4")
    assert ended.status == 2
    assert len(ended.errors) == 1
    assert "clip.path: There is no file 'media/clip.mp4'." in ended.err


def test_each_variant_carries_the_graph_that_makes_it(project: Place) -> None:
    done(project, "run", "graph.json", "--each", "two/cut.end=1,3")
    for value in (1, 3):
        film = project.out / f"film-{value}.mp4"
        out = done(project, "run", film, "--output-dir", "other")
        assert out.split() == [str(project.folder / "other" / film.name)]
        assert pictures(project.folder / "other" / film.name) == pictures(film)


@pytest.mark.parametrize("codec", ["gif", "webp"])
def test_an_animation_carries_its_graph_too(codec: str, project: Place) -> None:
    name = f"film.{codec}"
    done(project, "run", "graph.json", "--set", f"save.codec={codec}", "--set", f"save.path={name}")
    out = done(project, "run", project.out / name, "--output-dir", "other")
    assert out.split() == [str(project.folder / "other" / name)]
    assert load(project.folder / "other" / name) == load(project.out / name)
    assert read(read_metadata(project.out / name)["vidflow_made"]).nodes["save_video"] >= 2
    assert differing(project, project.out / name) == []


def test_a_film_that_was_to_carry_nothing_is_refused(project: Place) -> None:
    done(project, "run", "graph.json", "--set", "save.embed_graph=false")
    assert not any(name.startswith("vidflow") for name in read_metadata(project.out / "film.mp4"))
    for command in ("check", "run"):
        ended = project.run(command, project.out / "film.mp4")
        assert ended.status == 2
        assert "Traceback" not in ended.err
        (message,) = ended.errors
        assert "carries no graph" in message


def test_a_film_that_reads_itself_is_not_lost(project: Place) -> None:
    done(project, "run", "graph.json")
    film = project.out / "film.mp4"
    before = film.read_bytes()
    (project.folder / "way").symlink_to(project.out)
    for folder in ("outputs", "way"):
        ended = project.run("run", film, "--set", f"clip.path={film}", "--output-dir", folder)
        assert ended.status == 2
        assert "would replace the file that clip.path reads" in ended.err
    assert film.read_bytes() == before


def test_a_film_of_another_clip_says_so(project: Place) -> None:
    done(project, "run", "graph.json")
    film = project.out / "film.mp4"
    assert differing(project, film) == []
    source = project.folder / "media" / "clip.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "mandelbrot=s=64x48", "-t", "0.5", str(source)], check=True
    )
    assert differing(project, film) == ["clip: 'clip.mp4' is not as it was when this film was made."]


@pytest.fixture
def generated(place: Place) -> Path:
    """A film out of a tiny checkpoint, beside it."""
    pytest.importorskip("torch")
    build("wan", place.folder / "models" / "wan")
    place.graph(
        model=("load_model", {"model": "models/wan"}),
        prompt=("build_prompt", {"scene": "a cat walks"}),
        words=("encode_text", {"model": "@model", "prompt": "@prompt"}),
        shot=(
            "sample",
            {
                "model": "@model",
                "conditioning": "@words",
                "width": 32,
                "height": 32,
                "frames": 5,
                "steps": 2,
                "seed": 7,
            },
        ),
        film=("decode_latents", {"model": "@model", "latents": "@shot"}),
        save=("save_video", {"video": "@film", "path": "film.mkv", "codec": "ffv1"}),
    )
    done(place, "run", "graph.json", "--output-dir", ".", "--device", "cpu", limit=120)
    return place.folder / "film.mkv"


def test_a_generated_film_tells_its_model_and_is_made_again(place: Place, generated: Path) -> None:
    carried = read_metadata(generated)
    made = read(carried["vidflow_made"])
    assert set(made.models) == {"model.model"}
    assert (made.models["model.model"].name, made.models["model.model"].family) == ("wan", "wan")
    assert {"torch", "diffusers", "transformers"} <= made.libraries.keys()
    assert made.nodes["sample"] >= 1
    assert not any(str(folder) in text for folder in (place.folder, Path.home()) for text in carried.values())
    assert differing(place, generated) == []

    # Nothing that was kept helps.
    done(place, "run", generated, "--output-dir", "other", "--device", "cpu", "--no-store", limit=120)
    assert pictures(place.folder / "other" / "film.mkv") == pictures(generated)
    assert read_metadata(place.folder / "other" / "film.mkv")["vidflow_made"] == carried["vidflow_made"]

    text = json.dumps({**json.loads(carried["vidflow_made"]), "vidflow": "0.0.1", "libraries": {"torch": "1.13.1"}})
    older = place.folder / "older.mkv"
    command = ["ffmpeg", "-v", "error", "-i", str(generated), "-c", "copy", "-metadata", f"vidflow_made={text}"]
    subprocess.run([*command, str(older)], check=True)
    (said,) = differing(place, older)
    assert said.startswith(": This film was made with vidflow 0.0.1 and torch 1.13.1; here are vidflow ")

    weights = place.folder / "models" / "wan" / "transformer" / "diffusion_pytorch_model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (said,) = differing(place, generated)
    assert said == (
        "model: 1 of 10 files of this model differs from those that made this film: "
        "transformer/diffusion_pytorch_model.safetensors."
    )
    shutil.rmtree(weights.parent.parent)
    ended = place.run("check", generated)
    assert ended.status == 2
    assert "differ" not in ended.out
    assert "There is no" in ended.out or "is not here" in ended.out
