"""What colour harmonising and scoring cost beside the plain way, and how near to the definitions they stay."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from measure import ROOT, Row, report

sys.path.insert(0, str(ROOT))
from tests.nodes.bench import CORE, Here
from tests.nodes.degraded import ARTIFACTS, MOTION
from vidflow.api import Video, media

MEDIA = Path(os.environ.get("VIDFLOW_MEDIA", ROOT.parent / "shared" / "media"))
NAMES = ("bikes.mp4", "bigbuckbunny.mp4")


def frames_of(path: Path, stop: int | None = None) -> np.ndarray:
    """The first frames of a clip, `[n, height, width, 3]`."""
    return np.concatenate([frames.numpy() for frames in media.open_video(path).read(0, stop)])


def cpu(work: Callable[[], Any], rounds: int = 3) -> tuple[float, float]:
    """CPU and wall seconds of the quickest round."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds):
        began, clock = time.process_time(), time.perf_counter()
        work()
        found.append((time.process_time() - began, time.perf_counter() - clock))
    return min(found)[0], min(wall for _, wall in found)


def harmonised(video: Video, reference: Video) -> Video:
    """The node's result."""
    return CORE["harmonise_colour"].function(video, reference, run=Here(Path()))


def score(video: Video, size: str) -> Any:
    """The node's report."""
    return CORE["score_quality"].function(video, analysis_size=size, run=Here(Path()))


def moments(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel of Lab over the sampled frames, in float64."""
    labs = [cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float64) for frame in clip[:: max(1, len(clip) // 10)]]
    return np.mean([lab.mean((0, 1)) for lab in labs], 0), np.mean([lab.std((0, 1)) for lab in labs], 0)


def transfer(clip: np.ndarray, reference: np.ndarray) -> list[Row]:
    """The transfer of the same frames by the node and by float32 arithmetic."""
    (mean, std), (to_mean, to_std) = moments(clip), moments(reference)
    scale = to_std / (std + 1e-8)

    def plain(frame: np.ndarray, dtype: Any) -> np.ndarray:
        lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(dtype)
        moved = (lab - mean.astype(dtype)) * scale.astype(dtype) + to_mean.astype(dtype)
        return cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)

    make = harmonised(Video.from_array(clip, 25), Video.from_array(reference, 25)).made_by.make
    make(clip[0])
    some = clip[:12]
    quick, quick_wall = cpu(lambda: [make(frame) for frame in some], 9)
    slow, slow_wall = cpu(lambda: [plain(frame, np.float32) for frame in some], 9)
    wrong = sum(int((make(frame) != plain(frame, np.float64)).sum()) for frame in clip)
    return [
        Row("transfer of a 720p frame, CPU", quick / len(some) * 1e3, None, "ms"),
        Row("  CPU beside cvtColor + float32 + cvtColor", quick / slow, None, "x"),
        Row("  wall beside it", quick_wall / slow_wall, 1 / 3, "x"),
        Row("  values unlike the definition in float64", wrong / clip.size, 1e-4, ""),
    ]


def speed(path: Path) -> list[Row]:
    """Scoring 60 frames of 720p from the file, at the default size and in full."""
    video = media.open_video(path)
    part = video.resample(None, lambda k: (k,), Video.from_array(np.zeros((60, 720, 1280, 3), np.uint8), 25).info)
    quick, quick_wall = cpu(lambda: score(part, "512"))
    slow, slow_wall = cpu(lambda: score(part, "full"), 1)
    return [
        Row("score_quality of a 720p frame, CPU", quick / 60 * 1e3, None, "ms"),
        Row("  CPU beside full size", quick / slow, None, "x"),
        Row("  wall beside full size", quick_wall / slow_wall, 1 / 6, "x"),
    ]


def ranks(values: list[float]) -> np.ndarray:
    """The rank of each, the mean one where they are equal."""
    return np.array([sum(other < value for other in values) + values.count(value) / 2 for value in values])


def orders() -> list[Row]:
    """Thirty spoilt versions of the real clips, by motion_quality at the default size and in full."""
    found: dict[str, list[float]] = {"512": [], "full": []}
    for name in NAMES:
        clip = frames_of(MEDIA / name)
        for make, strength in MOTION:
            spoilt = Video.from_array(make(clip, strength), 25)
            for size, values in found.items():
                values.append(score(spoilt, size)["scores"]["motion_quality"])
    spearman = np.corrcoef(ranks(found["512"]), ranks(found["full"]))[0, 1]
    return [Row("1 - Spearman, 30 versions by motion_quality", 1 - float(spearman), 0.05, "")]


def faults() -> list[Row]:
    """The least fall of artifact_score from one strength to the next, over the whole real clips."""
    rows: list[Row] = []
    for name in NAMES:
        clip = frames_of(MEDIA / name)
        for kind, (make, strengths) in ARTIFACTS.items():
            spoilt = (clip, *(make(clip, strength) for strength in strengths))
            scores = [score(Video.from_array(one, 25), "256")["scores"]["artifact_score"] for one in spoilt]
            told = " ".join(f"{one:.2f}" for one in scores)
            rise = max(after - before for before, after in pairwise(scores))
            rows.append(Row(f"{name}, {kind}: {told}; greatest change", rise, 0, ""))
    return rows


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also order and spoil the whole real clips (15 minutes)")
    real = (MEDIA / NAMES[1]).exists()
    path = MEDIA / NAMES[1] if real else ROOT / "resources" / "media" / "sea.mp4"
    reference = frames_of(ROOT / "resources" / "media" / "lanterns.mp4")
    rows = [*transfer(frames_of(path), reference), *speed(path)]
    if parser.parse_args().long and real:
        rows += [*faults(), *orders()]
    report(rows)


if __name__ == "__main__":
    main()
