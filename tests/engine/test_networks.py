"""Settings that take a model of one network, or a name of the node's own: what goes into the key, and into the film."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from vidflow.api import OutputFile, Run, Weights, models, node
from vidflow.engine.provenance import Here
from vidflow.engine.service import Engine
from vidflow.errors import RunError
from vidflow.graph import check, from_mapping
from vidflow.graph.paths import paths_for
from vidflow.graph.provenance import differences, read
from vidflow.models import library
from vidflow.models.hubcache import repository
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node

used: list[str] = []
"""What each run of a body was given."""


@node(title="Between", category="Test")
def between(*, model: Annotated[str, Weights(kinds=("IFNet",), own=("flow",))] = "flow") -> str:
    """What makes the frames between frames."""
    used.append(model)
    return model if model == "flow" else models.checkpoint.network_file(models.library.find(model).folder).name


@node(title="Pipeline", category="Test")
def pipeline(*, model: Annotated[str, Weights()]) -> str:
    """What takes no network."""
    return model


@node(title="Say", category="Test")
def say(*, text: str) -> str:
    """A name that is known only while the graph runs."""
    return text


@node(title="Print", category="Test", sink=True)
def write(text: str, *, path: Annotated[str, OutputFile((".json",))], run: Run) -> str:
    """What made the text."""
    with run.output(path) as target:
        target.write_text(run.provenance() or "", "utf-8")
    return path


REGISTRY = Registry([read_node(one, "core") for one in (between, pipeline, say, write)])
CONFIG = b'{"architectures": ["IFNet"]}'
Made = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; it has a file and a folder of the names of nodes' own."""
    used.clear()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "project"
    put(folder, {"flow": b"a file", "mine/config.json": CONFIG, "mine/model.safetensors": b"one", "one.pth": b"pickle"})
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Run `between` with a model; what it gave."""
    engine = Engine(tmp_path / "store", registry=REGISTRY, device="cpu")

    def run(model: Any, type: str = "between") -> str:
        nodes = {"one": {"type": type, "inputs": {"model": model}}, "name": {"type": "say", "inputs": {"text": "flow"}}}
        with engine.submit({"vidflow": 1, "nodes": nodes}, output_dir=tmp_path / "out").result() as result:
            return result["one"]

    yield run
    engine.close()


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def fetched(name: str, files: Mapping[str, bytes]) -> Path:
    """A snapshot of the hub."""
    repo, commit = repository(name), "ab" * 20
    put(repo.snapshot(commit), files)
    put(repo.folder / "refs", {"main": commit.encode()})
    return repo.snapshot(commit)


@pytest.mark.parametrize("model", ["flow", {"from": "name"}], ids=["written", "linked"])
def test_a_name_of_the_nodes_own_comes_to_the_body_whatever_lies_there(project: Path, made: Made, model: Any) -> None:
    assert made(model) == "flow"
    put(project, {"flow": b"another file"})
    assert made(model) == "flow"
    assert used == ["flow"]
    (project / "flow").unlink()
    put(project, {"flow/model.safetensors": b"a folder"})
    assert made(model) == "flow"
    assert used == ["flow"]


def test_a_file_of_the_name_of_a_nodes_own_is_reached_by_a_path(project: Path, made: Made) -> None:
    (project / "flow").unlink()
    put(project, {"flow/x.pth": b"p"})
    assert made("./flow") == "x.pth"


@pytest.mark.parametrize(
    ("model", "file"), [("mine", "mine/model.safetensors"), ("one.pth", "one.pth"), ("mine", "mine/config.json")]
)
def test_what_a_network_is_made_of_is_in_the_key(project: Path, made: Made, model: str, file: str) -> None:
    given = made(model)
    assert made(model) == given
    assert len(used) == 1
    put(project, {file: b"another"})
    assert made(model) == given
    assert len(used) == 2


def test_what_lies_beside_a_network_changes_nothing(project: Path, made: Made) -> None:
    made("mine")
    put(project / "mine", {"README.md": b"# A model", "notes.txt": b"of mine", "steps.json": b"[]"})
    made("mine")
    assert len(used) == 1


def test_a_network_of_the_box_is_found_by_its_name(
    project: Path, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "box" / "models" / "rife-small", {"config.json": CONFIG, "model.safetensors": b"w"})
    monkeypatch.setattr(library, "resources", lambda: tmp_path / "box")
    assert made("rife-small") == "model.safetensors"


def test_a_model_of_the_hub_that_is_one_pickle_is_in_the_key(project: Path, made: Made) -> None:
    snapshot = fetched("org/rife", {"README.md": b"#", "train_log/flownet.pkl": b"p"})
    assert made("org/rife") == "flownet.pkl"
    put(snapshot, {"train_log/flownet.pkl": b"q"})
    assert made("org/rife") == "flownet.pkl"
    assert len(used) == 2


def test_a_pickle_is_no_model_for_a_setting_that_takes_pipelines(project: Path, made: Made) -> None:
    fetched("org/rife", {"flownet.pkl": b"p"})
    with pytest.raises(RunError, match=r"has neither a model_index\.json nor weights as safetensors"):
        made("org/rife", "pipeline")


def test_several_files_of_weights_are_named(project: Path, made: Made) -> None:
    fetched("org/rife", {"a.pth": b"p", "b.pth": b"q"})
    with pytest.raises(RunError, match=r"has 2 files of weights: a\.pth, b\.pth\. Name one by its path\."):
        made("org/rife")


@pytest.mark.parametrize("model", ["flow", "mine", "one.pth", "org/rife"])
def test_a_film_tells_of_its_network_and_of_no_way_of_a_node(project: Path, tmp_path: Path, model: str) -> None:
    snapshot = fetched("org/rife", {"x.pth": b"p"})
    nodes = {
        "one": {"type": "between", "inputs": {"model": model}},
        "out": {"type": "write", "inputs": {"text": {"from": "one"}, "path": "made.json"}},
    }
    graph = {"vidflow": 1, "nodes": nodes}
    engine = Engine(tmp_path / "store", registry=REGISTRY, device="cpu")
    engine.submit(graph, output_dir=tmp_path / "out").result().close()
    engine.close()
    told = read((tmp_path / "out" / "made.json").read_text("utf-8"))
    assert told.vidflow

    def notes() -> list[str]:
        checked = check(from_mapping(graph), REGISTRY, paths_for())
        assert not checked.errors
        return [str(one) for one in differences(told, checked.nodes, Here(tmp_path / "none", "cpu"))]

    files = {"mine": ["config.json", "model.safetensors"], "one.pth": ["one.pth"], "org/rife": ["x.pth"]}
    assert {place: sorted(one.files) for place, one in told.models.items()} == (
        {"one.model": files[model]} if model in files else {}
    )
    assert notes() == []
    put(project, {"mine/model.safetensors": b"other", "one.pth": b"other", "flow": b"other"})
    put(snapshot, {"x.pth": b"other"})
    assert len(notes()) == (model in files)


def test_a_film_that_was_made_with_a_model_says_nothing_of_a_file_where_a_way_of_the_node_stands(
    project: Path, tmp_path: Path
) -> None:
    (project / "flow").unlink()
    put(project, {"flow/x.pth": b"x"})
    told = read(json.dumps({"models": {"one.model": {"name": "flow", "files": {"x.pth": "blake2b:0"}}}}))
    checked = check(
        from_mapping({"vidflow": 1, "nodes": {"one": {"type": "between", "inputs": {"model": "flow"}}}}),
        REGISTRY,
        paths_for(),
    )
    assert list(differences(told, checked.nodes, Here(tmp_path / "none", "cpu"))) == []
