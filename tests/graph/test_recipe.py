"""The graph of a run as text: what was set is in it, and beside the file that it made it means the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidflow.graph import Checked, Paths, check, from_mapping, parse
from vidflow.graph.recipe import Recipe

Described = Callable[..., dict[str, Any]]
CLIP = {"type": "load_video", "inputs": {"path": "media/clip.mp4"}}


def link(source: str) -> dict[str, str]:
    return {"from": source}


def node(type: str, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs}


def meaning(checked: Checked) -> dict[str, Any]:
    """Each node that would run, with what it would be given."""
    assert [str(problem) for problem in checked.problems if problem.level == "error"] == []
    return {id: (one.spec.type, one.values, one.links) for id, one in checked.nodes.items()}


@pytest.fixture
def described(registry: Any, paths: Paths) -> Described:
    """The document that the film made by these nodes carries, after checking that it means the same there."""

    def describe(
        nodes: dict[str, Any],
        graphs: dict[str, Any] | None = None,
        *,
        given: dict[str, Any] | None = None,
        each: str | None = None,
        beside: Path | None = None,
    ) -> dict[str, Any]:
        graph = from_mapping({"vidflow": 1, "nodes": nodes, **({"graphs": graphs} if graphs else {})})
        beside = beside or paths.output_dir / "film.mp4"
        text = Recipe(graph, registry, paths, given or {}, each).text(beside)
        assert text is not None
        there = Paths(beside.stem, beside.parent, paths.cwd, paths.output_dir)
        before = meaning(check(graph, registry, paths, set=given, each=each))
        assert meaning(check(parse(text), registry, there)) == before
        return json.loads(text)

    return describe


# Settings


def test_a_graph_that_was_run_as_it_stands_is_carried_as_it_stands(described: Described) -> None:
    nodes = {
        "clip": node("load_video", path="resources:media/sea.mp4"),
        "cut": {"type": "trim", "off": True, "inputs": {"video": link("clip"), "start": 1, "end": 2.5}},
        "save": node("save_video", video=link("cut"), path="a film.mp4"),
    }
    assert described(nodes) == {"vidflow": 1, "nodes": nodes}


def test_what_was_set_is_in_it(described: Described) -> None:
    nodes = {
        "clip": CLIP,
        "many": node("number", value=3),
        "cut": node("trim", video=link("clip"), start=link("many")),
        "joined": node("concat", videos=[link("cut"), link("clip")], seconds=[1, 2]),
        "save": node("save_video", video=link("joined")),
    }
    given = {
        "many.value": "0.5",
        "cut.end": 2,
        "cut.unit": "frames",
        "joined.seconds": "1,0.25",
        "joined.transition": ["fade"],
        "save.path": "other.mp4",
    }
    found = described(nodes, given=given)["nodes"]
    assert found["many"]["inputs"] == {"value": 0.5}
    assert found["cut"]["inputs"] == {"video": link("clip"), "start": link("many"), "end": 2, "unit": "frames"}
    assert found["joined"]["inputs"]["seconds"] == [1.0, 0.25]
    assert found["joined"]["inputs"]["transition"] == ["fade"]
    assert found["save"]["inputs"]["path"] == "other.mp4"


def test_layout_and_what_this_version_does_not_know_stay(registry: Any, paths: Paths) -> None:
    raw = {
        "vidflow": 1,
        "$schema": "graph.schema.json",
        "nodes": {"clip": CLIP, "new": {"type": "later.pack", "inputs": {"x": 1}, "off": True}},
        "view": {"nodes": {"clip": {"at": [1, 2], "title": "題"}}},
    }
    text = Recipe(from_mapping(raw), registry, paths, {}).text(paths.base / "film.mp4")
    assert text is not None
    assert json.loads(text) == raw
    assert "題" in text
    assert "\n" not in text


def test_the_same_run_gives_the_same_text(registry: Any, paths: Paths) -> None:
    graph = from_mapping({"vidflow": 1, "nodes": NODES, "graphs": GRAPHS})
    one = {"a/cut.start": 1, "b/cut.start": 2, "b/cut.end": 3}
    other = dict(reversed(list(one.items())))
    texts = {Recipe(graph, registry, paths, given).text(paths.base / "x.mp4") for given in (one, other, one)}
    assert len(texts) == 1


def test_a_node_that_nothing_is_known_of_does_not_hinder(registry: Any, paths: Paths) -> None:
    graph = from_mapping({"vidflow": 1, "nodes": {"clip": CLIP, "odd": node("lab.unknown", path="x")}})
    text = Recipe(graph, registry, paths, {"odd.path": "y"}).text(paths.base / "x.mp4")
    assert text is not None
    assert json.loads(text)["nodes"]["odd"] == node("lab.unknown", path="x")


# Subgraphs

NODES = {
    "clip": CLIP,
    "a": node("graph:part", video=link("clip"), until=5),
    "b": node("graph:part", video=link("clip"), until=6),
    "both": node("concat", videos=[link("a"), link("b")]),
    "save": node("save_video", video=link("both")),
}
GRAPHS = {
    "part": {
        "nodes": {
            "cut": node("trim", start=0.5),
            "inner": node("graph:deep", video=link("cut")),
        },
        "inputs": {"video": ["cut.video"], "until": ["cut.end"], "twice": ["cut.start", "inner.start"]},
        "outputs": {"video": link("inner")},
    },
    "deep": {
        "nodes": {"last": node("trim", end=9)},
        "inputs": {"video": ["last.video"], "start": ["last.start"]},
        "outputs": {"video": link("last")},
    },
}


def test_a_port_that_was_set_is_set_at_the_instance(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"a.until": "7"})
    assert found["nodes"]["a"]["inputs"] == {"video": link("clip"), "until": 7}
    assert found["graphs"] == GRAPHS


def test_an_inner_input_that_a_port_feeds_alone_is_set_at_the_instance(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"b/cut.end": 8})
    assert found["nodes"]["b"]["inputs"]["until"] == 8.0
    assert found["graphs"] == GRAPHS


def test_a_port_that_feeds_two_inputs_is_set_where_both_were(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"a.twice": 0.25})
    assert found["nodes"]["a"]["inputs"]["twice"] == 0.25
    assert found["graphs"] == GRAPHS


def test_an_inner_setting_of_one_of_two_uses_gets_a_definition_of_its_own(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"a/cut.start": 0.75})
    assert found["nodes"]["a"]["type"] == "graph:part_2"
    assert found["nodes"]["b"]["type"] == "graph:part"
    assert found["graphs"]["part"] == GRAPHS["part"]
    assert found["graphs"]["part_2"]["nodes"]["cut"]["inputs"]["start"] == 0.75
    assert list(found["graphs"]) == ["part", "deep", "part_2"]


def test_a_setting_deep_inside_one_of_two_uses_copies_the_way_to_it(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"b/inner/last.unit": "frames"})
    assert found["nodes"]["b"]["type"] == "graph:part_2"
    assert found["graphs"]["part_2"]["nodes"]["inner"]["type"] == "graph:deep_2"
    assert found["graphs"]["deep_2"]["nodes"]["last"]["inputs"] == {"end": 9, "unit": "frames"}
    assert {name: found["graphs"][name] for name in GRAPHS} == GRAPHS


def test_both_uses_set_differently_need_one_copy(described: Described) -> None:
    found = described(NODES, GRAPHS, given={"a/inner/last.end": 1, "b/inner/last.end": 2})
    assert len(found["graphs"]) == 4
    ends = {found["graphs"][name]["nodes"]["last"]["inputs"]["end"] for name in found["graphs"] if "deep" in name}
    assert ends == {1.0, 2.0}


def test_an_inner_setting_goes_before_what_the_instance_gives_at_a_port(described: Described) -> None:
    nodes = {**NODES, "a": node("graph:part", video=link("clip"), twice=2)}
    ports = {**GRAPHS["part"]["inputs"], "also": ["cut.start"]}
    graphs = {**GRAPHS, "part": {**GRAPHS["part"], "inputs": ports}}
    found = described(nodes, graphs, given={"a/cut.start": 3})
    own = found["graphs"][found["nodes"]["a"]["type"].removeprefix("graph:")]
    assert own["inputs"]["twice"] == ["inner.start"]
    assert own["nodes"]["cut"]["inputs"]["start"] == 3.0


# Paths


def test_inputs_below_the_movie_are_relative_to_it_and_others_absolute(described: Described, paths: Paths) -> None:
    nodes = {
        "clip": CLIP,
        "still": node("load_image", path="media/../media/shot_1.png"),
        "shots": node("image_sequence", path="media/shot_*.png"),
        "shipped": node("load_video", path="resources:media/sea.mp4"),
    }
    beside = described(nodes, beside=paths.base / "film.mp4")["nodes"]
    assert beside["clip"]["inputs"]["path"] == "media/clip.mp4"
    assert beside["still"]["inputs"]["path"] == "media/shot_1.png"
    assert beside["shots"]["inputs"]["path"] == "media/shot_*.png"
    inside = described(nodes, beside=paths.base / "media" / "film.mp4")["nodes"]
    assert inside["clip"]["inputs"]["path"] == "clip.mp4"
    away = described(nodes)["nodes"]
    assert away["clip"]["inputs"]["path"] == str(paths.base / "media" / "clip.mp4")
    assert away["shipped"]["inputs"]["path"] == "resources:media/sea.mp4"


def test_a_path_that_was_set_counts_from_the_current_folder(described: Described, paths: Paths) -> None:
    (paths.cwd / "mine.mp4").write_bytes(b"x")
    found = described({"clip": CLIP}, given={"clip.path": "mine.mp4"}, beside=paths.cwd / "film.mp4")
    assert found["nodes"]["clip"]["inputs"]["path"] == "mine.mp4"
    found = described({"clip": CLIP}, given={"clip.path": "mine.mp4"})
    assert found["nodes"]["clip"]["inputs"]["path"] == str(paths.cwd / "mine.mp4")


def test_a_path_inside_a_definition_is_moved_there(described: Described, paths: Paths) -> None:
    graphs = {"part": {"nodes": {"clip": CLIP}, "outputs": {"video": link("clip")}}}
    nodes = {"a": node("graph:part"), "b": node("graph:part")}
    found = described(nodes, graphs, beside=paths.base / "media" / "film.mp4")
    assert found["nodes"] == nodes
    assert found["graphs"]["part"]["nodes"]["clip"]["inputs"]["path"] == "clip.mp4"


def test_a_path_at_a_port_is_moved_there(described: Described, paths: Paths) -> None:
    graphs = {
        "part": {
            "nodes": {"clip": node("load_video")},
            "inputs": {"file": ["clip.path"]},
            "outputs": {"video": link("clip")},
        }
    }
    nodes = {"a": node("graph:part", file="media/clip.mp4"), "b": node("graph:part", file="./media/clip.mp4")}
    found = described(nodes, graphs, beside=paths.base / "media" / "film.mp4")
    assert found["graphs"] == graphs
    assert found["nodes"]["a"]["inputs"] == found["nodes"]["b"]["inputs"] == {"file": "clip.mp4"}


def test_a_path_from_a_text_node_stands_at_its_reader(described: Described, paths: Paths) -> None:
    nodes = {
        "name": node("text", value="media/clip.mp4"),
        "clip": node("load_video", path=link("name")),
        "shipped": node("text", value="resources:media/sea.mp4"),
        "sea": node("load_video", path=link("shipped")),
    }
    found = described(nodes, beside=paths.base / "media" / "film.mp4")["nodes"]
    assert found["clip"]["inputs"]["path"] == "clip.mp4"
    assert found["name"] == nodes["name"]
    assert found["sea"] == nodes["sea"]
    (paths.cwd / "mine.mp4").write_bytes(b"x")
    found = described(nodes, given={"name.value": "mine.mp4"})["nodes"]
    assert found["clip"]["inputs"]["path"] == str(paths.cwd / "mine.mp4")


def test_a_folder_reached_through_a_symlink_is_the_same_folder(described: Described, paths: Paths) -> None:
    (paths.cwd / "way").symlink_to(paths.base)
    found = described({"clip": CLIP}, beside=paths.cwd / "way" / "film.mp4")
    assert found["nodes"]["clip"]["inputs"]["path"] == "media/clip.mp4"


def test_a_file_whose_name_looks_shipped_stays_a_file(described: Described, paths: Paths) -> None:
    (paths.base / "resources:x.mp4").write_bytes(b"x")
    found = described({"clip": node("load_video", path="./resources:x.mp4")}, beside=paths.base / "film.mp4")
    assert found["nodes"]["clip"]["inputs"]["path"] == "./resources:x.mp4"


# Names of outputs


@pytest.mark.parametrize(
    ("name", "each", "movie", "kept"),
    [
        ("a.mp4", None, "a.mp4", "a.mp4"),
        ("{graph}.mp4", None, "film.mp4", "{graph}.mp4"),
        ("{graph}.mp4", None, "renamed.mp4", "film.mp4"),
        ("{graph}_x.mp4", None, "film_x.mp4", "film_x.mp4"),
        ("x.mp4", "7", "x-7.mp4", "x-7.mp4"),
        ("{graph}.mp4", "7", "film-7.mp4", "film-7.mp4"),
        ("{each}/{graph}.mp4", "a b", "film.mp4", "a b/{graph}.mp4"),
        ("x_{n:03}.mp4", "7", "x_001.mp4", "x_{n:03}.mp4"),
        ("{cut.start}.mp4", None, "0.5.mp4", "{cut.start}.mp4"),
        ("{clip.path}.mp4", "7", "clip-7.mp4", "{clip.path}-7.mp4"),
    ],
)
def test_an_output_is_named_again_as_it_was(
    name: str, each: str | None, movie: str, kept: str, described: Described, paths: Paths
) -> None:
    nodes = {
        "clip": CLIP,
        "cut": node("trim", video=link("clip"), start=0.5),
        "save": node("save_video", video=link("cut"), path=name),
    }
    found = described(nodes, each=each, beside=paths.output_dir / movie)
    assert found["nodes"]["save"]["inputs"]["path"] == kept


def test_a_name_that_was_left_to_its_default_is_written_down_where_it_changes(described: Described) -> None:
    nodes = {"clip": CLIP, "save": node("save_video", video=link("clip"))}
    assert described(nodes, each="3")["nodes"]["save"]["inputs"]["path"] == "{graph}-3.mp4"
    assert "path" not in described(nodes)["nodes"]["save"]["inputs"]


def test_a_name_from_a_text_node_is_written_down_where_it_changes(described: Described) -> None:
    nodes = {"clip": CLIP, "name": node("text", value="y.mp4")}
    nodes["save"] = node("save_video", video=link("clip"), path=link("name"))
    assert described(nodes)["nodes"]["save"] == nodes["save"]
    assert described(nodes, each="3")["nodes"]["save"]["inputs"]["path"] == "y-3.mp4"


# Anything at all

SETTINGS = {
    "clip.path": st.sampled_from(["elsewhere.mp4", "resources:media/sea.mp4"]),
    "a.until": st.integers(5, 9),
    "a.twice": st.sampled_from(["0.25", 1]),
    "b/cut.start": st.floats(0, 4),
    "b/cut.end": st.sampled_from(["5", ""]),
    "a/cut.start": st.floats(0, 4),
    "a/inner/last.start": st.integers(0, 3),
    "b/inner.start": st.integers(0, 3),
    "b/inner/last.unit": st.sampled_from(["seconds", "frames"]),
    "c/last.end": st.integers(4, 6),
    "both.transition": st.sampled_from(["cut", "fade", "cut,fade"]),
    "save.path": st.sampled_from(["x.mp4", "{graph}-{a/cut.start}.mp4", "{n}.mov"]),
}
PORTS = {"twice": st.floats(0, 4), "until": st.integers(5, 9)}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries({}, optional=SETTINGS),
    st.fixed_dictionaries({}, optional=PORTS),
    st.sampled_from([None, "v 1"]),
    st.sampled_from(["", "media/"]),
)
def test_whatever_was_set_the_movie_means_the_same(
    described: Described, paths: Paths, given: dict[str, Any], ports: dict[str, Any], each: str | None, folder: str
) -> None:
    (paths.cwd / "elsewhere.mp4").write_bytes(b"x")
    nodes = {
        **NODES,
        "a": node("graph:part", video=link("clip"), **ports),
        "c": node("graph:deep", video=link("both")),
        "save": node("save_video", video=link("c")),
    }
    described(nodes, GRAPHS, given=given, each=each, beside=paths.base / f"{folder}film.mp4")
