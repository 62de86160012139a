"""The usual sizes of a picture, over the exact entries of its width and height."""

from __future__ import annotations

from typing import Any, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from vidflow.gui import theme
from vidflow.gui.canvas.face import label_of
from vidflow.gui.panels.pieces import Calm, Elided, tool
from vidflow.gui.words import tr

_WIDE = ((1920, 1080), (1280, 720), (1024, 576), (640, 360))
PRESETS: dict[str, tuple[tuple[int, int], ...]] = {
    "16:9": _WIDE,
    "9:16": tuple((height, width) for width, height in _WIDE),
    "1:1": ((1080, 1080), (720, 720), (512, 512)),
}


class SizeField(QWidget):
    """A choice of sizes by aspect, and a button that turns the picture by a quarter."""

    chosen = Signal(object, object)
    """The width and the height, or None for each that is left to the node."""

    def __init__(self, *, nullable: bool) -> None:
        super().__init__()
        self._size: tuple[Any, Any] = (None, None)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        name = Elided(label_of("size"), "muted")
        name.setFont(theme.font(theme.LABEL))
        self.presets = QComboBox()
        self.presets.setAccessibleName(tr("Usual sizes"))
        self.presets.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.presets.setMinimumContentsLength(4)
        self.presets.installEventFilter(Calm(self))
        model = cast("QStandardItemModel", self.presets.model())
        self._sizes: list[tuple[int | None, int | None] | None] = [None]
        self.presets.addItem(tr("its own"))
        if nullable:
            self._sizes.append((None, None))
            self.presets.addItem(tr("auto"))
        for aspect, sizes in PRESETS.items():
            self._sizes.append(None)
            self.presets.addItem(aspect)
            model.item(self.presets.count() - 1).setEnabled(False)
            for size in sizes:
                self._sizes.append(size)
                self.presets.addItem(f"{size[0]}×{size[1]}")
        self.presets.view().setMinimumWidth(160)
        self.presets.activated.connect(self._picked)
        self.turn = tool(
            tr("Swap width and height"), "arrows-left-right", lambda: self.chosen.emit(self._size[1], self._size[0])
        )
        row.addWidget(name, 9)
        row.addSpacing(8)
        row.addWidget(self.presets, 12)
        row.addSpacing(4)
        row.addWidget(self.turn)
        row.addSpacing(36)

    def match(self, width: Any, height: Any) -> None:
        """Show which of the sizes these are."""
        self._size = (width, height)
        self.presets.setCurrentIndex(self._sizes.index(self._size) if self._size in self._sizes else 0)
        self.turn.setEnabled(width != height)

    def _picked(self, index: int) -> None:
        size = self._sizes[index]
        if size is not None:
            self.chosen.emit(*size)
        else:
            self.match(*self._size)
