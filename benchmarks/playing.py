"""The viewer's promises: playing in real time, a quick answer to Space and to a drag, and memory that stays flat."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measure import ROOT, Row, report

if TYPE_CHECKING:
    from tests.gui.stage import Stage

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(ROOT))
SECONDS, RATE = 10, 25


def resident() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def film(folder: Path) -> Path:
    """A clip that is as hard to decode as a camera's, 1280x720."""
    path = folder / "clip.mp4"
    source = f"testsrc2=s=1280x720:r={RATE}:d={SECONDS},noise=alls=12:allf=t"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-preset", "medium", "-b:v", "6M", str(path)], check=True)
    return path


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loops", type=int, default=10)
    loops = parser.parse_args().loops
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VIDFLOW_STORE"] = str(Path(folder, "store"))
        os.environ["XDG_CONFIG_HOME"] = folder
        rows = measured(film(Path(folder)), loops)
    report(rows)


def measured(path: Path, loops: int) -> list[Row]:
    """What there is to say of one clip."""
    from tests.gui.stage import Stage

    stage = Stage()
    stage.viewer.resize(720, 520)
    stage.put({"vidflow": 1, "nodes": {"v": {"type": "load_video", "inputs": {"path": str(path)}}}})
    stage.look("v")
    stage.until(lambda: stage.frames == [0])
    stage.until(lambda: not stage.source._behind.busy)
    player = stage.player
    player.set_loop(False)
    rows = played(stage, "once")
    stage.source.cache.clear()
    rows += sought(stage, "decoded for it", 0)
    player.seek(0)
    began = time.perf_counter()
    stage.until(lambda: player._ahead.busy)
    stage.until(lambda: not player._ahead.busy)
    rows += [
        Row("rest until frames have been fetched", time.perf_counter() - began, None, "s"),
        *sought(stage, "after that", 1),
    ]
    stage.source.cache.clear()
    player.seek(0)
    stage.still()
    rows += answered(stage)
    player.pause()
    player.seek(0)
    stage.still()
    player.set_loop(True)
    turns: list[float] = []
    sizes: list[float] = []
    last = 0

    def turned(index: int) -> None:
        nonlocal last
        if index < last:
            turns.append(time.perf_counter())
            sizes.append(resident())
        last = index

    player.moved.connect(turned)
    began = time.perf_counter()
    player.play()
    stage.until(lambda: len(turns) >= loops, loops * SECONDS * 2)
    shown, dropped = player.played, player.dropped
    player.pause()
    rows += [
        Row(f"{loops} loops, s off", abs(turns[-1] - began - loops * SECONDS), 0.1 * loops, "s"),
        Row(f"{loops} loops, share dropped", dropped / (shown + dropped), 0.05),
        Row("memory from the second loop to the last", max(sizes[1:]) - sizes[1] if len(sizes) > 1 else 0, 20, "MB"),
        Row("memory at the end", sizes[-1], None, "MB"),
        Row("cache", stage.source.cache.size / 2**20, 512, "MB"),
    ]
    stage.close()
    return rows


def played(stage: Stage, name: str) -> list[Row]:
    """One playing from the start to the end."""
    player, until = stage.player, stage.until
    gaps = Gaps()
    began = time.perf_counter()
    player.play()
    until(lambda: gaps.beat() or not player.playing, 3 * SECONDS)
    seconds = time.perf_counter() - began
    return [
        Row(f"{name}: {SECONDS} s take, s off", abs(seconds - SECONDS), 0.1, "s"),
        Row(f"{name}: share dropped", player.dropped / (player.played + player.dropped), 0.05),
        Row(f"{name}: longest gap of the event loop", gaps.longest * 1000, None, "ms"),
    ]


class Gaps:
    """The longest time between two rounds of the event loop."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.longest = 0.0

    def beat(self) -> bool:
        """One round; gives False, so that it can stand in a condition."""
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now
        return False


def sought(stage: Stage, name: str, bars: int) -> list[Row]:
    """Going to frames here and there."""
    taken: list[float] = []
    for index in random.Random(2).sample(range(SECONDS * RATE), 20):
        began = time.perf_counter()
        stage.player.seek(index)
        stage.until(lambda index=index: stage.frames[-1] == index)
        taken.append(time.perf_counter() - began)
        if not bars:
            stage.source.cache.clear()
    median, worst = statistics.median(taken) * 1000, max(taken) * 1000
    return [
        Row(f"a frame that was dragged to, {name}, median", median, 100 if bars else None, "ms"),
        Row(f"a frame that was dragged to, {name}, worst", worst, 250 if bars else None, "ms"),
    ]


def answered(stage: Stage) -> list[Row]:
    """From Space to the next frame, at places that were just gone to."""
    player, until, frames = stage.player, stage.until, stage.frames
    taken: list[float] = []
    for index in (10, 40, 111, 190):
        stage.source.cache.clear()
        player.seek(index)
        until(lambda index=index: frames[-1] == index)
        stage.still()
        began = time.perf_counter()
        player.toggle()
        until(lambda index=index: frames[-1] != index)
        taken.append(time.perf_counter() - began)
        player.pause()
    return [Row("Space to the next frame, worst (a frame is 40 ms)", max(taken) * 1000, 100 + 1000 / RATE, "ms")]


if __name__ == "__main__":
    main()
