"""The line over the canvas that says what happened, instead of a box in the way."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

from vidflow.gui import icons
from vidflow.gui.words import tr


class Banner(QFrame):
    """A line with buttons where there is something to decide; it goes by itself where it only informs."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self.setObjectName("banner")
        row = QHBoxLayout(self)
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
        self.show()
        self.setAccessibleName(text)
        if level == "info" and not choices:
            self._timer.start()
        else:
            self._timer.stop()
