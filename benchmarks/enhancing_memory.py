"""Peak memory of `interpolate` x2 and `upscale` x2: a film ten times as long takes no more.

At 720p with the smallest networks, so that frames are what weighs; at 320x180 with those of the box, one after the
other. Films are saved without x264's looking ahead, for which it collects some sixty frames before it begins.
"""

from __future__ import annotations

import argparse
import json
import shutil
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
            peaks: list[float] = []
            for frames in (short, long):
                clip = film(folder, size, frames)
                nodes: dict[str, Any] = {"clip": {"type": "load_video", "inputs": {"path": str(clip)}}}
                for type, model in steps:
                    nodes[type] = {"type": type, "inputs": {"video": {"from": list(nodes)[-1]}, "model": model}}
                nodes["save"] = {
                    "type": "save_video",
                    "inputs": {"video": {"from": list(nodes)[-1]}, "path": "film.mp4"},
                }
                graph = folder / "graph.json"
                graph.write_text(json.dumps({"vidflow": 1, "nodes": nodes}))
                command = [VIDFLOW, "run", str(graph), "--no-store", "--output-dir", str(folder / "out")]
                peaks.append(usage(command, folder, settings)[2])
                shutil.rmtree(folder / "out", ignore_errors=True)
            print(f"{case:20} {peaks[0]:7.0f} MB {peaks[1]:7.0f} MB {peaks[1] / peaks[0]:7.3f}", flush=True)
            rows.append(Row(case, peaks[1] / peaks[0], BAR, "x"))
    report(rows)


if __name__ == "__main__":
    main()
