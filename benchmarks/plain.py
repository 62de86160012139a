"""What a script of PyAV and OpenCV does in place of a node that ffmpeg has no filter for, in the shortest way."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream


def frames(path: str) -> Iterator[VideoFrame]:
    """The pictures of a video, decoded on as many threads as there are cores."""
    with av.open(path) as file:
        file.streams.video[0].thread_type = "AUTO"
        yield from file.decode(video=0)


def encode(pictures: Iterator[VideoFrame], path: str, codec: str, options: dict[str, object]) -> None:
    """Write `pictures` as video, without sound."""
    first = next(pictures)
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=Fraction(24))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.options = first.width, first.height, "yuv420p", options
        stream.codec_context.thread_type, stream.codec_context.thread_count = "AUTO", 0

        def write(picture: VideoFrame, number: int) -> None:
            picture.pts, picture.time_base = number, Fraction(1, 24)
            # The decoder's choice of kinds would bind the encoder.
            picture.pict_type = PictureType.NONE
            out.mux(stream.encode(picture))

        write(first, 0)
        for number, picture in enumerate(pictures, 1):
            write(picture, number)
        out.mux(stream.encode())


def statistics(path: str) -> tuple[Any, Any]:
    """Mean and standard deviation in 8-bit Lab, of every tenth part of a clip."""
    with av.open(path) as file:
        step = max(1, file.streams.video[0].frames // 10)
    means: list[Any] = []
    spreads: list[Any] = []
    for number, picture in enumerate(frames(path)):
        if number % step == 0:
            lab = cv2.cvtColor(picture.to_ndarray(format="rgb24"), cv2.COLOR_RGB2LAB)
            mean, spread = cv2.meanStdDev(lab)
            means.append(mean[:, 0])
            spreads.append(spread[:, 0])
    return np.mean(means, axis=0), np.mean(spreads, axis=0)


def harmonise(options: argparse.Namespace) -> None:
    """Reinhard's transfer (Reinhard, Ashikhmin, Gooch and Shirley 2001) as it is written down, in float32."""
    video, reference = options.files
    mean, spread = statistics(video)
    goal_mean, goal_spread = statistics(reference)
    scale = (goal_spread / (spread + 1e-8)).astype(np.float32)
    mean, goal_mean = mean.astype(np.float32), goal_mean.astype(np.float32)

    def transferred() -> Iterator[VideoFrame]:
        for picture in frames(video):
            lab = cv2.cvtColor(picture.to_ndarray(format="rgb24"), cv2.COLOR_RGB2LAB).astype(np.float32)
            moved = np.clip((lab - mean) * scale + goal_mean, 0, 255).astype(np.uint8)
            yield VideoFrame.from_ndarray(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB), format="rgb24")

    settings: dict[str, object] = {"preset": options.preset, "crf": "18"}
    encode(transferred(), options.out, "libx264", settings)


def score(options: argparse.Namespace) -> None:
    """Differences and Farneback flow of each pair of frames (Farneback 2003), at a long side of 512."""
    (video,) = options.files
    differences: list[float] = []
    flows: list[float] = []
    last: tuple[Any, Any] | None = None
    for picture in frames(video):
        frame = picture.to_ndarray(format="bgr24")
        size = (512, round(frame.shape[0] * 512 / frame.shape[1]))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        if last is not None:
            differences.append(float(cv2.absdiff(frame, last[0]).mean()))
            flow = cv2.calcOpticalFlowFarneback(last[1], grey, np.empty(0), 0.5, 3, 15, 3, 5, 1.2, 0)
            flows.append(float(cv2.magnitude(flow[..., 0], flow[..., 1]).mean()))
        last = frame, grey
    far = np.abs(np.array(differences) - np.mean(differences)) > 2 * np.std(differences)
    steady = 1 - np.std(flows) / (np.mean(flows) + 1e-8)
    Path(options.out).write_text(json.dumps([1 - float(far.mean()), float(np.clip(steady, 0, 1))]))


def encoded(options: argparse.Namespace) -> None:
    """A clip encoded by this FFmpeg's own libraries: those of another version have other presets."""
    (video,) = options.files
    settings: dict[str, object] = dict(pair.split("=", 1) for pair in options.option)
    encode(frames(video), options.out, options.codec, settings)


def main() -> None:
    """Do one of them."""
    tasks: dict[str, Callable[[argparse.Namespace], None]] = {
        "harmonise": harmonise,
        "score": score,
        "encode": encoded,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=tasks)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--codec", default="libx264")
    parser.add_argument("--option", action="append", default=[])
    options = parser.parse_args()
    tasks[options.task](options)


if __name__ == "__main__":
    main()
