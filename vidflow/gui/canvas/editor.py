"""Editing in place: one field laid over the viewport, where a value or a title stands on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QPlainTextEdit, QWidget

from vidflow.errors import GraphError
from vidflow.graph import SetView
from vidflow.graph.edits import UNSET
from vidflow.graph.kinds import Slot
from vidflow.graph.literals import read_value
from vidflow.gui import theme
from vidflow.gui.canvas.face import label_of
from vidflow.gui.problemwords import told
from vidflow.gui.words import tr
from vidflow.nodespec.hints import Choice, File, Folder, Text

if TYPE_CHECKING:
    from vidflow.graph import Graph
    from vidflow.gui.canvas.frame import FrameItem
    from vidflow.gui.canvas.node import NodeItem
    from vidflow.gui.canvas.view import Canvas


class InPlace(QObject):
    """The one field over the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.canvas = canvas
        self.session = canvas.session
        self.field: QWidget | None = None
        self._take: Callable[[str], None] | None = None
        self._there: Callable[[], bool] = lambda: True
        """Whether what is edited is still in the document."""
        self.session.changed.connect(self._on_change)
        self.session.replaced.connect(lambda: self.close(accept=False))
        self.session.scope_changed.connect(lambda: self.close(accept=False))
        self.session.parting.connect(self.close)
        canvas.zoomed.connect(lambda _: self.close())
        canvas.horizontalScrollBar().valueChanged.connect(lambda _: self.close())
        canvas.verticalScrollBar().valueChanged.connect(lambda _: self.close())

    def _on_change(self, before: Graph, after: Graph) -> None:
        if not self._there():
            self.close(accept=False)

    def edit(self, item: NodeItem, row: int) -> None:
        """Edit the setting of a row: a choice drops down, a yes or no turns, a file is chosen, the rest is typed."""
        setting = item.face.rows[row].setting
        kind = self.session.kind(item.id)
        if kind is None or not setting:
            return
        slot = kind.slots[setting]
        node = self.session.nodes[item.id]
        value = node.inputs.get(setting, kind.defaults.get(setting))
        hint = slot.spec.hint
        if slot.type.name == "bool" and not slot.many:
            self.session.set(item.id, slot.name, not value)
        elif isinstance(hint, Choice) and not slot.many:
            self._choose(item, row, slot, hint, value)
        elif isinstance(hint, File | Folder):
            self._file(item.id, slot, hint, value)
        else:
            text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            area = self._area(item.mapRectToScene(item.value_rect(row)))
            multiline = isinstance(hint, Text) and hint.multiline
            take = partial(self._typed, item.id, slot)
            self._open(area, text, take, label_of(setting), self._node_there(item.id), multiline=multiline)

    def _node_there(self, id: str) -> Callable[[], bool]:
        return lambda: id in self.session.nodes

    def _frame_there(self, name: str) -> Callable[[], bool]:
        def there() -> bool:
            frames = self.session.layout.get("frames")
            return isinstance(frames, Mapping) and name in frames

        return there

    def rename(self, item: NodeItem) -> None:
        """Give a node another title."""
        path = ("nodes", item.id, "title")

        def take(text: str) -> None:
            self.session.do(SetView(path, text.strip() or UNSET, self.session.definition))

        area = self._area(item.mapRectToScene(QRectF(8, 2, item.width - 16, 24)))
        self._open(area, item.face.title, take, tr("Title"), self._node_there(item.id))

    def rename_frame(self, frame: FrameItem) -> None:
        """Give a frame another title."""
        path = ("frames", frame.name, "title")

        def take(text: str) -> None:
            self.session.do(SetView(path, text.strip(), self.session.definition))

        area = self._area(frame.mapRectToScene(QRectF(8, 4, min(frame.size[0] - 16, 320), 26)))
        self._open(area, frame.title, take, tr("Title"), self._frame_there(frame.name))

    def note(self, frame: FrameItem) -> None:
        """Write a frame's note."""
        path = ("frames", frame.name, "note")

        def take(text: str) -> None:
            self.session.do(SetView(path, text.strip(), self.session.definition))

        area = self._area(frame.mapRectToScene(QRectF(8, 32, min(frame.size[0] - 16, 360), 80)))
        self._open(area, frame.note, take, tr("Note"), self._frame_there(frame.name), multiline=True)

    def _area(self, box: QRectF) -> QRect:
        return self.canvas.mapFromScene(box).boundingRect()

    def _open(
        self,
        area: QRect,
        text: str,
        take: Callable[[str], None],
        name: str,
        there: Callable[[], bool],
        *,
        multiline: bool = False,
    ) -> None:
        self.close()
        field: QLineEdit | QPlainTextEdit
        if multiline:
            field = QPlainTextEdit(text, self.canvas.viewport())
            field.setTabChangesFocus(True)
            field.selectAll()
            area.setSize(area.size().expandedTo(QRect(0, 0, 220, 72).size()))
        else:
            field = QLineEdit(text, self.canvas.viewport())
            field.selectAll()
            field.returnPressed.connect(self.accept)
            area.setWidth(max(area.width(), 96))
        field.setFont(QFont(theme.font(theme.LABEL)))
        field.setAccessibleName(name)
        area.setHeight(max(area.height(), field.sizeHint().height() if not multiline else 72))
        room = self.canvas.viewport().rect()
        area.moveLeft(max(0, min(area.left(), room.width() - area.width())))
        area.moveTop(max(0, min(area.top(), room.height() - area.height())))
        field.setGeometry(area)
        field.installEventFilter(self)
        self._take, self._there = take, there
        self.field = field
        field.show()
        field.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field:
            if event.type() == QEvent.Type.KeyPress:
                key, modifiers = event.key(), event.modifiers()  # type: ignore[attr-defined]
                if key == Qt.Key.Key_Escape:
                    self.close(accept=False)
                    return True
                enter = key in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
                if enter and isinstance(self.field, QPlainTextEdit) and modifiers & Qt.KeyboardModifier.ControlModifier:
                    self.accept()
                    return True
                if key == Qt.Key.Key_Tab:
                    self.accept()
                    return True
            if event.type() == QEvent.Type.FocusOut:
                self.close()
        return False

    def accept(self) -> None:
        """Take what was typed."""
        self.close()
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def close(self, *, accept: bool = True) -> None:
        """Take the field away; what was typed counts unless it is Esc that closes it."""
        field, self.field = self.field, None
        take, self._take = self._take, None
        self._there = lambda: True
        if field is None:
            return
        text = field.toPlainText() if isinstance(field, QPlainTextEdit) else field.text()  # type: ignore[attr-defined]
        changed = field.document().isModified() if isinstance(field, QPlainTextEdit) else field.isModified()  # type: ignore[attr-defined]
        field.removeEventFilter(self)
        field.hide()
        field.deleteLater()
        if accept and changed and take is not None:
            take(text)
        if not accept:
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _typed(self, id: str, slot: Slot, text: str) -> None:
        if not text.strip() and slot.nullable:
            self.session.set(id, slot.name, None)
            return
        try:
            value = read_value(text, slot.spec) if slot.type.name != "str" or slot.many else text
        except GraphError as error:
            self.session.message.emit("warn", told(error.problems[0].message))
            return
        wrong = slot.spec.hint.problem(value) if value is not None and not slot.many else None
        if wrong:
            self.session.message.emit("warn", f"{label_of(slot.name)}: {told(wrong)}")
            return
        self.session.set(id, slot.name, value)

    def _choose(self, item: NodeItem, row: int, slot: Slot, hint: Choice, value: Any) -> None:
        menu = QMenu(self.canvas)
        options: list[Any] = [*([None] if slot.nullable else []), *hint.options]
        for option in options:
            action = menu.addAction(tr("auto") if option is None else label_of(str(option)))
            action.setCheckable(True)
            action.setChecked(option == value)
            action.triggered.connect(lambda _=False, option=option: self.session.set(item.id, slot.name, option))
        area = self._area(item.mapRectToScene(item.value_rect(row)))
        menu.setMinimumWidth(area.width())
        menu.popup(self.canvas.viewport().mapToGlobal(area.bottomLeft()))

    def _file(self, id: str, slot: Slot, hint: File | Folder, value: Any) -> None:
        folder = str(self.session.paths.base)
        if isinstance(hint, Folder):
            found = QFileDialog.getExistingDirectory(self.canvas, label_of(slot.name), folder)
        else:
            found, _ = QFileDialog.getOpenFileName(self.canvas, label_of(slot.name), folder)
        if found:
            self.session.set(id, slot.name, self.session.path_text(found))
