"""Ctrl-C ends a run at once, whatever it is doing, leaves nothing half done, and the next run goes on from there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.process.commands import TRIALS, VIDFLOW, Place, Running
from vidflow import places
from vidflow.engine.keptvideo import LONGEST

FRAMES, PART = 360, 240
DREAMT = 160
OLDER = b"an older file"


class Doing(NamedTuple):
    """A graph at work: what it writes, which event of which node says that it is busy, and what makes it short."""

    graph: Callable[[Place], Path]
    file: str
    event: str
    node: str
    step: int = 0
    short: tuple[str, ...] = ()


def decoding(place: Place) -> Path:
    return place.graph(
        clip=("load_video", {"path": str(places.resource("media/sea.mp4"))}),
        long=("concat", {"videos": ["@clip"] * 40}),
        part=("trim", {"video": "@long", "end": 100_000, "unit": "frames"}),
        node=("lab.brightness", {"video": "@part"}),
        save=("save_report", {"report": "@node", "path": "it.json"}),
    )


def encoding(place: Place) -> Path:
    return place.graph(
        bars=("lab.bars", {"frames": FRAMES, "width": 480, "height": 270}),
        node=("save_video", {"video": "@bars", "path": "it.mp4", "preset": "slow"}),
    )


def writing(place: Place) -> Path:
    return place.graph(
        bars=("lab.bars", {"frames": FRAMES}),
        node=("lab.dump", {"video": "@bars", "path": "it.raw", "seconds": 0.05}),
    )


def dreaming(place: Place) -> Path:
    return place.graph(
        bars=("lab.bars", {"frames": DREAMT}),
        node=("lab.dream", {"frame": "@bars", "seconds": 0.01}),
        save=("save_video", {"video": "@node", "path": "it.mp4", "preset": "ultrafast"}),
    )


def number(type: str, **inputs: Any) -> Callable[[Place], Path]:
    def graph(place: Place) -> Path:
        return place.graph(node=(type, inputs), save=("lab.write_number", {"value": "@node", "path": "it.txt"}))

    return graph


def loading(place: Place) -> Path:
    return place.graph(
        node=("lab.load_lab", {"seconds": 30}),
        sample=("lab.sample_lab", {"model": "@node"}),
        film=("lab.decode_lab", {"latents": "@sample"}),
        save=("save_video", {"video": "@film", "path": "it.mp4"}),
    )


DOING = {
    "decode": Doing(decoding, "it.json", "NodeProgress", "clip", 20, ("--set", "part.end=10")),
    "encode": Doing(encoding, "it.mp4", "NodeProgress", "node", PART + 10),
    "write": Doing(writing, "it.raw", "NodeStarted", "node", 0, ("--set", "node.seconds=0")),
    "dear node": Doing(dreaming, "it.mp4", "NodeProgress", "save", 50),
    "steps": Doing(number("lab.steps", count=300), "it.txt", "NodeProgress", "node", 2, ("--set", "node.count=2")),
    "nap": Doing(number("lab.nap", seconds=30), "it.txt", "NodeStarted", "node", 0, ("--set", "node.seconds=0")),
    "load": Doing(loading, "it.mp4", "NodeStarted", "node", 0, ("--set", "node.seconds=0")),
}


def allowed() -> float:
    """Seconds from the signal to the end; half as much again on a machine with more to do than it has cores."""
    return 0.75 if os.getloadavg()[0] > 1.25 * (os.cpu_count() or 1) else 0.5


def started(place: Place, doing: Doing, *more: str) -> Running:
    """The run, busy with what it should be interrupted in."""
    process = place.start("run", doing.graph(place), "--events", "-", *more)
    process.wait_for(doing.event, doing.node, doing.step)
    return process


def ended(process: Running, began: float) -> float:
    """The seconds since `began` that a cancelled run took to end."""
    done = process.end()
    seconds = time.monotonic() - began
    assert done.status == 130, done.err
    assert "Traceback" not in done.err
    return seconds


@pytest.mark.parametrize(
    ("name", "number"),
    [*((name, signal.SIGINT) for name in DOING), ("encode", signal.SIGTERM), ("nap", signal.SIGTERM)],
)
def test_an_interrupted_run_ends_at_once_and_leaves_nothing_half_done(
    name: str, number: signal.Signals, place: Place, record_property: Callable[[str, object], None]
) -> None:
    doing = DOING[name]
    place.out.mkdir()
    (place.out / doing.file).write_bytes(OLDER)
    process = started(place, doing)
    began = time.monotonic()
    process.signal(number)
    seconds = ended(process, began)
    print(f"{name}: {seconds:.3f} s")
    record_property("seconds", seconds)
    assert place.outputs() == [doing.file]
    assert (place.out / doing.file).read_bytes() == OLDER
    assert seconds < allowed()
    done = place.run("run", doing.graph(place), *doing.short)
    assert done.status == 0, done.err
    assert place.outputs() == [doing.file]
    assert (place.out / doing.file).read_bytes() != OLDER


def test_the_next_run_takes_over_the_segments_that_were_kept(place: Place) -> None:
    process = started(place, DOING["dear node"])
    process.signal(signal.SIGINT)
    ended(process, 0)
    made = place.made("dream")
    assert made >= 50
    assert place.run("run", dreaming(place)).status == 0
    print(f"{made} frames made, {place.made('dream') - DREAMT} of them in vain")
    assert place.made("dream") <= DREAMT + 2 * LONGEST


def test_the_next_run_takes_over_the_parts_that_were_encoded(place: Place) -> None:
    process = started(place, DOING["encode"])
    process.signal(signal.SIGINT)
    ended(process, 0)
    again = place.start("run", encoding(place), "--events", "-")
    steps = [event["step"] for event in again.events() if event["event"] == "NodeProgress" and event["node"] == "node"]
    assert again.end().status == 0
    assert min(steps) > PART


@pytest.mark.parametrize("name", ["encode", "nap", "dear node"])
def test_pressing_it_again_and_again_does_no_harm(name: str, place: Place) -> None:
    process = started(place, DOING[name])
    over = threading.Event()

    def press() -> None:
        while not over.wait(0.004):
            process.signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    began = time.monotonic()
    thread.start()
    try:
        assert ended(process, began) < 2 * allowed()
    finally:
        over.set()
        thread.join()
    assert place.outputs() == []


@pytest.mark.parametrize("trial", range(3 * TRIALS))
def test_it_may_come_at_any_moment(trial: int, place: Place) -> None:
    """Also before the run has begun, and after it has ended."""
    graph = place.graph(v=("lab.bars", {"frames": 40}), s=("lab.dump", {"video": "@v", "path": "it.raw"}))
    process = place.start("run", graph)
    timer = threading.Timer(random.Random(trial).uniform(0.05, 0.8), process.signal, (signal.SIGINT,))
    timer.start()
    done = process.end()
    timer.cancel()
    # The interpreter itself, before it runs any of vidflow, ends by the signal.
    assert done.status in (0, 130, -signal.SIGINT), done.err
    assert "vidflow/" not in done.err or done.status == 0, done.err
    assert place.outputs() in ([], ["it.raw"])
    assert place.run("run", graph).status == 0
    assert (place.out / "it.raw").stat().st_size == 40 * 64 * 48 * 3


def test_a_store_of_the_run_s_own_goes_with_it(place: Place) -> None:
    folder = place.folder / "tmp"
    folder.mkdir()
    place.environment["TMPDIR"] = str(folder)
    process = started(place, DOING["dear node"], "--no-store")
    assert list(folder.iterdir())
    process.signal(signal.SIGINT)
    ended(process, 0)
    assert list(folder.iterdir()) == []
    assert not place.store.exists()


IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_keys_in_a_terminal_cancel_and_the_terminal_stays_usable(place: Place) -> None:
    mine, its = os.openpty()
    command = [sys.executable, "-c", IN_A_TERMINAL, VIDFLOW, "run", str(dreaming(place))]
    environment = {**os.environ, **place.environment, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, cwd=place.folder, env=environment)
    os.close(its)
    shown = b""
    pressed = 0.0
    while True:
        try:
            some = os.read(mine, 65536)
        except OSError:
            # The other side of the terminal is closed.
            break
        if not some:
            break
        shown += some
        if not pressed and b"node" in shown:
            pressed = time.monotonic()
            os.write(mine, b"\x03")
    status = process.wait(10)
    seconds = time.monotonic() - pressed
    os.close(mine)
    text = shown.decode(errors="replace")
    assert pressed, text
    assert status == 130, text
    assert seconds < allowed()
    assert "Cancelled after" in text
    assert "Traceback" not in text
    assert text.rfind("\x1b[?25h") >= text.rfind("\x1b[?25l"), "the cursor stays hidden"
    assert place.outputs() == []
