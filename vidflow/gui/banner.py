"""The line over the canvas that says what happened, instead of a box in the way."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from vidflow.gui import icons
from vidflow.gui.words import tr

MARGIN = 8
"""Pixels around it."""


class Banner(QFrame):
    """A line with buttons where there is something to decide.

    It lies over the top of `over`, so that nothing moves under the mouse when it comes or goes. Where it only informs
    it goes by itself, and what is under it can be clicked.
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        over.installEventFilter(self)
        self.setProperty("role", "banner")
        self.setObjectName("banner")
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 4, 4)
        row.setSpacing(8)
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self.text, 1)
        self.buttons = QHBoxLayout()
        row.addLayout(self.buttons)
        self.close_button = QToolButton()
        icons.on(self.close_button, "x")
        self.close_button.clicked.connect(self.hide)
        row.addWidget(self.close_button)
        self._speak()
        self._timer = QTimer(self, singleShot=True, interval=6000)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().event(event)

    def _place(self) -> None:
        wide = self._over.width() - 2 * MARGIN
        high = max(self._row.totalHeightForWidth(wide), self._row.totalMinimumSize().height())
        self.setGeometry(MARGIN, MARGIN, wide, high)

    def _speak(self) -> None:
        self.close_button.setAccessibleName(tr("Dismiss"))
        self.close_button.setToolTip(tr("Dismiss"))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()

    def say(self, level: str, text: str, choices: dict[str, Any] | None = None) -> None:
        """Show a line; `choices` maps the words of buttons to what they do."""
        self.text.setText(text)
        self.text.setProperty("role", {"error": "error", "warn": "warn"}.get(level, ""))
        self.text.style().unpolish(self.text)
        self.text.style().polish(self.text)
        while (item := self.buttons.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for words, action in (choices or {}).items():
            button = QPushButton(words)
            button.clicked.connect(lambda _=False, action=action: (self.hide(), action()))
            self.buttons.addWidget(button)
        passing = level == "info" and not choices
        self.close_button.setVisible(not passing)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, passing)
        self.show()
        self.raise_()
        self._place()
        self.setAccessibleName(text)
        if passing:
            self._timer.start()
        else:
            self._timer.stop()
