"""The viewer and the timeline, over a real engine."""

from __future__ import annotations

import random
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from tests.engine.conftest import graph
from tests.gui.stage import Stage, clip, counting
from vidflow.media import open_video


def grabbed(widget: QWidget) -> np.ndarray:
    """What the widget shows, uint8 `[height, width, 3]`."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def drag_to(stage: Stage, index: int) -> None:
    """Press on the strip and drag to the middle of a frame."""
    strip = stage.timeline.strip
    y = strip.height() // 2
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPoint(strip.width() // 2, y))
    for share in (0.3, 0.7, 1.0):
        x = strip.width() / 2 + (strip.x_of(index + 0.5) - strip.width() / 2) * share
        QTest.mouseMove(strip, QPoint(round(x), y))
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(strip.x_of(index + 0.5)), y))


def test_after_a_drag_to_a_frame_the_view_at_100_percent_equals_it_pixel_for_pixel(
    stage: Stage, tmp_path: Path
) -> None:
    path = counting(tmp_path / "clip.mp4", frames=120, size="320x180")
    stage.put(graph(v=("load_video", {"path": str(path)})))
    stage.timeline.resize(1280, 160)
    stage.look("v")
    stage.viewer.picture.actual()
    straight = np.concatenate([frames.numpy() for frames in open_video(path).read()])
    for index in random.Random(5).sample(range(120), 20):
        drag_to(stage, index)
        stage.until(lambda index=index: stage.frames and stage.frames[-1] == index)
        place = stage.viewer.picture.place()
        seen = grabbed(stage.viewer.picture)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
        assert (seen == straight[index]).all(), index


def test_a_scrub_of_a_chain_that_never_ran_makes_exactly_the_frames_it_needs(
    stage: Stage, made: dict[str, int]
) -> None:
    shot = ("lab.bars", {"frames": 300, "width": 64, "height": 48})
    stage.put(graph(a=shot, t=("lab.tint", {"frame": "@a"}), h=("lab.dream", {"frame": "@t"})))
    stage.look("h")
    stage.until(lambda: stage.frames == [0])
    stage.still()
    made.clear()
    stage.player.seek(201)
    stage.until(lambda: stage.frames[-1] == 201)
    stage.still()
    assert made == {"bars": 1, "tint": 1, "dream": 1}


def test_a_scrub_of_harmonised_colour_looks_at_its_samples_once_and_then_at_one_frame(
    stage: Stage, made: dict[str, int]
) -> None:
    a, b = ("lab.bars", {"frames": 100, "seed": 1}), ("lab.bars", {"frames": 100, "seed": 2})
    stage.put(
        graph(a=a, b=b, t=("lab.gpu_tint", {"frame": "@a"}), h=("harmonise_colour", {"video": "@t", "reference": "@b"}))
    )
    stage.look("h")
    stage.until(lambda: stage.frames == [0])
    stage.still()
    assert (made["gpu_tint"], made["bars"]) == (11, 21)
    made.clear()
    stage.player.seek(57)
    stage.until(lambda: stage.frames[-1] == 57)
    stage.still()
    assert made == {"bars": 1, "gpu_tint": 1}


def test_a_drag_over_slow_frames_makes_the_last_and_few_of_those_between(stage: Stage, made: dict[str, int]) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 300}), t=("lab.gpu_tint", {"frame": "@v", "seconds": 0.3})))
    stage.look("t")
    stage.until(lambda: stage.frames == [0])
    made.clear()
    for index in range(10, 290, 2):
        stage.player.seek(index)
        stage.until(lambda: True)
    stage.until(lambda: stage.frames[-1] == 288)
    assert made["gpu_tint"] <= 4


def test_an_edit_shows_the_same_frame_of_the_new_content_and_a_move_fetches_nothing(
    stage: Stage, made: dict[str, int]
) -> None:
    from vidflow.graph import SetInput, SetView

    stage.put(graph(v=("lab.bars", {"frames": 50}), t=("lab.tint", {"frame": "@v", "by": 1})))
    stage.look("t")
    stage.player.seek(20)
    stage.until(lambda: stage.frames and stage.frames[-1] == 20)
    before: Any = stage.viewer.picture.frame
    stage.still()
    counts, key = dict(made), stage.source.shown.key
    stage.session.do(SetView("t", {"at": [40, 40]}))
    stage.session.do(SetInput("t", "by", 9))
    stage.until(lambda: stage.source.shown.key != key)
    stage.until(lambda: len(stage.frames) > 1 and stage.viewer.picture.frame is not before)
    assert stage.frames[-1] == 20
    assert (stage.viewer.picture.frame == before + np.uint8(8)).all()
    del counts


def test_two_nodes_with_the_same_picture_both_show_it(stage: Stage) -> None:
    made = ("lab.bars", {"frames": 20, "width": 64, "height": 48})
    stage.put(graph(a=made, s=("save_video", {"video": "@a", "path": "a.mp4"})))
    stage.look("a")
    stage.until(lambda: stage.frames == [0])
    stage.look("s")
    stage.until(lambda: stage.frames == [0, 0])
    assert stage.viewer.picture._frame is not None


def test_what_was_not_made_says_so_and_appears_when_a_run_has_made_it(
    stage: Stage, made: dict[str, int], tmp_path: Path
) -> None:
    nodes = {
        "m": ("lab.load_lab", {}),
        "s": ("lab.sample_lab", {"model": "@m", "steps": 8, "seconds": 0.8}),
        "d": ("lab.decode_lab", {"latents": "@s"}),
        "t": ("lab.gpu_tint", {"frame": "@d", "seconds": 0.2}),
        "w": ("lab.dump", {"video": "@t", "path": "w.raw"}),
    }
    stage.put(graph(**nodes), tmp_path / "g.json")
    stage.look("d")
    assert "Run it" in stage.viewer.empty.text()
    assert not made
    steps: list[str] = []
    stage.source.preview.connect(lambda *_: steps.append(stage.viewer.place.text()))
    stage.runner.run()
    stage.until(lambda: stage.source.shown.state == "ready" and stage.frames)
    assert stage.runner.busy
    assert len(set(steps)) >= 6
    assert "Step 8 of 8" in steps or "Step 7 of 8" in steps
    stage.until(lambda: not stage.runner.busy)
    stage.until(lambda: stage.source.kept == [(0, stage.player.frames)])


def test_frames_of_a_run_appear_in_their_place_and_the_bar_of_kept_frames_fills(stage: Stage) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 200}), d=("lab.dream", {"frame": "@v", "seconds": 0.01})))
    stage.look("d")
    stage.until(lambda: stage.frames == [0])
    bars: list[list[tuple[int, int]]] = []
    stage.source.kept_changed.connect(lambda: bars.append(list(stage.source.kept)))
    drawn = stage.viewer.picture.drawn
    stage.runner.run()
    stage.until(lambda: stage.runner.busy)
    stage.until(lambda: not stage.runner.busy)
    assert stage.viewer.picture.drawn - drawn >= 5
    assert len(set(stage.frames)) > 5
    stage.until(lambda: stage.source.kept == [(0, 200)])
    assert len(bars) > 2


def test_while_a_run_makes_the_shown_frames_the_filmstrip_has_none_made_for_itself(
    stage: Stage, made: dict[str, int], tmp_path: Path
) -> None:
    nodes: dict[str, Any] = {"v": ("lab.bars", {"frames": 200}), "t": ("lab.tint", {"frame": "@v"})}
    # Who reads the frames is slower than who makes them, so that there would be time for others.
    stage.put(graph(**nodes, s=("lab.dump", {"video": "@t", "path": "x.raw", "seconds": 0.01})), tmp_path / "g.json")
    stage.look("t")
    strip = stage.timeline.strip

    def filled() -> bool:
        return all(stage.source.thumb(*frames) is not None for _, frames in strip.thumbs())

    stage.until(filled)
    made.clear()
    thumbs: list[int] = []
    stage.source.thumbnail.connect(thumbs.append)
    stage.runner.run()
    stage.until(lambda: stage.session.state("t").kind == "running")
    stage.timeline.resize(1900, 120)
    assert not filled()
    stage.until(lambda: not stage.runner.busy)
    assert len(thumbs) > 3
    assert made["tint"] == 200
    # Those that are still missing come after it.
    stage.until(filled)


def test_a_large_picture_is_scaled_down_behind_the_window(stage: Stage) -> None:
    view = stage.viewer.picture
    stage.viewer._stack.setCurrentWidget(view)
    threads = threading.active_count()
    for k in range(40):
        view.show_frame(np.full((1080, 1920, 3), 5 * k, np.uint8))
    assert threading.active_count() <= threads + 1
    stage.until(lambda: view.settled)
    place = view.place()
    seen = grabbed(view)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
    assert (seen == 195).all()
    stage.wait(0.05)
    drawn = view.drawn
    view.show_frame(np.full((1080, 1920, 3), 7, np.uint8))
    # Until it is ready the one before it stays.
    assert (grabbed(view)[place.top() : place.bottom() + 1, place.left() : place.right() + 1] == 195).all()
    stage.until(lambda: view.settled and view.drawn > drawn)
    assert (grabbed(view)[place.top() : place.bottom() + 1, place.left() : place.right() + 1] == 7).all()


def test_frames_of_a_run_of_an_older_document_are_not_taken_for_those_of_this_one(stage: Stage, tmp_path: Path) -> None:
    from vidflow.graph import SetInput

    nodes: dict[str, Any] = {"v": ("lab.bars", {"frames": 60}), "d": ("lab.tint", {"frame": "@v", "seconds": 0.02})}
    nodes["s"] = ("lab.dump", {"video": "@d", "path": "x.raw"})
    stage.put(graph(**nodes), tmp_path / "g.json")
    stage.look("d")
    stage.until(lambda: stage.frames == [0])
    seen: list[int] = []
    stage.source.live.connect(lambda index, _: seen.append(index))
    run = stage.runner.run()
    key = stage.source.shown.key
    stage.session.do(SetInput("d", "by", 100))
    stage.until(lambda: run.status != "queued" and not stage.runner.busy)
    stage.until(lambda: stage.source.shown.state == "ready" and stage.source.shown.key != key)
    index = seen[len(seen) // 2]
    stage.player.seek(index + 1 if index < 59 else 0)
    stage.player.seek(index)
    stage.until(lambda: stage.frames and stage.frames[-1] == index)
    stage.still()
    lab = sys.modules["vidflow_packs.lab"]
    assert (stage.viewer.picture.frame == lab.picture(0, index, 64, 48) + np.uint8(100)).all()


def test_what_a_node_makes_is_shown_in_its_own_way(stage: Stage, tmp_path: Path) -> None:
    sound = clip(tmp_path / "a.wav", "-f", "lavfi", "-i", "sine=440:d=1.5")
    stage.put(
        graph(
            v=("lab.bars", {"frames": 40}),
            r=("score_quality", {"video": "@v"}),
            p=("build_prompt", {"scene": "a red boat", "negative": "rain"}),
            a=("load_audio", {"path": str(sound)}),
            n=("lab.add", {"value": 4}),
            i=("lab.first_frame", {"video": "@v"}),
            s=("save_video", {"video": "@v", "path": "x.mp4"}),
            e=("lab.tint", {}),
        )
    )
    viewer = stage.viewer
    stage.look("p")
    assert "a red boat" in viewer.words.texts()
    assert "rain" in viewer.words.texts()
    stage.look("a")
    stage.until(lambda: stage.viewer.wave.peaks)
    assert "1.50 s" in viewer.about.text()
    stage.look("n")
    assert "5" in viewer.words.texts()
    stage.look("i")
    stage.until(lambda: viewer.picture.frame is not None)
    stage.look("s")
    stage.until(lambda: viewer.picture.frame is not None)
    assert viewer.title.text() == "Save video"
    stage.look("e")
    assert "frame" in viewer.empty.text()
    stage.look("r")
    assert "Run it" in viewer.empty.text()
    stage.runner.run(["r"])
    stage.until(lambda: stage.source.shown.state == "ready")
    assert "Overall" in viewer.report.texts()
    assert "Temporal consistency" in viewer.report.texts()


def test_a_node_with_several_outputs_lets_one_choose(stage: Stage) -> None:
    stage.put(
        graph(
            v=("lab.bars", {"frames": 10}),
            w=("lab.bars", {"frames": 20}),
            r=("score_quality", {"video": "@v"}),
            b=("pick_best", {"videos": ["@v", "@w"], "reports": ["@r", "@r"]}),
        )
    )
    stage.runner.run()
    stage.until(lambda: not stage.runner.busy)
    stage.look("b")
    viewer = stage.viewer
    assert not viewer.outputs.isHidden()
    assert [viewer.outputs.itemText(k) for k in range(3)] == ["video", "index", "report"]
    viewer.outputs.textActivated.emit("report")
    stage.until(lambda: stage.source.shown.output == "report" and stage.source.shown.state == "ready")
    assert "Overall" in viewer.report.texts()


@pytest.mark.parametrize("depth", ["uint8", "float32"])
def test_a_picture_is_smooth_when_smaller_and_square_from_200_percent_on(stage: Stage, depth: str) -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[::2, ::2] = 255
    view = stage.viewer.picture
    stage.viewer._stack.setCurrentWidget(view)
    view.show_frame(frame if depth == "uint8" else (frame / np.float32(255)).astype(np.float32))
    view.zoom_to(4.0)
    place = view.place()
    seen = grabbed(view)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
    assert (seen == frame.repeat(4, 0).repeat(4, 1)).all()
    view.zoom_to(0.5)
    stage.until(lambda: view.settled)
    place = view.place()
    seen = grabbed(view)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
    assert abs(seen.astype(int) - 64).max() <= 1


def test_the_wheel_zooms_at_the_pointer_and_a_double_click_toggles_fit(stage: Stage) -> None:
    view = stage.viewer.picture
    stage.viewer._stack.setCurrentWidget(view)
    view.show_frame(np.zeros((300, 500, 3), np.uint8))
    at = QPointF(100, 80)
    assert view.fitted

    def under() -> QPointF:
        return (at * view.devicePixelRatioF() - QPointF(view.place().topLeft())) / view.scale

    before = under()
    view.zoom(1.25, at)
    view.zoom(1.25, at)
    assert (under() - before).manhattanLength() < 2
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 80))
    assert view.fitted
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 80))
    assert view.scale == 1.0


def test_keys_step_jump_and_mark(stage: Stage) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 100})))
    stage.look("v")
    timeline, player = stage.timeline, stage.player
    for key, where in (("Right", 1), ("Right", 2), ("Left", 1), ("End", 99), ("Home", 0)):
        QTest.keyClick(timeline, getattr(Qt.Key, f"Key_{key}"))
        assert player.position == where
    QTest.keyClick(timeline, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(timeline, Qt.Key.Key_I)
    QTest.keyClick(timeline, Qt.Key.Key_End)
    QTest.keyClick(timeline, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(timeline, Qt.Key.Key_O)
    assert (player.start, player.stop) == (10, 90)
    QTest.keyClick(timeline, Qt.Key.Key_Home)
    assert player.position == 10
    QTest.keyClick(timeline, Qt.Key.Key_L)
    QTest.keyClick(timeline, Qt.Key.Key_L)
    assert player.speed == 2
    QTest.keyClick(timeline, Qt.Key.Key_J)
    assert player.speed == -1
    QTest.keyClick(timeline, Qt.Key.Key_K)
    assert not player.playing


def test_every_control_has_a_name(stage: Stage) -> None:
    controls = [*stage.viewer.findChildren(QAbstractButton), *stage.timeline.findChildren(QAbstractButton)]
    assert len(controls) > 10
    assert not [one for one in controls if not one.accessibleName() and not one.objectName().startswith("qt_")]
    assert stage.viewer.objectName() == "viewer"
    assert stage.timeline.objectName() == "timeline"


def test_the_filmstrip_shows_each_frame_in_its_place_and_makes_no_dear_ones(stage: Stage, made: dict[str, int]) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 90, "width": 160, "height": 90}), d=("lab.dream", {"frame": "@v"})))
    stage.look("v")
    places = [frames for _, frames in stage.timeline.strip.thumbs()]
    assert len(places) > 3
    assert (places[0][0], places[-1][2]) == (0, 90)
    stage.until(lambda: all(stage.source.thumb(*place) is not None for place in places))
    lab = sys.modules["vidflow_packs.lab"]
    for low, index, high in places:
        assert (stage.source.thumb(low, index, high) == lab.picture(0, index, 160, 90)).all()
    made.clear()
    stage.look("d")
    stage.until(lambda: stage.source.thumb(*places[0]) is not None)
    stage.wait(0.6)
    assert made.get("dream") == 1
    assert (stage.source.thumb(*places[0]) == lab.picture(0, 0, 160, 90)[::-1]).all()
    stage.player.seek(places[2][0])
    stage.until(lambda: stage.source.thumb(*places[2]) is not None)
    assert made.get("dream") == 2
    stage.runner.run()
    stage.until(lambda: not stage.runner.busy)
    stage.until(lambda: all(stage.source.thumb(*place) is not None for place in places))
