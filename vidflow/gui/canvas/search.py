"""The search of nodes, opened by Tab, a double-click or a wire dropped on empty canvas: type, and press Return."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from vidflow.gui import icons
from vidflow.gui.canvas.face import ICONS
from vidflow.gui.words import paragraphs, tr
from vidflow.nodespec.hints import Choice
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.spec import NodeSpec
from vidflow.places import resource


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be chosen: a node type, or a subgraph of the document."""

    type: str
    title: str
    english: str
    category: str
    doc: str
    also: str = ""
    """What else it is looked for by: an editor's words for it, and what can be chosen in its settings."""

    def rank(self, words: Sequence[str]) -> int | None:
        """How well it answers what was typed, smaller is better; None where it does not."""
        total = 0
        for word in words:
            best: int | None = None
            for weight, text in (
                (0, self.title),
                (0, self.english),
                (1, self.type),
                (3, self.also),
                (4, self.category),
                (6, self.doc),
            ):
                text = text.lower()
                place = text.find(word)
                if place >= 0:
                    start = 0 if place == 0 else 1 if not text[place - 1].isalnum() else 3
                    score = weight + start
                    best = score if best is None else min(best, score)
                elif weight == 0 and _letters(word, text):
                    best = 8 if best is None else min(best, 8)
            if best is None:
                return None
            total += best
        return total


def _letters(word: str, text: str) -> bool:
    """Whether the letters of `word` stand in `text` in their order."""
    rest = iter(text)
    return len(word) > 1 and all(letter in rest for letter in word)


def entries(types: Registry, graphs: Sequence[str] = ()) -> list[Entry]:
    """All that can be added to a document."""
    found: list[Entry] = []
    for type in types.types():
        spec = types.get(type)
        if spec is not None:
            doc = paragraphs(spec.doc)[0] if spec.doc else ""
            found.append(Entry(type, tr(spec.title), spec.title, tr(spec.category), doc, _also(spec)))
    found.extend(Entry(f"graph:{name}", name.replace("_", " "), name, tr("Subgraph"), "") for name in graphs)
    return found


def _also(spec: NodeSpec) -> str:
    options = [str(word) for one in spec.inputs if isinstance(one.hint, Choice) for word in one.hint.options]
    return " ".join([_known().get(spec.type, ""), *options])


@cache
def _known() -> dict[str, str]:
    found: dict[str, str] = json.loads(resource("words/search.json").read_text("utf-8"))
    return found


class Search(QFrame):
    """A popup with a line to type in and what answers it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("search")
        self.line = QLineEdit()
        self.line.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(16, 16))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.setFixedSize(300, 340)
        self.line.textChanged.connect(self._filter)
        self.line.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self._take())
        self._entries: list[Entry] = []
        self._chosen: Callable[[str], None] | None = None
        self._speak()

    def _speak(self) -> None:
        self._name(tr("Add a node"))
        self.list.setAccessibleName(tr("What was found"))

    def _name(self, words: str) -> None:
        self.setAccessibleName(words)
        self.line.setPlaceholderText(words)
        self.line.setAccessibleName(words)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()

    def ask(self, at: QPoint, found: Sequence[Entry], chosen: Callable[[str], None], words: str = "") -> None:
        """Open at a place of the screen; `chosen` gets the type. `words` say what is searched, by default nodes."""
        self._name(words or tr("Add a node"))
        self._entries = list(found)
        self._chosen = chosen
        self.line.clear()
        self._filter("")
        screen = self.screen().availableGeometry()
        x = min(at.x(), screen.right() - self.width())
        y = min(at.y(), screen.bottom() - self.height())
        self.move(max(screen.left(), x), max(screen.top(), y))
        self.show()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        ranked = [(rank, k, one) for k, one in enumerate(self._entries) if (rank := one.rank(words)) is not None]
        self.list.clear()
        for _, _, one in sorted(ranked, key=lambda each: each[:2]):
            item = QListWidgetItem(one.title)
            item.setToolTip(f"{one.category}: {one.doc}" if one.doc else one.category)
            icon = icons.icon(ICONS.get(_category(one), "puzzle-piece"))
            if icon is not None:
                item.setIcon(icon)
            item.setData(Qt.ItemDataRole.UserRole, one.type)
            self.list.addItem(item)
        if not ranked:
            nothing = QListWidgetItem(tr("Nothing answers to this."))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(nothing)
            return
        self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
                Qt.Key(event.key())
            )
            if step is not None:
                row = min(self.list.count() - 1, max(0, self.list.currentRow() + step))
                self.list.setCurrentRow(row)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take()
                return True
        return super().eventFilter(watched, event)

    def _take(self) -> None:
        item = self.list.currentItem()
        chosen = self._chosen
        self.hide()
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsEnabled and chosen is not None:
            chosen(item.data(Qt.ItemDataRole.UserRole))


def _category(entry: Entry) -> str:
    return next((name for name in ICONS if tr(name) == entry.category), "")
