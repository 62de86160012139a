"""The ports of a subgraph, as edits."""

from __future__ import annotations

from typing import Any

from vidflow.graph import Graph, Link, apply, check, dump, from_mapping
from vidflow.graph.paths import paths_for
from vidflow.graph.porting import ports_of, with_input, with_output, without_input, without_output
from vidflow.nodespec.registry import installed


def _graph() -> Graph:
    return from_mapping(
        {
            "vidflow": 1,
            "nodes": {
                "clip": {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}},
                "look": {"type": "graph:look", "inputs": {"video": {"from": "clip"}}},
                "end": {"type": "reverse", "inputs": {"video": {"from": "look"}}},
            },
            "graphs": {
                "look": {
                    "nodes": {
                        "warm": {"type": "grade", "inputs": {}},
                        "cold": {"type": "grade", "inputs": {"video": {"from": "warm"}}},
                    },
                    "inputs": {"video": ["warm.video"]},
                    "outputs": {"video": {"from": "cold"}},
                }
            },
        }
    )


def _codes(graph: Graph) -> list[str]:
    return [one.code for one in check(graph, installed(), paths_for()).problems if one.level == "error"]


def test_a_setting_becomes_a_port_and_its_instances_can_give_it() -> None:
    graph = _graph()
    assert _codes(graph) == []
    after, back = apply(graph, with_input(graph, "look", "cold", "exposure"))
    assert after.graphs["look"].inputs == {"video": ("warm.video",), "exposure": ("cold.exposure",)}
    given = apply(after, _set("look", "exposure", 0.5))[0]
    assert _codes(given) == []
    checked = check(given, installed(), paths_for())
    assert checked.nodes["look/cold"].values["exposure"] == 0.5
    assert dump(apply(after, back)[0]) == dump(graph)


def _set(node: str, input: str, value: Any) -> Any:
    from vidflow.graph import SetInput

    return SetInput(node, input, value)


def test_a_second_port_of_one_name_gets_a_number() -> None:
    graph = _graph()
    graph = apply(graph, with_input(graph, "look", "warm", "exposure"))[0]
    graph = apply(graph, with_input(graph, "look", "cold", "exposure"))[0]
    assert list(graph.graphs["look"].inputs) == ["video", "exposure", "exposure_2"]
    graph = apply(graph, with_output(graph, "look", Link("warm")))[0]
    assert graph.graphs["look"].outputs == {"video": Link("cold"), "warm": Link("warm")}
    assert _codes(graph) == []


def test_a_port_that_feeds_nothing_any_more_goes() -> None:
    graph = _graph()
    graph = apply(graph, without_input(graph, "look", "warm", "video"))[0]
    assert graph.graphs["look"].inputs == {}
    graph = apply(graph, without_output(graph, "look", "video"))[0]
    assert graph.graphs["look"].outputs == {}


def test_it_is_known_which_port_is_at_which_node() -> None:
    takes, gives = ports_of(_graph().graphs["look"])
    assert takes == {"warm": {"video": "video"}}
    assert gives == {"cold": {None: "video"}}
