"""What kind of picture some bytes hold, how large it is and which way up, found without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

HEAD = 2**16
"""How many bytes of a file are enough to say what it holds, in most cases."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture in a file. `width` and `height` are as stored; `turn` is its EXIF orientation, 1 to 8.

    `alpha` says that it may be transparent, `bits` how many a component has where the decoder does not say.
    """

    kind: str
    width: int
    height: int
    alpha: bool = False
    turn: int = 1
    bits: int = 8

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height once it is turned."""
        return (self.height, self.width) if self.turn >= 5 else (self.width, self.height)


def recognised(data: bytes, name: str = "") -> Still | None:
    """The picture that begins with `data`, or None where it is none that is known.

    Truevision's TGA has no mark of its own and is known by the suffix of `name`. Sizes of zero are no pictures.
    """
    look = next((look for marks, look in _KINDS if data.startswith(marks)), None)
    if look is None:
        look = _tga if Path(name).suffix.lower() in (".tga", ".icb", ".vda", ".vst") else _boxed
    try:
        found = look(data)
    except (struct.error, IndexError, ValueError):
        return None
    return found if found is not None and found.width > 0 and found.height > 0 else None


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its beginning, or may be one. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return recognised(head, path.name) is not None or (len(head) == HEAD and is_marked(head))


def is_marked(data: bytes) -> bool:
    """Whether `data` begins as some kind of picture does, though it may not yet say all that `recognised` looks for."""
    return any(data.startswith(marks) for marks, _ in _KINDS)


def is_whole(data: bytes, still: Still) -> bool:
    """Whether all of the picture is there, for kinds whose decoder does not mind; True for the others."""
    if still.kind == "qoi":
        return data.rstrip(b"\0").endswith(b"\x01") and data.rfind(b"\0\0\0\0\0\0\0\x01") > 0
    if still.kind == "sunrast":
        return len(data) >= 32 + _u(">I", data, 16) + _u(">I", data, 28)
    if still.kind == "jpegls":
        return b"\xff\xd9" in data[-1024:]
    return still.kind != "gif" or data.rstrip(b"\0").endswith(b";")


def _u(form: str, data: bytes, at: int) -> int:
    return struct.unpack_from(form, data, at)[0]


def _plain(kind: str, form: str, at: int, alpha: bool = False) -> Callable[[bytes], Still]:
    """A header whose width and height stand at a fixed place."""
    return lambda data: Still(kind, *struct.unpack_from(form, data, at), alpha=alpha)


def _png(data: bytes) -> Still:
    width, height = struct.unpack_from(">II", data, 16)
    alpha, turn, at = data[25] in (4, 6), 1, 8
    while at + 12 <= len(data):
        size, name = _u(">I", data, at), data[at + 4 : at + 8]
        alpha |= name == b"tRNS"
        if name == b"eXIf":
            turn = orientation(data[at + 8 : at + 8 + size])
        at += 12 + size
    return Still("png", width, height, alpha, turn)


def _jpeg(data: bytes) -> Still | None:
    turn, at = 1, 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        mark = data[at + 1]
        if mark in (0xFF, 0x00, 0x01) or 0xD0 <= mark <= 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        if mark in (0xD9, 0xDA):
            return None
        size = _u(">H", data, at + 2)
        if mark == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            turn = orientation(data[at + 10 : at + 2 + size])
        if (0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC)) or mark == 0xF7:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Still("jpegls" if mark == 0xF7 else "jpeg", width, height, turn=turn, bits=data[at + 4])
        at += 2 + size
    return None


def _webp(data: bytes) -> Still | None:
    still, turn = None, 1
    for name, at, size in riff_chunks(data):
        body = data[at : at + size]
        if name == b"VP8X" and still is None:
            width, height = (int.from_bytes(body[place : place + 3], "little") + 1 for place in (4, 7))
            still = Still("webp", width, height, bool(body[0] & 0x10))
        elif name == b"VP8L" and still is None:
            word = _u("<I", body, 1)
            still = Still("webp", (word & 0x3FFF) + 1, (word >> 14 & 0x3FFF) + 1, bool(word >> 28 & 1))
        elif name == b"VP8 " and still is None:
            width, height = struct.unpack_from("<HH", body, 6)
            still = Still("webp", width & 0x3FFF, height & 0x3FFF)
        elif name == b"EXIF":
            turn = orientation(body.removeprefix(b"Exif\0\0"))
    return replace(still, turn=turn) if still else None


def riff_chunks(data: bytes, at: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """The name, place and size of the content of each chunk in `data` from `at` on; the last may be cut off."""
    while at + 8 <= len(data):
        size = _u("<I", data, at + 4)
        yield data[at : at + 4], at + 8, size
        at += 8 + size + (size & 1)


def _bmp(data: bytes) -> Still:
    if _u("<I", data, 14) == 12:
        return Still("bmp", *struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return Still("bmp", width, abs(height), _u("<H", data, 28) == 32)


def _tiff(data: bytes) -> Still | None:
    tags = _tags(data)
    width, height = tags.get(256, 0), tags.get(257, 0)
    return Still("tiff", width, height, 338 in tags, _turn(tags.get(274, 1)), tags.get(258, 1))


def orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF, 1 where it says none."""
    try:
        return _turn(_tags(exif).get(0x112, 1))
    except struct.error:
        return 1


def _turn(value: int) -> int:
    return value if 1 <= value <= 8 else 1


def _tags(data: bytes) -> dict[int, int]:
    """The whole numbers in the first directory of a TIFF; of several in one tag, the first."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return {}
    big = _u(order + "H", data, 2) == 43
    count_at = _u(order + ("Q" if big else "I"), data, 8 if big else 4)
    count, first, step = (
        (_u(order + "Q", data, count_at), count_at + 8, 20)
        if big
        else (_u(order + "H", data, count_at), count_at + 2, 12)
    )
    found: dict[int, int] = {}
    for at in range(first, min(first + count * step, len(data) - step + 1), step):
        tag, type = struct.unpack_from(order + "HH", data, at)
        many, value_at = (_u(order + "Q", data, at + 4), at + 12) if big else (_u(order + "I", data, at + 4), at + 8)
        form = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(type)
        if form is None or not many:
            continue
        if many * struct.calcsize(form) > (8 if big else 4):
            value_at = _u(order + ("Q" if big else "I"), data, value_at)
        if value_at + struct.calcsize(form) <= len(data):
            found[tag] = _u(order + form, data, value_at)
    return found


def _pnm(data: bytes) -> Still | None:
    # Width and height are the first two numbers that stand outside comments.
    lines = (line.partition(b"#")[0] for line in data[2:4096].split(b"\n"))
    words = b" ".join(lines).split()
    if not data[2:3].isspace() and data[2:3] != b"#":
        return None
    return Still("pfm" if data[1:2] in b"Ff" else "pnm", int(words[0]), int(words[1]))


def _pam(data: bytes) -> Still:
    said = dict(line.split(None, 1) for line in data[:4096].split(b"ENDHDR")[0].split(b"\n") if line.count(b" ") == 1)
    return Still(
        "pam", int(said.get(b"WIDTH", b"0")), int(said.get(b"HEIGHT", b"0")), said.get(b"DEPTH") in (b"2", b"4")
    )


def _hdr(data: bytes) -> Still | None:
    for line in data[:HEAD].split(b"\n"):
        words = line.split()
        if len(words) == 4 and words[0] in (b"-Y", b"+Y") and words[2] in (b"-X", b"+X"):
            return Still("hdr", int(words[3]), int(words[1]), bits=32)
    return None


def _exr(data: bytes) -> Still | None:
    place = data.find(b"displayWindow\0box2i\0")
    if place < 0:
        return None
    left, top, right, bottom = struct.unpack_from("<iiii", data, place + 24)
    return Still("exr", right - left + 1, bottom - top + 1, bits=32)


def _tga(data: bytes) -> Still | None:
    if data[1] > 1 or data[2] not in (1, 2, 3, 9, 10, 11) or data[16] not in (8, 15, 16, 24, 32):
        return None
    return Still("tga", *struct.unpack_from("<HH", data, 12), alpha=data[16] == 32)


def _pcx(data: bytes) -> Still | None:
    if data[1] > 5 or data[2] > 1 or data[3] not in (1, 2, 4, 8):
        return None
    left, top, right, bottom = struct.unpack_from("<HHHH", data, 4)
    return Still("pcx", right - left + 1, bottom - top + 1)


def _ico(data: bytes) -> Still | None:
    sizes = [(data[at] or 256, data[at + 1] or 256) for at in range(6, 6 + 16 * min(_u("<H", data, 4), 64), 16)]
    return Still("ico", *max(sizes), alpha=True) if sizes else None


def _jp2(data: bytes) -> Still | None:
    place = data.find(b"ihdr")
    if place < 0:
        return None
    height, width, count = struct.unpack_from(">IIH", data, place + 4)
    return Still("jp2", width, height, count in (2, 4))


def _j2k(data: bytes) -> Still:
    right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
    return Still("jp2", right - left, bottom - top, _u(">H", data, 40) in (2, 4))


def _boxed(data: bytes) -> Still | None:
    """AVIF: boxes of ISO/IEC 14496-12 whose first names the kind."""
    if data[4:8] != b"ftyp" or not {b"avif", b"avis"} & {
        data[at : at + 4] for at in range(8, min(_u(">I", data, 0), 64), 4)
    }:
        return None
    sizes, place = [(0, 0)], -1
    # A picture made of tiles has the size of each among them, so the largest is its own.
    while (place := data.find(b"ispe", place + 1)) >= 0:
        width, height = struct.unpack_from(">II", data, place + 8)
        sizes.append((width, height))
    config = data.find(b"av1C")
    bits = 8 if config < 0 or not data[config + 6] & 0x40 else 12 if data[config + 6] & 0x20 else 10
    alpha = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" in data[:HEAD]
    # First a turn of so many quarters to the left, then a mirror: axis 0 swaps top and bottom, 1 left and right.
    quarters, mirror = data.find(b"irot"), data.find(b"imir")
    turned = data[quarters + 4] & 3 if quarters >= 0 else 0
    mirrored = data[mirror + 4] & 1 if mirror >= 0 else None
    turn = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}[mirrored][turned]
    return Still("avif", *max(sizes, key=lambda size: size[0] * size[1]), alpha, turn, bits)


_KINDS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[bytes], Still | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"RIFF", lambda data: _webp(data) if data[8:12] == b"WEBP" else None),
    (b"BM", _bmp),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ((b"GIF87a", b"GIF89a"), _plain("gif", "<HH", 6, True)),
    ((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"PF", b"Pf"), _pnm),
    (b"P7\n", _pam),
    ((b"#?RADIANCE", b"#?RGBE"), _hdr),
    (b"v/1\x01", _exr),
    (b"qoif", _plain("qoi", ">II", 4, True)),
    (b"\x01\xda", _plain("sgi", ">HH", 6)),
    (b"\x59\xa6\x6a\x95", _plain("sunrast", ">II", 4)),
    (b"SDPX", _plain("dpx", ">II", 772)),
    (b"XPDS", _plain("dpx", "<II", 772)),
    (b"\x0a", _pcx),
    (b"\0\0\x01\0", _ico),
    (b"\0\0\0\x0cjP  ", _jp2),
    (b"\xff\x4f\xff\x51", _j2k),
)
