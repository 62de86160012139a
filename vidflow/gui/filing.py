"""Documents in the window: opened, dropped, saved, and left only knowingly."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from vidflow.errors import GraphError
from vidflow.graph import load
from vidflow.gui.problemwords import whole
from vidflow.gui.recovery import recent_files, remember_file
from vidflow.gui.words import tr
from vidflow.places import samples

if TYPE_CHECKING:
    from vidflow.gui.window import Window

FILTER = "vidflow (*.json *.mp4 *.mov *.mkv *.webm *.webp *.gif)"


class Filing:
    """What the commands of the File menu do."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.session, self.canvas = window.session, window.canvas
        self.editing, self.keeper = window.editing, window.keeper

    def open(self, path: str | Path) -> None:
        """Open a graph file or a movie that carries one. Raises GraphError."""
        self.session.open(path)
        if self.session.path is not None or not path_of_sample(path):
            remember_file(Path(path))
        self.window.pages.setCurrentWidget(self.canvas)
        if not any("at" in self.session.view_of(id) for id in self.session.nodes):
            # Written by hand or by a program: all its nodes would lie on one place.
            self.editing.arrange()
            self.session.history.saved()
        self.canvas.fit()

    def try_open(self, path: str | Path) -> None:
        """Open a file where the document may be left, or say why that is impossible."""
        if not self.may_leave():
            return
        try:
            self.open(path)
        except GraphError as error:
            self.window.banner.say("error", whole(error.problems[0]))

    def start_empty(self) -> None:
        """Begin an empty document."""
        if self.may_leave():
            self.session.new()
            self.window.pages.setCurrentWidget(self.canvas)
            self.canvas.setFocus()

    def may_leave(self) -> bool:
        """Whether the document may be closed: saved, or given up knowingly."""
        self.canvas.editor.close()
        if not self.session.dirty:
            return True
        save, discard = tr("Save"), tr("Discard")
        answer = self.ask(tr("Save the changes to {}?").format(self.session.name), save, discard, tr("Cancel"))
        return self.save() if answer == save else answer == discard

    def ask(self, text: str, *answers: str, more: str = "") -> str:
        """The answer that is chosen: the first is the usual one, the last changes nothing."""
        box = QMessageBox(self.window)
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("vidflow")
        box.setText(text)
        box.setInformativeText(more)
        role = QMessageBox.ButtonRole
        roles = [role.AcceptRole, *[role.DestructiveRole] * (len(answers) - 2), role.RejectRole]
        buttons = {box.addButton(words, one): words for words, one in zip(answers, roles, strict=True)}
        box.setDefaultButton(next(iter(buttons)))
        box.exec()
        found = next((words for button, words in buttons.items() if button is box.clickedButton()), answers[-1])
        box.deleteLater()
        return found

    def fill_recent(self, menu: QMenu) -> None:
        """Put the files that were open last into a menu."""
        menu.clear()
        for path in recent_files():
            menu.addAction(path.name.replace("&", "&&"), lambda path=path: self.try_open(path)).setToolTip(str(path))
        if not menu.actions():
            menu.addAction(tr("No file yet")).setEnabled(False)

    def drop_files(self, paths: list[str], at: QPointF) -> None:
        """Open a graph or a movie that carries one; make a node of each other file."""
        if len(paths) == 1:
            path = Path(paths[0])
            with contextlib.suppress(GraphError):
                if path.suffix.lower() != ".json":
                    load(path)  # raises where it carries no graph
                self.try_open(path)
                if path.suffix.lower() != ".json" and self.session.origin == path:
                    choices = {tr("Add it as a clip instead"): lambda: self._add_clip(path, at)}
                    self.window.banner.say(
                        "info", tr("{} carries its graph, which was opened.").format(path.name), choices
                    )
                return
        others = self.editing.add_files(paths, at)
        if others:
            names = ", ".join(Path(one).name for one in others[:3])
            self.session.message.emit("warn", tr("{} is no video, picture, sound or graph.").format(names))

    def _add_clip(self, path: Path, at: QPointF) -> None:
        if not self.may_leave():
            return
        self.session.new()
        self.window.pages.setCurrentWidget(self.canvas)
        self.editing.add_files([str(path)], at)

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        folder = str(self.session.path.parent) if self.session.path else str(Path.home())
        path, _ = QFileDialog.getOpenFileName(self.window, tr("Open"), folder, FILTER)
        if path:
            self.try_open(path)

    def save(self) -> bool:
        """Write the document to its file."""
        path = self.session.path
        if path is None:
            return self.save_as()
        if self.session.changed_outside:
            elsewhere, replace = tr("Save as…"), tr("Replace")
            text = tr("{} was changed by another program since it was opened here.").format(path.name)
            more = tr("What it holds now is kept among its earlier versions if it is replaced.")
            answer = self.ask(text, elsewhere, replace, tr("Cancel"), more=more)
            if answer != replace:
                return answer == elsewhere and self.save_as()
        return self.save_to(path)

    def save_as(self) -> bool:
        """Ask for a name and write the document there."""
        folder = self.session.path or Path.home() / "graph.json"
        given, _ = QFileDialog.getSaveFileName(self.window, tr("Save as"), str(folder), "vidflow (*.json)")
        if not given:
            return False
        path = Path(given if given.lower().endswith(".json") else f"{given}.json")
        if str(path) != given and path.exists():
            # The dialog has asked about the name without the suffix only.
            replace, text = tr("Replace"), tr("There is a file {} already.").format(path.name)
            if self.ask(text, replace, tr("Cancel")) != replace:
                return False
        return self.save_to(path)

    def save_to(self, path: Path) -> bool:
        """Write the document; False, with a message, where that is impossible."""
        try:
            self.keeper.keep_version(path)
            self.session.save(path)
        except GraphError as error:
            self.window.banner.say("error", whole(error.problems[0]))
            return False
        remember_file(path)
        self.window.banner.say("info", tr("Saved {}.").format(path.name))
        return True


def path_of_sample(path: str | Path) -> bool:
    """Whether a file is one of the sample graphs, which are found on the welcome page."""
    return Path(path).absolute().parent == samples()
