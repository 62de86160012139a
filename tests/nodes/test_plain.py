"""number and text: one value that many nodes share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nodes.bench import CORE, GIVEN, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film
from vidflow.errors import GraphError


@pytest.mark.parametrize("value", [0.0, 7, -1.5, 2**40])
def test_a_number_is_given_on(call: Call, value: float) -> None:
    assert call("number", value=value) == value


@pytest.mark.parametrize("value", ["", "海の朝", "two\nlines\n", "{n} & <b>"])
def test_a_text_is_given_on(call: Call, value: str) -> None:
    assert call("text", value=value) == value


def test_both_work_at_their_defaults(call: Call) -> None:
    assert call("number") == 0
    assert call("text") == ""


@pytest.mark.parametrize(
    ("type", "value"), [("number", "7"), ("number", True), ("number", float("inf")), ("text", 7), ("text", None)]
)
def test_a_value_of_another_type_is_refused_before_the_run(in_graph: InGraph, type: str, value: Any) -> None:
    with pytest.raises(GraphError, match=r"it\.value: "):
        in_graph(type, value=value)


def linked(in_graph: InGraph, number: float) -> Any:
    """A video trimmed and cropped by one shared number."""
    GIVEN["film"] = film(10)
    document = {
        "vidflow": 1,
        "nodes": {
            "film": {"type": "given.video", "inputs": {"name": "film"}},
            "five": {"type": "number", "inputs": {"value": number}},
            "unit": {"type": "text", "inputs": {"value": "frames"}},
            "trim": {
                "type": "trim",
                "inputs": {"video": {"from": "film"}, "end": {"from": "five"}, "unit": {"from": "unit"}},
            },
            "crop": {"type": "crop", "inputs": {"video": {"from": "trim"}, "width": {"from": "five"}}},
        },
    }
    return in_graph.engine.submit(document).result()["crop"]


def test_a_whole_number_feeds_settings_of_both_kinds_and_a_text_feeds_a_choice(in_graph: InGraph) -> None:
    found = linked(in_graph, 5)
    assert (found.info.frames, found.info.width) == (5, 5)


def test_a_number_with_a_fraction_is_no_width(in_graph: InGraph) -> None:
    with pytest.raises(GraphError, match=r"crop\.width: From 'five': 5\.5 stands here; expected a whole number"):
        linked(in_graph, 5.5)


def test_the_plain_functions_give_what_they_are_given() -> None:
    assert CORE["number"].function(value=3) == 3
    assert CORE["text"].function(value="sea") == "sea"
