"""What goes wrong at the worst moment: readers that leave, engines that close, results that vanish under a run."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vidflow
from tests.engine.conftest import graph
from vidflow.engine import claims, execution
from vidflow.engine.events import NodeProgress, RunFinished
from vidflow.engine.service import Engine
from vidflow.errors import Cancelled, GraphError, RunError, VidflowError
from vidflow.media import segments
from vidflow.values import Frames

LIMIT = 20.0


def ended(engine: Engine, document: dict[str, Any], **more: Any) -> Any:
    """The result of a run that must not hang."""
    request = engine.submit(document, **more)
    assert request.wait(LIMIT), "the run hangs"
    return request.result()


def test_a_video_of_a_closed_engine_says_so(start: Callable[..., Engine]) -> None:
    engine = start()
    video = ended(engine, graph(v=("lab.bars", {}), t=("lab.tint", {"frame": "@v"})))["t"]
    engine.close()
    with pytest.raises(VidflowError, match="engine that is closed"):
        video.frame(3)
    with pytest.raises(VidflowError, match="engine is closed"):
        engine.submit(graph(a=("lab.add", {})))


def test_closing_the_engine_ends_a_read_that_is_under_way(start: Callable[..., Engine]) -> None:
    engine = start()
    document = graph(v=("lab.bars", {"frames": 400}), t=("lab.gpu_tint", {"frame": "@v", "seconds": 0.02}))
    errors: list[BaseException] = []

    def read() -> None:
        try:
            engine.read(document, "t")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the test is about
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    deadline = time.monotonic() + LIMIT
    while not engine.executions and time.monotonic() < deadline:
        thread.join(0.01)
    thread.join(0.2)
    engine.close()
    thread.join(LIMIT)
    assert not thread.is_alive(), "the reader hangs"
    assert isinstance(errors[0], VidflowError)


def test_closing_during_a_run_frees_every_claim(start: Callable[..., Engine], tmp_path: Path) -> None:
    engine = start()
    document = graph(v=("lab.bars", {"frames": 60}), d=("lab.dream", {"frame": "@v", "seconds": 0.02}))
    request = engine.submit(document)
    for event in request:
        if isinstance(event, NodeProgress) and event.node == "d":
            break
    engine.close()
    again = start()
    assert len(ended(again, document)["d"].frame(59)) == 48
    assert not any(book.held for book in claims._books.values())  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("stop", [1, 5, 20, 40])
def test_a_reader_that_leaves_early_holds_nothing(engine: Engine, stop: int) -> None:
    document = graph(
        v=("lab.bars", {"frames": 64}),
        one=("lab.dream", {"frame": "@v"}),
        t=("lab.tint", {"frame": "@one"}),
        two=("lab.dream", {"frame": "@t"}),
        n=("lab.first_frames", {"video": "@two", "stop": stop}),
    )
    assert ended(engine, document)["n"] >= stop
    whole = graph(**{**_nodes(document), "r": ("lab.brightness", {"video": "@two"})})
    assert ended(engine, whole)["r"]["frames"] == 64
    assert not any(book.held for book in claims._books.values())  # pyright: ignore[reportPrivateUsage]


def _nodes(document: dict[str, Any]) -> dict[str, Any]:
    def text(value: Any) -> Any:
        return "@" + value["from"] if isinstance(value, dict) else value

    return {
        id: (node["type"], {name: text(value) for name, value in node["inputs"].items()})
        for id, node in document["nodes"].items()
    }


def test_reading_while_making_a_frame_does_not_lock(engine: Engine, made: dict[str, int]) -> None:
    document = graph(
        v=("lab.bars", {"frames": 40}),
        d=("lab.dream", {"frame": "@v"}),
        i=("lab.first_frame", {"video": "@d"}),
        m=("lab.masked", {"video": "@d", "picture": "@i"}),
        s=("lab.less_mean", {"video": "@m", "reference": "@d"}),
        r=("lab.brightness", {"video": "@s"}),
    )
    assert ended(engine, document)["r"]["frames"] == 40
    assert made["statistics"] == 1


def test_a_large_value_that_is_gone_or_damaged_is_made_again(
    start: Callable[..., Engine], made: dict[str, int]
) -> None:
    nodes: dict[str, Any] = {"s": ("lab.large_latents", {}), "n": ("lab.latents_mean", {"latents": "@s"})}
    engine = start()
    mean = ended(engine, graph(**nodes))["n"]
    (file,) = (engine.store.folder / "objects").glob("*/*/value.safetensors")
    for number, harm in enumerate(("damaged", "gone")):
        if harm == "damaged":
            file.write_bytes(b"nonsense")
        else:
            shutil.rmtree(file.parent)
        nodes["n"] = ("lab.latents_mean", {"latents": "@s", "add": float(number + 1)})
        assert ended(engine, graph(**nodes))["n"] == pytest.approx(mean + number + 1)
        assert made["large_latents"] == 2 + number


def test_a_damaged_segment_is_made_again(engine: Engine, made: dict[str, int]) -> None:
    document = graph(v=("lab.bars", {"frames": 40}), d=("lab.dream", {"frame": "@v"}))
    ended(engine, document)
    for file in (engine.store.folder / "objects").glob("*/*/*.frames"):
        file.write_bytes(b"nonsense")
    made.clear()
    both = graph(
        v=("lab.bars", {"frames": 40}), d=("lab.dream", {"frame": "@v"}), r=("lab.brightness", {"video": "@d"})
    )
    assert ended(engine, both)["r"]["frames"] == 40
    assert made["dream"] == 40


def test_a_segment_that_appears_while_it_is_looked_for_is_taken(
    engine: Engine, made: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, Any] = {"v": ("lab.bars", {"frames": 16}), "d": ("lab.dream", {"frame": "@v"})}
    ended(engine, graph(**shown))
    (file,) = (engine.store.folder / "objects").glob("*/*/*.frames")
    away = file.with_suffix(".away")
    read, looked = segments.read_segment, execution.is_whole

    def gone(*arguments: Any) -> bool:
        found = looked(*arguments)
        file.rename(away)
        return found

    def late(path: Path, *rest: Any) -> Frames:
        try:
            return read(path, *rest)
        finally:
            if away.exists():
                away.rename(file)

    monkeypatch.setattr(execution, "is_whole", gone)
    monkeypatch.setattr(segments, "read_segment", late)
    made.clear()
    assert ended(engine, graph(**shown, r=("lab.brightness", {"video": "@d"})))["r"]["frames"] == 16
    assert file.exists()
    assert not away.exists()
    assert "dream" not in made


def test_cancelling_at_once_ends_and_leaves_no_pin(engine: Engine) -> None:
    nodes: dict[str, Any] = {"n0": ("lab.add", {})}
    nodes |= {f"n{k}": ("lab.add", {"value": f"@n{k - 1}"}) for k in range(1, 3000)}
    for delay in (0.0, 0.005, 0.02):
        request = engine.submit(graph(**nodes))
        threading.Event().wait(delay)
        request.cancel()
        assert request.wait(2), "the cancelled run hangs"
    assert engine.store._pins == {}  # pyright: ignore[reportPrivateUsage]


def test_a_failing_leaf_is_counted_once(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 30}),
        f=("lab.fail_at", {"frame": "@v", "level": 0}),
        s=("lab.dump", {"video": "@f", "path": "s.raw"}),
        slow=("lab.steps", {"count": 6, "seconds": 0.05}),
        n=("lab.write_number", {"value": "@slow", "path": "n.txt"}),
    )
    request = engine.submit(document, only=["f", "s", "n"], output_dir=tmp_path)
    events = list(request)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "failed"
    assert (tmp_path / "n.txt").read_text() == "6"
    assert [failure.node for failure in request.failures] == ["f"]
    assert "frame 0" in request.failures[0].message
    assert "__init__.py:" in request.failures[0].message


def test_a_progress_that_nobody_reads_takes_no_room(engine: Engine) -> None:
    request = engine.submit(graph(n=("lab.steps", {"count": 30_000, "seconds": 0.0})))
    reader = request.events()
    request.wait()
    events = reader.drain()
    assert len([event for event in events if isinstance(event, NodeProgress)]) == 1


def test_a_single_frame_of_what_is_no_video_says_so(engine: Engine) -> None:
    with pytest.raises(GraphError, match="no video"):
        engine.read(graph(a=("lab.add", {})), "a", 0, 1)


def test_an_interrupted_engine_can_be_made_again_on_its_store(start: Callable[..., Engine]) -> None:
    for _ in range(3):
        engine = start()
        request = engine.submit(
            graph(v=("lab.bars", {"frames": 30}), d=("lab.dream", {"frame": "@v", "seconds": 0.01}))
        )
        request.cancel()
        with pytest.raises(Cancelled):
            request.result()
        engine.close()
    assert (
        len(ended(start(), graph(v=("lab.bars", {"frames": 30}), d=("lab.dream", {"frame": "@v"})))["d"].frame(0)) == 48
    )


def test_two_videos_are_combined_in_one_depth() -> None:
    one = vidflow.values.Video.from_array(np.full((3, 4, 4, 3), 255, np.uint8), 25)
    two = vidflow.values.Video.from_array(np.zeros((5, 4, 4, 3), np.float32), 25)
    mixed = vidflow.values.Video.combined([one, two], lambda pair: pair[0] * 0.5 + pair[1] * 0.5)
    assert (mixed.info.frames, mixed.info.dtype) == (3, "float32")
    assert np.allclose(mixed.frame(2), 0.5)
    with pytest.raises(ValueError, match="one size and dtype"):
        vidflow.values.Video.joined([one, two])


def test_a_body_that_writes_into_its_frame_is_told_what_to_do(engine: Engine, tmp_path: Path) -> None:
    pack = tmp_path / "wrong"
    pack.mkdir()
    (pack / "__init__.py").write_text(
        "from vidflow.api import Frame8, node\n\n\n"
        '@node(title="Wrong", category="Test")\n'
        "def wrong(frame: Frame8) -> Frame8:\n"
        '    """Write into the frame."""\n'
        "    frame += 1\n"
        "    return frame\n"
    )
    from vidflow.nodespec.packs import Pack
    from vidflow.nodespec.registry import load_registry

    registry = load_registry([Pack("core", module="vidflow_nodes"), Pack("wrong", folder=pack)])
    with Engine(tmp_path / "other", registry=registry) as other:
        picture = tmp_path / "p.png"
        import cv2

        cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
        with pytest.raises(RunError, match=r"frame\.copy"):
            other.submit(graph(i=("load_image", {"path": str(picture)}), w=("wrong.wrong", {"frame": "@i"}))).result()
