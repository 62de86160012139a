"""The values that are neither pictures nor sound."""

from __future__ import annotations

import dataclasses

import pytest

from vidflow.values import Model, Prompt, Report


def test_a_report_is_a_read_only_mapping_of_its_own() -> None:
    data = {"mean": 0.5, "frames": 3}
    report = Report(data)
    data["mean"] = 1.0
    assert dict(report) == {"mean": 0.5, "frames": 3}
    assert len(report) == 2
    assert repr(report) == "Report({'mean': 0.5, 'frames': 3})"
    with pytest.raises(TypeError):
        report["mean"] = 1  # type: ignore[index]


def test_prompts_and_models_cannot_be_changed_once_they_travel() -> None:
    for value, field in ((Prompt("sea"), "text"), (Model("pocket", "small"), "name")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "other")


def test_equal_prompts_are_equal() -> None:
    assert Prompt("sea") == Prompt("sea", "")
    assert Prompt("sea") != Prompt("sea", "fog")
