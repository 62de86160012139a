"""pick_best: the take with the highest score, and no other, is kept and made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, pixels
from vidflow.api import NodeError, Report, Video
from vidflow.errors import GraphError


def rated(overall: float | None = None, **scores: Any) -> Report:
    return Report({"scores": scores, **({} if overall is None else {"overall": overall})})


def test_the_take_with_the_highest_score_is_kept(call: Call) -> None:
    takes = [film(2, seed=seed) for seed in range(3)]
    best = call("pick_best", videos=takes, reports=[rated(0.2), rated(0.9), rated(0.4)])
    assert best.index == 1
    assert dict(best.report) == {"scores": {}, "overall": 0.9}
    assert best.video.info == takes[1].info
    assert (pixels(best.video) == pixels(takes[1])).all()


@pytest.mark.parametrize(
    ("by", "index"),
    [
        ("overall", 0),
        ("temporal_consistency", 1),
        ("motion_quality", 2),
        ("artifact_score", 0),
        ("prompt_alignment", 2),
    ],
)
def test_it_is_chosen_by_the_score_that_is_named(call: Call, by: str, index: int) -> None:
    reports = [
        rated(0.9, temporal_consistency=0.1, motion_quality=0.1, artifact_score=0.5),
        rated(0.8, temporal_consistency=0.9, motion_quality=0.2, artifact_score=0.4),
        rated(0.7, temporal_consistency=0.2, motion_quality=1, artifact_score=0.3, prompt_alignment=0.01),
    ]
    assert call("pick_best", videos=[film(1)] * 3, reports=reports, by=by).index == index


@given(st.lists(st.one_of(st.none(), st.sampled_from([0, 0.25, 1]), st.floats(0, 1)), min_size=1, max_size=9))
def test_of_equal_ones_the_first_is_kept_and_who_has_no_score_loses(scores: list[float | None]) -> None:
    videos = [film(1)] * len(scores)
    run = Here(Path())
    if all(score is None for score in scores):
        with pytest.raises(NodeError, match="none of the reports has the score 'overall'"):
            CORE["pick_best"].function(videos, [rated(score) for score in scores], run=run)
        return
    best = CORE["pick_best"].function(videos, [rated(score) for score in scores], run=run)
    highest = max(score for score in scores if score is not None)
    assert scores[best.index] == highest
    assert highest not in scores[: best.index]


@pytest.mark.parametrize("wrong", ["0.9", True, None, float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_no_score(wrong: Any) -> None:
    reports = [Report({"overall": wrong, "scores": {"motion_quality": wrong}}), rated(0.1, motion_quality=0.1)]
    for by in ("overall", "motion_quality"):
        assert CORE["pick_best"].function([film(1)] * 2, reports, by=by, run=Here(Path())).index == 1


def test_a_report_of_another_kind_has_no_scores() -> None:
    reports = [Report({"scores": 5}), Report({}), rated(0.1, motion_quality=0.1)]
    assert CORE["pick_best"].function([film(1)] * 3, reports, by="motion_quality", run=Here(Path())).index == 2


def test_it_gives_that_very_video_and_reads_none() -> None:
    def fail(frame: Any) -> Any:
        raise AssertionError("a frame was made")

    takes = [film(1).map(fail) for _ in range(2)]
    assert CORE["pick_best"].function(takes, [rated(0.1), rated(0.2)], run=Here(Path())).video is takes[1]


def test_the_takes_that_lost_are_not_made(in_graph: InGraph) -> None:
    made: list[int] = []

    def take(number: int) -> Video:
        def make(frame: Any) -> Any:
            made.append(number)
            return frame

        return film(4).map(make)

    best = in_graph("pick_best", videos=[take(n) for n in range(3)], reports=[rated(0.1), rated(0.7), rated(0.3)])
    pixels(best.video)
    assert set(made) == {1}


def test_what_was_chosen_and_by_how_much_is_told() -> None:
    run = Here(Path())
    CORE["pick_best"].function([film(1)] * 3, [rated(0.25), rated(), rated(0.5)], run=run)
    assert run.notes == ["Of 3 takes, number 3 was kept by overall: 0.250, none, 0.500."]


@pytest.mark.parametrize(
    ("videos", "reports", "said"),
    [
        (2, 1, "there are 2 videos and 1 reports; link one report for each video, in the same order."),
        (1, 3, "there are 1 videos and 3 reports; link one report for each video, in the same order."),
    ],
)
def test_every_take_needs_its_report(call: Call, videos: int, reports: int, said: str) -> None:
    with pytest.raises(NodeError) as caught:
        call("pick_best", videos=[film(1)] * videos, reports=[rated(0.5)] * reports)
    assert str(caught.value) == said


def test_a_score_that_nobody_has_is_named(call: Call) -> None:
    with pytest.raises(NodeError, match="none of the reports has the score 'prompt_alignment'; choose by another"):
        call("pick_best", videos=[film(1)] * 2, reports=[rated(0.5)] * 2, by="prompt_alignment")


def test_no_takes_are_refused() -> None:
    with pytest.raises(NodeError, match="there is no take to choose from"):
        CORE["pick_best"].function([], [], run=Here(Path()))


def test_a_score_that_is_none_is_refused_before_the_run(in_graph: InGraph) -> None:
    with pytest.raises(GraphError, match=r"it\.by: "):
        in_graph("pick_best", videos=[film(1)], reports=[rated(0.5)], by="beauty")
