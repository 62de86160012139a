"""Where in the text of a JSON file a value stands, found only once something is known to be wrong there.

The standard library's reader gives no positions and keeps the last of two equal keys; a second, slower walk over the
text, which is known to be JSON by then, makes up for both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

Trail = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)


@dataclass(slots=True)
class _Level:
    keys: set[str] | None
    """The keys so far; None in a list."""
    key: str | int
    expects_key: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A key or a list item: the path to it, the offset in characters, and whether its key stood there before."""

    path: Trail
    offset: int
    repeated: bool


def members(text: str, depth: int) -> Iterator[Member]:
    """Each member in the order of the text, down to `depth` levels; `text` is valid JSON."""
    import json

    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        top = levels[-1] if levels else None
        if token in "}]":
            levels.pop()
        elif token == ",":
            assert top is not None
            if isinstance(top.key, int):
                top.key += 1
            else:
                top.expects_key = True
        elif token != ":":
            if top is not None and top.keys is not None and top.expects_key:
                top.key = json.loads(token, strict=False)
                assert isinstance(top.key, str)
                top.expects_key = False
                repeated = top.key in top.keys
                top.keys.add(top.key)
                if repeated or len(levels) <= depth:
                    yield Member(tuple(level.key for level in levels), match.start(), repeated)
                continue
            if top is not None and top.keys is None and len(levels) <= depth:
                yield Member(tuple(level.key for level in levels), match.start(), False)
            if token == "{":
                levels.append(_Level(set(), "", True))
            elif token == "[":
                levels.append(_Level(None, 0, False))


def find(text: str, paths: Collection[Trail]) -> dict[Trail, tuple[int, int]]:
    """Line and column, both from 1, of the key (or the list item) at each of `paths` that is in `text`."""
    wanted = set(paths)
    depth = max((len(path) for path in wanted), default=0)
    offsets = {member.path: member.offset for member in members(text, depth) if member.path in wanted}
    return {path: line_column(text, offset) for path, offset in offsets.items()}


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of the character at `offset`."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
