"""The window around its parts: the banner, the dialog of models."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, QTimer
from PySide6.QtWidgets import QApplication, QTreeWidget


def test_the_banner_lies_over_the_canvas_and_moves_nothing(window: Any) -> None:
    window.banner.hide()
    before = window.canvas.mapTo(window, QPoint()), window.canvas.size()
    for text in ("Saved film.mp4.", "A long line that needs more room than there is. " * 12):
        window.banner.say("warn", text)
        QApplication.processEvents()
        assert (window.canvas.mapTo(window, QPoint()), window.canvas.size()) == before
        seen = QRect(window.banner.mapTo(window, QPoint()), window.banner.size())
        assert QRect(before[0], before[1]).contains(seen)
        assert window.banner.text.height() >= window.banner.text.heightForWidth(window.banner.text.width())
        assert window.childAt(seen.center()) in (window.banner, window.banner.text)
    window.resize(1000, 700)
    QApplication.processEvents()
    assert window.banner.width() < window.canvas.width()


def test_models_that_are_here_are_listed_with_their_size_and_licence(
    window: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidflow.gui.panels.library import library

    there = library()
    qtbot.waitUntil(lambda: there.known)
    licence = SimpleNamespace(name="Apache-2.0")
    one = SimpleNamespace(
        name="org/film", family="WanPipeline", size=3 * 10**9, licence=licence, folder=Path("/m"), lacks=None
    )
    half = SimpleNamespace(**{**vars(one), "name": "org/half", "lacks": "the VAE is missing"})
    monkeypatch.setattr(there, "models", (one, half))
    monkeypatch.setattr(there, "refresh", lambda: None)
    rows: list[list[str]] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        tree = dialog.findChild(QTreeWidget)
        rows.extend([item.text(k) for k in range(4)] for item in map(tree.topLevelItem, range(2)))
        dialog.close()

    QTimer.singleShot(50, look)
    window.actions_by_name["models"].trigger()
    assert rows == [
        ["org/film", "WanPipeline", "3.0 GB", "Apache-2.0"],
        ["org/half (not whole)", "WanPipeline", "3.0 GB", "Apache-2.0"],
    ]
