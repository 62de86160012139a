"""720p to 1440p to h264, beside ffmpeg with the same scaler and encoder settings, in turn, in one run."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Row, report

_CHILD = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
with open(sys.argv[1] + ".log", "w") as log:
    code = subprocess.run(sys.argv[2:], stdout=log, stderr=log).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
found = [code, used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024]
json.dump(found, open(sys.argv[1], "w"))
"""
"""A process of its own, so that its children are those of one command only."""


def usage(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak memory in MiB of a process and what it starts."""
    out = folder / "usage.json"
    subprocess.run([sys.executable, "-c", _CHILD, str(out), *command], check=True, cwd=folder, env=environment)
    code, cpu, wall, memory = json.loads(out.read_text())
    if code:
        raise SystemExit(f"{' '.join(command)} failed: {Path(f'{out}.log').read_text()[-2000:]}")
    return cpu, wall, memory


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=480)
    parser.add_argument("--long", type=int, default=1920, help="0 leaves the long run out")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    media = Path(os.environ.get("VIDFLOW_MEDIA", ROOT.parent / "shared" / "media")) / "bigbuckbunny.mp4"
    source = media if media.exists() else ROOT / "resources" / "media" / "sea.mp4"
    vidflow = str(Path(sys.executable).with_name("vidflow"))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips: dict[int, Path] = {}
        for count in filter(None, (options.frames, options.long)):
            clips[count] = folder / f"{count}.mp4"
            command = f"ffmpeg -v error -stream_loop -1 -i {source} -an -frames:v {count} -vf scale=1280:720"
            subprocess.run([*f"{command} -c:v libx264 -preset veryfast -crf 18".split(), str(clips[count])], check=True)
        environment = {**os.environ, "VIDFLOW_STORE": str(folder / "store")}

        def ffmpeg(count: int) -> list[str]:
            command = f"ffmpeg -y -v error -i {clips[count]} -vf scale=2560:1440:flags=bilinear"
            return f"{command} -c:v libx264 -crf 18 -preset medium ffmpeg.mp4".split()

        def ours(count: int, *more: str) -> list[str]:
            graph = {
                "vidflow": 1,
                "nodes": {
                    "clip": {"type": "load_video", "inputs": {"path": str(clips[count])}},
                    "large": {
                        "type": "resize",
                        "inputs": {"video": {"from": "clip"}, "width": 2560, "height": 1440, "filter": "bilinear"},
                    },
                    "save": {"type": "save_video", "inputs": {"video": {"from": "large"}, "path": "ours.mp4"}},
                },
            }
            path = folder / "graph.json"
            path.write_text(json.dumps(graph))
            shutil.rmtree(folder / "store", ignore_errors=True)
            shutil.rmtree(folder / "outputs", ignore_errors=True)
            return [vidflow, "run", str(path), *more]

        best: dict[str, tuple[float, float, float]] = {}

        def keep(name: str, found: tuple[float, float, float]) -> None:
            old = best.get(name, found)
            best[name] = (min(old[0], found[0]), min(old[1], found[1]), min(old[2], found[2]))
            print(f"{name:12} {found[0]:7.1f} s CPU {found[1]:7.1f} s wall {found[2]:7.0f} MiB", flush=True)

        for _ in range(options.rounds):
            keep("ffmpeg", usage(ffmpeg(options.frames), folder))
            keep("no store", usage(ours(options.frames, "--no-store"), folder, environment))
            keep("store", usage(ours(options.frames), folder, environment))
        base = best["ffmpeg"]
        for name, bar in (("no store", 1.3), ("store", 1.4)):
            rows += [
                Row(f"{name}: CPU beside ffmpeg", best[name][0] / base[0], bar, "x"),
                Row(f"{name}: wall beside ffmpeg", best[name][1] / base[1], bar, "x"),
                Row(f"{name}: peak memory beside ffmpeg", best[name][2] / base[2], 1.5 if bar == 1.3 else None, "x"),
            ]
        if options.long:
            for name, more in (("no store", ["--no-store"]), ("store", [])):
                long = usage(ours(options.long, *more), folder, environment)
                print(
                    f"{name}, {options.long} frames: {long[0]:.1f} s CPU, {long[1]:.1f} s wall, {long[2]:.0f} MiB",
                    flush=True,
                )
                rows.append(
                    Row(
                        f"{name}: memory, {options.long} frames beside {options.frames}",
                        long[2] / best[name][2],
                        1.05,
                        "x",
                    )
                )
    print(f"this process used {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB itself")
    report(rows)


if __name__ == "__main__":
    main()
