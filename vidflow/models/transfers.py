"""Frames on their way to a device and back.

To and from a GPU they go through pinned memory on streams of their own, beside its work: while it is at one frame, the
next goes up and the one before comes down. On the CPU what outlives a frame, or is as large as one, lies outside
the heap (see `apart`).
"""

from __future__ import annotations

from functools import cache
from math import prod
from mmap import mmap
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from vidflow.values.frames import Underway

_OWN = 2**17
"""Bytes from which a tensor gets memory of its own, as it is with the C library: a process has only so many pieces."""
_STRIP = 64
"""Rows of a picture that become a frame at a time."""


def as_tensor(frame: NDArray[Any], device: str, dtype: str) -> Tensor:
    """A frame (or flow) `[h, w, c]` as `[1, c, h, w]`, uint8 in 0..1, as it lies in memory."""
    if torch.device(device).type == "cuda":
        tensor = _sent(frame, device)
    else:
        tensor = torch.from_numpy(frame if frame.flags.writeable else frame.copy()).to(device)
    tensor = tensor.permute(2, 0, 1)[None]
    if tensor.dtype == torch.uint8:
        return tensor.to(getattr(torch, dtype)).div_(255)
    return tensor.to(getattr(torch, dtype))


def as_frame(picture: Tensor, dtype: Any) -> NDArray[Any] | Underway:
    """`[1, 3, h, w]` in 0..1 as a frame `[h, w, 3]`, clipped: float32, or uint8 to the nearest."""
    picture = picture[0].permute(1, 2, 0)
    kind = getattr(torch, str(dtype))
    if picture.is_cuda:
        return _fetched(_stored(picture, kind).to(kind).contiguous(), str(dtype))
    # A strip at a time, which needs no second picture.
    found = zeros(picture.shape, kind)
    for rows, part in zip(found.split(_STRIP), picture.split(_STRIP), strict=True):
        rows.copy_(_stored(part, kind))
    return found.numpy()


def _stored(picture: Tensor, kind: torch.dtype) -> Tensor:
    """A picture's values as that kind of frame holds them."""
    picture = picture.float().clamp(0, 1)
    return picture.mul_(255).round_() if kind == torch.uint8 else picture


def apart(tensor: Tensor) -> Tensor:
    """A tensor that lives on while a network makes the next frames: on the CPU a copy, in memory of its own.

    Amid the large blocks of a network, which come and go, it would leave holes that none of them fits in, so that each
    frame would need some more of the heap.
    """
    if tensor.device.type != "cpu":
        return tensor
    strides = torch.empty_like(tensor, device="meta").stride()  # as a copy has them, where this is part of a larger one
    return zeros(tensor.shape, tensor.dtype).as_strided(tensor.shape, strides).copy_(tensor)


def zeros(shape: tuple[int, ...], kind: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """As torch has them; on the CPU, where they are many, outside the heap: there a block as large as a frame is the
    first that no hole has room for."""
    size = prod(shape) * kind.itemsize
    if torch.device(device).type != "cpu" or size < _OWN:
        return torch.zeros(shape, dtype=kind, device=device)
    return torch.frombuffer(mmap(-1, size), dtype=kind).view(shape)


def _sent(frame: NDArray[Any], device: str) -> Tensor:
    pinned = torch.empty(frame.shape, dtype=getattr(torch, str(frame.dtype)), pin_memory=True)
    pinned.numpy()[...] = frame
    stream = _stream(device, "up")
    with torch.cuda.stream(stream):
        sent = pinned.to(device, non_blocking=True)
    working = torch.cuda.current_stream(sent.device)
    working.wait_stream(stream)
    sent.record_stream(working)
    return sent


def _fetched(picture: Tensor, dtype: str) -> Underway:
    pinned = torch.empty(picture.shape, dtype=picture.dtype, pin_memory=True)
    stream = _stream(str(picture.device), "down")
    stream.wait_stream(torch.cuda.current_stream(picture.device))
    with torch.cuda.stream(stream):
        pinned.copy_(picture, non_blocking=True)
        there = stream.record_event()
    picture.record_stream(stream)

    def arrive() -> NDArray[Any]:
        there.synchronize()
        return pinned.numpy()

    return Underway(tuple(picture.shape), dtype, arrive)


@cache
def _stream(device: str, way: Literal["up", "down"]) -> torch.cuda.Stream:
    return torch.cuda.Stream(torch.device(device))
