"""What made a film stands in it, and what of that is another here is said: no more, and no less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vidflow
from tests.models.hubserver import blob_of, commit_of
from vidflow.api import File, Folder, Model, OutputFile, Report, Run, Weights, node
from vidflow.engine import provenance as gathering
from vidflow.engine.provenance import Here
from vidflow.graph import check, from_mapping
from vidflow.graph.paths import paths_for
from vidflow.graph.provenance import Provenance, UsedModel, differences, read
from vidflow.graph.recipe import Recipe
from vidflow.models.hubcache import repository
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node


@node(title="Use", category="Test")
def use(*, model: Annotated[str, Weights()], dtype: str = "auto", revision: str | None = None) -> Model:
    """A reference to a model."""
    return Model("wan", model)


@node(title="Shoot", category="Test", lane="gpu", version=3)
def shoot(
    model: Model | None = None,
    *,
    lora: list[Annotated[str, File()]] = [],  # noqa: B006 - read, never written to
    stills: Annotated[str | None, Folder()] = None,
) -> Report:
    """What a model makes of files."""
    return Report({})


@node(title="Print", category="Test", sink=True)
def write(report: Report, *, path: Annotated[str, OutputFile((".json",))], run: Run) -> str:
    """What made the report."""
    with run.output(path) as target:
        target.write_text(run.provenance() or "", "utf-8")
    return path


@node(title="Other", category="Test", lane="gpu")
def other(*, lora: list[Annotated[str, File()]] = []) -> int:  # noqa: B006
    """What the film does not need."""
    return 0


REGISTRY = Registry(
    [read_node(one, "core") for one in (use, write, other)] + [read_node(shoot, "lab", digest="0123abcd")]
)

Make = Callable[..., Provenance]
Notes = Callable[..., list[str]]


def tensors(size: int = 4) -> bytes:
    """A safetensors file of `size` numbers."""
    head = json.dumps({"w": {"dtype": "F16", "shape": [size], "data_offsets": [0, 2 * size]}}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(2 * size)


FILES = {
    "model_index.json": b'{"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"]}',
    "vae/config.json": b"{}",
    "vae/diffusion_pytorch_model.safetensors": tensors(),
}


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def fetched(name: str, files: Mapping[str, bytes], revision: str = "main") -> Path:
    """A snapshot as huggingface_hub leaves it."""
    repo, commit = repository(name), commit_of(files)
    for path, data in files.items():
        blob = repo.blobs / blob_of(path, data)
        link = repo.snapshot(commit) / path
        for one in (blob, link):
            one.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        link.symlink_to(os.path.relpath(blob, link.parent))
    put(repo.folder / "refs", {revision: commit.encode()})
    return repo.snapshot(commit)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, a LoRA and stills; it is the current one."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "project"
    put(folder / "wan", FILES)
    put(folder, {"a.safetensors": tensors(2), "stills/1.png": b"one", "stills/2.png": b"two"})
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def graph() -> dict[str, Any]:
    """A report out of a model, a LoRA and stills."""
    return graph_with("wan")


def graph_with(model: str, **settings: Any) -> dict[str, Any]:
    """The same out of another model."""
    files = {"lora": ["a.safetensors"], "stills": "stills"}
    return {
        "vidflow": 1,
        "nodes": {
            "model": {"type": "use", "inputs": {"model": model, **settings}},
            "shot": {"type": "lab.shoot", "inputs": {"model": {"from": "model"}, **files}},
            "out": {"type": "write", "inputs": {"report": {"from": "shot"}, "path": "made.json"}},
            "other": {"type": "other"},
        },
    }


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Run a graph; what made its film."""
    engines: list[vidflow.Engine] = []

    def run(graph: dict[str, Any], **how: Any) -> Provenance:
        engines.append(vidflow.Engine(tmp_path / "store", registry=REGISTRY, device="cpu", **how))
        engines[-1].submit(graph, output_dir=tmp_path / "out").result().close()
        engines[-1].close()
        return read((tmp_path / "out" / "made.json").read_text("utf-8"))

    yield run
    for engine in engines:
        engine.close()


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    """What a check of a film with this graph says, as `node.input: message`."""

    def say(made: Provenance, graph: dict[str, Any], store: str = "store") -> list[str]:
        checked = check(from_mapping(graph), REGISTRY, paths_for())
        assert not checked.errors
        found = list(differences(made, checked.nodes, Here(tmp_path / store, "cpu")))
        assert all((one.level, one.code) == ("note", "differs-here") for one in found)
        return [str(one) for one in found]

    return say


# What is written


def test_a_run_says_what_it_was_made_with(project: Path, graph: dict[str, Any], make: Make) -> None:
    made = make(graph)
    assert made.vidflow == vidflow.__version__
    assert made.nodes == {"use": 1, "lab.shoot": 3, "write": 1}
    assert made.packs == {"lab": "0123abcd"}
    assert made.device["kind"] == "cpu"
    assert set(made.libraries) == {
        "av", "ffmpeg", "numpy", "opencv-python-headless", "torch", "diffusers", "transformers"
    }  # fmt: skip
    model = made.models["model.model"]
    assert (model.name, model.family, model.revision, model.dtypes) == ("wan", "wan", None, ("float32",))
    assert set(model.files) == set(FILES)
    assert {place: len(marks) for place, marks in made.files.items()} == {"shot.lora": 1, "shot.stills": 1}


def test_no_path_of_the_machine_stands_in_it(project: Path, make: Make) -> None:
    made = make(graph_with(str(project / "wan")))
    assert str(project.parent) not in made.text()
    assert "/home" not in made.text()
    assert made == make(graph_with("wan"))


def test_torch_is_not_loaded_for_it() -> None:
    code = (
        "import sys, vidflow.engine.provenance as p; from pathlib import Path; here = p.Here(Path('none'));"
        "assert here.versions()['torch'] and here.device()['kind'];"
        "print(*[name for name in ('torch', 'numpy', 'av', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_was_kept_changes_nothing(tmp_path: Path, project: Path, graph: dict[str, Any], make: Make) -> None:
    first = make(graph)
    film = tmp_path / "out" / "made.json"
    film.unlink()
    assert make(graph) == first
    film.unlink()
    assert make(graph, private=True) == first


def test_what_is_asked_for_of_a_model_is_told(project: Path, make: Make) -> None:
    assert make(graph_with("wan", dtype="bfloat16")).models["model.model"].dtypes == ("bfloat16",)


def test_a_model_of_the_hub_is_told_by_its_commit_and_the_hub_s_own_hashes(project: Path, make: Make) -> None:
    fetched("org/wan", FILES)
    model = make(graph_with("org/wan")).models["model.model"]
    assert (model.name, model.revision) == ("org/wan", commit_of(FILES))
    weights = "vae/diffusion_pytorch_model.safetensors"
    assert model.files[weights] == f"sha256:{blob_of(weights, FILES[weights])}"


def test_a_model_keeps_its_name_beside_a_film_and_its_folder_is_found_from_there(project: Path) -> None:
    def carried(graph: dict[str, Any], beside: Path, **given: str) -> dict[str, Any]:
        text = Recipe(from_mapping(graph), REGISTRY, paths_for(), given).text(beside)
        assert text is not None
        return json.loads(text)

    for name in ("org/wan", "pocket", "wan"):
        assert carried(graph_with(name), project / "film.mp4") == graph_with(name)
    far = project.parent / "far" / "film.mp4"
    for name, there in (("org/wan", "org/wan"), ("wan", str(project / "wan"))):
        assert carried(graph_with(name), far)["nodes"]["model"]["inputs"]["model"] == there
        found = carried(graph_with("pocket"), far, **{"model.model": name})
        assert found["nodes"]["model"]["inputs"]["model"] == there


# What is said


@pytest.mark.parametrize("store", ["store", "none"])
@pytest.mark.parametrize("name", ["wan", "org/wan"])
def test_nothing_is_said_where_all_is_the_same(name: str, store: str, project: Path, make: Make, notes: Notes) -> None:
    fetched("org/wan", FILES)
    graph = graph_with(name)
    assert notes(make(graph), graph, store) == []


def test_versions_that_differ_are_named_together(
    project: Path, graph: dict[str, Any], make: Make, notes: Notes
) -> None:
    made = make(graph)
    here = made.libraries["torch"]
    made = replace(made, vidflow="0.0.1", libraries={**made.libraries, "torch": "1.0", "ffmpeg": "0"})
    assert notes(made, graph) == [
        f"This film was made with vidflow 0.0.1 and torch 1.0; here are vidflow {vidflow.__version__} and torch {here}."
    ]


def test_another_device_is_named(project: Path, graph: dict[str, Any], make: Make, notes: Notes) -> None:
    made = replace(make(graph), device={"kind": "cuda", "name": "NVIDIA Old"})
    (said,) = notes(made, graph)
    assert said.startswith("This film was made on cuda NVIDIA Old; here it would be made on ")


def test_another_version_of_a_node_or_a_pack_is_named(
    project: Path, graph: dict[str, Any], make: Make, notes: Notes
) -> None:
    made = replace(make(graph), nodes={"lab.shoot": 2, "use": 1, "gone": 1}, packs={"lab": "ffff"})
    assert notes(made, graph) == [
        "shot: lab.shoot was version 2 when this film was made; here it is 3.",
        "shot: The code of the pack 'lab' is not that which made this film.",
    ]


@pytest.mark.parametrize("store", ["store", "none"])
def test_a_changed_file_is_named(store: str, project: Path, graph: dict[str, Any], make: Make, notes: Notes) -> None:
    made = make(graph)
    put(project / "wan", {"vae/diffusion_pytorch_model.safetensors": tensors(5)})
    weights = "vae/diffusion_pytorch_model.safetensors"
    assert notes(made, graph, store) == [
        f"model.model: 1 of 3 files of this model differs from those that made this film: {weights}."
    ]
    put(project, {"wan/vae/more.json": b"{}", "a.safetensors": b"another", "stills/3.png": b"three"})
    assert notes(made, graph, store) == [
        f"model.model: 2 of 4 files of this model differ from those that made this film: vae/more.json and {weights}.",
        "shot.lora: 'a.safetensors' is not as it was when this film was made.",
        "shot.stills: 'stills' is not as it was when this film was made.",
    ]


def test_another_revision_is_named_with_the_command_that_fetches_it(project: Path, make: Make, notes: Notes) -> None:
    folder = fetched("org/wan", FILES)
    graph = graph_with("org/wan", revision="main")
    made = make(graph)
    fetched("org/wan", {**FILES, "vae/config.json": b'{"new": 1}'})
    (said,) = notes(made, graph)
    assert folder.name[:12] in said
    assert f"'vidflow models fetch org/wan --revision {folder.name}' fetches that one." in said
    hostile = replace(made.models["model.model"], revision="x; rm -rf ~")
    (said,) = notes(replace(made, models={"model.model": hostile}), graph)
    assert "vidflow models fetch" not in said


def test_a_copy_of_a_model_of_the_hub_counts_as_the_same_files(
    project: Path, graph: dict[str, Any], make: Make, notes: Notes
) -> None:
    fetched("org/wan", FILES)
    made = make(graph_with("org/wan"))
    model = replace(made.models["model.model"], revision=None)
    assert notes(replace(made, models={"model.model": model}), graph) == []


def test_a_large_file_is_compared_where_that_is_quick_and_else_named(
    project: Path, graph: dict[str, Any], make: Make, notes: Notes
) -> None:
    large = project / "wan" / "vae" / "diffusion_pytorch_model.safetensors"
    with large.open("ab") as file:
        file.truncate(gathering.SMALL + 1)
    made = make(graph)
    # The store remembers it, another machine's does not.
    assert notes(made, graph) == []
    assert notes(made, graph, "none") == [
        "model.model: 1 file of this model (0.02 GB) was not compared, as it takes long."
    ]
    with large.open("r+b") as file:
        file.truncate(gathering.SAMPLED_ABOVE + 1)
    made = make(graph)
    assert made.models["model.model"].files[f"vae/{large.name}"].startswith("blocks:")
    os.utime(large, (0, 0))
    assert notes(made, graph, "none") == []
    with large.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    (said,) = notes(made, graph, "none")
    assert large.name in said
    strict = make(graph, strict_digests=True)
    assert notes(strict, graph) == []
    # Now the store remembers a digest of another kind.
    make(graph)
    assert notes(strict, graph) == ["model.model: 1 file of this model (0.27 GB) was not compared, as it takes long."]


# What stands in a film may be anything


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("vidflow", "python", "libraries", "device", "nodes", "packs", "models", "files")
NAMES = st.sampled_from(["torch", "kind", "lab.shoot", "model.model", "shot.lora"])
INNER = JSON | st.dictionaries(st.sampled_from(["name", "files", "revision", "family", "dtypes"]), JSON)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.dictionaries(NAMES, INNER, max_size=3)))
def test_whatever_a_film_says_is_read(raw: dict[str, Any]) -> None:
    made = read(json.dumps(raw))
    assert read(made.text()) == made


@given(st.text())
def test_text_that_says_nothing_is_read_as_nothing(text: str) -> None:
    assert isinstance(read(text), Provenance)
    assert read("[" * 10**5) == Provenance("", "")


def test_what_is_said_of_a_hostile_film_is_one_printable_line(
    project: Path, graph: dict[str, Any], notes: Notes
) -> None:
    bad = "\x1b[2J\n" + "x" * 10**4
    made = Provenance(
        bad,
        bad,
        {"torch": bad, bad: bad},
        {"kind": bad, "name": bad},
        {"lab.shoot": 10**200, "use": -1},
        {"lab": bad},
        {"model.model": UsedModel(bad, {bad: bad, "../../../etc/passwd": bad, "vae/config.json": bad}, bad)},
        {"shot.lora": (bad,), "shot.stills": (bad,)},
    )
    said = notes(made, graph)
    assert len(said) > 5
    assert all(line.isprintable() and len(line) < 900 for line in said)
