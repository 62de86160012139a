"""The dialog that asks for several values of a setting, and makes one run of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout

from vidflow.gui.canvas.face import label_of
from vidflow.gui.words import said, tr

if TYPE_CHECKING:
    from vidflow.gui.window import Window


def ask_variants(window: Window) -> dict[str, Sequence[Any]]:
    """A setting and its values, as `--each` takes them; empty where the user thinks better of it."""
    session = window.session
    dialog = QDialog(window)
    dialog.setWindowTitle(tr("Run with other values"))
    dialog.setMinimumWidth(420)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(16, 16, 16, 16)
    layout.setSpacing(12)
    words = tr("One run for each value: 1..8, or a, b, c, or a pattern of files such as shots/*.png.")
    layout.addWidget(QLabel(words, wordWrap=True))
    form = QFormLayout()
    setting, values = QComboBox(), QLineEdit(placeholderText="1..8")
    setting.setAccessibleName(tr("Setting"))
    values.setAccessibleName(tr("Values"))
    chosen = set(session.selection)
    names: list[tuple[int, str, str]] = []
    for id, node in session.graph.nodes.items():
        kind = session.kind(node)
        for name, slot in kind.slots.items() if kind is not None else ():
            if slot.plain and not slot.many:
                first = (0 if id in chosen and not session.scope else 2) + (0 if name in ("seed", "path") else 1)
                names.append(
                    (first, f"{id}.{name}", f"{said(session.view_of(id).get('title')) or id}: {label_of(name)}")
                )
    for _, name, words in sorted(names, key=lambda one: one[0]):
        setting.addItem(words, name)
    form.addRow(tr("Setting"), setting)
    form.addRow(tr("Values"), values)
    layout.addLayout(form)
    buttons = QDialogButtonBox()
    run = buttons.addButton(tr("Run"), QDialogButtonBox.ButtonRole.AcceptRole)
    run.setEnabled(False)
    buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    layout.addWidget(buttons)
    found: list[Sequence[Any]] = [()]

    def read(text: str) -> None:
        from vidflow.engine.variants import read_values

        found[0] = read_values(text, Path(session.paths.base)) if text.strip() else ()
        run.setText(tr("Run {}").format(len(found[0])) if found[0] else tr("Run"))
        run.setEnabled(bool(found[0]))

    values.textChanged.connect(read)
    values.setFocus()
    return {setting.currentData(): found[0]} if dialog.exec() and found[0] else {}
