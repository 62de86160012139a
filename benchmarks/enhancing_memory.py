"""Peak memory of `interpolate` x2 and `upscale` x2: a film ten times as long takes no more.

At 720p with the smallest networks, so that frames are what weighs; at 320x180 with those of the box, one after the
other. Films are saved without x264's looking ahead, for which it collects some sixty frames before it begins. What a
process keeps differs from run to run, by some hundredths: so each film is made several times, in turn, and the medians
are compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from enhancing_speed import film
from graphs import VIDFLOW, environment
from measure import ROOT, Row, report
from streaming import usage

sys.path.insert(0, str(ROOT))
from tests.nodes.weights import small_esrgan, small_rife
from vidflow.models import esrgan, rife

BAR = 1.05
FILM = {"path": "film.mp4", "preset": "ultrafast"}
SMALLEST = rife.Layout((8, 8, 8, 8), "residual", 24, head="named", hidden=4, features=2)


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="the cases whose name holds this")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each film (default %(default)s)")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = environment(folder)
        smallest = {
            "interpolate": str(small_rife(folder, SMALLEST)),
            "upscale": str(small_esrgan(folder, esrgan.Layout("compact", 2, 8, 1))),
        }
        cases = [
            ("interpolate 720p", "1280x720", 60, 600, [("interpolate", smallest["interpolate"])]),
            ("upscale 720p", "1280x720", 60, 600, [("upscale", smallest["upscale"])]),
            ("both 320x180", "320x180", 30, 120, [("interpolate", "rife-small"), ("upscale", "esrgan-small-x2")]),
        ]
        for case, size, short, long, steps in cases:
            if not any(part in case for part in options.only or [""]):
                continue
            clips = {frames: film(_new(folder / str(frames)), size, frames) for frames in (short, long)}
            peaks: dict[int, list[float]] = {frames: [] for frames in clips}
            for frames in (short, long) * options.rounds:
                nodes: dict[str, Any] = {"clip": {"type": "load_video", "inputs": {"path": str(clips[frames])}}}
                for type, model in steps:
                    nodes[type] = {"type": type, "inputs": {"video": {"from": list(nodes)[-1]}, "model": model}}
                nodes["save"] = {"type": "save_video", "inputs": {**FILM, "video": {"from": list(nodes)[-1]}}}
                graph = folder / "graph.json"
                graph.write_text(json.dumps({"vidflow": 1, "nodes": nodes}))
                command = [VIDFLOW, "run", str(graph), "--no-store", "--output-dir", str(folder / "out")]
                peaks[frames].append(usage(command, folder, settings)[2])
                shutil.rmtree(folder / "out", ignore_errors=True)
            for frames, found in peaks.items():
                print(f"{case:20} {frames:4} frames, MB: {' '.join(f'{peak:.0f}' for peak in found)}", flush=True)
            middle = {frames: statistics.median(found) for frames, found in peaks.items()}
            rows.append(Row(case, middle[long] / middle[short], BAR, "x"))
    report(rows)


def _new(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
