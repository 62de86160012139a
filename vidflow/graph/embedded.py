"""The graph that a movie carries, and what it was made with, taken out of it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vidflow.errors import GraphError, MediaError, Problem
from vidflow.graph.wording import cut, quoted

if TYPE_CHECKING:
    from vidflow.graph.provenance import Provenance

KEY = "vidflow"
"""The name of the graph among a movie's metadata."""

MADE = "vidflow_made"
"""The name of what else made it."""

HEAD = 16
"""How many bytes of a file `is_media` looks at."""

_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_MAGIC = (
    b"\x1a\x45\xdf\xa3",
    b"GIF8",
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"FORM",
    b"FLV\1",
)


def is_media(head: bytes) -> bool:
    """Whether a file that begins with `head` holds pictures or sound, which no JSON text begins like."""
    return (head[:1] == b"\0" and head[4:8] in _BOXES) or head.startswith(_MAGIC)


def carried(path: str | os.PathLike[str]) -> str:
    """The text of the graph that the movie at `path` carries. Raises GraphError where there is none."""
    from vidflow.media import read_metadata

    name = quoted(path)
    try:
        text = read_metadata(Path(path)).get(KEY)
    except MediaError as error:
        why = cut(str(error).removeprefix(f"{error.path}: "))
        raise GraphError(Problem("unreadable", f"{name}: {why}")) from None
    if text is None:
        hint = "Only movies that vidflow wrote with embed_graph on do; name the graph's own file."
        raise GraphError(Problem("no-graph", f"{name} carries no graph.", hint=hint))
    return text


def made_with(path: str | os.PathLike[str]) -> Provenance | None:
    """What the movie at `path` was made with, where it says so; None for any other file."""
    from vidflow.graph.provenance import read
    from vidflow.media import read_metadata

    try:
        with Path(path).open("rb") as file:
            if not is_media(file.read(HEAD)):
                return None
        text = read_metadata(Path(path)).get(MADE)
    except (OSError, MediaError):
        return None
    return read(text) if text is not None else None
