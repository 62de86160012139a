"""Editors killed while they are edited, and what the next window makes of what they left."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gui.doomed import mark
from tests.gui.screen import ROOT

LOST = 5.0
"""Seconds: what is older is never lost."""


@dataclass
class Victim:
    """One editor, and when its document was what."""

    data: Path
    process: subprocess.Popen[bytes]
    lives: float
    """Seconds from its first edit to its end."""
    states: list[tuple[float, str]] = field(default_factory=list)
    killed: float = 0.0

    def follow(self) -> None:
        """Read what it says, and kill it when its time has come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            when, found = line.split()
            self.states.append((float(when), found.decode()))
            if self.states[-1][0] >= self.states[0][0] + self.lives:
                break
        self.process.kill()
        self.killed = time.monotonic()
        # What it said before it was dead counts, too.
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                when, found = line.split()
                self.states.append((float(when), found.decode()))
        self.process.stdout.close()
        self.process.wait()

    def recent(self) -> set[str]:
        """The hashes of what its document was at some time in its last seconds."""
        ends = [when for when, _ in self.states[1:]] + [self.killed]
        return {found for end, (_, found) in zip(ends, self.states, strict=True) if end > self.killed - LOST}


def killed(folder: Path, rounds: int, seed: int, longest: float, at_once: int = 5) -> list[Victim]:
    """So many editors, each killed at a random moment of its first `longest` seconds, a few at a time."""
    moments = random.Random(seed)
    victims: list[Victim] = []
    for first in range(0, rounds, at_once):
        batch: list[Victim] = []
        for number in range(first, min(rounds, first + at_once)):
            data = folder / str(number)
            environment = {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "QT_QPA_PLATFORM": "offscreen",
                "XDG_DATA_HOME": str(data),
            }
            command = [sys.executable, "-m", "tests.gui.doomed", str(seed + number)]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=folder
            )
            batch.append(Victim(data, process, moments.uniform(1.5, longest)))
        threads = [threading.Thread(target=victim.follow) for victim in batch]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        victims += batch
    return victims


def recovered(window: Any) -> str:
    """The hash of the document that a new window offers to recover, once it was taken."""
    from PySide6.QtWidgets import QPushButton

    window.keeper.offer(window.banner, window.may_leave)
    (button,) = [one for one in window.banner.findChildren(QPushButton) if one.text() == "Recover"]
    button.click()
    return mark(window.document)
