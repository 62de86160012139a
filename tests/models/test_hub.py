"""Fetching from a hub on the loopback interface, verifying and removing."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.hubserver import Hub, blob_of, pipeline, serving
from vidflow.errors import ModelError
from vidflow.models import hub as hub_module
from vidflow.models.hub import Plan
from vidflow.models.hubcache import HubFile, hub_cache, repository
from vidflow.models.library import find
from vidflow.models.upkeep import plan_removal, remove, verify

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
FILES = {
    "model_index.json": pipeline(transformer=True, vae=True, image_encoder=False),
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "LICENSE.txt": b"Do what you like.",
    "transformer/config.json": b'{"_class_name": "WanTransformer3DModel"}',
    WEIGHTS: bytes(range(256)) * 12000,
    "vae/config.json": b"{}",
    "vae/diffusion_pytorch_model.safetensors": b"v" * 5000,
}


class Seen:
    """What a fetch said."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.files: list[str] = []
        self.bytes = 0

    def began(self, plan: Plan) -> None:
        self.plan = plan

    def file(self, file: HubFile) -> None:
        self.files.append(file.path)

    def moved(self, count: int) -> None:
        self.bytes += count


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, a cache of the test's own, and nothing of the user's."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(hub_module, "_PAUSE", 0.001)
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        yield hub


def fetch(name: str = "org/film", revision: str | None = None, variant: str | None = None) -> tuple[Path, Seen]:
    """Fetch, and what was said."""
    seen = Seen()
    return hub_module.fetch(name, revision, variant, seen), seen


def below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_fetched_has_the_bytes_of_the_hub_and_is_found(hub: Hub) -> None:
    model = hub.model("org/film", FILES, license="apache-2.0")
    folder, seen = fetch()
    assert below(folder) == FILES
    found = find("org/film")
    assert (found.folder, found.revision, found.kind) == (folder, model.refs["main"], "hub")
    size = sum(map(len, FILES.values()))
    assert (seen.plan.size, seen.bytes) == (size, size)
    assert seen.plan.missing == size - len(FILES["model_index.json"])  # which was read to know what to fetch
    assert str(seen.plan.licence) == "apache-2.0"
    assert seen.files == sorted(FILES)


def test_a_licence_of_its_own_is_said_by_name_and_address(hub: Hub) -> None:
    hub.model("org/film", FILES, license="other", license_name="svd-research", license_link="https://film.example/l")
    _, seen = fetch()
    assert str(seen.plan.licence) == "svd-research (https://film.example/l)"
    model = hub.model("org/film", FILES, license="other", license_name="svd-research", license_link="LICENSE.txt")
    _, seen = fetch()
    assert seen.plan.licence.link == f"{hub.address}/org/film/blob/{model.refs['main']}/LICENSE.txt"


def test_the_revision_is_resolved_to_a_commit_and_only_that_is_asked_for(hub: Hub) -> None:
    commit = hub.model("org/film", FILES).refs["main"]
    fetch()
    contents = [one.path for one in hub.asked if not one.path.startswith("/api/models/org/film/revision/")]
    assert contents
    assert all(commit in path for path in contents)


def test_other_programs_find_what_was_fetched(hub: Hub) -> None:
    hub.model("org/film", FILES)
    folder, _ = fetch()
    assert snapshot_download("org/film", cache_dir=hub_cache(), local_files_only=True) == str(folder)


def test_what_another_program_fetched_is_taken_over(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.model("org/film", FILES)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    snapshot_download("org/film", cache_dir=hub_cache(), endpoint=hub.address, allow_patterns=["vae/*", "*.json"])
    before = hub.sent("vae/diffusion_pytorch_model.safetensors")
    _, seen = fetch()
    assert hub.sent("vae/diffusion_pytorch_model.safetensors") == before > 0
    assert seen.plan.missing == len(FILES[WEIGHTS]) + len(FILES["README.md"]) + len(FILES["LICENSE.txt"])


def test_pickles_code_and_copies_for_other_programs_are_not_fetched(hub: Hub) -> None:
    more = {
        "vae/diffusion_pytorch_model.bin": b"p",
        "vae/diffusion_pytorch_model.bin.index.json": b"{}",
        "transformer/model.py": b"print()",
        "film.safetensors": b"the same in one file",
        "film.ckpt": b"p",
        "flax_model.msgpack": b"p",
        "onnx/model.onnx": b"o",
        "onnx/config.json": b"{}",
        "image_encoder/model.safetensors": b"a part that is turned off",
        "unused/diffusion_pytorch_model.safetensors": b"no part of it",
        ".gitattributes": b"",
        "preview.png": b"png",
    }
    hub.model("org/film", {**FILES, **more})
    folder, _ = fetch()
    assert below(folder) == FILES
    assert hub.contents() == set(FILES)


def test_weights_of_one_variant_are_fetched_and_plain_ones_where_a_part_has_none(hub: Hub) -> None:
    half = {
        "transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors": b"1",
        "transformer/diffusion_pytorch_model.fp16-00002-of-00002.safetensors": b"2",
        "transformer/diffusion_pytorch_model.safetensors.index.fp16.json": b"{}",
    }
    hub.model("org/film", {**FILES, **half})
    folder, _ = fetch(variant="fp16")
    assert set(below(folder)) == {*FILES, *half} - {WEIGHTS}
    plain, _ = fetch()
    assert plain == folder
    assert set(below(folder)) == {*FILES, *half}


def test_the_only_variant_is_fetched_unasked(hub: Hub) -> None:
    files = {**FILES, "vae/diffusion_pytorch_model.fp16.safetensors": b"h"}
    del files["vae/diffusion_pytorch_model.safetensors"]
    hub.model("org/film", files)
    folder, _ = fetch()
    assert below(folder) == files


def test_a_variant_that_is_not_there_is_refused_with_those_that_are(hub: Hub) -> None:
    hub.model("org/film", {**FILES, "vae/diffusion_pytorch_model.bf16.safetensors": b"h"})
    with pytest.raises(ModelError, match="has no files of the variant 'fp16': it has bf16"):
        fetch(variant="fp16")


def test_a_model_of_pickles_only_is_refused(hub: Hub) -> None:
    hub.model("org/film", {"config.json": b"{}", "pytorch_model.bin": b"p"})
    with pytest.raises(ModelError, match="only pickled weights, which can run code"):
        fetch()
    assert hub.contents() == set()


def test_a_part_of_pickles_only_is_refused_before_anything_large_is_fetched(hub: Hub) -> None:
    files = {**FILES, "vae/diffusion_pytorch_model.bin": b"p", "film.ckpt": b"p"}
    del files["vae/diffusion_pytorch_model.safetensors"]
    hub.model("org/film", files)
    with pytest.raises(ModelError, match="has its part vae as pickled weights only"):
        fetch()
    assert hub.contents() == {"model_index.json"}


def test_a_model_without_parts_is_fetched_from_its_root(hub: Hub) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"w", "README.md": b"#", "merges.txt": b"a b"}
    hub.model("org/clip", {**files, "pytorch_model.bin": b"p", "tf_model.h5": b"p"})
    folder, _ = fetch("org/clip")
    assert below(folder) == files


def test_a_model_of_one_network_is_fetched_as_safetensors(hub: Hub) -> None:
    files = {"config.json": b'{"architectures": ["IFNet"]}', "model.safetensors": b"w", "README.md": b"#"}
    hub.model("org/rife", {**files, "flownet.pkl": b"p", "model.py": b"print()"})
    folder, _ = fetch("org/rife")
    assert below(folder) == files


def test_a_list_of_many_pages_is_read_to_its_end(hub: Hub) -> None:
    hub.page = 2
    hub.model("org/film", FILES)
    folder, _ = fetch()
    assert below(folder) == FILES


def test_a_connection_that_is_cut_goes_on_where_it_was(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.cut[WEIGHTS] = [1_000_000, 700_000]
    folder, seen = fetch()
    assert below(folder) == FILES
    assert hub.sent(WEIGHTS) == len(FILES[WEIGHTS])
    assert [one.range for one in hub.asked if one.path.startswith("/cdn") and one.path.endswith(WEIGHTS)] == [
        None,
        "bytes=1000000-",
        "bytes=1700000-",
    ]
    assert seen.bytes == sum(map(len, FILES.values()))


def test_a_fetch_that_broke_off_is_known_for_half_and_resumed_without_fetching_anything_twice(hub: Hub) -> None:
    commit = hub.model("org/film", FILES).refs["main"]
    hub.cut[WEIGHTS] = [2_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(
        ModelError, match=r"stopped at 2000000 of 3072000 bytes: .* The same command goes on from there"
    ):
        fetch()
    with pytest.raises(
        ModelError, match=r"was fetched in half: 3 of 7 files .*'vidflow models fetch org/film' goes on"
    ):
        find("org/film")
    assert repository("org/film").refs() == {}
    folder, seen = fetch()
    assert below(folder) == FILES
    assert all(hub.sent(path) == len(data) for path, data in FILES.items())
    assert seen.plan.missing == 1_072_000 + 5000 + 2
    assert find("org/film").revision == commit
    assert [path.name for path in repository("org/film").blobs.glob("*.incomplete")] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(size=st.integers(1, 200_000), data=st.data())
def test_however_often_a_fetch_breaks_off_each_byte_is_fetched_once(hub: Hub, size: int, data: st.DataObject) -> None:
    files = {"config.json": b"{}", "model.safetensors": random.Random(size).randbytes(size)}
    cuts = data.draw(st.lists(st.integers(0, size), max_size=12))
    hub.model("org/clip", files)
    hub.asked.clear()
    hub.cut["model.safetensors"] = list(cuts)
    folder = None
    while folder is None:
        left = len(hub.cut["model.safetensors"])
        try:
            folder, _ = fetch("org/clip")
        except ModelError:
            assert len(hub.cut["model.safetensors"]) < left
    assert below(folder) == files
    assert hub.sent("model.safetensors") == size
    hub.cut.clear()
    remove(plan_removal("org/clip"))


def test_a_server_that_ignores_ranges_gives_the_same_file(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.ranges = False
    hub.cut[WEIGHTS] = [1_000_000]
    folder, seen = fetch()
    assert below(folder) == FILES
    assert seen.bytes == sum(map(len, FILES.values()))


def test_an_answer_that_says_to_come_back_is_tried_again(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.status[WEIGHTS] = [503]
    folder, _ = fetch()
    assert below(folder) == FILES


def test_wrong_bytes_are_not_kept_and_the_next_fetch_mends_it(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.spoil[WEIGHTS] = 1
    with pytest.raises(ModelError, match=f"{WEIGHTS} of org/film arrived with other bytes than the hub states"):
        fetch()
    assert not (repository("org/film").blobs / blob_of(WEIGHTS, FILES[WEIGHTS])).exists()
    assert list(repository("org/film").blobs.glob("*.incomplete")) == []
    folder, _ = fetch()
    assert below(folder) == FILES


def test_wrong_bytes_in_what_was_left_of_a_fetch_begin_that_file_again(hub: Hub) -> None:
    hub.model("org/film", FILES)
    part = repository("org/film").blobs / f"{blob_of(WEIGHTS, FILES[WEIGHTS])}.vidflow.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"rubbish" * 1000)
    folder, seen = fetch()
    assert below(folder) == FILES
    assert seen.bytes == sum(map(len, FILES.values()))


def test_a_file_longer_than_stated_is_refused(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.states["vae/config.json"] = {"size": 1}
    with pytest.raises(ModelError, match=r"vae/config.json of org/film arrived with other bytes"):
        fetch()


def test_a_pinned_revision_stays_what_it_was_when_the_branch_moves(hub: Hub) -> None:
    model = hub.model("org/film", FILES)
    old = model.refs["main"]
    first, _ = fetch(revision=old)
    assert repository("org/film").refs() == {}
    new = model.put({**FILES, "vae/config.json": b'{"new": true}'})
    second, seen = fetch()
    assert (first.name, second.name) == (old, new)
    assert seen.plan.missing == len(b'{"new": true}')
    assert find("org/film").revision == new
    assert find("org/film", old).folder == first
    assert below(first) == FILES


def test_until_the_new_snapshot_is_whole_the_old_one_is_used(hub: Hub) -> None:
    model = hub.model("org/film", FILES)
    old = model.refs["main"]
    fetch()
    model.put({**FILES, WEIGHTS: b"n" * 9000})
    hub.cut[WEIGHTS] = [100, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError, match="stopped at 100 of 9000"):
        fetch()
    assert find("org/film").revision == old


def test_a_whole_snapshot_stays_so_while_another_variant_is_fetched_into_it(hub: Hub) -> None:
    half = "vae/diffusion_pytorch_model.fp16.safetensors"
    hub.model("org/film", {**FILES, half: b"h" * 900})
    folder, _ = fetch()
    hub.cut[half] = [100, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError, match="stopped at 100 of 900"):
        fetch(variant="fp16")
    assert find("org/film").folder == folder
    fetch(variant="fp16")
    assert {file.path for file in repository("org/film").record(folder.name).files} == {*FILES, half}
    (folder / half).unlink()
    with pytest.raises(ModelError, match=r"1 of 8 files are missing. 'vidflow models fetch org/film --variant fp16'"):
        find("org/film")


def test_a_branch_of_another_name_is_found_by_it(hub: Hub) -> None:
    model = hub.model("org/film", FILES)
    commit = model.put({**FILES, "vae/config.json": b"[]"}, "refs/pr/4")
    fetch(revision="refs/pr/4")
    assert find("org/film", "refs/pr/4").revision == commit
    assert find("org/film").revision == commit


def test_a_token_goes_to_the_hub_and_nowhere_else(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.model("org/film", FILES).private = True
    with pytest.raises(ModelError, match=r"has no model org/film, or it is private: .* set HF_TOKEN"):
        fetch()
    monkeypatch.setenv("HF_TOKEN", hub.token)
    hub.asked.clear()
    fetch()
    assert {one.authorised for one in hub.asked if one.host == "127.0.0.1"} == {True}
    assert {one.authorised for one in hub.asked if one.host == "localhost"} == {False}


def test_a_token_that_is_not_valid_is_said_without_showing_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.model("org/film", FILES)
    monkeypatch.setenv("HF_TOKEN", "hf_old_and_secret")
    with pytest.raises(ModelError, match=r"refused access to org/film \(401\): the token in HF_TOKEN") as error:
        fetch()
    assert "secret" not in str(error.value)


def test_a_gated_model_says_where_its_terms_are(hub: Hub) -> None:
    hub.model("org/film", FILES).gated = True
    with pytest.raises(ModelError, match=f"is gated: accept its terms at {hub.address}/org/film .* HF_TOKEN"):
        fetch()


@pytest.mark.parametrize("revision", ["v9", "0" * 40])
def test_a_revision_that_is_not_there_is_said(hub: Hub, revision: str) -> None:
    hub.model("org/film", FILES)
    with pytest.raises(ModelError, match=f"org/film has no revision '{revision}'"):
        fetch(revision=revision)


@pytest.mark.parametrize("revision", ["../../evil", "/etc/passwd", "a\\b", "..", ""])
def test_a_revision_cannot_name_a_file_elsewhere(hub: Hub, revision: str) -> None:
    hub.model("org/film", FILES).put(FILES, revision)
    if revision:
        with pytest.raises(ModelError, match="is no revision"):
            fetch(revision=revision)


def test_offline_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="as HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set"):
        fetch()
    assert hub.asked == []


def test_a_hub_that_cannot_be_reached_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelError, match=f"The hub at {address} cannot be reached"):
            fetch()


def test_a_disk_that_is_too_small_is_refused_before_any_weight_is_fetched(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.states[WEIGHTS] = {"size": 10**16}
    with pytest.raises(ModelError, match=r"needs 10000000.0 GB more, and .* GB free"):
        fetch()
    assert hub.contents() == {"model_index.json"}


@pytest.mark.parametrize(
    "stated",
    [
        {"path": "../../../../evil.safetensors"},
        {"path": "/tmp/evil.safetensors"},
        {"path": "vae/../../evil.json"},
        {"path": "C:\\evil.json"},
        {"oid": "../../evil"},
        {"size": -1},
    ],
)
def test_a_list_that_would_write_elsewhere_is_refused(hub: Hub, stated: dict[str, object]) -> None:
    hub.model("org/film", FILES)
    hub.states["vae/config.json"] = stated
    with pytest.raises(ModelError, match="which is no file to be fetched"):
        fetch()
    assert hub.contents() == set()


def test_of_two_fetches_of_a_model_at_once_the_second_is_told_to_wait(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.hold[WEIGHTS] = 1000
    first = threading.Thread(target=fetch)
    first.start()
    assert hub.held.wait(30)
    with pytest.raises(ModelError, match="is being fetched by another process"):
        fetch()
    hub.release.set()
    first.join()
    assert below(find("org/film").folder) == FILES


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", [WEIGHTS, "vae/config.json"])
def test_verify_finds_a_flipped_byte_and_a_fetch_mends_it(hub: Hub, name: str) -> None:
    hub.model("org/film", FILES)
    folder, _ = fetch()
    repo = repository("org/film")
    assert (verify(repo).files, verify(repo).damaged) == (7, ())
    flip((folder / name).resolve())
    (damage,) = verify(repo).damaged
    assert damage.file == f"org/film/{name} ({folder.name[:12]})"
    assert damage.why == "its bytes are not those that the hub gave"
    assert damage.command == "vidflow models fetch org/film"
    hub.asked.clear()
    _, seen = fetch()
    assert verify(repo).damaged == ()
    assert hub.contents() == {name}
    assert seen.bytes == sum(map(len, FILES.values()))


def test_verify_needs_no_record_to_find_a_flipped_byte(hub: Hub) -> None:
    hub.model("org/film", FILES)
    folder, _ = fetch()
    repo = repository("org/film")
    (repo.folder / "vidflow" / f"{folder.name}.json").unlink()
    flip((folder / WEIGHTS).resolve())
    assert [one.file.split(" ")[0] for one in verify(repo).damaged] == [f"org/film/{WEIGHTS}"]


def test_verify_finds_a_link_to_another_content_and_a_missing_file(hub: Hub) -> None:
    hub.model("org/film", FILES)
    folder, _ = fetch(revision="main")
    (folder / "vae/config.json").unlink()
    (folder / "vae/config.json").symlink_to((folder / "transformer/config.json").resolve())
    (folder / "README.md").unlink()
    found = {one.file.split(" ")[0]: one.why for one in verify(repository("org/film")).damaged}
    assert found == {
        "org/film/README.md": "it is missing",
        "org/film/vae/config.json": "its bytes are not those that the hub gave",
    }
    fetch()
    assert below(folder) == FILES


def test_removing_a_model_leaves_nothing_of_it_and_the_others_as_they_were(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.model("org/other", FILES)
    fetch()
    other, _ = fetch("org/other")
    removal = plan_removal("org/film")
    assert sum(map(len, FILES.values())) <= removal.size <= sum(map(len, FILES.values())) + 5000
    remove(removal)
    assert not list(hub_cache().rglob("*film*"))
    assert below(other) == FILES
    with pytest.raises(ModelError, match=r"org/film is not here. 'vidflow models fetch org/film' fetches it"):
        find("org/film")


def test_removing_a_revision_keeps_what_the_others_use(hub: Hub) -> None:
    model = hub.model("org/film", FILES)
    old, _ = fetch()
    model.put({**FILES, "vae/config.json": b'{"new": true}'})
    new, _ = fetch()
    removal = plan_removal("org/film", old.name[:8])
    assert (removal.commit, removal.size) == (old.name, len(FILES["vae/config.json"]))
    remove(removal)
    assert not old.exists()
    assert below(new) == FILES | {"vae/config.json": b'{"new": true}'}
    assert verify(repository("org/film")).damaged == ()
    with pytest.raises(ModelError, match=f"not here in revision '{old.name}'; here are {new.name[:12]}, main"):
        plan_removal("org/film", old.name)


def test_removing_a_fetch_that_broke_off_frees_its_parts(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.cut[WEIGHTS] = [2_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError):
        fetch()
    removal = plan_removal("org/film")
    assert removal.size >= 2_000_000
    remove(removal)
    assert not list(hub_cache().rglob("*film*"))


def test_removing_frees_what_repositories_shared_only_when_the_last_is_gone(hub: Hub) -> None:
    hub.model("org/film", FILES)
    hub.model("org/other", FILES)
    folders = {name: fetch(name)[0] for name in ("org/film", "org/other")}
    data = FILES[WEIGHTS]
    key = "ab" + "c" * 62
    kept = hub_cache() / "blobs" / "ab" / key
    kept.parent.mkdir(parents=True)
    (hub_cache() / "blobs" / ".huggingface-shared-blobs").write_text("1\n")
    kept.write_bytes(data)
    users = []
    for name in folders:
        blob = repository(name).blobs / blob_of(WEIGHTS, data)
        blob.unlink()
        blob.symlink_to(os.path.relpath(kept, blob.parent))
        users.append(blob.relative_to(hub_cache()).as_posix())
    kept.with_name(f"{key}.refs").write_text("".join(f"{user}\n" for user in users))
    assert find("org/film").folder == folders["org/film"]
    assert verify(repository("org/film")).damaged == ()
    remove(plan_removal("org/film"))
    assert below(folders["org/other"]) == FILES
    remove(plan_removal("org/other"))
    assert not kept.exists()
