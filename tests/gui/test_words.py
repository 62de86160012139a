"""The window in Japanese: every string has its words, every glyph is there, and the language changes at once."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtGui import QAction, QFontDatabase, QRawFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QDockWidget,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTabBar,
    QWidget,
)

from tests.gui.strings import NO_WORDS, spoken, unmarked
from vidflow.graph.files import from_mapping
from vidflow.gui.words import table
from vidflow.nodespec.registry import installed

JAPANESE = re.compile("[぀-ヿ㐀-鿿]")
KEYS = re.compile(r"\((?:(?:Ctrl|Shift|Alt|Meta)\+)*[^()+]+\+?\)$")
NAMES = re.compile(r"\S*[_/.\\][\w./\\-]*|·  \w+$")
"""Names of files, of node types and of their settings."""
SAME = frozenset({"100 %", "English", "日本語", "vidflow"})


@pytest.fixture
def speak(window: Any, qtbot: Any) -> Iterator[Callable[[str], None]]:
    """Choose a language in the menu View > Language."""

    def choose(language: str) -> None:
        action = window.menus["language"].actions()[["", "en", "ja"].index(language)]
        action.trigger()
        qtbot.wait(20)

    yield choose
    choose("en")


def document() -> dict[str, Any]:
    """One node of each type, and something that is linked."""
    types = [type for type in installed().types() if "." not in type]
    nodes: dict[str, Any] = {f"n{k}": {"type": type, "inputs": {}} for k, type in enumerate(types)}
    nodes["clip"] = {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}}
    nodes["still"] = {"type": "pick_frame", "inputs": {"video": {"from": "clip"}}}
    nodes["save"] = {"type": "save_image", "inputs": {"image": {"from": "still"}, "path": "still.png"}}
    return {"vidflow": 1, "nodes": nodes}


def texts(root: QWidget) -> Iterator[tuple[str, str]]:
    """Every text of a window, hidden or not, with its kind."""
    for one in [root, *root.findChildren(QWidget)]:
        kind = f"{type(one).__name__} {one.objectName()}"
        yield kind, one.accessibleName()
        yield kind, one.accessibleDescription()
        yield kind, one.toolTip()
        if isinstance(one, QLabel | QAbstractButton):
            yield kind, one.text()
        if isinstance(one, QLineEdit | QPlainTextEdit):
            yield kind, one.placeholderText()
        if isinstance(one, QGroupBox | QMenu):
            yield kind, one.title()
        if isinstance(one, QDockWidget) or (one.isWindow() and not isinstance(one, QMenu)):
            yield kind, one.windowTitle()
        if isinstance(one, QTabBar):
            for index in range(one.count()):
                yield kind, one.tabText(index)
        if isinstance(one, QComboBox):
            for index in range(one.count()):
                yield kind, one.itemText(index)
        elif isinstance(one, QAbstractItemView):
            yield from ((kind, text) for text in _items(one.model(), one.rootIndex()))
    for action in root.findChildren(QAction):
        yield f"action {action.objectName()}", action.text()
        yield f"action {action.objectName()}", action.toolTip()


def _items(model: Any, parent: Any) -> Iterator[str]:
    for row in range(model.rowCount(parent) if model is not None else 0):
        for column in range(2):
            index = model.index(row, column, parent)
            if not index.isValid():
                continue
            for role in (0, 3, 11):  # display, tool tip, accessible text
                if isinstance(index.data(role), str):
                    yield index.data(role)
            yield from _items(model, index)


def on_canvas(window: Any) -> Iterator[tuple[str, str]]:
    """What the nodes on the canvas show."""
    for id, item in window.canvas.nodes.items():
        yield id, item.face.title
        yield id, item.face.doc
        for row in item.face.rows:
            yield id, row.label
            yield id, row.right_label


def english(text: str) -> set[str]:
    """The words of a text that Japanese would have another word for."""
    left = NAMES.sub(" ", KEYS.sub("", text))
    return {word for word in re.findall(r"[A-Za-z]{2,}", left) if word.lower() in _english()}


def _english(found: set[str] = set()) -> set[str]:  # noqa: B006
    if not found:
        both = {word.lower() for text in table("ja").values() for word in re.findall(r"[A-Za-z]{2,}", text)}
        found |= {word.lower() for text in table("ja") for word in re.findall(r"[A-Za-z]{2,}", text)} - both
        found -= {word.lower() for word in NO_WORDS}
    return found


def check(found: Iterator[tuple[str, str]], language: str) -> None:
    """No text of the other language."""
    if language == "ja":
        wrong = [(kind, text) for kind, text in found if text not in SAME and english(text)]
    else:
        wrong = [(kind, text) for kind, text in found if text not in SAME and JAPANESE.search(text)]
    assert not wrong, "\n".join(f"{kind}: {text}" for kind, text in wrong)


# The table


def test_every_string_has_its_japanese_and_no_other_is_kept() -> None:
    known, said = table("ja"), spoken()
    assert [f"{where}: {text}" for text, where in said.items() if text not in known] == []
    assert [text for text in known if text not in said] == []
    latin = [text for text, words in known.items() if not JAPANESE.search(words) and english(words)]
    assert latin == []


def test_nothing_is_shown_without_being_translated() -> None:
    assert list(unmarked()) == []


def test_both_languages_have_the_same_placeholders() -> None:
    for text, words in table("ja").items():
        assert _fields(text) == _fields(words), text


def _fields(text: str) -> list[tuple[str | None, str | None]]:
    return [(name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None]


def test_japanese_is_without_emoji_and_written_with_its_own_punctuation() -> None:
    for words in table("ja").values():
        assert not re.search("[\U0001f000-\U0001faff☀-➿️!！]", words), words
        assert not re.search("[ｦ-ﾟ]", words), words
        assert words == words.strip(), words


def test_commands_are_never_polite_and_sentences_are(qapp: Any) -> None:
    from vidflow.gui.commands import COMMANDS

    for command in COMMANDS:
        assert not re.search("(です|ます|ください|。)", table("ja")[command.title]), command.title
    for text, words in table("ja").items():
        if text.endswith(".") and JAPANESE.search(words) and "{" not in words:
            assert re.search("です|ます|ました|ません|ください", words), words


def test_every_character_has_a_glyph(qapp: Any) -> None:
    from vidflow.gui import theme

    families = theme.font(theme.BODY).families()
    fonts = [QRawFont.fromFont(_of(family)) for family in families if family in QFontDatabase.families()]
    if not set(families) & set(QFontDatabase.families(QFontDatabase.WritingSystem.Japanese)):
        pytest.skip("no font here has Japanese")
    letters = {letter for words in table("ja").values() for letter in words}
    missing = [letter for letter in sorted(letters) if not any(font.supportsCharacter(ord(letter)) for font in fonts)]
    assert missing == []


def _of(family: str) -> Any:
    from PySide6.QtGui import QFont

    return QFont(family, 12)


# The window


def test_the_language_changes_while_the_window_is_open(window: Any, qtbot: Any, speak: Callable[[str], None]) -> None:
    window.session.put(from_mapping(document()), None)
    qtbot.waitSignal(window.session.checked, timeout=10_000).wait()
    before = sorted(texts(window))
    speak("ja")
    assert window.menus["File"].title() == "ファイル"
    check(texts(window), "ja")
    check(on_canvas(window), "ja")
    speak("en")
    check(texts(window), "en")
    check(on_canvas(window), "en")
    assert sorted(texts(window)) == before
