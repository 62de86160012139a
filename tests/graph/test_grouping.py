"""Subgraphs made and expanded: the flat form, which the checks and the engine see, stays the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.conftest import SPECS, Some
from vidflow.errors import GraphError
from vidflow.graph import Graph, Link, apply, definition_name, dump, from_mapping, grouped, parse, ungrouped
from vidflow.graph.expand import expand

TYPES = Some()


def node(type: str, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs}


def link(source: str) -> dict[str, str]:
    return {"from": source}


def graph(nodes: dict[str, Any], **more: Any) -> Graph:
    return from_mapping({"vidflow": 1, "nodes": nodes, **more})


def flat(film: Graph, gone: str = "", ids: dict[str, str] | None = None) -> dict[str, Any]:
    """What is made, with `gone` taken out of the ids and `ids` in their place."""
    nodes = expand(film)
    assert [each.code for each in nodes.problems if each.code != "unknown-node"] == []

    def id_of(id: str) -> str:
        id = id.replace(gone, "", 1) if gone else id
        return (ids or {}).get(id, id)

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        if not isinstance(value, Link):
            return value
        source = nodes.nodes.get(value.node)
        spec = TYPES.get(source.type) if source is not None else None
        return id_of(value.node), value.output or (spec.outputs[0].name if spec and spec.outputs else None)

    return {
        id_of(id): (each.type, {name: plain(value) for name, value in each.inputs.items()}, each.off)
        for id, each in nodes.nodes.items()
    }


FILM = graph(
    {
        "clip": node("load_video", path="clip.mp4"),
        "still": node("load_image", path="x.png"),
        "start": node("number", value=2),
        "cut": node("trim", video=link("clip"), start=link("start"), end=link("start")),
        "soft": node("soft", video=link("cut.video")),
        "hard": node("trim", video=link("clip"), start=link("start")),
        "two": node("split", video=link("hard")),
        "join": node("concat", videos=[link("soft"), link("still"), link("two.left")]),
        "save": node("save_video", video=link("join"), path="{cut.unit}-{clip.path}.mp4"),
    },
    view={
        "nodes": {
            "clip": {"at": [0, 0]},
            "cut": {"at": [200, 0], "title": "Cut"},
            "hard": {"at": [200, 100]},
            "soft": {"at": [401, 0]},
            "join": {"at": [600, 0]},
        },
        "frames": {
            "shots": {"at": [180, -20], "size": [300, 200], "title": "Shots"},
            "all": {"at": [-20, -20], "size": [1000, 400]},
            "free": {"at": [200, 900], "size": [10, 10]},
        },
    },
)


def test_a_selection_becomes_a_definition_and_one_instance_with_named_ports() -> None:
    edit, id = grouped(FILM, TYPES, None, ["soft", "cut", "hard"], "My look")
    film, back = apply(FILM, edit)
    assert id == "My_look"
    assert list(film.nodes) == ["clip", "still", "start", "My_look", "two", "join", "save"]
    part = film.graphs["My_look"]
    assert part.inputs == {
        "video": ("cut.video", "hard.video"), "start": ("cut.start", "hard.start"), "end": ("cut.end",),
    }  # fmt: skip
    assert film.nodes[id].inputs == {"video": Link("clip"), "start": Link("start"), "end": Link("start")}
    assert part.outputs == {"video": Link("hard"), "video_2": Link("soft")}
    assert film.nodes["two"].inputs == {"video": Link(id, "video")}
    assert film.nodes["join"].inputs["videos"] == (Link(id, "video_2"), Link("still"), Link("two", "left"))
    assert film.nodes["save"].inputs["path"] == "{My_look/cut.unit}-{clip.path}.mp4"
    assert flat(film, "My_look/", {}) | {"save": ()} == flat(FILM) | {"save": ()}
    assert film.view["nodes"][id] == {"at": (304, 48)}
    assert part.view["nodes"]["cut"] == {"at": (200, 0), "title": "Cut"}
    assert list(part.view["frames"]) == ["shots"]
    assert list(film.view["frames"]) == ["all", "free"]
    assert dump(apply(film, back)[0]) == dump(FILM)


def test_what_was_grouped_and_expanded_again_is_the_graph_that_it_was() -> None:
    edit, id = grouped(FILM, TYPES, None, ["soft", "cut", "hard"], "look")
    film, _ = apply(FILM, edit)
    edit, ids = ungrouped(film, None, id)
    again, back = apply(film, edit)
    assert ids == ("cut", "soft", "hard")
    assert flat(again) == flat(FILM)
    assert again.graphs == {}
    assert again.nodes["save"] == FILM.nodes["save"]
    assert again.view["frames"]["shots"]["at"] == (304, 48)
    assert again.view["nodes"]["cut"] == {"at": (324, 68), "title": "Cut"}
    assert again.view["nodes"]["soft"]["at"] == (525, 68)
    assert dump(apply(again, back)[0]) == dump(film)


def test_a_result_that_nothing_reads_gets_a_port_and_a_sink_none() -> None:
    film, _ = apply(FILM, grouped(FILM, TYPES, None, ["clip"], "in")[0])
    assert film.graphs["in"].outputs == {"video": Link("clip")}
    film, _ = apply(FILM, grouped(FILM, TYPES, None, ["join", "save"], "end")[0])
    assert film.graphs["end"].outputs == {}
    assert film.graphs["end"].inputs == {"videos": ("join.videos",)}
    assert flat(film, "end/") == flat(FILM)
    alone = graph({"soft": node("soft"), "two": node("split", video=link("soft"))})
    film, _ = apply(alone, grouped(alone, TYPES, None, ["soft", "two"], "x")[0])
    assert film.graphs["x"].outputs == {"left": Link("two")}


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (["clip", "join"], "leaves the selection at 'clip' and comes back through 'two'"),
        (["cut", "join"], "leaves the selection at 'cut' and comes back through 'soft'"),
        (["soft", "join"], r"join.videos: This list is fed from inside the selection \('soft'\) and from outside"),
        (["gone"], "There is no node 'gone'"),
        ([], "No node is selected"),
    ],
)
def test_a_selection_that_cannot_be_one_is_refused_in_words(ids: list[str], why: str) -> None:
    with pytest.raises(GraphError, match=why):
        grouped(FILM, TYPES, None, ids, "x")


def test_a_name_of_an_output_that_would_be_lost_in_a_subgraph_is_refused() -> None:
    film = graph({"use": node("graph:work")}, graphs={"work": {"nodes": {
        "number": node("number"), "save": node("save_video", path="{number.value}.mp4"),
    }}})  # fmt: skip
    with pytest.raises(GraphError, match="names 'number', which would not be in the same subgraph"):
        grouped(film, TYPES, "work", ["save"], "x")


def test_an_instance_is_expanded_with_its_values_and_free_ids() -> None:
    film = graph(
        {
            "clip": node("load_video", path="c.mp4"),
            "cut": node("trim", video=link("clip")),
            "look": node("graph:look", video=link("cut"), start=4),
            "other": node("graph:look"),
            "save": node("save_video", video=link("look.out"), path="{look/save.path}.mp4"),
        },
        graphs={
            "look": {
                "nodes": {
                    "cut": node("trim", start=1),
                    "look": node("soft", video=link("cut")),
                    "save": node("save_video", video=link("look"), path="{cut.start}.mp4"),
                },
                "inputs": {"video": ["cut.video"], "start": ["cut.start"]},
                "outputs": {"out": link("look")},
            }
        },
    )
    edit, ids = ungrouped(film, None, "look")
    after, back = apply(film, edit)
    assert ids == ("cut_2", "look", "save_2")
    assert list(after.nodes) == ["clip", "cut", "cut_2", "look", "save_2", "other", "save"]
    assert after.nodes["cut_2"].inputs == {"start": 4, "video": Link("cut")}
    assert after.nodes["save_2"].inputs["path"] == "{cut_2.start}.mp4"
    assert after.nodes["save"].inputs == {"video": Link("look"), "path": "{save_2.path}.mp4"}
    assert list(after.graphs) == ["look"]
    assert dump(apply(after, back)[0]) == dump(film)


def test_what_cannot_be_expanded_is_refused_in_words() -> None:
    film = graph({"a": node("soft"), "b": {"type": "graph:g", "off": True}}, graphs={"g": {"nodes": {}}})
    with pytest.raises(GraphError, match="a: This node is no subgraph"):
        ungrouped(film, None, "a")
    with pytest.raises(GraphError, match="b: This subgraph is off"):
        ungrouped(film, None, "b")
    with pytest.raises(GraphError, match="There is no node 'c'"):
        ungrouped(film, None, "c")


def test_definitions_get_free_names_after_any_words() -> None:
    film = graph({}, graphs={"look": {"nodes": {}}, "group": {"nodes": {}}})
    assert definition_name(film, "Warm evening!") == "Warm_evening"
    assert definition_name(film, "look") == "look_2"
    assert definition_name(film, "夕方") == "group_2"


PAIR = {
    "nodes": {"p": node("trim"), "q": node("concat", videos=[link("p")])},
    "inputs": {"video": ["p.video"], "videos": ["q.videos"], "start": ["p.start"]},
    "outputs": {"first": link("p"), "second": link("q")},
}
KINDS = {each.type: ([(i.name, i.type) for i in each.inputs], [o.name for o in each.outputs]) for each in SPECS}
KINDS["graph:pair"] = ([(i.name, i.type) for i in (SPECS[8].inputs[:2] + SPECS[10].inputs[:1])], ["first", "second"])


@st.composite
def scopes(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes that read those before them, of any type, with lists and instances."""
    nodes: dict[str, Any] = {}
    sources: list[str] = []
    for index in range(draw(st.integers(1, 8))):
        type = draw(st.sampled_from(sorted(KINDS)))
        inputs, outputs = KINDS[type]
        given: dict[str, Any] = {}
        for name, kind in inputs:
            items: list[Any] = (
                [link(each) for each in draw(st.lists(st.sampled_from(sources), max_size=3))] if sources else []
            )
            if kind.plain and draw(st.booleans()):
                items = items[:1] if draw(st.booleans()) else []
                items.append(5)
            if items:
                given[name] = items if kind.many else items[0]
        nodes[f"n{index}"] = {"type": type, "inputs": given, **({"off": True} if draw(st.integers(0, 9)) == 0 else {})}
        if nodes[f"n{index}"].get("off") and type == "graph:pair":
            del nodes[f"n{index}"]["off"]
        sources.extend([f"n{index}", *(f"n{index}.{name}" for name in outputs)] if outputs else [])
    return nodes


@settings(max_examples=300, deadline=None)
@given(scopes(), st.data())
def test_grouping_and_expanding_change_nothing_of_what_is_made(nodes: dict[str, Any], data: st.DataObject) -> None:
    scope = data.draw(st.sampled_from([None, "work"]))
    chosen = data.draw(st.lists(st.sampled_from(sorted(nodes)), unique=True, min_size=1))
    if scope is None:
        film = graph(nodes, graphs={"pair": PAIR})
        before = ""
    else:
        targets = [f"{id}.{name}" for id, each in nodes.items() for name, _ in KINDS[each["type"]][0]]
        ports = data.draw(st.lists(st.sampled_from(targets), unique=True, max_size=4)) if targets else []
        made = [id for id, each in nodes.items() if KINDS[each["type"]][1]]
        outputs = data.draw(st.lists(st.sampled_from(made), max_size=3)) if made else []
        work = {
            "nodes": nodes,
            "inputs": {"a": ports[:1], "b": ports[1:3], "c": ports[3:]},
            "outputs": {f"o{index}": link(id) for index, id in enumerate(outputs)},
        }
        use = node("graph:work", a=link("src"), c=data.draw(st.sampled_from([link("src"), 5])))
        ends = {f"end{index}": node("save_any", video=link(f"use.o{index}")) for index in range(len(outputs))}
        film = graph({"src": node("load_video"), "use": use, **ends}, graphs={"pair": PAIR, "work": work})
        before = "use/"
    try:
        edit, id = grouped(film, TYPES, scope, chosen, "part")
    except GraphError as error:
        if error.problems[0].code not in ("leaves-selection", "mixed-list"):
            raise
        return
    after, back = apply(film, edit)
    assert dump(apply(after, back)[0]) == dump(film)
    assert dump(parse(dump(after))) == dump(after)
    inside = {f"{before}{id}/{one}": f"{before}{one}" for one in chosen}
    for one in chosen:
        inside |= {f"{before}{id}/{one}/{deep}": f"{before}{one}/{deep}" for deep in PAIR["nodes"]}
    assert flat(after, ids=inside) == flat(film)
    edit, ids = ungrouped(after, scope, id)
    again, back = apply(after, edit)
    assert dump(apply(again, back)[0]) == dump(after)
    assert sorted(ids) == sorted(chosen)
    assert flat(again) == flat(film)
    assert again.graphs.keys() == film.graphs.keys()
