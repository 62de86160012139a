"""The dialog of the models that are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from vidflow.gui.panels.library import library
from vidflow.gui.panels.pieces import label, size_text
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.window import Window


def show_models(window: Window) -> None:
    """List them, with what each is, how large and under which licence; a double-click shows where it lies."""
    dialog = QDialog(window)
    dialog.setWindowTitle(tr("Models"))
    dialog.resize(720, 360)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(16, 16, 16, 16)
    column.setSpacing(12)
    said = label("", "muted", wrap=True)
    shown = QTreeWidget()
    shown.setAccessibleName(tr("Models"))
    shown.setRootIsDecorated(False)
    shown.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    shown.setHeaderLabels([tr("Name"), tr("Kind"), tr("Size"), tr("Licence")])
    shown.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    shown.header().setStretchLastSection(False)
    buttons = QDialogButtonBox()
    go = buttons.addButton(tr("Show in folder"), QDialogButtonBox.ButtonRole.ActionRole)
    buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
    for part in (said, shown, buttons):
        column.addWidget(part)

    def fill() -> None:
        here = library()
        lines = [tr("Get fetches what a sample needs; vidflow models fetch NAME fetches any other of the hub.")]
        if not here.models:
            lines.insert(0, tr("No model has been fetched yet.") if here.known else tr("Looking…"))
        said.setText("\n".join(lines))
        shown.clear()
        for number, one in enumerate(here.models):
            name = one.name if one.lacks is None else tr("{} (not whole)").format(one.name)
            item = QTreeWidgetItem([name, one.family, size_text(one.size), one.licence.name])
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, str(one.folder) if one.lacks is None else f"{one.folder}\n{one.lacks}")
            item.setData(0, Qt.ItemDataRole.UserRole, str(one.folder))
            shown.addTopLevelItem(item)
            item.setSelected(number == 0)
        for number in (1, 2, 3):
            shown.resizeColumnToContents(number)
        go.setEnabled(bool(here.models))

    def show_folder(*_: Any) -> None:
        for item in shown.selectedItems():
            QDesktopServices.openUrl(QUrl.fromLocalFile(item.data(0, Qt.ItemDataRole.UserRole)))

    shown.itemDoubleClicked.connect(show_folder)
    go.clicked.connect(show_folder)
    buttons.rejected.connect(dialog.reject)
    library().listed.connect(fill)
    fill()
    library().refresh()
    dialog.exec()
    library().listed.disconnect(fill)
    dialog.deleteLater()
