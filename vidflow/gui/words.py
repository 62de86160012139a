"""The language of the window: English in the code, Japanese in `resources/words/ja.json`, through Qt's translation.

`tr` takes the English text as a literal, so that a test finds every one of them and asks for its Japanese.
"""

from __future__ import annotations

import json
from functools import cache
from html import escape
from typing import Any

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator
from PySide6.QtGui import Qt

from vidflow.gui.preferences import chosen
from vidflow.places import resource

CONTEXT = "vidflow"


class _Words(QTranslator):
    """Qt asks this for every text; what of ours is not in the table stays English."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._table = table(language)

    def isEmpty(self) -> bool:
        return not self._table

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> Any:
        # Qt's own words are asked for under its own contexts and translated by Qt.
        return self._table.get(text) if context == CONTEXT else None


def later(text: str) -> str:
    """Marks a text that is translated where it is shown; imported as `_`."""
    return text


@cache
def table(language: str) -> dict[str, str]:
    """English texts and what they are in `language`; empty for English."""
    if language != "ja":
        return {}
    found: dict[str, str] = json.loads(resource(f"words/{language}.json").read_text("utf-8"))
    return found


def language() -> str:
    """`en` or `ja`: what the user chose, else the system's."""
    given = chosen("language", "")
    if given in ("en", "ja"):
        return given
    return "ja" if QLocale.system().language() == QLocale.Language.Japanese else "en"


_installed: list[QTranslator] = []


def install(app: QCoreApplication) -> None:
    """Speak the user's language from now on, in Qt's own menus and dialogs too."""
    for old in _installed:
        app.removeTranslator(old)
    _installed.clear()
    if language() == "en":
        return
    of_qt = QTranslator()
    if of_qt.load(f"qtbase_{language()}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        _installed.append(of_qt)
    # The last is asked first.
    _installed.append(_Words(language()))
    for words in _installed:
        app.installTranslator(words)


def tr(text: str) -> str:
    """`text` in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def flowed(doc: str) -> list[str]:
    """The paragraphs of a docstring, without the breaks and marks of its source."""
    return [" ".join(part.split()).replace("`", "") for part in doc.split("\n\n") if part.strip()]


def paragraphs(doc: str) -> list[str]:
    """The paragraphs of a node's docstring in the user's language."""
    return [tr(part) for part in flowed(doc)]


def said(text: object) -> str:
    """A text of a graph file that may be given in several languages, `{"en": ..., "ja": ...}`."""
    if isinstance(text, dict):
        return str(text.get(language()) or text.get("en") or next(iter(text.values()), ""))
    return text if isinstance(text, str) else ""


def plain(text: str) -> str:
    """A tooltip that says what a file says: Qt would take tags in it for markup and load what they name."""
    return f"<span>{escape(text)}</span>".replace("\n", "<br>") if Qt.mightBeRichText(text) else text  # type: ignore[attr-defined]
