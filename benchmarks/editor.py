"""The editor's window: how soon it is there, opens, paints and follows an edit, and how live it is under load."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from measure import ROOT, Row, report

sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_SHOWN = """
import sys, time
from PySide6.QtWidgets import QApplication
def shown(*_):
    (window,) = [one for one in QApplication.topLevelWidgets() if one.objectName() == "window"]
    while not window.windowHandle().isExposed():
        QApplication.processEvents()
    QApplication.processEvents()
    print(time.monotonic(), "torch" in sys.modules, flush=True)
    import os
    os._exit(0)
QApplication.exec = shown
from vidflow.cli import main
main(["edit"])
"""
"""`vidflow edit`, up to the moment when its window is on the screen."""


def grid(count: int) -> dict[str, Any]:
    """A graph of so many nodes in rows of ten, each row linked from left to right."""
    nodes: dict[str, Any] = {}
    view: dict[str, Any] = {}
    for k in range(count):
        row, column = divmod(k, 10)
        type, inputs = "grade", {"exposure": 0.5, "saturation": 1.5}
        if column == 0:
            type, inputs = "load_video", {"path": "resources:media/sea.mp4"}
        elif column % 3 == 0:
            type, inputs = "resize", {"width": 640, "height": 360}
        if column:
            inputs = {"video": {"from": f"n{k - 1}"}, **inputs}
        nodes[f"n{k}"] = {"type": type, "inputs": inputs}
        view[f"n{k}"] = {"at": [column * 260, row * 320]}
    return {"vidflow": 1, "nodes": nodes, "view": {"nodes": view}}


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def window_of() -> Any:
    """A window, shown."""
    from PySide6.QtWidgets import QApplication

    from vidflow.gui import icons, open_window

    window = open_window()
    window.resize(1920, 1080)
    window.show()
    window.pages.setCurrentWidget(window.canvas)
    icons.load()
    QApplication.processEvents()
    return window


def closed(window: Any) -> None:
    """Close it; nobody is asked."""
    from PySide6.QtWidgets import QApplication

    window.session.history.saved()
    window.close()
    window.deleteLater()
    QApplication.processEvents()


def painting(folder: Path) -> list[Row]:
    """Opening, frames, edits."""
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtWidgets import QApplication

    from tests.gui.hand import Hand

    window = window_of()
    canvas, session = window.canvas, window.session

    def settle() -> None:
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            QApplication.processEvents()

    def opened(count: int) -> float:
        path = folder / f"{count}.json"
        path.write_text(json.dumps(grid(count)))
        found = timed(lambda: (window.open(path), canvas.viewport().repaint()))
        settle()
        return found

    def frames(count: int, move: QPoint) -> float:
        def frame() -> None:
            if not move.isNull():
                canvas.pan(move)
            canvas.viewport().repaint()

        return median(timed(frame) for _ in range(count)) * 1000

    rows = [Row("1000 nodes opened and painted", min(opened(1000) for _ in range(3)), 1.5, "s")]
    canvas.fit()
    settle()
    rows.append(Row("a frame of 1000 nodes, all in view", frames(20, QPoint()), 40, "ms"))
    hand = Hand(window, None)
    canvas.look_at(QPointF(600, 400), 1.0)
    settle()
    start, end = hand.output("n1"), hand.input("n2", "video")

    def drag() -> None:
        hand.press(start)
        for step in range(1, 11):
            hand.move(start + (end - start) * (step / 10))
        canvas.viewport().repaint()
        canvas.gestures.cancel()

    rows.append(
        Row("a wire taken among 1000 nodes and moved ten times", min(timed(drag) for _ in range(5)) * 1000, 100, "ms")
    )
    values = iter(range(10, 1000))

    def edit() -> None:
        session.set("n3", "width", next(values), merge_key="edit")
        # Its item is painted again in here, as everywhere.
        QApplication.processEvents()

    session.select(("n3",))
    settle()
    rows.append(
        Row(
            "a setting's edit to its picture, among 1000 nodes", median(timed(edit) for _ in range(30)) * 1000, 16, "ms"
        )
    )
    session.history.saved()
    opened(500)
    canvas.fit()
    settle()
    rows.append(Row("a frame while panning, 500 nodes in view", frames(40, QPoint(3, 2)), 17, "ms"))
    canvas.look_at(QPointF(1200, 800), 1.0)
    rows.append(Row("a frame while panning at 100 %", frames(40, QPoint(7, 5)), 17, "ms"))
    closed(window)
    return rows


def startup(folder: Path, rounds: int) -> list[Row]:
    """From the command to the window on a screen."""
    from tests.gui.screen import Screen

    screen = Screen(folder)
    environment = {**os.environ, "DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb", "XDG_DATA_HOME": str(folder)}
    found: list[float] = []
    torch = False
    for _ in range(rounds):
        began = time.monotonic()
        said = subprocess.run(
            [sys.executable, "-c", _SHOWN], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
        found.append(float(said[0]) - began)
        torch |= said[1] == "True"
    screen.close()
    return [
        Row("from the command to the window", min(found), 1.5, "s"),
        Row("torch imported by then", float(torch), 0, ""),
    ]


def gestures(steps: int, rounds: int) -> list[Row]:
    """Document against canvas after each of many random gestures; memory after many additions."""
    from tests.gui.hand import Hand
    from tests.gui.wild import Wild, add_and_delete, back_and_forth, resident

    window = window_of()
    seconds = timed(lambda: (Wild(Hand(window, None), 11).run(steps), back_and_forth(window)))
    closed(window)
    window = window_of()
    hand = Hand(window, None)
    add_and_delete(hand, 60)
    before = resident()
    add_and_delete(hand, rounds)
    grown = (resident() - before) / 2**20
    closed(window)
    return [
        Row(f"{steps} random gestures, each compared", seconds, None, "s"),
        Row(f"memory after {rounds} rounds of adding and deleting", grown, 5, "MiB"),
    ]


def crashes(folder: Path, rounds: int) -> list[Row]:
    """Editors killed at random; what the next window recovers."""
    from tests.gui.crash import killed, recovered

    lost = 0
    for victim in killed(folder, rounds, seed=7, longest=9.0):
        os.environ["XDG_DATA_HOME"] = str(victim.data)
        window = window_of()
        lost += recovered(window) not in victim.recent()
        closed(window)
    return [Row(f"of {rounds} editors killed at random, lost more than 5 s", lost, 0, "")]


def film(folder: Path, frames: int) -> Path:
    """A graph that makes 1440p of 720p and encodes it."""
    clip = folder / "clip.mp4"
    if not clip.exists():
        source = f"testsrc2=s=1280x720:r=25:d={frames / 25}"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(clip)]
        subprocess.run(command, check=True)
    path = folder / "film.json"
    nodes = {
        "clip": {"type": "load_video", "inputs": {"path": "clip.mp4"}},
        "large": {"type": "resize", "inputs": {"video": {"from": "clip"}, "width": 2560, "height": 1440}},
        "save": {"type": "save_video", "inputs": {"video": {"from": "large"}, "path": "{graph}-{n}.mp4"}},
    }
    places = {"nodes": {id: {"at": [260 * k, 0]} for k, id in enumerate(nodes)}}
    path.write_text(json.dumps({"vidflow": 1, "nodes": nodes, "view": places}))
    return path


def child(how: str, path: Path) -> None:
    """One run in a process of its own, in a window or without one; prints what was measured as JSON."""
    if how == "headless":
        from vidflow import heap
        from vidflow.engine.service import Engine
        from vidflow.graph import Paths, load

        heap.steady()  # as `vidflow run` and the window do
        with Engine() as engine:
            folder = path.parent
            paths = Paths(path.stem, folder, folder, folder / "outputs")
            began = time.perf_counter()
            engine.submit(load(path), paths=paths).result()
            print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
            return
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    window = window_of()
    window.open(path)
    window.session.select(("large",))

    def until(done: Callable[[], Any]) -> None:
        while not done():
            QApplication.processEvents()
            time.sleep(0.001)

    until(lambda: window.source.shown.state == "ready")
    ended: list[Any] = []
    ticks: list[float] = []
    window.runner.finished.connect(lambda run: (ended.append(run), QApplication.quit()))
    timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    began = time.perf_counter()

    def cancel() -> None:
        nonlocal began
        if window.session.state("large").step > 8 and window.runner.current.status == "running":
            began = time.perf_counter()
            window.runner.cancel()

    if how == "cancelled":
        window.runner.advanced.connect(cancel)
    window.runner.run()
    QApplication.exec()
    seconds = time.perf_counter() - began
    assert ended[0].status == ("cancelled" if how == "cancelled" else "done"), ended[0].failures
    gaps = [(b - a) * 1000 for a, b in pairwise(ticks)]
    found = {"seconds": seconds, "longest": max(gaps), "most": quantiles(gaps, n=20)[-1]}
    print(json.dumps({**found, "drawn": window.viewer.picture.drawn}), flush=True)
    closed(window)
    os._exit(0)


def load(folder: Path, frames: int, rounds: int) -> list[Row]:
    """A resize to 1440p and its encoding, in the window and without it, in turn."""
    path = film(folder, frames)
    found: dict[str, list[dict[str, float]]] = {"headless": [], "window": [], "cancelled": []}
    for _ in range(rounds):
        for how, all in found.items():
            environment = {**os.environ, "VIDFLOW_STORE": str(Path(tempfile.mkdtemp(dir=folder)))}
            command = [sys.executable, __file__, "--child", how, "--graph", str(path)]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            all.append(json.loads(said.splitlines()[-1]))
            print(f"{how:10} {all[-1]}", flush=True)
    best = {how: min(one["seconds"] for one in all) for how, all in found.items()}
    live, ended = found["window"], found["cancelled"]
    return [
        Row("a run in the window beside one without", best["window"] / best["headless"], 1.03, "x"),
        Row("longest gap of the event loop meanwhile", max(one["longest"] for one in live), 50, "ms"),
        Row("95th percentile of the gaps", max(one["most"] for one in live), 20, "ms"),
        Row("pictures drawn in the viewer meanwhile", min(one["drawn"] for one in live), None, ""),
        Row("from Cancel to the end of the run", max(one["seconds"] for one in ended), 0.5, "s"),
        # x264 winds up its lookahead inside PyAV's destructor, which holds the interpreter's lock.
        Row("longest gap of the event loop at a Cancel", max(one["longest"] for one in ended), None, "ms"),
    ]


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["painting", "startup", "gestures", "crashes", "load"], action="append")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--graph", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.graph)
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            os.environ[variable] = str(folder)
        parts: dict[str, Callable[[], list[Row]]] = {
            "startup": lambda: startup(folder, options.rounds + 2),
            "painting": lambda: painting(folder),
            "load": lambda: load(folder, options.frames, options.rounds),
            "gestures": lambda: gestures(options.steps, 300),
            "crashes": lambda: crashes(folder, 20),
        }
        for part, measure in parts.items():
            if not options.only or part in options.only:
                rows += measure()
    report(rows)


if __name__ == "__main__":
    main()
