"""How good a video is, by numbers between 0 and 1: see docs/scores.md."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from vidflow.api import Model, Prompt, Report, Run, Video, node

from .artifacts import faults_of, flicker_of, score_of
from .flow import View

Size = Literal["256", "512", "1024", "full"]
LOOKED_AT = 16
"""In about how many frames faults of the picture are looked for, evenly spread: every max(1, frames // 16)-th."""
COMPARED = 8
"""So many frames are compared with the prompt, the middles of as many equal parts."""
PLACES = 9
"""Decimal places of every number told: beyond them OpenCV's flow depends on where in memory its pictures lie."""


@node(title="Score quality", category="Analysis", version=2)
def score_quality(
    video: Video,
    prompt: Prompt | None = None,
    model: Model | None = None,
    *,
    analysis_size: Size = "512",
    run: Run,
) -> Report:
    """Rate a video: steadiness, motion and faults of the picture, each 0 to 1, higher is better.

    The report holds `scores` by name, `overall` (their mean), `not_measured` with the reason for each score that could
    not be had, and `details`. `analysis_size` is the long side to which frames are reduced before they are compared
    with one another; `full` takes them as they are, which on a large video takes many times as long.
    """
    info = video.info
    view = View.of(info.width, info.height, None if analysis_size == "full" else int(analysis_size))
    seen = _watched(video, view, run)
    faults = seen.all_faults()
    scores = {
        "temporal_consistency": _temporal_consistency(seen.changes),
        "motion_quality": _motion_quality(seen.motion),
        "artifact_score": score_of(faults) if info.frames else 0.0,
    }
    missing = _why_not(video, prompt, model)
    if missing is None and prompt is not None and model is not None:
        scores["prompt_alignment"] = _prompt_alignment(video, prompt, model, run)
    return Report(
        {
            "scores": _rounded(scores),
            "overall": round(_mean(list(scores.values())), PLACES),
            "not_measured": {} if missing is None else {"prompt_alignment": missing},
            "details": {
                "frames": info.frames,
                "compared_at": f"{view.width}x{view.height}",
                **_rounded(
                    {
                        "mean_difference": _mean(seen.changes),
                        "mean_motion": _mean(seen.motion) * info.width / view.width,
                    }
                ),
                "faults": _rounded(faults),
            },
        }
    )


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, PLACES) for name, value in values.items()}


def _prompt_alignment(video: Video, prompt: Prompt, model: Model, run: Run) -> float:
    """2.5 x the mean cosine of eight frames with the prompt, 0 to 1 (CLIPScore: Hessel et al., 2021).

    On the CPU, so that it is the same number everywhere.
    """
    from vidflow.api import models

    count = video.info.frames
    chosen = sorted({(2 * k + 1) * count // (2 * COMPARED) for k in range(COMPARED)})
    eight_bit = video.map(lambda frame: frame, takes="uint8")
    frames = [eight_bit.frame(number) for number in chosen]
    cosines = run.piece(models.alignment.cosines, model, prompt.text, frames, "cpu", run.step, lane="gpu")
    return min(1.0, max(0.0, 2.5 * float(cosines.mean())))


def _why_not(video: Video, prompt: Prompt | None, model: Model | None) -> str | None:
    if model is None:
        return "It needs a model that compares pictures with text; none is linked."
    if prompt is None:
        return "It compares the picture with a prompt; none is linked."
    if model.family != "clip":
        return f"It needs a model with CLIP's two encoders; {model.name} is none."
    return None if video.info.frames else "There is no frame to compare."


def _temporal_consistency(changes: list[float]) -> float:
    """1 - the share of differences that lie further than two standard deviations from their mean."""
    import numpy as np

    if not changes:
        return 0.0
    values = np.array(changes)
    return 1.0 - float((np.abs(values - values.mean()) > 2 * values.std()).mean())


def _motion_quality(motion: list[float]) -> float:
    """1 - standard deviation / mean of the motion, clipped to 0..1."""
    import numpy as np

    if not motion:
        return 0.0
    values = np.array(motion)
    return float(np.clip(1 - values.std() / (values.mean() + 1e-8), 0, 1))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


class _Look(NamedTuple):
    """What one frame shows by itself and beside the one before it."""

    grey: Any
    change: float | None
    faults: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of a video, frame by frame; of the faults, at some frames."""

    changes: list[float] = field(default_factory=list[float])
    motion: list[float] = field(default_factory=list[float])
    brightness: list[float] = field(default_factory=list[float])
    faults: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def all_faults(self) -> dict[str, float]:
        """The mean of each fault, and the flicker."""
        names = self.faults[0] if self.faults else {}
        means = {name: _mean([one[name] for one in self.faults]) for name in names}
        return {**means, "flicker": flicker_of(self.brightness, self.changes)}


def _watched(video: Video, view: View, run: Run) -> _Seen:
    """Goes through a video once; no more than a few frames are held."""
    import cv2

    seen = _Seen()
    count = video.info.frames
    looked: list[Any] = []

    def look(frame: Any, searched: bool) -> _Look:
        small = view.reduced(frame)
        change = cv2.norm(small, looked.pop(), cv2.NORM_L1) / small.size if looked else None
        looked.append(small)
        faults = faults_of(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) if searched else None
        return _Look(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), change, faults)

    def take(now: _Look, before: Any) -> Any:
        seen.brightness.append(cv2.mean(now.grey)[0])
        if now.faults is not None:
            seen.faults.append(now.faults)
        if now.change is not None:
            seen.changes.append(now.change)
            seen.motion.append(view.motion(before, now.grey))
        run.step(len(seen.brightness), count)
        return now.grey

    shown = video if video.info.dtype == "uint8" else video.map(lambda frame: frame, takes="uint8")
    every = max(1, count // LOOKED_AT)
    before: Any = None
    coming: Future[_Look] | None = None
    # While the motion to one frame is looked for, the next frame is read and looked at beside: that takes no lock.
    with ThreadPoolExecutor(1) as beside:
        for number, frame in enumerate(frame for frames in shown.read() for frame in frames):
            ready, coming = coming, beside.submit(look, frame, number % every == 0)
            if ready is not None:
                before = take(ready.result(), before)
        if coming is not None:
            take(coming.result(), before)
    return seen
