"""`vidflow models` as a person meets it: listing, fetching, verifying and removing, each in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.hubserver import Hub, pipeline, serving
from tests.process.commands import VIDFLOW, Place
from vidflow.places import resource

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
FILES = {
    "model_index.json": pipeline(transformer=True),
    "README.md": b"---\nlicense: apache-2.0\n---\n",
    "transformer/config.json": b"{}",
    WEIGHTS: bytes(range(256)) * 20000,
    "transformer/diffusion_pytorch_model.bin": b"p" * 1000,
}
WANTED = {path: data for path, data in FILES.items() if not path.endswith(".bin")}


@pytest.fixture
def hub(place: Place) -> Iterator[Hub]:
    """A hub that the place's commands talk to, with one model."""
    with serving() as hub:
        hub.model("org/film", FILES, license="apache-2.0")
        place.environment |= {"HF_ENDPOINT": hub.address, "HF_HOME": str(place.folder / "home"), "HF_TOKEN": ""}
        yield hub


def snapshots(place: Place) -> list[Path]:
    """What was fetched."""
    return sorted((place.folder / "home" / "hub" / "models--org--film" / "snapshots").glob("*"))


def test_a_model_is_fetched_listed_verified_and_removed(place: Place, hub: Hub) -> None:
    commit = hub.models["org/film"].refs["main"]
    done = place.run("models", "fetch", "org/film")
    assert done.status == 0, done.err
    assert done.err.splitlines() == [
        f"org/film, revision main: commit {commit}",
        "licence: apache-2.0",
        "4 files, 5.1 MB, 5.1 MB to fetch",
        "org/film is here.",
    ]
    folder = Path(done.out.strip())
    assert {path: (folder / path).read_bytes() for path in WANTED} == WANTED
    listed = place.run("models")
    assert listed.status == 0
    assert place.run("models", "list").out == listed.out
    assert place.run("models", "--json", "list").out == place.run("models", "--json").out
    name, *box, row, where = listed.out.splitlines()
    assert name.split() == ["NAME", "REVISION", "SIZE", "FAMILY", "LICENCE"]
    assert [line.split()[0] for line in box] == sorted(path.name for path in resource("models").iterdir())
    assert row.split() == ["org/film", "main", commit[:8], "5.1", "MB", "WanPipeline", "apache-2.0"]
    assert where == f"Fetched models are in {place.folder / 'home' / 'hub'}."
    *_, one = json.loads(place.run("models", "list", "--json").out)
    assert (one["name"], one["revision"], one["folder"], one["whole"]) == ("org/film", commit, str(folder), True)
    verified = place.run("models", "verify")
    assert (verified.status, verified.out) == (0, "4 files verified, all sound.\n")
    removed = place.run("models", "remove", "org/film", "--yes")
    assert (removed.status, removed.err) == (0, "")
    assert re.fullmatch(r"Removed org/film; 5.1 MB are free.\n", removed.out)
    assert [line.split()[0] for line in place.run("models").out.splitlines()] == [
        "NAME",
        *(line.split()[0] for line in box),
    ]


def test_a_fetch_asks_for_the_model_and_for_nothing_else(place: Place, hub: Hub) -> None:
    assert place.run("models", "fetch", "org/film", env={"HF_HUB_DISABLE_XET": "0"}).status == 0
    beginnings = (
        "/api/models/org/film/revision/",
        "/api/models/org/film/tree/",
        "/org/film/resolve/",
        "/cdn/org/film/",
    )
    assert [one.path for one in hub.asked if not one.path.startswith(beginnings)] == []


def test_listing_imports_neither_models_nor_the_hub(place: Place, hub: Hub) -> None:
    assert place.run("models", "fetch", "org/film").status == 0
    code = (
        "import sys; from vidflow.cli import main; main(['models']);"
        "print(*[m for m in ('torch', 'diffusers', 'transformers', 'huggingface_hub', 'numpy') if m in sys.modules])"
    )
    environment = {**os.environ, **place.environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "org/film" in done.stdout
    assert done.stdout.splitlines()[-1] == ""


def test_a_fetch_that_is_killed_is_taken_up_where_it_was(place: Place, hub: Hub) -> None:
    hub.hold[WEIGHTS] = 3_000_000
    fetching = place.start("models", "fetch", "org/film")
    assert hub.held.wait(30)
    part = place.folder / "home" / "hub" / "models--org--film" / "blobs"
    while not any(path.stat().st_size == 3_000_000 for path in part.glob("*.incomplete")):
        pass  # what the server has sent has yet to be written
    fetching.signal(signal.SIGKILL)
    assert fetching.end().status == -signal.SIGKILL
    hub.release.set()
    half = place.run("models")
    assert "(half)" in half.out
    assert (
        "note: org/film was fetched in half: 1 of 4 files are missing."
        " 'vidflow models fetch org/film' goes on where it stopped." in half.out.splitlines()
    )
    done = place.run("models", "fetch", "org/film")
    assert done.status == 0, done.err
    assert "4 files, 5.1 MB, 2.1 MB to fetch" in done.err
    assert {path: hub.sent(path) for path in FILES} == {path: len(WANTED.get(path, b"")) for path in FILES}
    assert place.run("models", "verify", "org/film").status == 0


def test_ctrl_c_ends_a_fetch_and_says_how_to_go_on(place: Place, hub: Hub) -> None:
    hub.hold[WEIGHTS] = 1_000_000
    fetching = place.start("models", "fetch", "org/film", "--revision", "main")
    assert hub.held.wait(30)
    fetching.signal(signal.SIGINT)
    ended = fetching.end()
    assert ended.status == 130
    assert ended.err.splitlines()[-1] == "Stopped. 'vidflow models fetch org/film' goes on from here."
    assert "Traceback" not in ended.err
    hub.release.set()
    assert place.run("models", "fetch", "org/film").status == 0


def test_a_flipped_byte_is_named_with_the_command_that_mends_it(place: Place, hub: Hub) -> None:
    assert place.run("models", "fetch", "org/film").status == 0
    (snapshot,) = snapshots(place)
    blob = (snapshot / WEIGHTS).resolve()
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = place.run("models", "verify", "org/film")
    assert done.status == 1
    assert done.out.splitlines() == [
        f"org/film/{WEIGHTS} ({snapshot.name[:12]}): its bytes are not those that the hub gave",
        "'vidflow models fetch org/film' fetches what is damaged again.",
        "4 files verified, 1 damaged.",
    ]
    assert place.run("models", "fetch", "org/film").status == 0
    assert place.run("models", "verify", "org/film").status == 0


def test_a_pinned_revision_and_a_variant_are_fetched(place: Place, hub: Hub) -> None:
    half = "transformer/diffusion_pytorch_model.fp16.safetensors"
    commit = hub.models["org/film"].put({**FILES, half: b"h"}, "v2")
    done = place.run("models", "fetch", "org/film", "--revision", commit, "--variant", "fp16")
    assert done.status == 0, done.err
    (snapshot,) = snapshots(place)
    assert snapshot.name == commit
    assert (snapshot / half).read_bytes() == b"h"
    assert not (snapshot / WEIGHTS).exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["fetch", "org/none"], 1, "error: The hub at {hub} has no model org/none, or it is private: check the name"),
        (["fetch", "org/film", "--revision", "v9"], 1, "error: org/film has no revision 'v9'"),
        (["fetch", "org/film", "--variant", "fp8"], 1, "error: org/film has no files of the variant 'fp8'"),
        (["fetch", "film"], 2, "error: 'film' is no name of a model on the hub: expected org/name"),
        (["fetch", "../../film"], 2, "error: '../../film' is no name of a model on the hub"),
        (["fetch"], 2, "vidflow models fetch: the following arguments are required: ORG/NAME"),
        (["verify", "org/film"], 2, "error: org/film is not here; 'vidflow models' lists what is."),
        (["remove", "org/film", "--yes"], 2, "error: org/film is not here; 'vidflow models' lists what is."),
        (["lose", "org/film"], 2, "vidflow models: argument ACTION: invalid choice: 'lose'"),
    ],
)
def test_what_is_wrong_is_one_message(place: Place, hub: Hub, arguments: list[str], status: int, message: str) -> None:
    done = place.run("models", *arguments)
    assert done.status == status
    assert done.err.startswith(message.replace("{hub}", hub.address))
    assert len(done.err.splitlines()) == 1
    assert done.out == ""


def test_offline_nothing_is_asked(place: Place, hub: Hub) -> None:
    done = place.run("models", "fetch", "org/film", env={"HF_HUB_OFFLINE": "1"})
    assert done.status == 1
    assert done.errors == [
        "error: org/film was not fetched, as HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it to fetch."
    ]
    assert hub.asked == []


def test_a_token_is_used_and_never_shown(place: Place, hub: Hub) -> None:
    hub.models["org/film"].gated = True
    refused = place.run("models", "fetch", "org/film")
    assert refused.status == 1
    assert refused.errors[0].startswith(f"error: org/film is gated: accept its terms at {hub.address}/org/film")
    wrong = place.run("models", "fetch", "org/film", env={"HF_TOKEN": "hf_wrong_one"})
    assert wrong.status == 1
    done = place.run("models", "fetch", "org/film", env={"HF_TOKEN": hub.token})
    assert done.status == 0, done.err
    assert not any(secret in one.out + one.err for one in (wrong, done) for secret in ("hf_wrong", hub.token))


def test_removing_without_a_terminal_needs_yes(place: Place, hub: Hub) -> None:
    assert place.run("models", "fetch", "org/film").status == 0
    done = place.run("models", "remove", "org/film")
    assert done.status == 2
    assert done.errors == [
        "error: Removing org/film frees 5.1 MB; give --yes to remove it without being asked.",
    ]
    assert snapshots(place)


def on_a_terminal(place: Place, *arguments: str, answer: str = "") -> tuple[int, str]:
    """The exit status of a command on a terminal, and what it showed."""
    first, second = pty.openpty()
    environment = {**os.environ, **place.environment, "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        [VIDFLOW, *arguments], stdin=second, stdout=second, stderr=second, cwd=place.folder, env=environment
    ) as process:
        os.close(second)
        os.write(first, answer.encode())
        shown = b""
        try:
            while data := os.read(first, 65536):
                shown += data
        except OSError:
            pass  # Linux ends the reading side of a terminal that nobody has open so
    os.close(first)
    return process.returncode, shown.decode()


def test_on_a_terminal_there_is_a_bar_and_the_lines_stay(place: Place, hub: Hub) -> None:
    status, shown = on_a_terminal(place, "models", "fetch", "org/film")
    assert status == 0
    assert "licence: apache-2.0" in shown
    assert "5.1/5.1 MB" in shown
    assert "org/film is here." in shown


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_removing_asks(place: Place, hub: Hub, answer: str, left: int) -> None:
    assert place.run("models", "fetch", "org/film").status == 0
    status, shown = on_a_terminal(place, "models", "remove", "org/film", answer=answer)
    assert status == 0
    assert "Remove org/film, 5.1 MB? [y/N]" in shown
    assert len(snapshots(place)) == left
