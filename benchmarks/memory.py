"""Peak memory of every node of the pack on a 720p clip: ten times as many frames take no more."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from graphs import CASES, VIDFLOW, Case, Material, environment, pack, problem, types
from measure import Row, report
from streaming import usage

BAR = 1.05


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", type=int, default=120)
    parser.add_argument("--long", type=int, default=1200)
    parser.add_argument("--only", action="append", default=[], help="the cases whose name holds this")
    parser.add_argument("--preset", default="ultrafast", help="the encoder's; a slower one needs more memory itself")
    options = parser.parse_args()
    rows: list[Row] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = environment(folder)
        sizes = [Material(folder, frames) for frames in (options.short, options.long)]

        def peak(case: Case, material: Material) -> float:
            path = folder / "graph.json"
            path.write_text(json.dumps(case.graph(material, options.preset)))
            command = [VIDFLOW, "run", str(path), "--no-store", "--output-dir", str(folder / "out")]
            try:
                return usage(command, folder, settings)[2]
            finally:
                shutil.rmtree(folder / "out", ignore_errors=True)

        for case in CASES:
            if not any(part in case.name for part in options.only or [""]):
                continue
            graph = case.graph(sizes[0], options.preset)
            path = folder / "check.json"
            path.write_text(json.dumps(graph))
            seen |= types(graph)
            missing = problem(path, settings)
            if missing:
                print(f"{case.name:24} not there: {missing}", flush=True)
                rows.append(Row(case.name, float("nan"), BAR, "x"))
                continue
            try:
                few, many = (peak(case, material) for material in sizes)
                if many > BAR * few:
                    # What the threads hold at one moment is chance; what grows with the length is there every time.
                    many = min(many, peak(case, sizes[1]))
            except SystemExit as failed:
                print(f"{case.name:24} failed: {failed}", flush=True)
                rows.append(Row(case.name, float("nan"), BAR, "x"))
                continue
            print(f"{case.name:24} {few:7.0f} MB {many:7.0f} MB {many / few:7.3f}", flush=True)
            rows.append(Row(case.name, many / few, BAR, "x"))
        if not options.only:
            for type in sorted(pack(settings) - seen):
                print(f"{type:24} is in no case")
                rows.append(Row(type, float("nan"), BAR, "x"))
    print(f"\n{options.long} frames beside {options.short}, {os.cpu_count()} cores")
    report(rows)


if __name__ == "__main__":
    main()
