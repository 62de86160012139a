"""What tests of the editor share: a window without a screen, and hands to work it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.conftest import made as made

if TYPE_CHECKING:
    from tests.gui.stage import Stage

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def qapp(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The application, dressed as the editor dresses it, whatever whoever runs the tests has chosen for theirs."""
    from vidflow.gui.application import application

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
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


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A viewer and a timeline over a real session and a real engine, without the rest of the window."""
    from tests.gui.stage import Stage

    found = Stage()
    yield found
    found.close()
