"""Look-up tables of colour in `.cube` files: read strictly, applied to planes by FFmpeg's `lut1d` and `lut3d`."""

from __future__ import annotations

import queue
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from vidflow.api import NodeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES = {1: (2, 65536), 3: (2, 129)}
"""Smallest and largest size of a table of one and of three dimensions."""
LARGEST = 256 * 2**20
"""Bytes of a file; a table of 129 with long numbers has some 100 MB."""
LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """A table of `size` values for each channel (`dimensions` 1) or of `size`**3 colours (3), red changing fastest.

    `low` and `high` are the colours at its first and last entry.
    """

    dimensions: int
    size: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    table: NDArray[np.float64]


def read_cube(path: Path) -> Cube:
    """Read a `.cube` file (Adobe Cube LUT Specification 1.0, 2013), its domain given either as Adobe or as Resolve do.

    Raises NodeError with the line where the file is none.
    """
    import numpy as np

    heads, rows, numbers = _lines(path)
    dimensions, size, low, high = _head(path, heads)
    entries = size**dimensions
    if len(rows) != entries:
        where = f"line {numbers[entries]} is" if len(rows) > entries else "the file ends"
        raise NodeError(
            f"{where} after {min(len(rows), entries)} colours, but a table of size {size} in {dimensions} "
            f"dimension{'s' * (dimensions > 1)} has {entries}; the LUT {path.name} is damaged."
        )
    try:
        if any(len(row.split()) != 3 or "_" in row for row in rows):
            raise ValueError
        table = np.array(" ".join(rows).split(), np.float64).reshape(entries, 3)
        good = bool((np.abs(table) < 1e9).all())
    except ValueError:
        table, good = np.empty((0, 3)), False
    if not good:
        table = np.array([_three(path, number, row) for number, row in zip(numbers, rows, strict=True)])
    return Cube(dimensions, size, low, high, table)


def _lines(path: Path) -> tuple[list[tuple[int, str, str]], list[str], list[int]]:
    """Keywords with their line numbers and what stands behind them; the rows of numbers; the rows' line numbers."""
    try:
        if path.stat().st_size > LARGEST:
            raise NodeError(f"the LUT {path.name} has over {LARGEST // 2**20} MB; expected a .cube file.")
        text = path.read_bytes()
    except OSError as error:
        raise NodeError(f"the LUT {path} cannot be read: {error.strerror or error}.") from error
    heads: list[tuple[int, str, str]] = []
    rows: list[str] = []
    numbers: list[int] = []
    for number, raw in enumerate(text.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        line = raw.decode("latin-1").strip()
        if not line or line[0] == "#":
            continue
        if len(line) > LONGEST_LINE or "\0" in line:
            _refuse(path, number, line, "this is no text")
        if line[0].isalpha() and line[:3].lower() not in ("nan", "inf"):
            if rows:
                _refuse(path, number, line, "a keyword after the first colour")
            word, *rest = line.split(None, 1)
            heads.append((number, word, "".join(rest)))
        else:
            rows.append(line)
            numbers.append(number)
    return heads, rows, numbers


def _head(
    path: Path, heads: list[tuple[int, str, str]]
) -> tuple[int, int, tuple[float, float, float], tuple[float, float, float]]:
    """Dimensions, size, and the two ends of the domain."""
    shape: tuple[int, int] | None = None
    low, high = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for number, word, rest in heads:
        if word in ("LUT_1D_SIZE", "LUT_3D_SIZE"):
            dimensions = int(word[4])
            least, most = SIZES[dimensions]
            if shape is not None:
                _refuse(path, number, f"{word} {rest}", "a second size; tables with a shaper are not read")
            if not (rest.isascii() and rest.isdecimal() and len(rest) < 7 and least <= int(rest) <= most):
                _refuse(path, number, f"{word} {rest}", f"expected a size of {least} to {most}")
            shape = dimensions, int(rest)
        elif word == "DOMAIN_MIN":
            low = _three(path, number, rest)
        elif word == "DOMAIN_MAX":
            high = _three(path, number, rest)
        elif word in ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"):
            least, most, _ = _three(path, number, f"{rest} 0")
            low, high = (least, least, least), (most, most, most)
        elif word != "TITLE":
            _refuse(path, number, word, "expected TITLE, LUT_1D_SIZE, LUT_3D_SIZE, DOMAIN_MIN or DOMAIN_MAX")
    if shape is None:
        raise NodeError(f"the LUT {path.name} names no LUT_1D_SIZE or LUT_3D_SIZE; expected a .cube file.")
    if any(most - least < 1e-6 for least, most in zip(low, high, strict=True)):
        raise NodeError(f"the LUT {path.name} has the domain {low} to {high}; its end must lie above its start.")
    return (*shape, low, high)


def _three(path: Path, number: int, text: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(word.replace("_", "?")) for word in text.split())
    except ValueError:
        _refuse(path, number, text, "expected three numbers")
    if not all(-1e9 < value < 1e9 for value in (red, green, blue)):
        _refuse(path, number, text, "expected three finite numbers")
    return red, green, blue


def _refuse(path: Path, number: int, line: str, why: str) -> NoReturn:
    shown = line if len(line) <= 40 else f"{line[:40]}..."
    raise NodeError(f"line {number} of the LUT {path.name} reads {shown!r}: {why}.")


class CubeFilter:
    """A `Cube` at work on pictures of one size, planes of red, green and blue each, in 0..1 of its domain.

    Tables of three dimensions are interpolated in tetrahedra, those of one in straight lines. Any thread may call it;
    each call has a graph of filters to itself, and graphs that are free are used again.
    """

    def __init__(self, cube: Cube, width: int, height: int, depth: str) -> None:
        """`depth` is that of the planes: uint16, of which 65535 is 1, or float32."""
        import numpy as np

        self._cube = cube
        self._size = width, height
        # Rows that end in the middle of a vector were seen to crash the filter; the widest vectors have 64 bytes.
        self._padded = -(-width // 64) * 64
        self._depth = np.dtype(depth)
        self._format = "gbrp16le" if depth == "uint16" else "gbrpf32le"
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def planes(self, frame: Any) -> tuple[Any, Any, Any]:
        """The red, green and blue plane `[height, width]` of an FFmpeg frame, as arrays that share its memory."""
        red, green, blue = (rows[:, : self._size[0]] for rows in self._rows(frame))
        return red, green, blue

    def blank(self) -> Any:
        """A new frame whose planes are to be filled, without NaN, and which is then given to `apply`."""
        import av

        frame = av.VideoFrame(self._padded, self._size[1], self._format)
        for rows in self._rows(frame):
            # What memory holds by chance may be NaN, which the filter takes for a place outside of its table.
            rows[:, self._size[0] :] = 0
        return frame

    def _rows(self, frame: Any) -> tuple[Any, Any, Any]:
        import numpy as np

        green, blue, red = (
            np.frombuffer(plane, self._depth).reshape(self._size[1], plane.line_size // self._depth.itemsize)
            for plane in frame.planes
        )
        return red, green, blue

    def apply(self, frame: Any) -> Any:
        """The frame looked up."""
        try:
            graph = self._free.get_nowait()
        except queue.Empty:
            graph = self._graph()
        graph.push(frame)
        found = graph.pull()
        self._free.put(graph)
        return found

    def _graph(self) -> Any:
        import av
        import av.filter

        width, height = self._padded, self._size[1]
        graph = av.filter.Graph()
        graph.threads = 1
        pixels = av.VideoFormat(self._format, width, height)
        source = graph.add_buffer(width=width, height=height, format=pixels, time_base=Fraction(1))
        with tempfile.TemporaryDirectory(prefix="vidflow-") as folder:
            # The filter reads its table from a file while it is made. Ours is always of domain 0 to 1: FFmpeg takes
            # no other start into account.
            path = Path(folder, "look.cube")
            rows = map("%.9g %.9g %.9g".__mod__, map(tuple, self._cube.table.tolist()))
            path.write_text("\n".join([f"LUT_{self._cube.dimensions}D_SIZE {self._cube.size}", *rows, ""]), "ascii")
            if self._cube.dimensions == 3:
                look = graph.add("lut3d", file=str(path), interp="tetrahedral")
            else:
                look = graph.add("lut1d", file=str(path), interp="linear")
        sink = graph.add("buffersink")
        source.link_to(look)
        look.link_to(sink)
        graph.configure()
        return graph
