"""Random gestures, a long row of them, after each of which the canvas must show what the document says."""

from __future__ import annotations

import gc
import os
import random
from collections import Counter
from typing import Any

from PySide6.QtCore import QPointF, Qt

from tests.gui.hand import Hand, agree
from vidflow.graph import dump
from vidflow.graph.document import SUBGRAPH

TYPES = (
    *("load_video", "load_audio", "resize", "grade", "reverse", "concat", "set_audio", "harmonise_colour"),
    *("number", "text", "build_prompt", "overlay_text", "pick_best", "score_quality", "save_video", "compare"),
)
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
MOST = 24
"""How many nodes there are at most: what matters is how often they change."""


class Wild:
    """Makes one random gesture after the other."""

    def __init__(self, hand: Hand, seed: int) -> None:
        self.hand = hand
        self.window, self.session, self.canvas = hand.window, hand.session, hand.canvas
        self.random = random.Random(seed)
        self.made: Counter[str] = Counter()

    def run(self, steps: int) -> None:
        """Make so many gestures, looking at everything after each."""
        names = [name for name in dir(self) if name.startswith("do_")]
        weights = [
            {"do_add": 4, "do_wire": 8, "do_undo": 3, "do_redo": 3, "do_load": 0.3}.get(name, 1.5) for name in names
        ]
        for step in range(steps):
            name = self.random.choices(names, weights)[0]
            self.made[name] += 1
            try:
                getattr(self, name)()
                agree(self.window)
            except BaseException as error:
                error.add_note(f"at gesture {step}, {name}")
                raise

    def _node(self) -> str | None:
        ids = list(self.session.nodes)
        return self.random.choice(ids) if ids else None

    def _look(self) -> None:
        """Have everything in sight, near enough for ports to be taken."""
        self.canvas.fit()
        if self.canvas.zoom < 0.4:
            self.canvas.look_at(self.canvas.nodes[next(iter(self.canvas.nodes))].pos(), 0.6)

    def do_add(self) -> None:
        if len(self.session.nodes) >= MOST:
            return
        place = QPointF(self.random.randrange(0, 1200), self.random.randrange(0, 900))
        self.window.editing.add(self.random.choice(TYPES), place)

    def do_wire(self) -> None:
        one, other = self._node(), self._node()
        if one is None or other is None:
            return
        self._look()
        outs = [spot for spot in self.canvas.nodes[one].spots.values() if spot.port.side == "out"]
        ins = [spot for spot in self.canvas.nodes[other].spots.values() if spot.port.side == "in"]
        if not outs or not ins:
            return
        start, end = self.random.choice(outs), self.random.choice(ins)
        a = self.canvas.mapFromScene(self.canvas.nodes[one].pos() + start.at)
        b = self.canvas.mapFromScene(self.canvas.nodes[other].pos() + end.at)
        if self.random.random() < 0.3:
            a, b = b, a
        self.hand.drag(a, b, steps=2)
        self.window._search.hide()

    def do_unwire(self) -> None:
        if not self.canvas.wires:
            return
        key = self.random.choice(list(self.canvas.wires))
        self._look()
        item = self.canvas.nodes[key[0]]
        spot = item.spots.get(("in", key[1], key[2]))
        if spot is not None:
            start = self.canvas.mapFromScene(item.pos() + spot.at)
            self.hand.drag(start, self.canvas.viewport().rect().bottomRight() - start / 9, steps=2)
            self.window._search.hide()

    def do_click_wire_and_delete(self) -> None:
        if self.canvas.wires:
            wire = self.random.choice(list(self.canvas.wires.values()))
            self.session.select(())
            self.canvas.gestures.pick(wire)
            self.hand.do("delete")

    def do_move(self) -> None:
        id = self._node()
        if id is None:
            return
        self._look()
        start = self.hand.header(id)
        by = QPointF(self.random.randrange(-120, 120), self.random.randrange(-120, 120)).toPoint()
        self.hand.drag(start, start + by, steps=2)

    def do_set(self) -> None:
        id = self._node()
        kind = self.session.kind(id) if id else None
        if kind is None:
            return
        plain = [
            slot for slot in kind.slots.values() if slot.plain and not slot.many and slot.type.name in ("int", "float")
        ]
        if plain:
            slot = self.random.choice(plain)
            self.session.set(id, slot.name, self.random.randrange(1, 9))

    def do_off(self) -> None:
        self._choose()
        self.hand.do("toggle_off")

    def _choose(self) -> None:
        ids = list(self.session.nodes)
        self.session.select(self.random.sample(ids, min(len(ids), self.random.choice([1, 1, 2, 3, 5]))))

    def do_select(self) -> None:
        self._choose()

    def do_group(self) -> None:
        if len(self.session.scope) < 2:
            self._choose()
            self.hand.do("group")

    def do_ungroup(self) -> None:
        inner = [id for id, node in self.session.nodes.items() if node.type.startswith(SUBGRAPH)]
        if inner:
            self.session.select((self.random.choice(inner),))
            self.hand.do("ungroup")

    def do_enter(self) -> None:
        inner = [id for id, node in self.session.nodes.items() if node.type.startswith(SUBGRAPH)]
        if inner:
            self.session.enter(self.random.choice(inner))

    def do_leave(self) -> None:
        self.session.leave()

    def do_copy(self) -> None:
        self._choose()
        self.hand.do("copy")

    def do_paste(self) -> None:
        if len(self.session.nodes) < MOST:
            self.window.editing.paste()

    def do_duplicate(self) -> None:
        if len(self.session.nodes) < MOST:
            self._choose()
            self.hand.do("duplicate")

    def do_delete(self) -> None:
        self._choose()
        self.hand.do(self.random.choice(["delete", "delete", "dissolve"]))

    def do_frame(self) -> None:
        if len(self.canvas.frames) < 4:
            self._choose()
            self.hand.do("frame")
            self.canvas.editor.close()

    def do_arrange(self) -> None:
        self.hand.do("arrange")

    def do_undo(self) -> None:
        for _ in range(self.random.choice([1, 1, 5])):
            self.hand.do("undo")

    def do_redo(self) -> None:
        for _ in range(self.random.choice([1, 1, 5])):
            self.hand.do("redo")

    def do_load(self) -> None:
        """Save and open again: the same bytes, and nothing on the canvas of what was before."""
        from vidflow.graph import parse

        text = dump(self.session.graph)
        self.session.put(parse(text), None)
        assert dump(self.session.graph) == text


def back_and_forth(window: Any) -> None:
    """Undo everything and redo everything: the same bytes."""
    session = window.session
    while session.history.can_redo:
        session.redo()
    end = dump(session.graph)
    while session.history.can_undo:
        session.undo()
        agree(window)
    start = dump(session.graph)
    while session.history.can_redo:
        session.redo()
    agree(window)
    assert dump(session.graph) == end
    while session.history.can_undo:
        session.undo()
    assert dump(session.graph) == start


def add_and_delete(hand: Hand, rounds: int) -> None:
    """Add nodes and delete them again, so often."""
    for _ in range(rounds):
        for type in ("load_video", "resize", "concat", "save_video"):
            hand.window.editing.add(type, None)
        hand.session.select(hand.session.nodes)
        hand.do("delete")
    # What undo keeps is meant to be kept.
    hand.session.new()
    hand.window.pages.setCurrentWidget(hand.canvas)
    gc.collect()


def resident() -> int:
    """Bytes of memory that this process has."""
    import psutil

    return psutil.Process(os.getpid()).memory_info().rss
