"""Whatever the hand does, the canvas shows what the document says, and nothing piles up in memory."""

from __future__ import annotations

from typing import Any

from tests.gui.wild import Wild, add_and_delete, back_and_forth, resident


def test_canvas_and_document_agree_after_each_of_3000_gestures(hand: Any) -> None:
    wild = Wild(hand, seed=5)
    wild.run(3000)
    back_and_forth(hand.window)
    assert min(wild.made.values()) > 10, wild.made


def test_adding_and_deleting_300_times_leaves_nothing(hand: Any) -> None:
    add_and_delete(hand, 60)
    before = resident()
    add_and_delete(hand, 300)
    assert resident() - before < 5 * 2**20
    items = [item for item in hand.canvas.scene().items() if type(item).__name__ in ("NodeItem", "WireItem")]
    assert items == []
