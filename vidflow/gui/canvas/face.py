"""What a node shows: its title, its rows of ports and settings, read from the document and the node's type. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vidflow.graph.document import SUBGRAPH, Input, Link, Node, Subgraph, links_in
from vidflow.graph.kinds import Kind, Slot
from vidflow.gui.words import paragraphs, said, tr
from vidflow.nodespec.hints import Choice, Colour, File, Folder, Number, OutputFile, Seed, Weights

SHOWN_SETTINGS = 5
EDGE = 1e6
"""How far from its middle the canvas goes."""
ICONS = {
    "Input": "film-strip",
    "Output": "export",
    "Generation": "sparkle",
    "Colour": "palette",
    "Shape": "crop",
    "Time": "clock",
    "Compose": "stack",
    "Sound": "speaker-high",
    "Values": "hash",
    "Enhance": "magic-wand",
    "Analysis": "chart-bar",
}
PLAIN = frozenset({"int", "float", "bool", "str"})


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a wire ends: an input of a node (`place` counts the entries of a list), or an output."""

    node: str
    name: str
    type: str
    side: Literal["in", "out"]
    place: int | None = None
    many: bool = False
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a node: an input or a setting on the left, an output on the right."""

    label: str = ""
    value: str = ""
    left: Port | None = None
    right: Port | None = None
    right_label: str = ""
    setting: str = ""
    """The setting whose value stands here, where it can be edited."""


@dataclass(frozen=True, slots=True)
class Border:
    """The inputs of a node that a port of its subgraph feeds, the outputs that one gives on, and the port's name."""

    takes: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Face:
    """All that a node item paints of the document."""

    title: str
    icon: str
    main: str
    """The type that the node mainly makes; its stripe has this type's colour."""
    rows: tuple[Row, ...]
    off: bool
    missing: bool
    picture: bool
    """Whether there is room for a thumbnail."""
    inner: bool = False
    """Whether it is a subgraph, to be entered."""
    width: float = 200.0
    doc: str = ""


def wire_type(type: str) -> str:
    """The type by which a wire is coloured: plain values share one."""
    return "value" if type in PLAIN else type


def face_of(
    id: str,
    node: Node,
    kind: Kind | None,
    view: Mapping[str, Any],
    part: Subgraph | None = None,
    used: Sequence[str | None] = (),
    border: Border | None = None,
    *,
    thumbnails: bool = True,
) -> Face:
    """What node `id` shows. `part` is the definition where it is a subgraph; `used` are the outputs that others read,
    which is all that is known of the outputs of a type that is not there; `border` says which of its inputs and
    outputs are ports of the subgraph that it stands in."""
    title = title_of(node, kind, view, part)
    border = border or Border()
    rows = [*_inputs(id, node, kind, border), *_settings(id, node, kind, view, border)]
    outputs = [
        (replace(port, linked=True), f"{label} → {border.gives[port.name]}")
        if port.name in border.gives
        else (port, label)
        for port, label in _outputs(id, kind, used)
    ]
    for index, (port, label) in enumerate(outputs):
        # An output shares its line with an input, not with a setting, whose value stands there.
        if index < len(rows) and not rows[index].setting and not rows[index].right:
            old = rows[index]
            rows[index] = Row(old.label, old.value, old.left, port, label)
        else:
            rows.insert(index, Row(right=port, right_label=label))
    main = outputs[0][0].type if outputs else _first_port(kind)
    wide = view.get("width")
    return Face(
        title=title,
        icon=ICONS.get(kind.spec.category, "puzzle-piece")
        if kind and kind.spec
        else "stack-simple"
        if kind
        else "warning",
        main=wire_type(main),
        rows=tuple(rows),
        off=node.off,
        missing=kind is None,
        # Latents: a sampler shows how far it is.
        picture=thumbnails and bool(outputs) and outputs[0][0].type in ("video", "image", "latents"),
        inner=part is not None,
        width=float(min(320, max(160, wide))) if isinstance(wide, int | float) else 200.0,
        doc=paragraphs(kind.spec.doc)[0] if kind and kind.spec and kind.spec.doc else "",
    )


def title_of(node: Node, kind: Kind | None, view: Mapping[str, Any], part: Subgraph | None = None) -> str:
    """What a node is called: as its user says, else as its type. `part` is the definition where it is a subgraph."""
    given = said(view.get("title"))
    if given:
        return given
    if part is not None:
        return said(part.view.get("title")) or node.type[len(SUBGRAPH) :].replace("_", " ")
    if kind is not None and kind.spec is not None:
        return tr(kind.spec.title)
    return node.type


def pair_of(value: Any) -> tuple[float, float] | None:
    """Two numbers of the layout, no further out than the canvas goes; None where something else stands there."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(one, int | float) for one in value):
        return None
    x, y = (float(min(EDGE, max(-EDGE, one))) for one in value)
    return (x, y)


def label_of(name: str) -> str:
    """A name of the file format as words."""
    return tr(name.replace("_", " "))


def _first_port(kind: Kind | None) -> str:
    for slot in kind.slots.values() if kind else ():
        if not slot.plain:
            return slot.type.name
    return "value"


def _outputs(id: str, kind: Kind | None, used: Sequence[str | None]) -> list[tuple[Port, str]]:
    if kind is None:
        names = dict.fromkeys(name or "" for name in used)
        return [(Port(id, name, "value", "out", linked=True), name) for name in names]
    linked = set(used)
    found: list[tuple[Port, str]] = []
    for name, type in kind.outputs.items():
        if name is not None:
            port = Port(
                id, name, type.name, "out", many=type.many, linked=name in linked or (not found and None in linked)
            )
            found.append((port, label_of(name)))
    return found


def _inputs(id: str, node: Node, kind: Kind | None, border: Border) -> list[Row]:
    rows: list[Row] = []
    if kind is None:
        for name, value in node.inputs.items():
            for place, _ in enumerate(links_in(value)):
                many = isinstance(value, tuple)
                rows.append(Row(name, left=Port(id, name, "value", "in", place if many else None, many, True)))
        return rows
    for slot in kind.slots.values():
        if slot.plain:
            continue
        rows.extend(_port_rows(id, slot, node.inputs.get(slot.name), border.takes.get(slot.name)))
    return rows


def _port_rows(id: str, slot: Slot, value: Input, outer: str | None) -> list[Row]:
    label = label_of(slot.name)
    if outer is not None:
        return [Row(f"{label} ← {outer}", left=Port(id, slot.name, slot.type.name, "in", None, slot.many, True))]
    if not slot.many:
        return [Row(label, left=Port(id, slot.name, slot.type.name, "in", linked=isinstance(value, Link)))]
    entries = value if isinstance(value, tuple) else (value,) if isinstance(value, Link) else ()
    rows = [
        Row(f"{label} {place + 1}", left=Port(id, slot.name, slot.type.name, "in", place, True, isinstance(one, Link)))
        for place, one in enumerate(entries)
    ]
    more = Row(f"{label} +" if rows else label, left=Port(id, slot.name, slot.type.name, "in", len(entries), True))
    return [*rows, more]


def _settings(id: str, node: Node, kind: Kind | None, view: Mapping[str, Any], border: Border) -> list[Row]:
    if kind is None:
        return []
    stars = [name for name in _names(view.get("stars")) if name in kind.slots]
    made = set(_names(view.get("inputs")))
    linked = [slot.name for slot in kind.slots.values() if slot.plain and links_in(node.inputs.get(slot.name))]
    changed = [
        name
        for name, slot in kind.slots.items()
        if slot.plain
        and name not in linked
        and (slot.required or (name in node.inputs and node.inputs[name] != kind.defaults.get(name)))
    ]
    shown = dict.fromkeys([*stars, *changed][:SHOWN_SETTINGS])
    rows: list[Row] = []
    for name, slot in kind.slots.items():
        outer = border.takes.get(name) if slot.plain else None
        if outer is not None:
            rows.append(
                Row(f"{label_of(name)} ← {outer}", left=Port(id, name, slot.type.name, "in", None, slot.many, True))
            )
            continue
        if not slot.plain or (name not in shown and name not in linked and name not in made):
            continue
        value = node.inputs.get(name, kind.defaults.get(name))
        links = links_in(node.inputs.get(name))
        port = Port(id, name, slot.type.name, "in", None, slot.many, bool(links)) if links or name in made else None
        rows.append(Row(label_of(name), "" if links else shown_value(slot, value), port, setting="" if links else name))
    return rows


def _names(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def shown_value(slot: Slot, value: Any) -> str:
    """A setting's value as a person reads it, on one line."""
    if value is None:
        return "–" if slot.required else tr("auto")
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if isinstance(value, tuple | list):
        return ", ".join(shown_value(slot, one) for one in value if not isinstance(one, Link))
    if isinstance(value, float | int):
        unit = slot.spec.hint.unit if isinstance(slot.spec.hint, Number) else ""
        number = f"{value:.6g}" if isinstance(value, float) else str(value)
        return f"{number} {tr(unit)}" if unit else number
    text = str(value)
    if isinstance(slot.spec.hint, Choice):
        return label_of(text)
    if isinstance(slot.spec.hint, File | Folder | OutputFile | Weights):
        return text.removeprefix("resources:").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return text.replace("\n", " ⏎ ")


def scrubs(slot: Slot) -> bool:
    """Whether a sideways drag changes the value."""
    return slot.type.name in ("int", "float") and not slot.many and not isinstance(slot.spec.hint, Seed | Colour)
