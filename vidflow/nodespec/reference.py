"""The node reference, from the same declarations that the engine runs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vidflow.nodespec.hints import Choice, Number, OutputFile, Weights, Words
from vidflow.nodespec.spec import InputSpec, NodeSpec
from vidflow.nodespec.vocabulary import vocabulary


def as_json(spec: NodeSpec) -> dict[str, Any]:
    """One node type as JSON values."""
    return {
        "type": spec.type,
        "title": spec.title,
        "category": spec.category,
        "version": spec.version,
        "pack": spec.pack,
        "lane": spec.lane,
        "sink": spec.sink,
        "dear": spec.dear,
        "doc": spec.doc,
        "inputs": [_input_json(one) for one in spec.inputs],
        "outputs": [{"name": one.name, "type": str(one.type)} for one in spec.outputs],
    }


def _input_json(one: InputSpec) -> dict[str, Any]:
    hint = {key: value for key, value in asdict(one.hint).items() if value not in (None, "", ())}
    if isinstance(one.hint, Words):
        hint["entries"] = [asdict(entry) for entry in vocabulary().entries(one.hint.category)]
    default: Any = list(one.default) if one.type.many and one.default is not None else one.default
    return {
        "name": one.name,
        "type": str(one.type),
        "port": one.is_port,
        "required": one.required,
        "default": default,
        "empty": one.nullable,
        "hint": {"kind": type(one.hint).__name__.lower(), **hint},
        "doc": one.doc,
    }


def listing(specs: Sequence[NodeSpec]) -> str:
    """All node types by category, a line each."""
    lines: list[str] = []
    width = max((len(spec.type) for spec in specs), default=0)
    for category in dict.fromkeys(spec.category for spec in specs):
        lines.append(category)
        found = [spec for spec in specs if spec.category == category]
        lines.extend(f"  {spec.type:{width}}  {_first_sentence(spec.doc)}" for spec in found)
    lines.append("")
    lines.append("'vidflow nodes TYPE' explains one.")
    return "\n".join(lines)


def as_text(spec: NodeSpec) -> str:
    """One node type, for reading."""
    lines = [f"{spec.title} ({spec.type}), version {spec.version}", "", spec.doc, ""]
    rows = [(one.name, str(one.type), _accepts(one)) for one in spec.inputs]
    rows += [(f"-> {one.name}", str(one.type), "") for one in spec.outputs]
    if rows:
        names, types = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines += [f"  {name:{names}}  {kind:{types}}  {text}".rstrip() for name, kind, text in rows]
    for one in spec.inputs:
        if isinstance(one.hint, Words):
            lines += ["", *_offered(one.name, one.hint)]
    return "\n".join(lines)


def _offered(name: str, hint: Words) -> list[str]:
    """The labels of a setting that takes words, both languages of an entry together."""
    entries = vocabulary().entries(hint.category)
    # A line is not broken at a no-break space; Japanese letters are twice as wide on a terminal.
    labels = ", ".join(" ".join(entry.labels).replace(" ", "\N{NO-BREAK SPACE}") for entry in entries)
    lines = textwrap.wrap(f"{name}: {labels}", 84, initial_indent="  ", subsequent_indent="    ")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _accepts(one: InputSpec) -> str:
    """What an input accepts, and its default."""
    parts: list[str] = []
    hint = one.hint
    if isinstance(hint, Choice):
        parts.append(" | ".join(str(option) for option in hint.options))
    elif isinstance(hint, Number) and (hint.min, hint.max) != (None, None):
        low = "" if hint.min is None else f"{hint.min:g}"
        high = "" if hint.max is None else f"{hint.max:g}"
        parts.append(f"{low}..{high}{' ' + hint.unit if hint.unit else ''}")
    elif isinstance(hint, Words):
        parts.append("words below, or free text")
    elif isinstance(hint, OutputFile) and hint.suffixes:
        parts.append(" ".join(hint.suffixes))
    elif isinstance(hint, Weights):
        kinds = f" ({' or '.join(hint.kinds)})" if hint.kinds else ""
        parts.append(" | ".join((f"a model{kinds}", *hint.own)))
    if one.required:
        parts.append("needed")
    elif not one.is_port and one.default is not None:
        shown: Any = ", ".join(map(str, one.default)) if one.type.many else one.default
        parts.append(f"default {shown!r}" if isinstance(shown, str) and not one.type.many else f"default {shown}")
    elif one.nullable:
        parts.append("may be empty")
    if one.doc:
        parts.append(one.doc)
    return "; ".join(parts)


def _first_sentence(doc: str) -> str:
    flat = " ".join(doc.split("\n\n")[0].split())
    return flat.split(". ")[0].rstrip(".") + "."
