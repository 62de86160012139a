"""The editors of settings, chosen by hint: each shows a value, judges what is entered, and gives what is right."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from vidflow.errors import GraphError, NodeError
from vidflow.graph.literals import fit, read_value
from vidflow.gui import theme
from vidflow.gui.canvas.face import label_of
from vidflow.gui.panels.pieces import Calm, label, tool
from vidflow.gui.problemwords import told
from vidflow.gui.words import language, plain, tr
from vidflow.nodespec.hints import Choice, Number, Seed, Text, Words
from vidflow.nodespec.vocabulary import Category, vocabulary

if TYPE_CHECKING:
    from vidflow.graph.kinds import Slot

RATES = ("12", "15", "23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60")
FINEST = 1100
"""A slider with more stops than this leads to no value that one wants."""


class Field(QWidget):
    """The editor of one setting. It never changes the document: whoever made it does, with what is given."""

    given = Signal(object)
    """A right value was entered."""
    settled = Signal()
    """What is given from now on is undone by itself."""
    wide = False
    """Whether it wants a line of its own."""

    def __init__(self, slot: Slot) -> None:
        super().__init__()
        self.slot = slot
        self.name = label_of(slot.name)
        self.value: Any = None
        self.entries: list[QWidget] = []
        """What is red where the value is wrong; the first has the focus."""
        self._own = self._found = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.row = QHBoxLayout()
        self.row.setSpacing(4)
        self._column.addLayout(self.row)
        self.why = label("", "error", wrap=True)
        self.why.setFont(theme.font(theme.LABEL))
        self.why.hide()
        self._column.addWidget(self.why)
        self._calm = Calm(self)

    def add(self, entry: QWidget, name: str = "", stretch: int = 0) -> None:
        """Put a control into the row."""
        entry.setAccessibleName(name or self.name)
        entry.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        entry.installEventFilter(self._calm)
        entry.installEventFilter(self)
        self.row.addWidget(entry, stretch)
        self.entries.append(entry)

    def put(self, value: Any) -> None:
        """Show a value of the document. What is being typed stays where it means the same."""
        self.value = value
        self._own = ""
        self.show_value(value)
        self._tell()

    def show_value(self, value: Any) -> None:
        """Show it, giving nothing."""
        raise NotImplementedError

    def offer(self, value: Any) -> None:
        """Judge what was entered, and give it where it is right."""
        try:
            fitted = fit(value, self.slot.spec)
        except GraphError as error:
            self.refuse(told(error.problems[0].message))
            return
        self._own = ""
        self._tell()
        if fitted != self.value or type(fitted) is not type(self.value):
            self.value = fitted
            self.given.emit(fitted)

    def refuse(self, why: str) -> None:
        """Say why what was entered is not taken."""
        self._own = why
        self._tell()

    def found(self, why: str) -> None:
        """Say what a check of the document found wrong with the value."""
        self._found = why
        self._tell()

    @property
    def wrong(self) -> str:
        """What stands below the field."""
        return self._own or self._found

    def _tell(self) -> None:
        if self.why.text() != self.wrong:
            self.why.setText(self.wrong)
            self.why.setVisible(bool(self.wrong))
        for entry in self.entries:
            if bool(entry.property("wrong")) != bool(self.wrong):
                entry.setProperty("wrong", bool(self.wrong))
                entry.style().unpolish(entry)
                entry.style().polish(entry)
            entry.setAccessibleDescription(self.wrong)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.settled.emit()
        return False


class LineField(Field):
    """One line of text, which stands for a value of any type: lists with commas between their values."""

    def __init__(self, slot: Slot, placeholder: str = "") -> None:
        super().__init__(slot)
        self.line = QLineEdit()
        # Where empty is the default, reset empties it.
        self.line.setClearButtonEnabled(slot.nullable and slot.spec.default is not None)
        self.line.setPlaceholderText(self._empty() or placeholder)
        self.line.textEdited.connect(self.typed)
        self.add(self.line, stretch=1)

    def _empty(self) -> str:
        if self.slot.nullable:
            return tr("auto")
        return tr("none") if self.slot.many else ""

    def text_of(self, value: Any) -> str:
        """How a value is written."""
        if value is None:
            return ""
        if isinstance(value, tuple | list):
            return ", ".join(self.text_of(one) for one in value)
        if isinstance(value, bool):
            return "true" if value else "false"
        return format(value, ".12g") if isinstance(value, float) else str(value)

    def read(self, text: str) -> Any:
        """What was typed. Raises GraphError."""
        if self.slot.nullable and not text.strip():
            return None
        return fit(read_value(text, self.slot.spec), self.slot.spec)

    def typed(self, text: str) -> None:
        """Take what was typed."""
        try:
            value = self.read(text)
        except GraphError as error:
            self.refuse(told(error.problems[0].message))
        else:
            self.offer(value)

    def show_value(self, value: Any) -> None:
        try:
            same = self.read(self.line.text()) == value
        except GraphError:
            same = False
        if not same or not self.line.hasFocus():
            write(self.line, self.text_of(value))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            if event.key() == Qt.Key.Key_Escape and self._own:
                write(self.line, self.text_of(self.value))
                self.refuse("")
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.settled.emit()
        return super().eventFilter(watched, event)


def write(line: QLineEdit, text: str) -> None:
    """Change a line's text and leave the cursor where it stands."""
    if line.text() != text:
        at = line.cursorPosition()
        line.setText(text)
        line.setCursorPosition(min(at, len(text)) if line.hasFocus() else 0)


class NumberField(LineField):
    """A number, typed exactly, stepped by the arrow keys, and dragged where both its bounds are near enough."""

    def __init__(self, slot: Slot, hint: Number) -> None:
        super().__init__(slot)
        self._low, self._high = hint.min, hint.max
        whole = slot.type.name == "int"
        span = hint.max - hint.min if hint.min is not None and hint.max is not None else None
        self._step = hint.step or (1 if whole or span is None or span > 20 else span / 100)
        self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.slider: QSlider | None = None
        if span is not None and span / self._step <= FINEST:
            self.wide = True
            self.slider = QSlider(Qt.Orientation.Horizontal)
            self.slider.setRange(0, round(span / self._step))
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            self.slider.valueChanged.connect(self._dragged)
            self.slider.sliderPressed.connect(self.settled)
            self.slider.sliderReleased.connect(self.settled)
            self.row.removeWidget(self.line)
            self.add(self.slider, tr("{}, slider").format(self.name), stretch=1)
            self.entries.remove(self.slider)
            self.row.addWidget(self.line)
            self.line.setFixedWidth(88)
        if hint.unit:
            self.row.addWidget(label(tr(hint.unit), "muted"))

    def _dragged(self, place: int) -> None:
        assert self.slider is not None and self._low is not None and self._high is not None
        value = round(min(self._low + place * self._step, self._high), 9)
        self.offer(int(value) if self.slot.type.name == "int" else float(value))
        write(self.line, self.text_of(self.value))

    def offer(self, value: Any) -> None:
        super().offer(value)
        self._place()

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self._place()

    def _place(self) -> None:
        if self.slider is not None and not self.slider.isSliderDown():
            low = self._low or 0
            at = self.value if isinstance(self.value, int | float) else low
            self.slider.blockSignals(True)
            self.slider.setValue(round((at - low) / self._step))
            self.slider.blockSignals(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and event.type() == QEvent.Type.KeyPress:
            assert isinstance(event, QKeyEvent)
            way = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
            if way is not None:
                self._stepped(way * (10 if event.modifiers() & Qt.KeyboardModifier.ControlModifier else 1))
                return True
        return super().eventFilter(watched, event)

    def _stepped(self, steps: int) -> None:
        at = self.value if isinstance(self.value, int | float) else self._low or 0
        value = round(at + steps * self._step, 9)
        if self._low is not None:
            value = max(self._low, value)
        if self._high is not None:
            value = min(self._high, value)
        self.offer(int(value) if self.slot.type.name == "int" else float(value))
        write(self.line, self.text_of(self.value))


class SeedField(LineField):
    """A seed, and a dice that throws another."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.dice = tool(tr("Throw another seed"), "dice-five", self._throw)
        self.row.addWidget(self.dice)

    def _throw(self) -> None:
        self.settled.emit()
        # Of nine figures at most, so that it can be read out.
        self.offer(random.SystemRandom().randrange(10**9))
        write(self.line, self.text_of(self.value))
        self.settled.emit()


class BoolField(Field):
    """Yes or no."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        self.check = QCheckBox(self.name)
        self.check.clicked.connect(self._clicked)
        self.add(self.check, stretch=1)

    def _clicked(self, on: bool) -> None:
        self.settled.emit()
        self.offer(on)

    def show_value(self, value: Any) -> None:
        self.check.setChecked(bool(value))


class ChoiceField(Field):
    """One of several."""

    def __init__(self, slot: Slot, hint: Choice) -> None:
        super().__init__(slot)
        self.box = QComboBox()
        self.box.setMinimumContentsLength(4)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._options: list[Any] = [*([None] if slot.nullable else []), *hint.options]
        for option in self._options:
            self.box.addItem(tr("auto") if option is None else label_of(str(option)))
        self.box.activated.connect(self._chosen)
        self.add(self.box, stretch=1)
        # So that a list is as wide as its words, however narrow the panel.
        widest = max(self.box.fontMetrics().horizontalAdvance(self.box.itemText(k)) for k in range(self.box.count()))
        self.box.view().setMinimumWidth(widest + 32)
        # Beside its name there is room for a short word in a panel of usual width.
        self.wide = widest > 72

    def _chosen(self, index: int) -> None:
        self.settled.emit()
        if index < len(self._options):
            self.offer(self._options[index])

    def show_value(self, value: Any) -> None:
        while self.box.count() > len(self._options):
            self.box.removeItem(self.box.count() - 1)
        if value in self._options:
            self.box.setCurrentIndex(self._options.index(value))
        else:
            # A file may hold what this version does not offer; it is shown, and the check says what is wrong with it.
            self.box.addItem(str(value))
            self.box.setCurrentIndex(self.box.count() - 1)
        self.box.setToolTip(plain(self.box.currentText()))


class ComboField(LineField):
    """A line with what is usual to choose from."""

    def __init__(self, slot: Slot, options: tuple[str, ...] = ()) -> None:
        super().__init__(slot)
        self.wide = self.wide or slot.many
        self._labels = {label_of(option): option for option in options}
        self.row.removeWidget(self.line)
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(4)
        self.box.setLineEdit(self.line)
        self.box.setCompleter(None)  # type: ignore[arg-type]
        self.box.activated.connect(lambda index: self._picked(self.box.itemText(index)))
        self.add(self.box, stretch=1)
        self.line.setAccessibleName(self.name)
        self.line.setProperty("inner", True)
        self.entries.remove(self.line)
        self.fill(tuple(self._labels))

    def text_of(self, value: Any) -> str:
        return label_of(value) if value in self._labels.values() else super().text_of(value)

    def read(self, text: str) -> Any:
        parts = text.replace("、", ",").split(",") if self.slot.many else [text]
        return super().read(",".join(self._labels.get(part.strip(), part) for part in parts))

    def fill(self, options: tuple[str, ...]) -> None:
        """Offer these."""
        text = self.line.text()
        self.box.clear()
        self.box.addItems(list(options))
        self.box.setCurrentIndex(-1)
        self.line.setText(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A click into a line that holds nothing, or one of them, is meant for the list; other words are edited.
        clicked = watched is self.line and event.type() == QEvent.Type.MouseButtonRelease
        if clicked and not self.line.hasSelectedText() and self.box.count():
            text = self.line.text().strip()
            if not text or self.box.findText(text) >= 0:
                self.box.showPopup()
        return super().eventFilter(watched, event)

    def _picked(self, text: str) -> None:
        self.settled.emit()
        self.typed(text)


class TextField(Field):
    """Several lines of text."""

    wide = True

    def __init__(self, slot: Slot, placeholder: str) -> None:
        super().__init__(slot)
        self.area = QPlainTextEdit()
        self.area.setTabChangesFocus(True)
        self.area.setFixedHeight(84)
        self.area.setPlaceholderText(tr(placeholder) if placeholder else tr("auto") if slot.nullable else "")
        self.area.textChanged.connect(self._typed)
        self.add(self.area, stretch=1)

    def _typed(self) -> None:
        text = self.area.toPlainText()
        self.offer(None if self.slot.nullable and not text else text)

    def show_value(self, value: Any) -> None:
        text = "" if value is None else str(value)
        if self.area.toPlainText() != text:
            at = self.area.textCursor().position()
            self.area.blockSignals(True)
            self.area.setPlainText(text)
            self.area.blockSignals(False)
            cursor = self.area.textCursor()
            cursor.setPosition(min(at, len(text)))
            self.area.setTextCursor(cursor)


class WordsField(LineField):
    """Words of a prompt: the vocabulary's labels are offered in both languages, and free text is taken."""

    wide = True

    def __init__(self, slot: Slot, hint: Words) -> None:
        super().__init__(slot)
        self._category: Category = hint.category
        self.offers = tool(tr("Words for {}").format(self.name), "list")
        self.offers.clicked.connect(self._open)
        self.row.addWidget(self.offers)
        self.menu = QMenu(self)
        self.completer = QCompleter(self)
        self.completer.setWidget(self.line)
        self.completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.completer.activated.connect(self._complete)
        self.line.textEdited.connect(self._suggest)
        self._filled = False

    def _entries(self) -> list[tuple[str, str, str]]:
        """The label in the user's language, that in the other, and what they tell a model."""
        try:
            found = vocabulary().entries(self._category)
        except NodeError as error:
            self.refuse(told(str(error)))
            return []
        mine = language()
        return [
            (getattr(one, mine) or one.ja or one.en, one.en if mine == "ja" else one.ja, one.phrase) for one in found
        ]

    def _suggest(self, _: str) -> None:
        if not self._filled:
            self._filled = True
            model = QStandardItemModel(self.completer)
            for own, other, phrase in self._entries():
                for text in dict.fromkeys((own, other)):
                    if text:
                        item = QStandardItem(text)
                        item.setToolTip(phrase)
                        model.appendRow(item)
            self.completer.setModel(model)
        start, end = self._part()
        part = self.line.text()[start:end].strip()
        self.completer.setCompletionPrefix(part)
        if part and self.completer.completionCount() and self.completer.currentCompletion() != part:
            self.completer.complete()
        else:
            self._popup().hide()

    def _popup(self) -> QAbstractItemView:
        popup = self.completer.popup()
        assert popup is not None
        return popup

    def _part(self) -> tuple[int, int]:
        """Where the words begin and end, between commas, that the cursor is in."""
        text, at = self.line.text(), self.line.cursorPosition()
        start = max(text.rfind(",", 0, at), text.rfind("、", 0, at)) + 1
        ends = [place for comma in ",、" if (place := text.find(comma, at)) >= 0]
        return start, min(ends, default=len(text))

    def _complete(self, chosen: str) -> None:
        start, end = self._part()
        text = self.line.text()
        lead = " " if start and text[start - 1] == "," else ""
        self.line.setText(text[:start] + lead + chosen + text[end:])
        self.line.setCursorPosition(start + len(lead) + len(chosen))
        self.typed(self.line.text())

    def _open(self) -> None:
        self.menu.clear()
        for own, other, phrase in self._entries():
            action = self.menu.addAction(f"{own}  {other}" if other else own)
            action.setToolTip(phrase)
            action.triggered.connect(lambda _=False, own=own: self._add(own))
        self.menu.setToolTipsVisible(True)
        self.menu.popup(self.offers.mapToGlobal(self.offers.rect().bottomLeft()))

    def _add(self, word: str) -> None:
        self.settled.emit()
        text = self.line.text().strip()
        comma = "、" if language() == "ja" else ", "
        self.line.setText(f"{text.rstrip(',、')}{comma}{word}" if text else word)
        self.typed(self.line.text())
        self.settled.emit()


class ColourField(LineField):
    """A colour: a swatch that opens the chooser, and `#rrggbb`."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot)
        self.swatch = tool(tr("Choose {}").format(self.name), "", self._choose)
        self.row.insertWidget(0, self.swatch)
        self.dialog: QColorDialog | None = None

    def _choose(self) -> None:
        self.settled.emit()
        before = self.value
        dialog = self.dialog = QColorDialog(QColor(str(self.value)), self)
        dialog.setWindowTitle(self.name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.currentColorChanged.connect(lambda colour: self._take(colour.name()))
        dialog.rejected.connect(lambda: self._take(before))
        dialog.finished.connect(self.settled)
        dialog.open()

    def _take(self, value: Any) -> None:
        self.offer(value)
        write(self.line, self.text_of(self.value))

    def offer(self, value: Any) -> None:
        super().offer(value)
        self._paint()

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self._paint()

    def _paint(self) -> None:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(16 * ratio), round(16 * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setPen(theme.now().qcolor("hint"))
        painter.setBrush(QColor(str(self.value)))
        painter.drawRoundedRect(0, 0, 15, 15, 3, 3)
        painter.end()
        self.swatch.setIcon(QIcon(picture))


def plain_field(slot: Slot) -> Field:
    """The editor of a setting that is no file: by hint, then by type."""
    from vidflow.nodespec.hints import Colour, Rate

    hint = slot.spec.hint
    if slot.many:
        if isinstance(hint, Choice):
            return ComboField(slot, tuple(str(option) for option in hint.options))
        return LineField(slot)
    if slot.type.name == "bool":
        return BoolField(slot)
    match hint:
        case Choice():
            return ChoiceField(slot, hint)
        case Words():
            return WordsField(slot, hint)
        case Seed():
            return SeedField(slot)
        case Colour():
            return ColourField(slot)
        case Rate():
            return ComboField(slot, RATES)
        case Number():
            return NumberField(slot, hint)
        case Text(multiline=True):
            return TextField(slot, hint.placeholder)
        case _:
            pass
    if slot.type.name in ("int", "float"):
        return NumberField(slot, Number())
    field = LineField(slot, hint.placeholder if isinstance(hint, Text) else "")
    field.wide = slot.type.name == "str"
    return field
