"""What check says of a graph: every problem at once, each with node, input, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidflow.graph import Checked, Link, Paths, check, from_mapping

Look = Callable[..., Checked]

LOAD = {"type": "load_video", "inputs": {"path": "media/clip.mp4"}}


STARS = (
    "unknown-type i: The type 'stars.shine' belongs to the pack 'stars', which is missing. "
    "Install the pack, or list it in VIDFLOW_PACKS."
)
OFF = "This node is off and has no input of its output's type, so nothing comes out of it."


def link(source: str) -> dict[str, str]:
    return {"from": source}


def node(type: str, off: bool = False, **inputs: Any) -> dict[str, Any]:
    return {"type": type, "inputs": inputs, **({"off": True} if off else {})}


def said(checked: Checked) -> list[str]:
    return [f"{problem.code} {problem}" for problem in checked.problems]


def test_a_good_graph_gives_its_nodes_in_order_with_all_settings(look: Look, paths: Paths) -> None:
    checked = look(
        {
            "save": node("save_video", video=link("cut")),
            "cut": node("trim", video=link("clip.video"), end=3),
            "clip": LOAD,
        }
    )
    assert said(checked) == []
    assert list(checked.nodes) == ["clip", "cut", "save"]
    assert checked.wanted == ("save",)
    assert checked.nodes["clip"].values == {"path": str(paths.base / "media" / "clip.mp4")}
    assert checked.nodes["cut"].values == {"start": 0.0, "end": 3.0, "unit": "seconds"}
    assert type(checked.nodes["cut"].values["end"]) is float
    assert checked.nodes["cut"].links == {"video": Link("clip", "video")}
    assert checked.nodes["save"].values == {"path": str(paths.output_dir / "film.mp4")}


def test_every_problem_is_found_at_once(look: Look) -> None:
    checked = look(
        {
            "a": node("load_vidoe", path="x"),
            "b": node("load_video", path="media/clop.mp4", loud=True),
            "c": node("trim", video=link("b.audio"), start="now", unit="second"),
            "d": node("trim", start=-1, end=[1, 2]),
            "e": node("score", video=link("f"), model="pocket"),
            "g": node("half", x=link("h")),
            "h": node("noise", seed=-5, loop=1),
            "i": node("stars.shine"),
            "j": node("lab.glov", video=link("b")),
            "k": {**node("noise"), "colour": "red"},
        }
    )
    assert said(checked) == [
        "unknown-type a: There is no node type 'load_vidoe'. Did you mean 'load_video'?",
        "unknown-input b.loud: 'load_video' has no input 'loud'. Its inputs are path.",
        "missing-file b.path: There is no file 'media/clop.mp4'. Did you mean 'clip.mp4'?",
        "unknown-output c.video: 'b' has no output 'audio'. Its outputs are video.",
        "wrong-type c.start: The text 'now' stands here; expected a number.",
        "out-of-range c.unit: 'second' is none of seconds, frames. Did you mean 'seconds'?",
        "out-of-range d.start: -1.0 is out of range: expected at least 0.",
        "wrong-type d.end: A list stands here; expected a number, one and not several.",
        'missing-input d.video: Nothing comes in here; expected a video. Link it: {"from": "node"}.',
        "unknown-node e.video: There is no node 'f' to link from.",
        'wrong-type e.model: \'pocket\' stands here; expected a model, along a link. Write {"from": "node"}.',
        "wrong-type g.x: 'h' gives an image; expected a number.",
        "out-of-range h.seed: -5 is no seed: expected 0 to 9223372036854775807.",
        "wrong-type h.loop: 1 stands here; expected true or false.",
        STARS,
        "unknown-type j: There is no node type 'lab.glov'. Did you mean 'lab.glow'?",
        "unknown-field k: This version does not know the field 'colour'. It is kept, but the graph cannot run with it.",
    ]


def test_a_link_to_a_misspelt_node_is_answered_with_a_guess(look: Look) -> None:
    checked = look({"smooth": LOAD, "b": node("trim", video=link("smoth"))})
    assert said(checked) == ["unknown-node b.video: There is no node 'smoth' to link from. Did you mean 'smooth'?"]


def test_a_cycle_is_reported_once_in_the_direction_of_the_links(look: Look) -> None:
    checked = look(
        {
            "z": node("half", x=link("a")),
            "c": node("inc", x=link("b")),
            "a": node("inc", x=link("c")),
            "b": node("inc", x=link("a"), by=1000),
            "self": node("inc", x=link("self")),
        }
    )
    assert said(checked) == [
        "cycle c: These nodes feed each other in a circle: c -> a -> b -> c. Take away one of these links.",
        "out-of-range b.by: 1000 is out of range: expected 0 to 100.",
        "cycle self: These nodes feed each other in a circle: self -> self. Take away one of these links.",
    ]


@pytest.mark.parametrize(
    ("type", "input", "value", "expected"),
    [
        ("half", "x", 7, 7.0),
        ("half", "x", -0.5, -0.5),
        ("inc", "x", -(2**63), -(2**63)),
        ("trim", "end", None, None),
        ("trim", "end", "", None),
        ("noise", "loop", True, True),
        ("concat", "transition", "fade", ("fade",)),
        ("concat", "transition", ["cut", "fade"], ("cut", "fade")),
        ("concat", "seconds", 1, (1.0,)),
        ("concat", "seconds", [], ()),
    ],
)
def test_a_literal_is_brought_to_the_input_s_type(look: Look, type: str, input: str, value: Any, expected: Any) -> None:
    checked = look(
        {"clip": LOAD, "n": node(type, **{"video": link("clip")} if type == "trim" else {}, **{input: value})}
    )
    assert [problem for problem in checked.problems if problem.input == input] == []
    got = checked.nodes["n"].values[input]
    assert got == expected
    assert repr(got) == repr(expected)


@pytest.mark.parametrize(
    ("type", "input", "value", "code"),
    [
        ("inc", "x", 7.0, "wrong-type"),
        ("inc", "x", True, "wrong-type"),
        ("inc", "x", "7", "wrong-type"),
        ("inc", "x", 2**63, "out-of-range"),
        ("half", "x", True, "wrong-type"),
        ("half", "x", 2**2000, "out-of-range"),
        ("half", "x", None, "wrong-type"),
        ("noise", "loop", 0, "wrong-type"),
        ("noise", "loop", None, "wrong-type"),
        ("text", "value", 3, "wrong-type"),
        ("concat", "transition", ["cut", 1], "wrong-type"),
        ("concat", "transition", ["cut", None], "wrong-type"),
        ("concat", "transition", ["cut", "melt"], "out-of-range"),
        ("concat", "videos", ["a.mp4"], "wrong-type"),
        ("score", "video", None, "wrong-type"),
    ],
)
def test_nothing_else_is_converted(look: Look, type: str, input: str, value: Any, code: str) -> None:
    checked = look({"n": node(type, **{input: value})})
    assert [problem.code for problem in checked.problems if problem.input == input] == [code]


def test_an_int_fits_a_float_and_an_image_a_video_and_nothing_else(look: Look) -> None:
    nodes = {
        "i": node("inc"),
        "f": node("half", x=link("i")),
        "p": node("noise"),
        "t": node("trim", video=link("p")),
        "n": node("name_of", video=link("t")),
    }
    assert said(look(nodes)) == []
    checked = look({**nodes, "bad": node("inc", x=link("f"), by=link("n"))})
    assert said(checked) == [
        "wrong-type bad.x: 'f' gives a number; expected a whole number.",
        "wrong-type bad.by: 'n' gives text; expected a whole number.",
    ]


def test_an_input_that_takes_many_holds_links_and_literals_in_order(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "half": node("half", x=1),
            "pic": node("noise"),
            "all": node("concat", videos=[link("clip"), link("pic"), link("clip")], seconds=[1, link("half"), 2]),
            "one": node("concat", videos=link("clip")),
            "none": node("concat", videos=[]),
        }
    )
    assert said(checked) == [
        'missing-input none.videos: Nothing comes in here; expected a list of videos. Link it: {"from": "node"}.'
    ]
    assert checked.nodes["all"].links == {
        "videos": (Link("clip"), Link("pic"), Link("clip")),
        "seconds": (1.0, Link("half"), 2.0),
    }
    assert "seconds" not in checked.nodes["all"].values
    assert checked.nodes["one"].links["videos"] == (Link("clip"),)


def test_number_and_text_take_the_place_of_their_links(look: Look, paths: Paths) -> None:
    checked = look(
        {
            "seed": node("number", value=2**62 + 1),
            "same": node("number", value=link("seed")),
            "where": node("text", value="media/clip.mp4"),
            "name": node("text", value="{seed.value}.mp4"),
            "clip": node("load_video", path=link("where")),
            "pic": node("noise", seed=link("same")),
            "cut": node("trim", video=link("clip"), start=link("number")),
            "number": node("number", value=2.0),
            "steps": node("inc", x=link("number"), by=link("number.value")),
            "join": node("concat", videos=[link("clip")], seconds=[1, link("number")]),
            "save": node("save_video", video=link("cut"), path=link("name")),
        }
    )
    assert said(checked) == []
    assert checked.nodes["pic"].values["seed"] == 2**62 + 1
    assert checked.nodes["clip"].values["path"] == str(paths.base / "media" / "clip.mp4")
    assert checked.nodes["cut"].values["start"] == 2.0
    assert repr(checked.nodes["steps"].values) == "{'x': 2, 'by': 2}"
    assert checked.nodes["join"].values["seconds"] == (1.0, 2.0)
    assert checked.nodes["save"].values["path"] == str(paths.output_dir / f"{2**62 + 1}.mp4")
    assert all("seed" not in each.links and "path" not in each.links for each in checked.nodes.values())


def test_a_number_or_text_that_does_not_fit_is_a_problem_at_its_reader(look: Look) -> None:
    checked = look(
        {
            "n": node("number", value=7.5),
            "t": node("text", value="../../etc/passwd"),
            "a": node("inc", x=link("n"), by=link("t")),
            "b": node("noise", seed=link("n")),
            "c": node("text", value=link("n")),
            "p": node("noise"),
            "d": node("save_video", video=link("p"), path=link("t")),
            "e": node("name_of", video=link("n")),
            "big": node("number", value=101),
            "f": node("inc", by=link("big")),
        }
    )
    assert said(checked) == [
        "wrong-type a.x: From 'n': 7.5 stands here; expected a whole number.",
        "wrong-type a.by: From 't': The text '../../etc/passwd' stands here; expected a whole number.",
        "wrong-type b.seed: From 'n': 7.5 stands here; expected a whole number.",
        "wrong-type c.value: From 'n': 7.5 stands here; expected text.",
        "bad-output-name d.path: '../../etc/passwd' has no ending; expected .mp4, .mov.",
        "wrong-type e.video: 'n' gives a number; expected a video.",
        "out-of-range f.by: From 'big': 101 is out of range: expected 0 to 100.",
    ]


def test_a_number_that_is_fed_by_another_node_stays_a_link(look: Look) -> None:
    checked = look({"i": node("inc"), "n": node("number", value=link("i")), "h": node("half", x=link("n"))})
    assert said(checked) == []
    assert checked.nodes["h"].links == {"x": Link("n")}
    assert checked.nodes["n"].links == {"value": Link("i")}


def test_a_renamed_type_still_opens(look: Look) -> None:
    checked = look({"a": {**LOAD, "type": "read_video"}})
    assert said(checked) == []
    assert checked.nodes["a"].spec.type == "load_video"


def test_what_runs_is_every_sink_and_every_node_that_nothing_reads(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "save": node("save_video", video=link("clip")),
            "name": node("text", value=link("save")),
            "cut": node("trim", video=link("clip")),
            "still": node("split", video=link("cut")),
        }
    )
    assert checked.wanted == ("save", "name", "still")


def test_only_runs_the_named_nodes_with_what_they_need_and_no_other_problem_counts(look: Look) -> None:
    nodes = {
        "clip": LOAD,
        "seed": node("number", value=1),
        "pic": node("noise", seed=link("seed")),
        "cut": node("trim", video=link("clip"), start="x"),
        "bad": node("nonsense"),
        "ring": node("inc", x=link("ring")),
    }
    checked = look(nodes, only=["pic"])
    assert said(checked) == []
    assert checked.wanted == ("pic",)
    assert list(checked.nodes) == ["seed", "pic"]
    assert [problem.place for problem in look(nodes, only=["cut", "pic"]).problems] == ["cut.start"]
    assert said(look(nodes, only=["pik"])) == ["unknown-node There is no node 'pik' to run. Did you mean 'pic'?"]


def test_an_empty_graph_has_nothing_to_run(look: Look) -> None:
    checked = look({})
    assert [(problem.code, problem.level) for problem in checked.problems] == [("nothing-to-run", "note")]
    assert checked.errors == ()


# --set


def test_values_set_from_python_and_from_the_command_line_take_the_file_s_place(look: Look, paths: Paths) -> None:
    (paths.cwd / "mine.mp4").write_bytes(b"x")
    nodes = {
        "clip": LOAD,
        "n": node("number", value=1),
        "i": node("inc", x=link("n")),
        "pic": node("noise"),
        "cut": node("trim", video=link("clip"), end=link("n")),
        "join": node("concat", videos=[link("clip")]),
        "save": node("save_video", video=link("cut")),
    }
    given = {"clip.path": "mine.mp4", "n.value": "5", "pic.loop": "true", "cut.end": "", "join.transition": "cut, fade",
             "join.seconds": [1, 2.5], "save.path": Path("a.mp4")}  # fmt: skip
    checked = look(nodes, set=given)
    assert said(checked) == []
    assert checked.nodes["clip"].values["path"] == str(paths.cwd / "mine.mp4")
    assert repr(checked.nodes["i"].values["x"]) == "5"
    assert checked.nodes["pic"].values["loop"] is True
    assert checked.nodes["cut"].values["end"] is None
    assert checked.nodes["cut"].links == {"video": Link("clip")}
    assert checked.nodes["join"].values == {"transition": ("cut", "fade"), "seconds": (1.0, 2.5)}
    assert checked.nodes["save"].values["path"] == str(paths.output_dir / "a.mp4")


def test_a_text_that_was_set_is_a_path_from_the_current_directory(look: Look, paths: Paths) -> None:
    (paths.cwd / "mine.mp4").write_bytes(b"x")
    nodes = {"t": node("text", value="media/clip.mp4"), "clip": node("load_video", path=link("t"))}
    checked = look(nodes, set={"t.value": "mine.mp4"})
    assert said(checked) == []
    assert checked.nodes["clip"].values["path"] == str(paths.cwd / "mine.mp4")


def test_what_cannot_be_set_is_named(look: Look) -> None:
    checked = look(
        {"clip": LOAD, "cut": node("trim", video=link("clip"))},
        set={
            "clip": 1,
            "clap.path": "x",
            "cut.star": 1,
            "cut.video": "x.mp4",
            "cut.start": "soon",
            "cut.unit": "hours",
            "cut.end": {"from": "clip"},
        },
    )
    assert said(checked) == [
        "unknown-input 'clip' cannot be set. Name it NODE.INPUT.",
        "unknown-node There is no node 'clap', so 'clap.path' cannot be set. Did you mean 'clip'?",
        "unknown-input cut.star: There is no input 'star' to set. Did you mean 'start'?",
        "wrong-type cut.video: This is a port: a video comes along a link and cannot be set.",
        "wrong-type cut.start: 'soon' is not a number.",
        "out-of-range cut.unit: 'hours' is none of seconds, frames.",
        "wrong-type cut.end: An object stands here; expected a number.",
    ]


# Files


def test_a_setting_that_names_a_file_asks_for_one(look: Look) -> None:
    checked = look({"clip": node("load_video"), "shots": node("image_sequence")})
    assert said(checked) == [
        "missing-input clip.path: This setting is missing; expected a file.",
        "missing-input shots.path: This setting is missing; expected a folder.",
    ]


def test_a_missing_or_wrong_input_file_is_a_problem_of_its_input(look: Look, paths: Paths) -> None:
    checked = look(
        {
            "a": node("load_video", path="media"),
            "b": node("load_video", path=""),
            "c": node("load_video", path="nowhere/clip.mp4"),
            "d": node("load_video", path="/dev/null"),
            "e": node("load_video", path="a\0b"),
            "f": node("image_sequence", path="media/clip.mp4"),
            "g": node("image_sequence", path="media/*.gif"),
            "h": node("image_sequence", path="m*/x.png"),
            "i": node("load_video", path="resources:../x"),
            "ok": node("image_sequence", path="media/shot_*.png"),
            "too": node("image_sequence", path="media"),
        }
    )
    assert said(checked) == [
        "bad-path a.path: 'media' is a folder; expected a file.",
        "bad-path b.path: This path is empty. Give the name of a file.",
        f"missing-file c.path: There is no file 'nowhere/clip.mp4'. There is no folder '{paths.base / 'nowhere'}'.",
        "bad-path d.path: '/dev/null' is a device or a pipe; expected a file.",
        "bad-path e.path: 'a\\x00b' has a control character, which no name of a file has.",
        "bad-path f.path: 'media/clip.mp4' is a file; expected a folder, or a pattern such as 'shots/*.png'.",
        "missing-file g.path: No file matches 'media/*.gif'.",
        "bad-path h.path: In 'm*/x.png' a folder's name has a * or ?. Use them in the last part of the path only.",
        "bad-path i.path: 'resources:../x' is no file shipped with vidflow. Write resources:NAME, without '..' in it.",
    ]
    assert checked.nodes["ok"].values["path"] == str(paths.base / "media" / "shot_*.png")
    assert checked.nodes["too"].values["path"] == str(paths.base / "media")


def test_output_names_are_filled_from_the_graph(look: Look, paths: Paths) -> None:
    nodes = {
        "clip": LOAD,
        "cut": node("trim", video=link("clip"), start=1.5),
        "n": node("number", value=7),
        "save": node(
            "save_video", video=link("cut"), path="{graph}/{clip.path}_{cut.start}_{n.value}_{n:03}{each}.mp4"
        ),
    }
    checked = look(nodes)
    assert said(checked) == []
    assert checked.nodes["save"].values["path"] == str(paths.output_dir / "film" / "clip_1.5_7_{n:03}.mp4")
    each = look(nodes, each="a/b-2")
    assert each.nodes["save"].values["path"].endswith("clip_1.5_7_{n:03}a_b-2.mp4")
    nodes["save"]["inputs"]["path"] = "cut.mp4"
    assert look(nodes, each="2").nodes["save"].values["path"] == str(paths.output_dir / "cut-2.mp4")
    nodes["save"]["inputs"]["path"] = "{cut.start}.mp4"
    assert look(nodes, each="2").nodes["save"].values["path"] == str(paths.output_dir / "1.5-2.mp4")


def test_settings_of_every_type_stand_in_an_output_name(look: Look) -> None:
    checked = look(
        {
            "pic": node("noise", loop=True, seed=3),
            "join": node("concat", videos=link("pic"), transition=["cut", "fade"], seconds=2),
            "cut": node("trim", video=link("join")),
            "save": node(
                "save_video",
                video=link("cut"),
                path="{pic.loop}_{pic.seed}_{join.transition}_{join.seconds}_{cut.end}_{cut.unit}.mp4",
            ),
        }
    )
    assert said(checked) == []
    assert Path(checked.nodes["save"].values["path"]).name == "true_3_cut-fade_2__seconds.mp4"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{film}.mp4", "holds {film}, which is no placeholder"),
        ("{n:4}.mp4", "holds {n:4}, which is no placeholder"),
        ("{}.mp4", "holds {}, which is no placeholder"),
        ("a{.mp4", "has a brace that is no placeholder"),
        ("{{n}}.mp4", "has a brace that is no placeholder"),
        ("{clap.path}.mp4", "'{clap.path}' names no setting of this graph. Did you mean 'clip'?"),
        ("{clip.none}.mp4", "'{clip.none}' names no setting"),
        ("{save.path}.mp4", "'{save.path}' names no setting"),
        ("{clip.__class__}.mp4", "names no setting"),
        ("{word.value}.mp4", "'{word.value}' is known only during the run"),
        ("a.txt", "'a.txt' ends in '.txt'; expected .mp4, .mov"),
        ("mp4", "'mp4' has no ending"),
    ],
)
def test_an_output_name_holds_nothing_but_the_known_placeholders(look: Look, name: str, message: str) -> None:
    checked = look(
        {
            "clip": LOAD,
            "word": node("text", value=link("what")),
            "what": node("name_of", video=link("clip")),
            "save": node("save_video", video=link("clip"), path=name),
        }
    )
    assert [problem.code for problem in checked.problems] == ["bad-output-name"]
    assert message in str(checked.problems[0])
    assert checked.problems[0].place == "save.path"


def test_a_setting_in_an_output_name_cannot_leave_the_directory(look: Look, paths: Paths) -> None:
    checked = look(
        {
            "clip": LOAD,
            "t": node("text", value="../../{n}/\\x\n" + "ü" * 400),
            "save": node("save_video", video=link("clip"), path="{t.value}.mp4"),
        }
    )
    assert said(checked) == []
    path = Path(checked.nodes["save"].values["path"])
    assert path.parent == paths.output_dir
    assert len(path.name.encode()) < 110
    assert path.name.startswith("_.._n_x_ü")


def test_two_outputs_of_one_name_are_a_problem(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "a": node("save_video", video=link("clip"), path="x.mp4"),
            "b": node("save_video", video=link("clip"), path="y/../x.mp4"),
            "c": node("save_video", video=link("clip"), path="x.mov"),
        }
    )
    assert said(checked) == [
        "same-output b.path: 'y/../x.mp4' is written by a.path too. Give each output a name of its own."
    ]


def test_an_output_never_replaces_what_the_graph_reads(registry: Any, paths: Paths) -> None:
    graph = from_mapping(
        {"vidflow": 1, "nodes": {"clip": LOAD, "save": node("save_video", video=link("clip"), path="clip.mp4")}}
    )
    beside = Paths("film", paths.base, paths.cwd, paths.base / "media")
    assert said(check(graph, registry, beside)) == [
        "same-output save.path: 'clip.mp4' would replace the file that clip.path reads. Choose another name."
    ]


# Off


def test_a_node_that_is_off_passes_its_first_input_of_the_output_s_type(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "a": node("trim", off=True, video=link("clip"), start="wrong and ignored"),
            "b": node("trim", off=True, video=link("a")),
            "c": node("split", off=True, video=link("b")),
            "d": node("concat", videos=[link("b"), link("c.left"), link("clip")]),
            "e": node("inc", off=True, x=41),
            "f": node("inc", x=link("e")),
            "g": node("half", off=True),
            "save": node("save_video", off=True, video=link("clip")),
        }
    )
    assert said(checked) == []
    assert checked.nodes["d"].links["videos"] == (Link("clip"), Link("clip"), Link("clip"))
    assert checked.nodes["f"].values["x"] == 41
    assert checked.wanted == ("d", "f")
    assert list(checked.nodes) == ["clip", "d", "f"]


def test_a_node_that_is_off_and_passes_nothing_on_is_a_problem_only_where_it_is_needed(look: Look) -> None:
    nodes = {
        "clip": LOAD,
        "pic": node("noise", off=True),
        "score": node("score", video=link("pic")),
        "all": node("concat", videos=[link("clip"), link("pic")]),
        "n": node("name_of", off=True, video=link("clip")),
        "t": node("text", value=link("n")),
    }
    checked = look(nodes)
    assert said(checked) == [
        f"off-without-passthrough pic: {OFF}",
        "missing-input score.video: 'pic' feeds this input, but is off and passes nothing on. Turn it on.",
        f"off-without-passthrough n: {OFF}",
    ]
    assert [problem.place for problem in checked.errors] == ["score.video"]
    assert checked.nodes["all"].links["videos"] == (Link("clip"),)
    assert checked.nodes["t"].values["value"] == ""
    assert said(look(nodes, only=["clip"])) == []


def test_a_list_that_passes_through_is_joined_to_the_others(look: Look) -> None:
    nodes = {
        "a": LOAD,
        "b": LOAD,
        "cut": node("trim", off=True, video=link("b")),
        "all": node("gather", off=True, videos=[link("a"), link("cut")]),
        "more": node("concat", videos=[link("b"), link("all"), link("a")]),
        "same": node("concat", videos=link("all")),
    }
    checked = look(nodes)
    assert said(checked) == []
    assert checked.nodes["more"].links["videos"] == (Link("b"), Link("a"), Link("b"), Link("a"))
    assert checked.nodes["same"].links["videos"] == (Link("a"), Link("b"))
    for k in range(40):
        nodes[f"g{k}"] = node("gather", off=True, videos=[link(f"g{k - 1}" if k else "all")] * 2)
    nodes["end"] = node("concat", videos=link("g39"))
    assert [(problem.code, problem.place) for problem in look(nodes).problems] == [("too-large", "end.videos")]


def test_a_wrong_output_of_a_node_that_is_off_is_a_problem_where_its_name_stands(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "a": node("trim", off=True, video=link("clip")),
            "b": node("trim", off=True, video=link("a.vidoe")),
            "c": node("trim", video=link("b")),
        }
    )
    assert said(checked) == ["unknown-output b.video: 'a' has no output 'vidoe'."]


def test_what_a_node_that_is_off_was_set_to_passes_on_as_it_was_set(look: Look, paths: Paths) -> None:
    (paths.cwd / "mine.mp4").write_bytes(b"x")
    nodes = {
        "t": node("text", off=True, value="media/clip.mp4"),
        "clip": node("load_video", path=link("t")),
        "i": node("inc", off=True),
        "j": node("inc", x=link("i")),
    }
    assert look(nodes).nodes["clip"].values["path"] == str(paths.base / "media" / "clip.mp4")
    assert look(nodes).nodes["j"].values["x"] == 0
    assert look(nodes, set={"t.value": "mine.mp4"}).nodes["clip"].values["path"] == str(paths.cwd / "mine.mp4")


def test_an_image_stays_one_where_the_output_follows_the_input(look: Look) -> None:
    nodes = {
        "pic": node("noise"),
        "a": node("soft", video=link("pic")),
        "b": node("soft", video=link("a")),
        "c": node("still_name", image=link("b")),
    }
    assert said(look(nodes)) == []
    nodes["a"]["inputs"]["video"] = link("clip")
    nodes["clip"] = LOAD
    assert said(look(nodes)) == ["wrong-type c.image: 'b' gives a video; expected an image."]


def test_what_passes_through_the_last_node_is_still_shown_and_no_more(look: Look) -> None:
    checked = look(
        {
            "clip": LOAD,
            "other": LOAD,
            "mix": node("concat", videos=[link("other")]),
            "last": node("trim", off=True, video=link("clip")),
            "save": node("save_video", off=True, video=link("mix")),
        }
    )
    assert checked.wanted == ("clip",)
    assert look({"clip": LOAD, "last": node("trim", off=True, video=link("clip"))}, only=["last"]).wanted == ("clip",)
    assert said(look({"pic": node("noise", off=True)}, only=["pic"]))[0].startswith("off The node 'pic' is off")


def test_nodes_that_are_off_and_feed_each_other_are_a_cycle(look: Look) -> None:
    checked = look(
        {
            "a": node("inc", off=True, x=link("b")),
            "b": node("inc", off=True, x=link("a")),
            "c": node("inc", x=link("a")),
            "x": node("inc", off=True, x=link("y")),
            "y": node("inc", x=link("x")),
        }
    )
    assert [problem.code for problem in checked.problems] == ["cycle", "cycle"]


def test_an_unknown_type_that_is_off_counts_only_where_it_is_read(look: Look) -> None:
    assert look({"clip": LOAD, "a": node("future", off=True, video=link("clip"))}).errors == ()
    checked = look({"a": node("future", off=True), "b": node("trim", video=link("a"))})
    assert [problem.place for problem in checked.problems] == ["a"]


def test_a_chain_of_ten_thousand_nodes_meets_no_recursion_limit(look: Look) -> None:
    count = 10_000
    nodes = {f"n{k}": node("inc", x=link(f"n{k - 1}") if k else 0) for k in reversed(range(count))}
    checked = look(nodes)
    assert said(checked) == []
    assert list(checked.nodes) == [f"n{k}" for k in range(count)]
    nodes["n0"]["inputs"]["x"] = link(f"n{count - 1}")
    assert [problem.code for problem in look(nodes).problems] == ["cycle"]
    off = {id: {**each, "off": 0 < int(id[1:]) < count - 1} for id, each in nodes.items()}
    off["n0"]["inputs"] = {"x": 3}
    assert look(off).nodes[f"n{count - 1}"].links == {"x": Link("n0")}


def test_thousands_of_problems_are_summed_up(look: Look) -> None:
    checked = look({f"n{k}": node(f"kind_{k}") for k in range(5000)})
    assert len(checked.problems) == 1001
    assert checked.problems[-1].message == "4000 more problems are not listed."
