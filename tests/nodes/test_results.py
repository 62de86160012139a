"""Every core node gives what was recorded of it at its version: see `record.py`."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.nodes import record
from tests.nodes.bench import CORE
from tests.nodes.material import film, gradient, pixels
from tests.nodes.record import CASES, Near, described, recorded, results_of, same, verdict
from vidflow.api import Video
from vidflow.nodespec.spec import NodeSpec


@pytest.fixture(params=CORE)
def spec(request: pytest.FixtureRequest) -> NodeSpec:
    """Each node of the core pack."""
    return CORE[request.param]


def test_a_node_gives_what_was_recorded_at_its_version(spec: NodeSpec) -> None:
    wrong = verdict(spec, recorded().get(spec.type), results_of(spec))
    assert wrong is None, wrong


def test_every_node_of_the_core_pack_is_recorded_and_no_other() -> None:
    assert set(CASES) == set(CORE) == set(recorded())


def test_the_same_inputs_give_the_same_results_again(spec: NodeSpec) -> None:
    assert results_of(spec) == results_of(spec)


# That a change is found


def changed(type: str, monkeypatch: pytest.MonkeyPatch, **inputs: Any) -> str | None:
    """What is said of a node that works with other inputs than it is given."""
    function = CORE[type].function

    def other(**given: Any) -> Any:
        return function(**{**given, **{name: make(given.get(name)) for name, make in inputs.items()}})

    monkeypatch.setitem(CORE, type, dataclasses.replace(CORE[type], function=other))
    return verdict(CORE[type], recorded()[type], results_of(CORE[type]))


@pytest.mark.parametrize(
    ("type", "inputs"),
    [
        ("crop", {"left": lambda left: (left or 0) + 1}),
        ("trim", {"start": lambda start: start + 0.05}),
        ("resize", {"filter": lambda _: "area"}),
        ("reverse", {"video": lambda video: video.map(lambda frame: frame ^ 1)}),
        ("reverse", {"video": lambda video: video.with_audio(video.audio.slice(1, video.audio.info.samples))}),
        ("set_audio", {"gain_db": lambda gain: (gain or 0) - 0.1}),
        ("set_audio", {"start": lambda start: (start or 0) + 1 / 48000}),
        ("concat", {"videos": lambda videos: videos[:1]}),
        ("save_video", {"video": lambda video: video.map(lambda frame: frame[::-1])}),
        ("save_image", {"quality": lambda quality: 5}),
        ("number", {"value": lambda value: value + 1e-9}),
        ("text", {"value": lambda value: value.strip() + " "}),
    ],
)
def test_a_node_that_gives_something_else_is_found(
    type: str, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = changed(type, monkeypatch, **inputs)
    assert said is not None
    assert "raise `version=` in its @node and run `python -m tests.nodes.record`" in said


AGAIN = "run `python -m tests.nodes.record`."


def test_a_new_version_asks_for_new_records() -> None:
    spec = dataclasses.replace(CORE["trim"], version=7)
    said = verdict(spec, recorded()["trim"], results_of(spec))
    assert said == f"trim has version 7, its results were recorded at {CORE['trim'].version}: {AGAIN}"
    assert verdict(spec, None, {}) == f"trim has no recorded results: {AGAIN}"


def test_a_new_case_asks_for_new_records() -> None:
    said = verdict(CORE["trim"], recorded()["trim"], {**recorded()["trim"]["results"], "another": 1})
    assert said == f"the cases of trim are not those that were recorded: {AGAIN}"


def test_recording_again_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = Path(shutil.copy(record.FILE, tmp_path))
    monkeypatch.setattr(record, "FILE", copy)
    assert record.main() == 0
    assert copy.read_bytes() == (Path(record.__file__).parent / "results.json").read_bytes()


def test_a_change_is_recorded_only_with_a_new_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = recorded()
    monkeypatch.setattr(record, "FILE", tmp_path / "results.json")
    (tmp_path / "results.json").write_text(json.dumps(before), "utf-8")
    spec = dataclasses.replace(CORE["number"], function=lambda *, value: value + 1)
    monkeypatch.setattr(record, "CORE", {"number": spec})
    monkeypatch.setitem(CORE, "number", spec)
    assert record.main() == 1
    assert "number gives other results (whole, with a fraction)" in capsys.readouterr().out
    assert recorded()["number"] == before["number"]
    newer = dataclasses.replace(spec, version=2)
    monkeypatch.setattr(record, "CORE", {"number": newer})
    monkeypatch.setitem(CORE, "number", newer)
    assert record.main() == 0
    assert capsys.readouterr().out == "recorded number, version 2\n"
    assert recorded()["number"]["version"] == 2
    assert recorded()["number"]["results"]["whole"] == 8


def shifted(video: Video, by: int) -> Video:
    """The video with every value a little higher."""
    return Video.from_array((pixels(video).astype(np.int16) + by).clip(0, 255).astype(np.uint8), video.info.rate)


def test_what_is_only_near_may_be_off_by_so_much_and_no_more() -> None:
    one = described(Near(gradient(), 2))
    assert same(one, described(Near(shifted(gradient(), 2), 2)))
    assert not same(one, described(Near(shifted(gradient(), 3), 2)))
    assert not same(one, described(Near(gradient(frames=6), 2)))


def test_what_is_exact_may_not_be_off_at_all() -> None:
    whole = film(3)
    assert same(described(whole), described(film(3)))
    assert not same(described(whole), described(whole.with_audio(None)))
    spoilt = pixels(whole).copy()
    spoilt[1, 5, 5, 1] ^= 1
    assert not same(described(whole.with_audio(None)), described(Video.from_array(spoilt, 25)))
