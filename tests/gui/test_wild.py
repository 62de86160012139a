"""Whatever the hand does, the canvas shows what the document says, and nothing piles up in memory."""

from __future__ import annotations

import gc
import os
from typing import Any

from tests.gui.wild import Wild, back_and_forth


def test_canvas_and_document_agree_after_each_of_3000_gestures(hand: Any) -> None:
    wild = Wild(hand, seed=5)
    wild.run(3000)
    back_and_forth(hand.window)
    assert min(wild.made.values()) > 10, wild.made


def test_adding_and_deleting_300_times_leaves_nothing(hand: Any) -> None:
    def rounds(count: int) -> None:
        for _ in range(count):
            for k, type in enumerate(("load_video", "resize", "concat", "save_video")):
                hand.window.editing.add(type, None)
                del k
            hand.session.select(hand.session.nodes)
            hand.do("delete")
        # What undo keeps is meant to be kept.
        hand.session.new()
        hand.window.pages.setCurrentWidget(hand.canvas)
        gc.collect()

    rounds(60)
    before = _resident()
    rounds(300)
    assert _resident() - before < 5 * 2**20
    items = [item for item in hand.canvas.scene().items() if type(item).__name__ in ("NodeItem", "WireItem")]
    assert items == []


def _resident() -> int:
    import psutil

    return psutil.Process(os.getpid()).memory_info().rss
