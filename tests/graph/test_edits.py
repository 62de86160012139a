"""Edits and their inverses: whatever was done, undone, gives the same bytes again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidflow.errors import GraphError
from vidflow.graph import (
    UNSET,
    AddNode,
    AddSubgraph,
    Batch,
    Edit,
    Graph,
    History,
    Link,
    MoveNodes,
    Node,
    RemoveNode,
    RemoveSubgraph,
    RenameId,
    RenameSubgraph,
    SetInput,
    SetOff,
    SetSubgraph,
    SetView,
    Subgraph,
    apply,
    dump,
    parse,
)

GRAPH = parse(
    """{
  "vidflow": 1,
  "nodes": {
    "a": {"type": "load", "inputs": {"path": "x"}},
    "b": {"inputs": {"video": {"from": "a.video", "mark": 1}, "gain": 2}, "type": "grade", "note": "kept"},
    "c": {"type": "concat", "inputs": {"videos": [{"from": "a"}, {"from": "b"}, {"from": "d"}], "z": [1, 2]}},
    "s": {"type": "graph:g", "inputs": {"in": {"from": "c"}}}
  },
  "graphs": {
    "g": {
      "nodes": {"b": {"type": "trim"}, "c": {"type": "graph:h", "inputs": {"video": {"from": "b"}}}},
      "inputs": {"in": ["b.video", "c.other"]},
      "outputs": {"out": {"from": "c"}, "first": {"from": "b.video"}}
    },
    "h": {"nodes": {}}
  },
  "view": {"nodes": {"a": {"at": [1, 2]}, "gone": {"at": [3, 4]}, "b": {"title": "B"}}, "pins": [1]}
}"""
)

IDS = st.sampled_from(["a", "b", "c", "d", "s", "gone", "in"])
SCOPES = st.sampled_from([None, None, None, "g", "h"])
NAMES = st.sampled_from(["g", "h", "k"])
INPUTS = st.sampled_from(["video", "videos", "gain", "path", "in"])
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0]), st.sampled_from(["", "x"]))
LINKS = st.builds(Link, IDS, st.sampled_from([None, "video"]))
VALUES = st.one_of(PLAIN, LINKS, st.lists(st.one_of(PLAIN, LINKS), max_size=3).map(tuple))
NODES = st.builds(
    Node, st.sampled_from(["trim", "graph:g", "graph:h"]), st.dictionaries(INPUTS, VALUES, max_size=2), st.booleans()
)
SUBGRAPHS = st.builds(
    Subgraph,
    st.dictionaries(IDS, NODES, max_size=3),
    st.dictionaries(INPUTS, st.lists(st.sampled_from(["b.video", "c.gain"]), max_size=2).map(tuple), max_size=2),
    st.dictionaries(INPUTS, LINKS, max_size=2),
)
SIMPLE = st.one_of(
    st.builds(AddNode, IDS, NODES, st.none() | st.just({"at": (5, 5)}), st.none() | st.integers(0, 4), SCOPES),
    st.builds(RemoveNode, IDS, SCOPES),
    st.builds(RenameId, IDS, IDS, SCOPES),
    st.builds(SetInput, IDS, INPUTS, VALUES | st.just(UNSET), SCOPES),
    st.builds(SetOff, IDS, st.booleans(), SCOPES),
    st.builds(MoveNodes, st.dictionaries(IDS, st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=2), SCOPES),
    st.builds(
        SetView,
        st.sampled_from([("nodes", "a", "title"), ("pins",), ("nodes", "gone"), ("nodes",), ("frames", "f")]),
        st.sampled_from([UNSET, 1, "x", (1, 2)]),
        SCOPES,
    ),
    st.builds(AddSubgraph, NAMES, SUBGRAPHS),
    st.builds(RemoveSubgraph, NAMES),
    st.builds(SetSubgraph, NAMES, SUBGRAPHS),
    st.builds(RenameSubgraph, NAMES, NAMES),
)
EDITS: st.SearchStrategy[Edit] = SIMPLE | st.lists(SIMPLE, max_size=3).map(lambda edits: Batch(tuple(edits)))


def done(history: History, edit: Edit, key: Any = None) -> None:
    before = history.graph
    try:
        history.do(edit, merge_key=key)
    except GraphError:
        assert history.graph is before


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(EDITS, st.sampled_from([None, None, "drag", "type"])), max_size=12))
def test_undone_completely_any_edits_give_the_same_bytes_and_redone_the_end_again(
    edits: list[tuple[Edit, str | None]],
) -> None:
    history = History(GRAPH)
    start = dump(GRAPH)
    for edit, key in edits:
        done(history, edit, key)
    end = dump(history.graph)
    while history.can_undo:
        history.undo()
    assert dump(history.graph) == start
    assert not history.dirty
    while history.can_redo:
        history.redo()
    assert dump(history.graph) == end


@settings(max_examples=300, deadline=None)
@given(EDITS)
def test_the_inverse_of_an_edit_gives_the_bytes_before_and_its_own_inverse_those_after(edit: Edit) -> None:
    try:
        after, back = apply(GRAPH, edit)
    except GraphError:
        return
    before, forth = apply(after, back)
    assert dump(before) == dump(GRAPH)
    assert dump(apply(before, forth)[0]) == dump(after)
    assert dump(parse(dump(after))) == dump(after)


def test_removing_a_node_removes_its_links_and_its_layout() -> None:
    graph, _ = apply(GRAPH, RemoveNode("a"))
    assert "video" not in graph.nodes["b"].inputs
    assert graph.nodes["c"].inputs["videos"] == (Link("b"), Link("d"))
    assert "a" not in graph.view["nodes"]
    inside, _ = apply(GRAPH, RemoveNode("b", graph="g"))
    assert inside.graphs["g"].inputs == {"in": ("c.other",)}
    assert list(inside.graphs["g"].outputs) == ["out"]


def test_renaming_an_id_rewrites_links_ports_and_layout_in_place() -> None:
    graph, _ = apply(GRAPH, RenameId("b", "bee"))
    assert list(graph.nodes) == ["a", "bee", "c", "s"]
    assert graph.nodes["c"].inputs["videos"] == (Link("a"), Link("bee"), Link("d"))
    assert graph.view["nodes"]["bee"] == {"title": "B"}
    assert graph.graphs is GRAPH.graphs
    inside, _ = apply(GRAPH, RenameId("b", "bee", graph="g"))
    assert inside.graphs["g"].inputs["in"] == ("bee.video", "c.other")
    assert inside.graphs["g"].outputs["first"] == Link("bee", "video")
    assert inside.nodes is GRAPH.nodes


def test_renaming_a_subgraph_takes_its_instances_along() -> None:
    graph, _ = apply(GRAPH, Batch((RenameSubgraph("g", "glow"), RenameSubgraph("h", "hue"))))
    assert list(graph.graphs) == ["glow", "hue"]
    assert graph.nodes["s"].type == "graph:glow"
    assert graph.graphs["glow"].nodes["c"].type == "graph:hue"


def test_null_is_a_value_and_unset_is_none() -> None:
    null, _ = apply(GRAPH, SetInput("b", "gain", None))
    assert '"gain": null' in dump(null)
    unset, _ = apply(GRAPH, SetInput("b", "gain", UNSET))
    assert "gain" not in dump(unset)


@pytest.mark.parametrize(
    "edit",
    [
        AddNode("a", Node("trim")),
        AddNode("a.b", Node("trim")),
        RemoveNode("d"),
        RenameId("a", "b"),
        RenameId("d", "e"),
        RenameId("a", "1"),
        SetInput("d", "x", 1),
        SetOff("a", True, graph="none"),
        MoveNodes({"d": (0, 0)}),
        SetView((), 1),
        SetView(("nodes", "a"), 3),
        MoveNodes({"a": (0, float("nan"))}),
        AddSubgraph("g", Subgraph({})),
        RemoveSubgraph("k"),
        RenameSubgraph("g", "h"),
        Batch((SetOff("a", True), SetOff("d", True))),
    ],
)
def test_an_impossible_edit_is_refused_and_changes_nothing(edit: Edit) -> None:
    history = History(GRAPH)
    with pytest.raises(GraphError):
        history.do(edit)
    assert history.graph is GRAPH
    assert not history.can_undo


def test_an_edit_shares_what_it_does_not_touch() -> None:
    graph, _ = apply(GRAPH, SetInput("b", "gain", 3))
    assert graph.nodes["c"] is GRAPH.nodes["c"]
    assert graph.view is GRAPH.view
    assert graph.graphs is GRAPH.graphs


def test_edits_with_one_merge_key_are_undone_together() -> None:
    history = History(GRAPH)
    history.do(SetOff("a", True))
    for gain in range(3, 9):
        history.do(SetInput("b", "gain", gain), merge_key="gain")
    history.undo()
    assert history.graph.nodes["b"].inputs["gain"] == 2
    assert history.graph.nodes["a"].off
    assert history.redo().nodes["b"].inputs["gain"] == 8
    history.do(SetInput("b", "gain", 20), merge_key="gain")
    assert history.undo().nodes["b"].inputs["gain"] == 8


def test_a_drag_that_ends_where_it_began_leaves_nothing_to_undo() -> None:
    history = History(GRAPH)
    history.do(SetInput("b", "gain", 3), merge_key="gain")
    history.do(SetInput("b", "gain", 2), merge_key="gain")
    assert not history.can_undo
    assert not history.dirty


def test_an_edit_that_changes_nothing_is_not_kept() -> None:
    history = History(GRAPH)
    history.do(SetInput("b", "gain", 2))
    history.do(MoveNodes({"a": (1, 2)}))
    assert not history.can_undo
    history.do(SetInput("b", "gain", 2.0))
    history.do(SetInput("b", "gain", True))
    assert history.undo().nodes["b"].inputs["gain"] == 2.0
    assert history.can_undo


def test_dirty_is_whether_the_document_differs_from_what_was_saved() -> None:
    history = History(GRAPH)
    history.do(SetOff("a", True), merge_key="off")
    history.saved()
    assert not history.dirty
    history.do(SetOff("b", True), merge_key="off")
    assert history.dirty
    history.undo()
    assert not history.dirty
    history.undo()
    assert history.dirty
    history.do(SetOff("c", True))
    history.undo()
    assert history.dirty


def test_whoever_shows_the_document_hears_of_each_change() -> None:
    seen: list[tuple[Graph, Graph]] = []
    history = History(GRAPH, lambda before, after: seen.append((before, after)))
    one = history.do(SetOff("a", True))
    history.undo()
    history.redo()
    assert [before is after for before, after in seen] == [False, False, False]
    assert seen[0] == (GRAPH, one)
    assert seen[1] == (one, GRAPH)
    assert seen[2] == (GRAPH, one)


def test_batches_nest_to_any_depth() -> None:
    edit: Edit = SetOff("a", True)
    for _ in range(3000):
        edit = Batch((edit,))
    assert apply(GRAPH, edit)[0].nodes["a"].off
