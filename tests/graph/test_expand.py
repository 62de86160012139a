"""Subgraphs: inlined to flat ids, nested but never recursive, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vidflow.graph import Checked, Link, Paths, expand, from_mapping, interface

Look = Callable[..., Checked]

GRAPHS = {
    "soften": {
        "nodes": {
            "first": {"type": "trim", "inputs": {"start": 1}},
            "second": {"type": "trim", "inputs": {"video": {"from": "first"}}},
            "also": {"type": "score", "inputs": {"video": {"from": "second"}}},
        },
        "inputs": {"clip": ["first.video"], "start": ["first.start", "second.start"]},
        "outputs": {"out": {"from": "second"}, "score": {"from": "also"}},
    },
    "twice": {
        "nodes": {
            "a": {"type": "graph:soften", "inputs": {"start": 2}},
            "b": {"type": "graph:soften", "inputs": {"clip": {"from": "a.out"}}},
        },
        "inputs": {"clip": ["a.clip"], "start": ["b.start"]},
        "outputs": {"video": {"from": "b"}, "early": {"from": "a.out"}},
    },
}
LOAD = {"type": "load_video", "inputs": {"path": "media/clip.mp4"}}


def node(type: str, off: bool = False, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs, **({"off": True} if off else {})}


def link(source: str) -> dict[str, str]:
    return {"from": source}


def said(checked: Checked) -> list[str]:
    return [f"{problem.code} {problem}" for problem in checked.problems]


def test_an_instance_is_inlined_in_its_place_with_flat_ids(look: Look) -> None:
    checked = look(
        {"clip": LOAD, "t": node("graph:twice", clip=link("clip"), start=5), "cut": node("trim", video=link("t"))},
        GRAPHS,
    )
    assert said(checked) == []
    assert list(checked.nodes) == [
        "clip", "t/a/first", "t/a/second", "t/a/also", "t/b/first", "t/b/second", "t/b/also", "cut",
    ]  # fmt: skip
    assert checked.nodes["cut"].links == {"video": Link("t/b/second")}
    assert checked.nodes["t/b/first"].links == {"video": Link("t/a/second")}
    assert checked.nodes["t/a/first"].links == {"video": Link("clip")}
    starts = {id: each.values["start"] for id, each in checked.nodes.items() if "start" in each.values}
    assert starts == {"t/a/first": 2, "t/a/second": 2, "t/b/first": 5, "t/b/second": 5, "cut": 0}
    assert checked.wanted == ("t/a/also", "t/b/also", "cut")


def test_an_output_is_named_or_the_first(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "t": node("graph:twice", clip=link("clip")),
            "join": node("concat", videos=[link("t"), link("t.early"), link("clip")]),
        },
        GRAPHS,
    )
    assert said(checked) == []
    assert checked.nodes["join"].links["videos"] == (Link("t/b/second"), Link("t/a/second"), Link("clip"))


def test_set_and_only_reach_inner_nodes_and_ports(look: Look) -> None:
    nodes = {"clip": LOAD, "t": node("graph:twice", clip=link("clip"), start=5)}
    checked = look(nodes, GRAPHS, set={"t/a/first.start": 9, "t.start": "7"}, only=["t/b/first"])
    assert said(checked) == []
    assert list(checked.nodes) == ["clip", "t/a/first", "t/a/second", "t/b/first"]
    assert checked.nodes["t/a/first"].values["start"] == 9
    assert checked.nodes["t/a/second"].values["start"] == 2
    assert checked.nodes["t/b/first"].values["start"] == 7
    assert look(nodes, GRAPHS, only=["t/a"]).wanted == ("t/a/second", "t/a/also")
    wrong = look(nodes, GRAPHS, set={"t.stat": 1, "t/a/frist.start": 1})
    assert said(wrong) == [
        "unknown-input t.stat: There is no port 'stat' to set. Did you mean 'start'?",
        "unknown-node There is no node 't/a/frist', so 't/a/frist.start' cannot be set. Did you mean 't/a/first'?",
    ]


def test_faults_in_a_subgraph_are_named_by_flat_id(look: Look) -> None:
    graphs = {
        "g": {
            "nodes": {
                "x": node("trim", video=link("y"), start="a"),
                "z": {"type": "graph:k"},
                "v": node("trim", video=link("z.out")),
            },
            "inputs": {"p": ["x.end", "w.end"], "q": ["x.end"]},
            "outputs": {"out": link("gone"), "end": link("x")},
        }
    }
    checked = look(
        {
            "a": node("graph:g", p=1, q=2, r=3),
            "b": node("trim", video=link("a.out")),
            "c": node("trim", video=link("a.nothing")),
            "d": node("graph:gg"),
        },
        graphs,
    )
    assert sorted(said(checked)) == sorted(
        [
            "unknown-node a.p: The port feeds 'w.end', but there is no such node inside.",
            "port-clash a.q: Another port feeds 'x.end' too.",
            "unknown-input a.r: The subgraph 'g' has no port 'r'.",
            "unknown-type a/z: There is no subgraph 'k' in this graph.",
            "unknown-type d: There is no subgraph 'gg' in this graph. Did you mean 'g'?",
            "unknown-node b.video: The output 'a.out' comes from 'a/gone', which is not there.",
            "unknown-output c.video: The subgraph 'a' has no output 'nothing'.",
            "unknown-node a/x.video: There is no node 'y' to link from.",
            "wrong-type a/x.start: The text 'a' stands here; expected a number.",
        ]
    )


def test_a_recursive_subgraph_is_a_problem_even_where_it_is_not_used(look: Look) -> None:
    graphs = {
        "a": {"nodes": {"x": {"type": "graph:b"}}, "outputs": {"v": link("x")}},
        "b": {"nodes": {"x": {"type": "graph:c"}}},
        "c": {"nodes": {"x": {"type": "graph:a"}, "y": {"type": "graph:c"}}},
    }
    message = (
        "recursive-graph graph:a: The subgraph 'a' contains itself: a -> b -> c -> a. Subgraphs may nest, not recurse."
    )
    nodes = {"n": node("graph:a"), "t": node("trim", video=link("n"))}
    checked = look(nodes, graphs)
    assert said(checked)[0] == message
    assert [problem.code for problem in checked.problems] == ["recursive-graph"]
    assert said(look({"i": node("inc")}, graphs))[0] == message


def test_an_instance_that_is_off_passes_the_port_of_its_output_s_type(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "t": node("graph:twice", off=True, clip=link("clip"), start=5),
            "cut": node("trim", video=link("t.early")),
            "s": node("graph:soften", off=True, clip=link("clip")),
            "read": node("score", video=link("s.out"), model=link("s.score")),
        },
        GRAPHS,
    )
    assert said(checked) == [
        "off-without-passthrough s: This node is off and has no input of its output's type, so nothing comes out of it."
    ]
    assert list(checked.nodes) == ["clip", "cut", "read"]
    assert checked.nodes["cut"].links == {"video": Link("clip")}
    assert checked.nodes["read"].links == {"video": Link("clip")}


def test_two_instances_with_one_output_name_are_a_problem(look: Look) -> None:
    graphs = {
        "out": {
            "nodes": {"s": node("save_video", path="{name.value}.mp4"), "name": node("text", value="film")},
            "inputs": {"video": ["s.video"], "name": ["name.value"]},
        }
    }
    nodes = {"clip": LOAD, "a": node("graph:out", video=link("clip")), "b": node("graph:out", video=link("clip"))}
    assert [problem.place for problem in look(nodes, graphs).problems] == ["b/s.path"]
    nodes["b"]["inputs"]["name"] = "other"
    checked = look(nodes, graphs)
    assert said(checked) == []
    assert checked.nodes["b/s"].values["path"].endswith("/outputs/other.mp4")


def test_doubling_subgraphs_are_refused_before_they_are_made(look: Look) -> None:
    graphs: dict[str, Any] = {"g40": {"nodes": {"x": {"type": "inc"}}}}
    for k in range(40):
        graphs[f"g{k}"] = {"nodes": {"a": {"type": f"graph:g{k + 1}"}, "b": {"type": f"graph:g{k + 1}"}}}
    checked = look({"bomb": node("graph:g0")}, graphs)
    assert [problem.code for problem in checked.problems] == ["too-large"]
    assert checked.nodes == {}


def test_doubling_ports_and_lists_are_refused_too(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "MAX_WORK", 5_000_000)
    graphs = {
        "g": {
            "nodes": {f"n{k}": node("concat", videos=[link("n0")] * 1000) for k in range(200)},
            "inputs": {"p": ["n0.videos"] * 1000},
        }
    }
    checked = look({f"i{k}": node("graph:g") for k in range(200)}, graphs)
    assert [problem.code for problem in checked.problems] == ["too-large"]


def test_a_thousand_levels_are_refused_and_fifty_are_not(look: Look) -> None:
    def levels(count: int) -> dict[str, Any]:
        graphs: dict[str, Any] = {f"g{k}": {"nodes": {"a": {"type": f"graph:g{k + 1}"}}} for k in range(count)}
        return {**graphs, f"g{count}": {"nodes": {"x": {"type": "inc"}}}}

    assert [problem.code for problem in look({"n": node("graph:g0")}, levels(1000)).problems] == ["too-large"]
    checked = look({"n": node("graph:g0")}, levels(50))
    assert said(checked) == []
    assert list(checked.nodes) == ["n/" + "a/" * 50 + "x"]


def test_the_ports_of_a_subgraph_are_declared_as_what_they_lead_to(registry: Any, paths: Paths) -> None:
    graph = from_mapping({"vidflow": 1, "nodes": {}, "graphs": GRAPHS})
    inputs, outputs = interface(graph, "twice", registry)
    assert [(port.name, str(port.type), port.required) for port in inputs] == [
        ("clip", "video", True),
        ("start", "float", False),
    ]
    assert [(port.name, str(port.type)) for port in outputs] == [("video", "video"), ("early", "video")]
    assert interface(graph, "none", registry) == ((), ())


@pytest.mark.parametrize("name", ["inputs", "outputs"])
def test_ports_in_a_circle_end(registry: Any, name: str) -> None:
    graphs = {
        "a": {"nodes": {"x": {"type": "graph:b"}}, "inputs": {"p": ["x.p"]}, "outputs": {"p": link("x.p")}},
        "b": {"nodes": {"x": {"type": "graph:a"}}, "inputs": {"p": ["x.p"]}, "outputs": {"p": link("x.p")}},
    }
    graph = from_mapping({"vidflow": 1, "nodes": {}, "graphs": graphs})
    assert interface(graph, "a", registry)[name == "outputs"] == ()
