"""A node that is looked at: planned once, read as often as wanted, and nothing dear begun for it."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import graph
from vidflow.engine.service import Engine
from vidflow.errors import Cancelled, GraphError, RunError
from vidflow.values import Latents, Report, Video

SAMPLED = graph(m=("lab.load_lab", {}), s=("lab.sample_lab", {"model": "@m"}), d=("lab.decode_lab", {"latents": "@s"}))


def test_an_opened_node_is_planned_once_and_read_as_often_as_wanted(engine: Engine, made: dict[str, int]) -> None:
    document = graph(v=("lab.bars", {"frames": 100}), t=("lab.tint", {"frame": "@v"}))
    with engine.open(document, "t") as one:
        assert isinstance(one.value(), Video)
        first = [frame for frames in one.read(40, 42) for frame in frames]
        again = [frame for frames in one.read(7, 8) for frame in frames]
        assert (len(first), len(again), made["tint"]) == (2, 1, 3)
    with engine.open(document, "t") as other:
        other.wait()
        assert other.key == one.key


def test_what_takes_long_is_not_begun_for_a_look(engine: Engine, made: dict[str, int]) -> None:
    with engine.open(SAMPLED, "d", sparing=True) as one:
        one.wait()
        assert one.missing == ("m",)
        with pytest.raises(KeyError):
            one.value()
    film = graph(v=("lab.bars", {}), r=("lab.brightness", {"video": "@v"}), i=("lab.first_frame", {"video": "@v"}))
    with engine.open(film, "r", sparing=True) as one:
        one.wait()
        assert one.missing == ("r",)
    with engine.open(film, "i", sparing=True) as one:
        assert one.value().info.frames == 1
    assert not {"load_lab", "sample_lab", "brightness"} & made.keys()


def test_what_a_run_has_made_is_there_for_a_look(engine: Engine, made: dict[str, int]) -> None:
    engine.submit(SAMPLED).result()
    film = graph(v=("lab.bars", {}), r=("lab.brightness", {"video": "@v"}))
    engine.submit(film).result()
    counts = dict(made)
    with engine.open(SAMPLED, "s", sparing=True) as one:
        assert isinstance(one.value(), Latents)
    with engine.open(SAMPLED, "d", sparing=True) as one:
        assert len(list(one.read(2, 3))) == 1
    with engine.open(film, "r", sparing=True) as one:
        assert isinstance(one.value(), Report)
    assert made == counts


def test_the_frames_that_are_kept_are_told_as_a_run_goes_on(engine: Engine) -> None:
    document = graph(v=("lab.bars", {"frames": 40}), d=("lab.dream", {"frame": "@v"}))
    with engine.open(document, "d") as one:
        assert one.kept() == []
        list(one.read(0, 20))
        # Segments are told once they are on disk, which a busy machine may take its time for.
        deadline = time.monotonic() + 60
        while one.kept() != [(0, 16)]:
            assert time.monotonic() < deadline, one.kept()
            time.sleep(0.01)
        list(one.read(32, 40))
        while one.kept() != [(0, 16), (32, 40)]:
            assert time.monotonic() < deadline, one.kept()
            time.sleep(0.01)
        engine.submit(document).result()
        assert one.kept() == [(0, 40)]
    with engine.open(document, "v") as one:
        assert one.kept() == []


def test_a_reading_that_is_cancelled_ends_within_a_frame_and_makes_no_more(
    engine: Engine, made: dict[str, int]
) -> None:
    document = graph(v=("lab.bars", {"frames": 400}), g=("lab.gpu_tint", {"frame": "@v", "seconds": 2.0}))
    one = engine.open(document, "g")
    reading = one.read(0, 400)
    errors: list[BaseException] = []

    def take() -> None:
        try:
            list(reading)
        except Cancelled as error:
            errors.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    while not made.get("gpu_tint"):
        assert thread.is_alive()
    reading.cancel()
    thread.join(1)
    assert not thread.is_alive()
    assert errors
    assert len(list(one.read(399, 400))) == 1
    assert made["gpu_tint"] == 2
    one.close()


def test_a_cursor_stays_where_it_has_read_and_gives_the_same_frames(engine: Engine, made: dict[str, int]) -> None:
    document = graph(v=("lab.bars", {"frames": 100}))
    picture = sys.modules["vidflow_packs.lab"].picture
    with engine.open(document, "v") as one:
        cursor = one.cursor()
        for start, stop in ((50, 51), (51, 60), (10, 12), (99, 100), (0, 1)):
            frames = cursor.frames(start, stop)
            assert len(frames) == stop - start
            for place, frame in enumerate(frames):
                assert (frame == picture(0, start + place, 64, 48)).all()
        assert made["bars"] == 14
        cursor.close()
        with pytest.raises(Cancelled):
            cursor.frames(3, 4)


def test_an_error_of_a_frame_names_its_node(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {}), f=("lab.fail_at", {"frame": "@v", "level": 21}), t=("lab.tint", {"frame": "@f"})
    )
    with engine.open(document, "t") as one, pytest.raises(RunError, match=r"^f: .*cannot do this frame.*frame 3"):
        list(one.read(3, 4))
    (tmp_path / "broken.mp4").write_bytes(b"no film at all")
    bad = graph(v=("load_video", {"path": str(tmp_path / "broken.mp4")}))
    with engine.open(bad, "v") as one, pytest.raises(RunError, match=r"^v.path: "):
        one.wait()


def test_a_sink_shows_what_it_is_given_and_writes_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film: dict[str, Any] = graph(v=("lab.bars", {}), s=("save_video", {"video": "@v", "path": "film.mp4"}))
    monkeypatch.chdir(tmp_path)
    with engine.open(film, "s") as one:
        assert one.node == "v"
        assert isinstance(one.value(), Video)
    assert not Path("outputs").exists()
    with engine.open(graph(n=("lab.add", {}), t=("lab.drop", {"value": "@n"})), "t") as one:
        assert one.value() == 1
    with pytest.raises(GraphError, match="nothing"):
        engine.open(graph(t=("lab.drop", {"value": 3})), "t")


def test_a_look_is_no_run_in_the_journal(engine: Engine, tmp_path: Path) -> None:
    document = graph(n=("lab.add", {}))
    with engine.open(document, "n") as one:
        one.wait()
    engine.submit(document).result()
    engine.close()
    index = sqlite3.connect(tmp_path / "store" / "index.sqlite")
    assert index.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert index.execute("SELECT count(*) FROM timings").fetchone() == (1,)
    index.close()
