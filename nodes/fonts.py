"""Which font draws which character: a named one, the two in the box, and those of the system for what these lack."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from vidflow.api import NodeError

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
LIKED = (
    "notosanscjk-bold",
    "notosanscjk",
    "notosansjp",
    "hiragino",
    "yugoth",
    "meiryo",
    "ipaexg",
    "ipag",
    "vl-gothic",
    "takao",
    "notosans-bold",
    "notosans",
    "dejavusans-bold",
)
"""Beginnings of the file names of what is taken first of the system's fonts."""
COLOURED = {b"CBDT", b"sbix", b"COLR", b"SVG "}
"""Tables of fonts whose glyphs are no outlines, or only in part."""


@dataclass(frozen=True)
class Face:
    """A font file (of a collection, its first font), of which only the index of its characters is read."""

    path: Path
    in_the_box: bool = False
    _tables: Mapping[bytes, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @cached_property
    def glyphs(self) -> Mapping[int, int]:
        """The glyph of each code point that it has."""
        with self.path.open("rb") as file:
            return _glyphs(file, self._tables[b"cmap"][0])

    @cached_property
    def kerning(self) -> Mapping[tuple[int, int], int]:
        """By how many units of the font two glyphs move apart, from its `kern` table."""
        if b"kern" not in self._tables:
            return {}
        with self.path.open("rb") as file:
            return _kerning(file, *self._tables[b"kern"])

    @cached_property
    def units(self) -> int:
        """Units of the font to the em."""
        with self.path.open("rb") as file:
            return _at(file, self._tables[b"head"][0] + 18, "H")[0]

    def has(self, text: str) -> bool:
        """Whether it has every character of `text`."""
        return all(ord(one) in self.glyphs for one in text)

    def move(self, first: str, second: str) -> float:
        """By how many ems two characters are set apart from what their widths say."""
        pair = self.glyphs.get(ord(first), -1), self.glyphs.get(ord(second), -1)
        return self.kerning.get(pair, 0) / self.units


def opened(path: Path) -> Face | None:
    """The font at `path`, or None where this is no font of outlines with an index of its characters."""
    try:
        with path.open("rb") as file:
            tables = _directory(file)
        face = Face(path, False, tables)
        good = {b"cmap", b"head"} <= tables.keys() and not COLOURED & tables.keys()
        return face if good and ({b"glyf", b"CFF ", b"CFF2"} & tables.keys()) and face.glyphs and face.units else None
    except (OSError, struct.error, ValueError):
        return None


def named(path: Path) -> Face:
    """The font that a user names. Raises NodeError where it is none."""
    face = opened(path)
    if face is None:
        raise NodeError(f"{path.name} is no font that can be used; expected a TrueType or OpenType file.")
    return face


@cache
def shipped() -> tuple[Face, ...]:
    """The fonts in the box, the one for most texts first."""
    folder = Path(str(files("vidflow_resources"))) / "fonts"
    names = "vidflow-sans-bold.otf", "vidflow-sans-bold-europe.ttf"
    return tuple(replace(named(folder / name), in_the_box=True) for name in names)


def of_the_system(text: str) -> Face | None:
    """A font of this machine that has every character of `text`."""
    return next((face for path in _paths() if (face := _remembered(path)) is not None and face.has(text)), None)


@cache
def _remembered(path: Path) -> Face | None:
    return opened(path)


@cache
def _paths() -> tuple[Path, ...]:
    """The system's font files, what is liked first."""
    found = [
        Path(folder, name)
        for top in _folders()
        for folder, _, names in os.walk(top)
        for name in names
        if name.lower().endswith(SUFFIXES)
    ]

    def order(path: Path) -> tuple[int, str]:
        name = path.name.lower()
        return next((at for at, liked in enumerate(LIKED) if name.startswith(liked)), len(LIKED)), str(path)

    return tuple(sorted(found, key=order))


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        return [
            Path(os.environ.get("WINDIR", "C:\\Windows"), "Fonts"),
            Path(local, "Microsoft", "Windows", "Fonts"),
        ]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"]


# OpenType 1.9, sections "Font file", "cmap" and "kern"; all numbers are big endian.


def _at(file: BinaryIO, offset: int, layout: str) -> tuple[int, ...]:
    file.seek(offset)
    layout = f">{layout}"
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _directory(file: BinaryIO) -> dict[bytes, tuple[int, int]]:
    """Where each table of the file's first font lies, and its length."""
    start = 0
    if file.read(4) == b"ttcf":
        (start,) = _at(file, 12, "I")
    (count,) = _at(file, start + 4, "H")
    tables: dict[bytes, tuple[int, int]] = {}
    for row in range(count):
        file.seek(start + 12 + 16 * row)
        tag, _, offset, length = struct.unpack(">4sIII", file.read(16))
        tables[tag] = offset, length
    return tables


def _glyphs(file: BinaryIO, start: int) -> dict[int, int]:
    (count,) = _at(file, start + 2, "H")
    records = [_at(file, start + 4 + 8 * row, "HHI") for row in range(count)]
    readers: dict[int, Callable[[BinaryIO, int], Iterator[tuple[int, int]]]] = {12: _groups, 4: _segments}
    found = {
        _at(file, start + offset, "H")[0]: start + offset
        for platform, encoding, offset in records
        if platform == 0 or (platform == 3 and encoding in (1, 10))
    }
    kind = next((kind for kind in readers if kind in found), None)
    # A damaged font may say that it has more; nobody shall wait for that.
    pairs = islice(readers[kind](file, found[kind]), 0x20000) if kind is not None else ()
    return {code: glyph for code, glyph in pairs if glyph}


def _groups(file: BinaryIO, start: int) -> Iterator[tuple[int, int]]:
    """Format 12."""
    (count,) = _at(file, start + 12, "I")
    for row in range(count):
        first, last, glyph = _at(file, start + 16 + 12 * row, "III")
        if first <= last <= 0x10FFFF:
            yield from zip(range(first, last + 1), range(glyph, glyph + last - first + 1), strict=True)


def _segments(file: BinaryIO, start: int) -> Iterator[tuple[int, int]]:
    """Format 4."""
    length, _, twice = _at(file, start + 2, "HHH")
    count = twice // 2
    words = _at(file, start, f"{length // 2}H")
    lasts, firsts = words[7 : 7 + count], words[8 + count : 8 + 2 * count]
    deltas, ranges = words[8 + 2 * count : 8 + 3 * count], words[8 + 3 * count : 8 + 4 * count]
    for row, (first, last, delta, offset) in enumerate(zip(firsts, lasts, deltas, ranges, strict=True)):
        for code in range(first, last + 1):
            if offset == 0:
                yield code, (code + delta) % 0x10000
                continue
            at = 8 + 3 * count + row + offset // 2 + code - first
            glyph = words[at] if at < len(words) else 0
            yield code, (glyph + delta) % 0x10000 if glyph else 0


def _kerning(file: BinaryIO, start: int, length: int) -> dict[tuple[int, int], int]:
    version, count = _at(file, start, "HH")
    found: dict[tuple[int, int], int] = {}
    at = start + 4
    for _ in range(count if version == 0 else 0):
        _, size, coverage, pairs = _at(file, at, "HHHH")
        if coverage >> 8 != 0 or coverage & 1 == 0 or at + 14 + 6 * pairs > start + length:
            break
        values = _at(file, at + 14, "HHh" * pairs)
        for first, second, move in zip(values[::3], values[1::3], values[2::3], strict=True):
            found.setdefault((first, second), move)
        at += size
    return found
