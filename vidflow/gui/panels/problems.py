"""What is wrong with the document, and advice about it; a click goes to the node."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from vidflow.errors import Problem
from vidflow.gui import icons, theme
from vidflow.gui.canvas.face import label_of
from vidflow.gui.panels.pieces import label
from vidflow.gui.problemwords import beside
from vidflow.gui.session import Session
from vidflow.gui.words import plain, tr

SHOWN = 200
"""More than this nobody reads; the count says how many there are."""
NAMES = re.compile(r"'([^']+)'|\b([a-z]+(?:_[a-z]+)+)\b")
"""What may be the id of a node, or of a type."""


class Problems(QWidget):
    """The panel."""

    counted = Signal(int)
    """How many errors and pieces of advice there are now."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("problems")
        self.setProperty("role", "panel")
        self.session = session
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(16, 16))
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)
        self.empty = label("", "hint")
        self.empty.setContentsMargins(12, 12, 12, 12)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pages)
        self._count = -1
        session.checked.connect(self._show)
        session.replaced.connect(self._show)
        theme.look.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.list.setAccessibleName(tr("Problems"))
        found = [*self.session.problems, *self.session.advice]
        found.sort(key=lambda one: one.level != "error")
        self.list.clear()
        for one in found[:SHOWN]:
            self._add(one)
        if len(found) > SHOWN:
            self.list.addItem(tr("and {} more").format(len(found) - SHOWN))
        nodes = self.session.graph.nodes
        self.empty.setText(tr("Nothing is wrong with this graph.") if nodes else tr("An empty graph has no problems."))
        self.pages.setCurrentWidget(self.list if found else self.empty)
        if len(found) != self._count:
            self._count = len(found)
            self.counted.emit(self._count)

    def _add(self, one: Problem) -> None:
        wrong = one.level == "error"
        place = self.session.called(one.node) if one.node else ""
        if one.input:
            place = f"{place}, {label_of(one.input)}" if place else label_of(one.input)
        text = self._by_title(beside(one))
        item = QListWidgetItem(f"{place}: {text}" if place else text)
        icon = icons.icon("x-circle" if wrong else "info", "error" if wrong else "warn")
        item.setIcon(icon if icon is not None else QIcon())
        item.setData(Qt.ItemDataRole.UserRole, one.node)
        kind = tr("Error") if wrong else tr("Advice")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{kind}: {item.text()}")
        item.setToolTip(plain(tr("Go to {}").format(place)) if one.node else "")
        self.list.addItem(item)

    def _by_title(self, text: str) -> str:
        """A message with nodes and their types as the canvas calls them."""

        def title(match: re.Match[str]) -> str:
            id, type = match.groups()
            if id is not None:
                return f"'{self.session.called(id)}'"
            spec = self.session.types.get(type)
            return tr(spec.title) if spec is not None else type

        return NAMES.sub(title, text)

    def _go(self, item: QListWidgetItem) -> None:
        flat = item.data(Qt.ItemDataRole.UserRole)
        if flat:
            self.session.reveal(flat)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._show()
