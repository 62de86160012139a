"""Commands: their keys, their menu, the list of all of them; what is dropped on the canvas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QApplication

from vidflow.gui.canvas.view import NODE_FORMAT
from vidflow.gui.commands import BY_NAME, COMMANDS, keys_of, set_keys
from vidflow.gui.keys import Keys
from vidflow.places import resource

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_no_two_commands_have_the_same_keys() -> None:
    taken: dict[str, str] = {}
    for command in COMMANDS:
        for keys in command.keys:
            assert keys not in taken, f"{command.name} and {taken.get(keys)}"
            taken[keys] = command.name


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("search", ["Tab", "Shift+A"]),
        ("show", ["1"]),
        ("toggle_off", ["D"]),
        ("fit_selection", ["F"]),
        ("fit", ["A"]),
        ("duplicate", ["Ctrl+D"]),
        ("group", ["Ctrl+G"]),
        ("frame", ["Ctrl+B"]),
        ("run", ["Ctrl+Return", "Ctrl+Enter"]),
        ("run_selected", ["Shift+Return"]),
        ("commands", ["Ctrl+Shift+P"]),
    ],
)
def test_keys_are_where_hands_expect_them(name: str, keys: list[str]) -> None:
    assert [one.toString() for one in keys_of(BY_NAME[name])] == keys


def test_every_command_stands_in_a_menu_with_its_keys(window: Any) -> None:
    def actions(menu: Any) -> Any:
        for action in menu.actions():
            if action.menu() is not None:
                yield from actions(action.menu())
            else:
                yield action

    in_menus = {action.objectName() for menu in window.menuBar().actions() for action in actions(menu.menu())}
    assert {one.name for one in COMMANDS} <= in_menus
    for one in COMMANDS:
        action = window.actions_by_name[one.name]
        assert action.text()
        assert [keys.toString() for keys in action.shortcuts()] == [QKeySequence(keys).toString() for keys in one.keys]


def test_keys_can_be_changed_and_are_remembered(window: Any, hand: Any, qtbot: Any) -> None:
    id = hand.add("load_video", 0, 0)
    dialog = Keys(window)
    item = next(one for one in dialog._items if one.data(0, Qt.ItemDataRole.UserRole) == "toggle_off")
    dialog.tree.setCurrentItem(item)
    dialog.edit.setKeySequence(QKeySequence("F"))
    dialog._take()
    assert "Zoom to the selection" in dialog.says.text(), "keys that are taken are refused"
    dialog.edit.setKeySequence(QKeySequence("X"))
    dialog._take()
    assert item.text(1) == "X"
    hand.key(Qt.Key.Key_X)
    assert hand.session.nodes[id].off
    hand.key(Qt.Key.Key_D)
    assert hand.session.nodes[id].off, "the old key does nothing"
    assert [one.toString() for one in keys_of(BY_NAME["toggle_off"])] == ["X"]
    set_keys("toggle_off", None)
    window.set_keys()
    hand.key(Qt.Key.Key_D)
    assert not hand.session.nodes[id].off
    dialog.close()


def test_all_commands_are_found_by_typing(window: Any, hand: Any, qtbot: Any) -> None:
    hand.add("load_video", 0, 0)
    window.actions_by_name["commands"].trigger()
    search = window._search
    qtbot.waitUntil(search.isVisible)
    qtbot.keyClicks(search.line, "select all")
    assert search.list.item(0).text() == "Select all"
    hand.session.select(())
    qtbot.keyClick(search.line, Qt.Key.Key_Return)
    assert len(hand.session.selection) == 1


def _drop(window: Any, data: QMimeData, at: Any) -> None:
    viewport = window.canvas.viewport()
    arguments = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(at, *arguments)
    QApplication.sendEvent(viewport, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(viewport, QDropEvent(QPointF(at), *arguments))


def test_a_node_of_the_palette_lands_where_it_is_dropped(window: Any, hand: Any) -> None:
    hand.canvas.look_at(QPointF(0, 0), 1.0)
    data = QMimeData()
    data.setData(NODE_FORMAT, b"resize")
    _drop(window, data, hand.at(80, 40))
    (at,) = [hand.session.view_of(id)["at"] for id in hand.session.nodes]
    assert at == [80.0, 40.0]


def test_dropped_files_become_load_nodes_and_what_is_none_is_said(window: Any, hand: Any, tmp_path: Path) -> None:
    strange = tmp_path / "notes.txt"
    strange.write_text("no clip")
    data = QMimeData()
    names = ("media/sea.mp4", "media/moon.png", "media/evening.m4a", "media/takes")
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (*map(resource, names), strange)])
    _drop(window, data, hand.at(0, 0))
    types = [node.type for node in hand.session.nodes.values()]
    assert types == ["load_video", "load_image", "load_audio", "image_sequence"]
    assert "notes.txt" in window.banner.text.text()
    boxes = [item.body.translated(item.pos()) for item in hand.canvas.nodes.values()]
    assert not any(one.intersects(other) for k, one in enumerate(boxes) for other in boxes[k + 1 :])
    hand.do("undo")
    assert not hand.session.nodes, "one drop is one edit"


def test_a_dropped_graph_opens(window: Any, hand: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"vidflow": 1, "nodes": {"n": {"type": "number", "inputs": {"value": 3}}}}')
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    _drop(window, data, hand.at(0, 0))
    assert window.session.path == path
    assert list(window.session.nodes) == ["n"]
    broken = tmp_path / "broken.json"
    broken.write_text('{"vidflow": 1, "nodes": ')
    data.setUrls([QUrl.fromLocalFile(str(broken))])
    _drop(window, data, hand.at(0, 0))
    assert window.session.path == path, "what was open stays open"
    assert window.banner.isVisible()
