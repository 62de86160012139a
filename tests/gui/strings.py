"""Every string that a user of the editor sees, gathered from the code and from the node types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from vidflow.graph.document import Graph
from vidflow.graph.kinds import Kinds
from vidflow.nodespec.hints import Choice, Number, Text
from vidflow.nodespec.registry import installed

GUI = Path(__file__).resolve().parents[2] / "vidflow" / "gui"
MARKS = ("tr", "_")


def spoken() -> dict[str, str]:
    """Each string, and where it stands."""
    found: dict[str, str] = {}
    for path in sorted(GUI.rglob("*.py")):
        for line, text in _marked(path):
            found.setdefault(text, f"{path.relative_to(GUI)}:{line}")
    found.update({text: where for text, where in _of_nodes() if text not in found})
    return found


def _marked(path: Path) -> Iterator[tuple[int, str]]:
    """The literals that are given to `tr`, or marked for it by `_`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
            first = node.args[0]
            texts = [first] if not isinstance(first, ast.IfExp) else [first.body, first.orelse]
            for text in texts:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield node.lineno, text.value


def _of_nodes() -> Iterator[tuple[str, str]]:
    """What the core pack's nodes are called, and their inputs, outputs and choices."""
    types = installed()
    kinds = Kinds(Graph(), types)
    for type in types.types():
        spec, kind = types.get(type), kinds.get(type)
        if spec is None or kind is None or spec.pack != "core":
            continue
        for text in (spec.title, spec.category, spec.doc.split("\n\n")[0]):
            yield text, type
        for slot in kind.slots.values():
            yield slot.name.replace("_", " "), f"{type}.{slot.name}"
            yield slot.type.name, f"{type}.{slot.name}"
            hint = slot.spec.hint
            if slot.spec.doc:
                yield slot.spec.doc, f"{type}.{slot.name}"
            if isinstance(hint, Text) and hint.placeholder:
                yield hint.placeholder, f"{type}.{slot.name}"
            if isinstance(hint, Number) and len(hint.unit) > 2:
                yield hint.unit, f"{type}.{slot.name}"
            if isinstance(hint, Choice):
                for option in hint.options:
                    if isinstance(option, str) and not _name(option):
                        yield option, f"{type}.{slot.name}"
        for name in kind.outputs:
            if name is not None:
                yield name.replace("_", " "), f"{type}.{name}"


def _name(option: str) -> bool:
    """Whether an option is a name of its own, which no language changes: h264, bfloat16."""
    return any(letter.isdigit() for letter in option) or option in (
        "prores",
        "gif",
        "webp",
        "none",
        "sage",
        "xformers",
        "cudnn",
        "reinhard",
    )
