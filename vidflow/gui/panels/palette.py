"""The palette: every node by category, to search in, to read about, and to drag onto the canvas."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from vidflow.graph import Graph
from vidflow.graph.document import SUBGRAPH
from vidflow.gui import icons, theme
from vidflow.gui.canvas.face import ICONS, wire_type
from vidflow.gui.canvas.search import Entry, entries
from vidflow.gui.canvas.view import NODE_FORMAT
from vidflow.gui.preferences import preferences
from vidflow.gui.session import Session
from vidflow.gui.words import flowed, paragraphs, said, tr

TYPE = Qt.ItemDataRole.UserRole
STRIPE = Qt.ItemDataRole.UserRole + 1
_SUBGRAPHS = "graph:"


class Palette(QWidget):
    """The panel. What is chosen by a double-click or Return is told by `chosen`."""

    chosen = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("palette")
        self.setProperty("role", "panel")
        self.session = session
        self.line = QLineEdit()
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._filter)
        self.line.installEventFilter(self)
        self.model = _Model(self)
        self.tree = QTreeView()
        self.tree.setModel(self.model)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(12)
        self.tree.setIconSize(QSize(16, 16))
        self.tree.setUniformRowHeights(True)
        self.tree.setExpandsOnDoubleClick(False)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setDragEnabled(True)
        self.tree.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setItemDelegate(_Striped(self.tree))
        self.tree.doubleClicked.connect(self._take)
        self.tree.clicked.connect(self._fold)
        self.tree.collapsed.connect(lambda index: self._remember(index, folded=True))
        self.tree.expanded.connect(lambda index: self._remember(index, folded=False))
        self.tree.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        top = QVBoxLayout()
        top.setContentsMargins(8, 0, 8, 0)
        top.addWidget(self.line)
        column.addLayout(top)
        column.addWidget(self.tree, 1)
        self._entries: list[Entry] = []
        self._parts: object = None
        self._filling = False
        theme.look.changed.connect(self.dress)
        session.changed.connect(self._on_change)
        self._speak()

    def _speak(self) -> None:
        self.line.setPlaceholderText(tr("Search nodes"))
        self.line.setAccessibleName(tr("Search nodes"))
        self.tree.setAccessibleName(tr("Nodes by category"))
        self._read()

    def _read(self) -> None:
        graph = self.session.graph
        self._parts = graph.graphs
        self._entries = entries(self.session.types, tuple(graph.graphs))
        self._filter(self.line.text())

    def _on_change(self, before: Graph, after: Graph) -> None:
        if after.graphs is not self._parts and (
            list(before.graphs) != list(after.graphs) or _named(before) != _named(after)
        ):
            self._read()

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        self._filling = True
        self.model.clear()
        found: dict[str, list[tuple[int, int, Entry]]] = {}
        for place, one in enumerate(self._entries):
            rank = one.rank(words)
            if rank is not None:
                found.setdefault(self._category(one), []).append((rank, place, one))
        order = [*ICONS, *sorted(set(found) - set(ICONS) - {_SUBGRAPHS}), _SUBGRAPHS]
        # A search shows first the category whose best node answers best.
        names = [name for name in order if name in found]
        if words:
            names.sort(key=lambda name: min(found[name])[:1])
        best: tuple[tuple[int, int], QStandardItem] | None = None
        for name in names:
            group = QStandardItem(tr("Subgraphs") if name == _SUBGRAPHS else tr(name))
            group.setData(ICONS.get(name, "stack-simple" if name == _SUBGRAPHS else "puzzle-piece"), TYPE + 2)
            group.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            group.setData(name, TYPE + 3)
            for rank, place, one in sorted(found[name], key=lambda each: each[:2]):
                item = self._item(one)
                group.appendRow(item)
                if best is None or (rank, place) < best[0]:
                    best = ((rank, place), item)
            self.model.appendRow(group)
        if not names:
            nothing = QStandardItem(tr("Nothing answers to this."))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self.model.appendRow(nothing)
        folded = set() if words else _folded()
        for row in range(self.model.rowCount()):
            group = self.model.item(row)
            self.tree.setExpanded(group.index(), group.data(TYPE + 3) not in folded)
        if words and best is not None:
            self.tree.setCurrentIndex(best[1].index())
        self._filling = False
        self.dress()

    def _category(self, one: Entry) -> str:
        if one.type.startswith(SUBGRAPH):
            return _SUBGRAPHS
        spec = self.session.types.get(one.type)
        return spec.category if spec is not None else ""

    def _item(self, one: Entry) -> QStandardItem:
        title = one.title
        main, doc = "value", one.doc
        if one.type.startswith(SUBGRAPH):
            part = self.session.graph.graphs[one.type[len(SUBGRAPH) :]]
            title = said(part.view.get("title")) or title
            doc = said(part.view.get("about"))
        kind = self.session.kinds.get(one.type)
        if kind is not None:
            types = [*kind.outputs.values()] or [slot.type for slot in kind.slots.values() if not slot.plain]
            main = wire_type(types[0].name) if types else "value"
        item = QStandardItem(title)
        item.setData(one.type, TYPE)
        item.setData(main, STRIPE)
        item.setData(f"{title}, {doc}" if doc else title, Qt.ItemDataRole.AccessibleTextRole)
        item.setToolTip(_paragraphs(title, self._about(one.type) or doc))
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled)
        return item

    def _about(self, type: str) -> str:
        spec = self.session.types.get(type)
        return "\n\n".join(paragraphs(spec.doc)) if spec is not None else ""

    def dress(self) -> None:
        """Put on the categories' icons, as soon as there are icons."""
        for row in range(self.model.rowCount()):
            group = self.model.item(row)
            name = group.data(TYPE + 2)
            icon = icons.icon(name) if name else None
            group.setIcon(icon if icon is not None else QIcon())

    def _fold(self, index: QModelIndex) -> None:
        if not index.data(TYPE):
            self.tree.setExpanded(index, not self.tree.isExpanded(index))

    def _remember(self, index: QModelIndex, *, folded: bool) -> None:
        if self._filling or self.line.text():
            return
        names = _folded()
        (names.add if folded else names.discard)(index.data(TYPE + 3))
        preferences().setValue("palette/folded", sorted(names))

    def _take(self, index: QModelIndex) -> None:
        type = index.data(TYPE)
        if type:
            self.chosen.emit(type)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            key = event.key()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                index = self.tree.currentIndex()
                if watched is self.tree and index.isValid() and not index.data(TYPE):
                    self._fold(index)
                elif index.isValid():
                    self._take(index)
                return True
            if watched is self.line and key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.tree.setFocus(Qt.FocusReason.TabFocusReason)
                if not self.tree.currentIndex().isValid():
                    self.tree.setCurrentIndex(self.model.index(0, 0))
                return True
            if watched is self.line and key == Qt.Key.Key_Escape and self.line.text():
                self.line.clear()
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()


class _Model(QStandardItemModel):
    """Gives the type of what is dragged."""

    def mimeTypes(self) -> list[str]:
        return [NODE_FORMAT]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        types = [index.data(TYPE) for index in indexes if index.data(TYPE)]
        if types:
            data.setData(NODE_FORMAT, types[0].encode())
        return data


class _Striped(QStyledItemDelegate):
    """Draws before each node the colour of what it mainly makes."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        stripe = index.data(STRIPE)
        if stripe:
            box: QRect = option.rect  # type: ignore[attr-defined]
            painter.fillRect(box.left() - 6, box.top() + 7, 3, box.height() - 14, theme.now().wire(stripe))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return super().sizeHint(option, index).expandedTo(QSize(0, 28))


def _folded() -> set[str]:
    value = preferences().value("palette/folded", [])
    return set(value if isinstance(value, list) else [value] if isinstance(value, str) and value else [])


def _named(graph: Graph) -> list[object]:
    return [(part.view.get("title"), part.view.get("about")) for part in graph.graphs.values()]


def _paragraphs(title: str, doc: str) -> str:
    """A tooltip of readable width: as rich text, which Qt wraps."""
    from html import escape

    return "".join([f"<b>{escape(title)}</b>", *(f"<p>{escape(part)}</p>" for part in flowed(doc)[:3])])
