"""Stands in for nodes that need models: the same shapes of node, without torch, and slow where those are slow."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from fractions import Fraction
from typing import Annotated

import numpy as np

from vidflow.api import (
    Frame,
    Frame8,
    Frames,
    Image,
    Latents,
    Model,
    NodeError,
    Number,
    OutputFile,
    Report,
    Run,
    Video,
    VideoInfo,
    node,
)

made: dict[str, int] = {}
"""How many frames or results each kind of node has made in this process."""
_lock = threading.Lock()
_path = os.environ.get("VIDFLOW_LAB_LOG")
_log = os.open(_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if _path else None
"""A file that counts what several processes make, killed ones too: a line `NAME NUMBER` for each call of `count`."""


def count(name: str, by: int = 1) -> None:
    """Note that something was made."""
    with _lock:
        made[name] = made.get(name, 0) + by
    if _log is not None:
        os.write(_log, f"{name} {by}\n".encode())


@node(title="Add", category="Lab")
def add(*, value: int = 0, plus: int = 1) -> int:
    """An int to an int."""
    return value + plus


@node(title="Bars", category="Lab")
def bars(
    *, frames: int = 24, width: int = 64, height: int = 48, seed: int = 0, rate: int = 24, deep: bool = False
) -> Video:
    """Frames made of nothing: each is its own function of the seed and its number."""

    class Reader:
        def read(self, start: int, stop: int) -> Frames:
            count("bars", stop - start)
            return Frames([picture(seed, index, width, height, deep) for index in range(start, stop)])

        def close(self) -> None:
            pass

    info = VideoInfo(width, height, Fraction(rate), frames, "float32" if deep else "uint8")
    return Video.from_source(info, Reader)


def picture(seed: int, index: int, width: int, height: int, deep: bool = False) -> np.ndarray:
    """Frame `index` of `bars`."""
    x = np.arange(width)[None, :, None] + np.zeros((height, 1, 1), int)
    y = np.arange(height)[:, None, None]
    c = np.arange(3)[None, None, :]
    whole = (x * 3 + y * 5 + index * 7 + seed * 11 + c * 40) % 256
    return (whole / np.float32(255)).astype(np.float32) if deep else whole.astype(np.uint8)


@node(title="Tint on the GPU", category="Lab", lane="gpu")
def gpu_tint(frame: Frame8, *, by: int = 1, seconds: float = 0.0) -> Frame8:
    """A frame node of the GPU lane."""
    count("gpu_tint")
    if seconds:
        time.sleep(seconds)
    return frame + np.uint8(by)


@node(title="Tint", category="Lab")
def tint(frame: Frame8, *, by: int = 1, seconds: float = 0.0) -> Frame8:
    """A frame node of the CPU lane."""
    count("tint")
    if seconds:
        time.sleep(seconds)
    return frame + np.uint8(by)


@node(title="Same", category="Lab")
def same(frame: Frame) -> Frame:
    """Nothing, to measure what everything else costs."""
    return frame


@node(title="Dream", category="Lab", lane="gpu", dear=True)
def dream(frame: Frame8 | Frame, *, seconds: float = 0.0, fail_at: int = -1) -> Frame8 | Frame:
    """A dear frame node of the GPU lane."""
    count("dream")
    if seconds:
        time.sleep(seconds)
    return frame[::-1].copy()


@node(title="Neighbours", category="Lab", lane="gpu")
def neighbours(video: Video) -> Video:
    """A temporal node: twice the frames, those between made of two."""
    last = video.info.frames - 1

    def needs(k: int) -> tuple[int, ...]:
        return (k // 2,) if k % 2 == 0 else (k // 2, min(k // 2 + 1, last))

    def make(frames: list[np.ndarray], k: int) -> np.ndarray:
        count("neighbours")
        if len(frames) == 1:
            return frames[0]
        if frames[0].dtype == np.uint8:
            return ((frames[0].astype(np.uint16) + frames[1]) // 2).astype(np.uint8)
        return (frames[0] + frames[1]) / 2

    info = replace(video.info, rate=video.info.rate * 2, frames=video.info.frames * 2)
    return video.resample(make, needs, info, video.audio)


@node(title="Difference", category="Lab")
def difference(a: Video, b: Video) -> Video:
    """A join of two branches."""
    frames = min(a.info.frames, b.info.frames)

    def make(pair: list[np.ndarray], k: int) -> np.ndarray:
        return pair[0] ^ pair[1]

    return Video.joined([a, b]).resample(make, lambda k: (k, a.info.frames + k), replace(a.info, frames=frames))


@node(title="Load lab model", category="Lab", lane="gpu")
def load_lab(*, name: str = "small", seconds: float = 0.0, run: Run) -> Model:
    """A loader that can be cancelled."""
    count("load_lab")
    for k in range(20):
        time.sleep(seconds / 20)
        run.step(k + 1, 20)
    return Model("lab", name)


@node(title="Sample", category="Lab", lane="gpu")
def sample_lab(model: Model, *, seed: int = 0, steps: int = 50, seconds: float = 0.0, run: Run) -> Latents:
    """A sampler of fifty steps with previews."""
    generator = np.random.default_rng(seed)
    latents = generator.standard_normal((1, 4, 8, 6, 8), dtype=np.float32)
    for k in range(steps):
        count("sample_lab")
        time.sleep(seconds / steps)
        latents = latents * np.float32(0.98)
        preview = np.clip(latents[0, :3, 0].transpose(1, 2, 0) * 40 + 128, 0, 255).astype(np.uint8)
        run.step(k + 1, steps, preview)
    return Latents(latents, {"model": model.name})


@node(title="Decode", category="Lab", lane="gpu", dear=True)
def decode_lab(latents: Latents, *, rate: int = 8) -> Video:
    """Latents to a video."""
    count("decode_lab")
    block = np.clip(latents.tensor[0, :3].transpose(1, 2, 3, 0) * 60 + 128, 0, 255).astype(np.uint8)
    return Video.from_array(np.repeat(np.repeat(block, 8, 1), 8, 2), rate)


@node(title="Brightness", category="Lab")
def brightness(video: Video) -> Report:
    """Reads a whole video."""
    count("brightness")
    means = [float(frame.mean()) for frames in video.read() for frame in frames]
    return Report({"mean": sum(means) / len(means), "frames": len(means)})


@node(title="First frame", category="Lab")
def first_frame(video: Video) -> Image:
    """The first frame as an image."""
    return Image.from_frame(video.frame(0))


@node(title="Brightest", category="Lab")
def brightest(image: Image) -> int:
    """A plain value from an image."""
    return int(image.numpy().max())


@node(title="Nap", category="Lab")
def nap(*, seconds: Annotated[float, Number(0)] = 30.0) -> int:
    """Sleeps in a single piece."""
    time.sleep(seconds)
    return 1


@node(title="Steps", category="Lab")
def steps(*, count: int = 300, seconds: float = 0.1, run: Run) -> int:
    """Calls `run.step` again and again."""
    for k in range(count):
        time.sleep(seconds)
        run.step(k + 1, count)
    return count


@node(title="Fail", category="Lab")
def fail(*, value: int = 0, message: str = "it went wrong") -> int:
    """Fails."""
    raise NodeError(message)


@node(title="Fail at a frame", category="Lab")
def fail_at(frame: Frame8, *, level: int = 0) -> Frame8:
    """Fails at the first frame whose first value is `level`."""
    if int(frame[0, 0, 0]) == level:
        raise ValueError("cannot do this frame")
    return frame


@node(title="Dump", category="Lab", sink=True)
def dump(video: Video, *, path: Annotated[str, OutputFile((".raw",))], seconds: float = 0.0, run: Run) -> str:
    """Raw frames into a file, slowly where asked."""
    with run.output(path) as target, target.open("wb") as file:
        for frames in video.read():
            for frame in frames:
                if seconds:
                    time.sleep(seconds)
                file.write(np.ascontiguousarray(frame).tobytes())
    return path


@node(title="Write number", category="Lab", sink=True)
def write_number(*, value: int, path: Annotated[str, OutputFile((".txt",))], run: Run) -> str:
    """A number into a file."""
    with run.output(path) as target:
        target.write_text(str(value), "utf-8")
    return path


@node(title="Drop", category="Lab", sink=True)
def drop(*, value: int) -> None:
    """A sink without a file."""
    count("drop")


@node(title="First frames", category="Lab")
def first_frames(video: Video, *, stop: int = 1) -> int:
    """Reads a whole video, and leaves after `stop` frames."""
    seen = 0
    for frames in video.read():
        seen += len(frames)
        if seen >= stop:
            break
    return seen


@node(title="Masked", category="Lab", lane="gpu")
def masked(video: Video, picture: Image) -> Video:
    """Reads its second input while it makes a frame of the first, which is on a lane."""
    return video.map(lambda frame: frame & picture.numpy())


@node(title="Less its mean", category="Lab", lane="gpu")
def less_mean(video: Video, reference: Video, *, run: Run) -> Video:
    """Prepares a statistic from a whole video at the first frame."""

    def mean() -> float:
        count("statistics")
        return float(np.mean([frame.mean() for frames in reference.read() for frame in frames]))

    return video.map(lambda frame: (frame * (run.kept("mean", mean) / 255)).astype(np.uint8))


@node(title="Large latents", category="Lab", lane="gpu")
def large_latents(*, seed: int = 0) -> Latents:
    """Latents that do not fit in the index."""
    count("large_latents")
    return Latents(np.random.default_rng(seed).standard_normal((1, 4, 8, 64, 64), dtype=np.float32))


@node(title="Mean of latents", category="Lab")
def latents_mean(latents: Latents, *, add: float = 0.0) -> float:
    """Reads latents."""
    return float(latents.tensor.mean()) + add
