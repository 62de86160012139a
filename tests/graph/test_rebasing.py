"""A document that moves to another folder reads the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidflow.graph import Graph, apply, from_mapping
from vidflow.graph.kinds import Kinds
from vidflow.graph.rebasing import rebased
from vidflow.nodespec.registry import installed


def _moved(path: str, old: Path, new: Path, type: str = "load_video", input: str = "path") -> Any:
    graph = from_mapping({"vidflow": 1, "nodes": {"a": {"type": type, "inputs": {input: path}}}})
    after = apply(graph, rebased(graph, Kinds(graph, installed()), old, new))[0]
    return after.nodes["a"].inputs[input]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("clip.mp4", "../old/clip.mp4"),
        ("new/clip.mp4", "clip.mp4"),
        ("resources:media/sea.mp4", "resources:media/sea.mp4"),
        ("../elsewhere/clip.mp4", "/elsewhere/clip.mp4"),
    ],
)
def test_paths_are_relative_below_the_new_folder_and_absolute_elsewhere(
    tmp_path: Path, path: str, expected: str
) -> None:
    old = tmp_path / "old"
    found = _moved(path, old, old / "new")
    if expected.startswith("../old"):
        assert found == (old / "clip.mp4").as_posix()
    elif expected.startswith("/elsewhere"):
        assert found == (tmp_path / "elsewhere" / "clip.mp4").as_posix()
    else:
        assert found == expected


def test_names_of_outputs_and_of_models_stay(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert _moved("film.mp4", old, new, "save_video") == "film.mp4"
    assert _moved("org/name", old, new, "load_model", "model") == "org/name"
    (old / "mine").mkdir(parents=True)
    assert _moved("mine", old, new, "load_model", "model") == (old / "mine").as_posix()


def test_what_is_inside_a_subgraph_moves_too(tmp_path: Path) -> None:
    inner = {
        "nodes": {"a": {"type": "load_video", "inputs": {"path": "clip.mp4"}}},
        "outputs": {"video": {"from": "a"}},
    }
    graph: Graph = from_mapping({"vidflow": 1, "nodes": {"one": {"type": "graph:part"}}, "graphs": {"part": inner}})
    after = apply(graph, rebased(graph, Kinds(graph, installed()), tmp_path / "old", tmp_path / "new"))[0]
    assert after.graphs["part"].nodes["a"].inputs["path"] == (tmp_path / "old" / "clip.mp4").as_posix()
