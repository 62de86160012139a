"""The dialog of a file's earlier versions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QListWidget, QListWidgetItem, QVBoxLayout

from vidflow.errors import GraphError
from vidflow.graph import load
from vidflow.gui.problemwords import whole
from vidflow.gui.recovery import versions_of
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.window import Window


def choose_version(window: Window) -> None:
    """Show when the document was saved, and open the version that is chosen; the file stays as it is until saved."""
    path = window.session.path
    versions = versions_of(path) if path is not None else []
    dialog = QDialog(window)
    dialog.setWindowTitle(tr("Earlier versions"))
    dialog.resize(360, 320)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(16, 16, 16, 16)
    layout.setSpacing(12)
    words = tr("What the file was before it was saved again.") if versions else tr("No earlier version is kept.")
    layout.addWidget(QLabel(words, wordWrap=True))
    shown = QListWidget()
    shown.setAccessibleName(tr("Earlier versions"))
    for one in versions:
        when = time.strptime(one.stem[:15], "%Y%m%d-%H%M%S")
        item = QListWidgetItem(time.strftime("%Y-%m-%d %H:%M:%S", when))
        item.setData(256, str(one))
        shown.addItem(item)
    shown.setCurrentRow(0)
    layout.addWidget(shown, 1)
    buttons = QDialogButtonBox()
    take = buttons.addButton(tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
    take.setEnabled(bool(versions))
    buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    shown.itemDoubleClicked.connect(lambda _: dialog.accept())
    layout.addWidget(buttons)
    if dialog.exec() and shown.currentItem() is not None and window.may_leave():
        try:
            window.session.put(load(shown.currentItem().data(256)), path, dirty=True)
        except GraphError as error:
            window.banner.say("error", whole(error.problems[0]))
