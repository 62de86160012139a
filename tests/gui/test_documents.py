"""Documents in the editor: opened, saved and run, the same as without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vidflow.graph import AddNode, Node, SetInput, check, dump, load
from vidflow.graph.paths import paths_for
from vidflow.gui import icons, open_window
from vidflow.gui.states import NodeState, marks
from vidflow.nodespec.registry import installed
from vidflow.places import samples

SAMPLES = sorted(samples().glob("*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_the_editor_saves_means_the_same_without_it(window: Any, path: Path, tmp_path: Path) -> None:
    window.open(path)
    target = tmp_path / "mine.json"
    assert window.save_to(target)
    opened, saved = load(path), load(target)
    assert dump(saved) == dump(opened), "a sample reads only what ships with vidflow, so no path changes"

    def found(graph: Any, file: Path) -> Any:
        checked = check(graph, installed(), paths_for(file, tmp_path / "outputs"))
        return [(one.code, one.node, one.input) for one in checked.problems], list(checked.nodes)

    assert found(saved, target) == found(opened, path)


def test_a_sample_stays_as_it_is_and_its_films_go_to_the_user_s_videos(window: Any) -> None:
    path = samples() / "first_cut.json"
    window.open(path)
    assert window.session.path is None
    assert window.windowTitle() == "first_cut.json[*]"
    assert not window.isWindowModified()
    assert window.session.paths.output_dir.name == "vidflow"
    assert window.session.paths.graph_name == "first_cut"


def test_a_graph_s_films_go_to_outputs_beside_it(window: Any, tmp_path: Path) -> None:
    window.session.do(SetInput(window.editing.add("number"), "value", 2.0))
    assert window.save_to(tmp_path / "one.json")
    assert window.session.paths.output_dir == tmp_path / "outputs"


def test_paths_follow_a_document_to_another_folder(window: Any, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "media").mkdir(parents=True)
    there.mkdir()
    clip = here / "media" / "clip.mp4"
    clip.write_bytes((samples().parent / "resources" / "media" / "sea.mp4").read_bytes())
    id = window.editing.add("load_video")
    window.session.do(SetInput(id, "path", str(clip)))
    assert window.save_to(here / "one.json")
    assert load(here / "one.json").nodes[id].inputs["path"] == "media/clip.mp4"
    assert window.save_to(there / "two.json")
    assert load(there / "two.json").nodes[id].inputs["path"] == clip.as_posix()
    assert load(here / "one.json").nodes[id].inputs["path"] == "media/clip.mp4", "the first file stays as it was"


def test_a_movie_opens_as_the_graph_that_made_it(window: Any, qtbot: Any, tmp_path: Path) -> None:
    first = window.editing.add("load_image")
    window.session.do(SetInput(first, "path", "resources:media/moon.png"))
    save = window.editing.add("save_video")
    from vidflow.graph import Link

    window.session.do(SetInput(save, "video", Link(first)))
    window.session.do(SetInput(save, "path", "still.mp4"))
    assert window.save_to(tmp_path / "still.json")
    with qtbot.waitSignal(window.runner.finished, timeout=60_000) as blocker:
        window.do_run()
    assert blocker.args[0].status == "done", blocker.args[0].failures
    movie = tmp_path / "outputs" / "still.mp4"
    assert movie.is_file()
    assert window.session.state(save).kind == "done"
    window.filing.drop_files([str(movie)], window.canvas.beside_selection())
    assert window.session.origin == movie
    assert window.session.path is None, "saving never writes a graph over the movie"
    assert {node.type for node in window.session.nodes.values()} == {"load_image", "save_video"}


def test_earlier_versions_are_kept(window: Any, tmp_path: Path) -> None:
    from vidflow.gui.recovery import recent_files, versions_of

    path = tmp_path / "one.json"
    window.editing.add("load_video")
    window.save_to(path)
    first = path.read_text()
    window.editing.add("resize")
    window.save_to(path)
    (kept,) = versions_of(path)
    assert kept.read_text() == first
    assert recent_files()[0] == path


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_lost(window: Any, tmp_path: Path) -> None:
    window.editing.add("load_video")
    assert not window.save_to(tmp_path / "no" / "such" / "folder.json")
    assert window.banner.isVisible()
    assert "cannot be saved" in window.banner.text.text()
    assert window.session.dirty


def test_a_document_that_was_just_begun_has_no_problem(window: Any, qtbot: Any) -> None:
    with qtbot.waitSignal(window.session.checked):
        window.filing.start_empty()
    assert window.tabs.tabText(1) == "Problems"
    with qtbot.waitSignal(window.session.checked):
        window.editing.add("resize")
    assert window.tabs.tabText(1) == "Problems (1)"


def test_the_first_window_lies_on_the_screen_with_its_frame(window: Any) -> None:
    room = window.screen().availableSize()
    window._lay_out()
    assert window.width() <= room.width()
    assert window.height() + 40 <= room.height()


def test_a_graph_without_places_is_laid_out_as_it_is_opened(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    nodes = {"a": {"type": "load_video", "inputs": {"path": "a.mp4"}}, "b": {"type": "crop"}, "c": {"type": "crop"}}
    path.write_text(json.dumps({"vidflow": 1, "nodes": nodes}), "utf-8")
    window.open(path)
    places = [window.canvas.nodes[id].pos() for id in nodes]
    assert len({(at.x(), at.y()) for at in places}) == 3
    assert not window.session.dirty


def test_what_ran_before_a_document_was_saved_is_still_up_to_date(window: Any, qtbot: Any, tmp_path: Path) -> None:
    session = window.session
    assert session.do(AddNode("moon", Node("load_image", {"path": str(tmp_path / "moon.png")})))
    with qtbot.waitSignal(session.checked):
        session._timer.start()
    session.set_state("moon", NodeState("done"), marks(session.graph).of)
    with qtbot.waitSignal(session.checked):
        session.save(tmp_path / "moon.json")
    assert session.nodes["moon"].inputs["path"] == "moon.png"
    assert session.state("moon").kind == "done"


def test_the_categories_have_their_icons_from_the_start(qtbot: Any, qapp: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(icons, "_loaded", [])
    window = open_window()
    qtbot.addWidget(window)
    window.show()
    model = window.palette_panel.model
    qtbot.waitUntil(lambda: not model.item(0).icon().isNull())


def test_the_window_keeps_its_contract(window: Any) -> None:
    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QMainWindow, QWidget

    from vidflow.graph import Graph

    assert isinstance(window, QMainWindow)
    assert isinstance(window.document, Graph)
    for name in ("palette", "canvas", "settings", "viewer", "timeline", "runs", "problems", "log"):
        part = window.findChild(QWidget, name)
        assert part is not None, name
        assert part.accessibleName(), name
    for name in (
        "run",
        "run_selected",
        "cancel",
        "undo",
        "redo",
        "save",
        "fit",
        "open",
        "new",
        "copy",
        "paste",
        "delete",
    ):
        assert window.findChild(QAction, name) is not None, name
