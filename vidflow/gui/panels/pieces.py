"""What the panels are built of: labels by role, small buttons, text that is cut where there is no room for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from vidflow.gui import icons
from vidflow.gui.words import plain, tr


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A text; `role` is one that the style sheet knows."""
    made = _Wrapped(text) if wrap else QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    if wrap:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


class _Wrapped(QLabel):
    """A text over several lines. Qt asks for the height that it has at its narrowest; panels ask by their width."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setWordWrap(True)

    def minimumSizeHint(self) -> QSize:
        return QSize(16, self.fontMetrics().height())


def tool(name: str, icon: str, act: Callable[[], object] | None = None, *, token: str = "muted") -> QToolButton:
    """A button that is an icon; `name` is its tooltip and what a screen reader says."""
    made = QToolButton()
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.setIconSize(QSize(16, 16))
    made.setFixedSize(24, 24)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setProperty("compact", True)
    if icon:
        icons.on(made, icon, token)
    if act is not None:
        made.clicked.connect(lambda: act())
    return made


def button(text: str, act: Callable[[], object] | None = None, *, name: str = "", flat: bool = False) -> QPushButton:
    """A button with words; `name` says more to a screen reader where the words stand several times."""
    made = QPushButton(text)
    made.setAccessibleName(name or text)
    made.setAutoDefault(False)
    if flat:
        made.setProperty("flat", True)
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    if act is not None:
        made.clicked.connect(lambda: act())
    return made


def emptied(layout: QLayout) -> None:
    """Take everything out of a layout, for good."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            emptied(inner)


class Elided(QLabel):
    """A line of text that ends in an ellipsis where there is no room; then its tooltip has the whole."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._mode = mode
        self.note = ""
        """What the tooltip says beside the text."""
        if role:
            self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        return QSize(16, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self.fontMetrics().elidedText(self.text(), self._mode, self.width())
        tip = plain("\n".join(one for one in (self.text() if shown != self.text() else "", self.note) if one))
        if tip != self.toolTip():
            self.setToolTip(tip)
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, shown)


class Calm(QObject):
    """Keeps the wheel from changing a field that it only passes over while a panel is scrolled."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def size_text(size: int) -> str:
    """A number of bytes as a person reads it."""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit in ("B", "kB") or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return ""


def time_text(seconds: float) -> str:
    """A length of time as a person reads it."""
    if seconds < 10:
        return tr("{} s").format(f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return tr("{} s").format(whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
