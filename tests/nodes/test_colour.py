"""harmonise_colour: the transfer is the definition's, and what it did is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, gradient, picture, pixels, samples
from vidflow.api import Image, NodeError, Video, media
from vidflow.engine.events import NodeFinished
from vidflow.errors import GraphError


def lab_of(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float64)


def sampled(video: Video) -> np.ndarray:
    return np.stack(
        [lab_of(video.frame(k)) for k in range(0, video.info.frames, max(1, video.info.frames // 10))],
    )


def defined(video: Video, reference: Video, strength: float = 1.0) -> np.ndarray:
    """The definition in plain float64: every frame of the result."""
    (mean, std), (to_mean, to_std) = (
        (lab.mean(axis=(1, 2)).mean(axis=0), lab.std(axis=(1, 2)).mean(axis=0))
        for lab in (sampled(video), sampled(reference))
    )
    made = []
    for frame in pixels(video):
        lab = lab_of(frame)
        moved = np.clip((lab - mean) * (to_std / (std + 1e-8)) + to_mean, 0, 255)
        mixed = (strength * moved + (1 - strength) * lab).astype(np.uint8)
        made.append(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB))
    return np.stack(made)


def share_that_differs(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    assert one.dtype == other.dtype == np.uint8
    return float((one != other).mean())


@pytest.mark.parametrize("frames", [1, 9, 10, 25, 31])
@pytest.mark.parametrize("of", [1, 14])
def test_the_result_is_the_definitions(call: Call, frames: int, of: int) -> None:
    video, reference = gradient(frames=frames), film(of, 20, 10, seed=frames)
    result = call("harmonise_colour", video=video, reference=reference)
    assert share_that_differs(pixels(result), defined(video, reference)) <= 1e-4


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4"])
def test_the_result_is_the_definitions_on_real_clips(real_media: Path, name: str) -> None:
    clips = {
        one: Video.from_array(pixels(media.open_video(real_media / one), 0, 5), 25)
        for one in ("bikes.mp4", "bigbuckbunny.mp4")
    }
    video = clips.pop(name)
    (reference,) = clips.values()
    result = CORE["harmonise_colour"].function(video, reference, run=Here(Path()))
    assert share_that_differs(pixels(result), defined(video, reference)) <= 1e-4


@given(seed=st.integers(0, 10**6), spread=st.integers(1, 128), middle=st.integers(0, 255), strength=st.floats(0.01, 1))
def test_the_result_is_the_definitions_on_any_noise(seed: int, spread: int, middle: int, strength: float) -> None:
    chance = np.random.default_rng(seed)
    noise = np.clip(chance.normal(middle, spread, (3, 24, 24, 3)), 0, 255).astype(np.uint8)
    video, reference = Video.from_array(noise, 25), film(2, seed=seed)
    result = CORE["harmonise_colour"].function(video, reference, strength=strength, run=Here(Path()))
    assert share_that_differs(pixels(result), defined(video, reference, strength)) <= 1e-4


def test_the_result_is_the_definitions_on_a_picture_that_is_transferred_in_parts() -> None:
    video, reference = gradient(1300, 1111, frames=1), film(2)
    result = CORE["harmonise_colour"].function(video, reference, run=Here(Path()))
    assert share_that_differs(pixels(result), defined(video, reference)) <= 1e-4


@pytest.mark.parametrize("grey", [0, 119, 255])
def test_a_plain_picture_takes_the_colour_of_a_plain_reference(call: Call, grey: int) -> None:
    plain = Video.from_array(np.full((3, 8, 8, 3), grey, np.uint8), 25)
    reference = Image.from_frame(np.full((5, 7, 3), (200, 40, 90), np.uint8))
    result = pixels(call("harmonise_colour", video=plain, reference=reference))
    assert np.abs(result.astype(int) - (200, 40, 90)).max() <= 2


def test_the_strength_leads_from_the_one_look_to_the_other(call: Call) -> None:
    video, reference = gradient(), Video.from_array(np.full((2, 8, 8, 3), (40, 60, 90), np.uint8), 25)
    means = [
        pixels(call("harmonise_colour", video=video, reference=reference, strength=strength)).mean()
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == 5


def test_strength_nought_changes_nothing(call: Call) -> None:
    video = film(3, deep=True)
    same = call("harmonise_colour", video=video, reference=film(2, seed=1), strength=0.0)
    assert same.info == video.info
    assert (pixels(same) == pixels(video)).all()


def test_size_rate_length_and_sound_are_the_videos_own(call: Call) -> None:
    video, reference = film(12), film(7, 30, 20, 30, seed=1)
    result = call("harmonise_colour", video=video, reference=reference)
    assert result.info == video.info
    assert np.array_equal(samples(result), samples(video))
    assert not isinstance(call("harmonise_colour", video=picture(), reference=reference), Image)


def test_any_range_gives_the_same_frames(call: Call) -> None:
    result = call("harmonise_colour", video=film(23), reference=film(5, seed=1))
    assert (pixels(result, 17, 19) == pixels(result)[17:19]).all()


def test_a_float_video_is_rounded_and_that_is_said(in_graph: InGraph) -> None:
    deep = film(4, deep=True)
    rounded = Video.from_array(np.rint(pixels(deep) * np.float32(255)).astype(np.uint8), 25)
    reference = film(3, deep=True, seed=1)
    result = in_graph("harmonise_colour", video=deep, reference=reference)
    plain = Video.from_array(np.rint(pixels(reference) * np.float32(255)).astype(np.uint8), 25)
    assert result.info.dtype == "uint8"
    assert share_that_differs(pixels(result), defined(rounded, plain)) <= 1e-4
    here = Here(Path())
    CORE["harmonise_colour"].function(deep, reference, run=here)
    assert here.notes == ["The video's depth was rounded to 8 bits."]


# What is told


def harmonised(video: Video, reference: Video, **settings: Any) -> tuple[np.ndarray, list[str]]:
    here = Here(Path())
    return pixels(CORE["harmonise_colour"].function(video, reference, **settings, run=here)), here.notes


def drift(video: Video, reference: Video) -> float:
    """Distance of the mean colours in L*a*b*."""
    one, other = (sampled(each).mean(axis=(0, 1, 2)) * (100 / 255, 1, 1) for each in (video, reference))
    return float(np.linalg.norm(one - other))


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_drift_before_and_after_is_told(strength: float) -> None:
    video, reference = gradient(frames=30), Video.from_array(pixels(gradient(40, 20)) // 3, 25)
    result, notes = harmonised(video, reference, strength=strength)
    before, after = drift(video, reference), drift(Video.from_array(result, 25), reference)
    assert len(notes) == 1
    assert notes[0].startswith(f"The colour drift from the reference is {after:.1f}, before {before:.1f} (distance of ")
    assert after < before / (1.5 if strength == 0.5 else 5)


def test_the_contrast_before_and_after_is_told() -> None:
    y = np.linspace(0, 200, 64).astype(np.uint8)
    steep = Video.from_array(np.broadcast_to(y[None, :, None, None], (2, 64, 8, 3)).copy(), 25)
    flat = Video.from_array(pixels(steep) // 2, 25)
    _, (note,) = harmonised(flat, steep)
    assert re.search(r"the contrast is (9\d|10\d)% of the reference's, before [45]\d%\.$", note)
    _, (note,) = harmonised(steep, Video.from_array(np.full((1, 4, 4, 3), 90, np.uint8), 25))
    assert "contrast" not in note


def test_the_drift_of_a_large_picture_is_told_from_some_of_its_pixels() -> None:
    large = gradient(700, 500, frames=1)
    _, (note,) = harmonised(large, film(1))
    small, (other,) = harmonised(gradient(70, 50, frames=1), film(1))
    assert abs(float(note.split()[7].rstrip(",")) - float(other.split()[7].rstrip(","))) < 0.3
    assert len(small) == 1


def test_the_drift_is_told_again_where_the_statistics_were_kept(in_graph: InGraph) -> None:
    graph: dict[str, Any] = {
        "vidflow": 1,
        "nodes": {
            "clip": {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}},
            "part": {"type": "trim", "inputs": {"video": {"from": "clip"}, "end": 0.4}},
            "look": {"type": "load_image", "inputs": {"path": "resources:media/moon.png"}},
            "it": {"type": "harmonise_colour", "inputs": {"video": {"from": "part"}, "reference": {"from": "look"}}},
        },
    }
    told: list[tuple[str, ...]] = []
    for _ in range(2):
        request = in_graph.engine.submit(graph, output_dir=in_graph.folder)
        finished = [event for event in request if isinstance(event, NodeFinished) and event.node == "it"]
        told += [event.notes for event in finished]
        request.result().close()
    assert told[0] == told[1]
    assert told[0][0].startswith("The colour drift from the reference is ")


# What is asked of the videos


def counting(video: Video, asked: list[int]) -> Video:
    def make(frames: list[Any], k: int) -> Any:
        asked.append(k)
        return frames[0]

    return video.resample(make, lambda k: (k,), video.info, video.audio)


def test_no_frame_is_made_before_one_is_read() -> None:
    asked: list[int] = []
    video, reference = counting(film(50), asked), counting(film(50, seed=1), asked)
    result = CORE["harmonise_colour"].function(video, reference, run=Here(Path()))
    assert result.info.frames == 50
    assert not asked


def test_of_the_reference_only_every_tenth_part_is_read_and_only_once() -> None:
    asked: list[int] = []
    reference = counting(film(57, seed=1), asked)
    pixels(CORE["harmonise_colour"].function(film(20), reference, run=Here(Path())))
    assert asked == list(range(0, 57, 5))


def test_a_reference_without_frames_is_refused() -> None:
    with pytest.raises(NodeError, match="the reference has no frames; link a video or an image"):
        CORE["harmonise_colour"].function(
            film(1), film(1).resample(None, lambda k: (k,), film(0).info), run=Here(Path())
        )


@pytest.mark.parametrize("inputs", [{"strength": 1.1}, {"strength": -0.1}, {"method": "histogram"}])
def test_a_setting_that_makes_no_sense_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("harmonise_colour", video=film(1), reference=film(1), **inputs)
