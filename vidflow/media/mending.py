"""What can be saved of pictures that are cut off or damaged: files that a decoder takes for whole."""

from __future__ import annotations

import zlib

from vidflow.media.still import Still


def ended_jpeg(data: bytes) -> bytes:
    """A JPEG that breaks off, with its end marked after the last whole segment, so that what is there is shown."""
    at, end = 2, len(data)
    while (at := data.find(b"\xff", at)) >= 0:
        mark = data[at + 1] if at + 1 < len(data) else 0x00
        if mark == 0xFF:
            at += 1
        elif mark in (0x00, 0x01) or 0xD0 <= mark <= 0xD9:
            at += 2
        else:
            after = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if max(after, at + 4) > len(data):
                end = at
                break
            at = after
    return data[:end] + b"\xff\xd9"


def mended_png(data: bytes, still: Still) -> bytes | None:
    """A whole PNG with as many lines as can be had of a broken one, black below; None where there are none."""
    depth, kind, interlaced = data[24], data[25], data[28]
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind)
    if channels is None or interlaced or depth not in (1, 2, 4, 8, 16):
        return None
    total = still.height * (1 + -(-still.width * channels * depth // 8))
    head, packed, at = [_chunk(b"IHDR", data[16:29])], [], 33
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"IDAT":
            packed.append(data[at + 8 : at + 8 + size])
        elif name in (b"PLTE", b"tRNS"):
            head.append(_chunk(name, data[at + 8 : at + 8 + size]))
        at += 12 + size
    rows = bytearray()
    unpack = zlib.decompressobj()
    body = b"".join(packed)
    try:
        # In small bites, so that what comes before the damage is kept.
        for place in range(0, len(body), 64):
            rows += unpack.decompress(body[place : place + 64], max(1, total - len(rows)))
            if len(rows) >= total:
                break
    except zlib.error:
        pass
    if not rows:
        return None
    rows = rows[:total] + bytes(max(0, total - len(rows)))
    return data[:8] + b"".join(head) + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
