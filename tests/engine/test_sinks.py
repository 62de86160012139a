"""What a sink may ask of its run: several files at once, and the graph that it was run from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest

from tests.engine.conftest import graph
from vidflow.api import NodeError, OutputFile, Run, node
from vidflow.engine.events import NodeFinished
from vidflow.engine.service import Engine
from vidflow.errors import RunError
from vidflow.graph import parse
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node

CALLS: list[str] = []


class Pair(NamedTuple):
    """What `halves` gives."""

    first: str
    second: str


@node(title="Halves", category="Test", sink=True)
def halves(
    *,
    text: str,
    first: Annotated[str, OutputFile((".txt",))],
    second: Annotated[str, OutputFile((".txt",))] = "{graph}_second.txt",
    forget: bool = False,
    run: Run,
) -> Pair:
    """Write each half of a text into a file of its own."""
    CALLS.append(text)
    with run.output(first) as one, run.output(second) as two:
        one.write_text(text[: len(text) // 2])
        two.write_text(text[len(text) // 2 :])
        if forget:
            raise NodeError("it was forgotten.")
    return Pair(first, second)


@node(title="Each letter", category="Test", sink=True)
def letters(*, text: str, paths: Annotated[list[str], OutputFile((".txt",))], run: Run) -> str:
    """Write each letter of a text into a file of its own."""
    CALLS.append(text)
    for letter, path in zip(text, paths, strict=True):
        with run.output(path) as target:
            target.write_text(letter)
    return paths[0]


@node(title="Document", category="Test", sink=True)
def document(*, value: str = "", path: Annotated[str, OutputFile((".json",))], run: Run) -> str:
    """Write the graph of the run."""
    with run.output(path) as target:
        inside, known = run.document(target), run.document(Path(path))
        assert inside == known
        target.write_text(inside or "nothing")
    return path


@node(title="Text", category="Test")
def text(*, value: str = "") -> str:
    """A text."""
    return value


REGISTRY = Registry(
    [read_node(one, "test") for one in (halves, letters, document)] + [read_node(text, "core")],
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes engines on one store, one after the other."""
    CALLS.clear()
    engines: list[Engine] = []

    def make() -> Engine:
        for engine in engines:
            engine.close()
        engines.append(Engine(tmp_path / "store", registry=REGISTRY))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_a_sink_with_two_files_writes_each_under_its_own_name(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(it=("test.halves", {"text": "abcd", "first": "a.txt", "second": "sub/b.txt"}))
    result = start().submit(nodes, output_dir=tmp_path / "out").result()
    assert (tmp_path / "out" / "a.txt").read_text() == "ab"
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "cd"
    names = [str(tmp_path / "out" / "a.txt"), str(tmp_path / "out" / "sub" / "b.txt")]
    assert list(result.files) == names
    assert list(result["it"]) == names


def test_it_is_skipped_where_both_are_there_unchanged_and_run_again_where_one_is_not(
    start: Callable[[], Engine], tmp_path: Path
) -> None:
    nodes = graph(it=("test.halves", {"text": "abcd", "first": "a.txt", "second": "b.txt"}))
    out = tmp_path / "out"
    for _ in range(2):
        result = start().submit(nodes, output_dir=out).result()
        assert list(result["it"]) == [str(out / "a.txt"), str(out / "b.txt")]
        assert list(result.files) == [str(out / "a.txt"), str(out / "b.txt")]
    assert len(CALLS) == 1
    (out / "b.txt").write_text("changed")
    start().submit(nodes, output_dir=out).result()
    assert len(CALLS) == 2
    assert (out / "b.txt").read_text() == "cd"


def test_one_engine_writes_the_same_files_again_with_something_else(
    start: Callable[[], Engine], tmp_path: Path
) -> None:
    engine = start()
    for text in ("abcd", "efgh"):
        nodes = graph(it=("test.halves", {"text": text, "first": "a.txt", "second": "b.txt"}))
        request = engine.submit(nodes, output_dir=tmp_path)
        assert request.wait(20), "the run hangs"
        assert (tmp_path / "a.txt").read_text() + (tmp_path / "b.txt").read_text() == text


def test_two_files_of_one_sink_are_numbered_each(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(it=("test.halves", {"text": "abcd", "first": "a{n}.txt", "second": "b{n:02}.txt"}))
    out = tmp_path / "out"
    out.mkdir()
    (out / "a4.txt").write_text("")
    result = start().submit(nodes, output_dir=out).result()
    assert list(result["it"]) == [str(out / "a5.txt"), str(out / "b01.txt")]


def test_a_list_of_files_is_written_by_one_sink(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(it=("test.letters", {"text": "xy", "paths": ["1.txt", "2.txt"]}))
    result = start().submit(nodes, output_dir=tmp_path).result()
    assert [Path(file).read_text() for file in result.files] == ["x", "y"]


def test_a_sink_that_fails_leaves_none_of_its_files(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(it=("test.halves", {"text": "abcd", "first": "a.txt", "forget": True}))
    with pytest.raises(RunError, match="it was forgotten"):
        start().submit(nodes, output_dir=tmp_path / "out").result()
    assert list((tmp_path / "out").iterdir()) == []


# The graph of the run


def written(path: Path) -> dict[str, Any]:
    """The nodes of the document in a file."""
    return json.loads(path.read_text())["nodes"]


def test_a_sink_can_have_the_graph_with_what_was_set_for_it(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(
        word=("text", {"value": "a"}),
        it=("test.document", {"value": "@word", "path": "{graph}.json"}),
        other=("test.document", {"path": "two.json"}),
    )
    start().submit(nodes, {"word.value": "b"}, ["it"], output_dir=tmp_path).result()
    found = written(tmp_path / "graph.json")
    assert found["it"] == nodes["nodes"]["it"]
    assert found["word"]["inputs"] == {"value": "b"}
    assert found["other"] == nodes["nodes"]["other"]
    assert not (tmp_path / "two.json").exists()


def test_each_variant_has_a_graph_of_its_own_that_writes_the_same_name(
    start: Callable[[], Engine], tmp_path: Path
) -> None:
    nodes = graph(word=("text", {"value": "a"}), it=("test.document", {"value": "@word", "path": "{graph}.json"}))
    request = start().submit(nodes, {}, [], {"word.value": ["x", "y z"]}, output_dir=tmp_path)
    request.result()
    for value, label in (("x", "x"), ("y z", "y_z")):
        found = written(tmp_path / f"graph-{label}.json")
        assert found["word"]["inputs"]["value"] == value
        assert found["it"]["inputs"]["path"] == f"graph-{label}.json"


def test_the_graph_goes_into_no_key(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(word=("text", {"value": "a"}), it=("test.document", {"value": "@word", "path": "x.json"}))
    start().submit(nodes, output_dir=tmp_path).result()
    before = (tmp_path / "x.json").stat().st_mtime_ns
    nodes["view"] = {"nodes": {"word": {"at": [5, 5]}}}
    request = start().submit(nodes, output_dir=tmp_path)
    request.result()
    kept = {event.node: event.kept for event in request if isinstance(event, NodeFinished)}
    assert kept["it"]
    assert (tmp_path / "x.json").stat().st_mtime_ns == before


def test_a_graph_of_more_than_a_megabyte_is_left_out_and_that_is_said(
    start: Callable[[], Engine], tmp_path: Path
) -> None:
    nodes = graph(long=("text", {"value": "x" * 1_000_000}), it=("test.document", {"path": "x.json"}))
    request = start().submit(nodes, output_dir=tmp_path)
    request.result()
    assert (tmp_path / "x.json").read_text() == "nothing"
    (notes,) = [event.notes for event in request if isinstance(event, NodeFinished) and event.node == "it"]
    assert notes == ("The file carries no graph, as its text of 1.0 MB is longer than 1 MB.",)


def test_what_a_sink_was_given_runs_again(start: Callable[[], Engine], tmp_path: Path) -> None:
    nodes = graph(word=("text", {"value": "a"}), it=("test.document", {"value": "@word", "path": "x.json"}))
    start().submit(nodes, {"word.value": "b"}, output_dir=tmp_path / "one").result()
    text = (tmp_path / "one" / "x.json").read_text()
    start().submit(parse(text), output_dir=tmp_path / "two").result()
    assert (tmp_path / "two" / "x.json").read_text() == text
