"""Animated WebP as a lazy `Video`, which FFmpeg cannot decode: any frame, the same bits whatever was read before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import reporting
from vidflow.media.image import by_opencv, check_size
from vidflow.media.index import FrameIndex
from vidflow.media.probe import MediaInfo, PictureInfo, Turn
from vidflow.media.remarks import Remarks
from vidflow.media.still import recognised
from vidflow.media.timing import Conformed, conform
from vidflow.values import Frames, Video, VideoInfo

MOST_PIXELS = 2**26
"""A larger canvas is refused: 8192 x 8192, twice the pixels of 8K."""
_KEPT_BYTES = 2**26
"""How much of the canvases of a reader is kept, so that going backwards need not begin at the last full frame."""
_INSTANT = 100
"""Milliseconds that a frame is shown whose duration is zero, as in web browsers."""


@dataclass(frozen=True, slots=True)
class Part:
    """One frame of an animation: where its data lies in the file, and what it does to the canvas.

    The rectangle is replaced, or the frame is blended over what is there; `clears` empties the rectangle when the
    frame goes. `key` says that nothing of the frames before is seen any more.
    """

    offset: int
    size: int
    left: int
    top: int
    width: int
    height: int
    milliseconds: int
    blends: bool
    clears: bool
    alpha: bool
    key: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Animation:
    """An animated WebP: https://developers.google.com/speed/webp/docs/riff_container."""

    path: Path
    width: int
    height: int
    alpha: bool
    parts: tuple[Part, ...]
    whole: bool
    """Whether the file is as long as it says."""

    @property
    def timing(self) -> Conformed:
        """The frames at a constant rate."""
        times = np.cumsum([0, *(part.milliseconds for part in self.parts)])
        start = np.zeros(1, np.int64)
        index = FrameIndex(Fraction(1, 1000), times[:-1].astype(np.int64), int(times[-1]), start, start, True)
        return conform(index, None)

    @property
    def about(self) -> MediaInfo:
        """What `probe` says of it."""
        span = Fraction(sum(part.milliseconds for part in self.parts), 1000)
        picture = PictureInfo(
            codec="webp",
            width=self.width,
            height=self.height,
            turn=Turn(),
            depth=8,
            range="full",
            matrix="unspecified",
            primaries="unspecified",
            transfer="unspecified",
            rate=self.timing.rate,
        )
        return MediaInfo(self.path, "webp", span, picture, None)

    def video(self, note: Callable[[str], None] | None = None) -> Video:
        """The video; `note` is told of what is lost, of transparency when it is met."""
        said = Remarks(note)
        if not self.whole:
            said.say("broken", f"This file breaks off; of its pictures {len(self.parts)} could be read.")
        timing = self.timing
        info = VideoInfo(self.width, self.height, timing.rate, timing.frames)
        return Video.from_source(info, lambda: AnimationReader(self, timing, said))


def animation(path: Path) -> Animation | None:
    """The animated WebP at `path`, or None where the file is something else.

    Only headers are read. Raises MediaError where it holds no whole frame, or its canvas is too large.
    """
    if not path.is_file():
        return None
    with reporting(path), path.open("rb") as file:
        head = file.read(30)
        if len(head) < 30 or head[:4] != b"RIFF" or head[8:16] != b"WEBPVP8X" or not head[20] & 2:
            return None
        width, height = _u24(head, 24) + 1, _u24(head, 27) + 1
        check_size(path, width, height, MOST_PIXELS)
        end = file.seek(0, 2)
        said = int.from_bytes(head[4:8], "little") + 8
        parts: list[Part] = []
        at = 12
        while at + 8 <= end:
            file.seek(at)
            chunk = file.read(8 + 16 + 16)
            size = int.from_bytes(chunk[4:8], "little")
            if chunk[:4] == b"ANMF" and len(chunk) == 40:
                part = _part(chunk, at + 24, min(size, end - at - 8) - 16, file)
                if part is not None and part.left + part.width <= width and part.top + part.height <= height:
                    parts.append(part)
            at += 8 + size + (size & 1)
    if not parts:
        raise MediaError(path, "this file holds no whole picture.")
    return Animation(path, width, height, bool(head[20] & 0x10), _with_keys(parts, width, height), said <= end)


def _part(chunk: bytes, offset: int, size: int, file: BinaryIO) -> Part | None:
    left, top, width, height, time = (_u24(chunk, place) for place in (8, 11, 14, 17, 20))
    flags, first = chunk[23], chunk[24:28]
    alpha = first == b"ALPH" or (first == b"VP8L" and bool(chunk[36] & 0x10))
    if size < 8:
        return None
    return Part(
        offset,
        size,
        2 * left,
        2 * top,
        width + 1,
        height + 1,
        time or _INSTANT,
        blends=not flags & 2,
        clears=bool(flags & 1),
        alpha=alpha,
    )


def _with_keys(parts: list[Part], width: int, height: int) -> tuple[Part, ...]:
    """The same frames, told which of them decoding can begin at."""
    found: list[Part] = []
    for part in parts:
        before = found[-1] if found else None
        full = (part.width, part.height) == (width, height)
        cleared = (
            before is not None and before.clears and (before.key or (before.width, before.height) == (width, height))
        )
        found.append(replace(part, key=before is None or cleared or (full and not (part.blends and part.alpha))))
    return tuple(found)


def _u24(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


class AnimationReader:
    """A cursor into an animation: goes on where it stands, or begins at the nearest canvas that it knows."""

    def __init__(self, animation: Animation, timing: Conformed, said: Remarks) -> None:
        self._animation, self._timing, self._said = animation, timing, said
        with reporting(animation.path):
            self._file = animation.path.open("rb")
        canvas = animation.width * animation.height * 4
        # Every so many frames a canvas is kept, so few that all of them together are bounded.
        self._step = max(8, -(-len(animation.parts) * canvas // _KEPT_BYTES))
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._bad: set[int] = set()
        self._at = -1
        self._canvas: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self._shown: tuple[int, NDArray[np.uint8]] | None = None

    def read(self, start: int, stop: int) -> Frames:
        """Exactly the frames `start` to `stop`."""
        return Frames([self._picture(self._timing.source(frame)) for frame in range(start, stop)])

    def close(self) -> None:
        """Let go of the file."""
        self._kept.clear()
        self._file.close()

    def _picture(self, number: int) -> NDArray[np.uint8]:
        if self._shown is None or self._shown[0] != number:
            self._go_to(number)
            self._shown = (number, np.ascontiguousarray(self._canvas[..., :3]))
        return self._shown[1]

    def _go_to(self, number: int) -> None:
        parts = self._animation.parts
        while True:
            key = next(k for k in range(number, -1, -1) if k == 0 or (parts[k].key and k not in self._bad))
            known = max((k for k in self._kept if key <= k <= number), default=key - 1)
            if not max(key, known) <= self._at <= number:
                self._at = known
                if known >= key:
                    self._canvas = self._kept[known].copy()
            if all(self._draw(k) for k in range(self._at + 1, number + 1)):
                return
            # The key frame is damaged, so what was there before it stays: that must be made first.
            if self._at == key - 1:
                self._at = -1

    def _draw(self, number: int) -> bool:
        """Turn the canvas as frame `number - 1` left it into that of frame `number`; False for a damaged key frame."""
        part, parts = self._animation.parts[number], self._animation.parts
        pixels = self._decoded(part)
        key = part.key and number not in self._bad
        if key and pixels is None and number:
            self._bad.add(number)
            return False
        if key:
            self._canvas = np.zeros((self._animation.height, self._animation.width, 4), np.uint8)
        elif parts[number - 1].clears and pixels is not None:
            self._place(parts[number - 1])[...] = 0
        if pixels is not None:
            place = self._place(part)
            place[...] = _blended(pixels, place) if part.blends and part.alpha and not key else pixels
        if self._animation.alpha and int(self._canvas[..., 3].min()) < 255:
            self._said.say(
                "alpha", "This video has transparent parts; transparency is dropped, the colours below it are shown."
            )
        self._at = number
        if number % self._step == 0 and number not in self._kept:
            self._kept[number] = self._canvas.copy()
        return True

    def _place(self, part: Part) -> NDArray[np.uint8]:
        return self._canvas[part.top : part.top + part.height, part.left : part.left + part.width]

    def _decoded(self, part: Part) -> NDArray[np.uint8] | None:
        """The frame alone, RGBA; None where it is damaged."""
        with reporting(self._animation.path):
            self._file.seek(part.offset)
            data = self._file.read(part.size)
        if data[:4] == b"ALPH":
            # A file of its own needs to say first that it has an alpha plane.
            head = (
                bytes([0x10, 0, 0, 0])
                + (part.width - 1).to_bytes(3, "little")
                + (part.height - 1).to_bytes(3, "little")
            )
            data = b"VP8X" + (10).to_bytes(4, "little") + head + data
        data = b"RIFF" + (4 + len(data)).to_bytes(4, "little") + b"WEBP" + data
        still = recognised(data)
        if still is None or (still.width, still.height) != (part.width, part.height):
            return None
        found: NDArray[Any] | None = by_opencv(data, still)
        if found is None or found.dtype != np.uint8 or found.shape[:2] != (part.height, part.width):
            return None
        return found if found.shape[2] == 4 else np.dstack([found, np.full(found.shape[:2], 255, np.uint8)])


def _blended(over: NDArray[np.uint8], under: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA laid over RGBA, in the whole numbers of libwebp (anim_decode.c, BlendPixelNonPremult)."""
    new, old = over.astype(np.uint32), under.astype(np.uint32)
    above = new[..., 3:]
    below = (old[..., 3:] * (256 - above)) >> 8
    alpha = above + below
    scale = (1 << 24) // np.maximum(alpha, 1)
    colours = ((new[..., :3] * above + old[..., :3] * below) * scale) >> 24
    mixed = np.concatenate([colours, alpha], -1).astype(np.uint8)
    return np.where(above == 0, under, np.where(above == 255, over, mixed))
