"""Takes the pictures of the editor that are in docs/pictures: python docs/screenshots.py [FOLDER] [WIDTHxHEIGHT]."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HOME = Path(tempfile.mkdtemp())
for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "VIDFLOW_STORE", "HOME"):
    os.environ[name] = str(HOME / name.lower())

from PySide6.QtWidgets import QApplication  # noqa: E402

from vidflow.graph import SetInput  # noqa: E402
from vidflow.gui import open_window  # noqa: E402
from vidflow.gui.application import dress  # noqa: E402
from vidflow.gui.preferences import preferences  # noqa: E402
from vidflow.places import samples  # noqa: E402


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures"
    width, height = map(int, (sys.argv[2] if len(sys.argv) > 2 else "1280x800").split("x"))
    folder.mkdir(parents=True, exist_ok=True)
    window = open_window()
    window.resize(width, height)
    window.share_out()
    window.show()
    wait(lambda: False, 2)

    def shoot(name: str) -> None:
        wait(lambda: False, 0.3)
        window.grab().save(str(folder / f"{name}.png"))

    shoot("editor-start")
    window.open(samples() / "first_film.json")
    window.session.select(("titled",))
    wait(lambda: all(item.thumb is not None for item in window.canvas.nodes.values() if item.face.picture), 20)
    wait(lambda: False, 2)
    shoot("editor")
    window.canvas.fit(["joined", "titled"])
    shoot("editor-settings")
    window.do_run()
    window._fold(False)
    wait(lambda: window.runner.current is not None and window.runner.current.share > 0.4, 30)
    shoot("editor-running")
    wait(lambda: not window.runner.busy, 180)
    window._fold(True)
    window.canvas.fit()
    window.player.play()
    wait(lambda: False, 2.5)
    shoot("editor-playing")
    window.player.pause()
    broken = HOME / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    window.session.new()
    graph = {
        "vidflow": 1,
        "nodes": {
            "still": {"type": "load_image", "inputs": {"path": str(broken)}},
            "look": {"type": "grade", "inputs": {"video": {"from": "still"}, "exposure": 0.4}},
            "save": {"type": "save_image", "inputs": {"image": {"from": "look"}, "path": "still.png"}},
        },
        "view": {"nodes": {"still": {"at": [0, 0]}, "look": {"at": [264, 0]}, "save": {"at": [528, 0]}}},
    }
    path = HOME / "broken.json"
    path.write_text(json.dumps(graph))
    window.open(path)
    window.session.select(("still",))
    window.do_run()
    wait(lambda: not window.runner.busy, 20)
    wait(lambda: False, 1)
    shoot("editor-failed")
    window._fold(True)
    window.banner.hide()
    window.open(samples() / "three_shot_film.json")
    choose("theme", "light")
    wait(lambda: False, 2)
    shoot("editor-light")
    choose("theme", "dark")
    choose("language", "ja")
    window.open(samples() / "first_film.json")
    window.session.select(("joined",))
    window.session.do(SetInput("joined", "transition_seconds", 1.0))
    wait(lambda: False, 3)
    shoot("editor-japanese")
    window.session.history.saved()
    window.close()
    os._exit(0)


def choose(key: str, value: str) -> None:
    """A theme or a language."""
    preferences().setValue(key, value)
    dress()


def wait(done: Callable[[], bool], seconds: float) -> None:
    """Handle events until `done()`, so many seconds at most."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
