"""The window in Japanese: every string has its words, every glyph is there, and the language changes at once."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QAccessible, QAction, QFont, QFontDatabase, QFontMetricsF, QKeySequence, QRawFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QGroupBox,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QTabBar,
    QWidget,
)

from tests.gui.strings import NO_WORDS, spoken, unmarked
from vidflow.graph.files import from_mapping
from vidflow.gui.commands import COMMANDS
from vidflow.gui.words import table
from vidflow.nodespec.registry import installed

JAPANESE = re.compile("[぀-ヿ㐀-鿿]")
KEYS = re.compile(r"\((?:(?:Ctrl|Shift|Alt|Meta)\+)*[^()+]+\+?\)$")
NAMES = re.compile(r"(?:rife|esrgan|clip)-small\S*|\S*[_/.\\][\w./\\-]*|·  \w+$|\bpocket\b")
"""Names of models, of files, of node types and of their settings."""
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
    nodes["c1"] = {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}}
    nodes["c2"] = {"type": "pick_frame", "inputs": {"video": {"from": "c1"}}}
    nodes["c3"] = {"type": "save_image", "inputs": {"image": {"from": "c2"}, "path": "still.png"}}
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
            yield id, row.value
            yield id, row.right_label


CONTROLS = (
    *(QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox, QAbstractSlider, QAbstractItemView),
    *(QKeySequenceEdit, QProgressBar, QTabBar),
)


def nameless(root: QWidget) -> list[str]:
    """The controls that a reader of the screen could not name."""
    found: list[str] = []
    for one in root.findChildren(QWidget):
        parent = one.parent()
        # What Qt makes inside of its own controls, it names after them.
        inner = isinstance(parent, QLineEdit | QAbstractSpinBox | QKeySequenceEdit | QTabBar | QAbstractItemView)
        inner = inner or _popup(one) or one.objectName().endswith("ext_button")
        if inner or isinstance(one, QScrollBar) or not isinstance(one, CONTROLS):
            continue
        name = QAccessible.queryAccessibleInterface(one).text(QAccessible.Text.Name)
        if not name.strip():
            found.append(f"{type(one).__name__} {one.objectName()} in {type(parent).__name__} {parent.objectName()}")
    return found


def _popup(one: QWidget) -> bool:
    """Whether it lies in the list of a combo box."""
    up = one.parent()
    while up is not None and not isinstance(up, QComboBox):
        up = up.parent()
    return up is not None


def while_open(ask: Callable[[], object], look: Callable[[QWidget], None]) -> None:
    """Ask something that opens a dialog, look at that, and close it."""
    seen: list[QWidget] = []

    def close() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        seen.append(dialog)
        try:
            look(dialog)
        finally:
            dialog.close()

    QTimer.singleShot(20, close)
    ask()
    assert seen


def english(text: str) -> set[str]:
    """The words of a text that Japanese would have another word for."""
    if all(part in _keys() for part in text.split(", ")):
        return set()
    left = NAMES.sub(" ", KEYS.sub("", text))
    return {word for word in re.findall(r"[A-Za-z]{2,}", left) if word.lower() in _english()}


def _keys() -> set[str]:
    """The keys of all commands, as the system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return {QKeySequence(keys).toString(native) for command in COMMANDS for keys in command.keys}


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
    for command in COMMANDS:
        assert not re.search("(です|ます|ください|。)", table("ja")[command.title]), command.title
    for text, words in table("ja").items():
        if text.endswith(".") and JAPANESE.search(words) and "{" not in words:
            assert re.search("です|ます|ました|ません|ください", words), words


def test_every_character_has_a_glyph(qapp: Any) -> None:
    from vidflow.gui import theme

    families = theme.font(theme.BODY).families()
    fonts = [QRawFont.fromFont(QFont(family)) for family in families if family in QFontDatabase.families()]
    # tests/run.sh installs one where there is none.
    assert set(families) & set(QFontDatabase.families(QFontDatabase.WritingSystem.Japanese)), "no font has Japanese"
    letters = {letter for words in table("ja").values() for letter in words}
    missing = [letter for letter in sorted(letters) if not any(font.supportsCharacter(ord(letter)) for font in fonts)]
    assert missing == []


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


def test_the_settings_of_each_node_are_in_the_language_of_the_window(
    window: Any, qtbot: Any, speak: Callable[[str], None]
) -> None:
    from vidflow.gui.panels.nodepage import NodePage

    panel = window.settings_panel
    for language in ("ja", "en"):
        speak(language)
        for type in (type for type in installed().types() if "." not in type):
            before = panel.page
            window.session.put(from_mapping({"vidflow": 1, "nodes": {"it": {"type": type, "inputs": {}}}}), None)
            window.session.select(["it"])
            qtbot.waitUntil(lambda before=before: isinstance(panel.page, NodePage) and panel.page is not before)
            check(texts(panel), language)
            assert nameless(panel) == [], type


def test_dialogs_are_in_the_language_of_the_window(window: Any, qtbot: Any, speak: Callable[[str], None]) -> None:
    from vidflow.gui.keys import show_keys
    from vidflow.gui.variants import ask_variants
    from vidflow.gui.versions import choose_version

    window.session.put(from_mapping(document()), None)
    asks: list[Callable[[], object]] = [
        lambda: show_keys(window),
        lambda: ask_variants(window),
        lambda: choose_version(window),
        window.do_about,
        window._may_stop,
    ]
    for language in ("ja", "en"):
        speak(language)

        def look(dialog: QWidget, language: str = language) -> None:
            check(texts(dialog), language)
            assert nameless(dialog) == []

        for ask in asks:
            while_open(ask, look)


def test_every_control_has_a_name(window: Any, qtbot: Any, speak: Callable[[str], None]) -> None:
    window.session.put(from_mapping(document()), None)
    window.session.message.emit("error", "…")
    for language in ("ja", "en"):
        speak(language)
        assert nameless(window) == []


def test_giving_up_a_dialog_is_not_stopping_a_run(window: Any, speak: Callable[[str], None]) -> None:
    from vidflow.gui.versions import choose_version

    speak("ja")
    said: list[str] = []
    while_open(
        lambda: choose_version(window),
        lambda dialog: said.extend(one.text() for one in dialog.findChildren(QPushButton)),
    )
    assert said == ["開く", "キャンセル"]


@pytest.mark.parametrize("width", [8, 40, 60, 200])
def test_a_title_seen_from_afar_ends_with_a_whole_letter(qapp: Any, width: int) -> None:
    from vidflow.gui import theme
    from vidflow.gui.canvas.node import _lines

    metrics = QFontMetricsF(theme.font(20))
    for title in ("クロスフェード", "Two of the shots", "ビデオ"):
        box = QRectF(0, 0, width, 2.5 * metrics.lineSpacing())
        lines = _lines(title, metrics, box)
        assert 1 <= len(lines) <= 2
        assert title.replace(" ", "").startswith("".join(lines).replace(" ", ""))
        assert all(len(line) == 1 or metrics.horizontalAdvance(line) <= width for line in lines)
        if width == 200:
            assert lines == [title]


def test_menus_of_qt_are_japanese_too(window: Any, speak: Callable[[str], None]) -> None:
    speak("ja")
    menu = window.palette_panel.line.createStandardContextMenu()
    said = [action.text().split("\t")[0] for action in menu.actions() if action.text()]
    assert said
    assert [text for text in said if not JAPANESE.search(text)] == []
    menu.deleteLater()


def test_what_a_run_says_is_in_the_language_of_the_window(
    window: Any, qtbot: Any, speak: Callable[[str], None], tmp_path: Any
) -> None:
    nodes = document()["nodes"]
    done = {id: nodes[id] for id in ("c1", "c2", "c3")}
    failing = {"gone": {"type": "load_video", "inputs": {"path": "gone.mp4"}}}
    for run, status in ((done, "done"), (failing, "failed")):
        speak("ja")
        window.session.put(from_mapping({"vidflow": 1, "nodes": run}), tmp_path / "graph.json")
        with qtbot.waitSignal(window.runner.finished, timeout=60_000) as caught:
            window.do_run()
        assert caught.args[0].status == status
        check(texts(window.runs), "ja")
        check(texts(window.banner), "ja")
        check(iter([("log", line) for line in window.log.text.toPlainText().split("\n")]), "ja")


def test_choices_are_written_in_the_language_of_the_window_and_kept_as_they_are(
    window: Any, qtbot: Any, speak: Callable[[str], None]
) -> None:
    speak("ja")
    window.session.put(from_mapping({"vidflow": 1, "nodes": {"it": {"type": "concat", "inputs": {}}}}), None)
    window.session.select(["it"])
    qtbot.waitUntil(lambda: hasattr(window.settings_panel.page, "rows"))
    field = window.settings_panel.page.rows["transition"].field
    assert field.line.text() == "カット"
    field.box.setCurrentIndex(1)
    field.box.activated.emit(1)
    assert window.session.nodes["it"].inputs["transition"] == ("crossfade",)
    assert field.line.text() == "クロスフェード"
    field.line.setText("")
    qtbot.keyClicks(field.line, "fade,")
    field.line.setText("クロスフェード、カット")
    field.line.textEdited.emit(field.line.text())
    assert window.session.nodes["it"].inputs["transition"] == ("crossfade", "cut")
    shown = [row.value for row in window.canvas.nodes["it"].face.rows if row.setting == "transition"]
    assert shown == ["クロスフェード, カット"]
