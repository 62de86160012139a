"""What happened, line by line: runs, messages of the window, and warnings of everything below it."""

from __future__ import annotations

import logging
import time

from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from vidflow.gui import theme
from vidflow.gui.panels.pieces import button
from vidflow.gui.running import Runner
from vidflow.gui.session import Session
from vidflow.gui.telling import tell
from vidflow.gui.words import tr

KEPT = 5000
"""Lines that are kept."""


class Log(QWidget):
    """The panel."""

    def __init__(self, session: Session, runner: Runner) -> None:
        super().__init__()
        self.setObjectName("log")
        self.setProperty("role", "panel")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(KEPT)
        self.text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.text.setFont(theme.font(theme.LABEL))
        self.text.setProperty("bare", True)
        self.copy = button("", self._copy)
        self.clear = button("", self.text.clear)
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.setSpacing(8)
        side.addWidget(self.copy)
        side.addWidget(self.clear)
        side.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.text, 1)
        row.addLayout(side)
        runner.line.connect(self.add)
        session.message.connect(self._told)
        handler = _Handler(self)
        logging.getLogger().addHandler(handler)
        logging.captureWarnings(True)
        self.destroyed.connect(handler.stop)
        self._speak()

    def _speak(self) -> None:
        self.text.setAccessibleName(tr("Log"))
        self.text.setPlaceholderText(tr("What runs say is written here."))
        for one, words in ((self.copy, tr("Copy")), (self.clear, tr("Clear"))):
            one.setText(words)
            one.setAccessibleName(words)

    def add(self, text: str, level: str = "info") -> None:
        """A line, or several that belong together."""
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        look = QTextCharFormat()
        token = {"warn": "warn", "error": "error"}.get(level, "text")
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.text.document().isEmpty():
            cursor.insertBlock()
        look.setForeground(theme.now().qcolor("hint"))
        cursor.insertText(time.strftime("%H:%M:%S  "), look)
        look.setForeground(theme.now().qcolor(token))
        cursor.insertText(text.replace("\n", "\n" + " " * 10), look)
        if at_end:
            bar.setValue(bar.maximum())

    def _told(self, level: str, text: str) -> None:
        self.add(text, level)

    def _copy(self) -> None:
        chosen = self.text.textCursor().selectedText().replace("\u2029", "\n")
        QGuiApplication.clipboard().setText(chosen or self.text.toPlainText())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()


class _Handler(logging.Handler):
    """Warnings and errors of Python's logging, and its warnings."""

    def __init__(self, panel: Log) -> None:
        super().__init__(logging.WARNING)
        self._panel = panel

    def emit(self, record: logging.LogRecord) -> None:
        # A warning's first line says where, its last shows the source: neither is for the reader of a log.
        text = record.getMessage()
        if record.name == "py.warnings":
            text = text.split("\n")[0].split(": ", 1)[-1]
        tell(self._panel, self._panel.add, text, "error" if record.levelno >= logging.ERROR else "warn")

    def stop(self) -> None:
        """The panel is gone."""
        root = logging.getLogger()
        root.removeHandler(self)
        if not any(isinstance(one, _Handler) for one in root.handlers):
            logging.captureWarnings(False)
