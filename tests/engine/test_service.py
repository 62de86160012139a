"""The engine serves several requests at once, the urgent one in front, and survives what goes wrong in each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.conftest import graph
from vidflow.engine.events import FramesReady, NodeFailed, NodeFinished, NodeProgress, NodeStarted, RunFinished
from vidflow.engine.service import Engine, Request
from vidflow.errors import GraphError, RunError


def until(request: Request, kind: type, node: str) -> None:
    """Read events until one of this kind comes from this node."""
    for event in request.hub.reader():
        if isinstance(event, kind) and getattr(event, "node", None) == node:
            return
    raise AssertionError(f"no {kind.__name__} of {node}")


SLOW = graph(
    v=("lab.bars", {"frames": 600}),
    g=("lab.gpu_tint", {"frame": "@v", "seconds": 0.005}),
    s=("lab.dump", {"video": "@g", "path": "slow.raw"}),
)


def test_a_frame_of_another_node_comes_in_front_of_a_long_run(
    engine: Engine, made: dict[str, int], tmp_path: Path
) -> None:
    request = engine.submit(SLOW, output_dir=tmp_path)
    until(request, NodeStarted, "g")
    other = graph(
        v=("lab.bars", {"frames": 400, "seed": 5}),
        g=("lab.gpu_tint", {"frame": "@v", "by": 3}),
        c=("lab.tint", {"frame": "@g", "by": 4}),
        n=("lab.neighbours", {"video": "@c"}),
    )
    tints, neighbours = made.get("tint", 0), made.get("neighbours", 0)
    began = time.perf_counter()
    frames = engine.read(other, "n", 301, 302)
    seconds = time.perf_counter() - began
    lab = __import__("sys").modules["vidflow_packs.lab"]
    one, two = (lab.picture(5, k, 64, 48) + np.uint8(7) for k in (150, 151))
    assert (frames.numpy()[0] == ((one.astype(np.uint16) + two) // 2).astype(np.uint8)).all()
    assert made["tint"] - tints == 2
    assert made["neighbours"] - neighbours == 1
    # It enters the GPU lane twice; each time it waits for one frame of 5 ms of the long run at most.
    assert seconds < 0.5
    assert not request.hub.closed
    request.cancel()


def test_a_frame_comes_between_two_steps_of_a_sampler(engine: Engine, made: dict[str, int]) -> None:
    sampling = graph(
        m=("lab.load_lab", {}),
        s=("lab.sample_lab", {"model": "@m", "seconds": 5.0}),
    )
    request = engine.submit(sampling)
    until(request, NodeProgress, "s")
    other = graph(v=("lab.bars", {}), g=("lab.gpu_tint", {"frame": "@v"}))
    assert len(engine.read(other, "g", 7, 8)) == 1
    # Of fifty steps of a tenth of a second.
    assert made["sample_lab"] < 50
    assert not request.hub.closed
    request.cancel()
    assert request.wait(1)


@pytest.mark.parametrize(("node", "step"), [("m", 5), ("s", 20)])
def test_cancel_in_loading_and_in_sampling_leaves_the_engine_running(engine: Engine, node: str, step: int) -> None:
    sampling = graph(
        m=("lab.load_lab", {"seconds": 1.0 if node == "m" else 0.0}),
        s=("lab.sample_lab", {"model": "@m", "seconds": 1.0}),
    )
    request = engine.submit(sampling)
    for event in request:
        if isinstance(event, NodeProgress) and event.node == node and event.step >= step:
            break
    began = time.perf_counter()
    request.cancel()
    assert request.wait(1)
    assert time.perf_counter() - began < 0.3
    quick = graph(m=("lab.load_lab", {}), s=("lab.sample_lab", {"model": "@m"}))
    assert engine.submit(quick).result()["s"].tensor.shape == (1, 4, 8, 6, 8)


def test_a_body_that_cannot_be_cut_ends_the_request_within_a_second(engine: Engine) -> None:
    request = engine.submit(graph(n=("lab.nap", {"seconds": 3.0})))
    until(request, NodeStarted, "n")
    began = time.perf_counter()
    request.cancel()
    assert request.wait(1)
    assert time.perf_counter() - began < 1
    assert engine.submit(graph(a=("lab.add", {"value": 1}))).result()["a"] == 2


def test_what_is_unchanged_is_not_made_again_in_another_engine(
    start: Callable[..., Engine], made: dict[str, int], tmp_path: Path
) -> None:
    document = graph(
        v=("lab.bars", {"frames": 100}),
        d=("lab.dream", {"frame": "@v"}),
        r=("lab.brightness", {"video": "@d"}),
        s=("save_video", {"video": "@d", "path": "film.mp4"}),
    )
    first = start()
    result = first.submit(document, output_dir=tmp_path).result()
    mean = result["r"]["mean"]
    assert made["dream"] == 100, "two readers share what is dear"
    first.close()
    made.clear()
    written = (tmp_path / "film.mp4").stat().st_mtime_ns
    result = start().submit(document, output_dir=tmp_path).result()
    assert result["r"]["mean"] == mean
    assert made == {}
    assert (tmp_path / "film.mp4").stat().st_mtime_ns == written


def test_a_finished_file_that_was_changed_is_written_again_from_what_is_kept(
    engine: Engine, made: dict[str, int], tmp_path: Path
) -> None:
    document = graph(
        v=("lab.bars", {"frames": 40}),
        d=("lab.dream", {"frame": "@v"}),
        s=("save_video", {"video": "@d", "path": "a.mp4"}),
    )
    engine.submit(document, output_dir=tmp_path).result()
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(b"something else")
    made.clear()
    engine.submit(document, output_dir=tmp_path).result()
    assert (tmp_path / "a.mp4").read_bytes() == whole
    assert "dream" not in made


def test_changing_a_setting_makes_again_only_what_depends_on_it(engine: Engine, made: dict[str, int]) -> None:
    def document(seed: int, steps: int) -> dict[str, Any]:
        return graph(
            m=("lab.load_lab", {}),
            s=("lab.sample_lab", {"model": "@m", "seed": seed, "steps": steps}),
            d=("lab.decode_lab", {"latents": "@s"}),
        )

    engine.submit(document(1, 10)).result()
    engine.submit(document(2, 10)).result()
    assert made["load_lab"] == 1
    assert made["sample_lab"] == 20


def test_a_failing_node_stops_what_depends_on_it_and_not_the_rest(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        f=("lab.fail", {"value": 1, "message": "no luck"}),
        after=("lab.write_number", {"value": "@f", "path": "after.txt"}),
        a=("lab.add", {"value": 1}),
        rest=("lab.write_number", {"value": "@a", "path": "rest.txt"}),
    )
    request = engine.submit(document, output_dir=tmp_path)
    with pytest.raises(RunError) as caught:
        request.result()
    assert [(failure.node, failure.message) for failure in caught.value.failures] == [("f", "no luck")]
    assert (tmp_path / "rest.txt").read_text() == "2"
    assert not (tmp_path / "after.txt").exists()
    assert caught.value.finished["a"] == 2
    failed = [event for event in request if isinstance(event, NodeFailed)]
    assert failed[0].origin.rpartition(":")[0].endswith("__init__.py")


def test_a_frame_that_fails_is_blamed_on_its_node_and_leaves_no_file(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 30}),
        bad=("lab.fail_at", {"frame": "@v", "level": (7 * 12) % 256}),
        t=("lab.tint", {"frame": "@bad"}),
        s=("save_video", {"video": "@t", "path": "film.mp4"}),
    )
    with pytest.raises(RunError) as caught:
        engine.submit(document, output_dir=tmp_path).result()
    assert [failure.node for failure in caught.value.failures] == ["bad"]
    assert "cannot do this frame" in caught.value.failures[0].message
    assert list(tmp_path.glob("*.mp4")) == []
    assert [file for file in tmp_path.iterdir() if ".part" in file.name] == []


def test_a_dear_video_that_a_plan_ends_in_is_made_whole_and_a_cheap_one_only_opened(
    engine: Engine, made: dict[str, int]
) -> None:
    engine.submit(graph(v=("lab.bars", {"frames": 200}), d=("lab.dream", {"frame": "@v"}))).result()
    assert made["dream"] == 200
    made.clear()
    engine.submit(graph(v=("lab.bars", {"frames": 200, "seed": 9}), t=("lab.tint", {"frame": "@v"}))).result()
    assert made["tint"] == 1


def test_values_of_nodes_that_the_run_did_not_need_are_made_when_asked_for(engine: Engine) -> None:
    document = graph(a=("lab.add", {"value": 1}), b=("lab.add", {"value": "@a"}), v=("lab.bars", {"frames": 9}))
    engine.submit(document).result()
    result = engine.submit(document).result()
    assert (result["b"], result["a"]) == (3, 2)
    assert len(result["v"].frame(8)) == 48


def test_a_late_value_is_checked_like_one_in_the_file(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 4}),
        i=("lab.first_frame", {"video": "@v"}),
        n=("lab.brightest", {"image": "@i"}),
        w=("resize", {"video": "@v", "width": "@n"}),
        s=("save_video", {"video": "@w", "path": "late.mp4"}),
        bad=("crop", {"video": "@v", "left": "@neg"}),
        neg=("lab.add", {"value": -5}),
        out=("lab.dump", {"video": "@bad", "path": "bad.raw"}),
    )
    with pytest.raises(RunError) as caught:
        engine.submit(document, output_dir=tmp_path).result()
    assert [failure.node for failure in caught.value.failures] == ["bad"]
    assert "bad.left" in caught.value.failures[0].message
    assert "out of range" in caught.value.failures[0].message
    assert caught.value.finished["w"].info.width == caught.value.finished["n"]


def test_only_runs_the_nodes_named_and_what_they_need(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 4}),
        one=("lab.dump", {"video": "@v", "path": "one.raw"}),
        two=("lab.dump", {"video": "@v", "path": "two.raw"}),
    )
    engine.submit(document, only=["two"], output_dir=tmp_path).result()
    assert [file.name for file in tmp_path.glob("*.raw")] == ["two.raw"]


def test_each_makes_a_variant_for_every_value_and_shares_what_is_equal(
    engine: Engine, made: dict[str, int], tmp_path: Path
) -> None:
    document = graph(
        m=("lab.load_lab", {}),
        s=("lab.sample_lab", {"model": "@m", "steps": 5}),
        d=("lab.decode_lab", {"latents": "@s"}),
        f=("save_video", {"video": "@d", "path": "take.mp4"}),
    )
    request = engine.submit(document, each={"s.seed": [1, 2, 3]}, output_dir=tmp_path)
    result = request.result()
    assert sorted(file.name for file in tmp_path.glob("*.mp4")) == ["take-1.mp4", "take-2.mp4", "take-3.mp4"]
    assert made["load_lab"] == 1
    assert made["sample_lab"] == 15
    assert sorted(result.variants) == ["1", "2", "3"]
    assert isinstance(list(request)[-1], RunFinished)


def test_one_variant_that_fails_is_reported_and_the_rest_go_on(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 3}),
        t=("trim", {"video": "@v", "start": 0, "unit": "frames"}),
        s=("lab.dump", {"video": "@t", "path": "{each}.raw"}),
    )
    with pytest.raises(RunError) as caught:
        engine.submit(document, each={"t.start": [0, 1, 9]}, output_dir=tmp_path).result()
    assert [failure.node for failure in caught.value.failures] == ["t"]
    assert sorted(file.name for file in tmp_path.glob("*.raw")) == ["0.raw", "1.raw"]


def test_two_variants_that_would_write_one_file_are_refused(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {}), n=("text", {"value": ""}), s=("lab.dump", {"video": "@v", "path": "{each}.raw"})
    )
    with pytest.raises(GraphError, match="two variants would both write"):
        engine.submit(document, each={"n.value": ["a/x", "b/x"]}, output_dir=tmp_path)


def test_a_number_in_a_name_counts_on(engine: Engine, tmp_path: Path) -> None:
    for seed in range(3):
        document = graph(v=("lab.bars", {"seed": seed}), s=("lab.dump", {"video": "@v", "path": "take{n:03}.raw"}))
        engine.submit(document, output_dir=tmp_path).result()
    assert sorted(file.name for file in tmp_path.glob("*.raw")) == ["take001.raw", "take002.raw", "take003.raw"]


def test_a_watched_node_shows_its_frames(engine: Engine, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 60}),
        t=("lab.tint", {"frame": "@v", "seconds": 0.01}),
        s=("lab.dump", {"video": "@t", "path": "x.raw"}),
    )
    request = engine.submit(document, output_dir=tmp_path)
    request.watch("t")
    request.watch("v")
    seen = {event.node: event for event in request if isinstance(event, FramesReady)}
    lab = __import__("sys").modules["vidflow_packs.lab"]
    assert set(seen) == {"t", "v"}
    assert (seen["t"].frames[0] == lab.picture(0, seen["t"].start, 64, 48) + np.uint8(1)).all()


def test_two_requests_for_one_sampling_do_it_once(engine: Engine, made: dict[str, int]) -> None:
    document = graph(m=("lab.load_lab", {}), s=("lab.sample_lab", {"model": "@m", "seconds": 0.3}))
    requests = [engine.submit(document) for _ in range(3)]
    tensors = [request.result()["s"].tensor for request in requests]
    assert made["sample_lab"] == 50
    assert all((tensor == tensors[0]).all() for tensor in tensors)


def test_who_waited_for_a_cancelled_maker_takes_over(engine: Engine, made: dict[str, int]) -> None:
    document = graph(m=("lab.load_lab", {}), s=("lab.sample_lab", {"model": "@m", "seconds": 1.0}))
    first = engine.submit(document)
    until(first, NodeProgress, "s")
    second = engine.submit(document)
    first.cancel()
    assert second.result()["s"].tensor.shape == (1, 4, 8, 6, 8)


def test_a_store_under_its_cap_makes_again_what_was_evicted(
    start: Callable[..., Engine], made: dict[str, int], tmp_path: Path
) -> None:
    document = graph(
        v=("lab.bars", {"frames": 200, "width": 320, "height": 240}),
        d=("lab.dream", {"frame": "@v"}),
        r=("lab.brightness", {"video": "@d"}),
        back=("reverse", {"video": "@d"}),
        s=("lab.dump", {"video": "@back", "path": "back.raw"}),
    )
    engine = start(store_cap=200_000)
    engine.submit(document, output_dir=tmp_path).result()
    small = (tmp_path / "back.raw").read_bytes()
    assert engine.store.usage()[0] <= 400_000
    roomy = start(store=tmp_path / "other")
    roomy.submit(document, output_dir=tmp_path / "roomy").result()
    assert (tmp_path / "roomy" / "back.raw").read_bytes() == small


@pytest.mark.parametrize("deep", [False, True])
def test_a_private_store_gives_the_same_bytes(start: Callable[..., Engine], deep: bool, tmp_path: Path) -> None:
    document = graph(
        v=("lab.bars", {"frames": 30, "deep": deep}),
        d=("lab.dream", {"frame": "@v"}),
        s=("lab.dump", {"video": "@d", "path": "x.raw"}),
    )
    for name, private in (("kept", False), ("private", True)):
        engine = start(private=private)
        engine.submit(document, output_dir=tmp_path / name).result()
        engine.submit(document, output_dir=tmp_path / f"{name} again").result()
        folder = engine.store.folder
        engine.close()
        assert folder.exists() is not private
    contents = {file.read_bytes() for file in tmp_path.rglob("x.raw")}
    assert len(list(tmp_path.rglob("x.raw"))) == 4
    assert len(contents) == 1


def test_a_file_that_changes_during_a_run_fails_it_by_name(engine: Engine, tmp_path: Path) -> None:
    import cv2

    picture = tmp_path / "in.png"
    cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    document = graph(
        i=("load_image", {"path": str(picture)}),
        wait=("lab.steps", {"count": 10, "seconds": 0.05}),
        c=("crop", {"video": "@i", "width": 4}),
        s=("save_image", {"image": "@c", "path": "out.png"}),
        t=("lab.write_number", {"value": "@wait", "path": "n.txt"}),
    )
    request = engine.submit(document, output_dir=tmp_path / "out")
    until(request, NodeProgress, "wait")
    cv2.imwrite(str(picture), np.ones((8, 8, 3), np.uint8))
    with pytest.raises(RunError) as caught:
        request.result()
    assert "i" in [failure.node for failure in caught.value.failures]
    assert "changed while the graph ran" in str(caught.value)


def test_an_engine_takes_requests_from_many_threads(engine: Engine) -> None:
    results: dict[int, int] = {}

    def ask(number: int) -> None:
        results[number] = engine.submit(
            graph(a=("lab.add", {"value": number}), b=("lab.add", {"value": "@a"}))
        ).result()["b"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: number + 2 for number in range(20)}


def test_the_journal_remembers_runs_and_timings(engine: Engine) -> None:
    engine.submit(graph(a=("lab.add", {"value": 3}))).result()
    assert engine.store.query("SELECT status FROM runs") == [("done",)]
    assert [row[0] for row in engine.store.query("SELECT node FROM timings")] == ["a"]


def test_a_subgraph_used_twice_runs_twice(engine: Engine, tmp_path: Path) -> None:
    document = {
        "vidflow": 1,
        "nodes": {
            "a": {"type": "graph:twice", "inputs": {"value": 1}},
            "b": {"type": "graph:twice", "inputs": {"value": {"from": "a.value"}}},
            "s": {"type": "lab.write_number", "inputs": {"value": {"from": "b"}, "path": "n.txt"}},
        },
        "graphs": {
            "twice": {
                "nodes": {
                    "x": {"type": "lab.add"},
                    "y": {"type": "lab.add", "inputs": {"value": {"from": "x"}, "plus": 10}},
                },
                "inputs": {"value": ["x.value"]},
                "outputs": {"value": {"from": "y"}},
            }
        },
    }
    request = engine.submit(document, output_dir=tmp_path)
    request.result()
    assert (tmp_path / "n.txt").read_text() == "23"
    assert "a/x" in [event.node for event in request if isinstance(event, NodeFinished)]


def test_a_node_that_is_off_passes_its_input_through(engine: Engine) -> None:
    document = graph(
        a=("lab.add", {"value": 1}), b=("lab.add", {"value": "@a", "plus": 5}), c=("lab.add", {"value": "@b"})
    )
    document["nodes"]["b"]["off"] = True
    assert engine.submit(document).result()["c"] == 3
