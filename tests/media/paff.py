"""H.264 whose fields are pictures of their own, as broadcasters send it; no encoder at hand makes it.

Sixteen by thirty-two pixels; every macroblock is I_PCM, so that the pixels stand in the stream as they are
(ITU-T H.264, 7.3).
"""

from __future__ import annotations

import numpy as np


class Unit:
    """A NAL unit in the making."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def put(self, *values: tuple[int, int]) -> Unit:
        """Numbers as (bits, value)."""
        for count, value in values:
            self._bits += [value >> (count - 1 - place) & 1 for place in range(count)]
        return self

    def golomb(self, *values: int) -> Unit:
        """Numbers in the code ue(v)."""
        for value in values:
            length = (value + 1).bit_length()
            self.put((length - 1, 0), (length, value + 1))
        return self

    def pixels(self, data: bytes) -> Unit:
        """Whole bytes, at the next whole byte."""
        self._bits += [0] * (-len(self._bits) % 8)
        self._bits += np.unpackbits(np.frombuffer(data, np.uint8)).tolist()
        return self

    def ended(self, head: int) -> bytes:
        """The unit with its start code."""
        body, made, zeros = np.packbits([*self._bits, 1]).tobytes(), bytearray(), 0
        for byte in body:
            if zeros >= 2 and byte <= 3:
                made.append(3)
                zeros = 0
            made.append(byte)
            zeros = 0 if byte else zeros + 1
        return b"\0\0\0\1" + bytes([head]) + bytes(made)


def parameters(high: bool) -> bytes:
    """Of the sequence and of the picture: fields allowed, fifty a second."""
    sequence = Unit().put((8, 100 if high else 77), (8, 0), (8, 20)).golomb(0)
    if high:
        # 4:2:0, eight bits, with a scaling list of its own, which says at once that it ends.
        sequence.golomb(1, 0, 0).put((1, 0), (1, 1), (1, 1)).golomb(16).put((7, 0))
    sequence.golomb(0, 2, 1).put((1, 0)).golomb(0, 0).put((1, 0), (1, 0), (1, 1), (1, 0), (1, 1))
    sequence.put((5, 1), (32, 1), (32, 50), (1, 1), (4, 1), (1, 1)).golomb(0, 0, 10, 10, 0, 1)
    picture = Unit().golomb(0, 0).put((2, 0)).golomb(0, 0, 0).put((3, 0)).golomb(0, 0, 0).put((3, 4))
    return sequence.ended(0x67) + picture.ended(0x68)


def field(number: int, luma: np.ndarray, *, bottom: bool) -> bytes:
    """One field of sixteen lines as a picture."""
    head = Unit().golomb(0, 7, 0).put((4, 0), (1, 1), (1, int(bottom)))
    if bottom:
        head.put((1, 0))
    else:
        head.golomb(number % 2).put((2, 0))
    head.golomb(0, 1, 25).pixels(luma.tobytes() + bytes([128]) * 128)
    return Unit().put((3, 0), (5, 16)).ended(9)[:-1] + head.ended(0x61 if bottom else 0x65)


def frames(count: int) -> list[np.ndarray]:
    """The luma of each frame."""
    lines = np.arange(32, dtype=np.uint8)[:, None] * np.ones(16, np.uint8)
    return [(lines * 3 + 40 + number * 3).astype(np.uint8) for number in range(count)]


def stream(count: int, high: bool = False) -> bytes:
    """So many frames of two fields each."""
    made = b""
    for number, luma in enumerate(frames(count)):
        top, bottom = luma[0::2].copy(), luma[1::2].copy()
        made += parameters(high) + field(number, top, bottom=False) + field(number, bottom, bottom=True)
    return made
