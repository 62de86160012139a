"""Graph files that no editor wrote: whatever their layout says, the window opens them and shows what they hold."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel, QListWidget, QWidget

from tests.gui.hand import NONE, Hand, agree
from vidflow.errors import GraphError
from vidflow.graph import from_mapping
from vidflow.gui.running import Run

MARKUP = "<b>bold</b><img src='file:///etc/hostname'><a href='https://example.org'>there</a>"
ODD: tuple[Any, ...] = (
    *(None, True, 0, -7, 10**18, 1e9, -1e300, 1e308, "", "text", MARKUP, "あ" * 300, "x" * 1_000_000, "&a&b[*]"),
    *([], [1], [None, "x"], [1, 2], [[1, 2]], [[1, "b"], 3], [[1, 2, 3]], [1e308, -1e308], ["a"] * 3000),
    *({}, {"en": "one", "ja": "二"}, {"en": 4}, {"at": 3}, {"a": {"b": []}}, {"at": [1e300, 0], "size": [0, "w"]}),
)
NO_BUTTON = Qt.MouseButton.NoButton
PLACES: tuple[Any, ...] = ([0, 0], [1e9, -1e9], [1e308, 1e-308], [-1e300, 7], [0.5, 2**60])
"""What a node's position may be: a file with anything else there is refused."""
BASE: dict[str, Any] = {
    "vidflow": 1,
    "nodes": {
        "clip": {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}},
        "still": {"type": "load_image", "inputs": {"path": "none.png"}},
        "look": {"type": "graph:look", "inputs": {"video": {"from": "clip"}}},
        "row": {"type": "concat", "inputs": {"videos": [{"from": "clip"}, {"from": "look"}]}},
        "gone": {"type": "pack.gone", "inputs": {"a": {"from": "row.what"}, "b": [1, {"from": "nobody"}]}},
        "save": {"type": "save_video", "inputs": {"video": {"from": "row"}, "path": "one.mp4"}},
    },
    "graphs": {
        "look": {
            "nodes": {
                "one": {"type": "grade", "inputs": {"exposure": 0.5}},
                "two": {"type": "grade", "inputs": {"video": {"from": "one"}}},
            },
            "inputs": {"video": ["one.video"]},
            "outputs": {"video": {"from": "two"}},
            "view": {"title": "Look", "nodes": {"one": {"at": [0, 0]}, "two": {"at": [300, 0]}}},
        }
    },
    "view": {
        "title": "T",
        "about": "A",
        "nodes": {
            "clip": {"at": [0, 0], "title": "Clip", "stars": ["path"], "inputs": ["path"], "width": 240},
            "look": {"at": [300, 0], "colour": "red"},
            "row": {"at": [600, 0], "title": {"en": "Row", "ja": "列"}},
            "save": {"at": [900, 0]},
            "nobody": {"at": [9, 9]},
        },
        "frames": {"frame": {"at": [-40, -60], "size": [400, 300], "title": "F", "note": "N", "colour": "ok"}},
        "bends": {"row.videos.0": [[450, 80]], "save.video": [[800, 40], [820, 60]]},
    },
}


def _spots(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in a document where something else can be put."""
    found = [at] if at else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found.extend(_spots(inner, (*at, key)))
    return found


def _mutated(chance: random.Random) -> dict[str, Any]:
    """The base with strange things in a few places, most of them in its layouts."""
    document = copy.deepcopy(BASE)
    for _ in range(chance.randrange(1, 5)):
        spots = _spots(document)
        views = [spot for spot in spots if "view" in spot[:-1]]
        *path, last = chance.choice(views if chance.random() < 0.8 else spots)
        if path[-2:-1] == ["nodes"] and last != "at" and "view" in path[:-2] and chance.random() < 0.3:
            last = chance.choice(("title", "stars", "inputs", "width", "colour", "note"))
        inner: Any = document
        for key in path:
            inner = inner[key]
        placed = isinstance(inner, dict) and "at" in inner and path[-2] == "nodes"
        inner[last] = copy.deepcopy(chance.choice(PLACES if placed and last == "at" else ODD))
    return document


def _look_at_everything(window: Any, qtbot: Any) -> None:
    """Select, enter, paint, and pass the mouse over all that there is."""
    session, canvas, hand = window.session, window.canvas, Hand(window, qtbot)
    agree(window)
    for id in list(session.nodes):
        session.select((id,))
        window.settings_panel._look()
        at = canvas.mapFromScene(canvas.nodes[id].pos())
        hand.send(QEvent.Type.MouseMove, at + QPoint(20, 40), NO_BUTTON, NO_BUTTON, NONE)
    for scale in (1.0, 0.5, 0.2):
        canvas.look_at(canvas.mapToScene(canvas.viewport().rect().center()), scale)
        canvas.grab()
    canvas.fit()
    canvas.grab()
    window.editing.arrange()
    agree(window)
    session.undo()
    agree(window)


def test_any_layout_is_shown(window: Any, qtbot: Any) -> None:
    chance = random.Random(11)
    opened = 0
    for number in range(150):
        document = _mutated(chance)
        try:
            graph = from_mapping(json.loads(json.dumps(document)))
        except GraphError:
            continue
        opened += 1
        try:
            window.session.put(graph, None)
            _look_at_everything(window, qtbot)
            for id in list(window.session.nodes):
                if window.canvas.nodes[id].face.inner:
                    window.session.enter(id)
                    _look_at_everything(window, qtbot)
                    window.session.leave()
                    break
        except BaseException as error:
            error.add_note(f"document {number}: {json.dumps(document)[:3000]}")
            raise
    assert opened > 50


def _said_as_it_stands(window: Any) -> list[str]:
    """Whatever shows a file's text in a way that Qt would read as markup."""
    found = [one.text() for one in window.findChildren(QLabel) if one.textFormat() != Qt.TextFormat.PlainText]
    found += [one.toolTip() for one in window.findChildren(QWidget)]
    lists = list(window.findChildren(QListWidget))
    found += [one.item(row).toolTip() for one in lists for row in range(one.count())]
    return [text for text in found if "<img" in text or "<a" in text]


def test_no_text_of_a_file_is_taken_for_markup(window: Any, qtbot: Any) -> None:
    document = copy.deepcopy(BASE)
    nodes, view = document["nodes"], document["view"]["nodes"]
    for entry in view.values():
        entry["title"] = MARKUP
    nodes["bad"] = {"type": "trim", "inputs": {"video": {"from": "clip"}, "unit": MARKUP}}
    nodes["gone"]["type"] = MARKUP
    view["bad"] = {"title": MARKUP}
    with qtbot.waitSignal(window.session.checked):
        window.session.put(from_mapping(document), None)
    hand = Hand(window, qtbot)
    for id in nodes:
        window.session.select((id,))
        window.settings_panel._look()
        qtbot.waitUntil(lambda id=id: window.source.shown.flat == id)
        window.settings_panel.grab()
        hand.send(QEvent.Type.MouseMove, hand.header(id), NO_BUTTON, NO_BUTTON)
        assert _said_as_it_stands(window) == []
    window.session.message.emit("error", MARKUP)
    hand.press(hand.output("clip"))
    window.canvas.gestures.active._say(MARKUP, QPoint(5, 5))
    window.runner.history.append(Run(window.session.graph, window.session.paths, title=MARKUP, failures=(MARKUP,)))
    window.runs._show()
    window.runs.grab()
    assert _said_as_it_stands(window) == []
    assert MARKUP in window.banner.text.text()
    window.canvas.gestures.cancel()


def test_graphs_that_stand_in_themselves_or_nowhere_can_be_entered_and_left(window: Any) -> None:
    long = "n" * 200
    nodes = {
        "self": {"type": "graph:loop", "inputs": {"a": {"from": "self"}}},
        "gone": {"type": "graph:gone"},
        long: {"type": "concat", "inputs": {"videos": [{"from": "self"}] * 1000}},
    }
    part = {"nodes": {"self": {"type": "graph:loop"}, "one": {"type": "graph:gone"}}, "inputs": {"a": ["self.a"]}}
    document = {"vidflow": 1, "nodes": nodes, "graphs": {"loop": {**part, "outputs": {"b": {"from": "self"}}}}}
    window.session.put(from_mapping(document), None)
    agree(window)
    assert len(window.canvas.wires) == 1001
    for depth in range(1, 20):
        window.session.enter("self")
        assert len(window.session.scope) == depth
        agree(window)
    window.session.enter("one")
    assert len(window.session.scope) == 19, "there is nothing in a subgraph that is not there"
    window.session.go(())
    agree(window)


def test_five_thousand_nodes_on_one_spot_can_be_worked_with(window: Any, qtbot: Any) -> None:
    nodes = {f"n{k}": {"type": "number", "inputs": {"value": k}} for k in range(5000)}
    window.session.put(from_mapping({"vidflow": 1, "nodes": nodes}), None)
    hand = Hand(window, qtbot)
    window.canvas.look_at(QPointF(200, 200), 1.0)
    began = time.monotonic()
    hand.drag(hand.header("n7"), hand.header("n7") + QPoint(160, 80))
    hand.drag(hand.output("n3"), hand.output("n3") + QPoint(300, 300))
    window._search.hide()
    window.session.select(())
    assert window.editing.add("number", QPointF(0, 0)) is not None
    # Two minutes would be a quadratic step; on a slow machine this takes three seconds.
    assert time.monotonic() - began < 30
    agree(window)


def test_a_frame_that_comes_back_by_undo_shows_what_it_says(window: Any) -> None:
    window.session.put(from_mapping(BASE), None)
    window.canvas.frames["frame"].setSelected(True)
    window.editing.delete()
    assert not window.canvas.frames
    window.session.undo()
    frame = window.canvas.frames["frame"]
    assert (frame.title, frame.note, frame.size, frame.pos().x()) == ("F", "N", (400.0, 300.0), -40.0)
