"""Frames on their way to a device and back.

To and from a GPU they go through pinned memory on streams of their own, beside its work: while it is at one frame, the
next goes up and the one before comes down. On the CPU what outlives a frame is taken out of the heap (see `apart`).
"""

from __future__ import annotations

from functools import cache
from mmap import mmap
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from vidflow.values.frames import Underway

_OWN = 2**17
"""Bytes from which a tensor gets memory of its own, as it is with the C library: a process has only so many pieces."""


def as_tensor(frame: NDArray[Any], device: str, dtype: str) -> Tensor:
    """A frame (or flow) `[h, w, c]` as `[1, c, h, w]`, uint8 in 0..1, as it lies in memory."""
    if torch.device(device).type == "cuda":
        tensor = _sent(frame, device)
    else:
        tensor = torch.from_numpy(frame if frame.flags.writeable else frame.copy()).to(device)
    tensor = tensor.permute(2, 0, 1)[None]
    eight_bit = tensor.dtype == torch.uint8
    tensor = tensor.to(getattr(torch, dtype))
    return tensor / 255 if eight_bit else tensor


def as_frame(picture: Tensor, dtype: Any) -> NDArray[Any] | Underway:
    """`[1, 3, h, w]` in 0..1 as a frame `[h, w, 3]`, clipped: float32, or uint8 to the nearest."""
    picture = picture[0].permute(1, 2, 0).float().clamp(0, 1)
    if dtype == "uint8":
        picture = (picture * 255).round().to(torch.uint8)
    picture = picture.contiguous()
    return _fetched(picture, str(dtype)) if picture.is_cuda else apart(picture).numpy()


def apart(tensor: Tensor) -> Tensor:
    """A tensor that lives on while a network makes the next frames: on the CPU a copy, in memory of its own.

    Amid the large blocks of a network, which come and go, it would leave holes that none of them fits in, so that each
    frame would need some more of the heap.
    """
    size = tensor.numel() * tensor.element_size()
    if tensor.is_cuda or size < _OWN:
        return tensor
    memory = torch.frombuffer(mmap(-1, size), dtype=tensor.dtype)
    strides = torch.empty_like(tensor, device="meta").stride()  # as a copy has them, where this is part of a larger one
    return memory.as_strided(tensor.shape, strides).copy_(tensor)


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
