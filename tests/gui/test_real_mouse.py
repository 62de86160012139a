"""The window on a screen, worked by a real mouse and a real keyboard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import graph
from tests.gui.screen import Editor, Screen
from tests.gui.stage import clip
from tests.models.tiny import build
from vidflow.places import resource

WHEEL_DOWN = 5


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A screen without a window manager."""
    found = Screen(tmp_path_factory.mktemp("screen"))
    yield found
    found.close()


class Person:
    """Somebody at the screen."""

    def __init__(self, screen: Screen, editor: Editor) -> None:
        self.screen, self.editor = screen, editor
        self.ask, self.until = editor.ask, editor.until

    def take_from_palette(self, type: str, x: float, y: float) -> str:
        """Drag a node onto the canvas, to a place in shares of its size."""
        before = set(self.editor.state["nodes"])
        start, end = self.ask("palette", type), self.ask("canvas", x, y)
        corner = self.ask("canvas", 0, 0)
        inside = [end[0] - corner[0], end[1] - corner[1]]
        self.screen.press(start, end)
        self.until(lambda state: state["dragged"] == inside, lambda: self.screen.move(end))
        self.screen.release()
        state = self.until(lambda state: set(state["nodes"]) - before)
        return next(iter(set(state["nodes"]) - before))

    def wire(self, source: str, target: str, input: str) -> None:
        """Drag a wire from the first output of a node to an input of another."""
        start, end = self.ask("output", source), self.ask("input", target, input)
        self.screen.press(start, end)
        self.until(lambda state: state["gesture"] == "DragWire")
        self.until(lambda state: state["aimed"], lambda: self.screen.move(end))
        self.screen.release()
        self.until(lambda state: input in json.loads(state["document"])["nodes"][target].get("inputs", {}))

    def edit(self, id: str, setting: str, text: str) -> None:
        """Click a value on a node and type another."""
        self.screen.click(self.ask("value", id, setting))
        self.until(lambda state: state["field"])
        self.screen.key("ctrl+a")
        self.screen.type(text)
        self.until(lambda state: state["typed"] == text)
        self.screen.key("Return")
        self.until(lambda state: not state["field"])

    def press_button(self, command: str) -> None:
        """Click a button of the toolbar."""
        self.until(lambda _: self.ask("command", command))
        self.screen.click(self.ask("command", command))

    def answer_dialog(self, path: Path) -> None:
        """Type a path into the dialog that is open, and take it.

        Qt's dialog shortens what lies in the folder that it shows, and empties the line if it lists that folder late.
        """

        again = 0.0

        def go_on() -> None:
            nonlocal again
            if self.editor.state["typed"] in (str(path), path.name):
                # The first Return may choose what the dialog has completed.
                self.screen.key("Return")
            elif time.monotonic() > again:
                again = time.monotonic() + 3
                self.screen.key("ctrl+a")
                self.screen.type(str(path))

        self.until(lambda state: state["dialog_ready"])
        self.until(lambda state: state["dialog"] is None, go_on)


@contextmanager
def somebody(screen: Screen, *arguments: str) -> Iterator[Person]:
    """Somebody before a window."""
    editor = Editor(*arguments, display=screen.display)
    try:
        yield Person(screen, editor)
    finally:
        editor.kill()


def test_a_graph_is_made_run_played_saved_and_opened_again_by_a_real_mouse(screen: Screen, tmp_path: Path) -> None:
    with somebody(screen) as person:
        ask, until = person.ask, person.until
        person.press_button("new")
        until(lambda _: ask("widget", "canvas"))
        screen.click(ask("canvas", 0.5, 0.5), WHEEL_DOWN)
        until(lambda state: state["zoom"] < 0.9)
        person.take_from_palette("load_video", 0.01, 0.05)
        person.take_from_palette("resize", 0.5, 0.05)
        person.take_from_palette("save_video", 0.01, 0.6)
        person.wire("load_video", "resize", "video")
        person.wire("resize", "save_video", "video")

        screen.click(ask("value", "load_video", "path"))
        person.answer_dialog(resource("media/sea.mp4"))
        screen.click(ask("header", "resize"))
        until(lambda _: ask("named", "settings", "width"))
        screen.click(ask("named", "settings", "width"))
        screen.type("640")
        screen.key("Return")
        until(lambda state: json.loads(state["document"])["nodes"]["resize"]["inputs"].get("width") == 640)
        person.edit("resize", "width", "320")
        state = until(lambda state: not state["busy"])
        nodes = json.loads(state["document"])["nodes"]
        assert nodes["resize"]["inputs"] == {"video": {"from": "load_video"}, "width": 320}
        assert Path(nodes["load_video"]["inputs"]["path"]) == resource("media/sea.mp4")

        # Saved first, so that what comes out goes beside it.
        screen.key("ctrl+s")
        person.answer_dialog(tmp_path / "sea.json")
        until(lambda state: state["path"] == str(tmp_path / "sea.json") and not state["dirty"])

        before = screen.pixels(*_box(ask("footer", "save_video")))
        person.press_button("run")
        state = until(lambda state: state["runs"])
        assert (state["runs"][0]["status"], state["nodes"]["save_video"]) == ("done", "done"), state["runs"]
        assert list((tmp_path / "outputs").iterdir())
        until(lambda _: (screen.pixels(*_box(ask("footer", "save_video"))) != before).any())

        screen.click(ask("header", "resize"))
        until(lambda state: state["shown"] == "resize" and state["viewer"] == "ready" and state["frames"] > 50)
        middle = ask("widget", "picture")
        still = screen.pixels(*middle, 8, 8)
        screen.key("space")
        until(lambda state: state["playing"] and state["played"] > 5 and (screen.pixels(*middle, 8, 8) != still).any())
        screen.key("space")
        until(lambda state: not state["playing"])

        screen.key("ctrl+s")
        until(lambda state: not state["dirty"])
        saved = (tmp_path / "sea.json").read_bytes()
        until(lambda state: not state["can_undo"], lambda: screen.key("ctrl+z"))
        assert json.loads(person.editor.state["document"])["nodes"] == {}
        until(lambda state: not state["can_redo"], lambda: screen.key("ctrl+shift+z"))
        screen.key("ctrl+s")
        until(lambda state: not state["dirty"])
        assert (tmp_path / "sea.json").read_bytes() == saved

        person.press_button("new")
        until(lambda state: state["nodes"] == {} and state["path"] is None)
        person.press_button("open")
        person.answer_dialog(tmp_path / "sea.json")
        until(lambda state: set(state["nodes"]) == {"load_video", "resize", "save_video"})
        assert person.editor.state["document"].encode() == saved
        screen.key("ctrl+s")
        until(lambda state: state["banner"])
        assert (tmp_path / "sea.json").read_bytes() == saved


def _box(corners: list[int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = corners
    return left, top, right - left, bottom - top


def test_frames_of_a_run_are_seen_as_they_come(screen: Screen, tmp_path: Path) -> None:
    # Frame n is a plain grey of its own, so that one pixel tells which frame is on the screen.
    grey = "color=black:s=320x180:r=25:d=8,geq=lum='20+N':cb=128:cr=128"
    clip(tmp_path / "grey.mp4", "-f", "lavfi", "-i", grey, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p")
    path = tmp_path / "grey.json"
    document = graph(
        clip=("load_video", {"path": "grey.mp4"}),
        large=("resize", {"video": "@clip", "width": 1280, "height": 720}),
        save=("save_video", {"video": "@large", "path": "large.mp4"}),
    )
    path.write_text(json.dumps(laid_out(document)))
    with somebody(screen, str(path)) as person:
        screen.click(person.ask("header", "large"))
        person.until(lambda state: state["shown"] == "large" and state["viewer"] == "ready")
        person.press_button("run")
        seen: list[tuple[float, int]] = []
        at = person.ask("widget", "picture")

        def look() -> None:
            seen.append((time.monotonic(), int(screen.pixels(*at, 1, 1)[0, 0, 0])))

        state = person.until(lambda state: state["runs"], look)
        (run,) = state["runs"]
        assert run["status"] == "done", run
        assert len({grey for when, grey in seen if when < run["at"]}) >= 5


def test_what_a_sampler_has_so_far_is_seen_at_each_step(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On one thread its steps take longest; as it is, they take less time than a look at the screen.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = tmp_path / "shot.json"
    model = build("wan", tmp_path / "wan")
    sampling = {"width": 320, "height": 320, "frames": 33, "steps": 8, "seed": 1}
    document = graph(
        model=("load_model", {"model": str(model)}),
        prompt=("build_prompt", {"scene": "a cat walks"}),
        words=("encode_text", {"model": "@model", "prompt": "@prompt"}),
        shot=("sample", {"model": "@model", "conditioning": "@words", **sampling}),
    )
    path.write_text(json.dumps(laid_out(document)))
    with somebody(screen, str(path)) as person:
        screen.click(person.ask("header", "shot"))
        person.until(lambda state: state["shown"] == "shot" and state["viewer"] != "opening")
        place = person.ask("box", "viewer")
        seen: dict[bytes, float] = {}

        def look() -> None:
            seen.setdefault(screen.pixels(*_middle(place)).tobytes(), time.monotonic())

        look()
        person.press_button("run")
        state = person.until(lambda state: state["runs"], look)
        (run,) = state["runs"]
        assert run["status"] == "done", run
        first = min(when for when, _ in state["previews"])
        pictures = sorted(when for when in seen.values() if first <= when < run["at"])
        assert len(pictures) >= 6
        assert pictures[0] - first < 0.5


def laid_out(document: dict[str, Any]) -> dict[str, Any]:
    """A graph with its nodes below each other."""
    return {**document, "view": {"nodes": {id: {"at": [0, 240 * k]} for k, id in enumerate(document["nodes"])}}}


def _middle(box: list[int]) -> tuple[int, int, int, int]:
    """Of the viewer, where the picture is whatever is around it: 24 pixels a side."""
    left, top, width, height = box
    return left + width // 2 - 12, top + height // 2 - 12, 24, 24
