"""The layouts of the samples, measured on the items that the canvas draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import hypot
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QFontMetricsF

from tests.engine.conftest import registry
from vidflow.graph import dump, load
from vidflow.graph.document import SUBGRAPH
from vidflow.gui import application, theme
from vidflow.gui.canvas.frame import NOTE_FLAGS, FrameItem
from vidflow.gui.canvas.view import Canvas
from vidflow.gui.canvas.wire import WireItem
from vidflow.gui.preferences import preferences
from vidflow.gui.session import Session

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "sample_graphs").glob("*.json"))
SCREEN, SCALE = (1280, 800), 0.7
NEEDED = {"first_cut": 1, "first_film": 3, "score_and_pick": 10, "three_shot_film": 12, "unify_colour": 7}
"""How many wires cross because of the order in which nodes have their inputs: the least that columns allow (all orders
tried for the last), but for one more in the film, whose shots stand in the order in which they play."""


@dataclass
class Scope:
    """A graph of a sample or one of its subgraphs, on the canvas."""

    name: str
    canvas: Canvas

    @property
    def bodies(self) -> dict[str, QRectF]:
        return {id: item.body.translated(item.pos()) for id, item in self.canvas.nodes.items()}

    @property
    def boxes(self) -> dict[str, QRectF]:
        return {name: item.scene_box() for name, item in self.canvas.frames.items()}

    @property
    def wires(self) -> dict[str, WireItem]:
        return {".".join(map(str, key)): wire for key, wire in self.canvas.wires.items()}

    @property
    def lines(self) -> dict[str, list[QPointF]]:
        """The wires as points at most 3 apart."""
        found: dict[str, list[QPointF]] = {}
        for name, wire in self.wires.items():
            path = wire.path()
            count = int(path.length() / 3) + 1
            found[name] = [path.pointAtPercent(k / count) for k in range(count + 1)]
        return found


def scopes_of(path: Path) -> list[str]:
    """The graph itself, "", and a node of each subgraph in it."""
    uses = {node.type: id for id, node in load(path).nodes.items() if node.type.startswith(SUBGRAPH)}
    return ["", *uses.values()]


@pytest.fixture(params=["en", "ja"])
def language(request: Any, qapp: Any) -> Iterator[str]:
    """Each language of the window."""
    preferences().setValue("language", request.param)
    application.dress()
    yield request.param
    preferences().remove("language")
    application.dress()


@pytest.fixture(
    scope="module",
    params=[(path, id) for path in SAMPLES for id in scopes_of(path)],
    ids=lambda p: f"{p[0].stem}/{p[1]}",
)
def scope(request: Any, qapp: Any) -> Iterator[Scope]:
    """A graph or a subgraph of every sample, alone on a canvas."""
    path, id = request.param
    session = Session(registry())
    canvas = Canvas(session)
    session.open(path)
    if id:
        session.enter(id)
    yield Scope(f"{path.stem}/{id}" if id else path.stem, canvas)
    session._timer.stop()
    session.close()
    canvas.deleteLater()


def test_no_node_lies_on_another(scope: Scope) -> None:
    near = {id: body.adjusted(-4, -4, 4, 4) for id, body in scope.bodies.items()}
    assert [(a, b) for a, b in combinations(near, 2) if near[a].intersects(near[b])] == []


def test_every_wire_goes_to_the_right(scope: Scope) -> None:
    bodies = scope.bodies
    back = [
        name
        for name, wire in scope.wires.items()
        if bodies[wire.source[0]].right() + 16 > bodies[wire.target[0]].left()
    ]
    assert back == []


def test_no_wire_crosses_another_that_need_not(scope: Scope) -> None:
    lines, wires = scope.lines, scope.wires
    crossed = [(a, b) for a, b in combinations(lines, 2) if crossings(wires[a], wires[b], lines[a], lines[b])]
    assert len(crossed) <= NEEDED.get(scope.name, 0), crossed


def crossings(one: WireItem, other: WireItem, first: list[QPointF], second: list[QPointF]) -> list[QPointF]:
    """Where two wires cross. Those of one output may run together until they part."""
    if one.source == other.source:
        together = next(
            (k for k, (a, b) in enumerate(zip(first, second, strict=False)) if _far(a, b) > 4),
            min(len(first), len(second)),
        )
        first, second = first[together:], second[together:]
    box = QRectF(*_span(second))
    found: list[QPointF] = []
    for a, b in pairwise(first):
        if not box.contains(a) and not box.contains(b):
            continue
        for c, d in pairwise(second):
            kind, at = QLineF(a, b).intersects(QLineF(c, d))
            if kind == QLineF.IntersectionType.BoundedIntersection:
                found.append(at)
    return found


def test_no_wire_runs_through_a_node_or_through_words(scope: Scope) -> None:
    bodies, lines = scope.bodies, scope.lines
    through: list[tuple[str, str]] = []
    for name, wire in scope.wires.items():
        ends = (wire.source[0], wire.target[0])
        for id, body in bodies.items():
            room = body.adjusted(1, 1, -1, -1) if id in ends else body.adjusted(-4, -4, 4, 4)
            if any(room.contains(point) for point in lines[name]):
                through.append((name, id))
        for frame, item in scope.canvas.frames.items():
            words = QRectF(*_span([item.pos(), item.pos() + QPointF(item.size[0], words_end(item))]))
            if any(words.contains(point) for point in lines[name]):
                through.append((name, f"words of {frame}"))
    assert through == []


def test_frames_hold_their_nodes_whole_and_do_not_overlap(scope: Scope) -> None:
    bodies, boxes = scope.bodies, scope.boxes
    assert 2 <= len(boxes) <= 4
    half = [
        (id, name)
        for id, body in bodies.items()
        for name, box in boxes.items()
        if box.intersects(body) and not box.contains(body.adjusted(-8, -8, 8, 8))
    ]
    assert half == []
    assert [id for id, body in bodies.items() if not any(box.contains(body) for box in boxes.values())] == []
    overlap = [
        (a, b)
        for a, b in combinations(boxes, 2)
        if boxes[a].intersects(boxes[b]) and not boxes[a].contains(boxes[b]) and not boxes[b].contains(boxes[a])
    ]
    assert overlap == []


def words_end(frame: FrameItem) -> float:
    """How far below the top of its frame the note ends."""
    note = QFontMetricsF(theme.font(theme.LABEL)).boundingRect(frame.note_box, int(NOTE_FLAGS), frame.note)
    return note.bottom()


def test_what_frames_and_nodes_say_fits_where_it_stands(language: str, scope: Scope) -> None:
    scope.canvas.rebuild()
    heading = QFontMetricsF(theme.font(theme.HEADING, bold=True))
    for name, frame in scope.canvas.frames.items():
        assert "" not in (frame.title, frame.note), f"{name} says nothing"
        assert heading.horizontalAdvance(frame.title) <= frame.title_box.width(), f"the title of {name}"
        box = frame.scene_box()
        first = min(body.top() for body in scope.bodies.values() if box.contains(body)) - box.top()
        assert words_end(frame) + 4 <= first, f"the note of {name}"
    body = QFontMetricsF(theme.font(theme.BODY, bold=True))
    for id in (id for id, view in scope.canvas.session.layout["nodes"].items() if "title" in view):
        item = scope.canvas.nodes[id]
        # The icon on the left, the glyph of the state on the right.
        room = item.face.width - 34 - 28
        assert body.horizontalAdvance(item.face.title) <= room, f"the title of {id}"


def test_titles_and_notes_are_there_in_both_languages(scope: Scope) -> None:
    layout = scope.canvas.session.layout
    said = [frame[key] for frame in layout["frames"].values() for key in ("title", "note")]
    said += [node["title"] for node in layout["nodes"].values() if "title" in node]
    assert [text for text in said if set(text) != {"en", "ja"} or text["en"] == text["ja"]] == []


def test_all_of_it_fits_into_a_small_screen_at_70_percent(scope: Scope) -> None:
    everything = QRectF()
    for box in (*scope.bodies.values(), *scope.boxes.values()):
        everything = everything.united(box)
    margins = 2 * 16
    assert everything.width() * SCALE + margins <= SCREEN[0]
    assert everything.height() * SCALE + margins <= SCREEN[1]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_written_as_the_editor_writes_it(path: Path) -> None:
    assert dump(load(path)) == path.read_text("utf-8")


def _span(points: list[QPointF]) -> tuple[float, float, float, float]:
    left, top = min(p.x() for p in points), min(p.y() for p in points)
    return left - 4, top - 4, max(p.x() for p in points) - left + 8, max(p.y() for p in points) - top + 8


def _far(one: QPointF, other: QPointF) -> float:
    return hypot(one.x() - other.x(), one.y() - other.y())
