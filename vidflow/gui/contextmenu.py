"""The menus of what is on the canvas: commands, and for nodes inside a subgraph its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QMenu

from vidflow.graph import Edit, Link, SetView
from vidflow.graph.document import links_in
from vidflow.graph.porting import ports_of, with_input, with_output, without_input, without_output
from vidflow.gui.canvas.face import label_of
from vidflow.gui.canvas.frame import TOKENS, FrameItem
from vidflow.gui.canvas.node import NodeItem
from vidflow.gui.canvas.wire import WireItem
from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.gui.session import Session
    from vidflow.gui.window import Window


def context_menu(window: Window, what: Any) -> QMenu:
    """The menu of a node, a wire, a frame or the empty canvas."""
    menu = QMenu(window)
    by_name = window.actions_by_name
    names: tuple[str, ...]
    if isinstance(what, NodeItem):
        names = (
            "show",
            "run_selected",
            "",
            "toggle_off",
            "rename",
            "",
            "cut",
            "copy",
            "duplicate",
            "delete",
            "dissolve",
            "",
            "group",
        )
        if what.face.inner:
            names = ("enter", "ungroup", "", *names)
    elif isinstance(what, WireItem):
        window.canvas.gestures.pick(what)
        names = ("delete",)
    elif isinstance(what, FrameItem):
        _frame_menu(window, menu, what)
        names = ("", "delete")
        what.setSelected(True)
    else:
        names = ("search", "paste", "", "select_all", "frame", "arrange", "fit")
    for name in names:
        if name:
            menu.addAction(by_name[name])
        else:
            menu.addSeparator()
    if isinstance(what, NodeItem) and window.session.definition is not None:
        menu.addSeparator()
        _port_menu(window.session, menu.addMenu(tr("Ports of this subgraph")), what.id)
    return menu


def _port_menu(session: Session, menu: QMenu, id: str) -> None:
    """Which of a node's inputs and outputs are ports of the subgraph that it stands in."""
    name = session.definition
    kind = session.kind(id)
    if name is None or kind is None:
        return
    takes, gives = ports_of(session.graph.graphs[name])
    fed, given = takes.get(id, {}), gives.get(id, {})
    node, first = session.nodes[id], next((one for one in kind.outputs if one is not None), None)
    for input in kind.slots:
        if links_in(node.inputs.get(input)):
            continue
        there = input in fed
        edit = without_input(session.graph, name, id, input) if there else with_input(session.graph, name, id, input)
        _port_action(session, menu, f"→ {label_of(input)}", edit, there)
    menu.addSeparator()
    for output in kind.outputs:
        if output is not None:
            port = given.get(output) or (given.get(None) if output == first else None)
            link = Link(id, None if output == first else output)
            edit = without_output(session.graph, name, port) if port else with_output(session.graph, name, link)
            _port_action(session, menu, f"{label_of(output)} →", edit, bool(port))


def _port_action(session: Session, menu: QMenu, words: str, edit: Edit, there: bool) -> None:
    action = menu.addAction(words)
    action.setCheckable(True)
    action.setChecked(there)
    action.triggered.connect(lambda: session.do(edit))


def _frame_menu(window: Window, menu: QMenu, frame: FrameItem) -> None:
    words = {"muted": tr("Grey"), "accent": tr("Blue"), "ok": tr("Green"), "warn": tr("Yellow"), "error": tr("Red")}
    menu.addAction(tr("Rename"), lambda: window.canvas.editor.rename_frame(frame))
    menu.addAction(tr("Edit the note"), lambda: window.canvas.editor.note(frame))
    colours = menu.addMenu(tr("Colour"))
    for token in TOKENS:
        path = ("frames", frame.name, "colour")
        edit = SetView(path, token, window.session.definition)
        colours.addAction(words[token], lambda edit=edit: window.session.do(edit))
