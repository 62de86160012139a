"""Names that are a node's own are no paths: nothing that reads, moves or describes a graph takes them for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.graph.conftest import SPECS, Some, setting, spec
from vidflow.engine.late import late_value
from vidflow.graph import Paths, apply, check, from_mapping
from vidflow.graph.kinds import Kinds
from vidflow.graph.rebasing import rebased
from vidflow.graph.recipe import Recipe
from vidflow.nodespec.hints import Weights

HINT = Weights(kinds=("IFNet",), own=("flow", "blend.2"))
TYPES = Some(
    (
        *SPECS,
        spec("between", [setting("model", "str", "flow", HINT)], "video"),
        spec("mixed", [setting("models", "str", ("flow",), HINT, many=True)], "video"),
    )
)


@pytest.fixture
def taken(paths: Paths) -> Paths:
    """A project with files of these names, beside the graph and where the command runs."""
    for folder in (paths.base, paths.cwd):
        for name in (*HINT.own, "mine.pth"):
            (folder / name).write_bytes(b"x")
    return paths


def graph(model: Any, **more: Any) -> dict[str, Any]:
    """A graph whose node `it` has this model."""
    return {"vidflow": 1, "nodes": {"it": {"type": "between", "inputs": {"model": model}}, **more}}


def value(raw: dict[str, Any], paths: Paths, **given: Any) -> Any:
    """The model of the node `it` after a check."""
    checked = check(from_mapping(raw), TYPES, paths, set=given)
    assert checked.errors == ()
    return checked.nodes["it"].values["model"]


@pytest.mark.parametrize("name", HINT.own)
def test_a_check_leaves_it_as_it_stands(taken: Paths, name: str) -> None:
    assert value(graph(name), taken) == name
    assert value(graph("mine.pth"), taken, **{"it.model": name}) == name
    assert value(graph({"from": "text"}, text={"type": "text", "inputs": {"value": name}}), taken) == name
    assert value({"vidflow": 1, "nodes": {"it": {"type": "between"}}}, taken) == "flow"


def test_in_a_list_it_stands_among_paths(taken: Paths) -> None:
    raw = {"vidflow": 1, "nodes": {"it": {"type": "mixed", "inputs": {"models": ["flow", "mine.pth"]}}}}
    values = check(from_mapping(raw), TYPES, taken).nodes["it"].values["models"]
    assert values == ("flow", str(taken.base / "mine.pth"))


def test_a_file_of_that_name_is_meant_by_a_path(taken: Paths) -> None:
    assert value(graph("./flow"), taken) == str(taken.base / "flow")
    assert value(graph("mine.pth"), taken) == str(taken.base / "mine.pth")


def test_a_setting_without_names_of_its_own_takes_the_file(taken: Paths) -> None:
    types = Some((spec("between", [setting("model", "str", hint=Weights(), required=True)], "video"),))
    checked = check(from_mapping(graph("flow")), types, taken)
    assert checked.nodes["it"].values["model"] == str(taken.base / "flow")


def test_a_name_that_comes_late_stays(taken: Paths) -> None:
    found = TYPES.get("between")
    assert found is not None
    assert late_value("it", found.inputs[0], "flow", taken, "") == "flow"
    assert late_value("it", found.inputs[0], "mine.pth", taken, "") == str(taken.base / "mine.pth")


@pytest.mark.parametrize(("name", "stem"), [("flow", "flow"), ("blend.2", "blend.2"), ("mine.pth", "mine")])
@pytest.mark.parametrize("linked", [False, True])
def test_in_the_name_of_an_output_it_stands_whole(taken: Paths, name: str, stem: str, linked: bool) -> None:
    save = {"type": "save_video", "inputs": {"video": {"from": "it"}, "path": "{it.model}.mp4"}}
    text = {"type": "text", "inputs": {"value": name}}
    raw = graph({"from": "text"} if linked else name, save=save, **({"text": text} if linked else {}))
    checked = check(from_mapping(raw), TYPES, taken)
    assert checked.nodes["save"].values["path"] == str(taken.output_dir / f"{stem}.mp4")


@pytest.mark.parametrize(
    ("before", "after"), [("flow", "flow"), ("blend.2", "blend.2"), ("./sub/flow", "./flow"), ("sub/a.pth", "a.pth")]
)
def test_a_document_that_moves_means_the_same(paths: Paths, before: str, after: str) -> None:
    for name in ("flow", "sub/flow", "sub/a.pth"):
        (paths.base / name).parent.mkdir(exist_ok=True)
        (paths.base / name).write_bytes(b"x")
    document = from_mapping(graph(before))
    moved = apply(document, rebased(document, Kinds(document, TYPES), paths.base, paths.base / "sub"))[0]
    assert moved.nodes["it"].inputs["model"] == after


@pytest.mark.parametrize(
    ("model", "there"), [("flow", "flow"), ("sub/flow", "./flow"), ("sub/a.pth", "a.pth"), ("org/name", "org/name")]
)
def test_beside_its_film_it_means_the_same(paths: Paths, model: str, there: str) -> None:
    for name in ("flow", "sub/flow", "sub/a.pth"):
        (paths.base / name).parent.mkdir(exist_ok=True)
        (paths.base / name).write_bytes(b"x")
    beside = paths.base / "sub" / "film.mp4"
    text = Recipe(from_mapping(graph(model)), TYPES, paths, {}).text(beside)
    assert text is not None
    assert json.loads(text)["nodes"]["it"]["inputs"]["model"] == there
    carried = Paths("film", beside.parent, paths.cwd, paths.output_dir)
    assert value(json.loads(text), carried) == value(graph(model), paths)


def test_without_being_written_it_stays_out_of_the_film(paths: Paths) -> None:
    (paths.base / "flow").write_bytes(b"x")
    raw = {"vidflow": 1, "nodes": {"it": {"type": "between"}}}
    text = Recipe(from_mapping(raw), TYPES, paths, {}).text(Path("/elsewhere/film.mp4"))
    assert text is not None
    assert json.loads(text) == raw
