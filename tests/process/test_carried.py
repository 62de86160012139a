"""A film carries its graph: without the graph's file it is checked and made again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.commands import Place, pictures
from vidflow.graph import load


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


def done(place: Place, *arguments: object) -> str:
    """Run the command, which must end well; what it printed."""
    ended = place.run(*arguments)
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


def test_a_film_that_was_to_carry_nothing_is_refused(project: Place) -> None:
    done(project, "run", "graph.json", "--set", "save.embed_graph=false")
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
