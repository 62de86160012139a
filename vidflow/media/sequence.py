"""Still pictures in files as the frames of a lazy `Video`: one file is decoded when its frame is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidflow.errors import MediaError
from vidflow.media.container import reporting
from vidflow.media.image import read_image
from vidflow.media.still import HEAD, Still, is_marked, recognised
from vidflow.places import files_of
from vidflow.values import Frames, Video, VideoInfo
from vidflow.values.stages import converted
from vidflow.values.video import Depth


def open_sequence(path: Path, rate: Fraction, note: Callable[[str], None] | None = None) -> Video:
    """The pictures of a folder, or of a pattern such as `shots/*.png`, at `rate` frames per second, without sound.

    They come in the natural order of their names (2 before 10), in the size and depth of the first; one of another
    size is scaled to fit, inside black bars. Only the first is decoded now. In a folder, files that are no pictures
    are left out. `note` is told of what is left out or scaled. Raises MediaError where there is no picture, a file
    that a pattern names is none, or the first cannot be read.
    """
    told = note or (lambda _: None)
    files = sorted(files_of(path), key=natural)
    looks = [_look(file) for file in files]
    others = [file for file, look in zip(files, looks, strict=True) if look is None]
    if others and not path.is_dir():
        raise MediaError(path, f"{others[0].name} is no picture that can be read; change the pattern.")
    pictures = [(file, look) for file, look in zip(files, looks, strict=True) if look is not None]
    if not pictures:
        raise MediaError(path, "there is no picture in this folder." if path.is_dir() else "no file matches this.")
    if others:
        told(f"{_counted(len(others), 'file')} of no kind of picture left out, the first is {others[0].name}.")
    first = read_image(pictures[0][0], told)
    height, width = first.shape[:2]
    unlike = [(file, look.shown) for file, look in pictures if look.shown != (width, height)]
    if unlike:
        file, (w, h) = unlike[0]
        told(
            f"{_counted(len(unlike), 'picture')} of another size than {width}x{height} fitted inside with black bars, "
            f"the first is {file.name} ({w}x{h})."
        )
    info = VideoInfo(width, height, rate, len(pictures), "uint8" if first.dtype == np.uint8 else "float32")
    found = tuple(file for file, _ in pictures)
    return Video.from_source(info, lambda: SequenceReader(found, width, height, info.dtype))


def natural(path: Path) -> tuple[tuple[object, ...], str]:
    """What to sort names by, so that numbers in them count as numbers: `a2.png` comes before `a10.png`."""
    words = re.split(r"([0-9]+)", path.name)
    # Text and numbers take turns, so that only like is compared; the name itself decides between 1 and 01.
    return tuple(int(word) if place % 2 else word.casefold() for place, word in enumerate(words)), path.name


def _look(file: Path) -> Still | None:
    with reporting(file), file.open("rb") as data:
        head = data.read(HEAD)
        found = recognised(head, file.name)
        # TIFF says at its end what it holds; in others a profile or a thumbnail may come first.
        return recognised(head + data.read(), file.name) if found is None and is_marked(head) else found


def _counted(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


@dataclass(slots=True)
class SequenceReader:
    """A cursor into pictures in files; it holds nothing open."""

    files: Sequence[Path]
    width: int
    height: int
    dtype: Depth

    def read(self, start: int, stop: int) -> Frames:
        """Exactly the frames `start` to `stop`."""
        return Frames([self._frame(file) for file in self.files[start:stop]])

    def close(self) -> None:
        """Nothing is held."""

    def _frame(self, file: Path) -> NDArray[Any]:
        frame = converted(read_image(file), self.dtype)
        if frame.shape[:2] == (self.height, self.width):
            return frame
        return fitted(frame, self.width, self.height)


def fitted(frame: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """`frame` as large as fits into `width` x `height` in its proportions, in the middle of black bars."""
    old_height, old_width = frame.shape[:2]
    scale = min(Fraction(width, old_width), Fraction(height, old_height))
    inner = max(1, round(old_width * scale)), max(1, round(old_height * scale))
    scaled = cv2.resize(frame, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.zeros((height, width, 3), frame.dtype)
    # Cubic interpolation reaches past what it is given; uint8 is clipped by OpenCV itself.
    canvas[top : top + inner[1], left : left + inner[0]] = scaled if frame.dtype == np.uint8 else scaled.clip(0, 1)
    return canvas
