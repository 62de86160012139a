"""Finding a checkpoint by its name, and the list of those that are here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.hubserver import blob_of, commit_of, pipeline
from vidflow.cli import main
from vidflow.errors import ModelError
from vidflow.models import library
from vidflow.models.hubcache import HubFile, Record, is_inside, repository
from vidflow.models.library import find, installed, read_licence

FILES = {
    "model_index.json": pipeline(vae=True),
    "README.md": b"---\nlicense: apache-2.0\n---\n",
    "vae/diffusion_pytorch_model.safetensors": b"v" * 3000,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    for variable in ("HUGGINGFACE_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for what is shipped, with one model."""
    monkeypatch.setattr(library, "resources", lambda: tmp_path / "resources")
    folder = tmp_path / "resources" / "models" / "pocket"
    write(folder, FILES)
    (folder.parent / "notes").mkdir()
    return folder


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def cached(name: str, files: Mapping[str, bytes], *revisions: str) -> Path:
    """A snapshot as huggingface_hub leaves it, and the revisions that mean it."""
    repo = repository(name)
    commit = commit_of(files)
    for path, data in files.items():
        blob = repo.blobs / blob_of(path, data)
        write(blob.parent, {blob.name: data})
        link = repo.snapshot(commit) / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    write(repo.folder / "refs", {revision: commit.encode() for revision in revisions})
    return repo.snapshot(commit)


def test_the_cache_is_where_huggingface_hub_has_it(tmp_path: Path) -> None:
    code = """
import importlib, json, os, sys
from huggingface_hub import constants
from vidflow.models.library import hub_cache
for environment in json.loads(sys.argv[1]):
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        os.environ.pop(variable, None)
    os.environ.update(environment)
    importlib.reload(constants)
    assert str(hub_cache()) == constants.HF_HUB_CACHE, (environment, hub_cache(), constants.HF_HUB_CACHE)
"""
    cases = [
        {},
        {"XDG_CACHE_HOME": "/x/cache"},
        {"HF_HOME": "/x/hf"},
        {"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/x"},
        {"HUGGINGFACE_HUB_CACHE": "/x/old"},
        {"HF_HUB_CACHE": "$HOME/hub", "HF_HOME": "/x", "HUGGINGFACE_HUB_CACHE": "/y"},
    ]
    command = [sys.executable, "-c", code, json.dumps(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr


def test_a_name_in_the_box_comes_before_a_folder_of_that_name(box: Path, tmp_path: Path) -> None:
    write(tmp_path / "pocket", FILES)
    found = find("pocket", base=tmp_path)
    assert (found.folder, found.revision, found.kind) == (box, None, "box")


def test_a_folder_of_the_box_without_a_model_is_none(box: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model 'notes'"):
        find("notes", base=tmp_path)


def test_a_folder_or_file_is_found_from_where_the_graph_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "here", {"models/film/model_index.json": b"{}", "one.safetensors": b""})
    film = tmp_path / "here" / "models" / "film"
    assert find("models/film", base=tmp_path / "here").folder == film
    assert find(str(film)).folder == film
    assert find("one.safetensors", base=tmp_path / "here").kind == "path"
    monkeypatch.chdir(tmp_path / "here")
    assert find("./models/film").folder.resolve() == film
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    assert find("~/models/film").folder == film


def test_a_folder_comes_before_what_was_fetched_under_that_name(tmp_path: Path) -> None:
    cached("org/film", FILES, "main")
    write(tmp_path / "org" / "film", FILES)
    assert find("org/film", base=tmp_path).kind == "path"
    assert find("org/film", base=tmp_path / "org").kind == "hub"


def test_a_fetched_model_is_found_by_branch_tag_commit_and_the_beginning_of_one() -> None:
    first = cached("org/film", FILES, "main")
    second = cached("org/film", {**FILES, "vae/config.json": b"{}"}, "v2", "refs/pr/1")
    assert find("org/film").folder == first
    assert find("org/film", "v2").folder == find("org/film", "refs/pr/1").folder == second
    assert find("org/film", second.name).folder == find("org/film", second.name[:7]).folder == second
    assert find("org/film", second.name).revision == second.name


def test_the_only_snapshot_is_found_without_a_revision() -> None:
    folder = cached("org/film", FILES)
    assert find("org/film").folder == find("org/film", "").folder == folder


def test_of_several_snapshots_without_a_main_one_the_names_are_said() -> None:
    first = cached("org/film", FILES, "v1")
    second = cached("org/film", {**FILES, "vae/config.json": b"{}"})
    with pytest.raises(ModelError, match=r"is here in several revisions: .*\. Set revision to one of them") as error:
        find("org/film")
    assert "v1" in str(error.value)
    assert first.name[:12] not in str(error.value)
    assert second.name[:12] in str(error.value)


def test_a_model_that_is_not_here_is_said_with_the_command_that_fetches_it() -> None:
    with pytest.raises(ModelError) as error:
        find("org/film")
    assert str(error.value) == "org/film is not here. 'vidflow models fetch org/film' fetches it."
    cached("org/film", FILES, "main")
    with pytest.raises(ModelError) as error:
        find("org/film", "v9")
    assert str(error.value) == (
        "org/film is not here in revision v9. 'vidflow models fetch org/film --revision v9' fetches it."
    )


def test_a_name_that_can_be_nothing_is_said() -> None:
    with pytest.raises(ModelError, match=r"There is no model 'nothing': .* A model of the hub is called org/name"):
        find("nothing")


@pytest.mark.parametrize("revision", ["../../../secret", "..", "a/../../b", "/etc/hostname", "x\0y", ""])
def test_a_revision_reads_no_file_elsewhere(tmp_path: Path, revision: str) -> None:
    snapshot = cached("org/film", FILES, "main")
    (tmp_path / "secret").write_text(snapshot.name)
    if revision:
        with pytest.raises(ModelError, match="is not here in revision"):
            find("org/film", revision)
    else:
        assert find("org/film", revision).folder == snapshot


@given(st.text(max_size=300), st.none() | st.text(max_size=60))
def test_no_name_and_no_revision_gives_another_error(name: str, revision: str | None) -> None:
    try:
        find(name, revision, Path("/nowhere"))
    except ModelError:
        pass


@given(st.text(max_size=40))
def test_what_stays_inside_of_a_folder_does(path: str) -> None:
    if is_inside(path):
        assert os.path.normpath(f"/a/b/{path}").startswith("/a/b/")


def test_half_of_a_model_is_said_with_the_command_that_goes_on() -> None:
    folder = cached("org/film", FILES, "main")
    (folder / "vae/diffusion_pytorch_model.safetensors").resolve().unlink()
    with pytest.raises(ModelError) as error:
        find("org/film")
    assert str(error.value) == (
        "org/film was fetched in half: vae/diffusion_pytorch_model.safetensors is missing."
        " 'vidflow models fetch org/film' goes on where it stopped."
    )


def test_a_file_that_another_program_is_fetching_makes_a_model_half() -> None:
    folder = cached("org/film", FILES, "v1")
    (repository("org/film").blobs / f"{'a' * 64}.1b2c3d4e.incomplete").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"in half: a file has not come whole\. 'vidflow models fetch org/film --rev"):
        find("org/film", folder.name)
    (repository("org/film").blobs / ("a" * 64)).write_bytes(b"it came later")
    assert find("org/film").folder == folder


def test_what_was_to_be_fetched_is_held_against_what_is_here() -> None:
    folder = cached("org/film", FILES, "main")
    repo = repository("org/film")
    files = tuple(HubFile(path, len(data), blob_of(path, data)) for path, data in FILES.items())
    repo.write_record(folder.name, Record("main", "fp16", files))
    (repo.blobs / "left.incomplete").write_bytes(b"of something else")
    assert find("org/film").folder == folder
    repo.write_record(folder.name, Record("main", "fp16", (*files, HubFile("vae/config.json", 2, "a" * 40))))
    with pytest.raises(ModelError, match=r"1 of 4 files are missing. 'vidflow models fetch org/film --variant fp16'"):
        find("org/film")


@pytest.mark.parametrize("record", [b"", b"[]", b'{"files": 1}', b'{"files": {"../x": {"size": 1, "blob": "b"}}}'])
def test_a_damaged_note_of_what_was_to_be_fetched_is_as_none(record: bytes) -> None:
    folder = cached("org/film", FILES, "main")
    write(repository("org/film").folder / "vidflow", {f"{folder.name}.json": record})
    assert find("org/film").folder == folder


@pytest.mark.parametrize("link", ["vae/config.json", "text_encoder", ""])
def test_a_link_that_leads_out_of_the_cache_is_refused(tmp_path: Path, link: str) -> None:
    write(tmp_path / "elsewhere", {"config.json": b"{}"})
    folder = cached("org/film", FILES, "main")
    if not link:
        shutil.rmtree(folder)
    (folder / link).symlink_to(tmp_path / "elsewhere" / ("config.json" if "." in link else ""))
    with pytest.raises(ModelError, match=r"org/film is not used: .* which is not in the cache of models"):
        find("org/film")


def test_a_cache_reached_through_a_link_is_used(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("org/film", FILES, "main")
    repository("org/film").folder.rename(tmp_path / "large-disk")
    repository("org/film").folder.symlink_to(tmp_path / "large-disk")
    (tmp_path / "link").symlink_to(cache)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "link"))
    assert (find("org/film").folder / "model_index.json").read_bytes() == FILES["model_index.json"]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\ntags:\n- video\n---\n# A model", "mit"),
        ("---\r\nlicense: 'apache-2.0'  # as of 2025\r\n---\r\n", "apache-2.0"),
        (
            "---\nlicense: other\nlicense_name: svd\nlicense_link: https://film.example/L\n---\n",
            "svd (https://film.example/L)",
        ),
        ("---\nlicense: other\n---\n", "other"),
        ("\ufeff---\nlicense: mit\n---\n", "mit"),
        ("# A model\n\nlicense: mit\n", "not stated"),
        ("---\ntags: [a]\n---\nlicense: mit\n", "not stated"),
        ("", "not stated"),
    ],
)
def test_a_licence_is_read_from_the_card(tmp_path: Path, card: str, licence: str) -> None:
    (tmp_path / "README.md").write_bytes(card.encode())
    assert str(read_licence(tmp_path)) == licence


def test_a_licence_that_is_a_file_of_the_model_is_said_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: film\nlicense_link: LICENSE.md\n---\n")
    assert str(read_licence(tmp_path)) == "film (LICENSE.md)"
    (tmp_path / "LICENSE.md").write_text("")
    assert str(read_licence(tmp_path)) == f"film ({tmp_path / 'LICENSE.md'})"


def test_a_model_without_a_card_states_no_licence(tmp_path: Path) -> None:
    assert str(read_licence(tmp_path)) == "not stated"


def test_the_list_says_what_each_model_is(box: Path, cache: Path) -> None:
    first = cached("org/film", FILES, "main", "v1")
    again = {**FILES, "copy.safetensors": FILES["vae/diffusion_pytorch_model.safetensors"]}
    second = cached("org/film", again)
    clip = {"config.json": b'{"architectures": ["CLIPModel"], "model_type": "clip"}', "model.safetensors": b"12345"}
    half = cached("a/clip", clip, "main")
    (half / "model.safetensors").resolve().unlink()
    (repository("a/clip").blobs / "x.incomplete").write_bytes(b"123")
    write(cache, {"datasets--org--pictures/refs/main": b"x", "models--old/refs/main": b"x", "version.txt": b"1"})
    found = {(one.name, one.revision): one for one in installed()}
    assert next(iter(found)) == ("pocket", None)
    assert set(found) == {("pocket", None), ("a/clip", half.name), ("org/film", first.name), ("org/film", second.name)}
    size = sum(map(len, FILES.values()))
    film = found["org/film", first.name]
    assert (film.kind, film.folder, film.refs, film.size) == ("hub", first, ("main", "v1"), size)
    assert (film.family, str(film.licence), film.lacks) == ("WanPipeline", "apache-2.0", None)
    assert found["org/film", second.name].size == size
    clip_found = found["a/clip", half.name]
    assert (clip_found.family, clip_found.lacks) == ("CLIPModel", "model.safetensors is missing")
    assert clip_found.size == len(clip["config.json"]) + 3
    assert (found["pocket", None].kind, found["pocket", None].folder) == ("box", box)


def network(kind: str) -> dict[str, bytes]:
    """The files of a model of one network."""
    card = b"---\nlicense: apache-2.0\n---\n# A small one\n"
    config = json.dumps({"architectures": [kind]}).encode()
    return {"config.json": config, "model.safetensors": b"w" * 2000, "README.md": card}


def test_a_model_of_one_network_is_for_settings_of_its_class_alone(box: Path) -> None:
    write(box.parent / "rife-small", network("IFNet"))
    write(box.parent / "esrgan-small", network("SRVGGNetCompact"))
    cached("org/rrdb", network("RRDBNet"), "main")
    cached("org/clip", {"config.json": b'{"architectures": ["CLIPModel"]}', "model.safetensors": b"1"}, "main")

    def names(*kinds: str) -> list[str]:
        return [one.name for one in installed() if one.fits(kinds)]

    assert names("IFNet") == ["rife-small"]
    assert names("RRDBNet", "SRVGGNetCompact") == ["esrgan-small", "org/rrdb"]
    assert names() == ["pocket", "org/clip"]


def test_models_of_one_network_are_listed_with_the_others(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(box.parent / "rife-small", network("IFNet"))
    cached("org/rrdb", network("RRDBNet"), "main")
    pickle = cached("org/pickle", {"flownet.pkl": b"p" * 1000}, "main")
    assert main(["models"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert [rows[0][0], *rows[1]] == ["pocket", "rife-small", "in", "the", "box", "2.1", "kB", "IFNet", "apache-2.0"]
    assert rows[2] == ["org/pickle", "main", pickle.name[:8], "1.0", "kB", "-", "not", "stated"]
    assert (rows[3][0], rows[3][-2:]) == ("org/rrdb", ["RRDBNet", "apache-2.0"])
    assert main(["models", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)[1]
    assert (one["name"], one["kind"], one["family"], one["licence"], one["whole"]) == (
        *("rife-small", "box", "IFNet"),
        *("apache-2.0", True),
    )
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out == "4 files verified, all sound.\n"


@pytest.mark.parametrize("action", [["fetch"], ["verify"], ["remove", "--yes"]])
def test_a_model_of_the_box_is_said_to_be_there(
    box: Path, capsys: pytest.CaptureFixture[str], action: list[str]
) -> None:
    assert main(["models", action[0], "pocket", *action[1:]]) == 2
    assert capsys.readouterr().err == (
        "error: pocket is in the box: it came with vidflow, and is not fetched, verified or removed.\n"
    )
    assert (box / "model_index.json").exists()


def test_an_empty_cache_lists_nothing(cache: Path) -> None:
    assert {one.kind for one in installed()} == {"box"}
    cache.mkdir()
    assert {one.kind for one in installed()} == {"box"}


def test_finding_and_listing_loads_neither_models_nor_the_network() -> None:
    folder = cached("org/film", FILES, "main")
    code = """
import sys
from vidflow.models.library import find, installed
assert find("org/film").folder.exists() and [one.kind for one in installed()].count("hub") == 1
heavy = ("torch", "diffusers", "transformers", "huggingface_hub", "numpy", "httpx2", "yaml", "ssl")
print(*[name for name in heavy if name in sys.modules])
"""
    assert folder.exists()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
