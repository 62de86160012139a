"""The world that the small video model is trained on: scenes that show what their captions say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from training.world import judge as judging
from training.world import render, words
from training.world.judge import Judge
from training.world.render import clip
from training.world.words import PARTS, Scene, caption, drawn

SCENE = Scene("balloon", "red", "medium", "hills", "rising", "static", "daylight", "picture book")


def test_a_clip_is_that_of_its_scene_and_seed() -> None:
    one = clip(SCENE, 3)
    assert one.shape == (render.FRAMES, render.HEIGHT, render.WIDTH, 3)
    assert np.array_equal(one, clip(SCENE, 3))
    assert np.abs(one.astype(int) - clip(SCENE, 4)).mean() > 3


@pytest.mark.parametrize("part", PARTS)
def test_each_word_of_a_scene_is_seen(part: str) -> None:
    """No two words of a part give the same clip."""
    clips = [clip(replace(SCENE, **{part: word}), 1).astype(int) for word in PARTS[part]]
    for k, one in enumerate(clips):
        for other in clips[:k]:
            assert np.abs(one - other).mean() > 0.3


def test_captions_say_what_is_unusual_and_are_of_one_language() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        scene = drawn(rng)
        english, japanese = caption(scene, rng, japanese=False), caption(scene, rng, japanese=True)
        assert not re.search("[\u3040-\u30ff\u4e00-\u9fff]", english)
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", japanese)
        for part, table in (("subject", words.SUBJECTS), ("colour", words.COLOURS), ("size", words.SIZES)):
            said = table[getattr(scene, part)]
            assert said[0] in english
            assert said[1] in japanese


def test_what_is_held_out_is_never_drawn_to_train_on() -> None:
    rng = np.random.default_rng(0)
    trained = [drawn(rng) for _ in range(2000)]
    unseen = [drawn(rng, unseen=True) for _ in range(200)]
    assert not set(trained) & set(unseen)
    pairs = {(scene.colour, scene.motion) for scene in trained}
    assert len(pairs) == len(words.COLOURS) * (len(words.MOTIONS) - 1)
    assert any((scene.colour, scene.motion) not in pairs for scene in unseen)
    assert any(words.against(scene) for scene in unseen)
    # Every word is trained on.
    for part, choices in PARTS.items():
        assert {getattr(scene, part) for scene in trained} == set(choices)


STYLES = "picture book", "noir"


@pytest.fixture(scope="module")
def judge() -> Judge:
    """One that has seen a few views of two styles."""
    return Judge(2, STYLES)


def test_the_judge_sees_what_is_there(judge: Judge) -> None:
    rng = np.random.default_rng(11)
    right = {"colour": 0, "motion": 0, "camera": 0, "setting": 0, "light": 0}
    scenes = [replace(drawn(rng, unseen=k % 2 == 1), style=STYLES[k // 2 % 2]) for k in range(8)]
    for k, scene in enumerate(scenes):
        found = judge.seen(clip(scene, k))
        for part in right:
            right[part] += getattr(found, part) == getattr(scene, part)
    assert min(right.values()) >= 7, right


@pytest.mark.parametrize("motion", ["rising", "bouncing"])
def test_wings_that_beat_are_no_bounces(judge: Judge, motion: str) -> None:
    scene = Scene("bird", "red", "large", "sky", motion, "static", "daylight", "picture book")
    assert [judge.seen(clip(scene, seed)).motion for seed in range(4)] == 4 * [motion]


def test_a_subject_is_seen_with_all_its_pieces(judge: Judge) -> None:
    """What is between wings has no colour."""
    scene = Scene("butterfly", "blue", "large", "space", "still", "static", "neon", "noir")
    found = clip(scene, 1001000105)
    for frame in found:
        columns = np.nonzero(judging.subject(frame).any(0))[0]
        assert np.ptp(columns) > 36
    assert judge.seen(found).motion == "still"


def test_a_slow_pan_over_water_is_seen(judge: Judge) -> None:
    scene = Scene("leaf", "turquoise", "large", "sea", "right", "pan right", "backlit", "anime")
    assert judge.seen(clip(scene, 1001000137)).camera == "pan right"


def test_what_comes_back_to_where_it_was_bounces() -> None:
    masks = [np.zeros((128, 224), bool) for _ in range(9)]
    for mask, top in zip(masks, (80, 60, 40, 60, 80, 60, 40, 60, 80), strict=True):
        mask[top : top + 20, 100:120] = True
    assert judging._motion(masks, np.zeros((9, 3))) == "bouncing"


def test_no_subject_leaves_the_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        at, windows = render._tracks(drawn(rng), rng)
        for place, window in zip(at, windows, strict=True):
            x, y = render._on_screen(place, window)[0]
            from_edge = min(x, render.WIDTH - x, y, render.HEIGHT - y)
            assert from_edge > (render._EDGE - 0.07) * render.HEIGHT
