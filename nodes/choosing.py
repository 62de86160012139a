"""The best of several takes."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal, NamedTuple, cast

from vidflow.api import NodeError, Report, Run, Video, node

Score = Literal["overall", "temporal_consistency", "motion_quality", "artifact_score", "prompt_alignment"]


class Best(NamedTuple):
    """What `pick_best` gives: the take, its place in the list from 0 on, and its report."""

    video: Video
    index: int  # pyright: ignore[reportIncompatibleMethodOverride] - the name is the contract
    report: Report


@node(title="Pick best", category="Analysis")
def pick_best(videos: list[Video], reports: list[Report], *, by: Score = "overall", run: Run) -> Best:
    """Keep the take whose report has the highest score; of equal ones, the first.

    The reports are in the order of the videos. A take whose report lacks the score loses. The other takes are not made.
    """
    if not videos:
        raise NodeError("there is no take to choose from; link at least one video, and its report.")
    if len(videos) != len(reports):
        raise NodeError(
            f"there are {len(videos)} videos and {len(reports)} reports; link one report for each video, in the same "
            f"order."
        )
    scores = [_score(report, by) for report in reports]
    found = [score for score in scores if score is not None]
    if not found:
        raise NodeError(f"none of the reports has the score {by!r}; choose by another, or have it measured.")
    index = scores.index(max(found))
    if len(scores) > 1:
        told = ", ".join("none" if score is None else f"{score:.3f}" for score in scores)
        run.note(f"Of {len(scores)} takes, number {index + 1} was kept by {by}: {told}.")
    return Best(videos[index], index, reports[index])


def _score(report: Report, by: Score) -> float | None:
    """The score in a report, or None where it has none; a report may come from any node."""
    scores: Mapping[str, Any] = report
    if by != "overall":
        inner = report.get("scores")
        scores = cast("Mapping[str, Any]", inner) if isinstance(inner, Mapping) else {}
    value = scores.get(by)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)
