"""Whatever ends the editor, what was made in it is not lost."""

from __future__ import annotations

import json
import resource as limits
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import graph
from tests.gui.crash import killed, recovered
from tests.gui.screen import Editor
from vidflow.graph import SetView, dump
from vidflow.graph.files import from_mapping


def test_a_window_that_was_killed_is_offered_by_the_next_as_it_was_a_moment_ago(
    tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidflow.gui import open_window

    for victim in killed(tmp_path, rounds=8, seed=3, longest=8.0):
        monkeypatch.setenv("XDG_DATA_HOME", str(victim.data))
        window = open_window()
        assert recovered(window) in victim.recent()
        assert window.session.dirty
        window.session.history.saved()
        window.close()
        # Nothing is offered a second time.
        assert list((victim.data / "vidflow" / "sessions").iterdir()) == []


@contextmanager
def small_files(folder: Path) -> Iterator[None]:
    """No file can grow over 32 KB."""
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (32_768, before[1]))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """The folder is a disk that is full when 64 KB are written."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a disk needs more rights than this user has")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def noted(words: int) -> dict[str, Any]:
    """A graph with a long note."""
    return {**graph(clip=("load_video", {"path": "clip.mp4"})), "view": {"frames": {"why": {"note": "word " * words}}}}


@pytest.mark.parametrize("full", [small_files, small_disk])
def test_a_graph_half_written_never_replaces_the_good_one(window: Any, tmp_path: Path, full: Any) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    path = folder / "graph.json"
    with full(folder):
        path.write_text(json.dumps(noted(1000)))
        window.open(path)
        assert window.save_to(path)
        good = path.read_bytes()
        window.session.do(SetView(("frames", "why", "note"), "word " * 20_000))
        assert not window.save_to(path)
        assert window.session.dirty
        assert "graph.json" in window.banner.text.text()
        assert path.read_bytes() == good
        assert list(folder.iterdir()) == [path]


def test_what_is_kept_aside_is_the_last_that_could_be_written_whole(window: Any, tmp_path: Path, qtbot: Any) -> None:
    window.session.put(from_mapping(noted(10)), None, dirty=True)
    kept = window.keeper.folder / "document.json"
    qtbot.waitUntil(lambda: kept.exists() and kept.read_text() == dump(window.document))
    good = kept.read_bytes()
    with small_files(tmp_path):
        window.session.do(SetView(("frames", "why", "note"), "word " * 20_000))
        qtbot.waitUntil(lambda: "cannot be written" in window.banner.text.text())
        assert kept.read_bytes() == good
    # When there is room again it is written, though nothing has been edited since.
    qtbot.waitUntil(lambda: kept.read_text() == dump(window.document))


def test_a_run_that_was_at_work_is_taken_up_by_the_next_window(tmp_path: Path) -> None:
    path = tmp_path / "slow.json"
    document = graph(
        clip=("load_video", {"path": "resources:media/sea.mp4"}),
        slow=("retime", {"video": "@clip", "speed": 0.5}),
        large=("resize", {"video": "@slow", "width": 640, "height": 360}),
        save=("save_video", {"video": "@large", "path": "slow.mp4"}),
    )
    path.write_text(json.dumps(document))
    editor = Editor(str(path), folder=tmp_path)
    editor.until(lambda state: state["nodes"])
    editor.ask("do", "run")
    editor.until(lambda state: state["nodes"]["save"] == "running")
    editor.kill()
    film = tmp_path / "outputs" / "slow.mp4"
    assert not film.exists()
    # An empty window; the run needs no document that is open.
    other = Editor(folder=tmp_path)
    state = other.until(lambda state: state["runs"])
    assert [(run["status"], run["files"]) for run in state["runs"]] == [("done", [str(film)])]
    assert film.exists()
    other.kill()
