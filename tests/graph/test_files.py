"""Graph files: what was read is written back, and whatever is wrong with a file is said with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vidflow.errors import GraphError
from vidflow.graph import Graph, Link, Node, dump, from_mapping, load, parse, save, to_mapping
from vidflow.graph.migrations import migrate

EXAMPLE = """{
  "vidflow": 1,
  "nodes": {
    "clip": {"type": "load_video", "inputs": {"path": "media/clip.mp4"}},
    "smooth": {"type": "interpolate", "inputs": {"video": {"from": "clip"}, "factor": 2}},
    "save": {"type": "save_video", "inputs": {"video": {"from": "smooth"}, "path": "滑らか.mp4"}}
  },
  "view": {
    "nodes": {
      "clip": {"at": [0, 0]},
      "save": {"at": [640.5, -20], "title": "Out"}
    }
  }
}
"""

EVERYTHING = """{
  "made-by": {"program": "a later vidflow", "build": [1, [2, {"deep": null}]]},
  "vidflow": 1,
  "graphs": {
    "both": {
      "inputs": {"video": ["a.video", "b.video"]},
      "nodes": {
        "a": {"type": "trim", "off": true},
        "b": {"inputs": {"start": 0.5}, "type": "trim", "licence": "free"}
      },
      "colour": "#ff0000",
      "outputs": {"left": {"from": "a"}, "right": {"from": "b.video"}}
    }
  },
  "nodes": {
    "n": {"type": "from_the_future", "off": false, "inputs": {}},
    "many": {
      "type": "concat",
      "inputs": {
        "videos": [{"from": "n"}, {"from": "x.left", "weight": 0.25}],
        "transition": ["cut", "fade", "a text so long that this node does not fit on a line of its own"],
        "seconds": null
      }
    },
    "x": {"type": "graph:both"}
  }
}
"""


def problems_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(GraphError) as caught:
        parse(text)
    return [(problem.code, f"{problem.line}:{problem.column}") for problem in caught.value.problems]


@pytest.mark.parametrize("text", [EXAMPLE, EXAMPLE.replace('640.5, -20], "title": "Out"', "1e-07, 3]"), EVERYTHING])
def test_saving_an_unchanged_graph_gives_the_same_bytes(text: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(text.encode())
    save(load(path), path)
    assert path.read_bytes() == text.encode()


def test_a_graph_is_read_as_it_is_meant() -> None:
    graph = parse(EVERYTHING)
    assert graph.nodes["many"].inputs["videos"] == (Link("n"), Link("x", "left", {"weight": 0.25}))
    assert graph.nodes["many"].inputs["seconds"] is None
    assert graph.graphs["both"].nodes["a"].off
    assert graph.graphs["both"].inputs["video"] == ("a.video", "b.video")
    assert graph.graphs["both"].outputs["right"] == Link("b", "video")
    assert graph.graphs["both"].nodes["b"].extra == {"licence": "free"}
    assert graph.extra["made-by"]["program"] == "a later vidflow"


def test_a_graph_made_in_python_is_written_in_the_usual_order() -> None:
    graph = Graph(
        {"a": Node("trim", {"video": Link("b"), "end": None}, off=True)}, view={"nodes": {"a": {"at": (1, 2)}}}
    )
    assert dump(graph) == (
        '{\n  "vidflow": 1,\n  "nodes": {\n'
        '    "a": {"type": "trim", "inputs": {"video": {"from": "b"}, "end": null}, "off": true}\n  },\n'
        '  "view": {\n    "nodes": {\n      "a": {"at": [1, 2]}\n    }\n  }\n}\n'
    )
    assert parse(dump(graph)) == graph
    assert from_mapping(to_mapping(graph)) == graph


def test_moving_a_node_changes_one_line() -> None:
    before = EXAMPLE.splitlines()
    moved = dump(parse(EXAMPLE.replace('"at": [0, 0]', '"at": [7, 9]'))).splitlines()
    assert [new for old, new in zip(before, moved, strict=True) if old != new] == ['      "clip": {"at": [7, 9]},']


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    graph = parse('{"vidflow": 1, "nodes": {"a": {"type": "text", "inputs": {"value": "\\ud83d ü"}}}}')
    save(graph, tmp_path / "a.json")
    assert load(tmp_path / "a.json").nodes["a"].inputs["value"] == "\ud83d ü"


def test_a_mapping_may_hold_paths_and_is_copied() -> None:
    view = {"pins": [1, 2]}
    graph = from_mapping({"vidflow": 1, "nodes": {"a": {"type": "t", "inputs": {"path": Path("x/y")}}}, "view": view})
    view["pins"].append(3)
    assert graph.nodes["a"].inputs["path"] == "x/y"
    assert graph.view == {"pins": (1, 2)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("bad-json", "1:1")]),
        ('{"vidflow": 1,\n "nodes": {},}', [("bad-json", "2:14")]),
        ("[1, 2]", [("wrong-shape", "1:1")]),
        ('{"nodes": {}}', [("no-version", "1:1")]),
        ('{\n  "vidflow": 2, "nodes": 7}', [("newer-version", "2:3")]),
        ('{"vidflow": true, "nodes": {}}', [("wrong-shape", "1:2")]),
        ('{"vidflow": 0, "nodes": {}}', [("wrong-shape", "1:2")]),
        ('{"vidflow": 1}', [("wrong-shape", "1:1")]),
        ('{"vidflow": 1, "nodes": []}', [("wrong-shape", "1:16")]),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x"},\n"a": {"type": "y"}}}', [("duplicate-key", "2:1")]),
        ('{"vidflow": 1, "nodes": {"a b": {"type": "x"}}}', [("bad-id", "1:26")]),
        ('{"vidflow": 1, "nodes": {"a\\n": {"type": "x"}}}', [("bad-id", "1:26")]),
        ('{"vidflow": 1, "nodes": {"ä": {"type": "x"}}}', [("bad-id", "1:26")]),
        ('{"vidflow": 1, "nodes": {"a": 3, "b": {}}}', [("wrong-shape", "1:26"), ("wrong-shape", "1:34")]),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x", "inputs": {"v": NaN}}}}', [("bad-number", "1:56")]),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x", "inputs": {"v": [1, -1e999]}}}}', [("bad-number", "1:65")]),
        ('{"vidflow": 1, "nodes": {}, "x": Infinity}', [("bad-number", "1:29")]),
        (f'{{"vidflow": 1, "nodes": {{}}, "x": {"9" * 5000}}}', [("bad-number", "1:34")]),
        (f'{{"vidflow": 1, "nodes": {{}}, "x": {"9" * 2000}}}', [("bad-number", "1:29")]),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x", "inputs": {"v": {"form": "b"}}}}}', [("wrong-shape", "1:56")]),
        (
            '{"vidflow": 1, "nodes": {"a": {"type": "x", "inputs": {"v": {"from": "b.c.d"}}}}}',
            [("wrong-shape", "1:56")],
        ),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x", "inputs": {"v": [[1]]}}}}', [("wrong-shape", "1:62")]),
        ('{"vidflow": 1, "nodes": {"a": {"type": "x", "off": 1}}}', [("wrong-shape", "1:45")]),
        (
            '{"vidflow": 1, "nodes": {}, "graphs": {"g": {"nodes": {}, "inputs": {"p": ["a"]}}}}',
            [("wrong-shape", "1:70")],
        ),
        ('{"vidflow": 1, "nodes": {}, "graphs": {"g": {"nodes": {}, "outputs": {"p": 1}}}}', [("wrong-shape", "1:71")]),
        ('{"vidflow": 1, "nodes": {}, "view": {"nodes": {"a": {"at": ["x", 1]}}}}', [("wrong-shape", "1:54")]),
    ],
)
def test_a_fault_of_form_has_its_line_and_column(text: str, expected: list[tuple[str, str]]) -> None:
    assert problems_of(text) == expected


def test_every_fault_of_form_is_named_at_once_with_node_and_input() -> None:
    with pytest.raises(GraphError) as caught:
        from_mapping(
            {"vidflow": 1, "nodes": {"a": {"inputs": {"x": {}, "y": object()}}, "b": {"type": 1, "off": "no"}}}
        )
    assert [problem.place for problem in caught.value.problems] == ["a", "a.x", "a.y", "b", "b"]


def test_a_file_nested_absurdly_deep_is_refused() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert problems_of(f'{{"vidflow": 1, "nodes": {{}}, "x": {deep}}}')[0][0] == "too-deep"
    deep = "[" * 100 + "]" * 100
    assert problems_of(f'{{"vidflow": 1, "nodes": {{}}, "view": {{"x": {deep}}}}}')[0][0] == "too-deep"


def test_thousands_of_faults_are_summed_up() -> None:
    nodes = ", ".join(f'"n{k}": {k}' for k in range(3000))
    with pytest.raises(GraphError) as caught:
        parse(f'{{"vidflow": 1, "nodes": {{{nodes}}}}}')
    assert len(caught.value.problems) == 201
    assert caught.value.problems[-1].message == "2800 more problems are not listed."


def test_what_is_no_graph_file_is_refused_with_one_message(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"vidflow": 1,\n"nodes": {"\xe4": 1}}')
    os.mkfifo(tmp_path / "pipe")
    for name, code in {"none": "missing-file", ".": "unreadable", "pipe": "unreadable", "latin": "not-utf8"}.items():
        with pytest.raises(GraphError) as caught:
            load(tmp_path / name)
        assert [problem.code for problem in caught.value.problems] == [code]
    with pytest.raises(GraphError, match="line 2, column 12: This file is not UTF-8"):
        load(tmp_path / "latin")
    with pytest.raises(GraphError, match="nul"):
        load("a\0nul")


def test_a_file_of_an_absurd_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(70 * 2**20)
    with pytest.raises(GraphError, match="64 MB"):
        load(tmp_path / "big")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())
    assert load(tmp_path / "a.json") == parse(EXAMPLE)


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(EXAMPLE)
    (tmp_path / "folder").mkdir()
    with pytest.raises(GraphError, match="cannot be saved"):
        save(Graph(), tmp_path / "folder")
    with pytest.raises(GraphError, match="cannot be saved"):
        save(Graph(), tmp_path / "missing" / "graph.json")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "graph.json"]
    assert path.read_text() == EXAMPLE


def test_saving_keeps_the_file_s_mode_and_follows_a_symlink(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    save(parse(EXAMPLE), link)
    assert link.is_symlink()
    assert path.read_text() == EXAMPLE
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_old_file_migrates_step_by_step() -> None:
    steps = {
        1: lambda raw: {**raw, "nodes": {f"n_{id}": node for id, node in raw["nodes"].items()}},
        2: lambda raw: {"vidflow": 2, "nodes": raw["nodes"], "view": raw["layout"]},
    }
    raw = {"vidflow": 1, "nodes": {"a": {}}, "layout": {}}
    assert migrate(raw, migrations=steps, target=3) == {"vidflow": 3, "nodes": {"n_a": {}}, "view": {}}
    with pytest.raises(GraphError, match="too damaged to be brought up to format 2"):
        migrate({"vidflow": 1, "nodes": []}, migrations=steps, target=3)


def test_the_writer_writes_what_json_reads() -> None:
    raw = json.loads(EVERYTHING)
    assert to_mapping(from_mapping(raw)) == raw
