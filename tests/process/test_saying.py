"""What the command says: advice when a graph is checked, and the notes of nodes when it is run."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.process.commands import VIDFLOW, Place

PACK = '''"""Nodes with something to say."""

from typing import Annotated

from vidflow.api import OutputFile, Run, node


@node(title="Remark", category="Test", sink=True)
def remark(*, text: str, path: Annotated[str, OutputFile((".txt",))], run: Run) -> str:
    """Say something and write it down."""
    run.note(text)
    with run.output(path) as target:
        target.write_text(text)
    return path
'''
REMARK = "The second clip [b] is so dark that little of it could be seen, whatever is done about its exposure or gain."


@pytest.fixture
def talking(place: Place) -> Place:
    """A place with a pack whose sink says something."""
    pack = place.folder / "talking"
    pack.mkdir()
    (pack / "__init__.py").write_text(PACK)
    place.environment["VIDFLOW_PACKS"] = str(pack)
    return place


TWO_SHOTS = {
    "sea": ("load_video", {"path": "resources:media/sea.mp4"}),
    "forest": ("load_video", {"path": "resources:media/forest.mp4"}),
    "film": ("concat", {"videos": ["@sea", "@forest"]}),
    "save": ("save_video", {"video": "@film", "path": "film.mp4"}),
}


def test_a_check_gives_advice_as_notes_and_ends_well(place: Place) -> None:
    done = place.run("check", place.graph(**TWO_SHOTS))
    assert done.status == 0
    note, end = done.out.splitlines()
    assert note.startswith("note: film.videos: 2 shots are joined as they are, ")
    assert end == f"{place.folder / 'graph.json'}: 4 nodes, ready to run."
    assert not done.err


def test_a_check_gives_advice_in_json_too(place: Place) -> None:
    done = place.run("check", place.graph(**TWO_SHOTS), "--json")
    assert done.status == 0
    (note,) = json.loads(done.out)
    assert (note["level"], note["code"], note["node"], note["input"]) == ("note", "uneven-colour", "film", "videos")


def test_a_graph_with_errors_gets_no_advice(place: Place) -> None:
    done = place.run("check", place.graph(**TWO_SHOTS, more=("load_video", {"path": "missing.mp4"})))
    assert done.status == 2
    assert "note:" not in done.out


def test_a_run_gives_no_advice(place: Place) -> None:
    short = {**TWO_SHOTS, "sea": ("load_image", {"path": "resources:media/moon.png"})}
    short["forest"] = ("load_image", {"path": "resources:media/mountains.jpg"})
    done = place.run("run", place.graph(**short, bit=("trim", {"video": "@film", "end": 0.1})), "--only", "bit")
    assert done.status == 0, done.err
    assert "joined" not in done.err + done.out


def test_the_notes_of_nodes_are_said_in_a_log(talking: Place) -> None:
    done = talking.run("run", talking.graph(it=("talking.remark", {"text": REMARK, "path": "x.txt"})))
    assert done.status == 0, done.err
    assert f"note: it: {REMARK}" in done.err.splitlines()


def test_the_notes_of_nodes_are_said_on_a_terminal(talking: Place) -> None:
    graph = talking.graph(it=("talking.remark", {"text": REMARK, "path": "x.txt"}))
    status, shown = on_a_terminal(talking, "run", str(graph))
    assert status == 0, shown
    assert f"note: it: {REMARK}" in shown


def on_a_terminal(place: Place, *arguments: str) -> tuple[int, list[str]]:
    """The exit status of the command and the lines that it shows on a terminal of its own, without what moves them."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **place.environment, "TERM": "xterm", "COLUMNS": "60", "LINES": "20"}
    process = subprocess.Popen(
        [VIDFLOW, *arguments], cwd=place.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    parts: list[bytes] = []
    try:
        while data := os.read(ours, 65536):
            parts.append(data)
    except OSError:
        # Linux says so where the other end is closed.
        pass
    os.close(ours)
    # A bar is drawn over: what comes after a return of the carriage stands on a line of its own.
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode())
    return process.wait(60), re.split(r"[\r\n]+", text)


def test_who_disables_a_pack_hears_that_it_is_loaded_all_the_same(talking: Place) -> None:
    environment = {"XDG_CONFIG_HOME": str(talking.folder / "config")}
    done = talking.run("packs", "disable", "talking", env=environment)
    assert done.status == 0
    folder = Path(talking.environment["VIDFLOW_PACKS"])
    assert done.err == f"note: talking is loaded all the same, as VIDFLOW_PACKS names {folder}.\n"
    assert talking.run("packs", "disable", "other", env=environment).err == ""
