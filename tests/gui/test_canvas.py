"""Gestures on the canvas: what the mouse and the keys do to the document."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QLineEdit

from tests.gui.hand import MIDDLE, agree
from vidflow.graph import Link, SetInput, dump

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def pair(hand: Any) -> tuple[str, str]:
    """A load_video and a resize beside it."""
    return hand.add("load_video", 0, 0), hand.add("resize", 320, 0)


def test_a_wire_is_drawn_from_an_output_to_an_input_and_back(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.drag(hand.output(clip), hand.input(size, "video"))
    assert hand.session.nodes[size].inputs == {"video": Link(clip)}
    agree(hand.window)
    hand.do("undo")
    assert hand.session.nodes[size].inputs == {}
    hand.drag(hand.input(size, "video"), hand.output(clip))
    assert hand.session.nodes[size].inputs == {"video": Link(clip)}
    agree(hand.window)


def test_a_wire_catches_a_port_within_24_pixels(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.drag(hand.output(clip), hand.input(size, "video") - QPoint(20, 4))
    assert hand.session.nodes[size].inputs == {"video": Link(clip)}
    hand.do("undo")
    hand.drag(hand.output(clip), hand.input(size, "video") - QPoint(30, 0))
    assert hand.session.nodes[size].inputs == {}
    hand.window._search.hide()


def test_a_wire_that_does_not_fit_says_why_at_the_pointer(hand: Any) -> None:
    music, size = hand.add("load_audio", 0, 0), hand.add("resize", 320, 0)
    hand.press(hand.output(music))
    hand.move(hand.input(size, "video") - QPoint(60, 0))
    hand.move(hand.input(size, "video"))
    assert hand.canvas.reason.isVisible()
    assert "does not fit" in hand.canvas.reason.text()
    assert hand.canvas.nodes[size].reach == {("in", "video", None): False, ("out", "video", None): False}
    hand.release(hand.input(size, "video"))
    assert not hand.canvas.reason.isVisible()
    assert hand.session.nodes[size].inputs == {}


def test_a_circle_is_refused(hand: Any) -> None:
    one, other = hand.add("reverse", 0, 0), hand.add("reverse", 320, 0)
    hand.drag(hand.output(one), hand.input(other, "video"))
    hand.press(hand.output(other))
    hand.move(hand.output(other) + QPoint(10, 10))
    hand.move(hand.input(one, "video"))
    assert "circle" in hand.canvas.reason.text().lower()
    hand.release(hand.input(one, "video"))
    assert hand.session.nodes[one].inputs == {}
    agree(hand.window)


def test_a_wire_taken_off_its_input_goes_elsewhere_or_away(hand: Any, pair: Any) -> None:
    clip, size = pair
    other = hand.add("reverse", 320, 260)
    hand.drag(hand.output(clip), hand.input(size, "video"))
    hand.drag(hand.input(size, "video"), hand.input(other, "video"))
    assert hand.session.nodes[size].inputs == {}
    assert hand.session.nodes[other].inputs == {"video": Link(clip)}
    agree(hand.window)
    hand.drag(hand.input(other, "video"), hand.at(250, 500))
    assert hand.session.nodes[other].inputs == {}
    agree(hand.window)


def test_escape_puts_a_wire_back(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.drag(hand.output(clip), hand.input(size, "video"))
    before = dump(hand.session.graph)
    hand.press(hand.input(size, "video"))
    hand.move(hand.at(250, 300))
    hand.key(Qt.Key.Key_Escape)
    hand.release(hand.at(250, 300))
    assert dump(hand.session.graph) == before
    agree(hand.window)
    assert all(wire.isVisible() for wire in hand.canvas.wires.values())


def test_lists_take_wires_in_order(hand: Any) -> None:
    clips = [hand.add("load_video", 0, 240 * k) for k in range(3)]
    film = hand.add("concat", 320, 0)
    hand.canvas.fit()
    for k, clip in enumerate(clips):
        hand.drag(hand.output(clip), hand.input(film, "videos", k))
    assert hand.session.nodes[film].inputs["videos"] == tuple(Link(clip) for clip in clips)
    # The third is dropped on the first place: it comes before the first.
    hand.drag(hand.input(film, "videos", 2), hand.input(film, "videos", 0))
    assert hand.session.nodes[film].inputs["videos"] == (Link(clips[2]), Link(clips[0]), Link(clips[1]))
    agree(hand.window)


def test_a_wire_dropped_on_a_setting_feeds_it(hand: Any, pair: Any) -> None:
    _, size = pair
    hand.session.do(SetInput(size, "width", 640))
    number = hand.add("number", 0, 300)
    hand.drag(hand.output(number), hand.value(size, "width"))
    assert hand.session.nodes[size].inputs["width"] == Link(number)
    agree(hand.window)


def test_a_wire_dropped_on_empty_canvas_offers_what_fits(hand: Any, qtbot: Any) -> None:
    music = hand.add("load_audio", 0, 0)
    hand.drag(hand.output(music), hand.at(350, 100))
    search = hand.window._search
    assert search.isVisible()
    titles = [search.list.item(k).data(Qt.ItemDataRole.UserRole) for k in range(search.list.count())]
    assert "set_audio" in titles
    assert "load_video" not in titles
    qtbot.keyClicks(search.line, "set audio")
    qtbot.keyClick(search.line, Qt.Key.Key_Return)
    (made,) = [id for id, node in hand.session.nodes.items() if node.type == "set_audio"]
    assert hand.session.nodes[made].inputs["audio"] == Link(music)
    hand.do("undo")
    assert set(hand.session.nodes) == {music}, "the node and its wire are one edit"


def test_nodes_move_on_the_grid_and_a_move_is_one_edit(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.click(hand.header(clip))
    hand.click(hand.header(size), SHIFT)
    assert set(hand.session.selection) == {clip, size}
    start = hand.header(clip)
    hand.drag(start, start + QPoint(83, 45))
    at = [hand.session.view_of(id)["at"] for id in (clip, size)]
    assert all(value % 8 == 0 for pair in at for value in pair)
    assert at[1][0] - at[0][0] == 320
    assert at[0][0] == pytest.approx(83 / 0.8, abs=8)
    agree(hand.window)
    hand.do("undo")
    assert hand.session.view_of(clip)["at"] == [0.0, 0.0]
    agree(hand.window)


def test_a_loose_node_dropped_on_a_wire_goes_into_it(hand: Any) -> None:
    clip, save = hand.add("load_video", 0, 0), hand.add("save_video", 640, 0)
    hand.drag(hand.output(clip), hand.input(save, "video"))
    wire = next(iter(hand.canvas.wires.values()))
    middle = wire.path().pointAtPercent(0.5)
    loose = hand.add("grade", 300, 300)
    hand.canvas.fit()
    grip = hand.header(loose)
    goal = hand.canvas.mapFromScene(middle + QPointF(-10, 0))
    hand.drag(grip, goal)
    assert hand.session.nodes[loose].inputs == {"video": Link(clip)}
    assert hand.session.nodes[save].inputs["video"] == Link(loose)
    agree(hand.window)
    hand.do("undo")
    assert hand.session.nodes[save].inputs["video"] == Link(clip)


def test_the_rubber_band_selects_adds_and_takes_away(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.drag(hand.at(-40, -40), hand.at(100, 60))
    assert hand.session.selection == (clip,)
    hand.drag(hand.at(560, -40), hand.at(400, 60), modifiers=SHIFT)
    assert set(hand.session.selection) == {clip, size}
    hand.drag(hand.at(-40, -40), hand.at(100, 60), modifiers=CTRL)
    assert hand.session.selection == (size,)
    hand.click(hand.at(260, 400))
    assert hand.session.selection == ()
    agree(hand.window)


def test_a_value_is_scrubbed_and_a_click_edits_it(hand: Any, qtbot: Any, pair: Any) -> None:
    _, size = pair
    hand.session.do(SetInput(size, "width", 640))
    place = hand.value(size, "width")
    hand.drag(place, place + QPoint(80, 0), steps=20)
    first = hand.session.nodes[size].inputs["width"]
    assert first > 640
    hand.do("undo")
    assert hand.session.nodes[size].inputs["width"] == 640, "a drag is one edit"
    hand.drag(place, place + QPoint(80, 0), modifiers=CTRL, steps=20)
    assert hand.session.nodes[size].inputs["width"] - 640 > 5 * (first - 640)
    hand.click(hand.value(size, "width"))
    field = hand.canvas.editor.field
    assert isinstance(field, QLineEdit)
    field.selectAll()
    qtbot.keyClicks(field, "1280")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert hand.session.nodes[size].inputs["width"] == 1280
    hand.click(hand.value(size, "width"))
    field = hand.canvas.editor.field
    field.selectAll()
    qtbot.keyClicks(field, "-3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert hand.session.nodes[size].inputs["width"] == 1280, "an impossible value is refused"
    assert "out of range" in hand.window.banner.text.text()


def test_the_wheel_zooms_at_the_pointer(hand: Any, pair: Any) -> None:
    from PySide6.QtCore import QPoint as Point
    from PySide6.QtGui import QWheelEvent

    place = hand.header(pair[1])
    before = hand.canvas.mapToScene(place)
    event = QWheelEvent(
        QPointF(place),
        QPointF(place),
        Point(),
        Point(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(hand.canvas.viewport(), event)
    assert hand.canvas.zoom > 0.8
    after = hand.canvas.mapToScene(place)
    assert abs(after.x() - before.x()) < 2
    assert abs(after.y() - before.y()) < 2


@pytest.mark.parametrize("how", ["middle", "alt"])
def test_dragging_pans(hand: Any, pair: Any, how: str) -> None:
    before = hand.canvas.mapToScene(QPoint(100, 100))
    if how == "middle":
        hand.drag(QPoint(100, 100), QPoint(160, 130), MIDDLE)
    else:
        hand.drag(QPoint(100, 100), QPoint(160, 130), modifiers=ALT)
    after = hand.canvas.mapToScene(QPoint(160, 130))
    assert abs(after.x() - before.x()) < 2
    assert abs(after.y() - before.y()) < 2
    assert hand.session.selection != ()


def test_delete_duplicate_copy_and_paste(hand: Any, pair: Any) -> None:
    clip, size = pair
    hand.drag(hand.output(clip), hand.input(size, "video"))
    hand.session.select((size,))
    hand.key(Qt.Key.Key_D, CTRL)
    assert hand.session.selection == ("resize_2",)
    assert hand.session.nodes["resize_2"].inputs == {"video": Link(clip)}, "a duplicate reads what its original reads"
    agree(hand.window)
    hand.session.select((clip, size))
    hand.key(Qt.Key.Key_C, CTRL)
    hand.key(Qt.Key.Key_V, CTRL)
    assert len(hand.session.nodes) == 5
    pasted = hand.session.selection
    assert hand.session.nodes[pasted[1]].inputs == {"video": Link(pasted[0])}
    agree(hand.window)
    hand.key(Qt.Key.Key_Delete)
    assert len(hand.session.nodes) == 3
    agree(hand.window)


def test_a_wire_is_selected_bent_and_deleted(hand: Any) -> None:
    clip, save = hand.add("load_video", 0, 0), hand.add("save_video", 640, 0)
    hand.drag(hand.output(clip), hand.input(save, "video"))
    wire = next(iter(hand.canvas.wires.values()))
    middle = hand.canvas.mapFromScene(wire.path().pointAtPercent(0.5))
    hand.double(middle)
    (points,) = hand.session.layout["bends"].values()
    assert len(points) == 1
    place = hand.at(*points[0])
    hand.drag(place, place + QPoint(0, 80))
    (moved,) = hand.session.layout["bends"].values()
    assert moved[0][1] > points[0][1] + 60
    agree(hand.window)
    place = hand.at(*moved[0])
    hand.double(place)
    assert "bends" not in hand.session.layout
    middle = hand.canvas.mapFromScene(next(iter(hand.canvas.wires.values())).path().pointAtPercent(0.5))
    hand.click(middle)
    hand.key(Qt.Key.Key_Delete)
    assert "video" not in hand.session.nodes[save].inputs
    agree(hand.window)


def test_frames_move_what_lies_in_them(hand: Any, qtbot: Any, pair: Any) -> None:
    clip, size = pair
    hand.session.select((clip, size))
    hand.key(Qt.Key.Key_B, CTRL)
    (name,) = hand.session.layout["frames"]
    field = hand.canvas.editor.field
    field.selectAll()
    qtbot.keyClicks(field, "Opening")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert hand.session.layout["frames"][name]["title"] == "Opening"
    frame = hand.canvas.frames[name]
    grip = hand.canvas.mapFromScene(frame.pos() + QPointF(frame.size[0] / 2, 10))
    before = [hand.session.view_of(id)["at"] for id in pair]
    hand.drag(grip, grip + QPoint(40, 40))
    after = [hand.session.view_of(id)["at"] for id in pair]
    assert [b[0] - a[0] for a, b in zip(before, after, strict=True)] == [48, 48]
    agree(hand.window)
    hand.do("undo")
    agree(hand.window)
    corner = hand.canvas.mapFromScene(frame.pos() + QPointF(frame.size[0] - 6, frame.size[1] - 6))
    width = frame.size[0]
    hand.drag(corner, corner + QPoint(64, 0))
    assert hand.session.layout["frames"][name]["size"][0] > width + 60


def test_tab_searches_and_new_nodes_lie_on_no_other(hand: Any, qtbot: Any) -> None:
    for _ in range(3):
        hand.key(Qt.Key.Key_Tab)
        search = hand.window._search
        qtbot.waitUntil(search.isVisible)
        qtbot.keyClicks(search.line, "resize")
        qtbot.keyClick(search.line, Qt.Key.Key_Return)
    boxes = [item.body.translated(item.pos()) for item in hand.canvas.nodes.values()]
    assert len(boxes) == 3
    for k, box in enumerate(boxes):
        assert (box.x() % 8, box.y() % 8) == (0, 0)
        assert not any(box.intersects(other) for other in boxes[k + 1 :])


def test_a_node_added_beside_the_selection_comes_into_view(hand: Any) -> None:
    for _ in range(4):
        hand.window.editing.add("resize")
        (id,) = hand.session.selection
        item = hand.canvas.nodes[id]
        seen = hand.canvas.mapToScene(hand.canvas.viewport().rect()).boundingRect()
        assert seen.contains(item.body.translated(item.pos()))


def test_a_new_node_lies_on_no_other_however_high_it_is(hand: Any) -> None:
    below = hand.add("load_video", 0, 0)
    hand.session.select(())
    added = hand.window.editing.add("load_video", QPointF(0, -168))
    one, other = (hand.canvas.nodes[id] for id in (below, added))
    assert not one.body.translated(one.pos()).intersects(other.body.translated(other.pos()))


def test_a_new_document_is_seen_at_its_own_size(hand: Any) -> None:
    hand.do("new")
    hand.canvas.look_at(QPointF(900, 0), 0.2)
    hand.do("new")
    assert hand.canvas.zoom == 1


def test_a_click_from_so_far_that_no_value_is_drawn_only_selects(hand: Any, pair: Any) -> None:
    hand.session.do(SetInput(pair[1], "width", 640))
    hand.canvas.look_at(QPointF(300, 200), 0.4)
    hand.click(hand.value(pair[1], "width"))
    assert hand.session.selection == (pair[1],)
    assert hand.canvas.editor.field is None


def test_keys_without_a_modifier_act_on_the_canvas_only(hand: Any, qtbot: Any, pair: Any) -> None:
    hand.session.select((pair[1],))
    hand.key(Qt.Key.Key_D)
    assert hand.session.nodes[pair[1]].off
    hand.key(Qt.Key.Key_1)
    assert hand.session.pinned == pair[1]
    hand.canvas.editor.rename(hand.canvas.nodes[pair[1]])
    field = hand.canvas.editor.field
    field.selectAll()
    qtbot.keyClicks(field, "Dada 1")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert hand.session.view_of(pair[1])["title"] == "Dada 1"
    assert hand.session.nodes[pair[1]].off, "typing D in a field turns nothing on"


def test_unknown_types_are_kept_and_shown(window: Any, tmp_path: Any) -> None:
    text = (
        '{"vidflow": 1, "nodes": {"a": {"type": "load_video", "inputs": {"path": "x.mp4"}}, '
        '"b": {"type": "strange.thing", "inputs": {"from_a": {"from": "a"}, "k": 3}}, '
        '"c": {"type": "reverse", "inputs": {"video": {"from": "b.out"}}}}}'
    )
    path = tmp_path / "strange.json"
    path.write_text(text)
    window.open(path)
    agree(window)
    assert window.canvas.nodes["b"].face.missing
    assert all(wire.isVisible() for wire in window.canvas.wires.values())
    before = dump(window.session.graph)
    window.save_to(path)
    assert path.read_text() == before
    assert '"strange.thing"' in before
    assert '"k": 3' in before
