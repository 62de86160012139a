"""The dialog of keys: every command with its keys, to be looked up and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from vidflow.gui.commands import BY_NAME, COMMANDS, keys_of, set_keys
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.window import Window


class Keys(QDialog):
    """Choose a command, press its new keys."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.setWindowTitle(tr("Keys"))
        self.resize(480, 560)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        search = QLineEdit(placeholderText=tr("Search"))
        search.setAccessibleName(tr("Search"))
        search.textChanged.connect(self._filter)
        layout.addWidget(search)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(tr("Commands and their keys"))
        self.tree.setHeaderLabels([tr("Command"), tr("Keys")])
        self.tree.setRootIsDecorated(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.currentItemChanged.connect(lambda *_: self._chosen())
        layout.addWidget(self.tree, 1)
        row = QHBoxLayout()
        self.edit = QKeySequenceEdit()
        self.edit.setAccessibleName(tr("New keys"))
        self.edit.setMaximumSequenceLength(1)
        self.edit.editingFinished.connect(self._take)
        row.addWidget(QLabel(tr("New keys")))
        row.addWidget(self.edit, 1)
        reset = QPushButton(tr("Reset"))
        reset.clicked.connect(self._reset)
        row.addWidget(reset)
        layout.addLayout(row)
        self.says = QLabel()
        self.says.setProperty("role", "warn")
        self.says.setWordWrap(True)
        layout.addWidget(self.says)
        buttons = QDialogButtonBox()
        buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        layout.addWidget(buttons)
        self._items: list[QTreeWidgetItem] = []
        for command in COMMANDS:
            item = QTreeWidgetItem([tr(command.title).rstrip("…"), ""])
            item.setData(0, Qt.ItemDataRole.UserRole, command.name)
            self._items.append(item)
        self.tree.addTopLevelItems(self._items)
        self._show()
        self.tree.setCurrentItem(self._items[0])

    def _show(self) -> None:
        for item in self._items:
            command = BY_NAME[item.data(0, Qt.ItemDataRole.UserRole)]
            native = QKeySequence.SequenceFormat.NativeText
            item.setText(1, ", ".join(one.toString(native) for one in keys_of(command)))

    def _filter(self, text: str) -> None:
        for item in self._items:
            item.setHidden(text.lower() not in f"{item.text(0)} {item.text(1)}".lower())

    def _name(self) -> str:
        item = self.tree.currentItem()
        return item.data(0, Qt.ItemDataRole.UserRole) if item is not None else ""

    def _chosen(self) -> None:
        if self._name():
            keys = keys_of(BY_NAME[self._name()])
            self.edit.setKeySequence(keys[0] if keys else QKeySequence())
        self.says.clear()

    def _take(self) -> None:
        name, keys = self._name(), self.edit.keySequence()
        if not name or keys.isEmpty():
            return
        other = next((one for one in COMMANDS if one.name != name and keys in keys_of(one)), None)
        if other is not None:
            self.says.setText(tr("{} has these keys already.").format(tr(other.title).rstrip("…")))
            return
        self.says.clear()
        set_keys(name, [keys.toString()])
        self._window.set_keys()
        self._show()

    def _reset(self) -> None:
        if self._name():
            set_keys(self._name(), None)
            self._window.set_keys()
            self._show()
            self._chosen()


def show_keys(window: Window) -> None:
    """Open the dialog."""
    Keys(window).exec()
