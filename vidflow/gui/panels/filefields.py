"""The editors of settings that name files, folders and models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QComboBox, QFileDialog

from vidflow.gui.panels.fields import ComboField, Field, LineField, plain_field
from vidflow.gui.panels.library import library
from vidflow.gui.panels.pieces import size_text, tool
from vidflow.gui.words import tr
from vidflow.nodespec.hints import File, Folder, OutputFile, Weights

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLineEdit

    from vidflow.graph.kinds import Slot
    from vidflow.gui.session import Session

SUFFIXES = {
    "video": ["mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg", "ts", "mts", "wmv", "flv", "gif", "webp"],
    "image": ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp"],
    "audio": ["wav", "mp3", "m4a", "flac", "ogg", "opus", "aac"],
}
"""By which a chooser finds files; any other can be typed or dropped."""


def field_for(slot: Slot, session: Session) -> Field:
    """The editor of a setting."""
    hint = slot.spec.hint
    if slot.type.name == "str":
        if isinstance(hint, File):
            return FileField(slot, session, hint.kind)
        if not slot.many:
            match hint:
                case Folder():
                    return FolderField(slot, session)
                case Weights():
                    return WeightsField(slot, session, hint)
                case OutputFile():
                    return OutputField(slot, hint)
                case _:
                    pass
    return plain_field(slot)


class _Paths(QObject):
    """What fields of paths have in common: where a chooser begins, and files that are dropped on them."""

    def __init__(self, field: LineField, session: Session) -> None:
        super().__init__(field)
        self.field = field
        self.session = session
        field.line.installEventFilter(self)

    def beginning(self) -> str:
        """The folder in which a chooser opens: where the file lies that stands there."""
        value = self.field.value
        last = value[-1] if isinstance(value, tuple) and value else value
        base = self.session.paths.base
        if isinstance(last, str) and last and not last.startswith("resources:") and last not in self.field.slot.own:
            there = base / Path(last).expanduser()
            folder = there if there.is_dir() else there.parent
            if folder.is_dir():
                return str(folder)
        return str(base)

    def take(self, paths: list[str]) -> None:
        """What was chosen or dropped: one, or all where the setting takes many."""
        texts = [self._text(path) for path in paths]
        if texts:
            self.field.settled.emit()
            many = self.field.slot.many
            value: Any = (*(self.field.value or ()), *texts) if many else texts[0]
            self.field.offer(value)
            self.field.show_value(self.field.value)
            self.field.settled.emit()

    def _text(self, path: str) -> str:
        text = self.session.path_text(path)
        return f"./{text}" if text in self.field.slot.own else text

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Without this the line would take their addresses as text.
        if not isinstance(event, QDropEvent) or not event.mimeData().hasUrls():
            return False
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.take(paths)
        return True


class FileField(LineField):
    """A file, or several: typed, chosen or dropped."""

    wide = True

    def __init__(self, slot: Slot, session: Session, kind: str) -> None:
        super().__init__(slot)
        self._paths = _Paths(self, session)
        self._kind = kind
        self.chooser = tool(tr("Choose a file for {}").format(self.name), "folder-open", self._choose)
        self.row.addWidget(self.chooser)

    def _choose(self) -> None:
        names = {"video": tr("Videos"), "image": tr("Images"), "audio": tr("Sound")}
        filters = filters_of(names.get(self._kind, ""), SUFFIXES.get(self._kind, []))
        if self.slot.many:
            found, _ = QFileDialog.getOpenFileNames(self, self.chooser.toolTip(), self._paths.beginning(), filters)
        else:
            one, _ = QFileDialog.getOpenFileName(self, self.chooser.toolTip(), self._paths.beginning(), filters)
            found = [one] if one else []
        self._paths.take(found)


class FolderField(LineField):
    """A folder, or a pattern of files."""

    wide = True

    def __init__(self, slot: Slot, session: Session) -> None:
        super().__init__(slot, tr("A folder, or a pattern such as shots/*.png"))
        self._paths = _Paths(self, session)
        self.chooser = tool(tr("Choose a folder for {}").format(self.name), "folder-open", self._choose)
        self.row.addWidget(self.chooser)

    def _choose(self) -> None:
        found = QFileDialog.getExistingDirectory(self, self.chooser.toolTip(), self._paths.beginning())
        self._paths.take([found] if found else [])


class WeightsField(ComboField):
    """A model: one of those that are here and fit, a name of the node's own, one of the hub by its name, or a folder or
    file."""

    wide = True

    def __init__(self, slot: Slot, session: Session, hint: Weights) -> None:
        super().__init__(slot)
        self._hint = hint
        self._paths = _Paths(self, session)
        place, asks = (
            (tr("org/name, or a file"), tr("Choose the file of a model"))
            if hint.kinds
            else (tr("org/name, or a folder"), tr("Choose the folder of a model"))
        )
        self.line.setPlaceholderText(tr("auto") if slot.nullable else place)
        self.chooser = tool(asks, "folder-open", self._choose)
        self.row.addWidget(self.chooser)
        library().listed.connect(self._list)
        self._list()
        library().refresh()

    def _list(self) -> None:
        here = library()
        self.fill((*here.names(self._hint.kinds), *self._hint.own))
        about = {one.name: f"{one.family}  {size_text(one.size)}  {one.licence.name}" for one in here.models}
        for index in range(self.box.count()):
            self.box.setItemData(index, about.get(self.box.itemText(index)), Qt.ItemDataRole.ToolTipRole)

    def _choose(self) -> None:
        title, begin = self.chooser.toolTip(), self._paths.beginning()
        if self._hint.kinds:
            from vidflow.models.checkpoint import NETWORK_SUFFIXES

            filters = filters_of(tr("Models"), [one[1:] for one in NETWORK_SUFFIXES])
            found, _ = QFileDialog.getOpenFileName(self, title, begin, filters)
        else:
            found = QFileDialog.getExistingDirectory(self, title, begin)
        self._paths.take([found] if found else [])


class OutputField(LineField):
    """The name of a file that is written, with the endings that it may have."""

    wide = True

    def __init__(self, slot: Slot, hint: OutputFile) -> None:
        super().__init__(slot)
        self._suffixes = hint.suffixes
        self.line.setToolTip(tr("Below the output folder. {n} is the next free number, {graph} the graph's name."))
        self.box: QComboBox | None = None
        if len(hint.suffixes) > 1:
            self.box = QComboBox()
            self.box.addItems(list(hint.suffixes))
            self.box.setFixedWidth(84)
            self.box.activated.connect(self._end)
            self.add(self.box, tr("Ending of {}").format(self.name))
            self.entries.remove(self.box)

    def _ending(self) -> str:
        text = self.line.text().lower()
        return next((one for one in sorted(self._suffixes, key=len, reverse=True) if text.endswith(one)), "")

    def _end(self, index: int) -> None:
        text, old = self.line.text(), self._ending()
        stem = text[: len(text) - len(old)] if old else text
        self.settled.emit()
        write_over(self.line, (stem or "film") + self._suffixes[index])
        self.typed(self.line.text())
        self.settled.emit()

    def offer(self, value: Any) -> None:
        super().offer(value)
        self._match()

    def show_value(self, value: Any) -> None:
        super().show_value(value)
        self._match()

    def _match(self) -> None:
        if self.box is not None:
            self.box.setCurrentIndex(self._suffixes.index(ending) if (ending := self._ending()) else -1)


def filters_of(name: str, suffixes: list[str]) -> str:
    """What a chooser offers to filter by: files of these suffixes, then all."""
    every = tr("All files") + " (*)"
    return f"{name} ({' '.join(f'*.{one}' for one in suffixes)});;{every}" if suffixes else every


def write_over(line: QLineEdit, text: str) -> None:
    """Replace the text of a line as if it had been typed, so that its own undo keeps what was there."""
    line.selectAll()
    line.insert(text)
