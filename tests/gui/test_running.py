"""Runs in the window: states on nodes, pictures, errors in words, queues, closing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vidflow.graph import Link, SetInput, from_mapping
from vidflow.gui.running import DRAIN, SELDOM, wait_after
from vidflow.gui.states import NodeState, marks, together

STILL = "resources:media/moon.png"


def _graph(path: str = "still.png") -> dict[str, Any]:
    """A still, warmed twice in a subgraph, saved."""
    return {
        "vidflow": 1,
        "nodes": {
            "still": {"type": "load_image", "inputs": {"path": STILL}},
            "look": {"type": "graph:look", "inputs": {"video": {"from": "still"}}},
            "save": {"type": "save_image", "inputs": {"image": {"from": "look"}, "path": path}},
        },
        "graphs": {
            "look": {
                "nodes": {
                    "one": {"type": "grade", "inputs": {"exposure": 0.5}},
                    "two": {"type": "grade", "inputs": {"video": {"from": "one"}, "contrast": 1.2}},
                },
                "inputs": {"video": ["one.video"]},
                "outputs": {"video": {"from": "two"}},
            }
        },
    }


@pytest.fixture
def opened(window: Any, tmp_path: Path) -> Any:
    """The window with that graph, saved."""
    path = tmp_path / "film.json"
    path.write_text(json.dumps(_graph()))
    window.open(path)
    return window


def _run(window: Any, qtbot: Any) -> Any:
    with qtbot.waitSignal(window.runner.finished, timeout=60_000) as blocker:
        window.do_run()
    return blocker.args[0]


@pytest.mark.parametrize(
    ("spent", "here", "wait"),
    [(0.1, 50, DRAIN), (1.9, 0.1, DRAIN), (1.9, 1, 100), (1.9, 3, 300), (1.9, 50, SELDOM)],
)
def test_a_run_that_needs_the_processors_is_looked_at_less_often(spent: float, here: float, wait: int) -> None:
    assert wait_after(2.0, spent, here) == wait


def test_nodes_and_subgraphs_tell_that_they_are_done_and_then_stale(opened: Any, qtbot: Any) -> None:
    run = _run(opened, qtbot)
    assert run.status == "done", run.failures
    assert [Path(one).name for one in run.files] == ["still.png"]
    session = opened.session
    assert {session.state(one).kind for one in ("still", "look/one", "look/two", "save")} <= {"done", "kept"}
    assert session.state("look").kind == "done"
    assert opened.canvas.nodes["look"].state.kind == "done"
    with qtbot.waitSignal(session.checked):
        session.do(SetInput("one", "exposure", 0.7, "look"))
    assert session.state("look").kind == "stale"
    assert session.state("look/two").kind == "stale"
    assert session.state("save").kind == "stale"
    assert session.state("still").kind in ("done", "kept")
    with qtbot.waitSignal(session.checked):
        session.undo()
    assert session.state("save").kind == "done", "what is as it was is up to date again"


def test_pictures_come_on_nodes_that_ran_and_on_those_that_never_did(opened: Any, qtbot: Any) -> None:
    canvas = opened.canvas
    qtbot.waitUntil(lambda: all(canvas.nodes[one].thumb is not None for one in ("still", "look")), timeout=20_000)
    assert canvas.nodes["save"].thumb is None
    opened.session.enter("look")
    qtbot.waitUntil(lambda: all(item.thumb is not None for item in canvas.nodes.values()), timeout=20_000)


def test_an_error_stands_on_the_node_in_words(opened: Any, qtbot: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.png"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing of the kind" * 20)
    with qtbot.waitSignal(opened.session.checked):
        opened.session.do(SetInput("still", "path", str(wrong)))
    run = _run(opened, qtbot)
    assert run.status == "failed"
    text, token = opened.canvas.nodes["still"].footer()
    assert token == "error"
    assert text.startswith("wrong.png: ")
    assert "pixels can be read" in text
    assert opened.banner.isVisible()
    assert opened.banner.text.text().startswith("Load image")
    assert opened.session.state("save").kind != "running"


def test_a_graph_that_is_wrong_says_so_without_running(opened: Any, qtbot: Any) -> None:
    opened.session.do(SetInput("save", "image", Link("nobody")))
    run = _run(opened, qtbot)
    assert run.status == "failed"
    assert "nobody" in run.failures[0]
    assert opened.banner.text.text().startswith("Save image, image: ")
    assert opened.session.state("save").kind == "failed"


def test_runs_queue_and_each_has_the_document_of_its_moment(opened: Any, qtbot: Any, tmp_path: Path) -> None:
    opened.do_run()
    opened.session.do(SetInput("save", "path", "second.png"))
    opened.do_run()
    opened.session.do(SetInput("save", "path", "third.png"))
    assert len(opened.runner.queue) >= 1
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=60_000)
    made = sorted(one.name for one in (tmp_path / "outputs").iterdir() if not one.name.startswith("."))
    assert made == ["second.png", "still.png"]


def test_a_queued_run_can_be_cancelled_and_the_next_still_runs(opened: Any, qtbot: Any, tmp_path: Path) -> None:
    opened.do_run()
    opened.session.do(SetInput("save", "path", "never.png"))
    never = opened.runner.run()
    opened.session.do(SetInput("save", "path", "after.png"))
    opened.do_run()
    opened.runner.cancel(never)
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=60_000)
    made = sorted(one.name for one in (tmp_path / "outputs").iterdir() if not one.name.startswith("."))
    assert made == ["after.png", "still.png"]
    assert [one.status for one in opened.runner.history].count("cancelled") == 1


def test_one_run_for_each_of_several_values(opened: Any, qtbot: Any, tmp_path: Path) -> None:
    opened.session.do(SetInput("one", "exposure", 0.0, "look"))
    with qtbot.waitSignal(opened.runner.finished, timeout=60_000) as blocker:
        opened.runner.run(each={"look/two.contrast": [1.0, 1.5]})
    assert blocker.args[0].status == "done", blocker.args[0].failures
    made = sorted(one.name for one in (tmp_path / "outputs").iterdir() if not one.name.startswith("."))
    assert made == ["still-1.0.png", "still-1.5.png"]


def test_marks_differ_from_an_edit_on_and_nowhere_before_it() -> None:
    before = marks(from_mapping(_graph())).of
    changed = _graph()
    changed["graphs"]["look"]["nodes"]["two"]["inputs"]["contrast"] = 1.3
    after = marks(from_mapping(changed)).of
    assert {id for id in before if before[id] != after[id]} == {"look/two", "look", "save"}
    assert marks(from_mapping(_graph())).shows == {"look": "look/two"}


def test_a_subgraph_is_what_its_nodes_are() -> None:
    done, waiting, failed = NodeState("done", seconds=2), NodeState("waiting"), NodeState("failed", message="No.")
    assert together([done, waiting]).kind == "running"
    assert (together([done, waiting]).step, together([done, waiting]).total) == (1, 2)
    assert together([done, waiting, failed]).message == "No."
    assert together([done, NodeState("kept")]).kind == "done"
    assert together([done, NodeState("stale")]).kind == "stale"
    assert together([waiting, waiting]).kind == "waiting"
