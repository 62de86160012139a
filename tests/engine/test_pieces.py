"""What a body may ask of the engine beside its inputs: pieces on a lane, the device, the digest of a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
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


def test_a_more_urgent_piece_finds_torch_as_if_it_were_alone() -> None:
    torch = pytest.importorskip("torch")

    from vidflow.engine.lanes import Lane, checkpoint

    def state() -> tuple[bool, ...]:
        on = torch.is_autocast_enabled
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), on("cpu"), on("cuda")

    states: list[tuple[bool, ...]] = []
    done = threading.Event()
    lane = Lane("gpu", 1)

    class Piece:
        """A job of a lane."""

        cancelled = False

        def __init__(self, urgency: float, work: Callable[[], None]) -> None:
            self.urgency = urgency
            self.run = work

    def outer() -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            torch.set_autocast_enabled("cuda", True)
            lane.submit(Piece(1, lambda: states.append(state())))
            checkpoint()
            states.append(state())
            torch.set_autocast_enabled("cuda", False)
        done.set()

    lane.submit(Piece(0, outer))
    assert done.wait(10)
    lane.close()
    assert states == [(False, True, False, False), (True, False, True, True)]
