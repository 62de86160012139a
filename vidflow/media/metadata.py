"""The texts that a media file carries beside its pictures and sound, read without decoding anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from vidflow.errors import MediaError

MOST_BYTES = 2**24
"""All texts of a file together; what is past that is left out."""
WEBP_CHUNK = b"vidf"
"""The chunk of a WebP that holds a JSON object of texts; other programs pass over it."""
_MOST_STEPS = 2_000_000
_MP4_NAMES = {
    b"\xa9nam": "title",
    b"\xa9ART": "artist",
    b"\xa9alb": "album",
    b"\xa9cmt": "comment",
    b"\xa9day": "date",
    b"\xa9gen": "genre",
    b"\xa9too": "encoder",
    b"cprt": "copyright",
    b"desc": "description",
    b"ldes": "synopsis",
}
_SEGMENT, _CLUSTER, _TAGS, _TAG, _TARGETS = 0x18538067, 0x1F43B675, 0x1254C367, 0x7373, 0x63C0
_SIMPLE_TAG, _TAG_NAME, _TAG_STRING, _TRACK = 0x67C8, 0x45A3, 0x4487, 0x63C5
_HEADER, _INFO, _TITLE = 0x1A45DFA3, 0x1549A966, 0x7BA9


def read_metadata(path: Path) -> dict[str, str]:
    """The texts of the whole file (MP4, MOV, Matroska, WebM, GIF, WebP) by their keys, which are in lower case.

    Empty for any other file. What is damaged or too large is left out. Raises MediaError where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file).texts()
    except OSError as error:
        raise MediaError(path, f"cannot be read: {error.strerror or error}.") from error


class _Reader:
    """Walks through the boxes of one file. Whatever it is told, it reads no further than the file and its limits."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, 2)
        self._left = MOST_BYTES
        self._steps = 0
        self._found: dict[str, str] = {}

    def texts(self) -> dict[str, str]:
        """All that can be read."""
        head = self._at(0, 12)
        try:
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
                self._mp4(0, self._end)
            elif head[:4] == _HEADER.to_bytes(4, "big"):
                self._matroska(0, self._end)
            elif head[:6] in (b"GIF87a", b"GIF89a"):
                self._gif()
            elif head[:4] == b"RIFF" and head[8:] == b"WEBP":
                self._webp()
        except _Broken:
            # It ends here, or says something that cannot be; what came before is good.
            pass
        return self._found

    def _at(self, place: int, length: int) -> bytes:
        self._file.seek(place)
        return self._file.read(length)

    def _exactly(self, place: int, length: int) -> bytes:
        if length > self._left or place + length > self._end:
            raise _Broken
        self._step()
        data = self._at(place, length)
        if len(data) < length:
            raise _Broken
        return data

    def _text(self, place: int, length: int) -> str:
        data = self._exactly(place, length)
        self._left -= length
        return data.decode("utf-8", "replace").rstrip("\0")

    def _keep(self, key: str, value: str) -> None:
        self._found.setdefault(key.lower(), value)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _Broken

    # MP4 and MOV: ISO/IEC 14496-12, and Apple's QuickTime File Format Specification for `keys` and `ilst`

    def _boxes(self, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
        """The type of each box, and where its content starts and stops."""
        while start + 8 <= stop:
            head = self._exactly(start, 8)
            size, name, content = int.from_bytes(head[:4], "big"), head[4:], start + 8
            if size == 1:
                size, content = int.from_bytes(self._exactly(start + 8, 8), "big"), start + 16
            end = stop if size == 0 else start + size
            if not content <= end <= stop:
                return
            yield name, content, end
            start = end

    def _mp4(self, start: int, stop: int) -> None:
        for name, low, high in self._boxes(start, stop):
            if name in (b"moov", b"udta"):
                self._mp4(low, high)
            elif name == b"meta":
                plain = self._at(low + 4, 4) == b"hdlr"
                self._mp4_entries(low if plain else low + 4, high)

    def _mp4_entries(self, start: int, stop: int) -> None:
        names = dict[bytes, str](_MP4_NAMES)
        for name, low, high in self._boxes(start, stop):
            if name == b"keys":
                for number, (_, key, end) in enumerate(self._boxes(low + 8, high), 1):
                    names[number.to_bytes(4, "big")] = self._text(key, end - key)
            elif name == b"ilst":
                for kind, first, last in self._boxes(low, high):
                    for data, at, end in self._boxes(first, last):
                        # Four bytes of type, of which 1 is UTF-8, and four of language.
                        if data == b"data" and kind in names and self._exactly(at, 8)[3] == 1:
                            self._keep(names[kind], self._text(at + 8, end - at - 8))

    # Matroska and WebM: RFC 8794 and RFC 9559

    def _elements(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The id of each element, and where its content starts and stops."""
        while start < stop:
            head = self._at(start, 12)
            self._step()
            width = 9 - head[0].bit_length() if head else 9
            if width > 4 or len(head) <= width:
                raise _Broken
            element = int.from_bytes(head[:width], "big")
            more = 9 - head[width].bit_length()
            if more > 8 or len(head) < width + more:
                raise _Broken
            size = int.from_bytes(head[width : width + more], "big") & (1 << 7 * more) - 1
            content = start + width + more
            if size == (1 << 7 * more) - 1:
                # Of unknown size, as live recordings are: the elements inside follow as if they stood beside it.
                yield element, content, stop if element == _SEGMENT else content
                start = stop if element == _SEGMENT else content
                continue
            yield element, content, min(content + size, stop)
            start = content + size

    def _matroska(self, start: int, stop: int) -> None:
        for element, low, high in self._elements(start, stop):
            if element in (_SEGMENT, _TAGS):
                self._matroska(low, high)
            elif element == _INFO:
                for inner, first, last in self._elements(low, high):
                    if inner == _TITLE:
                        self._keep("title", self._text(first, last - first))
            elif element == _TAG:
                self._tag(low, high)

    def _tag(self, start: int, stop: int) -> None:
        entries: list[tuple[str, str]] = []
        for element, low, high in self._elements(start, stop):
            if element == _TARGETS and any(inner == _TRACK for inner, *_ in self._elements(low, high)):
                return
            if element == _SIMPLE_TAG:
                said = {inner: (first, last) for inner, first, last in self._elements(low, high)}
                if _TAG_NAME in said and _TAG_STRING in said:
                    name, text = (self._text(a, b - a) for a, b in (said[_TAG_NAME], said[_TAG_STRING]))
                    entries.append((name, text))
        for name, text in entries:
            self._keep(name, text)

    # GIF89a, CompuServe 1990: comments of the form `key=value`

    def _gif(self) -> None:
        place = 13 + self._colours(10)
        while True:
            kind = self._exactly(place, 1)
            if kind == b"\x21":
                comment = self._exactly(place + 1, 1) == b"\xfe"
                place, data = self._blocks(place + 2, comment)
                key, equals, value = data.decode("utf-8", "replace").partition("=")
                if comment and equals:
                    self._keep(key, value)
            elif kind == b"\x2c":
                place, _ = self._blocks(place + 11 + self._colours(place + 9), False)
            else:
                return

    def _colours(self, place: int) -> int:
        """The length of the table of colours that the byte there tells of."""
        flags = self._exactly(place, 1)[0]
        return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0

    def _blocks(self, place: int, keep: bool) -> tuple[int, bytes]:
        """Where the blocks from there on end, and what is in them."""
        data = bytearray()
        length = self._exactly(place, 1)[0]
        while length:
            # A block and the length of the next.
            block = self._exactly(place + 1, length + 1)
            if keep:
                data += block[:-1]
                self._left -= length
            place, length = place + 1 + length, block[-1]
        return place + 1, bytes(data)

    # WebP: https://developers.google.com/speed/webp/docs/riff_container

    def _webp(self) -> None:
        place = 12
        while place + 8 <= self._end:
            head = self._exactly(place, 8)
            size = int.from_bytes(head[4:], "little")
            if head[:4] == WEBP_CHUNK:
                try:
                    said: object = json.loads(self._text(place + 8, size))
                except (ValueError, RecursionError):
                    return
                entries = cast("dict[str, object]", said).items() if isinstance(said, dict) else ()
                for key, value in entries:
                    if isinstance(value, str):
                        self._keep(key, value)
            place += 8 + size + size % 2


class _Broken(Exception):
    """The file does not go on as it says."""
