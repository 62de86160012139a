"""Colour brought together across the shots of a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import ceil, hypot
from typing import Annotated, Any, Literal

from vidflow.api import NodeError, Number, Report, Run, Video, node

SAMPLES = 10
"""About how many frames of a video are looked at, evenly spread: every max(1, frames // 10)-th."""
LOOKED_AT = 40_000
"""Pixels of a looked-at frame, at most, by which the drift after the transfer is told."""
STRIP = 2**20
"""Pixels that are transferred at once, so that no large array is made for what lies between."""


@node(title="Harmonise colour", category="Colour")
def harmonise_colour(
    video: Video,
    reference: Video,
    *,
    method: Literal["reinhard"] = "reinhard",
    strength: Annotated[float, Number(0, 1, step=0.05)] = 1.0,
    run: Run,
) -> Video:
    """Give a video the colours of `reference`, which itself stays as it is.

    `reinhard` moves and stretches each channel of 8-bit L*a*b* so that its mean and its spread become those of the
    reference (Reinhard et al., Color Transfer between Images, 2001), both found from about ten frames of each video.
    `strength` mixes it with the colours as they were; 0 gives the video itself, untouched. The result has 8 bits.
    """
    if not reference.info.frames:
        raise NodeError("the reference has no frames; link a video or an image that has the colours you want.")
    if strength == 0 or not video.info.frames:
        return video
    if video.info.dtype == "float32":
        run.note("The video's depth was rounded to 8 bits.")

    @cache
    def transfer() -> Any:
        found = run.kept("statistics", lambda: _statistics(video, reference, strength))
        run.note(_told(found))
        return _table(found, strength)

    import cv2
    import numpy as np

    rows = max(1, STRIP // video.info.width)

    def make(frame: Any) -> Any:
        table, done = transfer(), np.empty_like(frame)
        for top in range(0, len(frame), rows):
            lab = cv2.cvtColor(frame[top : top + rows], cv2.COLOR_RGB2LAB)
            cv2.LUT(lab, table, lab)
            cv2.cvtColor(lab, cv2.COLOR_LAB2RGB, done[top : top + rows])
        return done

    made = video.map(make, takes="uint8")
    return Video(made.info, made.made_by, made.audio, made.runtime)


def _table(found: Report, strength: float) -> Any:
    """What each value of each channel of 8-bit Lab becomes, `[1, 256, 3]`."""
    import numpy as np

    mean, spread, new_mean, new_spread = (np.array(found[name]) for name in ("mean", "std", "to_mean", "to_std"))
    value = np.arange(256, dtype=np.float64)[:, None]
    moved = np.clip((value - mean) * (new_spread / (spread + 1e-8)) + new_mean, 0, 255)
    # Truncated, not rounded, as the definition has it.
    return (strength * moved + (1 - strength) * value if strength < 1 else moved).astype(np.uint8)[None]


def _statistics(video: Video, reference: Video, strength: float) -> Report:
    """Mean and standard deviation of each channel of 8-bit Lab, of the video, of the reference, and of the result."""
    import cv2
    import numpy as np

    kept: list[Any] = []
    mean, spread = _moments(video, kept)
    to_mean, to_spread = _moments(reference)
    found = Report({"mean": mean, "std": spread, "to_mean": to_mean, "to_std": to_spread})
    table = _table(found, strength)
    after = np.mean(
        [
            cv2.meanStdDev(cv2.cvtColor(cv2.cvtColor(cv2.LUT(lab, table), cv2.COLOR_LAB2RGB), cv2.COLOR_RGB2LAB))
            for lab in kept
        ],
        axis=0,
    )[..., 0]
    return Report({**found, "after_mean": after[0].tolist(), "after_std": after[1].tolist()})


def _moments(video: Video, kept: list[Any] | None = None) -> tuple[list[float], list[float]]:
    """The means over some frames of each one's mean and standard deviation, by channel; some pixels go to `kept`."""
    import cv2
    import numpy as np

    found: list[Any] = []
    for frame in _some_frames(video):
        lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB)
        found.append(cv2.meanStdDev(lab))
        if kept is not None:
            every = max(1, ceil((lab.shape[0] * lab.shape[1] / LOOKED_AT) ** 0.5))
            kept.append(np.ascontiguousarray(lab[::every, ::every]))
    mean, spread = np.mean(found, axis=0)[..., 0]
    return mean.tolist(), spread.tolist()


def _some_frames(video: Video) -> Iterator[Any]:
    """Every max(1, frames // 10)-th frame, in 8 bits, read by one cursor."""
    every = max(1, video.info.frames // SAMPLES)
    info = replace(video.info, frames=ceil(video.info.frames / every), dtype="uint8", audio=None)
    for frames in video.resample(lambda one, _: one[0], lambda k: (k * every,), info, takes="uint8").read():
        yield from frames


def _told(found: Report) -> str:
    """The drift from the reference before and after, in one sentence."""

    def drift(mean: list[float]) -> float:
        lightness, *others = (one - other for one, other in zip(mean, found["to_mean"], strict=True))
        return hypot(lightness * 100 / 255, *others)

    text = f"The colour drift from the reference is {drift(found['after_mean']):.1f}, before {drift(found['mean']):.1f}"
    text = f"{text} (distance of the mean colours in L*a*b*)"
    if found["to_std"][0] < 0.5:
        return f"{text}."
    before, after = (found[name][0] / found["to_std"][0] for name in ("std", "after_std"))
    return f"{text}; the contrast is {after:.0%} of the reference's, before {before:.0%}."
