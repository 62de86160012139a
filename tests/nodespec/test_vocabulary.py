"""The words of a prompt: what is shipped, how labels are found, and the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow import places
from vidflow.api import NodeError, Words
from vidflow.graph.prompts import names_camera, names_motion, nothing_to_see, writing_asked
from vidflow.nodespec.vocabulary import CATEGORIES, LARGEST, Category, Entry, presets_path, vocabulary

LABELS: dict[Category, tuple[str, ...]] = {
    "camera": (
        "固定 static, パン左 pan left, パン右 pan right, ティルトアップ tilt up, ティルトダウン tilt down",
        "ドリーイン dolly in, ドリーアウト dolly out, 空撮 aerial, 軌道 orbit, ステディカム steadicam",
        "ズームイン zoom in, ズームアウト zoom out, クレーン crane, 手持ち handheld",
    ),
    "motion": (
        "自然 nature, 人物 people, 動物 animals, 抽象 abstract, タイムラプス timelapse",
        "スローモーション slow motion, 静的 subtle",
    ),
    "lighting": (
        "ゴールデンアワー golden hour, ブルーアワー blue hour, スタジオ studio, ネオン neon",
        "月明かり moonlight, 逆光 backlit, 曇天 overcast",
    ),
    "style": (
        "シネマティック cinematic, ドキュメンタリー documentary, アニメ anime, ピクサー風 Pixar-like",
        "ノワール noir, ヴィンテージ vintage, ハイパーリアル hyperreal, ミニチュア miniature",
    ),
}
MEANINGS: dict[Category, dict[str, str]] = {
    "camera": {
        "static": "locked off",
        "pan left": "pan left slow",
        "pan right": "pan right slow",
        "tilt up": "tilt up slow",
        "tilt down": "tilt down slow",
        "dolly in": "dolly approach slow",
        "dolly out": "dolly pull away slow",
        "aerial": "aerial drone bird eye",
        "orbit": "orbit rotat about subject",
        "steadicam": "smooth tracking",
        "zoom in": "zoom focus",
        "zoom out": "zoom reveal",
        "crane": "crane up forward",
        "handheld": "handheld slight shake documentary",
    },
    "motion": {
        "nature": "wind water cloud",
        "people": "walk gesture",
        "animals": "natural behaviour",
        "abstract": "particle morph",
        "timelapse": "day to night",
        "slow motion": "120 fps",
        "subtle": "minimal movement",
    },
    "lighting": {
        "golden hour": "warm long shadows",
        "blue hour": "twilight cool",
        "studio": "three-point",
        "neon": "cyberpunk reflection",
        "moonlight": "night ethereal",
        "backlit": "silhouette rim light",
        "overcast": "diffuse no hard shadows",
    },
    "style": {
        "cinematic": "grain anamorphic 2.39:1",
        "documentary": "raw natural",
        "anime": "cel-shaded vivid",
        "Pixar-like": "3d colourful cute",
        "noir": "black and white high contrast",
        "vintage": "8 mm desaturated vignette",
        "hyperreal": "photoreal hdr",
        "miniature": "tilt-shift shallow focus",
    },
}
SHIPPED = json.loads(places.resource("vocabulary.json").read_text("utf-8"))
ALL = [(category, Entry(**entry)) for category in CATEGORIES for entry in SHIPPED[category]]


def phrase(category: Category, text: str) -> str:
    return vocabulary().phrase(category, text)


def own(content: Any) -> Path:
    """Write the user's own words, as JSON or as they stand."""
    path = presets_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, str | bytes) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# What is shipped


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_label_is_there_in_both_languages_and_in_order(category: Category) -> None:
    labels = ", ".join(" ".join(entry.labels) for entry in vocabulary().entries(category))
    assert labels == ", ".join(LABELS[category])
    assert list(SHIPPED) == ["vidflow", *CATEGORIES]


@pytest.mark.parametrize(("category", "entry"), ALL, ids=[entry.en for _, entry in ALL])
def test_a_phrase_says_what_its_label_means_in_a_few_plain_words(category: Category, entry: Entry) -> None:
    assert [word for word in MEANINGS[category][entry.en].split() if word not in entry.phrase.casefold()] == []
    assert 4 <= len(entry.phrase.split()) <= 12
    assert entry.phrase.isascii()
    assert writing_asked(entry.phrase) is None
    assert not nothing_to_see(entry.phrase)


def test_a_phrase_is_known_for_what_it_is() -> None:
    for category, known in (("camera", names_camera), ("motion", names_motion)):
        assert [entry.phrase for entry in vocabulary().entries(category) if not known(entry.phrase)] == []


def test_no_two_labels_mean_the_same() -> None:
    phrases = [entry.phrase for _, entry in ALL]
    assert len(set(phrases)) == len(phrases) == 36


# Labels and free text


@pytest.mark.parametrize(
    "label", ["dolly in", "DOLLY IN", "  Dolly  In\n", "ｄｏｌｌｙ　ｉｎ", "ドリーイン", "ﾄﾞﾘｰｲﾝ", "　ドリーイン　"]
)
def test_a_label_is_known_in_either_language_and_any_case_width_and_spacing(label: str) -> None:
    assert phrase("camera", label) == "slow dolly in, camera approaches the subject"


@given(st.sampled_from(ALL), st.data())
def test_a_label_in_any_case_gives_its_phrase(one: tuple[Category, Entry], data: st.DataObject) -> None:
    category, entry = one
    for label in entry.labels:
        upper = data.draw(st.lists(st.booleans(), min_size=len(label), max_size=len(label)))
        text = "".join(letter.upper() if up else letter.lower() for letter, up in zip(label, upper, strict=True))
        assert phrase(category, text) == entry.phrase


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("oil painting", "oil painting"),
        ("  Oil Painting ", "Oil Painting"),
        ("水彩画、淡い色", "水彩画、淡い色"),
        ("soft,hazy", "soft,hazy"),
        ("static", "static"),
        ("it's 'noir'", "it's 'noir'"),
        ('a "noir" look', 'a "noir" look'),
        ('"noir', '"noir'),
        ("", ""),
        ("  ", ""),
        ("、", ""),
    ],
)
def test_what_is_no_label_of_the_category_is_used_as_it_stands(text: str, told: str) -> None:
    assert phrase("style", text) == told


@pytest.mark.parametrize("text", ['"noir"', "'noir'", "「noir」", "“noir”", "‘noir’", ' " noir " ', "「 noir」　"])
def test_quotes_force_free_text_and_are_taken_off(text: str) -> None:
    assert phrase("style", text) == "noir"


def test_empty_quotes_are_empty() -> None:
    assert phrase("style", '""') == ""
    assert phrase("style", '"", noir') == phrase("style", "noir")


@pytest.mark.parametrize("comma", [",", ", ", "、", "，", " ,\n"])
def test_labels_and_free_text_are_joined_by_commas_of_either_language(comma: str) -> None:
    noir, anime = phrase("style", "noir"), phrase("style", "anime")
    assert phrase("style", comma.join(["ノワール", "Anime"])) == f"{noir}, {anime}"
    assert phrase("style", comma.join(["oil painting", "noir", '"anime, noir"'])) == (
        f"oil painting, {noir}, anime, noir"
    )
    assert phrase("style", comma.join(["noir", "", "anime", ""])) == f"{noir}, {anime}"


@pytest.mark.parametrize("piece", ["「,", '",', "“、", "'", "  ", "「」", "noir,"])
def test_a_hostile_text_is_read_in_one_go(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    assert len(phrase("style", text)) <= 30 * len(text)


@given(st.text(alphabet="noir、,\"'「」“ ", max_size=30))
def test_any_text_gives_words_without_space_around(text: str) -> None:
    assert phrase("style", text) == phrase("style", text).strip()


# The user's own


def test_the_user_s_own_words_come_after_ours() -> None:
    ours = vocabulary().entries("camera")
    own({"camera": [{"ja": "俯瞰", "en": "Top Down", "phrase": "top-down shot from straight above"}]})
    assert vocabulary().entries("camera") == (*ours, Entry("俯瞰", "Top Down", "top-down shot from straight above"))
    assert phrase("camera", "俯瞰") == phrase("camera", "top down") == "top-down shot from straight above"
    assert phrase("style", "俯瞰") == "俯瞰"


def test_the_words_that_the_documentation_shows_work() -> None:
    page = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text("utf-8")
    own(page.partition("```json\n")[2].partition("```")[0])
    assert phrase("camera", "Top down") == phrase("camera", "真上") == "top-down shot from straight above"
    assert phrase("style", "ノワール") == "film noir, hard shadows of blinds on the walls"
    assert phrase("style", "our film") in page
    assert phrase("camera", "ドリーイン") in page


@pytest.mark.parametrize("labels", [{"ja": "固定"}, {"en": "STATIC"}, {"ja": "固定", "en": "static"}])
def test_the_user_s_words_replace_ours_of_the_same_label_in_its_place(labels: dict[str, str]) -> None:
    before = vocabulary().entries("camera")
    own({"vidflow": 1, "camera": [{**labels, "phrase": "still frame"}]})
    assert phrase("camera", "static") == phrase("camera", "固定") == "still frame"
    assert [entry.ja for entry in vocabulary().entries("camera")] == [entry.ja for entry in before]
    assert vocabulary().entries("camera")[1:] == before[1:]


def test_a_new_label_for_one_of_ours_takes_its_place() -> None:
    own({"camera": [{"ja": "フィックス", "en": "static", "phrase": "still frame"}]})
    assert {phrase("camera", label) for label in ("フィックス", "static", "固定")} == {"still frame"}
    assert len(vocabulary().entries("camera")) == 14


def test_a_label_of_the_user_s_may_hold_commas() -> None:
    own({"style": [{"en": "noir, but warm", "phrase": "sepia film noir"}]})
    assert phrase("style", "Noir, but warm") == "sepia film noir"


def test_a_change_of_the_user_s_words_is_seen_at_once() -> None:
    first = vocabulary().phrase("style", "anime")
    own({"style": [{"en": "anime", "phrase": "drawn by hand"}]})
    assert phrase("style", "anime") == "drawn by hand"
    own({"style": [{"en": "anime", "phrase": "drawn by hand, in ink"}]})
    assert phrase("style", "anime") == "drawn by hand, in ink"
    presets_path().unlink()
    assert phrase("style", "anime") == first


def test_a_file_with_a_byte_order_mark_and_nothing_of_interest_is_fine() -> None:
    own("\N{BYTE ORDER MARK}{}\n")
    assert vocabulary().entries("style") == tuple(entry for category, entry in ALL if category == "style")


ENTRY = '{"en": "x", "phrase": "y"}'


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{\n "camera": [\n  {"en": "x" "phrase": "y"}\n]}', 3, "this is not JSON: expecting ',' delimiter"),
        ("", 1, "this is not JSON: expecting value"),
        (b'{\n"camera": [{"ja": "\xff"}]}', 2, "this is not UTF-8 text"),
        ("[]", 1, "expected an object with camera, motion, lighting or style"),
        (f'{{"style": [],\n"mood": [{ENTRY}]}}', 2, "'mood' is no category; expected camera, motion, lighting, style"),
        ('{"style": [],\n\n"camera": {}}', 3, "camera holds no list of entries"),
        ('{\n"camera": ["static"]}', 2, "an entry of camera is no object with labels and a phrase"),
        ('{"camera": [\n{"en": "}", "phrase": "\\\\"},\n{"en": "x", "phrase": ""}]}', 3, "this entry has no phrase"),
        (
            f'{{"camera": [\n{ENTRY},\n {{\n"phrase": "y"\n}}]}}',
            3,
            "this entry has no label; give it a ja",
        ),
        (f'{{"camera": [{ENTRY},\n{{"ja": 7, "phrase": "y"}}]}}', 2, "the ja of this entry is no text"),
        (f'{{"camera": [\n\n{{"en": "x", "phrase": "y", "en": "z"}},\n{ENTRY}]}}', 3, "the name 'en' stands twice"),
        (f'{{\n"vidflow": 2, "camera": [{ENTRY}]}}', 2, "the format 2 is not known; expected 1"),
        ("[" * 100_000, 1, "this is no file of words"),
        ('{"camera": [' + "9" * 5000 + "]}", 1, "this is no file of words"),
    ],
)
def test_a_damaged_file_is_one_error_that_names_it_and_the_line(text: str | bytes, line: int, why: str) -> None:
    path = own(text)
    with pytest.raises(NodeError) as raised:
        vocabulary()
    said = str(raised.value)
    assert said.startswith(f"The words of your own in {path}, line {line} cannot be used: {why}")
    assert said.endswith(". Mend the file, or take it away.")
    assert len(said) < 300 + len(str(path))


def test_what_is_no_readable_file_of_a_sane_size_is_refused() -> None:
    path = own(b" " * (LARGEST + 1))
    with pytest.raises(NodeError, match="it is longer than 1 MB"):
        vocabulary()
    path.unlink()
    path.mkdir()
    with pytest.raises(NodeError, match="it is no plain file"):
        vocabulary()


# The hint


def test_the_hint_accepts_anything_and_says_what_it_means() -> None:
    words = Words("lighting")
    assert words.problem("anything") is None
    assert words.canonical("ネオン") == words.canonical("NEON") != "neon"
    assert words.canonical("") == ""


def test_a_setting_left_empty_does_not_look_at_the_user_s_words() -> None:
    own("{")
    assert Words("style").canonical("") == ""


def test_there_are_words_of_the_four_categories_only() -> None:
    with pytest.raises(ValueError, match="'mood' is no category of words; expected camera, motion, lighting, style"):
        Words("mood")  # pyright: ignore[reportArgumentType]
