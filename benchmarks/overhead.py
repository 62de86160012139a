"""What the engine itself costs: chains of cheap nodes, with store, journal and events on."""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import Row, report

from vidflow.engine.service import Engine


def chain(length: int, seed: int = 0, chains: int = 1, sinks: str = "") -> dict[str, Any]:
    """Chains of `length` int-to-int nodes, each read by a sink where asked."""
    nodes: dict[str, Any] = {}
    for number in range(chains):
        for index in range(length):
            value: Any = {"from": f"c{number}n{index - 1}"} if index else seed + number * 7919
            nodes[f"c{number}n{index}"] = {"type": "lab.add", "inputs": {"value": value}}
        if sinks:
            last = {"from": f"c{number}n{length - 1}"}
            path = {"path": f"{seed}-{number}.txt"} if sinks == "lab.write_number" else {}
            nodes[f"s{number}"] = {"type": sinks, "inputs": {"value": last, **path}}
    return {"vidflow": 1, "nodes": nodes}


def timed(engine: Engine, graph: dict[str, Any], output: Path) -> tuple[float, float]:
    """CPU and wall seconds of one request, its events read to the end."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    request = engine.submit(graph, output_dir=output)
    for _ in request:
        pass
    request.result()
    return time.process_time() - cpu, time.perf_counter() - wall


def frames_cost(engine: Engine, output: Path) -> float:
    """Microseconds per node and frame of 1000 frame nodes beyond their bodies' own time."""
    nodes: dict[str, Any] = {"n0": {"type": "lab.bars", "inputs": {"frames": 10, "width": 64, "height": 64}}}
    for index in range(1, 1001):
        nodes[f"n{index}"] = {"type": "lab.same", "inputs": {"frame": {"from": f"n{index - 1}"}}}
    nodes["sink"] = {"type": "lab.dump", "inputs": {"video": {"from": "n1000"}, "path": "frames.raw"}}
    cpu, _ = timed(engine, {"vidflow": 1, "nodes": nodes}, output)
    return cpu / (1000 * 10) * 1e6


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "out")
        best: dict[str, float] = {}

        def keep(name: str, value: float) -> None:
            best[name] = min(value, best.get(name, value))

        for number in range(rounds):
            store = Path(folder, f"store{number}")
            engine = Engine(store)
            timed(engine, chain(50, 1), output)
            cpu, wall = timed(engine, chain(1000, 100), output)
            keep("1000 nodes, CPU s", cpu)
            keep("1000 nodes, wall / CPU", wall / cpu)
            for again in range(5):
                # In turn, so that both meet the same machine.
                cpu, _ = timed(engine, chain(1000, 10_000_000 * (again + 1)), output)
                keep("1000 beside", cpu)
                cpu, _ = timed(engine, chain(10, 500_000_000 * (again + 1), 100, "lab.drop"), output)
                keep("100 chains of 10 with sinks, CPU s", cpu)
            engine.close()
            engine = Engine(store)
            timed(engine, chain(50, 2), output)
            cpu, wall = timed(engine, chain(1000, 100), output)
            keep("1000 nodes unchanged, CPU s", cpu)
            keep("1000 nodes unchanged, wall / CPU", wall / cpu)
            cpu, _ = timed(engine, chain(10_000, 200), output)
            keep("10,000 nodes, CPU s", cpu)
            cpu, _ = timed(engine, chain(10, 400, 100, "lab.write_number"), output)
            keep("with 100 files", cpu)
            keep("a frame node and frame, us", frames_cost(engine, output))
            engine.close()
    rows = [
        Row("1000 int nodes, CPU", best["1000 nodes, CPU s"], 0.3, "s"),
        Row("  wall beside it", best["1000 nodes, wall / CPU"], 2, "x"),
        Row("unchanged after reopening, CPU", best["1000 nodes unchanged, CPU s"], 0.15, "s"),
        Row("  wall beside it", best["1000 nodes unchanged, wall / CPU"], 2, "x"),
        Row("10,000 int nodes, CPU", best["10,000 nodes, CPU s"], 3, "s"),
        Row("10,000 beside 1000", best["10,000 nodes, CPU s"] / best["1000 nodes, CPU s"], 16, "x"),
        Row(
            "100 chains of 10 and 100 sinks, a node, beside 1000",
            best["100 chains of 10 with sinks, CPU s"] / 1100 / (best["1000 beside"] / 1000),
            1,
            "x",
        ),
        Row("100 chains of 10 that write 100 files, CPU", best["with 100 files"], None, "s"),
        Row("1000 frame nodes on 10 frames of 64x64", best["a frame node and frame, us"], 40, "us"),
    ]
    report(rows)


if __name__ == "__main__":
    main()
