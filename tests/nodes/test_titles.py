"""overlay_text: the text is where it should be, when it should be, whole, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodes.bench import CORE, Here, InGraph
from tests.nodes.conftest import Call
from tests.nodes.material import film, info, picture, pixels, samples
from vidflow.api import Image, NodeError, Video
from vidflow.errors import GraphError
from vidflow.places import resource

fonts, lettering, titles = (import_module(f"vidflow_nodes.{name}") for name in ("fonts", "lettering", "titles"))
EUROPE = resource("fonts/vidflow-sans-bold-europe.ttf")
JAPANESE = "「東京の夜は、静かに更けていく。」と彼は言った、そして誰もいない街を歩き出した。"
ENGLISH = "The quick brown fox jumps over the lazy dog, again and again, until the light has gone."


def black(width: int = 320, height: int = 180, frames: int = 1, rate: Fraction | int = 25) -> Video:
    """A dark film."""
    return Video.from_array(np.zeros((frames, height, width, 3), np.uint8), rate)


def titled(video: Video, text: str = "Title", **inputs: Any) -> tuple[Video, list[str]]:
    """The video with its text, and the notes."""
    run = Here(Path())
    return CORE["overlay_text"].function(video, text=text, run=run, **inputs), run.notes


def ink(text: str, width: int = 320, height: int = 180, **inputs: Any) -> np.ndarray:
    """How bright a white text without outline is on black, in 0..255."""
    still = Image.from_frame(np.zeros((height, width, 3), np.uint8))
    return titled(still, text, **{"outline": 0.0, **inputs})[0].frame(0)[..., 1]


def extent(lit: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not black."""
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


# When


@pytest.mark.parametrize("deep", [False, True])
def test_frames_that_show_no_text_are_untouched_and_the_others_are_not(call: Call, deep: bool) -> None:
    whole = film(30, 160, 90, deep=deep)
    found = call("overlay_text", video=whole, text="海 Sea", start=0.2, end=0.8, fade=0.2)
    assert found.info == whole.info
    assert np.array_equal(samples(found), samples(whole))
    changed = (pixels(found) != pixels(whole)).any(axis=(1, 2, 3))
    assert np.flatnonzero(changed).tolist() == list(range(5, 20))


def test_a_text_comes_and_goes_in_straight_lines_over_the_fade(call: Call) -> None:
    found = pixels(call("overlay_text", video=black(frames=20), text="■", start=0.12, end=0.6, fade=0.16, size=0.5))
    peaks = found.reshape(20, -1).max(axis=1) / 255
    wanted = [0, 0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0, 0, 0, 0]
    assert np.abs(peaks - wanted).max() < 0.005


def test_a_text_without_an_end_goes_with_the_last_frame() -> None:
    found = pixels(titled(black(frames=10), "■", fade=0.2)[0]).reshape(10, -1).max(axis=1)
    assert found.tolist() == found[::-1].tolist()
    assert np.abs(found[:5] / 255 - [0.1, 0.3, 0.5, 0.7, 0.9]).max() < 0.005
    assert (np.diff(pixels(titled(black(frames=10), "■", fade=0.2, end=9.0)[0]).reshape(10, -1).max(axis=1)) >= 0).all()


@given(
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(7, 3)]),
    frames=st.integers(1, 500),
    start=st.floats(0, 10).map(lambda value: round(value, 2)),
    lasts=st.none() | st.floats(0.01, 10).map(lambda value: round(value, 2)),
    fade=st.floats(0, 5).map(lambda value: round(value, 2)),
)
def test_the_text_is_shown_from_start_to_end_and_fades_alike_on_both_sides(
    rate: Fraction, frames: int, start: float, lasts: float | None, fade: float
) -> None:
    end = None if lasts is None else round(start + lasts, 2)
    opacity, first, last = titles.shown(info(8, 8, rate, frames), start, end, fade)
    until = Fraction(frames) / rate if end is None else Fraction(str(end))
    assert (first - 1) / rate < Fraction(str(start)) <= first / rate
    assert (last - 1) / rate < until <= last / rate
    shares = [opacity(k) for k in range(first, last)]
    assert shares == shares[::-1]
    assert all(0 < share <= 1 for share in shares)
    if len(shares) >= 2 * fade * rate + 1:
        assert max(shares) == 1
        assert all(b - a <= 1 / (fade * rate) + 1e-9 for a, b in pairwise(shares) if fade)


def test_a_text_that_ends_before_it_starts_is_refused(call: Call) -> None:
    with pytest.raises(NodeError) as caught:
        call("overlay_text", video=film(2), text="x", start=2.0, end=1.5)
    assert str(caught.value) == "the text ends at 1.5 s and starts at 2 s; let it end later."


def test_a_text_that_is_never_seen_is_noted() -> None:
    whole = film(10)
    found, notes = titled(whole, start=3.0)
    assert found is whole
    assert notes == ["The text is never seen: it starts at 3 s, and the video ends at 0.4 s."]


@pytest.mark.parametrize("text", ["", "  \n \t"])
def test_no_text_changes_nothing(call: Call, text: str) -> None:
    whole = film(3)
    assert (pixels(call("overlay_text", video=whole, text=text)) == pixels(whole)).all()


def test_on_an_image_the_text_simply_stands(call: Call) -> None:
    still = call("overlay_text", video=picture(160, 90), text="Sea", start=3.0, fade=2.0)
    assert isinstance(still, Image)
    assert (still.numpy() != picture(160, 90).numpy()).any()


def test_any_frame_alone_is_the_frame_of_the_whole(call: Call) -> None:
    found = call("overlay_text", video=film(20, 160, 90), text="海", fade=0.3)
    whole = pixels(found)
    assert all((found.frame(k) == whole[k]).all() for k in (19, 0, 7, 3))


# Where


@pytest.mark.parametrize("row", ["top", "", "bottom"])
@pytest.mark.parametrize("column", ["left", "", "right"])
def test_a_text_stands_in_each_of_nine_places(call: Call, row: str, column: str) -> None:
    still = Image.from_frame(np.zeros((200, 400, 3), np.uint8))
    position = f"{row} {column}".strip() or "centre"
    lit = call("overlay_text", video=still, text="Place", position=position, outline=0.0, margin=0.1).numpy()[..., 0]
    left, top, right, bottom = extent(lit)
    gaps = {"left": left - 20, "right": 380 - right, "": abs(left - (400 - right)) - 1}
    assert 0 <= gaps[column] + 1 <= 3
    heights = {"top": top - 20, "bottom": 180 - bottom, "": abs((top + bottom) / 2 - 100)}
    assert 0 <= heights[row] <= 5


def test_the_size_is_a_share_of_the_height() -> None:
    for height in (90, 180, 720):
        _, top, _, bottom = extent(ink("国", height * 2, height, size=0.2))
        assert abs((bottom - top) / height - 0.2 * 0.93) < 0.015


def test_the_letters_are_the_colour_the_outline_and_the_box_that_were_asked_for(call: Call) -> None:
    still = Image.from_frame(np.full((180, 320, 3), 100, np.uint8))
    look = {"colour": "#ff8000", "outline_colour": "#0000ff", "box": 0.5, "box_colour": "#00ff00", "outline": 0.2}
    found = call("overlay_text", video=still, text="■", size=0.4, position="centre", **look).numpy()
    assert found[90, 160].tolist() == [255, 128, 0]
    colours = {tuple(colour) for colour in found.reshape(-1, 3).tolist()}
    assert {(0, 0, 255), (50, 178, 50), (100, 100, 100)} <= colours


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("fade", [0.0, 1.0])
def test_a_layer_is_laid_over_as_its_opacity_says(deep: bool, fade: float) -> None:
    """What white and black become says how opaque the layer is, and so what any other value must become."""
    whole = film(10, 96, 54, deep=deep, silent=True)
    top = 1 if deep else 255
    inputs: dict[str, Any] = {"size": 0.5, "colour": "#30a0f0", "fade": fade, "position": "centre"}

    def over(value: int) -> np.ndarray:
        flat = np.full((10, 54, 96, 3), value, np.float32)
        return pixels(titled(Video.from_array(flat, 25), "海辺", **inputs)[0]).astype(np.float64)

    dark, bright = over(0), over(1)
    found = pixels(titled(whole, "海辺", **inputs)[0])
    wanted = dark + pixels(whole) / top * (bright - dark)
    assert np.abs(found / top - wanted).max() <= (1e-5 if deep else 0.5 / 255 + 1e-5)
    assert (bright - dark).min() < 0.4


@pytest.mark.parametrize("deep", [False, True])
def test_a_fading_text_is_a_mix_of_the_frame_and_the_whole_text(deep: bool) -> None:
    whole = film(10, 96, 54, deep=deep, silent=True)
    inputs: dict[str, Any] = {"size": 0.5, "box": 0.7, "position": "centre"}
    fading, solid = (pixels(titled(whole, "海辺", fade=fade, **inputs)[0]).astype(np.float64) for fade in (0.2, 0.0))
    shares = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 0.9, 0.7, 0.5, 0.3, 0.1])[:, None, None, None]
    wanted = pixels(whole) * (1 - shares) + solid * shares
    assert np.abs(fading - wanted).max() <= (1e-5 if deep else 1)


# Lines


@cache
def letters() -> Any:
    """The fonts in the box."""
    return lettering.Lettering(None)


def broken(text: str, most: float, breaking: bool = False) -> list[str]:
    """The lines of a text, spaces left out."""
    return [
        "".join(glyphs.text for word in line for glyphs in word.glyphs)
        for line in lettering.wrapped(letters().words(text), most, breaking)
    ]


SOME = st.text(st.sampled_from("あいう漢字、。「」（）ーっゃabc AB,.! - 12ｱ々…"), max_size=60)


@given(text=SOME, most=st.floats(0.5, 30), breaking=st.booleans())
@settings(max_examples=300, deadline=None)
def test_lines_hold_every_letter_in_order_and_are_as_long_as_they_may_be(
    text: str, most: float, breaking: bool
) -> None:
    words = letters().words(text)
    lines = lettering.wrapped(words, most, breaking)
    assert "".join(broken(text, most, breaking)) == "".join(text.split())
    for line in lines:
        alone = len(line) == 1 or all(word.glued for word in line[1:])
        assert lettering.length(line) <= most + 1e-9 or (
            alone and not (breaking and sum(len(w.glyphs) for w in line) > 1)
        )


@given(text=SOME, most=st.floats(1, 30))
@settings(max_examples=300, deadline=None)
def test_no_line_begins_or_ends_with_what_may_not(text: str, most: float) -> None:
    lines = lettering.wrapped(letters().words(text), most, False)
    for before, after in pairwise(lines):
        if after[0].space == 0:
            assert after[0].glyphs[0].text not in lettering.NOT_FIRST
            assert before[-1].glyphs[-1].text not in lettering.NOT_LAST


def test_lines_break_at_spaces_in_english_and_anywhere_but_before_a_comma_in_japanese() -> None:
    assert broken("one two three four", 6.0) == ["onetwo", "threefour"]
    assert broken("静かな海の朝、二人で", 6.5) == ["静かな海の", "朝、二人で"]
    assert broken("静かな海の朝、", 6.5) == ["静かな海", "の朝、"]
    assert broken("well-known", 4.0) == ["well-", "known"]


def test_lines_are_of_nearly_one_length() -> None:
    lines = lettering.wrapped(letters().words(ENGLISH), 30, False)
    lengths = [lettering.length(line) for line in lines]
    assert len(lines) == 2
    assert min(lengths) > 0.8 * max(lengths)


def test_letters_are_kerned() -> None:
    (pair,) = letters().words("To")
    apart = sum(word.width for one in "To" for word in letters().words(one))
    assert pair.width < apart - 0.05


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE, "x" * 90, "Sea", "ÅŞgjp|", "a\nb\n\nc"])
@pytest.mark.parametrize("size", [(320, 180), (90, 160), (150, 150), (301, 33)])
@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_no_letter_is_clipped(text: str, size: tuple[int, int], margin: float) -> None:
    width, height = size
    for share in (0.06, 0.3):
        inputs: dict[str, Any] = {"size": share, "margin": margin, "outline": 0.1, "outline_colour": "#ffffff"}
        lit = ink(text, width, height, **inputs)
        assert lit.any()
        if margin and share == 0.06:
            assert not np.concatenate([lit[0], lit[-1], lit[:, 0], lit[:, -1]]).any()
        place, room = ("top left", "bottom right") if share == 0.06 else ("bottom", "centre")
        sums = [int(ink(text, width, height, position=one, **inputs).astype(int).sum()) for one in (place, room)]
        assert abs(sums[0] / sums[1] - 1) < 0.05


def test_a_text_that_does_not_fit_is_made_smaller_and_says_so() -> None:
    _, notes = titled(black(), ENGLISH * 4, size=0.2)
    assert len(notes) == 1
    assert notes[0].startswith("The text does not fit at size 0.2 and is shown at 0.0")
    assert titled(black(), ENGLISH)[1] == []


def test_a_text_that_never_fits_is_refused(call: Call) -> None:
    with pytest.raises(NodeError) as caught:
        call("overlay_text", video=film(1), text="\n".join("ab" * 2000))
    assert str(caught.value) == "the text of 7999 characters does not fit into 16x12; shorten or split it."


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 200), (200, 3), (17, 13)])
@pytest.mark.parametrize(
    "text", ["Hi", "海の朝", "x" * 50, "\u200d\ufe0f", "\x07\x00🎬\ud800", "a\r\n\tb", "اللغة हिन्दी ไทย"]
)
def test_any_text_can_be_laid_over_any_picture(text: str, size: tuple[int, int]) -> None:
    whole = film(2, *size)
    found = titled(whole, text, box=0.5)[0]
    assert pixels(found).shape == (2, size[1], size[0], 3)


# Fonts


def test_the_fonts_in_the_box_have_european_and_japanese_letters() -> None:
    both = [face.glyphs.keys() for face in fonts.shipped()]
    pairs = (bytes([row, cell]) for row in range(0xA1, 0xF5) for cell in range(0xA1, 0xFF))
    kanji = {ord(pair.decode("euc_jp", "ignore") or " ") for pair in pairs}
    europe = {*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x410, 0x450), *range(0x3B1, 0x3CA), *map(ord, "€“”—…ẞ")}
    assert kanji - {ord("≒")} <= both[0]
    assert europe <= both[1]
    used = {glyphs.face.name for text in ("Łódź", "Sea", "海") for glyphs in letters().words(text)[0].glyphs}
    assert used == {face.name for face in fonts.shipped()}
    assert not letters().used
    assert not letters().missing


def test_a_named_font_draws_the_text_and_another_what_it_lacks(call: Call) -> None:
    assert (ink("Sea", font=str(EUROPE)) != ink("Sea")).any()
    _, notes = titled(black(), "Sea 海", font=str(EUROPE))
    assert notes == ["The font in use lacks some of the letters; they are drawn with vidflow-sans-bold.otf."]
    still = Image.from_frame(np.zeros((180, 320, 3), np.uint8))
    assert call("overlay_text", video=still, text="Sea", font=str(EUROPE)).numpy().any()


def test_letters_that_no_font_has_are_left_out_and_named() -> None:
    assert titled(black(), "Sea\ufdd0\u200b\x07")[1] == []
    found, notes = titled(black(), "Sea\U0001f3f5\ue000")
    assert (found.frame(0) == titled(black(), "Sea")[0].frame(0)).all() or any("drawn with" in note for note in notes)
    assert notes


def test_a_file_that_is_no_font_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "it.ttf").write_bytes(b"\0\1\0\0 no font")
    with pytest.raises(NodeError, match=r"^it\.ttf is no font that can be used; expected "):
        call("overlay_text", video=film(1), text="x", font=str(tmp_path / "it.ttf"))


@given(cut=st.integers(0, 267_000), flips=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_damaged_font_does_no_worse_than_an_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(EUROPE.read_bytes())
    for place, value in flips:
        data[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.ttf"
    path.write_bytes(data[: len(data) - cut] if len(flips) < 4 else data)
    try:
        titled(black(64, 36), "Sea Łódź", font=str(path))
    except NodeError:
        pass


@pytest.mark.parametrize(
    "inputs",
    [{"position": "middle"}, {"size": 0}, {"colour": "red"}, {"outline": -1}, {"box": 2}, {"fade": -1}, {"start": -1}],
)
def test_what_makes_no_sense_is_refused_before_the_run(in_graph: InGraph, inputs: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match=rf"it\.{next(iter(inputs))}: "):
        in_graph("overlay_text", video=film(1), text="x", **inputs)


def test_a_text_looks_the_same_without_a_shaping_library(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ink("AVATAR 海の朝、To")
    from PIL import ImageFont

    monkeypatch.setattr(ImageFont.core, "HAVE_RAQM", False)
    assert (ink("AVATAR 海の朝、To") == before).all()


def made(text: str) -> Callable[[int], np.ndarray]:
    """A text on black at any height, brightness 0..1."""
    return lambda height: ink(text, height * 4, height, size=0.4, position="centre") / 255


@pytest.mark.parametrize("text", ["Sea", "海の朝"])
def test_a_small_text_is_a_large_one_scaled_down(text: str) -> None:
    large = made(text)(480).reshape(60, 8, 240, 8).mean(axis=(1, 3))
    assert np.abs(made(text)(60) - large).mean() < 0.012
    assert np.abs(made(text)(60) - large).max() < 0.35
