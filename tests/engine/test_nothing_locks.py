"""No shape of graph can lock the engine, and every shape gives what a single thread gives."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import graph, registry
from tests.nodes.bench import Here
from vidflow.engine.service import Engine
from vidflow.errors import Cancelled

GRAPHS = int(os.environ.get("VIDFLOW_GRAPHS", "40"))
LIMIT = 20.0


def single_threaded(nodes: dict[str, Any], sinks: list[str]) -> dict[str, bytes]:
    """The bytes of each dump, made by calling the nodes' functions in this thread, without an engine."""
    values: dict[str, Any] = {}

    def given(one: Any) -> Any:
        if isinstance(one, dict):
            return values[one["from"]]
        return [given(each) for each in one] if isinstance(one, list) else one

    for id, node in nodes.items():
        inputs = {name: given(one) for name, one in node["inputs"].items()}
        spec = registry().get(node["type"])
        assert spec is not None
        if spec.sink:
            values[id] = b"".join(frame.tobytes() for frames in inputs["video"].read() for frame in frames)
        elif spec.lifted:
            frame = inputs.pop("frame")
            values[id] = frame.map(lambda one, f=spec.function, g=inputs: f(one, **g))
        else:
            run = {"run": Here(Path())} if spec.takes_run else {}
            values[id] = spec.function(**inputs, **run)
    return {id: values[id] for id in sinks}


def random_graph(chance: random.Random) -> tuple[dict[str, Any], list[str]]:
    """Parts of the shapes that lock other engines: lanes in turn, diamonds, joins, sinks of unequal speed."""
    nodes: dict[str, Any] = {}
    for number in range(chance.randint(1, 2)):
        deep = {"frames": chance.randint(1, 30), "seed": number, "width": 16, "height": 12}
        nodes[f"v{number}"] = {"type": "lab.bars", "inputs": deep}
    for number in range(chance.randint(1, 8)):
        source = {"from": chance.choice(list(nodes))}
        kind = chance.choice(["gpu_tint", "tint", "dream", "neighbours", "reverse", "difference", "trim", "concat"])
        inputs: dict[str, Any]
        if kind in ("gpu_tint", "tint"):
            inputs = {"frame": source, "by": chance.randint(1, 200)}
        elif kind == "dream":
            inputs = {"frame": source}
        elif kind == "difference":
            inputs = {"a": source, "b": {"from": chance.choice(list(nodes))}}
        elif kind == "trim":
            inputs = {"video": source, "end": chance.randint(1, 40), "unit": "frames"}
        elif kind == "concat":
            inputs = {"videos": [source, {"from": chance.choice(list(nodes))}]}
        else:
            inputs = {"video": source}
        type = kind if kind in ("reverse", "trim", "concat") else f"lab.{kind}"
        nodes[f"n{number}"] = {"type": type, "inputs": inputs}
    sinks: list[str] = []
    videos = list(nodes)
    for number in range(chance.randint(1, 3)):
        seconds = chance.choice([0.0, 0.0, 0.001])
        source = {"from": chance.choice(videos)}
        sinks.append(f"s{number}")
        nodes[f"s{number}"] = {
            "type": "lab.dump",
            "inputs": {"video": source, "path": f"s{number}.raw", "seconds": seconds},
        }
    return nodes, sinks


@pytest.mark.parametrize("number", range(GRAPHS))
def test_a_random_graph_ends_with_what_one_thread_gives(
    number: int, start: Callable[..., Engine], tmp_path: Path
) -> None:
    chance = random.Random(number)
    nodes, sinks = random_graph(chance)
    engine = start(read_ahead=0 if number % 2 else 1)
    request = engine.submit({"vidflow": 1, "nodes": nodes}, output_dir=tmp_path / "out")
    assert request.wait(LIMIT), "the run hangs"
    request.result()
    for id, wanted in single_threaded(nodes, sinks).items():
        assert (tmp_path / "out" / f"{id}.raw").read_bytes() == wanted


@pytest.mark.parametrize("number", range(0, GRAPHS, 4))
def test_a_random_graph_that_is_cancelled_ends_and_leaves_the_engine_free(
    number: int, start: Callable[..., Engine], tmp_path: Path
) -> None:
    chance = random.Random(number)
    nodes, _ = random_graph(chance)
    engine = start(read_ahead=0)
    for node in nodes.values():
        if node["type"] == "lab.dump":
            node["inputs"]["seconds"] = 0.01
    request = engine.submit({"vidflow": 1, "nodes": nodes}, output_dir=tmp_path / "out")
    reader = iter(request)
    for _ in range(chance.randint(1, 4)):
        next(reader, None)
    request.cancel()
    assert request.wait(1.5), "the cancelled run hangs"
    after = engine.submit(graph(v=("lab.bars", {}), b=("lab.brightness", {"video": "@v"})))
    assert after.wait(LIMIT)
    assert after.result()["b"]["frames"] == 24


def test_cancelling_raises_cancelled_for_who_waits(engine: Engine) -> None:
    request = engine.submit(graph(n=("lab.steps", {"seconds": 0.05})))
    for event in request:
        if type(event).__name__ == "NodeProgress":
            break
    request.cancel()
    with pytest.raises(Cancelled):
        request.result()
