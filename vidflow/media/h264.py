"""Interlaced H.264 as broadcast: which packets hold only the second field of a frame that the packet before began.

There each field may be a picture, and a packet, of its own (ITU-T H.264, 7.3.3 and 7.4.1.2.4), so packets are not
frames. Nothing is decoded: the first few bits of each picture tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

_SLICES, _PARAMETERS = (1, 5), 7
_LOOKED_AT = 4096
"""Bytes of a packet: what stands before the first slice is far shorter."""
_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""Profiles whose parameters say more of the colours."""


class _Bits:
    """Reads bits off a unit, emulation prevention taken out."""

    def __init__(self, unit: bytes) -> None:
        plain = unit.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(plain, "big")
        self._left = 8 * len(plain)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("the unit ends early")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


class SecondFields:
    """Told each packet of a stream in the order of the file, says which ones hold only a second field."""

    def __init__(self, extradata: bytes) -> None:
        self._prefix = (extradata[4] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > 6 else 0
        self._number_bits = 0
        """Of `frame_num`; 0 where pictures are never single fields."""
        self._plane_bits = 0
        self._first: tuple[int, int] | None = None
        for unit in _configured(extradata) if self._prefix else self._units(extradata):
            self._read_parameters(unit)

    @property
    def possible(self) -> bool:
        """Whether there can be any: the stream is not wholly of frames."""
        return self._number_bits > 0

    def __call__(self, packet: Packet[Any]) -> bool:
        """Whether this packet only completes the frame of the one before."""
        first, self._first = self._first, None
        try:
            for unit in self._units(bytes(memoryview(packet)[:_LOOKED_AT])):
                kind = unit[0] & 31
                if kind == _PARAMETERS:
                    self._read_parameters(unit)
                elif kind in _SLICES:
                    field = self._field(unit)
                    if field is None:
                        return False
                    if first is not None and field == (first[0], 1 - first[1]):
                        return True
                    self._first = field
                    return False
        except ValueError:
            pass
        return False

    def _field(self, unit: bytes) -> tuple[int, int] | None:
        """`frame_num` and whether it is the bottom field, or None for a whole frame."""
        if not self._number_bits:
            return None
        bits = _Bits(unit[1:40])
        for _ in range(3):
            bits.golomb()
        bits.take(self._plane_bits)
        number = bits.take(self._number_bits)
        return (number, bits.take(1)) if bits.take(1) else None

    def _read_parameters(self, unit: bytes) -> None:
        if not unit or unit[0] & 31 != _PARAMETERS:
            return
        bits = _Bits(unit[1:])
        profile, _ = bits.take(8), bits.take(16)
        bits.golomb()
        self._plane_bits = 0
        if profile in _WITH_CHROMA:
            chroma = bits.golomb()
            if chroma == 3:
                self._plane_bits = 2 * bits.take(1)
            bits.golomb()
            bits.golomb()
            bits.take(1)
            if bits.take(1):
                for number in range(12 if chroma == 3 else 8):
                    if bits.take(1):
                        _skip_scaling(bits, 16 if number < 6 else 64)
        number_bits = bits.golomb() + 4
        order = bits.golomb()
        if order == 0:
            bits.golomb()
        elif order == 1:
            bits.take(1)
            bits.golomb()
            bits.golomb()
            for _ in range(bits.golomb()):
                bits.golomb()
        bits.golomb()
        bits.take(1)
        bits.golomb()
        bits.golomb()
        self._number_bits = 0 if bits.take(1) else number_bits

    def _units(self, data: bytes) -> Iterator[bytes]:
        """The NAL units in a packet, without what marks their starts."""
        at = 0
        if self._prefix:
            while at + self._prefix < len(data):
                size = int.from_bytes(data[at : at + self._prefix], "big")
                at += self._prefix
                yield data[at : at + size]
                at += size
            return
        for unit in data.split(b"\0\0\1")[1:]:
            if unit:
                yield unit


def second_fields(stream: VideoStream) -> SecondFields | None:
    """The judge of the packets of `stream`, or None where each packet is a frame."""
    context = stream.codec_context
    if context.codec.canonical_name != "h264" or not context.extradata:
        return None
    try:
        found = SecondFields(bytes(context.extradata))
    except ValueError:
        return None
    return found if found.possible else None


def _configured(extradata: bytes) -> Iterator[bytes]:
    """The sequence parameters in an `avcC` box (ISO/IEC 14496-15)."""
    at = 6
    for _ in range(extradata[5] & 31):
        size = int.from_bytes(extradata[at : at + 2], "big")
        yield extradata[at + 2 : at + 2 + size]
        at += 2 + size


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code % 2 else -(code // 2)
            following = (last + delta) % 256
        last = following or last
