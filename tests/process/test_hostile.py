"""Graphs from anywhere, whole or not, are run or refused in a few words, quickly, and write only where they may."""

from __future__ import annotations

import json
import os
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.conftest import registry
from tests.process.commands import Ended, Place
from tests.process.mutants import mutant, tiny_media
from vidflow.engine.service import Engine
from vidflow.errors import GraphError, RunError

COMMANDS = int(os.environ.get("VIDFLOW_HOSTILE_COMMANDS", "6"))
MUTANTS = int(os.environ.get("VIDFLOW_MUTANTS", "300"))
"""A full run sets 200 and 10,000."""
SECONDS, MEMORY = 5, 1024
PLACED = re.compile(r"error: [^\n]{1,400}?: \S")
"""A message that says where: a node and mostly its input, or a line and a column."""


def well_behaved(done: Ended, text: str) -> None:
    """What holds of every end of a run or a check."""
    said = done.out + done.err
    assert done.status in (0, 1, 2), f"{text}\n{said}"
    assert "Traceback" not in said, f"{text}\n{said}"
    if done.status:
        assert done.errors, f"{text}\n{said}"
        for line in done.errors:
            assert PLACED.match(line), f"{text}\n{line}"
    assert done.seconds < SECONDS, text
    assert done.memory < MEMORY, text


@pytest.mark.parametrize("number", range(COMMANDS))
def test_a_mutated_graph_is_run_or_refused_in_a_few_words(number: int, place: Place) -> None:
    tiny_media(place.folder)
    os.mkfifo(place.folder / "pipe.mp4")
    text = mutant(Random(number))
    graph = place.text(text)
    checked = place.run("check", graph, limit=20)
    well_behaved(checked, text)
    ran = place.run("run", graph, limit=20)
    well_behaved(ran, text)
    assert (checked.status == 2) == (ran.status == 2), f"{text}\n{checked}\n{ran}"
    if ran.status == 2:
        assert place.outputs() == []
        assert not place.log.exists() or not place.log.read_text(), "something ran before the graph was refused"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the graphs read."""
    made = tmp_path_factory.mktemp("graphs")
    tiny_media(made)
    os.mkfifo(made / "pipe.mp4")
    return made


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    """One engine that outlives them all."""
    made = Engine(folder / "store", 50_000_000, registry=registry())
    yield made
    made.close()


@settings(
    max_examples=MUTANTS,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chance=st.randoms(use_true_random=False))
def test_a_mutated_graph_never_raises_anything_but_what_it_should(chance: Random, engine: Engine, folder: Path) -> None:
    text = mutant(chance)
    path = folder / "graph.json"
    path.write_text(text, "utf-8", errors="surrogatepass")
    began = time.monotonic()
    try:
        request = engine.submit(path, output_dir=folder / "out")
    except GraphError as error:
        for problem in error.problems:
            assert problem.place, f"{text}\n{problem}"
            assert problem.message, f"{text}\n{problem}"
    else:
        ended = request.wait(2 * SECONDS)
        if not ended:
            request.cancel()
        assert ended, f"hangs: {text}"
        try:
            request.result()
        except RunError as error:
            for failure in error.failures:
                assert failure.node, f"{text}\n{failure}"
                assert failure.message, f"{text}\n{failure}"
    assert time.monotonic() - began < SECONDS, text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEMORY * 1024, text


def writing(path: str) -> str:
    """A graph that makes a number and writes it to `path`."""
    return json.dumps(
        {
            "vidflow": 1,
            "nodes": {
                "clip": {"type": "lab.bars"},
                "image": {"type": "lab.first_frame", "inputs": {"video": {"from": "clip"}}},
                "most": {"type": "lab.brightest", "inputs": {"image": {"from": "image"}}},
                "save": {"type": "lab.write_number", "inputs": {"value": {"from": "most"}, "path": path}},
            },
        }
    )


@pytest.mark.parametrize(
    "path",
    [
        "../x.txt", "a/../../x.txt", "{outside}/x.txt", "~/x.txt", "~root/x.txt", "link/x.txt", "link.txt", "dead.txt",
        "device.txt", "pipe.txt", "folder.txt", "/dev/full", "//x.txt", "..", "", "x\0.txt", "x.txt/", "..\\x.txt",
    ],
)  # fmt: skip
def test_a_graph_that_would_write_elsewhere_is_refused_before_anything_runs(
    path: str, place: Place, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "there.txt").write_text("as it was")
    place.out.mkdir()
    (place.out / "folder.txt").mkdir()
    (place.out / "link").symlink_to(outside)
    (place.out / "link.txt").symlink_to(outside / "there.txt")
    (place.out / "dead.txt").symlink_to(outside / "new.txt")
    (place.out / "device.txt").symlink_to("/dev/full")
    os.mkfifo(place.out / "pipe.txt")
    before = place.outputs()
    graph = place.text(writing(path.replace("{outside}", str(outside))))
    done = place.run("run", graph, limit=10)
    assert done.status == 2, done
    assert len(done.errors) == 1
    assert done.errors[0].startswith("error: save.path: ")
    assert "Traceback" not in done.err
    assert not place.made("bars"), "something ran before the graph was refused"
    assert place.outputs() == before
    assert [(one.name, one.read_text()) for one in outside.iterdir()] == [("there.txt", "as it was")]
    assert {one.name for one in place.folder.iterdir()} <= {"graph.json", "outputs", "store", "made.log"}


@pytest.mark.parametrize("kind", ["load_video", "load_image", "load_audio"])
@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/tty", "pipe", "folder", "empty", "notes", "/proc/kmsg", "/proc/self/mem"]
)
def test_what_is_no_picture_and_no_sound_is_refused_and_nobody_waits_for_it(path: str, kind: str, place: Place) -> None:
    os.mkfifo(place.folder / "pipe")
    (place.folder / "folder").mkdir()
    (place.folder / "empty").touch()
    (place.folder / "notes").write_text("no picture")
    done = place.run("run", place.graph(clip=(kind, {"path": path})), limit=10)
    well_behaved(done, path)
    assert done.status in (1, 2)
    assert len(done.errors) == 1
    assert re.match(r"error: clip(\.path)?: ", done.errors[0])


def test_what_the_user_allows_may_be_written(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    graph = place.text(writing(str(outside / "x.txt")))
    assert place.run("run", graph).status == 2
    done = place.run("run", graph, "--allow-write", outside)
    assert done.status == 0, done.err
    assert (outside / "x.txt").read_text().isdigit()


@pytest.mark.parametrize("version", [2, 999])
def test_a_graph_of_a_newer_version_says_so(version: int, place: Place) -> None:
    graph = place.text(json.dumps({"vidflow": version, "nodes": {}, "new": 1}))
    for command in ("check", "run"):
        done = place.run(command, graph)
        assert done.status == 2
        assert re.search(rf"\bversion {version}\b|newer.*\b{version}\b", done.errors[0]), done.errors


def bomb(levels: int) -> dict[str, Any]:
    """Subgraphs that hold each other twice, so that the whole would have 2**levels nodes."""
    graphs: dict[str, Any] = {"g0": {"nodes": {"a": {"type": "lab.add"}}, "outputs": {"out": {"from": "a"}}}}
    for level in range(1, levels):
        inner = {"type": f"graph:g{level - 1}"}
        graphs[f"g{level}"] = {"nodes": {"a": inner, "b": inner}, "outputs": {"out": {"from": "a"}}}
    return {"vidflow": 1, "nodes": {"all": {"type": f"graph:g{levels - 1}"}}, "graphs": graphs}


def many(inputs: str, count: int = 20_000) -> str:
    """A graph of so many nodes, all wrong. `#` in `inputs` is the number of the node before."""
    nodes = {f"n{k}": {"type": "lab.add", "inputs": json.loads(inputs.replace("#", str(k - 1)))} for k in range(count)}
    return json.dumps({"vidflow": 1, "nodes": nodes})


HURTING = {
    "doubling subgraphs": json.dumps(bomb(60)),
    "open lists": "[" * 100_000,
    "deep objects": '{"vidflow": 1, "nodes": ' + '{"a":' * 50_000 + "1" + "}" * 50_001,
    "20,000 unknown inputs": many('{"x": 1}'),
    "20,000 readers of a cycle": many('{"value": {"from": "n0"}}'),
    "a chain of 20,000 that begins nowhere": many('{"value": {"from": "n#"}}').replace("n-1", "none"),
    "nothing": "",
    "zeros": "\0" * 1000,
    "null": "null",
}


@pytest.mark.parametrize("name", HURTING)
def test_a_graph_made_to_hurt_is_refused_at_once(name: str, place: Place) -> None:
    done = place.run("run", place.text(HURTING[name]), limit=20)
    assert done.status == 2
    assert "Traceback" not in done.err
    assert done.seconds < SECONDS
    assert done.memory < MEMORY
    assert done.errors
