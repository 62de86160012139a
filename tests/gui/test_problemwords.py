"""What is wrong with a graph, said in Japanese: by graphs that are wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gui.test_words import JAPANESE, english
from vidflow.errors import GraphError, Problem
from vidflow.graph import Edit, Graph, History, RenameId, check
from vidflow.graph.advice import advice
from vidflow.graph.files import from_mapping, load
from vidflow.graph.grouping import grouped
from vidflow.graph.paths import paths_for
from vidflow.gui.preferences import preferences
from vidflow.gui.problemwords import MESSAGES, told, whole, worded
from vidflow.nodespec.registry import installed

ROOT = Path(__file__).resolve().parents[2]
CLIP = {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}}
FROM = {"from": "clip"}


def small(type: str, **inputs: Any) -> dict[str, Any]:
    return {"clip": CLIP, "it": {"type": type, "inputs": inputs}}


def saved(**inputs: Any) -> dict[str, Any]:
    return small("save_video", video=FROM, **inputs)


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing linked": ("missing-input", small("resize")),
    "no list": ("missing-input", small("concat")),
    "no path": ("missing-input", {"it": {"type": "load_video", "inputs": {}}}),
    "no name": ("missing-input", saved()),
    "off": (
        "missing-input",
        {
            "clip": {"type": "load_audio", "inputs": {"path": "resources:media/evening.m4a"}, "off": True},
            "film": CLIP,
            "it": {"type": "set_audio", "inputs": {"video": {"from": "film"}, "audio": FROM}},
        },
    ),
    "lost source": ("unknown-node", small("resize", video={"from": "clop"})),
    "circle": ("cycle", {"a": {"type": "reverse", "inputs": {"video": {"from": "a"}}}}),
    "no such input": ("unknown-input", small("resize", video=FROM, widht=3)),
    "no such input at all": ("unknown-input", small("resize", video=FROM, zzz=3)),
    "no such output": ("unknown-output", small("resize", video={"from": "clip.zzz"})),
    "wrong wire": ("wrong-type", small("encode_text", model=FROM, prompt=FROM)),
    "no such type": ("unknown-type", {"it": {"type": "rezise", "inputs": {}}}),
    "no such type at all": ("unknown-type", {"it": {"type": "zzzzzz", "inputs": {}}}),
    "no such pack": ("unknown-type", {"it": {"type": "extra.glow", "inputs": {}}}),
    "no such subgraph": ("unknown-type", {"it": {"type": "graph:inner", "inputs": {}}}),
    "unknown field": ("unknown-field", {"clip": {**CLIP, "colour": 3}}),
    "text for a number": ("wrong-type", small("resize", video=FROM, width="wide")),
    "quoted number": ("wrong-type", small("resize", video=FROM, width="300")),
    "number for a text": ("wrong-type", {"it": {"type": "load_video", "inputs": {"path": 3}}}),
    "value for a port": ("wrong-type", small("resize", video=3)),
    "list": ("wrong-type", small("resize", video=[FROM])),
    "empty": ("wrong-type", small("trim", video=FROM, unit=None)),
    "point": ("wrong-type", small("resize", video=FROM, width=3.0)),
    "too small": ("out-of-range", small("resize", video=FROM, width=-3)),
    "too large": ("out-of-range", small("grade", video=FROM, contrast=99.0)),
    "no choice": ("out-of-range", small("resize", video=FROM, fit="strech")),
    "no choice at all": ("out-of-range", small("resize", video=FROM, fit="zzz")),
    "no colour": ("out-of-range", small("overlay_text", video=FROM, text="a", colour="red")),
    "no rate": ("out-of-range", small("change_rate", video=FROM, rate="fast")),
    "no file": ("missing-file", {"it": {"type": "load_video", "inputs": {"path": "none.mp4"}}}),
    "no folder for it": ("missing-file", {"it": {"type": "load_video", "inputs": {"path": "nowhere/none.mp4"}}}),
    "no folder": ("missing-file", {"it": {"type": "image_sequence", "inputs": {"path": "nowhere", "rate": "24"}}}),
    "no match": ("missing-file", {"it": {"type": "image_sequence", "inputs": {"path": "*.none", "rate": "24"}}}),
    "empty path": ("bad-path", {"it": {"type": "load_video", "inputs": {"path": ""}}}),
    "folder for a file": ("bad-path", {"it": {"type": "load_video", "inputs": {"path": "."}}}),
    "not in the box": ("bad-path", {"it": {"type": "load_video", "inputs": {"path": "resources:../a.mp4"}}}),
    "outside": ("bad-output-name", saved(path="../a.mp4")),
    "empty name": ("bad-output-name", saved(path="")),
    "home": ("bad-output-name", saved(path="~/a.mp4")),
    "backslash": ("bad-output-name", saved(path="a\\b.mp4")),
    "placeholder": ("bad-output-name", saved(path="{what}.mp4")),
    "brace": ("bad-output-name", saved(path="a{.mp4")),
    "no setting": ("bad-output-name", saved(path="{clip.none}.mp4")),
    "ending": ("bad-output-name", saved(path="a.txt")),
    "no ending": ("bad-output-name", saved(path="a")),
    "twice": (
        "same-output",
        {**saved(path="a.mp4"), "other": {"type": "save_video", "inputs": {"video": FROM, "path": "a.mp4"}}},
    ),
    "no model": ("missing-model", {"it": {"type": "load_model", "inputs": {"model": "none"}}}),
    "no model of the hub": ("missing-model", {"it": {"type": "load_model", "inputs": {"model": "some/model"}}}),
    "no prompt": ("cannot-run", {"it": {"type": "build_prompt", "inputs": {}}}),
    "text in the picture": (
        "text-in-picture",
        {
            "it": {
                "type": "build_prompt",
                "inputs": {"scene": "a sign that says 'Hello' in a street", "camera": "固定", "motion": "人物"},
            }
        },
    ),
    "no camera, no motion": (
        "no-camera-or-motion",
        {"it": {"type": "build_prompt", "inputs": {"scene": "a boat on the sea"}}},
    ),
    "no camera": (
        "no-camera-or-motion",
        {"it": {"type": "build_prompt", "inputs": {"scene": "a boat on the sea", "motion": "自然"}}},
    ),
    "nothing to see": (
        "nothing-to-see",
        {
            "it": {
                "type": "build_prompt",
                "inputs": {"scene": "the meaning of hope and eternal longing", "camera": "固定", "motion": "自然"},
            }
        },
    ),
    "same twice": (
        "stacked-twice",
        {
            "clip": CLIP,
            "one": {"type": "grade", "inputs": {"video": FROM, "contrast": 1.2}},
            "two": {"type": "grade", "inputs": {"video": {"from": "one"}, "contrast": 1.2}},
        },
    ),
    "colour twice": (
        "stacked-twice",
        {
            "clip": CLIP,
            "one": {"type": "harmonise_colour", "inputs": {"video": FROM, "reference": FROM}},
            "two": {"type": "harmonise_colour", "inputs": {"video": {"from": "one"}, "reference": FROM}},
        },
    ),
    "unlike shots": (
        "uneven-colour",
        {
            "clip": CLIP,
            "other": {"type": "load_video", "inputs": {"path": "resources:media/lanterns.mp4"}},
            "it": {"type": "concat", "inputs": {"videos": [FROM, {"from": "other"}]}},
        },
    ),
}


@pytest.fixture
def japanese(qapp: Any) -> Iterator[None]:
    """The window speaks Japanese."""
    from vidflow.gui import words

    preferences().setValue("language", "ja")
    words.install(qapp)
    yield
    preferences().setValue("language", "en")
    words.install(qapp)


def found(nodes: dict[str, Any], folder: Path) -> list[Problem]:
    """What is wrong with a graph, and advice."""
    checked = check(from_mapping({"vidflow": 1, "nodes": nodes}), installed(), paths_for(folder / "graph.json", folder))
    return [*checked.problems, *advice(checked)]


def is_japanese(problem: Problem) -> None:
    for english_text, text in zip((problem.message, problem.hint), worded(problem), strict=True):
        assert bool(JAPANESE.search(text)) == bool(english_text), f"{english_text} -> {text}"
        assert not english(re.sub(r"「[^」]*」|\{[^}]*\}|resources:NAME", "", text)), f"{english_text} -> {text}"
        for given in re.findall(r"'([^' ]+)'", english_text):
            assert given in text or "shots/*.png" in given or given in ("vidflow", ".."), f"{english_text} -> {text}"


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_japanese(case: str, japanese: None, tmp_path: Path) -> None:
    code, nodes = WRONG[case]
    problems = [one for one in found(nodes, tmp_path) if one.code == code]
    assert problems
    for problem in problems:
        if problem.code != "missing-input":
            is_japanese(problem)
        else:
            is_japanese(Problem(problem.code, problem.message, problem.node, problem.input))


REFUSED: dict[str, Callable[[Path], object]] = {
    "name taken": lambda _: done(RenameId("a", "b")),
    "no name": lambda _: done(RenameId("a", "b c")),
    "no node": lambda _: done(RenameId("zzz", "b")),
    "nothing selected": lambda _: grouped(Graph(), installed(), None, [], "group"),
    "no graph": lambda folder: load(written(folder, "{}")),
    "newer": lambda folder: load(written(folder, '{"vidflow": 999, "nodes": {}}')),
    "no object": lambda folder: load(written(folder, "[]")),
    "no text": lambda folder: load(written(folder, "é".encode("latin-1"))),
}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "graph.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def done(edit: Edit) -> None:
    History(from_mapping({"vidflow": 1, "nodes": {"a": CLIP, "b": CLIP}})).do(edit)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_in_japanese(case: str, japanese: None, tmp_path: Path) -> None:
    with pytest.raises(GraphError) as error:
        REFUSED[case](tmp_path)
    is_japanese(error.value.problems[0])
    assert JAPANESE.search(whole(error.value.problems[0]))


def test_what_is_not_known_stays_english(japanese: None) -> None:
    for text in ("This codec is not supported on this machine.", "Nobody knows.", "a.mp4: Invalid data found."):
        assert told(text) == text
    assert told("") == ""


def test_several_lines_with_their_places_are_said(japanese: None) -> None:
    first, second = told(
        "it.video: Nothing comes in here; expected a video.\nclip.path: There is no file 'a. mp4'. What is it?"
    ).split("\n")
    assert first == "it.video: 何もつながっていません。ビデオが必要です。"
    assert second == "clip.path: ファイル「a. mp4」がありません。What is it?"


def test_english_is_left_as_it_is(qapp: Any) -> None:
    assert told("There is no node type 'a'.") == "There is no node type 'a'."


def test_every_sentence_is_still_said_somewhere() -> None:
    said: set[str] = set()
    for path in [*(ROOT / "vidflow").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if "gui" not in path.parts else ():
            if isinstance(node, ast.JoinedStr):
                said.add("".join(one.value if isinstance(one, ast.Constant) else "{}" for one in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
    text = "\n".join(said)
    for message in set(MESSAGES) - {"There is no file {}."}:
        words = [one for one in re.split(r"\{\}|; ", message.replace("{{", "{").replace("}}", "}")) if len(one) > 8]
        assert all(one.strip(" .") in text for one in words), message
