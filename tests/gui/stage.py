"""A viewer and a timeline over a real session and a real engine, without the rest of the window."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from tests.engine.conftest import registry
from vidflow.graph.files import from_mapping
from vidflow.gui.application import application
from vidflow.gui.running import Runner
from vidflow.gui.session import Session
from vidflow.gui.viewer.player import Player
from vidflow.gui.viewer.source import Source
from vidflow.gui.viewer.timeline import Timeline
from vidflow.gui.viewer.viewer import Viewer


class Stage:
    """The parts, shown."""

    def __init__(self) -> None:
        application()
        self.session = Session(registry())
        self.runner = Runner(self.session)
        self.source = Source(self.session, self.runner)
        self.player = Player(self.source)
        self.viewer = Viewer(self.source, self.player)
        self.timeline = Timeline(self.source, self.player)
        self.frames: list[int] = []
        self.player.pictured.connect(lambda index, _: self.frames.append(index))
        self.viewer.resize(640, 420)
        self.timeline.resize(900, 160)
        self.viewer.show()
        self.timeline.show()

    def put(self, document: Mapping[str, Any], path: Path | None = None) -> None:
        """Open a document."""
        self.session.put(from_mapping(document), path)

    def look(self, node: str) -> None:
        """Select a node, and wait until it is known what there is to see."""
        self.session.select([node])
        self.until(lambda: self.source.shown.flat == node and self.source.shown.state != "opening")

    def until(self, done: Callable[[], Any], seconds: float = 20) -> None:
        """Handle events until `done()`."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it did not come"
            QApplication.processEvents()
            time.sleep(0.001)

    def wait(self, seconds: float) -> None:
        """Handle events for so long; unlike `QTest.qWait` it lets other threads work."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def still(self) -> None:
        """Wait until nothing is being fetched for the viewer."""
        self.until(lambda: not self.source._front.busy and not self.source._opener.busy)
        QApplication.processEvents()

    def close(self) -> None:
        """End everything."""
        self.player.close()
        self.source.close()
        self.runner.close()
        self.session._timer.stop()
        self.session.close()
        for widget in (self.viewer, self.timeline):
            widget.close()
            widget.deleteLater()
        QApplication.processEvents()


def clip(path: Path, *arguments: str) -> Path:
    """A clip made by ffmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def counting(path: Path, frames: int = 250, size: str = "1280x720", rate: int = 25) -> Path:
    """A clip in which no frame is like another."""
    seconds = frames / rate
    source = f"testsrc2=s={size}:r={rate}:d={seconds}"
    return clip(path, "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
