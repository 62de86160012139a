"""`interpolate` x2 and `upscale` x2 beside the same networks, plain and eager, called in a loop on decoded
frames: in turn, in one run. On a GPU also what fraction of its arithmetic that is.

Both read the same film and make the same frames, which nothing writes. The plain loop is what a script would do:
decode, to a tensor, through the network with both frames, to an array again.
"""

from __future__ import annotations

import argparse
import copy
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import torch
from measure import ROOT, Row, report
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import vidflow
from vidflow.models import networks
from vidflow.models.transfers import as_frame, as_tensor
from vidflow.values.frames import arrived


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x360", help="of the film (default %(default)s; 1920x1080 on a GPU)")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rife", default="rife-small")
    parser.add_argument("--esrgan", default="esrgan-small-x2")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        clip = film(Path(name), given.size, given.frames)
        tasks: tuple[tuple[networks.Task, str, str], ...] = (
            ("interpolation", "interpolate", given.rife),
            ("upscaling", "upscale", given.esrgan),
        )
        for task, type, model in tasks:
            made = given.frames * 2 if task == "interpolation" else given.frames
            best: dict[str, float] = {}
            with ExitStack() as stack:
                # Each way in a process of its own, which waits while another has its turn.
                pools = {way: stack.enter_context(_process()) for way in ("ours", *_dtypes(given.device))}
                for number in range(given.rounds):
                    for way, pool in pools.items():
                        count, seconds = pool.submit(_timed, way, task, type, model, clip, given.device).result()
                        assert count == made, f"{way} made {count} frames, expected {made}"
                        best[way] = min(best.get(way, seconds), seconds)
                        print(f"{type} round {number + 1} {way:16} {made / seconds:8.2f} frames/s", flush=True)
            rows += [Row(f"{type}: beside {way}", best["ours"] / seconds, 1.0, "x") for way, seconds in best.items()][
                1:
            ]
            rows.append(Row(f"{type}: frames/s", made / best["ours"], None))
            if given.device != "cpu":
                floor = _operations(task, model, given) / _peak(given.device)
                rows.append(Row(f"{type}: of the arithmetic floor", floor / best["ours"], None))
    print(f"\n{given.size}, {given.frames} frames, {given.device}, {os.cpu_count()} cores")
    report(rows)


def film(folder: Path, size: str, frames: int) -> Path:
    """Frames of the clip in the box at this size, as H.264."""
    source, path = ROOT / "resources" / "media" / "sea.mp4", folder / "film.mp4"
    command = (
        f"ffmpeg -y -v error -stream_loop -1 -i {source} -an -frames:v {frames} -vf scale={size.replace('x', ':')}"
    )
    subprocess.run([*f"{command} -c:v libx264 -preset veryfast -crf 18".split(), str(path)], check=True)
    return path


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _timed(way: str, task: networks.Task, type: str, model: str, clip: Path, device: str) -> tuple[int, float]:
    """How many frames are made this way, in how many seconds."""
    began = time.perf_counter()
    count = _ours(type, model, clip, device) if way == "ours" else _plain(task, model, clip, device, way)
    return count, time.perf_counter() - began


def _dtypes(device: str) -> list[str]:
    return ["float32"] if device == "cpu" else ["float32", "float16"]


def _ours(type: str, model: str, clip: Path, device: str) -> int:
    """All frames of the node's video, made by the engine with nothing kept from before."""
    nodes = {
        "clip": {"type": "load_video", "inputs": {"path": str(clip)}},
        "it": {"type": type, "inputs": {"video": {"from": "clip"}, "model": model}},
    }
    engine = vidflow.Engine(private=True, device=device)
    try:
        with engine.open({"vidflow": 1, "nodes": nodes}, "it") as opened:
            count = opened.value().info.frames
            return sum(len(run.numpy()) for run in opened.read(0, count))
    finally:
        engine.close()


def _plain(task: networks.Task, model: str, clip: Path, device: str, dtype: str) -> int:
    count = 0
    with _net(task, model, device, dtype) as net, torch.inference_mode():
        before: Any = None
        for frame in _decoded(clip):
            if task == "upscaling":
                arrived(as_frame(net(as_tensor(frame, device, dtype)), frame.dtype))
                count += 1
                continue
            if before is not None:
                arrived(as_frame(_middle(net, before, frame, device, dtype), frame.dtype))
                count += 1
            before, count = frame, count + 1
    # The last frame is held, which costs nothing.
    return count + (task == "interpolation")


def _middle(net: Any, first: Any, second: Any, device: str, dtype: str) -> torch.Tensor:
    height, width = first.shape[:2]
    multiple = net.layout.multiple
    padding = 0, -width % multiple, 0, -height % multiple
    pair = [functional.pad(as_tensor(one, device, dtype), padding) for one in (first, second)]
    moment = torch.full((1, 1, 1, 1), 0.5, device=pair[0].device, dtype=pair[0].dtype)
    return net(*pair, moment)[..., :height, :width]


@contextmanager
def _net(task: networks.Task, model: str, device: str, dtype: str) -> Iterator[Any]:
    """The network as a script would have it: in the layout that modules have of themselves."""
    with networks.opened(task, networks.weights_of(model), device, dtype) as found:
        net: Any = found
        yield copy.deepcopy(net).to(memory_format=torch.contiguous_format)


def _decoded(clip: Path) -> Iterator[Any]:
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _operations(task: networks.Task, model: str, given: argparse.Namespace) -> float:
    """Multiplications and additions of the whole film."""
    width, height = map(int, given.size.split("x"))
    with (
        _net(task, model, given.device, "float16") as net,
        torch.inference_mode(),
        FlopCounterMode(display=False) as flops,
    ):
        frame = torch.rand(height, width, 3).numpy()
        if task == "upscaling":
            net(as_tensor(frame, given.device, "float16"))
        else:
            _middle(net, frame, frame, given.device, "float16")
    return flops.get_total_flops() * (given.frames - (task == "interpolation"))


def _peak(device: str) -> float:
    """Operations a second of large products of matrices in half precision: what the GPU really gives."""
    a, b = (torch.rand(8192, 8192, device=device, dtype=torch.float16) for _ in range(2))
    c = a @ b
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(20):
        torch.mm(a, b, out=c)
    torch.cuda.synchronize()
    return 20 * 2 * 8192**3 / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
