"""Copy and paste: the text is a graph file, and what is pasted computes what was copied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidflow.errors import GraphError
from vidflow.graph import Graph, Link, apply, copied, dump, from_mapping, new_id, parse, pasted


def node(type: str, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs}


def link(source: str) -> dict[str, str]:
    return {"from": source}


FILM = from_mapping(
    {
        "vidflow": 1,
        "nodes": {
            "clip": node("load_video", path="clip.mp4"),
            "blur": {**node("soft", video=link("clip")), "mark": "kept"},
            "look": node("graph:look", **{"in": link("blur"), "more": [link("clip"), 3, link("blur")]}),
            "save": node("save_video", video=link("look.out"), path="{blur.size}-{clip.path}.mp4"),
        },
        "graphs": {
            "base": {"nodes": {"soft": node("soft")}, "inputs": {"in": ["soft.video"]}},
            "other": {"nodes": {"x": node("graph:look")}},
            "look": {
                "nodes": {"a": node("graph:base"), "b": node("trim")},
                "inputs": {"in": ["a.in"]},
                "outputs": {"out": link("b")},
                "view": {"nodes": {"a": {"at": [1, 1]}}},
            },
        },
        "view": {
            "title": "Film",
            "nodes": {"clip": {"at": [0, 0]}, "blur": {"at": [100, 51], "title": "Soft"}, "look": {"at": [203, 40]}},
        },
    }
)


def test_what_is_copied_is_a_readable_graph_file_with_all_that_it_uses() -> None:
    assert copied(FILM, None, ["look", "blur"]) == (
        """{
  "vidflow": 1,
  "nodes": {
    "blur": {"type": "soft", "inputs": {}, "mark": "kept"},
    "look": {"type": "graph:look", "inputs": {"in": {"from": "blur"}, "more": [3, {"from": "blur"}]}}
  },
  "graphs": {
    "base": {
      "nodes": {
        "soft": {"type": "soft", "inputs": {}}
      },
      "inputs": {"in": ["soft.video"]}
    },
    "look": {
      "nodes": {
        "a": {"type": "graph:base", "inputs": {}},
        "b": {"type": "trim", "inputs": {}}
      },
      "inputs": {"in": ["a.in"]},
      "outputs": {"out": {"from": "b"}},
      "view": {
        "nodes": {
          "a": {"at": [1, 1]}
        }
      }
    }
  },
  "view": {
    "nodes": {
      "blur": {"at": [100, 51], "title": "Soft"},
      "look": {"at": [203, 40]}
    }
  }
}
"""
    )
    assert "view" not in copied(FILM, "look", ["b"])
    with pytest.raises(GraphError, match="There is no node 'a'"):
        copied(FILM, None, ["a"])


def test_pasted_nodes_get_free_ids_links_among_themselves_and_their_place_on_the_grid() -> None:
    edit, ids = pasted(FILM, None, copied(FILM, None, ["blur", "look", "save"]), (301, 21))
    assert ids == ("blur_2", "look_2", "save_2")
    film, back = apply(FILM, edit)
    assert film.nodes["look_2"].inputs == {"in": Link("blur_2"), "more": (3, Link("blur_2"))}
    assert film.nodes["save_2"].inputs["path"] == "{blur_2.size}-{clip.path}.mp4"
    assert film.nodes["blur_2"].extra == {"mark": "kept"}
    assert film.graphs is FILM.graphs
    assert film.view["nodes"]["blur_2"] == {"at": (304, 35), "title": "Soft"}
    assert film.view["nodes"]["look_2"] == {"at": (407, 24)}
    assert film.view["nodes"]["save_2"] == {"at": (304, 195)}
    assert dump(apply(film, back)[0]) == dump(FILM)


def test_without_a_place_nodes_stay_where_they_were_and_never_lie_on_another() -> None:
    text = copied(FILM, None, ["clip", "look"])
    film, _ = apply(FILM, pasted(FILM, None, text)[0])
    assert film.view["nodes"]["clip_2"]["at"] == (32, 32)
    again, _ = apply(film, pasted(film, None, text)[0])
    assert again.view["nodes"]["clip_3"]["at"] == (64, 64)
    empty = Graph()
    there, _ = apply(empty, pasted(empty, None, text)[0])
    assert there.view["nodes"]["look"] == {"at": (203, 40)}


def test_two_nodes_whose_ids_are_taken_do_not_get_the_same_one() -> None:
    film = from_mapping({"vidflow": 1, "nodes": {"blur": node("soft"), "blur_2": node("soft", video=link("blur"))}})
    edit, ids = pasted(film, None, dump(film))
    assert ids == ("blur_3", "blur_4")
    assert apply(film, edit)[0].nodes["blur_4"].inputs == {"video": Link("blur_3")}


def test_a_subgraph_of_other_content_gets_another_name_once() -> None:
    text = copied(FILM, None, ["look"])
    changed = parse(dump(FILM).replace('"soft": {"type": "soft"', '"soft": {"type": "sharp"'))
    film, _ = apply(changed, pasted(changed, None, text)[0])
    assert film.nodes["look_2"].type == "graph:look_2"
    assert film.graphs["look_2"].nodes["a"].type == "graph:base_2"
    assert film.graphs["base_2"] == FILM.graphs["base"]
    assert film.graphs["look"] is changed.graphs["look"]
    again, _ = apply(film, pasted(film, None, text)[0])
    assert again.nodes["look_3"].type == "graph:look_2"
    assert again.graphs is film.graphs


def test_a_subgraph_whose_nodes_were_moved_is_still_the_same() -> None:
    moved = parse(dump(FILM).replace('"a": {"at": [1, 1]}', '"a": {"at": [9, 9]}'))
    film, _ = apply(moved, pasted(moved, None, copied(FILM, None, ["look"]))[0])
    assert film.nodes["look_2"].type == "graph:look"


def test_a_subgraph_is_never_pasted_into_itself() -> None:
    text = copied(FILM, None, ["look"])
    with pytest.raises(GraphError, match="The subgraph 'look' cannot contain itself"):
        pasted(FILM, "look", text)
    with pytest.raises(GraphError, match="The subgraph 'base' cannot contain itself"):
        pasted(FILM, "base", text)
    film, _ = apply(FILM, pasted(FILM, "other", text)[0])
    assert film.graphs["other"].nodes["look"].type == "graph:look"
    knot = '{"vidflow": 1, "nodes": {"a": {"type": "graph:k"}}, "graphs": {"k": {"nodes": {"b": {"type": "graph:k"}}}}}'
    with pytest.raises(GraphError, match="The subgraph 'k' in this text contains itself"):
        pasted(FILM, None, knot)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A sentence.", "cannot be pasted as nodes: This is not JSON"),
        ('{"vidflow": 99, "nodes": {}}', "cannot be pasted as nodes: .*99"),
        ('{"vidflow": 1, "nodes": {}}', "holds no nodes"),
        ('{"a": 1}', "cannot be pasted as nodes"),
    ],
)
def test_text_that_is_no_graph_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(GraphError, match=why):
        pasted(FILM, None, text)


@pytest.mark.parametrize(
    ("base", "taken", "id"),
    [
        ("blur", (), "blur"),
        ("blur", ("blur",), "blur_2"),
        ("blur_2", ("blur", "blur_2"), "blur_3"),
        ("blur_2", (), "blur_2"),
        ("lab.glow", (), "glow"),
        ("graph:my-look", ("my-look",), "my-look_2"),
        ("3d view", (), "_3d_view"),
        ("ぼかし", ("node",), "node_2"),
        ("_2", ("_2",), "_2_2"),
        ("look_", ("look", "look_"), "look__2"),
    ],
)
def test_a_new_id_is_readable_and_free(base: str, taken: tuple[str, ...], id: str) -> None:
    assert new_id(taken, base) == id


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["clip", "blur", "look", "save"]), unique=True, min_size=1),
    st.none() | st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
    st.sampled_from([None, "other"]),
    st.integers(1, 3),
)
def test_pasted_again_and_again_and_undone_the_bytes_are_the_same(
    ids: list[str], at: tuple[float, float] | None, scope: str | None, times: int
) -> None:
    text = copied(FILM, None, ids)
    film = FILM
    for _ in range(times):
        edit, made = pasted(film, scope, text, at)
        after, back = apply(film, edit)
        assert dump(apply(after, back)[0]) == dump(film)
        assert dump(parse(dump(after))) == dump(after)
        part = after if scope is None else after.graphs[scope]
        assert len(part.nodes) == len((film if scope is None else film.graphs[scope]).nodes) + len(ids)
        if at is not None:
            corner = [min(part.view["nodes"][id]["at"][axis] for id in made) for axis in (0, 1)]
            assert [place % 8 for place in corner] == [0, 0]
            assert all(abs(place - wished) <= 4 for place, wished in zip(corner, at, strict=True))
        film = after
