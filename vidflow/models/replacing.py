"""Files of weights in the place of a checkpoint's own denoisers: what their headers tell before they are loaded."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO

from vidflow.errors import ModelError
from vidflow.models.checkpoint import GGUF, Checkpoint, Component, shapes
from vidflow.models.family import Family, Wrong

Shape = tuple[int, ...]
_PREFIX = "model.diffusion_model."
"""Before the names of a denoiser's weights in a file that may hold other parts too."""
_ENOUGH = 0.9
"""The share of a denoiser's numbers that a file has to hold at least; checkpoints may hold a few that are not used."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
"""Types of numbers that stand one by one; others may be packed in shapes of their own."""

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a GGUF value by its type."""
_TEXT, _LIST = 8, 9
_MOST = 2**18
"""Entries of a GGUF header that are read, at most."""
_LONGEST = 2**16
"""Bytes of a text in it that is read, at most."""
_DEEPEST = 8 * 2**20
"""Bytes from the beginning in which it is read."""
_AXES = 8


def unfit(found: Family, checkpoint: Checkpoint, files: Sequence[str]) -> Iterator[Wrong]:
    """What keeps files of weights from taking the place of a checkpoint's denoisers, so far as their headers tell;
    without torch."""
    refused = False
    for wrong in found.unfit(checkpoint, files):
        refused = True
        yield wrong
    for name, file in () if refused else zip(found.denoisers, files, strict=False):
        path = Path(file)
        if name in checkpoint.components and path.is_file():
            try:
                reason = _reason(checkpoint.components[name], path)
            except ModelError as error:
                yield Wrong("denoiser", str(error))
                continue
            if reason:
                said = f"{path} is no {name} for this {found.title} checkpoint: {reason}."
                yield Wrong("denoiser", said, "Give a file of the same model, or leave it empty.")


def _reason(own: Component, path: Path) -> str:
    """What shows that a file is of another model; empty where that is not sure. Raises ModelError."""
    theirs = _shapes_of(path)
    if theirs is None:
        return ""
    if any(name.startswith(_PREFIX) for name in theirs):
        theirs = {name.removeprefix(_PREFIX): shape for name, shape in theirs.items() if name.startswith(_PREFIX)}
    ours = {name: shape for file in own.weights for name, (_, shape) in shapes(file).items()}
    for name, shape in ours.items():
        if name in theirs and _plain(shape) != _plain(theirs[name]):
            return f"{name} is {_shown(theirs[name])} there and {_shown(shape)} here"
    # A file in its authors' layout has other names. What converts it renames tensors and cuts them along their first
    # axis, so as many numbers as before lie along each of the others.
    there, here = _along(theirs), _along(ours)
    held = sum(min(count, there.get(others, 0)) * prod(others) for others, count in here.items())
    share = held / max(1, sum(count * prod(others) for others, count in here.items()))
    return f"it holds {share:.0%} of its weights" if share < _ENOUGH else ""


def _plain(shape: Shape) -> Shape:
    """Without axes of one: a convolution of one pixel is a matrix."""
    return tuple(side for side in shape if side != 1)


def _shown(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _along(tensors: Mapping[str, Shape]) -> dict[Shape, int]:
    """For each shape of the axes after the first, how long the first ones are together."""
    found: dict[Shape, int] = {}
    for shape in tensors.values():
        others = _plain(shape[1:])
        found[others] = found.get(others, 0) + (shape[0] if shape else 1)
    return found


def _shapes_of(path: Path) -> dict[str, Shape] | None:
    """The shapes in a file; None where they do not tell those of the weights. Raises ModelError."""
    if path.suffix == GGUF:
        return gguf_shapes(path)
    found = shapes(path)
    return (
        {name: shape for name, (_, shape) in found.items()} if {kind for kind, _ in found.values()} <= _FLOATS else None
    )


class _Unknown(Exception):
    """A header that is not read to its end."""


def gguf_shapes(path: Path) -> dict[str, Shape] | None:
    """The shape of each tensor of a GGUF file (as torch has it, the slowest axis first); None where it is of a kind
    that is not read here. Raises ModelError for a file that is none, or is cut short."""
    try:
        with path.open("rb") as file:
            return _header(file, path.stat().st_size)
    except _Unknown:
        return None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ModelError(f"{path} is no GGUF file, or it is cut short; fetch it again.") from error


def _header(file: BinaryIO, size: int) -> dict[str, Shape]:
    if _exactly(file, 4) != b"GGUF":
        raise ValueError("no GGUF")
    version = _number(file, "<I")
    if version not in (2, 3):
        raise _Unknown
    tensors, entries = _number(file, "<Q"), _number(file, "<Q")
    if max(tensors, entries) > _MOST:
        raise _Unknown
    for _ in range(entries):
        if b"orig_shape" in _text(file):
            raise _Unknown
        _pass(file, _number(file, "<I"), size)
    found: dict[str, Shape] = {}
    for _ in range(tensors):
        name, axes = _text(file).decode("utf-8", "replace"), _number(file, "<I")
        if axes > _AXES:
            raise ValueError("too many axes")
        found[name] = struct.unpack(f"<{axes}Q", _exactly(file, 8 * axes))[::-1]
        _exactly(file, 4)
        if _number(file, "<Q") >= size:
            raise ValueError("cut short")
    return found


def _pass(file: BinaryIO, kind: int, size: int) -> None:
    """Go on behind a value."""
    if kind == _LIST:
        kind, count = _number(file, "<I"), _number(file, "<Q")
        if kind == _TEXT:
            if count > _MOST:
                raise _Unknown
            for _ in range(count):
                _text(file)
            return
    elif kind == _TEXT:
        _text(file)
        return
    else:
        count = 1
    if kind not in _SIZES:
        raise _Unknown
    file.seek(min(size, _SIZES[kind] * count), 1)


def _text(file: BinaryIO) -> bytes:
    length = _number(file, "<Q")
    if length > _LONGEST:
        raise _Unknown
    return _exactly(file, length)


def _number(file: BinaryIO, kind: str) -> int:
    return struct.unpack(kind, _exactly(file, struct.calcsize(kind)))[0]


def _exactly(file: BinaryIO, length: int) -> bytes:
    if file.tell() + length > _DEEPEST:
        raise _Unknown
    found = file.read(length)
    if len(found) < length:
        raise ValueError("cut short")
    return found
