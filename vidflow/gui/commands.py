"""Every command of the window, as a table: its name, its words, its keys, its icon. Menus, toolbar and keys read it.

A command's QAction has the command's name as object name. Keys without a modifier belong to the canvas, so that they do
not act while something is typed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from vidflow.gui.preferences import preferences
from vidflow.gui.words import later as _


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do. `keys` are its default keys, in Qt's words; `canvas` says that they count on the canvas only."""

    name: str
    title: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    canvas: bool = False
    checkable: bool = False


COMMANDS = (
    Command("new", _("New"), ("Ctrl+N",), "file-plus"),
    Command("open", _("Open…"), ("Ctrl+O",), "folder-open"),
    Command("save", _("Save"), ("Ctrl+S",), "floppy-disk"),
    Command("save_as", _("Save as…"), ("Ctrl+Shift+S",)),
    Command("versions", _("Earlier versions…")),
    Command("quit", _("Quit"), ("Ctrl+Q",)),
    Command("undo", _("Undo"), ("Ctrl+Z",), "arrow-u-up-left"),
    Command("redo", _("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), "arrow-u-up-right"),
    Command("cut", _("Cut"), ("Ctrl+X",), "scissors", canvas=True),
    Command("copy", _("Copy"), ("Ctrl+C",), "copy", canvas=True),
    Command("paste", _("Paste"), ("Ctrl+V",), "clipboard", canvas=True),
    Command("duplicate", _("Duplicate"), ("Ctrl+D",), "copy-simple", canvas=True),
    Command("delete", _("Delete"), ("Delete", "Backspace"), "trash", canvas=True),
    Command("dissolve", _("Delete and reconnect"), ("Ctrl+Delete",), canvas=True),
    Command("select_all", _("Select all"), ("Ctrl+A",), canvas=True),
    Command("keys", _("Keys…")),
    Command("search", _("Add a node…"), ("Tab", "Shift+A"), "plus", canvas=True),
    Command("show", _("Show in the viewer"), ("1",), "eye", canvas=True),
    Command("play", _("Play or pause"), ("Space",), "play", canvas=True),
    Command("toggle_off", _("Turn off or on"), ("D",), "prohibit", canvas=True),
    Command("rename", _("Rename"), ("F2",), "pencil-simple", canvas=True),
    Command("group", _("Make a subgraph"), ("Ctrl+G",), "stack-simple", canvas=True),
    Command("ungroup", _("Expand the subgraph"), ("Ctrl+Shift+G",), canvas=True),
    Command("enter", _("Enter the subgraph"), ("Return",), "sign-in", canvas=True),
    Command("leave", _("Leave the subgraph"), ("U",), "sign-out", canvas=True),
    Command("frame", _("Frame with a note"), ("Ctrl+B",), "bounding-box", canvas=True),
    Command("arrange", _("Arrange"), ("L",), "tree-structure", canvas=True),
    Command("align_left", _("Align left"), (), "align-left", canvas=True),
    Command("align_right", _("Align right"), (), "align-right", canvas=True),
    Command("align_top", _("Align top"), (), "align-top", canvas=True),
    Command("align_bottom", _("Align bottom"), (), "align-bottom", canvas=True),
    Command("spread_across", _("Spread across"), (), canvas=True),
    Command("spread_down", _("Spread down"), (), canvas=True),
    Command("fit_selection", _("Zoom to the selection"), ("F",), "frame-corners", canvas=True),
    Command("fit", _("Zoom to all"), ("A",), "corners-out", canvas=True),
    Command("zoom_in", _("Zoom in"), ("Ctrl++", "Ctrl+="), "magnifying-glass-plus"),
    Command("zoom_out", _("Zoom out"), ("Ctrl+-",), "magnifying-glass-minus"),
    Command("zoom_reset", _("Zoom to 100 %"), ("Ctrl+0",)),
    Command("thumbnails", _("Thumbnails on nodes"), (), checkable=True),
    Command("welcome", _("Welcome page")),
    Command("commands", _("All commands…"), ("Ctrl+Shift+P",), "terminal-window"),
    Command("run", _("Run"), ("Ctrl+Return", "Ctrl+Enter"), "play"),
    Command("run_selected", _("Run to the selected node"), ("Shift+Return",), "skip-forward", canvas=True),
    Command("run_variants", _("Run with other values…"), ("Ctrl+Shift+Return",), "list-plus"),
    Command("cancel", _("Cancel the run"), ("Ctrl+.",), "stop"),
    Command("models", _("Models…"), (), "cube"),
    Command("open_outputs", _("Show the output folder"), (), "folder"),
    Command("about", _("About vidflow")),
)
BY_NAME = {command.name: command for command in COMMANDS}
BREAK = "|"
"""A line between two commands."""
MENUS = {
    "File": "new open recent | save save_as versions | open_outputs | quit",
    "Edit": "undo redo | cut copy paste duplicate delete dissolve | select_all",
    "Node": "search | show play toggle_off rename | group ungroup enter leave | frame arrange align",
    "View": "fit fit_selection zoom_in zoom_out zoom_reset | thumbnails | panels | theme language | welcome",
    "Run": "run run_selected run_variants cancel | models",
    "Help": "commands keys about",
}
"""What is in each menu: names of commands, and of menus inside it."""
TOOLBAR = "new open save | undo redo | search fit arrange"
ALIGNING = ("align_left", "align_right", "align_top", "align_bottom", "spread_across", "spread_down")
"""The commands that need several nodes."""


def keys_of(command: Command) -> list[QKeySequence]:
    """The command's keys: those that the user chose, else its own."""
    given = preferences().value(f"keys/{command.name}")
    texts = [one for one in given.split(" | ") if one] if isinstance(given, str) else command.keys
    return [QKeySequence(text) for text in texts]


def set_keys(name: str, sequences: list[str] | None) -> None:
    """Remember other keys for a command; None takes its own again."""
    store = preferences()
    if sequences is None:
        store.remove(f"keys/{name}")
    else:
        store.setValue(f"keys/{name}", " | ".join(sequences))
