"""The open document, and what the parts of the window share about it: what is selected, entered, shown, wrong and done.

Every change of the document is an edit made here; who shows it follows `changed`. Checks are made on a thread, a
moment after the last edit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, QTimer, Signal

from vidflow.errors import GraphError, Problem
from vidflow.graph import Edit, Graph, History, Node, Paths, SetInput, check, files
from vidflow.graph.advice import advice
from vidflow.graph.document import SUBGRAPH
from vidflow.graph.edits import UNSET, edited
from vidflow.graph.embedded import HEAD, is_media
from vidflow.graph.kinds import Kind, Kinds
from vidflow.graph.rebasing import rebased
from vidflow.gui.canvas.face import label_of, title_of
from vidflow.gui.problemwords import whole
from vidflow.gui.states import Marks, NodeState, around, marks, together
from vidflow.gui.telling import tell
from vidflow.gui.words import tr
from vidflow.nodespec.registry import Registry, installed
from vidflow.places import samples

CHECK_AFTER = 150
"""Milliseconds after the last edit when the document is checked."""


@dataclass(frozen=True, slots=True)
class _Findings:
    graph: Graph
    problems: tuple[Problem, ...]
    advice: tuple[Problem, ...]
    marks: Marks = field(default_factory=Marks)


class Session(QObject):
    """One open document. Everything here is called on the GUI thread."""

    changed = Signal(object, object)
    selection_changed = Signal()
    parting = Signal()
    """The scope is about to be left: what is being typed in it counts now."""
    scope_changed = Signal()
    shown_changed = Signal()
    checked = Signal()
    state_changed = Signal(str)
    file_changed = Signal()
    replaced = Signal()
    """Another document was opened: nothing that was known of nodes holds any longer."""
    message = Signal(str, str)

    def __init__(self, types: Registry | None = None) -> None:
        super().__init__()
        self.types = types or installed()
        self.history = History(Graph(), self._on_change)
        self.number = 0
        """How many documents were opened before this one."""
        self.path: Path | None = None
        """The file that the document is saved in; None where it has none yet."""
        self.origin: Path | None = None
        """The movie that it was taken out of, or the sample that it began as; saving asks for another file."""
        self._seen = b""
        """A digest of what lay at `path` when it was opened or saved."""
        self.scope: tuple[str, ...] = ()
        self.selection: tuple[str, ...] = ()
        self.pinned = ""
        self.shown = ""
        self.problems: tuple[Problem, ...] = ()
        self.advice: tuple[Problem, ...] = ()
        self._states: dict[str, NodeState] = {}
        self._marks = Marks()
        self._kinds: Kinds = Kinds(self.graph, self.types)
        self._worker = ThreadPoolExecutor(1, "check")
        self._timer = QTimer(self, singleShot=True, interval=CHECK_AFTER)
        self._timer.timeout.connect(self.check_now)
        self._around: dict[str, None] = {}
        self._gather = QTimer(self, singleShot=True, interval=0)
        self._gather.timeout.connect(self.tell_around)
        self._checking = False

    # The document

    @property
    def graph(self) -> Graph:
        """The document as it is now."""
        return self.history.graph

    @property
    def definition(self) -> str | None:
        """The name of the subgraph that was entered, as edits name it; None at the top."""
        name: str | None = None
        for id in self.scope:
            nodes = self.graph.nodes if name is None else self.graph.graphs[name].nodes
            name = nodes[id].type[len(SUBGRAPH) :]
        return name

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes of the scope."""
        return self._scope().nodes

    @property
    def layout(self) -> Mapping[str, Any]:
        """The layout of the scope."""
        return self._scope().view

    def _scope(self) -> Any:
        name = self.definition
        return self.graph if name is None else self.graph.graphs[name]

    def flat(self, id: str) -> str:
        """The id of a node of the scope as the engine names it."""
        return "/".join((*self.scope, id))

    def kind(self, node: Node | str) -> Kind | None:
        """What is known of the type of a node; None where it is not known, or there is no such node."""
        found = self.nodes.get(node) if isinstance(node, str) else node
        return self._kinds.get(found.type) if found is not None else None

    @property
    def kinds(self) -> Kinds:
        """The kinds of all types of the document."""
        return self._kinds

    def view_of(self, id: str) -> Mapping[str, Any]:
        """The layout of a node of the scope."""
        entries = self.layout.get("nodes")
        entry = entries.get(id) if isinstance(entries, Mapping) else None
        return entry if isinstance(entry, Mapping) else {}

    def called(self, flat: str) -> str:
        """What a node is called, with the subgraphs that it stands in."""
        graph = self.graph
        nodes: Mapping[str, Node] = graph.nodes
        layout: Mapping[str, Any] = graph.view
        titles: list[str] = []
        for id in flat.split("/"):
            node = nodes.get(id)
            if node is None:
                return flat
            entries = layout.get("nodes")
            view = entries.get(id) if isinstance(entries, Mapping) else None
            part = graph.graphs.get(node.type[len(SUBGRAPH) :]) if node.type.startswith(SUBGRAPH) else None
            titles.append(title_of(node, self.kind(node), view if isinstance(view, Mapping) else {}, part))
            nodes, layout = (part.nodes, part.view) if part is not None else ({}, {})
        return " / ".join(titles)

    def titled(self, text: str) -> str:
        """Lines that begin with the place of a node, such as `clip.path: `, with its title instead of its id."""
        return "\n".join(map(self._titled, text.split("\n")))

    def _titled(self, line: str) -> str:
        place, _, rest = line.partition(": ")
        flat, _, input = place.partition(".")
        if not rest or not self._exists(flat):
            return line
        return f"{self.called(flat)}{', ' + label_of(input) if input else ''}: {rest}"

    def do(self, edit: Edit, merge_key: object = None) -> bool:
        """Make an edit; False, with a message, where it is impossible."""
        try:
            self.history.do(edit, merge_key=merge_key)
        except GraphError as error:
            self.message.emit("warn", whole(error.problems[0]))
            return False
        return True

    def set(self, id: str, name: str, value: Any, merge_key: object = None) -> bool:
        """Set an input of a node of the scope. A value that equals the default is left out of the document."""
        kind = self.kind(id)
        default = kind.defaults.get(name, UNSET) if kind else UNSET
        same = value == default and type(value) is type(default)
        return self.do(SetInput(id, name, UNSET if same else value, self.definition), merge_key)

    def undo(self) -> None:
        """Take back the last edit."""
        self.history.undo()

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self.history.redo()

    def _on_change(self, before: Graph, after: Graph) -> None:
        if before.graphs is not after.graphs:
            self._kinds = Kinds(after, self.types)
        left, chosen = self.scope, self.selection
        while self.scope and not self._enterable(self.scope):
            self.scope = self.scope[:-1]
        # Whoever hears of a change may count on what is selected being there.
        self.selection = () if self.scope != left else tuple(id for id in chosen if id in self.nodes)
        if self.scope != left:
            self.scope_changed.emit()
        self.changed.emit(before, after)
        if self.selection != chosen:
            self.selection_changed.emit()
        self._show()
        self.file_changed.emit()
        self._timer.start()

    def _enterable(self, scope: tuple[str, ...]) -> bool:
        nodes: Mapping[str, Node] = self.graph.nodes
        for id in scope:
            node = nodes.get(id)
            if node is None or not node.type.startswith(SUBGRAPH):
                return False
            part = self.graph.graphs.get(node.type[len(SUBGRAPH) :])
            if part is None:
                return False
            nodes = part.nodes
        return True

    def _exists(self, flat: str) -> bool:
        *outer, id = flat.split("/")
        if not self._enterable(tuple(outer)):
            return False
        nodes: Mapping[str, Node] = self.graph.nodes
        for name in outer:
            nodes = self.graph.graphs[nodes[name].type[len(SUBGRAPH) :]].nodes
        return id in nodes

    # What is looked at

    def select(self, ids: Iterable[str]) -> None:
        """Select these nodes of the scope, the one clicked last at the end."""
        selection = tuple(dict.fromkeys(id for id in ids if id in self.nodes))
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()
        self._show()

    def pin(self, flat: str) -> None:
        """Show this node in the viewer whatever is selected; an empty id follows the selection again."""
        self.pinned = flat
        self._show()

    def _show(self) -> None:
        if self.pinned and not self._exists(self.pinned):
            self.pinned = ""
        shown = self.pinned or (self.flat(self.selection[-1]) if self.selection else self.shown)
        if shown and not self._exists(shown):
            shown = ""
        if shown != self.shown:
            self.shown = shown
            self.shown_changed.emit()

    def enter(self, id: str) -> None:
        """Show what is inside a subgraph."""
        self.go((*self.scope, id))

    def leave(self) -> None:
        """Show what the subgraph stands in."""
        if self.scope:
            inner = self.scope[-1]
            self.go(self.scope[:-1])
            self.select((inner,))

    def go(self, scope: tuple[str, ...]) -> None:
        """Show the subgraph at the end of these ids of instances."""
        if scope == self.scope or not self._enterable(scope):
            return
        self.parting.emit()
        # What was typed may have changed what there is to enter.
        if self._enterable(scope):
            self.scope = scope
            self.selection = ()
            self.scope_changed.emit()
            self.selection_changed.emit()

    def reveal(self, flat: str) -> None:
        """Enter where a node lies and select it."""
        *outer, id = flat.split("/")
        if self._enterable(tuple(outer)):
            self.go(tuple(outer))
            self.select((id,))

    # Files

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self.history.dirty

    @property
    def name(self) -> str:
        """The document's name for titles."""
        found = self.path or self.origin
        return found.name if found else tr("Untitled")

    @property
    def paths(self) -> Paths:
        """Where inputs are read and where outputs go: `outputs/` beside a saved graph, else the folder of videos."""
        if self.path is not None:
            folder = self.path.absolute().parent
            return Paths(self.path.stem, folder, Path.cwd(), folder / "outputs")
        base = self.origin.parent if self.origin is not None else Path.cwd()
        videos = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        home = Path(videos) if videos else Path.home()
        return Paths(self.origin.stem if self.origin else "graph", base, Path.cwd(), home / "vidflow")

    def path_text(self, path: str | Path) -> str:
        """How the document names a file: relative where it lies below the document's folder."""
        path = Path(path).absolute()
        if self.path is not None and path.is_relative_to(self.paths.base):
            return path.relative_to(self.paths.base).as_posix()
        return path.as_posix()

    def open(self, path: str | Path) -> None:
        """Open a graph file, or the graph that a movie carries. A sample stays as it is. Raises GraphError."""
        path = Path(path).absolute()
        graph = files.load(path)
        with path.open("rb") as file:
            movie = is_media(file.read(HEAD))
        sample = path.parent == samples()
        self.put(graph, None if movie or sample else path)
        self._seen = _digest(self.path)
        if movie or sample:
            self.origin = path
            self.file_changed.emit()

    def new(self) -> None:
        """Begin an empty document."""
        self.put(Graph(), None)

    def put(self, graph: Graph, path: Path | None, *, dirty: bool = False) -> None:
        """Replace the document; `dirty` says that it differs from what lies at `path`."""
        before = self.graph
        self.number += 1
        self.history = History(graph, self._on_change)
        if dirty:
            self.history.unsaved()
        if path != self.path:
            self._seen = _digest(path)
        self.path = path
        self.origin = None
        self.scope = self.selection = ()
        self.pinned = self.shown = ""
        self._states.clear()
        self._around.clear()
        self._marks = Marks()
        self._kinds = Kinds(graph, self.types)
        self.problems = self.advice = ()
        self.replaced.emit()
        self.scope_changed.emit()
        self.changed.emit(before, graph)
        self.selection_changed.emit()
        self.shown_changed.emit()
        self.file_changed.emit()
        self._timer.start()

    def save(self, path: Path | None = None) -> None:
        """Write the document to `path`, or to where it was opened. Raises GraphError where that is impossible."""
        target = path or self.path
        assert target is not None
        target = target.absolute()
        moved: Edit | None = None
        if target.parent != self.paths.base or self.path is None:
            moved = rebased(self.graph, self._kinds, self.paths.base, target.parent)
        files.save(edited(self.graph, moved) if moved is not None else self.graph, target)
        if moved is not None:
            before = marks(self.graph).of
            self.history.do(moved)
            # The files are the same ones under other names: what ran before it was saved still holds.
            after = marks(self.graph).of
            for flat, state in self._states.items():
                if flat in after and state.mark == before.get(flat):
                    self._states[flat] = replace(state, mark=after[flat])
        self.path, self.origin = target, None
        self._seen = _digest(target)
        self.history.saved()
        self.file_changed.emit()
        self._timer.start()

    @property
    def changed_outside(self) -> bool:
        """Whether the document's file holds something else than when it was opened or saved here."""
        now = _digest(self.path)
        return bool(now) and now != self._seen

    # What is wrong, and what is done

    def check_now(self) -> None:
        """Check the document on a thread, unless a check is on its way; then once more after it."""
        if self._checking:
            self._timer.start()
            return
        self._checking = True
        graph, paths = self.graph, self.paths
        self._worker.submit(self._check, graph, paths)

    def _check(self, graph: Graph, paths: Paths) -> None:
        findings = _Findings(graph, (), ())
        try:
            checked = check(graph, self.types, paths)
            findings = _Findings(graph, checked.problems, tuple(advice(checked)), marks(graph))
            if not graph.nodes:
                # That nothing of it would run is no news of a document which was only just begun.
                told = tuple(one for one in checked.problems if one.code != "nothing-to-run")
                findings = replace(findings, problems=told)
        except Exception as error:  # noqa: BLE001 - a mistake in a check is said, and the next edit checks again
            tell(self, self.message.emit, "error", f"{type(error).__name__}: {error}")
        tell(self, self._take_findings, findings)

    def _take_findings(self, findings: _Findings) -> None:
        self._checking = False
        if findings.graph is not self.graph:
            return
        self.problems, self.advice = findings.problems, findings.advice
        before, self._marks = self._marks, findings.marks
        for flat in self._states:
            if before.of.get(flat) != self._marks.of.get(flat):
                self._tell_state(flat)
        self.checked.emit()

    def state(self, flat: str) -> NodeState:
        """What is known of a node; of a subgraph, what is known of the nodes in it together."""
        state = self._states.get(flat)
        if state is None:
            start = f"{flat}/"
            inner = [self.state(one) for one in self._states if one.startswith(start)]
            return together(inner) if inner else NodeState()
        if state.kind in ("done", "kept", "failed") and state.mark != self._marks.of.get(flat, state.mark):
            return replace(state, kind="stale")
        return state

    def mark(self, flat: str) -> int:
        """A number that differs where a node, or something before it, differs; 0 before that is known."""
        return self._marks.of.get(flat, 0)

    def showing(self, flat: str) -> list[str]:
        """A node, and the subgraphs around it that give what it makes."""
        return [flat, *(id for id in around(flat) if self._marks.shows.get(id) == flat)]

    def set_state(self, flat: str, state: NodeState, of: Mapping[str, int]) -> None:
        """What a run says of a node; `of` are the marks of the document that runs."""
        state.mark = of.get(flat, 0)
        self._states[flat] = state
        self._tell_state(flat)

    def _tell_state(self, flat: str) -> None:
        self.state_changed.emit(flat)
        # What a subgraph says is gathered from all in it: once for all that is told in one go.
        self._around.update(dict.fromkeys(around(flat)))
        if self._around and not self._gather.isActive():
            self._gather.start()

    def tell_around(self) -> None:
        """Tell now of the subgraphs around the nodes that were told of."""
        told, self._around = self._around, {}
        for one in told:
            self.state_changed.emit(one)

    def close(self) -> None:
        """Stop the thread of checks."""
        self._timer.stop()
        self._timer.blockSignals(True)
        self._worker.shutdown(wait=False, cancel_futures=True)


def _digest(path: Path | None) -> bytes:
    """Of what lies there; empty where nothing does that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest() if path is not None else b""
    except OSError:
        return b""
