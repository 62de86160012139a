"""What tests of the editor share: a window without a screen, and hands to work it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def qapp() -> Any:
    """The application, dressed as the editor dresses it."""
    from vidflow.gui.application import application

    return application()


@pytest.fixture
def window(qtbot: Any) -> Iterator[Any]:
    """The editor's window with an empty document."""
    from vidflow.gui import open_window

    window = open_window()
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    window.pages.setCurrentWidget(window.canvas)
    qtbot.wait(1)
    yield window
    # Nobody is there to be asked whether to save.
    window.session.history.saved()
    window.runner.cancel()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=10_000)
    window.close()
    window.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def hand(window: Any, qtbot: Any) -> Any:
    """The mouse and the keys, on the window's canvas."""
    from tests.gui.hand import Hand

    return Hand(window, qtbot)
