"""Names of outputs: the placeholders they may hold, and values made safe to stand in a file's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.wording import cut, shown

NUMBER = re.compile(r"\{n(?::0([1-9]))?\}")
"""`{n}`, or `{n:04}` with leading zeros; it stays in a checked path and becomes the next free number."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff/\\:*?"<>|{}]+')
_SUFFIX = re.compile(r"\.[^./{}]+$")
_MAX_BYTES = 100
_HINT = "A name may hold {graph}, {each}, {n}, {n:04} and {node.input}."


def nodes_named(template: str) -> list[str]:
    """The ids in the `{node.input}` of a template."""
    found = [match[1].rpartition(".")[0] for match in _PLACEHOLDER.finditer(template)] if "{" in template else []
    return [id for id in found if id]


def with_ids(template: str, ids: Mapping[str, str]) -> str:
    """`template` with the nodes that its `{node.input}` name called as `ids` says, those inside of one with it."""

    def named(match: re.Match[str]) -> str:
        node, dot, setting = match[1].rpartition(".")
        parts = node.split("/")
        for end in range(len(parts), 0, -1) if dot else ():
            outer = "/".join(parts[:end])
            if outer in ids:
                return f"{{{'/'.join([ids[outer], *parts[end:]])}.{setting}}}"
        return match[0]

    return _PLACEHOLDER.sub(named, template) if "{" in template else template


def stray_brace(name: str) -> bool:
    """Whether a brace is left that is not part of `{n}`."""
    rest = NUMBER.sub("", name)
    return "{" in rest or "}" in rest


def fill(template: str, values: Mapping[str, str], value_of: Callable[[str, str], str]) -> str:
    """`template` with all placeholders but `{n}` filled in: `values` holds `graph` and `each`, and
    `value_of(node, input)` gives the text of a setting. Raises GraphError (`bad-output-name`)."""

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return safe_name(values[name])
        if NUMBER.fullmatch(match[0]):
            return match[0]
        node, dot, setting = name.rpartition(".")
        if not dot or not node or not setting:
            raise _refused(f"{shown(template)} holds {match[0]}, which is no placeholder.")
        return safe_name(value_of(node, setting))

    if len(template) > 4000:
        raise _refused("This output name is longer than 4000 characters.")
    filled_in = _PLACEHOLDER.sub(filled, template)
    if stray_brace(filled_in):
        raise _refused(f"{shown(template)} has a brace that is no placeholder.")
    return filled_in


def with_each(template: str) -> str:
    """The template of an output of one of several variants, which must tell them apart."""
    if "{each}" in template or NUMBER.search(template):
        return template
    folder, slash, name = template.rpartition("/")
    # A dot inside braces is that of `{node.input}`.
    suffix = _SUFFIX.search(name)
    cut_at = suffix.start() if suffix and suffix.start() else len(name)
    return f"{folder}{slash}{name[:cut_at]}-{{each}}{name[cut_at:]}"


def safe_name(text: str) -> str:
    """`text` as a part of a file's name: no separators or control characters, no dot in front, at most 100 bytes."""
    text = _UNSAFE.sub("_", text[:1000]).strip().lstrip(".").rstrip(". ")
    return text.encode()[:_MAX_BYTES].decode(errors="ignore").rstrip(". ")


def value_text(value: Any, *, is_path: bool = False) -> str:
    """How a setting stands in a file's name; a path gives its stem, a list its items joined by `-`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "-".join(value_text(item, is_path=is_path) for item in cast("tuple[Any, ...]", value[:32]))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return PurePosixPath(str(value)).stem if is_path else str(value)


def _refused(message: str) -> GraphError:
    return GraphError(Problem("bad-output-name", cut(message), hint=_HINT))
