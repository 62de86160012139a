"""What comes late finds nobody: windows that were closed, documents that were left, nodes that are gone."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton

from tests.gui.hand import Hand, agree
from vidflow.graph import AddNode, Link, Node, SetInput, SetView, from_mapping, load
from vidflow.gui import open_window
from vidflow.gui.states import NodeState
from vidflow.gui.telling import tell

CTRL = Qt.KeyboardModifier.ControlModifier
STILL = {"type": "load_image", "inputs": {"path": "resources:media/moon.png"}}
FILM = {
    "vidflow": 1,
    "nodes": {
        "clip": {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}},
        "part": {"type": "trim", "inputs": {"video": {"from": "clip"}, "end": 1}},
        "slow": {"type": "retime", "inputs": {"video": {"from": "part"}, "speed": 0.5}},
        "save": {"type": "save_video", "inputs": {"video": {"from": "slow"}, "path": "slow.mp4"}},
    },
}
LOOK = {
    "vidflow": 1,
    "nodes": {"look": {"type": "graph:look"}, "other": {"type": "number", "inputs": {"value": 1.0}}},
    "graphs": {
        "look": {
            "nodes": {"one": {"type": "number", "inputs": {"value": 2.0}}, "two": {"type": "grade"}},
            "view": {"nodes": {"two": {"at": [0, 400]}}},
        }
    },
    "view": {"nodes": {"look": {"at": [0, 400]}}},
}


def _film(tmp_path: Path) -> Path:
    path = tmp_path / "film.json"
    path.write_text(json.dumps(FILM))
    return path


def test_a_window_that_is_closed_while_the_engine_is_made_runs_nothing(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    window = open_window(_film(tmp_path))
    window.show()
    window.filing.ask = lambda text, *answers, more="": answers[0]
    runner = window.runner
    window.do_run()
    window.close()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: not runner._making, timeout=60_000)
    assert runner.engine is None
    assert runner.request is None
    assert not (tmp_path / "outputs").exists()
    window.deleteLater()


def test_an_engine_that_cannot_be_made_fails_the_run_in_words(
    window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vidflow.engine.service.Engine", full)
    window.session.put(from_mapping(FILM), None)
    with qtbot.waitSignal(window.runner.finished) as found:
        window.do_run()
    assert found.args[0].status == "failed"
    assert "No space left" in found.args[0].failures[0]
    assert not window.runner.busy


def test_a_run_of_a_document_that_was_left_shows_nothing_on_the_next_one(
    window: Any, qtbot: Any, tmp_path: Path
) -> None:
    window.open(_film(tmp_path))
    with qtbot.waitSignal(window.runner.picture, timeout=60_000):
        window.do_run()
    run = window.runner.current
    other = json.loads(json.dumps(FILM))
    other["nodes"]["clip"]["inputs"]["path"] = "nowhere.mp4"
    pictures: list[str] = []
    window.session.put(from_mapping(other), None)
    window.thumbs.ready.connect(lambda flat, _: pictures.append(flat))
    window.runner.picture.connect(lambda flat, *_: pictures.append(flat))
    with qtbot.waitSignal(window.runner.finished, timeout=60_000):
        pass
    assert run.status == "done"
    assert pictures == []
    assert {window.session.state(id).kind for id in other["nodes"]} == {"idle"}


def test_a_picture_that_is_being_shrunk_belongs_to_the_document_that_it_was_made_for(window: Any, qtbot: Any) -> None:
    import numpy as np

    begun, go = threading.Event(), threading.Event()

    def slow() -> Any:
        begun.set()
        go.wait(10)
        return np.zeros((8, 8, 3), np.uint8)

    window.session.put(from_mapping({"vidflow": 1, "nodes": {"still": STILL}}), None)
    window.thumbs.offer("still", slow)
    assert begun.wait(10)
    window.session.put(from_mapping({"vidflow": 1, "nodes": {"still": {"type": "load_image"}}}), None)
    go.set()
    with qtbot.waitSignal(window.thumbs.ready) as found:
        window.thumbs.offer("next", np.zeros((8, 8, 3), np.uint8))
    assert found.args[0] == "next"
    assert window.canvas.nodes["still"].thumb is None


def test_a_still_that_is_being_made_belongs_to_its_document(
    window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.runner.with_engine(lambda _: None)
    qtbot.waitUntil(lambda: window.runner.engine is not None, timeout=60_000)
    engine = window.runner.engine
    begun, go = threading.Event(), threading.Event()
    opened = engine.open

    def slow(*given: Any, **more: Any) -> Any:
        begun.set()
        go.wait(10)
        return opened(*given, **more)

    monkeypatch.setattr(engine, "open", slow)
    window.session.put(from_mapping({"vidflow": 1, "nodes": {"still": STILL}}), None)
    qtbot.waitUntil(begun.is_set)
    window.session.put(from_mapping({"vidflow": 1, "nodes": {"still": {"type": "load_image"}}}), None)
    taken: list[str] = []
    take = window.stills._take
    monkeypatch.setattr(window.stills, "_take", lambda *given: (take(*given), taken.append(given[1])))
    go.set()
    qtbot.waitUntil(lambda: taken == ["still"])
    assert window.thumbs._waiting == {}
    assert window.canvas.nodes["still"].thumb is None


def _two(hand: Hand) -> tuple[str, str]:
    return hand.add("load_video", 0, 0), hand.add("resize", 400, 0)


def test_undo_during_a_drag_ends_the_drag(hand: Hand) -> None:
    one, other = _two(hand)
    hand.drag(hand.header(one), hand.header(one) + QPoint(0, 120))
    place = hand.canvas.nodes[other].pos()
    hand.press(hand.header(other))
    hand.move(hand.header(other) + QPoint(40, 40))
    hand.move(hand.header(other) + QPoint(80, 80))
    hand.do("undo")
    assert hand.canvas.gestures.active is None
    assert hand.canvas.nodes[other].pos() == place
    hand.move(hand.header(other) + QPoint(90, 90))
    hand.release(hand.header(other) + QPoint(90, 90))
    assert not hand.window.banner.isVisible()
    agree(hand.window)


def test_a_node_that_undo_takes_away_under_the_mouse_is_gone(hand: Hand) -> None:
    one, other = _two(hand)
    for start in (hand.header(other), hand.output(other), hand.output(one)):
        hand.press(start)
        hand.move(start + QPoint(30, 30))
        hand.move(start + QPoint(60, 60))
        hand.do("undo")
        hand.move(start + QPoint(70, 70))
        hand.release(start + QPoint(80, 80))
        assert other not in hand.canvas.nodes
        assert hand.canvas.gestures.active is None
        assert not hand.window._search.isVisible()
        assert not hand.window.banner.isVisible()
        agree(hand.window)
        hand.do("redo")
        agree(hand.window)


def test_esc_after_an_undo_in_a_scrub_takes_nothing_else_back(hand: Hand) -> None:
    id = hand.add("number", 0, 0)
    hand.session.do(SetInput(id, "value", 1.0))
    at = hand.value(id, "value")
    hand.press(at)
    hand.move(at + QPoint(20, 0))
    hand.move(at + QPoint(40, 0))
    assert hand.session.nodes[id].inputs["value"] > 1.0
    hand.do("undo")
    hand.key(Qt.Key.Key_Escape)
    hand.release(at)
    assert hand.session.nodes[id].inputs["value"] == 1.0


def test_undo_leaves_a_subgraph_that_is_gone_in_the_middle_of_a_drag(hand: Hand) -> None:
    _two(hand)
    hand.session.select(hand.session.nodes)
    hand.do("group")
    hand.do("enter")
    (scope,) = hand.session.scope
    id = next(iter(hand.session.nodes))
    hand.press(hand.header(id))
    hand.move(hand.header(id) + QPoint(30, 30))
    hand.move(hand.header(id) + QPoint(60, 60))
    hand.do("undo")
    assert hand.session.scope == ()
    assert scope not in hand.session.nodes
    hand.release(hand.header(next(iter(hand.session.nodes))) + QPoint(60, 60))
    agree(hand.window)


# Values that are being typed on the canvas


def _typing(hand: Hand, id: str, text: str) -> QLineEdit:
    """A value of a node, typed and not taken yet."""
    hand.canvas.look_at(hand.canvas.nodes[id].pos(), 1.0)
    hand.click(hand.value(id, "value"))
    field = hand.canvas.editor.field
    assert isinstance(field, QLineEdit)
    field.selectAll()
    hand.bot.keyClicks(field, text)
    return field


def test_what_is_being_typed_is_saved(hand: Hand, tmp_path: Path) -> None:
    hand.session.put(from_mapping(LOOK), None)
    hand.window.save_to(tmp_path / "one.json")
    _typing(hand, "other", "42")
    hand.do("save")
    assert load(tmp_path / "one.json").nodes["other"].inputs["value"] == 42.0


def test_what_is_being_typed_counts_where_it_stands_though_the_subgraph_is_left(hand: Hand) -> None:
    hand.session.put(from_mapping(LOOK), None)
    hand.session.enter("look")
    _typing(hand, "one", "7")
    button = next(one for one in hand.window.crumbs.findChildren(QToolButton) if one.isEnabled())
    button.click()
    assert hand.session.scope == ()
    assert hand.session.graph.graphs["look"].nodes["one"].inputs["value"] == 7.0
    assert "one" not in hand.session.nodes


def test_what_is_being_typed_is_no_value_of_another_document(hand: Hand) -> None:
    hand.session.put(from_mapping(LOOK), None)
    _typing(hand, "other", "7")
    hand.session.put(from_mapping(LOOK), None)
    assert hand.canvas.editor.field is None
    assert hand.session.nodes["other"].inputs["value"] == 1.0
    assert not hand.session.dirty


def test_a_field_of_a_node_or_frame_that_goes_away_goes_too(hand: Hand) -> None:
    id = hand.add("number", 0, 0)
    hand.session.do(SetInput(id, "value", 1.0))
    _typing(hand, id, "7")
    hand.session.undo()
    assert hand.canvas.editor.field is not None, "the node is there, only its value is another"
    hand.session.undo()
    assert id not in hand.session.nodes
    assert hand.canvas.editor.field is None
    hand.session.do(SetView(("frames", "f"), {"title": "F"}))
    hand.canvas.editor.rename_frame(hand.canvas.frames["f"])
    hand.bot.keyClicks(hand.canvas.editor.field, "G")
    hand.session.undo()
    assert hand.canvas.editor.field is None
    assert not hand.session.layout.get("frames")
    assert not hand.window.banner.isVisible()


def test_a_setting_that_is_being_typed_is_no_value_of_another_document(window: Any, qtbot: Any) -> None:
    document = {"vidflow": 1, "nodes": {"say": {"type": "text", "inputs": {"value": "one"}}}}
    window.session.put(from_mapping(document), None)
    window.session.select(("say",))
    window.settings_panel._look()
    page = window.settings_panel.page
    field = page.rows["value"].field.entries[0]
    field.setFocus()
    qtbot.keyClicks(field, "typed")
    page.title.setFocus()
    page.title.clear()
    document["nodes"]["say"]["inputs"]["value"] = "two"
    window.session.put(from_mapping(document), None)
    window.session.select(("say",))
    QApplication.processEvents()
    assert window.session.nodes["say"].inputs["value"] == "two"
    assert window.settings_panel.page is not page
    window.settings_panel.page.title.setFocus()
    window.settings_panel.page.title.clear()
    window.session.do(AddNode("more", Node("number", {})))
    window.session.put(from_mapping({"vidflow": 1, "nodes": {}}), None)
    QApplication.processEvents()
    assert not window.session.dirty


# What is shown anew


def test_a_subgraph_shows_what_is_wrong_in_it_as_soon_as_it_is_entered(window: Any, qtbot: Any) -> None:
    with qtbot.waitSignal(window.session.checked):
        window.session.put(from_mapping(LOOK), None)
    window.session.enter("look")
    assert window.canvas.nodes["two"].problem


def test_another_document_is_seen_from_where_all_of_it_is(window: Any) -> None:
    window.session.put(from_mapping(FILM), None)
    far = {"vidflow": 1, "nodes": {"n": {"type": "number"}}, "view": {"nodes": {"n": {"at": [90_000, -40_000]}}}}
    window.session.put(from_mapping(far), None)
    at = window.canvas.mapFromScene(QPointF(90_100, -39_990))
    assert window.canvas.viewport().rect().contains(at)


def test_of_two_windows_one_can_be_closed(window: Any, qtbot: Any) -> None:
    # pytest puts the showing of warnings back after each test, behind logging's back.
    logging.captureWarnings(False)
    other = open_window()
    other.show()
    other.session.put(from_mapping(LOOK), None)
    window.session.put(from_mapping(FILM), None)
    assert set(other.canvas.nodes) == {"look", "other"}
    other.close()
    other.deleteLater()
    qtbot.wait(1)
    window.session.do(SetInput("slow", "video", Link("clip", "video")))
    agree(window)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a warning of a node", UserWarning, stacklevel=1)
    qtbot.waitUntil(lambda: "a warning of a node" in window.log.text.toPlainText())


def test_a_subgraph_is_told_once_of_all_that_begins_in_it(window: Any, qtbot: Any) -> None:
    inner = {f"n{k}": {"type": "number"} for k in range(50)}
    document = {"vidflow": 1, "nodes": {"s": {"type": "graph:g"}}, "graphs": {"g": {"nodes": inner}}}
    window.session.put(from_mapping(document), None)
    told: list[str] = []
    window.session.state_changed.connect(told.append)
    with qtbot.waitSignal(window.session.state_changed, check_params_cb=lambda flat: flat == "s"):
        for id in inner:
            window.session.set_state(f"s/{id}", NodeState("waiting"), {})
    assert told.count("s") == 1
    assert len(told) == 51
    assert window.canvas.nodes["s"].state.kind == "waiting"


def test_what_a_thread_tells_is_told_on_the_gui_thread_in_turn_and_to_nobody_who_is_gone(qtbot: Any, qapp: Any) -> None:
    from PySide6.QtCore import QObject
    from shiboken6 import delete

    here, gone = QObject(), QObject()
    told: list[Any] = []

    def work() -> None:
        tell(gone, told.append, "gone")
        for k in range(3):
            tell(here, lambda k=k: told.append((k, threading.current_thread() is threading.main_thread())))
        tell(None, told.append, "end")

    teller = threading.Thread(target=work)
    teller.start()
    teller.join()
    assert told == []
    delete(gone)
    qtbot.waitUntil(lambda: "end" in told)
    assert told == [(0, True), (1, True), (2, True), "end"]
