"""What a body may ask of the engine beside its inputs: pieces on a lane, the device, the digest of a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import graph
from vidflow.api import Audio, Run, node
from vidflow.engine.service import Engine
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node


def worker() -> str:
    """The thread that calls."""
    return threading.current_thread().name


@node(title="Asked", category="Test")
def asked(sound: Audio | None = None, *, path: str = "", run: Run) -> list[str]:
    """Asks for each thing once."""
    file = Path(path)
    first = run.digest(file)
    file.write_bytes(b"something else")
    return [run.device, worker(), run.piece(worker), run.piece(worker, lane="gpu"), first, run.digest(file)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that knows this one node."""
    made = Engine(tmp_path / "store", device="cpu", registry=Registry([read_node(asked)]))
    yield made
    made.close()


def test_a_body_asks_for_pieces_on_a_lane_for_the_device_and_for_digests(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"something")
    request = engine.submit(graph(a=("asked", {"path": str(file)})))
    assert request.wait(20)
    device, body, own, gpu, before, after = request.result()["a"]
    assert device == "cpu"
    assert body == "vidflow-body"
    assert own.startswith("vidflow-cpu-")
    assert gpu == "vidflow-gpu-1"
    assert before != after
