"""A text as a picture: lines broken where they may be, letters drawn with Pillow, outline and box under them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidflow.api import NodeError

from .fonts import Face, named, of_the_system, shipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOT_FIRST = set(
    "、。，．・：；？！‼⁇⁈⁉゛゜ヽヾゝゞ々ー〻”’）〕］｝〉》」』】〙〗〟｠»,.:;?!)]}%‰℃°…‥〜～–"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ｡､･｣ｰｧｨｩｪｫｬｭｮｯﾞﾟ"
)
"""What begins no line (JIS X 4051, in short)."""
NOT_LAST = set("“‘（〔［｛〈《「『【〘〖〝｟«([{￥＄£$¥｢")
"""What ends no line."""
LINE = 1.3
"""From one line to the next, in ems."""
RISE = 0.88
"""What lies above the base line of the square that a Japanese letter fills, in ems."""
BOX_PADDING = (0.45, 0.3)
"""Between the letters and the edge of the box, to the side and upwards, in ems."""
MEASURED = 256
"""Pixels of the size at which widths are measured."""
SHRINK = 0.95
"""From one size that is tried to the next."""
SMALLEST = 0.02
"""Of the size that was asked for; what still does not fit then is refused."""
BREAK_WORDS = 0.6
"""Of that size: below it, words are broken rather than shrunk further."""
MOST_PIXELS = 48 * 2**20
"""Of the picture in which letters are drawn, larger than they are shown."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a text looks like. `size` in pixels of the frame, colours `#rrggbb`, `outline` in ems, `box` as opacity."""

    size: float
    colour: str
    outline: float
    outline_colour: str
    box: float
    box_colour: str
    font: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A picture to be laid over frames at `left`, `top`: opacity `[h, w, 1]` and colours times opacity `[h, w, 3]`.

    Both float32 in 0..1. `scale` is how much smaller than asked for the text had to be, `fonts` names those beside
    the chosen one that were needed, `missing` the characters that no font has.
    """

    left: int
    top: int
    opacity: NDArray[np.float32]
    light: NDArray[np.float32]
    scale: float
    fonts: tuple[str, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters of one font, drawn together `at` ems from the start of their word."""

    face: Face
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Word:
    """What is never broken unless it must: a word, or one letter of those that stand without spaces.

    `width` and `space` (that before it) in ems; `glued` where no line begins with it.
    """

    glyphs: tuple[Glyphs, ...]
    width: float
    space: float
    glued: bool


class Lettering:
    """Measures and draws letters with the fonts that have them."""

    def __init__(self, font: Path | None) -> None:
        self._faces = (*([named(font)] if font else []), *shipped())
        self._named = font is not None
        self._sizes: dict[tuple[Path, int], Any] = {}
        self.used: dict[str, None] = {}
        self.missing: dict[str, None] = {}

    def sized(self, face: Face, pixels: int) -> Any:
        """Pillow's font of this size. Raises NodeError where it cannot be read."""
        from PIL import ImageFont

        key = face.path, pixels
        if key not in self._sizes:
            # A shaping library is not on every machine: what is in the box looks the same without one.
            engine = ImageFont.Layout.BASIC if face.in_the_box else None
            try:
                self._sizes[key] = ImageFont.truetype(face.path, pixels, layout_engine=engine)
            except OSError as error:
                raise NodeError(f"{face.name} is no font that can be used ({error}); name another one.") from error
        return self._sizes[key]

    def words(self, line: str) -> list[Word]:
        """The words of a line."""
        found: list[Word] = []
        space, before = 0.0, ""
        for part in _parts(line):
            if _breaks(part[0]):
                space += sum(1.0 if one == "\u3000" else 0.25 for one in part)
                before = ""
                continue
            glued = bool(before) and (part[0] in NOT_FIRST or before in NOT_LAST)
            word = self._word(part, space, glued)
            if word.glyphs:
                found.append(word)
                space, before = 0.0, part[-1]
        return found

    def _word(self, text: str, space: float, glued: bool) -> Word:
        glyphs: list[Glyphs] = []
        at = 0.0
        for face, run in self._runs(text):
            if not face.in_the_box:
                glyphs.append(Glyphs(face, run, at))
                at += self._width(face, run)
                continue
            for one, following in zip(run, [*run[1:], ""], strict=True):
                glyphs.append(Glyphs(face, one, at))
                at += self._width(face, one) + (face.move(one, following) if following else 0)
        return Word(tuple(glyphs), at, space, glued)

    def _width(self, face: Face, text: str) -> float:
        return self.sized(face, MEASURED).getlength(text) / MEASURED

    def _runs(self, text: str) -> list[tuple[Face, str]]:
        """The text in one font where there is one for all of it, else each letter in the first that has it."""
        face = self._face(text)
        if face is not None:
            return [(face, text)]
        found = [(self._face(one), one) for one in text] if len(text) > 1 else [(None, text)]
        known = [(face, one) for face, one in found if face is not None]
        if len(known) < len(found):
            self.missing.update((one, None) for face, one in found if face is None)
            return self._runs("".join(one for _, one in known)) if known else []
        return [(face, "".join(one for _, one in run)) for face, run in groupby(known, lambda pair: pair[0])]

    def _face(self, text: str) -> Face | None:
        face = next((face for face in self._faces if face.has(text)), None) or of_the_system(text)
        expected = self._faces[:1] if self._named else self._faces
        if face is not None and face not in expected:
            self.used.setdefault(face.name)
        return face


def lettered(text: str, style: Style, width: int, height: int, position: tuple[float, float], margin: float) -> Layer:
    """`text` laid out for frames of `width` x `height`, `margin` pixels from their edges.

    `position` is (0, 0) at the top left and (1, 1) at the bottom right. Raises NodeError where it is too long at any
    size that could be read, or where the font is none.
    """
    letters = Lettering(style.font)
    paragraphs = [letters.words(line) for line in cleaned(text)]
    padding = BOX_PADDING if style.box else (style.outline, style.outline)
    scale = 1.0
    while scale >= SMALLEST:
        size = style.size * scale
        free = [
            max(1.0, total - 2 * margin) / size - 2 * pad for total, pad in zip((width, height), padding, strict=True)
        ]
        lines = [line for words in paragraphs for line in wrapped(words, free[0], scale < BREAK_WORDS)]
        high = (len(lines) - 1) * LINE + 1
        if high <= free[1] and all(length(line) <= free[0] for line in lines):
            layer = _drawn(letters, lines, style, scale, (width, height), position, margin)
            if layer is not None:
                return layer
        scale *= SHRINK
    raise NodeError(f"the text of {len(text)} characters does not fit into {width}x{height}; shorten or split it.")


def cleaned(text: str) -> list[str]:
    """The lines of a text, composed (NFC), without what has no glyph."""
    lines = re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", unicodedata.normalize("NFC", text))
    lines = ["".join(_visible(line)).strip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _visible(line: str) -> Iterator[str]:
    for one in line:
        if one == "\t":
            yield " "
        # Joiners shape Arabic and Indic letters; variation selectors and the rest say nothing to a title.
        elif one in "\u200c\u200d" or not (
            unicodedata.category(one) in ("Cc", "Cf", "Cs", "Cn") or "\ufe00" <= one <= "\ufe0f"
        ):
            yield one


def _breaks(one: str) -> bool:
    """Whether it is a space at which a line may end."""
    return one.isspace() and one not in "\xa0\u2007\u202f"


def _parts(line: str) -> list[str]:
    """Spaces, words, and each letter of those that stand without spaces."""
    parts: list[str] = []
    kinds: list[str] = []
    for one in line:
        between = one in "…‥“”‘’" and bool(kinds) and kinds[-1] == "wide"
        wide = between or unicodedata.east_asian_width(one) in "WF"
        kind = "space" if _breaks(one) else "wide" if wide else "word"
        joined = bool(parts) and kind != "wide" and kinds[-1] == kind and not parts[-1].endswith(("-", "\u2010", "/"))
        if joined or (parts and unicodedata.combining(one)):
            parts[-1] += one
        else:
            parts.append(one)
            kinds.append(kind)
    return parts


def length(line: Sequence[Word]) -> float:
    """How wide a line is, in ems, without the space before its first word."""
    return sum(word.space + word.width for word in line) - (line[0].space if line else 0)


def wrapped(words: Sequence[Word], most: float, breaking: bool) -> list[list[Word]]:
    """Lines of at most `most` ems, as few as can be and of nearly one length.

    What is longer and may not be broken stands alone on its line; with `breaking`, words may be.
    """
    clusters: list[list[Word]] = []
    for word in words:
        if clusters and word.glued:
            clusters[-1].append(word)
        else:
            clusters.append([word])
    if breaking:
        clusters = [
            part for cluster in clusters for part in ([cluster] if length(cluster) <= most else _split(cluster))
        ]
    lines = _filled(clusters, most)
    if len(lines) > 1:
        low, high = 0.0, most
        while high - low > 0.05:
            middle = (low + high) / 2
            narrow = _filled(clusters, middle)
            if len(narrow) <= len(lines) and all(length(line) <= middle for line in narrow):
                lines, high = narrow, middle
            else:
                low = middle
    return lines


def _split(cluster: Sequence[Word]) -> Iterator[list[Word]]:
    """Every letter by itself."""
    for word in cluster:
        ends = [*(glyphs.at for glyphs in word.glyphs[1:]), word.width]
        for glyphs, end in zip(word.glyphs, ends, strict=True):
            space = word.space if glyphs is word.glyphs[0] else 0.0
            yield [Word((Glyphs(glyphs.face, glyphs.text, 0.0),), end - glyphs.at, space, False)]


def _filled(clusters: Sequence[Sequence[Word]], most: float) -> list[list[Word]]:
    lines: list[list[Word]] = [[]]
    taken = 0.0
    for cluster in clusters:
        more = length(cluster)
        if lines[-1] and taken + cluster[0].space + more > most:
            lines.append([])
        taken = taken + cluster[0].space + more if lines[-1] else more
        lines[-1].extend(cluster)
    return lines


def _drawn(
    letters: Lettering,
    lines: Sequence[Sequence[Word]],
    style: Style,
    scale: float,
    frame: tuple[int, int],
    position: tuple[float, float],
    margin: float,
) -> Layer | None:
    """The lines as a layer; None where what is drawn is larger than the frame."""
    import numpy as np
    from PIL import Image, ImageDraw

    size = style.size * scale
    wide = max(map(length, lines)) * size
    high = ((len(lines) - 1) * LINE + 1) * size
    padding = [pad * size for pad in (BOX_PADDING if style.box else (style.outline, style.outline))]
    left, top = (
        margin + pad + at * (total - 2 * margin - extent - 2 * pad)
        for at, total, extent, pad in zip(position, frame, (wide, high), padding, strict=True)
    )
    # Letters may reach out of their squares, accents above all.
    border = size * (0.6 + style.outline) + max(padding)
    x, y = floor(left - border), floor(top - border)
    columns, rows = ceil(left + wide + border) - x, ceil(top + high + border) - y
    finer = max(1, min(64, ceil(160 / size), floor(sqrt(MOST_PIXELS / (columns * rows)))))

    def place(across: float, down: float) -> tuple[float, float]:
        return (across - x) * finer, (down - y) * finer

    def mask() -> tuple[Any, Any]:
        picture = Image.new("L", (columns * finer, rows * finer))
        return picture, ImageDraw.Draw(picture)

    stroke = round(style.outline * size * finer)
    (fill, fill_pen), (edge, edge_pen), (box, box_pen) = mask(), mask(), mask()
    for number, line in enumerate(lines):
        across = left + position[0] * (wide - length(line) * size)
        down = top + (RISE + number * LINE) * size
        for at, word in zip(_starts(line), line, strict=True):
            for glyphs in word.glyphs:
                font = letters.sized(glyphs.face, max(1, round(size * finer)))
                spot = place(across + (at + glyphs.at) * size, down)
                try:
                    fill_pen.text(spot, glyphs.text, 255, font, "ls")
                    if stroke:
                        edge_pen.text(spot, glyphs.text, 255, font, "ls", stroke_width=stroke)
                except (OSError, ValueError) as error:
                    raise NodeError(f"the font {glyphs.face.name} cannot draw {glyphs.text!r}: {error}.") from error
    if style.box and wide:
        corners = *place(left - padding[0], top - padding[1]), *place(left + wide + padding[0], top + high + padding[1])
        box_pen.rounded_rectangle(corners, 0.25 * size * finer, fill=255)
    opacity = np.zeros((rows, columns, 1), np.float32)
    light = np.zeros((rows, columns, 3), np.float32)
    parts = (box, style.box, style.box_colour), (edge, 1, style.outline_colour), (fill, 1, style.colour)
    for picture, strength, colour in parts:
        share = np.asarray(picture.reduce(finer), np.float32)[..., None] * np.float32(strength / 255)
        opacity = opacity * (1 - share) + share
        light = light * (1 - share) + share * (np.array(_rgb(colour), np.float32) / np.float32(255))
    inked = np.argwhere(opacity[..., 0] > 0)
    (first_row, first_column), (last_row, last_column) = (
        (inked.min(axis=0), inked.max(axis=0) + 1) if len(inked) else ((0, 0), (0, 0))
    )
    opacity, light = (part[first_row:last_row, first_column:last_column] for part in (opacity, light))
    if opacity.shape[0] > frame[1] or opacity.shape[1] > frame[0]:
        return None
    return Layer(
        min(max(0, x + int(first_column)), frame[0] - opacity.shape[1]),
        min(max(0, y + int(first_row)), frame[1] - opacity.shape[0]),
        opacity,
        light,
        scale,
        tuple(letters.used),
        "".join(letters.missing),
    )


def _starts(line: Sequence[Word]) -> Iterator[float]:
    at = -line[0].space if line else 0.0
    for word in line:
        yield at + word.space
        at += word.space + word.width


def _rgb(colour: str) -> tuple[int, int, int]:
    digits = colour.removeprefix("#")
    try:
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    except ValueError as error:
        raise NodeError(f"{colour!r} is no colour: expected #rrggbb, for example #ffcc00.") from error
