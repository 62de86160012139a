"""Two processes run one graph on one store that holds too little: both finish, with the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import LAB
from tests.process.commands import TRIALS, Place

FRAMES = 240


def graph(place: Place) -> Path:
    """A dear video with two readers, one of which takes it from its end."""
    return place.graph(
        "two",
        clip=("lab.bars", {"frames": FRAMES, "width": 160, "height": 90}),
        dream=("lab.dream", {"frame": "@clip", "seconds": 0.001}),
        twice=("lab.neighbours", {"video": "@dream"}),
        back=("reverse", {"video": "@dream"}),
        save=("save_video", {"video": "@twice", "path": "twice.mp4", "preset": "ultrafast"}),
        other=("lab.dump", {"video": "@back", "path": "back.raw"}),
    )


def written(folder: Path) -> dict[str, bytes]:
    """What is in an output folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What one process writes that has all the room it wants, and the bytes that it keeps."""
    place = Place(tmp_path_factory.mktemp("alone"), LAB)
    done = place.run("run", graph(place))
    assert done.status == 0, done.err
    assert place.made("dream") == FRAMES
    kept = sum(path.stat().st_size for path in (place.store / "objects").glob("*/*/*"))
    return written(place.out), kept


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize("outputs", [("one", "other"), ("same", "same")], ids=["two folders", "one folder"])
def test_two_processes_on_a_store_below_the_working_set_give_the_same_bytes(
    outputs: tuple[str, str], trial: int, place: Place, alone: tuple[dict[str, bytes], int]
) -> None:
    good, kept = alone
    cap = {"VIDFLOW_STORE_CAP": str(kept // (2 + trial % 3))}
    file = graph(place)
    running = [place.start("run", file, "--output-dir", name, env=cap) for name in outputs]
    for process in running:
        done = process.end()
        assert done.status == 0, done.err
        assert "Traceback" not in done.err
    for name in set(outputs):
        assert written(place.folder / name) == good
    left = sum(path.stat().st_size for path in (place.store / "objects").glob("*/*/*"))
    assert left <= kept // 2 + kept // 10, "the store has outgrown its cap"


@pytest.mark.parametrize("trial", range(TRIALS))
def test_two_processes_without_a_store_in_common_do_not_spoil_each_other_s_output(
    trial: int, place: Place, alone: tuple[dict[str, bytes], int]
) -> None:
    file = graph(place)
    running = [place.start("run", file, "--no-store") for _ in range(2)]
    for process in running:
        done = process.end()
        assert done.status == 0, done.err
    assert written(place.out) == alone[0]


def test_two_processes_on_one_store_share_the_work(place: Place, alone: tuple[dict[str, bytes], int]) -> None:
    file = graph(place)
    running = [place.start("run", file, "--output-dir", name) for name in ("one", "other")]
    for process in running:
        done = process.end()
        assert done.status == 0, done.err
    assert place.made("dream") < 1.6 * FRAMES
