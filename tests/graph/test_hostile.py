"""Mutated graphs: reading one either works or raises GraphError, and checking one never raises."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vidflow.errors import GraphError
from vidflow.graph import Graph, Paths, check, dump, parse

BASE: dict[str, Any] = {
    "vidflow": 1,
    "nodes": {
        "clip": {"type": "load_video", "inputs": {"path": "media/clip.mp4"}},
        "n": {"type": "number", "inputs": {"value": 3}},
        "t": {"type": "text", "inputs": {"value": "out"}},
        "cut": {"type": "trim", "inputs": {"video": {"from": "clip"}, "start": {"from": "n"}, "unit": "frames"}},
        "off": {"type": "trim", "off": True, "inputs": {"video": {"from": "cut"}, "end": None}},
        "sub": {"type": "graph:g", "inputs": {"in": {"from": "off"}, "end": 4}},
        "join": {"type": "concat", "inputs": {"videos": [{"from": "sub"}, {"from": "cut.video"}], "seconds": [1, 0.5]}},
        "i": {"type": "inc", "inputs": {"x": {"from": "n"}, "by": 2}},
        "save": {"type": "save_video", "inputs": {"video": {"from": "join"}, "path": "{graph}/{t.value}_{n:03}.mp4"}},
    },
    "graphs": {
        "g": {
            "nodes": {"a": {"type": "trim"}, "b": {"type": "graph:h", "inputs": {"v": {"from": "a"}}}},
            "inputs": {"in": ["a.video"], "end": ["a.end", "b.end"]},
            "outputs": {"out": {"from": "b"}, "raw": {"from": "a.video"}},
        },
        "h": {
            "nodes": {"c": {"type": "split"}},
            "inputs": {"v": ["c.video"], "end": ["c.end"]},
            "outputs": {"o": {"from": "c.still"}},
        },
    },
    "view": {"nodes": {"clip": {"at": [0, 0]}}},
}
STRANGE: list[Any] = [
    None, True, False, 0, -1, 7.5, 1e308, 2**63, -(2**64), 10**400, "", "a", "clip", "cut.video", "sub", "sub.out", "g",
    "graph:g", "graph:h", "graph:", "number", "text", "load_video", "concat", "split", "inc", "save_video", "lab.glow",
    "../x.mp4", "/etc/passwd", "~/x.mp4", "/dev/null", "x\0y", "\ud800", "{n}", "{", "{sub.in}", "{save.path}",
    "resources:..", "a/" * 500, "x" * 5000, "*" * 300, "[", [], [[]], [None], {}, {"from": "a"}, {"from": "clip"},
    {"from": "save"}, {"from": "sub.raw"}, {"from": "sub.none"}, {"from": ""}, {"from": "join"}, [{"from": "off"}] * 3,
    {"type": "graph:g"}, {"type": "trim", "off": True}, {"type": "number", "inputs": {"value": {"from": "n"}}},
]  # fmt: skip
KEYS = [
    "type",
    "inputs",
    "off",
    "nodes",
    "graphs",
    "view",
    "vidflow",
    "from",
    "video",
    "value",
    "path",
    "a",
    "a b",
    "",
    "é",
]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(inner, (*at, key))
    return found


def at_place(value: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        value = value[key]
    return value


PLACES = places(BASE)
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "drop", "copy", "add", "rename"]),
        st.sampled_from(PLACES[1:]),
        st.sampled_from(STRANGE),
        st.sampled_from(PLACES[1:]),
        st.sampled_from(KEYS),
    ),
    min_size=1,
    max_size=6,
)


def mutated(mutations: list[tuple[str, tuple[Any, ...], Any, tuple[Any, ...], str]]) -> str:
    raw = json.loads(json.dumps(BASE))
    for what, at, value, other, key in mutations:
        try:
            holder, last = at_place(raw, at[:-1]), at[-1]
            if what == "put":
                holder[last] = copy.deepcopy(value)
            elif what == "drop":
                del holder[last]
            elif what == "copy":
                holder[last] = json.loads(json.dumps(at_place(raw, other)))
            elif what == "add":
                holder[last][key] = copy.deepcopy(value)
            else:
                holder[key] = holder.pop(last)
        except (LookupError, TypeError, AttributeError):
            # An earlier mutation took the place away.
            continue
    return json.dumps(raw)


def spoiled(text: str, cuts: list[tuple[int, int, str]]) -> str:
    for start, length, new in cuts:
        start %= len(text) + 1
        text = text[:start] + new + text[start + length :]
    return text


def looked_at(text: str, registry: Any, paths: Paths, **how: Any) -> Graph | None:
    try:
        graph = parse(text)
    except GraphError as error:
        for problem in error.problems:
            assert problem.message
            assert problem.line is not None or problem.code in ("too-deep", "more")
        return None
    checked = check(graph, registry, paths, **how)
    for problem in checked.problems:
        assert problem.message
        assert len(str(problem)) < 2000
    assert parse(dump(graph)) == graph
    return graph


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS)
@example(mutations=[("put", ("graphs", "h", "nodes", "c", "type"), "graph:g", (), "")])
@example(mutations=[("put", ("nodes", "n", "inputs", "value"), {"from": "n"}, (), "")])
def test_a_mutated_graph_is_checked_without_an_exception(mutations: Any, registry: Any, paths: Paths) -> None:
    looked_at(mutated(mutations), registry, paths)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mutations=MUTATIONS,
    given_values=st.dictionaries(
        st.sampled_from(
            ["clip.path", "n.value", "cut.video", "sub.in", "sub.end", "sub/a.end", "x.y", "join.seconds", "."]
        ),
        st.sampled_from([*STRANGE, object(), Path("a.mp4"), b"x", float("nan"), "1,2", (1, "x")]),
        max_size=3,
    ),
    only=st.lists(st.sampled_from(["clip", "off", "sub", "sub/b", "sub/b/c", "save", "none"]), max_size=2),
    each=st.sampled_from([None, "", "a/b", "{n}"]),
)
def test_nothing_that_is_set_or_named_raises(
    mutations: Any, given_values: Any, only: Any, each: Any, registry: Any, paths: Paths
) -> None:
    looked_at(mutated(mutations), registry, paths, set=given_values, only=only, each=each)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(
        st.tuples(
            st.integers(0, 5000),
            st.integers(0, 30),
            st.sampled_from(
                ["", "{", "}", "[", "]", '"', ",", ":", "\\", "\\u12", "null", "NaN", "1e999", "-", "é", "\n", "\0"]
            )
            | st.text(max_size=5),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_spoiled_text_is_refused_with_a_place(cuts: Any, registry: Any, paths: Paths) -> None:
    looked_at(spoiled(json.dumps(BASE, indent=1), cuts), registry, paths)


def test_the_unmutated_graph_is_good(registry: Any, paths: Paths) -> None:
    raw = json.loads(json.dumps(BASE))
    del raw["nodes"]["sub"]["inputs"]["end"]
    checked = check(parse(json.dumps(raw)), registry, paths)
    assert checked.problems == ()
    assert checked.wanted == ("t", "i", "save")
