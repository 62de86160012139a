"""score_quality: what is defined is measured as defined, and what is spoilt scores lower."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here
from tests.nodes.conftest import Call
from tests.nodes.degraded import ARTIFACTS, MOTION
from tests.nodes.material import film, gradient, picture, pixels
from vidflow.api import Model, Prompt, Report, Video, media, node
from vidflow.engine.service import Engine
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node

View = import_module("vidflow_nodes.flow").View
NAMES = ["temporal_consistency", "motion_quality", "artifact_score"]
CLIPS = ["bikes.mp4", "bigbuckbunny.mp4"]


def score(clip: np.ndarray | Video, size: str = "512", **inputs: Any) -> Report:
    video = clip if isinstance(clip, Video) else Video.from_array(clip, 25)
    return CORE["score_quality"].function(video, **inputs, analysis_size=size, run=Here(Path()))


def defined(clip: np.ndarray) -> tuple[float, float]:
    """temporal_consistency and motion_quality in plain float64."""
    whole = clip.astype(np.float64)
    changes = np.array([np.abs(now - before).mean() for before, now in pairwise(whole)])
    grey = [cv2.cvtColor(frame[..., ::-1], cv2.COLOR_BGR2GRAY) for frame in clip]
    motion = []
    for before, now in pairwise(grey):
        flow = cv2.calcOpticalFlowFarneback(before, now, None, 0.5, 3, 15, 3, 5, 1.2, 0).astype(np.float64)
        motion.append(np.sqrt(flow[..., 0] ** 2 + flow[..., 1] ** 2).mean())
    return (
        1 - float(np.mean(np.abs(changes - changes.mean()) > 2 * changes.std())),
        float(np.clip(1 - np.std(motion) / (np.mean(motion) + 1e-8), 0, 1)),
    )


def assert_as_defined(report: Report, clip: np.ndarray) -> None:
    temporal, motion = defined(clip)
    assert report["scores"]["temporal_consistency"] == pytest.approx(temporal, abs=1e-6)
    assert report["scores"]["motion_quality"] == pytest.approx(motion, abs=1e-6)


# The definitions


@pytest.mark.parametrize(
    "video",
    [
        gradient(96, 64, 12),
        gradient(700, 40, 4),
        film(9, 50, 40),
        Video.from_array(np.concatenate([pixels(gradient(60, 50, 6)), pixels(film(1, 60, 50))]), 25),
    ],
)
def test_a_video_in_full_scores_as_defined(call: Call, video: Video) -> None:
    assert_as_defined(call("score_quality", video=video, analysis_size="full"), pixels(video))


@pytest.mark.parametrize(("name", "first"), [("bikes.mp4", 30), ("bigbuckbunny.mp4", 60)])
def test_a_real_clip_in_full_scores_as_defined(real_media: Path, name: str, first: int) -> None:
    clip = pixels(media.open_video(real_media / name), first, first + 5)
    assert_as_defined(score(clip, "full"), clip)


@given(st.integers(0, 10**6), st.integers(2, 8))
@settings(max_examples=30)
def test_a_small_video_is_not_reduced_and_scores_as_defined(seed: int, frames: int) -> None:
    clip = pixels(film(frames, 33, 35, seed=seed, silent=True))
    assert_as_defined(score(clip), clip)


@pytest.mark.parametrize("spike", [0, 4, 8])
def test_one_jump_among_even_changes_costs_its_share(spike: int) -> None:
    levels = np.cumsum([100] + [40 if k == spike else 2 for k in range(9)]).astype(np.uint8)
    clip = np.broadcast_to(levels[:, None, None, None], (10, 40, 40, 3))
    assert score(np.ascontiguousarray(clip))["scores"]["temporal_consistency"] == pytest.approx(1 - 1 / 9)


def test_all_three_channels_count() -> None:
    clip = np.zeros((10, 16, 16, 3), np.uint8)
    clip[5:, ..., 2] = 200
    assert score(clip)["scores"]["temporal_consistency"] == pytest.approx(1 - 1 / 9)
    assert score(clip)["details"]["mean_difference"] == pytest.approx(200 / 3 / 9)


def test_what_stands_still_is_consistent() -> None:
    still = np.repeat(pixels(film(1, 40, 40)), 5, axis=0)
    scores = score(still)["scores"]
    assert scores["temporal_consistency"] == 1
    # The flow of equal frames is no exact zero.
    assert scores["motion_quality"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("video", [film(1, 40, 40), picture(40, 40)])
def test_fewer_than_two_frames_score_nought_where_two_are_compared(call: Call, video: Video) -> None:
    scores = call("score_quality", video=video)["scores"]
    assert (scores["temporal_consistency"], scores["motion_quality"]) == (0, 0)
    assert 0 < scores["artifact_score"] <= 1


def test_no_frames_score_nought() -> None:
    assert score(np.zeros((0, 8, 8, 3), np.uint8))["scores"] == dict.fromkeys(NAMES, 0)


# The report


def test_overall_is_the_mean_of_what_was_measured(call: Call) -> None:
    report = call("score_quality", video=film(4, 40, 30))
    assert list(report) == ["scores", "overall", "not_measured", "details"]
    assert list(report["scores"]) == NAMES
    assert report["overall"] == pytest.approx(sum(report["scores"].values()) / 3)
    assert report["not_measured"] == {
        "prompt_alignment": "It needs a model that compares pictures with text; none is linked."
    }


def test_what_cannot_be_measured_is_said_with_the_reason() -> None:
    clip, model = film(2, 8, 8), Model("wan", "a video model")
    reasons = [
        score(clip, **inputs)["not_measured"]["prompt_alignment"]
        for inputs in ({"prompt": Prompt("sea")}, {"model": model}, {"model": model, "prompt": Prompt("sea")})
    ]
    assert reasons == [
        "It needs a model that compares pictures with text; none is linked.",
        "It compares the picture with a prompt; none is linked.",
        "It needs a model with CLIP's two encoders; a video model is none.",
    ]


@node(title="Given prompt", category="Test")
def prompt() -> Prompt:
    """A prompt of the test's."""
    return Prompt("the sea at night")


def test_a_prompt_may_be_linked(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "store", registry=Registry([*CORE.values(), read_node(prompt, "given")]))
    graph = {
        "vidflow": 1,
        "nodes": {
            "words": {"type": "given.prompt"},
            "clip": {"type": "load_image", "inputs": {"path": "resources:media/mountains.jpg"}},
            "it": {"type": "score_quality", "inputs": {"video": {"from": "clip"}, "prompt": {"from": "words"}}},
        },
    }
    request = engine.submit(graph, output_dir=tmp_path)
    assert "prompt_alignment" in request.result()["it"]["not_measured"]
    engine.close()


@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 4),
    st.sampled_from(["black", "noise", "grey", "deep"]),
    st.sampled_from(["256", "full"]),
)
@settings(max_examples=60)
def test_every_score_is_a_number_from_nought_to_one(width: int, height: int, frames: int, kind: str, size: str) -> None:
    if kind in ("noise", "deep"):
        video = film(frames, width * 8, height, deep=kind == "deep", silent=True)
    else:
        video = Video.from_array(np.full((frames, height, width * 8, 3), 90 if kind == "grey" else 0, np.uint8), 25)
    report = score(video, size)
    for value in (*report["scores"].values(), report["overall"]):
        assert isinstance(value, float)
        assert isfinite(value)
        assert 0 <= value <= 1


def test_a_float_video_scores_as_its_bytes() -> None:
    clip = pixels(gradient(40, 30, 5))
    assert dict(score(Video.from_array((clip / np.float32(255)).astype(np.float32), 25))) == dict(score(clip))


def test_progress_is_told_frame_by_frame() -> None:
    run = Here(Path())
    CORE["score_quality"].function(film(5), run=run)
    assert run.steps == [(k, 5) for k in range(1, 6)]


def test_every_frame_is_read_once_and_in_order() -> None:
    asked: list[int] = []

    def make(frames: list[Any], k: int) -> Any:
        asked.append(k)
        return frames[0]

    whole = film(60, 20, 20)
    score(whole.resample(make, lambda k: (k,), whole.info))
    assert asked == list(range(60))


# At a smaller size


def ranks(values: list[float]) -> np.ndarray:
    return np.array([sum(other < value for other in values) + values.count(value) / 2 for value in values])


def test_a_smaller_size_orders_clips_by_motion_as_the_full_one_does(real_media: Path) -> None:
    clip = pixels(media.open_video(real_media / "bikes.mp4"), 100, 112)
    spoilt = [make(clip, strength) for make, strength in MOTION if make.__name__ != "stutter"]
    full, reduced = (
        [score(one, size)["scores"]["motion_quality"] for one in (clip, *spoilt)] for size in ("full", "512")
    )
    assert np.corrcoef(ranks(full), ranks(reduced))[0, 1] >= 0.95


@given(st.integers(1, 8000), st.integers(1, 8000), st.sampled_from([256, 512, 1024]))
def test_the_pyramid_of_a_smaller_picture_ends_where_that_of_the_whole_one_does(
    width: int, height: int, side: int
) -> None:
    view = View.of(width, height, side)
    depth = max(depth for depth in range(4) if not depth or min(width, height) * 0.5**depth >= 32)
    if not view.reduces:
        assert (view.width, view.height, view.factor, view.levels) == (width, height, 0.5, 3)
        return
    assert max(view.width, view.height) == side
    scale = side / max(width, height)
    assert scale * view.factor**view.levels == pytest.approx(min(0.5**depth, scale), rel=1e-5 if view.levels else 1)
    assert view.factor <= 0.5


@pytest.mark.parametrize(("name", "first"), [("bikes.mp4", 30), ("bigbuckbunny.mp4", 60)])
def test_motion_has_the_same_length_at_any_size(real_media: Path, name: str, first: int) -> None:
    clip = pixels(media.open_video(real_media / name), first, first + 5)
    full, reduced = (score(clip, size)["details"]["mean_motion"] for size in ("full", "512"))
    assert 0.6 < reduced / full < 1.6


# Faults of the picture


@cache
def clip_of(path: Path) -> np.ndarray:
    """Nine frames from the middle."""
    video = media.open_video(path)
    middle = video.info.frames // 2
    return pixels(video, middle, middle + 9)


def falls(clip: np.ndarray, make: Callable[[Any, Any], Any], strengths: tuple[float, ...]) -> None:
    scores = [score(one, "256")["scores"]["artifact_score"] for one in (clip, *(make(clip, s) for s in strengths))]
    assert scores == sorted(scores, reverse=True)
    assert min(before - now for before, now in pairwise(scores)) > 1e-3
    assert scores[0] > 0.6
    assert scores[-1] < 0.8 * scores[0]


@pytest.mark.parametrize("kind", ARTIFACTS)
@pytest.mark.parametrize("name", CLIPS)
def test_the_score_falls_with_each_fault_on_real_clips(real_media: Path, name: str, kind: str) -> None:
    falls(clip_of(real_media / name), *ARTIFACTS[kind])


@pytest.mark.parametrize("kind", ARTIFACTS)
@pytest.mark.parametrize("name", ["sea.mp4", "city.mp4"])
def test_the_score_falls_with_each_fault_on_drawn_clips(name: str, kind: str) -> None:
    make, strengths = ARTIFACTS[kind]
    falls(clip_of(Path("resources/media") / name), make, strengths[::3])


def faults(clip: np.ndarray) -> dict[str, float]:
    return score(clip, "256")["details"]["faults"]


@pytest.mark.parametrize(("kind", "fault"), [(kind, "blocks" if kind == "blocking" else kind) for kind in ARTIFACTS])
def test_it_is_that_fault_which_is_found(kind: str, fault: str) -> None:
    clip = clip_of(Path("resources/media/forest.mp4"))
    make, strengths = ARTIFACTS[kind]
    clean, spoilt = faults(clip), faults(make(clip, strengths[2]))
    risen = {name: spoilt[name] - clean[name] for name in clean}
    assert max(risen, key=lambda name: risen[name]) == fault


def test_blocks_are_found_wherever_their_grid_begins() -> None:
    make, strengths = ARTIFACTS["blocking"]
    spoilt = make(clip_of(Path("resources/media/forest.mp4"))[:1], strengths[-1])
    whole, cut = faults(spoilt), faults(spoilt[:, 3:, 5:])
    assert cut["blocks"] == pytest.approx(whole["blocks"], rel=0.1)


def test_a_fade_a_pan_and_a_cut_are_no_flicker() -> None:
    fade = np.repeat((np.arange(10) * 12 + 40).astype(np.uint8), 40 * 40 * 3).reshape(10, 40, 40, 3)
    cut = np.concatenate([np.full((6, 40, 40, 3), 40, np.uint8), np.full((6, 40, 40, 3), 200, np.uint8)])
    flash = cut.copy()
    flash[3] = 90
    assert faults(fade)["flicker"] < 0.01
    assert faults(cut)["flicker"] < 0.01
    assert faults(flash)["flicker"] > 0.3
