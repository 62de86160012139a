"""A screen, a mouse and a keyboard: Xvfb and xdotool, and the editor as a process that shows itself there."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1280, 800
LONGEST = 60.0
"""Seconds to wait for anything; what takes longer does not come."""
Place = tuple[int, int] | list[int]


class Screen:
    """A display of its own, without a window manager, and what is on it."""

    def __init__(self, folder: Path) -> None:
        read, write = os.pipe()
        # The server takes a free display, and says which one when it is ready.
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(folder)]
        self._server = subprocess.Popen(
            [*command, "-nolisten", "tcp"], pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(write)
        with os.fdopen(read) as said:
            number = said.readline().strip()
        assert number, "Xvfb did not start"
        self.display = f":{number}"
        self._memory = np.memmap(folder / "Xvfb_screen0", np.uint8, "r")
        header = struct.unpack(">25I", self._memory[:100].tobytes())
        self._begin, self._line = header[0] + 12 * header[19], header[12]

    def pixels(self, left: int, top: int, width: int, height: int) -> Any:
        """What is to be seen there now, uint8 `[height, width, 3]`."""
        end = self._begin + self._line * HEIGHT
        rows = self._memory[self._begin : end].reshape(HEIGHT, self._line)[:, : 4 * WIDTH].reshape(HEIGHT, WIDTH, 4)
        return rows[top : top + height, left : left + width, 2::-1].copy()

    # The mouse and the keyboard

    def does(self, *words: Any) -> None:
        """Let xdotool do this, one thing after the other."""
        environment = {**os.environ, "DISPLAY": self.display}
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True, stdout=subprocess.DEVNULL)

    def click(self, at: Place, button: int = 1) -> None:
        """A click."""
        self.does("mousemove", *at, "click", button)

    def press(self, at: Place, towards: Place) -> None:
        """Press at one place and begin to move towards another."""
        words: list[Any] = ["mousemove", *at, "mousedown", 1]
        for step in (1, 2, 3):
            words += ["mousemove", *(round(a + (b - a) * step / 6) for a, b in zip(at, towards, strict=True))]
        self.does(*words)

    def move(self, at: Place) -> None:
        """Move, and stir a little, so that whoever follows the mouse hears of the place."""
        self.does("mousemove", at[0] - 1, at[1], "mousemove", *at)

    def release(self) -> None:
        """Let go."""
        self.does("mouseup", 1)

    def key(self, *keys: str) -> None:
        """Press keys."""
        self.does("key", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self.does("type", "--delay", "1", text)

    def close(self) -> None:
        """Turn it off."""
        self._server.terminate()
        self._server.wait()


class Editor:
    """The editor in a process of its own, on a screen or on none, that answers questions."""

    def __init__(self, *arguments: str, display: str | None = None, folder: Path | None = None) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "xcb" if display else "offscreen"}
        if display:
            environment["DISPLAY"] = display
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gui.driver", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            cwd=folder,
        )
        self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the editor is gone: {self.process.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer.get("is")

    def ask(self, name: str, *arguments: Any) -> Any:
        """Ask the driver."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer()

    @property
    def state(self) -> dict[str, Any]:
        """What is so now."""
        return self.ask("state")

    def until(self, found: Callable[[dict[str, Any]], Any], stir: Callable[[], None] | None = None) -> dict[str, Any]:
        """Ask until something is so; `stir` is done between two questions."""
        end = time.monotonic() + LONGEST
        while not found(state := self.state):
            assert time.monotonic() < end, f"it did not come: {state}"
            if stir is not None:
                stir()
        return state

    def kill(self) -> None:
        """End it at once, as when the power goes. Nothing must have gone wrong inside before."""
        self.process.kill()
        self.process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode()
        for file in (self.process.stdin, self.process.stdout, self._errors):
            if file is not None:
                file.close()
        assert "Traceback" not in said, said[-4000:]
