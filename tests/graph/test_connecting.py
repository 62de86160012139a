"""Links as a hand makes them: what fits, why something does not, and what the edits leave in the document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.conftest import SPECS, Look, Some
from vidflow.errors import GraphError
from vidflow.graph import (
    Graph,
    Link,
    Paths,
    Wiring,
    apply,
    check,
    connected,
    disconnected,
    dump,
    fitting,
    from_mapping,
    inserted,
    refusal,
    removed,
)
from vidflow.nodespec.spec import PortType


def graph(nodes: dict[str, Any], **more: Any) -> Graph:
    return from_mapping({"vidflow": 1, "nodes": nodes, **more})


def node(type: str, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs}


def link(source: str) -> dict[str, str]:
    return {"from": source}


TYPES = Some()
FILM = graph(
    {
        "clip": node("load_video", path="clip.mp4"),
        "still": node("load_image", path="still.png"),
        "soft": node("soft", video=link("still")),
        "hard": node("soft", video=link("clip")),
        "later": node("soft"),
        "cut": node("trim", video=link("clip")),
        "two": node("split", video=link("cut")),
        "join": node("concat", videos=[link("clip"), link("cut")], transition=["cut", "fade"]),
        "seed": node("number", value=3),
        "half": node("half", x=1),
        "words": node("text", value="dusk"),
        "who": node("still_name"),
        "save": node("save_video", video=link("join")),
        "odd": node("lost"),
    }
)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("clip", "cut.video", None),
        ("still", "cut.video", None),
        ("clip", "who.image", "A video does not fit an image port."),
        ("hard", "who.image", "A video does not fit an image port."),
        ("soft", "who.image", None),
        ("later", "who.image", None),
        ("two.still", "who.image", None),
        ("two", "who.image", "A video does not fit an image port."),
        ("two.right", "who.image", "'two' has no output 'right'."),
        ("seed", "cut.start", None),
        ("seed", "join.seconds", None),
        ("half", "words.value", "A number does not fit 'value', which takes text."),
        ("words", "cut.start", "Text does not fit 'start', which takes a number."),
        ("words", "save.path", None),
        ("clip", "save.path", "A video does not fit 'path', which takes text."),
        ("clip", "save.sound", "'save' has no input 'sound'."),
        ("odd", "cut.video", "The type 'lost' is not known here."),
        ("gone", "cut.video", "There is no node 'gone'."),
        ("clip", "gone.video", "There is no node 'gone'."),
        ("cut", "cut.video", "A node cannot feed itself."),
        ("join", "cut.video", "This would make a circle: 'join' is made from 'cut'."),
        ("clip", "join.videos", None),
    ],
)
def test_an_output_fits_or_one_line_says_why_not(source: str, target: str, why: str | None) -> None:
    id, _, output = source.partition(".")
    assert refusal(FILM, TYPES, None, Link(id, output or None), *target.split(".")) == why


def test_a_number_node_fits_a_whole_number_and_a_computed_number_does_not() -> None:
    film = graph({"seed": node("number", value=3), "half": node("half", x=1), "noise": node("noise")})
    assert refusal(film, TYPES, None, Link("seed"), "noise", "seed") is None
    why = "A number does not fit 'seed', which takes a whole number."
    assert refusal(film, TYPES, None, Link("half"), "noise", "seed") == why
    film = graph({"seed": node("number", value=link("half")), "half": node("half"), "noise": node("noise")})
    assert refusal(film, TYPES, None, Link("seed"), "noise", "seed") == why


INNER = {
    "look": {
        "nodes": {
            "a": node("soft"),
            "b": node("trim", video=link("a")),
            "name": node("still_name"),
            "other": node("soft"),
        },
        "inputs": {"in": ["a.video"], "again": ["a.video"], "free": ["other.video"], "still": ["name.image"]},
        "outputs": {"raw": link("a"), "out": link("b"), "free": link("other")},
    }
}


def test_inside_a_subgraph_what_a_port_feeds_is_taken_and_what_comes_in_may_be_an_image() -> None:
    film = graph({}, graphs=INNER)
    taken = "The port 'in' of this subgraph feeds this input already."
    assert refusal(film, TYPES, "look", Link("b"), "a", "video") in (taken, taken.replace("'in'", "'again'"))
    inside = graph({}, graphs={"look": {**INNER["look"], "inputs": {"in": ["a.video"]}}})
    assert refusal(inside, TYPES, "look", Link("a"), "name", "image") is None
    assert refusal(inside, TYPES, "look", Link("b"), "name", "image") == "A video does not fit an image port."


def test_through_an_instance_images_stay_images_and_only_ports_that_lead_there_make_a_circle() -> None:
    film = graph(
        {
            "still": node("load_image", path="x.png"),
            "look": node("graph:look", **{"in": link("still")}, free=link("still")),
            "cut": node("trim", video=link("look.out")),
            "who": node("still_name"),
        },
        graphs=INNER,
    )
    assert refusal(film, TYPES, None, Link("look"), "who", "image") is None
    assert refusal(film, TYPES, None, Link("look", "out"), "who", "image") == "A video does not fit an image port."
    assert refusal(film, TYPES, None, Link("look", "raw"), "look", "still") == "A node cannot feed itself."
    assert refusal(film, TYPES, None, Link("cut"), "look", "free") is None
    circle = "This would make a circle: 'cut' is made from 'look'."
    assert refusal(film, TYPES, None, Link("cut"), "look", "in") == circle
    assert refusal(film, TYPES, None, Link("cut"), "look", "again").startswith("The port 'in' feeds the same input")
    assert refusal(film, TYPES, None, Link("look"), "cut", "start") == (
        "An image does not fit 'start', which takes a number."
    )


def test_a_circle_is_found_at_once_in_a_ladder_of_many_ways() -> None:
    nodes = {"n0": node("load_video", path="x.mp4"), "n1": node("gather", videos=[link("n0"), link("n0")])}
    for index in range(2, 400):
        nodes[f"n{index}"] = node("concat", videos=[link(f"n{index - 1}"), link(f"n{index - 2}")] * 2)
    film = graph(nodes)
    assert refusal(film, TYPES, None, Link("n399"), "n2", "videos").startswith("This would make a circle")
    assert refusal(film, TYPES, None, Link("n2"), "n399", "videos") is None


def test_both_ends_of_a_wire_are_told_the_same() -> None:
    film = graph(
        {
            "clip": node("load_video", path="x.mp4"),
            "look": node("graph:look", **{"in": link("clip")}, free=link("clip")),
            "cut": node("trim", video=link("look.out")),
            "free": node("trim", video=link("look.free")),
            "first": node("trim", video=link("look")),
            "end": node("concat", videos=[link("cut"), link("free")]),
        },
        graphs=INNER,
    )
    ports = [(id, name) for id in film.nodes for name in Wiring(film, TYPES, None).kind(id).slots]
    links = [Link(id) for id in film.nodes] + [Link("look", name) for name in ("raw", "out", "free")]
    circles = 0
    for port in ports:
        dragged = Wiring(film, TYPES, None)
        for source in links:
            alone = refusal(film, TYPES, None, source, *port)
            assert dragged.refusal(source, *port) == alone
            circles += "circle" in (alone or "")
    assert circles > 5


def test_what_refusal_allows_checks_without_a_fault_at_that_input(paths: Paths, look: Look) -> None:
    nodes = {id: each for id, each in FILM.nodes.items() if id != "odd"}
    film = Graph(nodes)
    wiring = Wiring(film, TYPES, None)
    seen = set()
    for source in nodes:
        for target in nodes:
            for input in wiring.kind(target).slots:
                why = wiring.refusal(Link(source), target, input)
                after, _ = apply(film, connected(film, TYPES, None, Link(source), target, input))
                found = {
                    (p.node, p.code)
                    for p in check(after, TYPES, paths).errors
                    if p.code == "cycle" or (p.input == input and p.node == target and p.code == "wrong-type")
                }
                if source != "later":
                    assert (why is not None) == bool(found), (source, target, input, why, found)
                seen.add(bool(found))
    assert seen == {True, False}


def test_a_link_replaces_what_is_at_a_single_input_and_joins_a_list_at_its_place() -> None:
    def after(source: str, target: str, place: int | None = None) -> Any:
        id, input = target.split(".")
        film, _ = apply(FILM, connected(FILM, TYPES, None, Link(source, "video"), id, input, place))
        return film.nodes[id].inputs[input]

    assert after("still", "cut.video") == Link("still", "video")
    assert after("clip", "hard.video") == Link("clip")
    assert after("soft", "join.videos") == (Link("clip"), Link("cut"), Link("soft"))
    assert after("soft", "join.videos", 1) == (Link("clip"), Link("soft"), Link("cut"))
    assert after("words", "join.transition", 0) == (Link("words", "video"), "cut", "fade")


def test_taking_a_link_away_leaves_the_rest_of_the_list_and_nothing_where_it_was_the_last() -> None:
    film, _ = apply(FILM, disconnected(FILM, None, "join", "videos", 0))
    assert film.nodes["join"].inputs["videos"] == (Link("cut"),)
    film, _ = apply(film, disconnected(film, None, "join", "videos", 0))
    assert "videos" not in film.nodes["join"].inputs
    film, _ = apply(FILM, disconnected(FILM, None, "cut", "video"))
    assert film.nodes["cut"].inputs == {}
    with pytest.raises(GraphError, match=r"join\.videos: There is nothing in place 3"):
        disconnected(FILM, None, "join", "videos", 2)


def test_a_node_goes_into_a_wire_by_its_first_free_input_that_fits() -> None:
    edit = inserted(FILM, TYPES, None, "later", "join", "videos", 1)
    film, _ = apply(FILM, edit)
    assert film.nodes["later"].inputs == {"video": Link("cut")}
    assert film.nodes["join"].inputs["videos"] == (Link("clip"), Link("later"))
    assert inserted(FILM, TYPES, None, "later", "join", "videos") is None
    assert inserted(FILM, TYPES, None, "words", "cut", "video") is None
    assert inserted(FILM, TYPES, None, "cut", "join", "videos", 0) is None
    assert inserted(FILM, TYPES, None, "later", "cut", "start") is None
    film, _ = apply(FILM, inserted(FILM, TYPES, None, "later", "soft", "video"))
    assert film.nodes["later"].inputs == {"video": Link("still")}


def test_fitting_types_come_the_best_first() -> None:
    film = graph({}, graphs=INNER)
    of_image = fitting(film, TYPES, PortType("image"))
    assert of_image[:2] == ["still_name", "graph:look"] or of_image[0] == "still_name"
    assert {"concat", "trim", "graph:look"} <= set(of_image)
    assert of_image.index("trim") < of_image.index("concat")
    assert not {"half", "load_video"} & set(of_image)
    assert fitting(film, TYPES, PortType("float"))[0] == "half"
    for_image = fitting(film, TYPES, None, PortType("image"))
    assert {"load_image", "split", "soft", "noise"} <= set(for_image)
    assert "trim" not in for_image
    assert fitting(film, TYPES, PortType("video"), PortType("str")) == ["name_of", "save_video"]


def test_nodes_are_deleted_and_with_heal_their_readers_read_on() -> None:
    film, _ = apply(FILM, removed(FILM, TYPES, None, ["cut"]))
    assert film.nodes["join"].inputs["videos"] == (Link("clip"),)
    film, _ = apply(FILM, removed(FILM, TYPES, None, ["cut", "join"], heal=True))
    assert film.nodes["two"].inputs == {"video": Link("clip")}
    # A list feeds no single input.
    assert "video" not in film.nodes["save"].inputs
    film, _ = apply(FILM, removed(FILM, TYPES, None, ["cut"], heal=True))
    assert film.nodes["join"].inputs["videos"] == (Link("clip"), Link("clip"))
    film, _ = apply(FILM, removed(FILM, TYPES, None, ["seed", "clip"], heal=True))
    assert film.nodes["join"].inputs["videos"] == (Link("cut"),)


def test_in_a_subgraph_ports_follow_to_the_readers_of_a_deleted_node() -> None:
    film = graph({}, graphs={"look": {**INNER["look"], "inputs": {"in": ["a.video"]}}})
    after, back = apply(film, removed(film, TYPES, "look", ["a"], heal=True))
    assert after.graphs["look"].inputs == {"in": ("b.video",)}
    assert list(after.graphs["look"].outputs) == ["out", "free"]
    assert dump(apply(after, back)[0]) == dump(film)
    after, _ = apply(film, removed(film, TYPES, "look", ["b"], heal=True))
    assert after.graphs["look"].outputs["out"] == Link("a")


NAMES = [f"n{index}" for index in range(6)]


@st.composite
def films(draw: st.DrawFn) -> Graph:
    """Any links among a few nodes, right or wrong."""
    nodes: dict[str, Any] = {}
    for id in NAMES[: draw(st.integers(2, 6))]:
        spec = draw(st.sampled_from(SPECS))
        inputs = {}
        for each in draw(st.lists(st.sampled_from(spec.inputs), max_size=2)) if spec.inputs else ():
            links = draw(st.lists(st.sampled_from(NAMES).map(link), min_size=1, max_size=3))
            inputs[each.name] = links if each.type.many else links[0]
        nodes[id] = node(spec.type, **inputs)
    return graph(nodes)


@settings(max_examples=200, deadline=None)
@given(films(), st.data())
def test_undone_every_operation_gives_the_same_bytes(film: Graph, data: st.DataObject) -> None:
    ids = list(film.nodes)
    wiring = Wiring(film, TYPES, None)
    source, target = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    edits = [removed(film, TYPES, None, [source], heal=True), removed(film, TYPES, None, [source, target], heal=True)]
    for name, value in film.nodes[target].inputs.items():
        edits.append(disconnected(film, None, target, name, 0))
        edit = inserted(film, TYPES, None, source, target, name, 0)
        if edit is not None:
            edits.append(edit)
            after, _ = apply(film, edit)
            slot = wiring.kind(target).slots[name]
            read = after.nodes[target].inputs[name]
            assert (read[0] if slot.many and isinstance(value, tuple) else read).node == source
    for name in wiring.kind(target).slots:
        if wiring.refusal(Link(source), target, name) is None:
            edits.append(connected(film, TYPES, None, Link(source), target, name))
    for edit in edits:
        after, back = apply(film, edit)
        assert dump(apply(after, back)[0]) == dump(film)
