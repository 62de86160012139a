"""How near the networks in the box come to real frames, beside what is done without a network.

Interpolation: every second frame is left out and made again from its two neighbours. Upscaling: frames are halved and
enlarged again, once as they are and once compressed in between. PSNR is that of RGB and SSIM that of the luma, both as
means over the frames; time is of the CPU.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from colour import MEDIA, frames_of
from measure import Row, report

from nodes.warping import Flow
from vidflow.api import media
from vidflow.models.interpolation import Interpolator
from vidflow.models.upscaling import Upscaler
from vidflow.places import resource
from vidflow.values.frames import arrived

GAINS = {"bigbuckbunny.mp4": 1.2, "bikes.mp4": 0.6}
"""By clip: dB by which the network has to enlarge better than bicubic does."""
GAIN_COMPRESSED = 0.3
"""The same for compressed frames."""
RGB = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
CUT = 30
"""Of 255: frames whose thumbnails differ more than that are on two sides of a cut. In these clips cuts differ by 51 and
more, frames of one scene by 20 at most."""
SETTLING = 8
"""Frames that minterpolate needs beyond the last that is wanted."""
LOOKS, SIDE, ZOOM = 3, 128, 3
"""How many frames of each clip to look at; how many pixels of their sides; how large."""


class Made(NamedTuple):
    """Frames, and the CPU seconds that one took."""

    frames: Sequence[np.ndarray]
    seconds: float


def cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


def each(make: Callable[[Any], np.ndarray], given: Sequence[Any]) -> Made:
    """What `make` makes of each."""
    began = cpu()
    frames = [make(one) for one in given]
    return Made(frames, (cpu() - began) / len(frames))


def ffmpeg(*given: str, data: bytes = b"") -> bytes:
    """What ffmpeg writes, on one thread."""
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-filter_threads", "1", *given, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def raw(frames: np.ndarray) -> list[str]:
    """The options that tell ffmpeg what the bytes of frames are."""
    return [*RGB, "-s", f"{frames.shape[2]}x{frames.shape[1]}", "-r", "25", "-i", "-"]


def filtered(source: Sequence[str], before: str, last: str, data: bytes = b"") -> tuple[np.ndarray, float]:
    """The bytes that ffmpeg makes with two filters, and the CPU seconds that it takes for the last."""
    clock, found = [cpu()], b""
    for chain in (before, f"{before},{last}"):
        found = ffmpeg(*source, "-an", "-vf", chain, "-fps_mode", "passthrough", *RGB, data=data)
        clock.append(cpu())
    return np.frombuffer(found, np.uint8), max(0.0, (clock[2] - clock[1]) - (clock[1] - clock[0]))


def scaled(frames: np.ndarray, width: int, height: int, flags: str) -> Made:
    """By the filter `scale` of ffmpeg, in RGB."""
    scale = f"scale={width}:{height}:flags={flags}"
    made, seconds = filtered(raw(frames), "null", scale, frames.tobytes())
    return Made(list(made.reshape(-1, height, width, 3)), seconds / len(frames))


def compressed(frames: np.ndarray) -> np.ndarray:
    """What is left of the frames after x264 at CRF 18, which is the quality that `save_video` has of itself."""
    options = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-f", "matroska"]
    packed = ffmpeg(*raw(frames), *options, data=frames.tobytes())
    return np.frombuffer(ffmpeg("-i", "-", *RGB, data=packed), np.uint8).reshape(frames.shape)


def compensated(path: Path, frames: np.ndarray, at: Sequence[int]) -> Made:
    """By the filter `minterpolate` of ffmpeg, of the even frames as they are in the file, in its own colours."""
    rate = media.open_video(path).info.rate
    even = rf"select=not(mod(n\,2))*lt(n\,{len(frames) + SETTLING}),setpts=N*2/({rate}*TB)"
    made, seconds = filtered(["-i", str(path)], even, f"minterpolate=fps={rate}:mi_mode=mci")
    made = made.reshape(-1, *frames.shape[1:])
    if len(made) <= at[-1] or not all(np.array_equal(made[k - 1], frames[k - 1]) for k in at):
        raise SystemExit(
            f"minterpolate gives too few frames, or changes its own: try fewer --frames than {len(frames)}"
        )
    return Made([made[k] for k in at], seconds / (len(made) / 2))


def averaged(frames: np.ndarray, k: int) -> np.ndarray:
    """The mean of the neighbours of frame `k`."""
    return cv2.addWeighted(frames[k - 1], 0.5, frames[k + 1], 0.5, 0)


def warped(frames: np.ndarray, far: bool, k: int) -> np.ndarray:
    """The neighbours of frame `k`, fetched half-way along the flow between them and blended.

    The flow is DIS's (Kroeger et al., 2016). What it is half-way is not known: in its place a neighbour's own to the
    other is used, or with `far` the other's to it, turned.
    """
    pair = frames[k - 1], frames[k + 1]
    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    a, b = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in pair)
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in a.shape[::-1])), -1)
    there, back = flow.calc(a, b, None), flow.calc(b, a, None)
    places = (grid + back / 2, grid + there / 2) if far else (grid - there / 2, grid - back / 2)
    halves = [
        cv2.remap(frame, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for frame, at in zip(pair, places, strict=True)
    ]
    return cv2.addWeighted(halves[0], 0.5, halves[1], 0.5, 0)


def believed(frames: np.ndarray, k: int) -> np.ndarray:
    """Frame `k` from its neighbours, as `interpolate` makes it without a network."""
    return Flow().between((frames[k - 1], frames[k + 1]), (k - 1, k + 1), 0.5)


def between(net: Interpolator, frames: np.ndarray, k: int) -> np.ndarray:
    """Frame `k` from its neighbours, by the network."""
    return arrived(net.between((frames[k - 1], frames[k + 1]), (k - 1, k + 1), 0.5))


def is_there(path: Path) -> bool:
    """Whether there is a network; said aloud where not."""
    if not path.is_file():
        print(f"{path} is not there: its rows are left out, and no bar is held against it")
    return path.is_file()


def psnr(made: np.ndarray, true: np.ndarray) -> float:
    """In dB, over all channels."""
    error = float(np.square(made.astype(np.float32) - true).mean())
    return 10 * np.log10(255**2 / max(error, 1e-9))


def ssim(made: np.ndarray, true: np.ndarray) -> float:
    """Of the luma, with a Gaussian window of 1.5 pixels, without the edge (Wang et al., 2004)."""
    a, b = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in (made, true))

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(plane, (11, 11), 1.5)[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * ma * mb + one) * (2 * both + two) / ((ma * ma + mb * mb + one) * (va + vb + two))).mean())


def table(title: str, true: Sequence[np.ndarray], made: dict[str, Made]) -> dict[str, tuple[float, float]]:
    """PSNR and SSIM of each, printed."""
    print(f"\n{title}\n{'':26}{'PSNR, dB':>10}{'SSIM':>9}{'CPU s/frame':>13}")
    found: dict[str, tuple[float, float]] = {}
    for name, (frames, seconds) in made.items():
        pairs = list(zip(frames, true, strict=True))
        found[name] = float(np.mean([psnr(*pair) for pair in pairs])), float(np.mean([ssim(*pair) for pair in pairs]))
        print(f"  {name:24}{found[name][0]:10.2f}{found[name][1]:9.4f}{seconds:13.3f}", flush=True)
    return found


def look(path: Path, true: Sequence[np.ndarray], made: dict[str, Made], names: tuple[str, str]) -> None:
    """Where the first of `names` is most wrong: the true frame, each that was made, and the last's error fourfold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for i in (len(true) * (2 * number + 1) // (2 * LOOKS) for number in range(LOOKS)):
        shown = [true[i], *(made[name].frames[i] for name in names if name in made)]
        shown.append(cv2.convertScaleAbs(cv2.absdiff(shown[-1], true[i]), alpha=4))
        wrong = cv2.blur(cv2.absdiff(shown[1], true[i]).max(2), (SIDE, SIDE))
        inner = wrong[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2]
        top, left = np.unravel_index(inner.argmax(), inner.shape)
        row = np.hstack([one[top : top + SIDE, left : left + SIDE] for one in shown])
        large = cv2.resize(row, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(f"{path}-{i}.png", cv2.cvtColor(large, cv2.COLOR_RGB2BGR))


def interpolation(given: argparse.Namespace) -> list[Row]:
    """The first table, and how it stands to the bars."""
    net = Interpolator(given.rife, "cpu", "auto", None, ensemble=False) if is_there(given.rife) else None
    rows: list[Row] = []
    for clip in GAINS:
        frames = frames_of(MEDIA / clip, given.frames)
        small = [cv2.resize(one, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32) for one in frames]
        cuts = {k for k in range(1, len(frames)) if np.abs(small[k] - small[k - 1]).mean() > CUT}
        odd = range(1, len(frames) - 1, 2)
        at = [k for k in odd if not cuts & {k, k + 1}][:: given.every]
        made = {
            "averaging": each(partial(averaged, frames), at),
            "minterpolate mci": compensated(MEDIA / clip, frames, at),
            "DIS": each(partial(warped, frames, False), at),
        }
        others = tuple(made)
        made["DIS, far flow (no bar)"] = each(partial(warped, frames, True), at)
        made["model: flow (no bar)"] = each(partial(believed, frames), at)
        if net:
            made["network"] = each(partial(between, net, frames), at)
        left = ", ".join(f"{k - 1} and {k + 1}" for k in odd if cuts & {k, k + 1}) or "none"
        true = [frames[k] for k in at]
        found = table(f"Interpolation of {clip}, {len(at)} frames; pairs left out over a cut: {left}", true, made)
        if net:
            for i, (what, unit) in enumerate((("PSNR", "dB"), ("SSIM", ""))):
                short = max(found[name][i] for name in others) - found["network"][i]
                rows.append(Row(f"{clip}, {what}: the best without a network beyond it", short, 0, unit))
        if given.look:
            look(given.look / f"interpolation-{Path(clip).stem}", true, made, ("averaging", "network"))
    return rows


def upscaling(given: argparse.Namespace) -> list[Row]:
    """The second table, and how it stands to the bars."""
    net = Upscaler(given.esrgan, "cpu", "auto", None) if is_there(given.esrgan) else None
    rows: list[Row] = []
    for clip, gain in GAINS.items():
        frames = frames_of(MEDIA / clip, given.frames)
        height, width = frames.shape[1:3]
        halved = np.asarray(scaled(frames, width // 2, height // 2, "bicubic").frames)
        true = list(frames[:: given.every])
        for how, small, bar in (("halved", halved, gain), ("compressed", compressed(halved), GAIN_COMPRESSED)):
            some = list(small[:: given.every])
            made = {name: scaled(np.stack(some), width, height, name) for name in ("bicubic", "lanczos")}
            if net:
                made["network"] = each(lambda one: arrived(net.enlarged(one, 1, lambda k, n: None)), some)
            found = table(f"Upscaling of {clip}, {len(true)} frames, {how}", true, made)
            if net:
                short = found["bicubic"][0] - found["network"][0]
                rows.append(Row(f"{clip}, {how}: bicubic beyond the network", short, -bar, "dB"))
            if given.look:
                look(given.look / f"upscaling-{how}-{Path(clip).stem}", true, made, ("bicubic", "network"))
    return rows


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rife", type=Path, default=resource("models/rife-small/model.safetensors"))
    parser.add_argument("--esrgan", type=Path, default=resource("models/esrgan-small-x2/model.safetensors"))
    parser.add_argument("--frames", type=int, default=121, help="of each clip (default %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="measure one in so many, for a quick look")
    parser.add_argument("--only", choices=("interpolation", "upscaling"))
    parser.add_argument("--look", type=Path, help="write parts of some frames side by side into this folder")
    given = parser.parse_args()
    if absent := [clip for clip in GAINS if not (MEDIA / clip).exists()]:
        raise SystemExit(f"{MEDIA} has no {' and no '.join(absent)}: set VIDFLOW_MEDIA")
    cv2.setNumThreads(torch.get_num_threads())
    rows: list[Row] = []
    for name, measured in (("interpolation", interpolation), ("upscaling", upscaling)):
        rows += measured(given) if given.only in (None, name) else []
    print()
    if rows:
        report(rows)


if __name__ == "__main__":
    main()
