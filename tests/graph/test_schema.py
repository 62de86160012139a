"""The JSON Schema says what the reader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from vidflow.errors import GraphError
from vidflow.graph import from_mapping
from vidflow.graph.schema import schema

ROOT = Path(__file__).parents[2]
VALID = Draft202012Validator(schema())

IDS = st.sampled_from(["a", "b2", "_x-y", "Z"])
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ITEMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.fixed_dictionaries({"from": st.sampled_from(["a", "b2.video", "_x-y"])}, optional={"weight": ANYTHING}),
)
NODES = st.dictionaries(
    IDS,
    st.fixed_dictionaries(
        {"type": st.text(min_size=1, max_size=5)},
        optional={
            "inputs": st.dictionaries(st.text(max_size=5), ITEMS | st.lists(ITEMS, max_size=3), max_size=3),
            "off": st.booleans(),
            "later": ANYTHING,
        },
    ),
    max_size=3,
)
VIEWS = st.fixed_dictionaries(
    {},
    optional={
        "nodes": st.dictionaries(
            st.text(max_size=3),
            st.fixed_dictionaries(
                {}, optional={"at": st.lists(st.integers(), min_size=2, max_size=2), "title": ANYTHING}
            ),
        ),
        "pins": ANYTHING,
    },
)
LINKS = st.fixed_dictionaries({"from": st.sampled_from(["a", "b2.video"])})
SUBGRAPHS = st.fixed_dictionaries(
    {"nodes": NODES},
    optional={
        "inputs": st.dictionaries(IDS, st.lists(st.sampled_from(["a.video", "b2.x"]), max_size=2), max_size=2),
        "outputs": st.dictionaries(IDS, LINKS, max_size=2),
        "view": VIEWS,
        "later": ANYTHING,
    },
)
GRAPHS = st.fixed_dictionaries(
    {"vidflow": st.just(1), "nodes": NODES},
    optional={"graphs": st.dictionaries(IDS, SUBGRAPHS, max_size=2), "view": VIEWS, "later": ANYTHING},
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*at, index))
    return found


def replaced(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    if isinstance(value, dict):
        return {key: replaced(inner, at[1:], new) if key == at[0] else inner for key, inner in value.items()}
    return [replaced(inner, at[1:], new) if index == at[0] else inner for index, inner in enumerate(value)]


def is_read(raw: Any) -> bool:
    try:
        from_mapping(raw)
    except GraphError:
        return False
    return True


def test_the_shipped_schema_is_the_one_in_the_code() -> None:
    shipped = (ROOT / "resources" / "graph.schema.json").read_text("utf-8")
    assert shipped == json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    Draft202012Validator.check_schema(schema())


def test_every_sample_graph_is_valid() -> None:
    samples = sorted((ROOT / "sample_graphs").glob("*.json"))
    assert samples
    for sample in samples:
        VALID.validate(json.loads(sample.read_text("utf-8")))


@settings(max_examples=200, deadline=None)
@given(GRAPHS)
def test_a_graph_that_is_made_to_the_contract_is_read_and_valid(raw: dict[str, Any]) -> None:
    from_mapping(raw)
    VALID.validate(raw)


@settings(max_examples=400, deadline=None)
@given(GRAPHS, st.data())
def test_one_value_exchanged_the_reader_and_the_schema_agree(raw: dict[str, Any], data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(places(raw)))
    new = data.draw(
        ANYTHING | st.sampled_from(["a.b.c", "a b", ["a.x"], [[1]], {"from": "1"}, {"from": 1}, {"a b": {}}])
    )
    raw = replaced(raw, at, new)
    # JSON Schema counts 1.0 as 1, the reader does not.
    assume(not isinstance(raw, dict) or type(raw.get("vidflow")) is not float)
    assert VALID.is_valid(raw) == is_read(raw), raw
