"""What the commands do to the document: adding, deleting, copying, grouping, arranging what is selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QGuiApplication

from vidflow.errors import GraphError
from vidflow.graph import AddNode, Batch, Edit, Input, Link, MoveNodes, Node, SetInput, SetOff, SetView
from vidflow.graph.arranging import Way, Wire, aligned, arranged
from vidflow.graph.clipboard import copied, new_id, pasted
from vidflow.graph.connecting import Wiring, connected, fitting, removed
from vidflow.graph.document import SUBGRAPH, links_in
from vidflow.graph.edits import UNSET, edited
from vidflow.graph.grouping import grouped, ungrouped
from vidflow.gui.canvas.search import Entry, entries
from vidflow.gui.canvas.view import snapped
from vidflow.gui.problemwords import whole
from vidflow.gui.words import tr
from vidflow.nodespec.hints import File, OutputFile
from vidflow.nodespec.spec import PortType

if TYPE_CHECKING:
    from vidflow.gui.canvas.face import Port
    from vidflow.gui.canvas.view import Canvas
    from vidflow.gui.session import Session

VIDEOS = frozenset(
    [
        ".mp4",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".wmv",
        ".flv",
        ".ogv",
        ".3gp",
        ".gif",
    ]
)
SOUNDS = frozenset([".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus", ".aiff", ".aif", ".wma"])
IMAGES = frozenset([".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr", ".avif", ".tga"])


class Editing:
    """Commands on the selection of the session, as seen on the canvas."""

    def __init__(self, session: Session, canvas: Canvas) -> None:
        self.session = session
        self.canvas = canvas

    def _do(self, make: Callable[[], Edit]) -> bool:
        try:
            edit = make()
        except GraphError as error:
            self.session.message.emit("warn", " ".join(whole(one) for one in error.problems[:2]))
            return False
        return self.session.do(edit)

    # Adding

    def add(self, type: str, at: QPointF | None = None, port: Port | None = None) -> str | None:
        """Add a node, linked to `port` where there is one, and select it. Gives its id."""
        session, scope = self.session, self.session.definition
        if at is None:
            place = self.canvas.beside_selection()
        else:
            place = self.canvas.free_place(at - QPointF(0, 40) if port is not None else at)
        id = new_id(session.nodes, type)
        node = Node(type, self._starting_inputs(type))
        view = {"at": [place.x(), place.y()]}
        edit: Edit = AddNode(id, node, view, graph=scope)
        if port is not None:
            try:
                graph = edited(session.graph, edit)
                link = self._linking(graph, id, port)
            except GraphError:
                link = None
            if link is not None:
                edit = Batch((edit, link))
        if not session.do(edit):
            return None
        session.select((id,))
        self.canvas.reveal(id)
        self.canvas.setFocus()
        return id

    def _starting_inputs(self, type: str) -> dict[str, Input]:
        """A sink needs a name at once, else it would be wrong as it is added."""
        spec = self.session.types.get(type)
        found: dict[str, Input] = {}
        for one in spec.inputs if spec is not None else ():
            if one.required and isinstance(one.hint, OutputFile):
                found[one.name] = "{graph}-{n:03}" + (one.hint.suffixes[0] if one.hint.suffixes else "")
            elif one.required and one.type.name == "str" and not one.type.many and not isinstance(one.hint, File):
                found[one.name] = ""
        return {name: value for name, value in found.items() if value}

    def _linking(self, graph: Any, id: str, port: Port) -> Edit | None:
        session, scope = self.session, self.session.definition
        wiring = Wiring(graph, session.types, scope)
        if port.side == "out":
            kind = session.kind(port.node)
            first = next((name for name in kind.outputs if name is not None), None) if kind else None
            link = Link(port.node, None if port.name == first else port.name)
            name = wiring.entry(link, id)
            return connected(graph, session.types, scope, link, id, name) if name is not None else None
        outlet = wiring.outlet(id, port.node, port.name)
        return connected(graph, session.types, scope, outlet, port.node, port.name, port.place) if outlet else None

    def offered(self, port: Port | None) -> list[Entry]:
        """What the search offers: everything, or what a wire from `port` fits."""
        session = self.session
        everything = entries(session.types, list(session.graph.graphs))
        if port is None:
            return everything
        type = PortType(port.type, port.many and port.side == "out")
        fit = fitting(session.graph, session.types, *((type, None) if port.side == "out" else (None, type)))
        order = {name: k for k, name in enumerate(fit)}
        return sorted((one for one in everything if one.type in order), key=lambda one: order[one.type])

    def add_files(self, paths: Sequence[str], at: QPointF) -> list[str]:
        """Add a load node for each file or folder of pictures. Gives those that are no media."""
        others: list[str] = []
        edits: list[Edit] = []
        taken: dict[str, Any] = dict(self.session.nodes)
        ids: list[str] = []
        place = QPointF(snapped(at.x()), snapped(at.y()))
        for path in paths:
            type = loader_of(path)
            if type is None:
                others.append(path)
                continue
            id = new_id(taken, Path(path).stem if Path(path).stem.isascii() else type)
            taken[id] = None
            ids.append(id)
            spot = self.canvas.free_place(place)
            node = Node(type, {"path": self.session.path_text(path)})
            edits.append(AddNode(id, node, {"at": [spot.x(), spot.y()]}, graph=self.session.definition))
            place = spot + QPointF(0, 232)
        if edits and self.session.do(Batch(tuple(edits))):
            self.session.select(ids)
        return others

    # Taking away

    def delete(self, *, heal: bool = False) -> None:
        """Delete what is selected: nodes, frames, a wire."""
        session, scope = self.session, self.session.definition
        if not session.selection and self.canvas.gestures.delete_picked():
            return
        frames = [name for name, item in self.canvas.frames.items() if item.isSelected()]
        edits: list[Edit] = [SetView(("frames", name), UNSET, scope) for name in frames]
        if session.selection:
            chosen = session.selection
            edits.append(removed(session.graph, session.types, scope, chosen, heal=heal))
        if edits:
            self._do(lambda: Batch(tuple(edits)))

    # The clipboard

    def copy(self) -> bool:
        """Put what is selected on the clipboard, as the text of a graph file."""
        if not self.session.selection:
            return False
        text = copied(self.session.graph, self.session.definition, self.session.selection)
        QGuiApplication.clipboard().setText(text)
        return True

    def cut(self) -> None:
        """Copy and delete."""
        if self.copy():
            self.delete()

    def paste(self, at: QPointF | None = None) -> None:
        """Add what the clipboard's text describes."""
        text = QGuiApplication.clipboard().text()
        if text.strip():
            self._paste(text, at or self.canvas.beside_selection())

    def duplicate(self) -> None:
        """Copy what is selected to a place beside it, without the clipboard."""
        session = self.session
        if not session.selection:
            return
        text = copied(session.graph, session.definition, session.selection)
        box = QRectF()
        for id in session.selection:
            item = self.canvas.nodes[id]
            box = box.united(item.body.translated(item.pos()))
        self._paste(text, box.topLeft() + QPointF(32, 32), keep_links=True)

    def _paste(self, text: str, at: QPointF, *, keep_links: bool = False) -> None:
        session = self.session
        found: list[str] = []
        chosen = session.selection

        def make() -> Edit:
            edit, ids = pasted(session.graph, session.definition, text, (at.x(), at.y()))
            found.extend(ids)
            if not keep_links or len(ids) != len(chosen):
                return edit
            # A duplicate reads what its original reads.
            renamed = dict(zip(chosen_in_order(session.nodes, chosen), ids, strict=True))
            more: list[Edit] = []
            for old, new in renamed.items():
                for name, value in session.nodes[old].inputs.items():
                    if any(link.node not in renamed for link in links_in(value)):
                        more.append(SetInput(new, name, _relinked(value, renamed), session.definition))
            return Batch((edit, *more))

        if self._do(make):
            session.select(found)

    # Turning, grouping, arranging

    def toggle_off(self) -> None:
        """Turn what is selected off, or on where all of it is off."""
        session = self.session
        nodes = [session.nodes[id] for id in session.selection]
        if nodes:
            off = not all(node.off for node in nodes)
            session.do(Batch(tuple(SetOff(id, off, session.definition) for id in session.selection)))

    def group(self) -> None:
        """Make a subgraph of what is selected."""
        session = self.session
        if not session.selection:
            return
        made: list[str] = []

        def make() -> Edit:
            from vidflow.graph.grouping import definition_name

            name = definition_name(session.graph, "part")
            edit, id = grouped(session.graph, session.types, session.definition, session.selection, name)
            made.append(id)
            return edit

        if self._do(make):
            session.select(made)

    def ungroup(self) -> None:
        """Put what is inside a subgraph in its place."""
        session = self.session
        for id in session.selection:
            if session.nodes[id].type.startswith(SUBGRAPH):
                made: list[str] = []

                def make(id: str = id, made: list[str] = made) -> Edit:
                    edit, ids = ungrouped(session.graph, session.definition, id)
                    made.extend(ids)
                    return edit

                if self._do(make):
                    session.select(made)
                return

    def frame(self) -> None:
        """Put a frame around what is selected, or an empty one in the middle."""
        session, canvas = self.session, self.canvas
        box = QRectF()
        for id in session.selection:
            box = box.united(canvas.nodes[id].body.translated(canvas.nodes[id].pos()))
        if box.isEmpty():
            middle = canvas.mapToScene(canvas.viewport().rect().center())
            box = QRectF(middle.x() - 160, middle.y() - 100, 320, 200)
        else:
            box.adjust(-24, -64, 24, 24)
        names = session.layout.get("frames")
        name = new_id(names if isinstance(names, Mapping) else {}, "frame")
        at, size = [snapped(box.left()), snapped(box.top())], [snapped(box.width()), snapped(box.height())]
        entry = {"at": at, "size": size, "title": tr("Frame"), "note": ""}
        if session.do(SetView(("frames", name), entry, session.definition)):
            canvas.editor.rename_frame(canvas.frames[name])

    def arrange(self) -> None:
        """Lay out what is selected, or everything, from left to right."""
        session, canvas = self.session, self.canvas
        ids = session.selection if len(session.selection) > 1 else tuple(session.nodes)
        if not ids:
            return
        sizes = {id: (canvas.nodes[id].width, canvas.nodes[id].height) for id in session.nodes if id in set(ids)}
        order = sorted(canvas.wires.values(), key=lambda wire: (wire.target[0], wire.target[1], wire.target[2] or 0))
        links = [
            Wire(wire.source[0], wire.target[0], *canvas.heights(wire))
            for wire in order
            if wire.source[0] in sizes and wire.target[0] in sizes
        ]
        places = arranged(sizes, links, list(sizes))
        corner = QPointF(
            min(canvas.nodes[id].pos().x() for id in sizes), min(canvas.nodes[id].pos().y() for id in sizes)
        )
        left, top = min(x for x, _ in places.values()), min(y for _, y in places.values())
        to = {id: (snapped(corner.x() + x - left), snapped(corner.y() + y - top)) for id, (x, y) in places.items()}
        edits: list[Edit] = [MoveNodes(to, session.definition)]
        bends = session.layout.get("bends")
        if isinstance(bends, Mapping):
            gone = [name for name in bends if name.split(".")[0] in to]
            edits.extend(SetView(("bends", name), UNSET, session.definition) for name in gone)
        session.do(Batch(tuple(edits)))
        canvas.fit()

    def align(self, how: Way) -> None:
        """Line up what is selected."""
        session, canvas = self.session, self.canvas
        chosen = [canvas.nodes[id] for id in session.selection if id in canvas.nodes]
        if len(chosen) > 1:
            boxes = {item.id: (item.pos().x(), item.pos().y(), item.width, item.height) for item in chosen}
            session.do(MoveNodes(aligned(boxes, how), session.definition))


def loader_of(path: str) -> str | None:
    """The type of node that loads a file, by its suffix; None where it is no media."""
    if Path(path).is_dir():
        return "image_sequence"
    suffix = Path(path).suffix.lower()
    for suffixes, type in ((VIDEOS, "load_video"), (SOUNDS, "load_audio"), (IMAGES, "load_image")):
        if suffix in suffixes:
            return type
    return None


def chosen_in_order(nodes: Mapping[str, Node], ids: Sequence[str]) -> list[str]:
    """The ids in the order of the document, as they are copied."""
    chosen = set(ids)
    return [id for id in nodes if id in chosen]


def _relinked(value: Input, renamed: Mapping[str, str]) -> Input:
    def one(entry: Any) -> Any:
        return Link(renamed.get(entry.node, entry.node), entry.output) if isinstance(entry, Link) else entry

    return tuple(one(entry) for entry in value) if isinstance(value, tuple) else one(value)
