"""build_prompt: parts in a fixed order, labels in two languages, and one key for one meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.bench import CORE, REGISTRY, Here, InGraph
from tests.nodes.conftest import Call
from vidflow.api import NodeError, Words, node
from vidflow.engine.events import NodeFinished
from vidflow.engine.service import Engine
from vidflow.errors import GraphError, RunError
from vidflow.graph import Paths, advice, check, from_mapping
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node
from vidflow.nodespec.vocabulary import presets_path, vocabulary

ENGLISH = {
    "scene": "a red fox in the snow",
    "camera": "dolly in",
    "motion": "animals",
    "motion_details": "it shakes off the flakes",
    "lighting": "golden hour",
    "style": "cinematic",
    "suffix": "muted colours",
    "negative": "blur",
}
JAPANESE = ENGLISH | {
    "camera": "ドリーイン",
    "motion": "動物",
    "lighting": "ゴールデンアワー",
    "style": "シネマティック",
}
SHOUTED = ENGLISH | {
    "camera": " DOLLY IN",
    "motion": "Animals",
    "lighting": "ＧＯＬＤＥＮ　ｈｏｕｒ",
    "style": "ｼﾈﾏﾃｨｯｸ",
}
TEXT = (
    "a red fox in the snow, slow dolly in, camera approaches the subject, "
    "animals moving freely with natural behaviour, it shakes off the flakes, "
    "golden hour, warm low sunlight, long soft shadows, "
    "cinematic, film grain, anamorphic lens, 2.39:1 widescreen, muted colours"
)


@node(title="Said", category="Test")
def said(*, value: str) -> str:
    """A text that is known only when it has been made."""
    return value


@node(title="Moods", category="Test")
def moods(*, words: list[Annotated[str, Words("style")]]) -> str:
    """Several words, as they were chosen."""
    return "|".join(words)


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """An engine that knows the nodes above, too."""
    more = [read_node(one, "given") for one in (said, moods)]
    with Engine(tmp_path / "store", registry=Registry([*CORE.values(), *more])) as engine:
        yield engine


def run(engine: Engine, inputs: Mapping[str, Any], **nodes: Any) -> tuple[Any, NodeFinished]:
    """The value of the node `prompt`, and how it finished."""
    prompt = {"type": "build_prompt", "inputs": dict(inputs)}
    request = engine.submit({"vidflow": 1, "nodes": {"prompt": prompt} | nodes})
    finished = [event for event in request if isinstance(event, NodeFinished) and event.node == "prompt"]
    with request.result() as result:
        return result["prompt"], finished[0]


def own(**categories: Any) -> None:
    """Write the user's own words."""
    presets_path().parent.mkdir(parents=True, exist_ok=True)
    presets_path().write_text(json.dumps(categories, ensure_ascii=False), "utf-8")


# The text


@pytest.mark.parametrize("inputs", [ENGLISH, JAPANESE, SHOUTED], ids=["English", "Japanese", "shouted"])
def test_the_parts_are_joined_in_order_whatever_the_language(call: Call, inputs: dict[str, str]) -> None:
    prompt = call("build_prompt", **inputs)
    assert (prompt.text, prompt.negative) == (TEXT, "blur")


def test_empty_parts_are_left_out(call: Call) -> None:
    assert call("build_prompt", scene="  a fox\n", suffix=" ", style='""').text == "a fox"
    assert call("build_prompt", motion_details="smoke rises").text == "smoke rises"
    assert call("build_prompt", lighting="逆光", motion="").text == vocabulary().phrase("lighting", "backlit")


def test_labels_free_text_and_quotes_stand_side_by_side(call: Call) -> None:
    prompt = call("build_prompt", camera="whip pan", style='"noir"', lighting="ネオン、fog")
    neon = vocabulary().phrase("lighting", "neon")
    assert prompt.text == f"whip pan, {neon}, fog, noir"


def test_labels_are_words_like_any_other_in_the_parts_that_take_none(call: Call) -> None:
    parts = {"scene": "static", "motion_details": "nature", "suffix": "noir", "negative": "anime"}
    prompt = call("build_prompt", **parts)
    assert (prompt.text, prompt.negative) == ("static, nature, noir", "anime")


def test_the_negative_prompt_is_kept_apart(call: Call) -> None:
    assert call("build_prompt", scene="a fox", negative="  blur, noise ").negative == "blur, noise"
    assert call("build_prompt", scene="a fox").negative == ""


@pytest.mark.parametrize("inputs", [{}, {"scene": " \n", "camera": "「」"}, {"negative": "blur"}])
def test_a_prompt_of_nothing_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, str]) -> None:
    with pytest.raises(GraphError) as raised:
        in_graph("build_prompt", **inputs)
    (problem,) = raised.value.problems
    assert str(problem) == "it.scene: Every part of the prompt is empty. Say in it what is to be seen."
    with pytest.raises(NodeError) as failed:
        CORE["build_prompt"].function(**inputs, run=Here(Path()))
    assert str(failed.value) == "every part of the prompt is empty; say in scene what is to be seen."


def test_a_prompt_of_nothing_that_comes_late_fails_the_node(engine: Engine) -> None:
    with pytest.raises(RunError, match=r"^prompt: every part of the prompt is empty"):
        run(engine, {"scene": {"from": "words"}}, words={"type": "given.said", "inputs": {"value": " "}})


@given(st.fixed_dictionaries({name: st.text(alphabet="ab \n\u3000", max_size=4) for name in ENGLISH}))
def test_what_is_left_is_joined_in_the_order_of_the_settings(inputs: dict[str, str]) -> None:
    parts = [text for name in ENGLISH if name != "negative" and (text := inputs[name].strip())]
    try:
        prompt = CORE["build_prompt"].function(**inputs, run=Here(Path()))
    except NodeError:
        assert not parts
    else:
        assert prompt.text == ", ".join(parts)


def test_the_final_text_is_noted() -> None:
    here = Here(Path())
    CORE["build_prompt"].function(scene="a fox", camera="固定", negative="blur", run=here)
    assert here.notes == [
        "The prompt is: a fox, locked-off static shot, camera fixed on a tripod",
        "The negative prompt is: blur",
    ]


# The key


def test_either_language_and_any_case_have_one_key(engine: Engine) -> None:
    first, made = run(engine, ENGLISH)
    assert not made.kept
    for inputs in (JAPANESE, SHOUTED, ENGLISH | {"camera": '"slow dolly in, camera approaches the subject"'}):
        again, finished = run(engine, inputs)
        assert finished.kept
        assert again == first
        assert finished.notes == made.notes == (f"The prompt is: {TEXT}", "The negative prompt is: blur")


@pytest.mark.parametrize("name", ENGLISH)
def test_another_meaning_has_another_key(engine: Engine, name: str) -> None:
    first, _ = run(engine, ENGLISH)
    other, finished = run(engine, ENGLISH | {name: '"dolly in"'})
    assert not finished.kept
    assert other != first


def test_a_label_that_comes_along_a_link_means_the_same(engine: Engine) -> None:
    first, _ = run(engine, ENGLISH)
    linked = ENGLISH | {"camera": {"from": "words"}}
    for type in ("text", "given.said"):
        again, finished = run(engine, linked, words={"type": type, "inputs": {"value": "ドリーイン"}})
        assert (again, finished.kept) == (first, True)


def test_the_user_s_own_words_change_the_text_and_the_key(engine: Engine) -> None:
    first, _ = run(engine, JAPANESE)
    own(camera=[{"ja": "ドリーイン", "phrase": "the camera creeps closer"}])
    other, finished = run(engine, JAPANESE)
    assert not finished.kept
    assert other.text == first.text.replace("slow dolly in, camera approaches the subject", "the camera creeps closer")
    presets_path().unlink()
    assert run(engine, JAPANESE)[1].kept


def test_a_list_of_words_has_one_key_too_and_the_body_gets_what_was_chosen(engine: Engine) -> None:
    def moods(*words: str) -> tuple[str, bool]:
        graph = {"vidflow": 1, "nodes": {"it": {"type": "given.moods", "inputs": {"words": list(words)}}}}
        request = engine.submit(graph)
        (finished,) = [event for event in request if isinstance(event, NodeFinished)]
        with request.result() as result:
            return result["it"], finished.kept

    assert moods("ノワール", "Anime") == ("ノワール|Anime", False)
    assert moods("noir", "アニメ") == ("ノワール|Anime", True)
    assert moods("アニメ", "noir") == ("アニメ|noir", False)


# Damage to the user's own words


def damaged() -> str:
    """Break the user's own words; what is said of that."""
    own()
    presets_path().write_text('{\n"camera": [{}]}', "utf-8")
    return (
        f"The words of your own in {presets_path()}, line 2 cannot be used: this entry has no phrase. "
        "Mend the file, or take it away."
    )


def test_damaged_words_are_one_problem_before_the_run(in_graph: InGraph) -> None:
    said = damaged()
    with pytest.raises(GraphError) as raised:
        in_graph("build_prompt", **ENGLISH)
    (problem,) = raised.value.problems
    assert (problem.code, str(problem)) == ("bad-words", said)
    assert in_graph("build_prompt", scene="a fox").text == "a fox"


def test_damaged_words_fail_the_node_where_a_label_comes_late(engine: Engine) -> None:
    said = damaged()
    with pytest.raises(RunError) as raised:
        run(engine, {"style": {"from": "words"}}, words={"type": "given.said", "inputs": {"value": "noir"}})
    assert str(raised.value) == f"prompt: {said}"


# Advice


def advised(folder: Path, **inputs: str) -> list[str]:
    """What check advises about a prompt, by its codes."""
    graph = {"vidflow": 1, "nodes": {"prompt": {"type": "build_prompt", "inputs": inputs}}}
    checked = check(from_mapping(graph), REGISTRY, Paths("film", folder, folder, folder / "out"))
    assert checked.problems == ()
    return [note.code for note in advice(checked)]


def test_check_advises_about_the_real_node(tmp_path: Path) -> None:
    assert advised(tmp_path, **ENGLISH) == advised(tmp_path, **JAPANESE) == []
    assert advised(tmp_path, scene="a red house") == ["no-camera-or-motion"]
    assert advised(tmp_path, scene="freedom", camera="固定", motion="静的") == ["nothing-to-see"]
    assert advised(tmp_path, **ENGLISH | {"suffix": "with subtitles"}) == ["text-in-picture"]


def test_quotes_that_force_free_text_are_no_writing_in_the_picture(tmp_path: Path) -> None:
    assert advised(tmp_path, **ENGLISH | {"style": '"IMAX"'}) == []
    assert advised(tmp_path, **ENGLISH | {"style": '"with subtitles"'}) == ["text-in-picture"]
