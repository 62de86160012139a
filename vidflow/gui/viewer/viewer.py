"""The viewer: what the shown node makes, or why there is nothing to see, with what is known of it around."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vidflow.gui import icons, theme
from vidflow.gui.problemwords import told
from vidflow.gui.viewer.picture import PictureView
from vidflow.gui.viewer.player import Player
from vidflow.gui.viewer.source import Source
from vidflow.gui.viewer.timecode import rate_text, timecode
from vidflow.gui.viewer.values import Page, Wave, sound_line, texts_of
from vidflow.gui.words import tr


class Viewer(QWidget):
    """Shows what `source` has at the place of `player`."""

    def __init__(self, source: Source, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._source, self._player = source, player
        self._flat = ""
        self._index: int | None = None
        """The number of the frame that is shown."""
        self._step = ""
        self.picture = PictureView(source.shrinking)
        self.report = Page("report")
        self.words = Page("words")
        self.wave = Wave()
        self.empty = _said("muted", "emptyState")
        self.wrong = _said("error", "errorState")
        self._stack = QStackedWidget()
        for page in (self.empty, self.wrong, self.picture, self.report, self.words, self.wave):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header())
        column.addWidget(self._line())
        column.addWidget(self._stack, 1)
        column.addWidget(self._footer())
        source.changed.connect(self._on_changed)
        source.trouble.connect(self._on_trouble)
        source.preview.connect(self._on_preview)
        player.pictured.connect(self._on_pictured)
        player.state_changed.connect(self._tell)
        player.reached_changed.connect(lambda _: self._tell())
        player.sound.said.connect(self._on_silent)
        self.picture.scale_changed.connect(self._tell_scale)
        self._speak()

    def _speak(self) -> None:
        for widget, words in (
            (self, tr("Viewer")),
            (self.picture, tr("Picture")),
            (self.report, tr("Report")),
            (self.words, tr("Text")),
            (self.wave, tr("Sound")),
            (self.outputs, tr("Output")),
            (self.message, tr("Message")),
            (self.fit, tr("Fit")),
            (self.actual, tr("100 %")),
        ):
            widget.setAccessibleName(words)
            if isinstance(widget, QToolButton):
                widget.setText(words)
                widget.setToolTip(words)
        self.outputs.setToolTip(tr("Which output is shown"))
        self._on_changed()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._speak()

    # Parts

    def _header(self) -> QWidget:
        header, row = _row("viewerHeader")
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setObjectName("viewerTitle")
        self.outputs = QComboBox()
        self.outputs.setObjectName("viewerOutput")
        self.outputs.textActivated.connect(self._source.choose_output)
        self.scale = QLabel()
        self.scale.setProperty("role", "caption")
        self.fit = self._button("fit", "arrows-in", self.picture.fit)
        self.actual = self._button("actual", "frame-corners", self.picture.actual)
        row.addWidget(self.title, 1)
        row.addWidget(self.outputs)
        row.addWidget(self.scale)
        row.addWidget(self.fit)
        row.addWidget(self.actual)
        return header

    def _button(self, name: str, icon: str, act: Any) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.clicked.connect(lambda: act())
        icons.on(button, icon)
        return button

    def _line(self) -> QLabel:
        self.message = QLabel()
        self.message.setObjectName("viewerMessage")
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setContentsMargins(12, 4, 12, 4)
        self.message.hide()
        return self.message

    def _footer(self) -> QWidget:
        footer, row = _row("viewerFooter")
        self.place = QLabel()
        self.place.setObjectName("viewerPlace")
        self.about = QLabel()
        self.about.setObjectName("viewerAbout")
        for label in (self.place, self.about):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", "caption")
            label.setFont(theme.font(theme.CAPTION))
        # One under the other, so that the numbers of a film that plays never make the viewer wider.
        lines = QVBoxLayout()
        lines.setSpacing(0)
        for label in (self.place, self.about):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            lines.addWidget(label)
        row.addLayout(lines, 1)
        return footer

    # What there is to see

    def _on_changed(self) -> None:
        shown = self._source.shown
        fresh = shown.flat != self._flat
        self._flat = shown.flat
        self.title.setText(shown.title)
        self.title.setToolTip(shown.flat)
        self._step = ""
        if fresh:
            self._index = None
            self.picture.show_frame(None)
        names = [self.outputs.itemText(k) for k in range(self.outputs.count())]
        if names != list(shown.outputs):
            self.outputs.clear()
            self.outputs.addItems(list(shown.outputs))
        if shown.output is not None:
            self.outputs.setCurrentText(shown.output)
        self.outputs.setVisible(len(shown.outputs) > 1)
        self._say("", "")
        match shown.state:
            case "empty":
                self._nothing(tr("Select a node to see what it makes."))
            case "opening":
                if fresh:
                    self._nothing("")
            case "unmade":
                self._nothing(tr("Not made yet. Run it to see it."))
            case "unready":
                self._nothing(self._source.session.titled(told(shown.text)))
            case "failed":
                self.wrong.setText(self._source.session.titled(told(shown.text)))
                self._stack.setCurrentWidget(self.wrong)
            case "ready":
                self._show_value(shown.value)
        self._tell()

    def _nothing(self, text: str) -> None:
        self.empty.setText(text)
        self._stack.setCurrentWidget(self.empty)

    def _show_value(self, value: Any) -> None:
        shown = self._source.shown
        if shown.info is not None:
            if shown.frames:
                self._stack.setCurrentWidget(self.picture)
            else:
                self._nothing(tr("This video has no frames."))
            self._notes()
        elif isinstance(value, Mapping):
            self.report.show_report(value)
            self._stack.setCurrentWidget(self.report)
        elif type(value).__name__ == "Audio":
            self.wave.show_audio(value)
            self._stack.setCurrentWidget(self.wave)
        elif shown.output is None:
            self._nothing(tr("This node gives nothing that can be seen."))
        else:
            self.words.show_texts(texts_of(value))
            self._stack.setCurrentWidget(self.words)

    def _on_pictured(self, index: int, frame: Any) -> None:
        self._index, self._step = index, ""
        if self._source.shown.state in ("ready", "unmade", "opening"):
            self._stack.setCurrentWidget(self.picture)
        self.picture.show_frame(frame)
        if not self._player.playing and self.message.property("role") == "error":
            self._say("", "")
        self._notes()
        self._tell()

    def _on_preview(self, flat: str, step: int, total: int, picture: Any) -> None:
        self._stack.setCurrentWidget(self.picture)
        self.picture.show_frame(picture)
        self._index, self._step = None, tr("Step {} of {}").format(step, total)
        self._tell()

    # What is said around it

    def _on_trouble(self, text: str) -> None:
        text = told(text)
        if self._index is None:
            self.wrong.setText(text)
            self._stack.setCurrentWidget(self.wrong)
        else:
            self._say("error", text)

    def _on_silent(self, why: str) -> None:
        if not self.message.text():
            self._say("muted", why)

    def _notes(self) -> None:
        opened = self._source.shown.opened
        if opened is not None and not self.message.text() and opened.notes:
            self._say("muted", "\n".join(opened.notes))

    def _say(self, role: str, text: str) -> None:
        if (self.message.text(), self.message.property("role") or "") == (text, role):
            return
        self.message.setText(text)
        self.message.setProperty("role", role)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)
        self.message.setVisible(bool(text))

    def _tell(self) -> None:
        shown, player = self._source.shown, self._player
        info = shown.info
        place = about = ""
        if self._step:
            place = self._step
        elif info is not None and self._index is not None and shown.frames > 1:
            number = tr("Frame {} of {}").format(self._index, shown.frames)
            place = f"{number}   {timecode(self._index, info.rate)}"
            if player.playing and player.reached:
                reached, rate = rate_text(round_rate(player.reached)), rate_text(info.rate)
                place += "   " + tr("{} of {} fps").format(reached, rate)
        elif info is None and self._index is not None:
            place = tr("Frame {}").format(self._index)
        if info is not None:
            depth = tr("8 bits") if info.dtype == "uint8" else tr("over 8 bits")
            parts = [f"{info.width} x {info.height}"]
            parts += [tr("{} fps").format(rate_text(info.rate))] if shown.frames > 1 else []
            about = "   ".join([*parts, depth])
        elif type(shown.value).__name__ == "Audio":
            about = sound_line(shown.value)
        self.place.setText(place)
        self.about.setText(about)
        self._tell_scale()

    def _tell_scale(self) -> None:
        here = self._stack.currentWidget() is self.picture and self.picture.frame is not None
        self.fit.setVisible(here)
        self.actual.setVisible(here)
        self.scale.setText(f"{self.picture.scale:.0%}" if here else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._player.key(event):
            super().keyPressEvent(event)


def round_rate(rate: float) -> Any:
    """A measured rate to one decimal."""
    from fractions import Fraction

    return Fraction(round(rate * 10), 10)


def _row(name: str) -> tuple[QWidget, QHBoxLayout]:
    bar = QWidget()
    bar.setObjectName(name)
    row = QHBoxLayout(bar)
    row.setContentsMargins(12, 4, 8, 4)
    row.setSpacing(8)
    return bar, row


def _said(role: str, name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setContentsMargins(24, 24, 24, 24)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
