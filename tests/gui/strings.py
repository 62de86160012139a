"""Every string that a user of the editor sees, gathered from the code and from the node types; and texts that the code
shows without asking for their translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vidflow.graph.document import Graph
from vidflow.graph.kinds import Kinds
from vidflow.gui.words import flowed
from vidflow.nodespec.hints import Choice, Number, Text
from vidflow.nodespec.registry import installed

GUI = Path(__file__).resolve().parents[2] / "vidflow" / "gui"
MARKS = ("tr", "_", "later")
SHOWS = frozenset(
    {
        *(
            "setText",
            "setPlainText",
            "setToolTip",
            "setPlaceholderText",
            "setAccessibleName",
            "setAccessibleDescription",
        ),
        *("setTitle", "setWindowTitle", "setInformativeText", "setSpecialValueText", "setPrefix", "setSuffix"),
        *(
            "setTabText",
            "setHeaderLabels",
            "addTab",
            "addItem",
            "addItems",
            "addAction",
            "addMenu",
            "addRow",
            "addButton",
        ),
        *("drawText", "QLabel", "QLineEdit", "QPushButton", "QCheckBox", "QGroupBox", "QAction", "QListWidgetItem"),
        *("QTreeWidgetItem", "QStandardItem", "about", "information", "question", "warning", "critical"),
        *("label", "button", "tool", "Elided", "say", "emit"),
    }
)
"""The calls whose texts a user sees."""
NO_WORDS = frozenset({"vidflow", "English", "Hz", "px"})
"""What reads the same in every language."""
ROLES = frozenset({"muted", "hint", "caption", "heading", "error", "warn", "info", "ok", "accent", "text"})
COMPUTED = frozenset(
    {
        "self.property('title')",
        "str(action.property('title'))",
        "command.title",
        "other.title",
        "hint.unit",
        "unit",
        "placeholder",
        "spec.title",
        "spec.category",
        "kind.spec.title",
        "slot.spec.doc",
        "name",
        "name.replace('_', ' ')",
        "part",
        "words",
        "words.capitalize()",
        "template",
        "text",
        "button.property('words')",
    }
)
"""What `tr` is given that is no literal: all of it stands in a table with `_`, or comes from a node type."""


def spoken() -> dict[str, str]:
    """Each string, and where it stands."""
    found: dict[str, str] = {}
    for path in sorted(GUI.rglob("*.py")):
        for line, text in _marked(path):
            found.setdefault(text, f"{path.relative_to(GUI)}:{line}")
    for text, where in _of_nodes():
        found.setdefault(text, where)
    return found


def unmarked() -> Iterator[str]:
    """Where English is shown as it stands, where `tr` is given what no test can find, and where a sentence is glued
    together inside it."""
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for what in _wrong(node):
                    yield f"{path.relative_to(GUI)}:{node.lineno}: {what}"


def _wrong(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in MARKS and isinstance(call.func, ast.Name):
        for text in _branches(call.args[0]) if call.args else ():
            if not isinstance(text, ast.Constant) and ast.unparse(text) not in COMPUTED:
                yield f"{name}({ast.unparse(text)}) is no literal"
        return
    if name not in SHOWS:
        return
    named = [one.value for one in call.keywords if one.arg in ("placeholderText", "text", "name")]
    for given in (*call.args, *named):
        for text in _branches(given):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                said = text.value
            elif isinstance(text, ast.JoinedStr):
                said = " ".join(str(one.value) for one in text.values if isinstance(one, ast.Constant))
            else:
                continue
            words = set(re.findall(r"[A-Za-z]{2,}", said)) - NO_WORDS
            if words and not _key(said):
                yield f"{name}({ast.unparse(text)}) shows English"


def _key(text: str) -> bool:
    """Whether a literal is a role, an icon's name or an identifier, not words."""
    return text in ROLES or re.fullmatch(r"[a-z]+([-_.][a-z]+)+|[a-z]+", text) is not None


def _branches(text: ast.expr) -> list[ast.expr]:
    if isinstance(text, ast.IfExp):
        return [*_branches(text.body), *_branches(text.orelse)]
    return [text]


def _marked(path: Path) -> Iterator[tuple[int, str]]:
    """The literals that are given to `tr`, or marked for it by `_`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
            for text in _branches(node.args[0]):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield node.lineno, text.value


def _of_nodes() -> Iterator[tuple[str, str]]:
    """What the core pack's nodes are called and how they are explained, and their inputs, outputs and choices."""
    types = installed()
    kinds = Kinds(Graph(), types)
    for type in types.types():
        spec, kind = types.get(type), kinds.get(type)
        if spec is None or kind is None or spec.pack != "core":
            continue
        for text in (spec.title, spec.category, *flowed(spec.doc)):
            yield text, type
        for slot in kind.slots.values():
            place = f"{type}.{slot.name}"
            yield slot.name.replace("_", " "), place
            if slot.spec.doc:
                yield slot.spec.doc, place
            hint = slot.spec.hint
            if isinstance(hint, Text) and hint.placeholder:
                yield hint.placeholder, place
            if isinstance(hint, Number) and hint.unit and hint.unit not in ("px", "dB"):
                yield hint.unit, place
            if isinstance(hint, Choice):
                for option in hint.options:
                    if isinstance(option, str) and not _name(option):
                        yield option.replace("_", " "), place
        for name in kind.outputs:
            if name is not None:
                yield name.replace("_", " "), f"{type}.{name}"


def _name(option: str) -> bool:
    """Whether an option is a name of its own, which no language changes: h264, bfloat16."""
    return any(letter.isdigit() for letter in option) or option in (
        *("prores", "gif", "webp", "hevc", "nvenc"),
        *("sage", "xformers", "cudnn", "reinhard", "bilinear", "bicubic", "lanczos"),
    )
