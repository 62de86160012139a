"""The settings of what is selected: one node's title, ports and settings, or the graph's own title and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from vidflow.graph import Batch, SetOff, SetView
from vidflow.graph.edits import UNSET
from vidflow.gui import theme
from vidflow.gui.panels.nodepage import NodePage
from vidflow.gui.panels.pieces import button, label
from vidflow.gui.words import language, said, tr

if TYPE_CHECKING:
    from vidflow.graph import Graph
    from vidflow.gui.session import Session

MARGIN = 12


class Settings(QScrollArea):
    """The panel. It is built anew only where another node, or another kind of node, is looked at."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("settings")
        self.setAccessibleName(tr("Settings"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.session = session
        self.page: NodePage | GraphPage | SeveralPage | None = None
        self._shown: object = None
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._look)
        session.selection_changed.connect(self._later.start)
        session.scope_changed.connect(self._later.start)
        session.replaced.connect(self._forget)
        session.changed.connect(self._on_change)
        session.checked.connect(self._on_checked)
        session.state_changed.connect(self._on_state)
        self._look()

    def _wanted(self) -> object:
        session = self.session
        chosen = session.selection
        if len(chosen) != 1:
            return (session.scope, chosen and "several")
        node = session.nodes[chosen[0]]
        kind = session.kind(node)
        slots = tuple((slot.name, slot.spec) for slot in kind.slots.values()) if kind else ()
        return (session.scope, chosen, node.type, repr(slots))

    def _forget(self) -> None:
        self._shown = None
        self._later.start()

    def _look(self) -> None:
        wanted = self._wanted()
        if wanted == self._shown:
            if isinstance(self.page, SeveralPage):
                self.page.refresh()
            return
        self._shown = wanted
        chosen = self.session.selection
        if len(chosen) == 1:
            self.page = NodePage(self.session, chosen[0])
        elif chosen:
            self.page = SeveralPage(self.session)
        else:
            self.page = GraphPage(self.session)
        self.page.setProperty("role", "panel")
        self.setWidget(self.page)
        self.page.show()

    def _on_change(self, before: Graph, after: Graph) -> None:
        del before, after
        if self._wanted() != self._shown:
            self._later.start()
        elif self.page is not None:
            self.page.refresh()

    def _on_checked(self) -> None:
        if isinstance(self.page, NodePage):
            self.page.refresh_problems()

    def _on_state(self, flat: str) -> None:
        if isinstance(self.page, NodePage) and flat == self.page.flat:
            self.page.refresh_state()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("Settings"))
            self._forget()


class SeveralPage(QWidget):
    """Where several nodes are selected: how many, and what can be done with all of them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(8)
        self.count = label("", "heading")
        column.addWidget(self.count)
        self.off = button(tr("Turn off"), lambda: self._turn(True))
        self.on = button(tr("Turn on"), lambda: self._turn(False))
        column.addWidget(self.off)
        column.addWidget(self.on)
        column.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Say what is selected now."""
        chosen = self.session.selection
        self.count.setText(tr("{} nodes selected").format(len(chosen)))
        off = [self.session.nodes[id].off for id in chosen]
        self.off.setEnabled(not all(off))
        self.on.setEnabled(any(off))

    def _turn(self, off: bool) -> None:
        where = self.session.definition
        self.session.do(Batch(tuple(SetOff(id, off, where) for id in self.session.selection)))


class GraphPage(QWidget):
    """Where nothing is selected: what the graph, or the subgraph that was entered, is called and about."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._turn = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(4)
        column.addWidget(label(tr("Subgraph") if session.scope else tr("Graph"), "heading"))
        column.addSpacing(8)
        self.title = QLineEdit()
        self.title.setAccessibleName(tr("Title"))
        self.title.setPlaceholderText(session.definition or session.name)
        self.title.textEdited.connect(lambda text: self._say("title", text))
        self.title.editingFinished.connect(self._settle)
        self.about = QPlainTextEdit()
        self.about.setAccessibleName(tr("About"))
        self.about.setPlaceholderText(tr("What it is for"))
        self.about.setTabChangesFocus(True)
        self.about.setFixedHeight(108)
        self.about.textChanged.connect(lambda: self._say("about", self.about.toPlainText()))
        for text, field in ((tr("Title"), self.title), (tr("About"), self.about)):
            name = label(text, "muted")
            name.setFont(theme.font(theme.LABEL))
            name.setBuddy(field)
            column.addWidget(name)
            column.addWidget(field)
            column.addSpacing(8)
        column.addWidget(label(tr("Select a node to see its settings."), "hint", wrap=True))
        column.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Show what the document says, and leave what is being typed."""
        layout = self.session.layout
        if self.title.text() != said(layout.get("title")):
            self.title.setText(said(layout.get("title")))
        if self.about.toPlainText() != said(layout.get("about")):
            self.about.blockSignals(True)
            self.about.setPlainText(said(layout.get("about")))
            self.about.blockSignals(False)

    def _settle(self) -> None:
        self._turn += 1

    def _say(self, key: str, text: str) -> None:
        session = self.session
        value = with_words(session.layout.get(key), text)
        session.do(SetView((key,), value, session.definition), ("layout", key, session.definition, self._turn))


def with_words(old: Any, text: str) -> Any:
    """A text of the layout that the user has changed: in the language of the window where it is said in several."""
    if isinstance(old, Mapping):
        words = {**old, language(): text}
        kept = {name: one for name, one in words.items() if one}
        return kept or UNSET
    return text or UNSET
