"""One node in the settings: what it is, what feeds it, and each of its settings in the field that suits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vidflow.errors import NodeError
from vidflow.graph import SetInput, SetOff, SetView
from vidflow.graph.document import SUBGRAPH, Link, links_in
from vidflow.graph.edits import UNSET
from vidflow.gui import icons, theme
from vidflow.gui.canvas.face import ICONS, SHOWN_SETTINGS, label_of, shown_value, title_of
from vidflow.gui.panels.fields import BoolField, Field
from vidflow.gui.panels.filefields import field_for
from vidflow.gui.panels.pieces import Elided, button, emptied, label, time_text, tool
from vidflow.gui.panels.sizefield import SizeField
from vidflow.gui.problemwords import beside, told
from vidflow.gui.words import flowed, paragraphs, said, tr

if TYPE_CHECKING:
    from vidflow.graph.kinds import Slot
    from vidflow.gui.session import Session

MARGIN = 12
NAME_ROOM = 84
"""How wide a setting's name may be beside its field, where the panel is as narrow as at first."""


class NodePage(QWidget):
    """The settings of one node, each value as the document has it."""

    def __init__(self, session: Session, id: str) -> None:
        super().__init__()
        self.session = session
        self.id = id
        self.flat = session.flat(id)
        self.kind = session.kind(id)
        self.rows: dict[str, Row] = {}
        self._ports: dict[str, QHBoxLayout] = {}
        self._fed: dict[str, object] = {}
        self._turn = 0
        self._size: SizeField | None = None
        self._prompt: QLabel | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self._column.setSpacing(8)
        self._head()
        if self.kind is not None:
            self._list_ports()
            self._list_settings()
        self._column.addStretch(1)
        self.refresh()
        self.refresh_problems()
        self.refresh_state()

    # What it is

    def _head(self) -> None:
        node, spec = self.session.nodes[self.id], self.kind.spec if self.kind else None
        top = QHBoxLayout()
        top.setSpacing(8)
        mark = QToolButton()
        mark.setProperty("compact", True)
        mark.setIconSize(QSize(20, 20))
        mark.setFixedSize(24, 24)
        mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        mark.setAccessibleName(tr(spec.category) if spec else tr("Subgraph"))
        icons.on(mark, ICONS.get(spec.category, "puzzle-piece") if spec else "stack-simple" if self.kind else "warning")
        self.title = QLineEdit()
        self.title.setAccessibleName(tr("Title"))
        self.title.setFont(theme.font(theme.HEADING, bold=True))
        self.title.textEdited.connect(self._retitle)
        self.title.editingFinished.connect(self._titled)
        self.off = tool(tr("Off: its input passes through"), "power")
        self.off.setCheckable(True)
        self.off.clicked.connect(lambda on: self.session.do(SetOff(self.id, on, self.session.definition)))
        top.addWidget(mark)
        top.addWidget(self.title, 1)
        top.addWidget(self.off)
        self._column.addLayout(top)
        about = f"{tr(spec.category)}  ·  {spec.type}" if spec else node.type
        self._column.addWidget(label(about, "caption"))
        text = said(self._definition().get("about")) if self.kind else ""
        parts = paragraphs(spec.doc) if spec else flowed(text)
        if self.kind is None:
            parts = [tr("There is no node {} here: its pack is not installed or not enabled.").format(node.type)]
        if parts:
            self._explain(parts[0], "\n".join(parts[1:]))
        if node.type.startswith(SUBGRAPH) and self.kind is not None:
            self._column.addWidget(button(tr("Enter the subgraph"), lambda: self.session.enter(self.id)))
        self.state = label("", "muted", wrap=True)
        self.notes = label("", "hint", wrap=True)
        self.problems = label("", "error", wrap=True)
        self.advice = label("", "warn", wrap=True)
        for one in (self.state, self.notes, self.problems, self.advice):
            one.setFont(theme.font(theme.LABEL))
            self._column.addWidget(one)

    def _explain(self, first: str, rest: str) -> None:
        words = label(first, "muted", wrap=True)
        words.setFont(theme.font(theme.LABEL))
        self._column.addWidget(words)
        if not rest:
            return
        more = label(rest, "muted", wrap=True)
        more.setFont(theme.font(theme.LABEL))
        more.hide()
        turn = button(tr("Read more"), flat=True)

        def show() -> None:
            more.setVisible(more.isHidden())
            turn.setText(tr("Read more") if more.isHidden() else tr("Read less"))

        turn.clicked.connect(show)
        turn.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._column.addWidget(more)
        self._column.addWidget(turn)

    def _definition(self) -> Mapping[str, Any]:
        part = self.session.graph.graphs.get(self.session.nodes[self.id].type[len(SUBGRAPH) :])
        return part.view if part is not None else {}

    def _retitle(self, text: str) -> None:
        from vidflow.gui.panels.settings import with_words

        old = self.session.view_of(self.id).get("title")
        text = text.strip()
        title = UNSET if text == self._untitled() else with_words(old, text)
        edit = SetView(("nodes", self.id, "title"), title, self.session.definition)
        self.session.do(edit, ("title", self.flat, self._turn))

    def _titled(self) -> None:
        self._turn += 1
        if not self.title.text().strip():
            self.title.setText(self._untitled())

    def _untitled(self) -> str:
        """What it is called where its user gave it no title."""
        node = self.session.nodes[self.id]
        part = None
        if node.type.startswith(SUBGRAPH):
            part = self.session.graph.graphs.get(node.type[len(SUBGRAPH) :])
        return title_of(node, self.kind, {}, part)

    # Its ports and settings

    def _section(self, text: str) -> None:
        self._column.addSpacing(4)
        line = label(text, "caption")
        self._column.addWidget(line)

    def _list_ports(self) -> None:
        assert self.kind is not None
        ports = [slot for slot in self.kind.slots.values() if not slot.plain]
        if not ports:
            return
        self._section(tr("Inputs"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, 88)
        grid.setColumnStretch(1, 1)
        for place, slot in enumerate(ports):
            name = label(label_of(slot.name), "muted")
            name.setFont(theme.font(theme.LABEL))
            name.setFixedHeight(24)
            grid.addWidget(name, place, 0, Qt.AlignmentFlag.AlignTop)
            line = QHBoxLayout()
            line.setSpacing(4)
            self._ports[slot.name] = line
            grid.addLayout(line, place, 1)
        self._column.addLayout(grid)

    def _list_settings(self) -> None:
        assert self.kind is not None
        slots = [slot for slot in self.kind.slots.values() if slot.plain]
        if not slots:
            return
        self._section(tr("Settings"))
        fields = {slot.name: field_for(slot, self.session) for slot in slots}
        for slot in slots:
            row = self.rows[slot.name] = Row(self, slot, fields[slot.name])
            if slot.name == "width" and "height" in fields:
                self._size = SizeField(nullable=slot.nullable)
                self._size.chosen.connect(self._resize)
                self._column.addWidget(self._size)
            self._column.addWidget(row)
        if self.kind.spec is not None and self.kind.spec.type == "build_prompt":
            self._section(tr("The prompt"))
            self._prompt = label("", wrap=True)
            self._column.addWidget(self._prompt)

    def set(self, name: str, value: Any, turn: object) -> None:
        """An edit of a setting."""
        self.session.set(self.id, name, value, ("set", self.flat, name, turn))

    def _resize(self, width: Any, height: Any) -> None:
        self._turn += 1
        for name, value in (("width", width), ("height", height)):
            self.session.set(self.id, name, value, ("size", self.flat, self._turn))

    def refresh(self) -> None:
        """Show the document as it is now."""
        session = self.session
        node, view = session.nodes[self.id], session.view_of(self.id)
        title = said(view.get("title")) or self._untitled()
        self.title.setPlaceholderText(self._untitled())
        # What has just been emptied is not filled again under the user's hands.
        typed = self.title.text().strip()
        if typed != title and not (self.title.hasFocus() and not typed):
            self.title.setText(title)
            self.title.setCursorPosition(0)
        self.off.setChecked(node.off)
        if self.kind is None:
            return
        for name, line in self._ports.items():
            links = [(one, self._source(one)) for one in links_in(node.inputs.get(name))]
            if self._fed.get(name) == links:
                continue
            self._fed[name] = links
            emptied(line)
            inner = QVBoxLayout()
            inner.setSpacing(0)
            for one, text in links:
                inner.addWidget(self.source_button(one, text), 0, Qt.AlignmentFlag.AlignLeft)
            if not links:
                missing = self.kind.slots[name].required
                nothing = label(tr("not linked"), "warn" if missing else "hint")
                nothing.setFont(theme.font(theme.LABEL))
                nothing.setFixedHeight(24)
                inner.addWidget(nothing)
            line.addLayout(inner)
        for name, row in self.rows.items():
            row.refresh(node.inputs.get(name, self.kind.defaults.get(name)), name in node.inputs)
        if self._size is not None:
            self._size.match(self.rows["width"].field.value, self.rows["height"].field.value)
        if self._prompt is not None:
            self._show_prompt()

    def _source(self, link: Link) -> str:
        source = self.session.nodes.get(link.node)
        if source is None:
            return str(link)
        kind = self.session.kind(source)
        part = None
        if source.type.startswith(SUBGRAPH):
            part = self.session.graph.graphs.get(source.type[len(SUBGRAPH) :])
        title = title_of(source, kind, self.session.view_of(link.node), part)
        return f"{title}: {label_of(link.output)}" if link.output else title

    def source_button(self, link: Link, text: str = "") -> QWidget:
        """What feeds an input; a click goes there."""
        text = text or self._source(link)
        made = button(text, lambda: self.session.select((link.node,)), name=tr("Go to {}").format(text), flat=True)
        made.setFixedHeight(24)
        made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        return made

    def _show_prompt(self) -> None:
        assert self._prompt is not None and self.kind is not None and self.kind.spec is not None
        node = self.session.nodes[self.id]
        values: dict[str, str] = {}
        for name in self.kind.slots:
            value = node.inputs.get(name, "")
            # What comes along a link is not known before it runs.
            values[name] = "…" if links_in(value) else str(value or "")
        try:
            prompt = self.kind.spec.function(**values, run=_Quiet())
        except NodeError as error:
            why = told(str(error))
            self._prompt.setText(why[:1].upper() + why[1:])
            self._prompt.setProperty("role", "hint")
        else:
            negative = tr("Not: {}").format(prompt.negative) if prompt.negative else ""
            self._prompt.setText("\n\n".join(one for one in (prompt.text, negative) if one))
            self._prompt.setProperty("role", "")
        self._prompt.style().unpolish(self._prompt)
        self._prompt.style().polish(self._prompt)

    # What is known of it

    def refresh_problems(self) -> None:
        """Show what a check found: at the field that it is about, else above."""
        above: list[str] = []
        at: dict[str, str] = {}
        for problem in self.session.problems:
            if problem.node == self.flat and problem.level == "error" and problem.code != "unknown-type":
                if problem.input in self.rows:
                    at.setdefault(str(problem.input), beside(problem))
                else:
                    above.append(f"{label_of(problem.input)}: {beside(problem)}" if problem.input else beside(problem))
        for name, row in self.rows.items():
            row.field.found(at.get(name, ""))
        notes = [one for one in (*self.session.problems, *self.session.advice) if one.level == "note"]
        mine = dict.fromkeys(beside(one) for one in notes if one.node == self.flat)
        _put(self.problems, "\n".join(above))
        _put(self.advice, "\n".join(mine))

    def refresh_state(self) -> None:
        """Show what a run says of it."""
        state = self.session.state(self.flat)
        share = f" {100 * state.step // state.total} %" if state.total else ""
        words = {
            "idle": "",
            "waiting": tr("Waiting"),
            "running": tr("Running") + share,
            "done": tr("Up to date"),
            "kept": tr("Up to date, kept from an earlier run"),
            "failed": tr("Failed"),
            "stale": tr("Changed since its last run"),
        }[state.kind]
        if state.seconds and state.kind in ("done", "stale"):
            words = f"{words}  ·  {time_text(state.seconds)}"
        if state.message:
            words = f"{words}: {state.message}"
        self.state.setProperty("role", "error" if state.kind == "failed" else "muted")
        self.state.style().unpolish(self.state)
        self.state.style().polish(self.state)
        _put(self.state, words)
        _put(self.notes, "\n".join(state.notes))


class _Quiet:
    """What the body of a node is given as its run where only its value is wanted."""

    def note(self, text: str) -> None:
        del text


class Row(QWidget):
    """One setting: its name, its field, and beside it reset, star and what else can be done with it."""

    def __init__(self, page: NodePage, slot: Slot, field: Field) -> None:
        super().__init__()
        self.page = page
        self.slot = slot
        self.field = field
        self.name = Elided(label_of(slot.name), "muted")
        self.name.setFont(theme.font(theme.LABEL))
        self.name.note = tr(slot.spec.doc) if slot.spec.doc else ""
        self.name.setToolTip(self.name.note)
        self.name.setBuddy(field.entries[0] if field.entries else field)
        self._turn = 0
        self._link: Link | None = None
        default = page.kind.defaults.get(slot.name) if page.kind else None
        words = shown_value(slot, default)
        self.reset = tool(
            tr("Back to {}").format(words) if not slot.required else tr("Empty it"), "arrow-counter-clockwise"
        )
        self.reset.clicked.connect(self._reset)
        keep = self.reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(keep)
        self.star = tool(tr("Show {} on the node").format(field.name), "star")
        self.star.setCheckable(True)
        self.star.clicked.connect(self._star)
        self._starred: bool | None = None
        self.more = tool(tr("More for {}").format(field.name), "dots-three-vertical")
        self.menu = QMenu(self.more)
        self.make_input = self.menu.addAction(tr("Make input"), self._make_input)
        self.make_input.setCheckable(True)
        self.unlink = self.menu.addAction(tr("Unlink"), self._unlink)
        self.more.clicked.connect(self._open)
        self.fed = QHBoxLayout()
        self.fed.setSpacing(4)
        self._lay_out()
        field.given.connect(self._given)
        field.settled.connect(self._settle)

    def _lay_out(self) -> None:
        # A name that would be cut beside its field stands over it.
        wide = self.field.wide or self.name.fontMetrics().horizontalAdvance(self.name.text()) > NAME_ROOM
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        top = QHBoxLayout()
        top.setSpacing(0)
        if isinstance(self.field, BoolField):
            # Shown where a link stands in the place of the switch, which says its name itself.
            top.addWidget(self.name, 1)
            top.addWidget(self.field, 1)
        elif wide:
            top.addWidget(self.name, 1)
        else:
            top.addWidget(self.name, 9)
            top.addSpacing(8)
            top.addWidget(self.field, 12)
            top.setAlignment(self.name, Qt.AlignmentFlag.AlignTop)
            self.name.setFixedHeight(28)
        top.addLayout(self.fed)
        top.addSpacing(4)
        for one in (self.reset, self.star, self.more):
            one.setFixedSize(20, 24 if wide else 28)
            top.addWidget(one, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        if wide:
            column.addWidget(self.field)

    def _given(self, value: Any) -> None:
        self.page.set(self.slot.name, value, self._turn)

    def _settle(self) -> None:
        self._turn += 1

    def refresh(self, value: Any, stands: bool) -> None:
        """Show what stands in the document, `stands` or by default."""
        links = links_in(value)
        link = links[0] if links else None
        self.reset.setVisible(stands and link is None)
        view = self.page.session.view_of(self.page.id)
        starred = self.slot.name in _list(view.get("stars"))
        if starred is not self._starred:
            self._starred = starred
            self.star.setChecked(starred)
            icons.on(self.star, "star-fill" if starred else "star", "accent" if starred else "hint")
        self.make_input.setChecked(self.slot.name in _list(view.get("inputs")) or link is not None)
        self.make_input.setEnabled(link is None)
        self.unlink.setEnabled(link is not None)
        if link != self._link or link is not None:
            self._link = link
            emptied(self.fed)
            if link is not None:
                self.fed.addWidget(label(tr("from"), "hint"))
                self.fed.addWidget(self.page.source_button(link))
        self.field.setVisible(link is None)
        self.name.setVisible(link is not None or not isinstance(self.field, BoolField))
        if link is None:
            self.field.put(tuple(value) if isinstance(value, list) else value)

    def _reset(self) -> None:
        self._settle()
        session = self.page.session
        session.do(SetInput(self.page.id, self.slot.name, UNSET, session.definition))

    def _toggle(self, key: str, on: bool) -> None:
        session = self.page.session
        names = [name for name in _list(session.view_of(self.page.id).get(key)) if name != self.slot.name]
        if on:
            names.append(self.slot.name)
        session.do(SetView(("nodes", self.page.id, key), names or UNSET, session.definition))

    def _star(self, on: bool) -> None:
        stars = _list(self.page.session.view_of(self.page.id).get("stars"))
        if on and len(stars) >= SHOWN_SETTINGS:
            text = tr("A node shows {} starred settings at most; take one of them off first.")
            self.page.session.message.emit("info", text.format(SHOWN_SETTINGS))
            self.star.setChecked(False)
            return
        self._toggle("stars", on)

    def _make_input(self) -> None:
        self._toggle("inputs", self.make_input.isChecked())

    def _unlink(self) -> None:
        self._reset()

    def _open(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))


def _put(where: QLabel, text: str) -> None:
    where.setText(text)
    where.setVisible(bool(text))


def _list(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
