"""What pictures suffer on their way to a small video: halving, blur, noise, compression. On tensors `[n, 3, h, w]`, on
whatever device; by a codec itself one by one."""

from __future__ import annotations

import io
import math
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# ITU-T T.81 (JPEG), tables K.1 and K.2: how coarsely each frequency of a block is kept at quality 50.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = tuple(
    tuple(((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))[y][x] if y < 4 and x < 4 else 99
          for x in range(8))
    for y in range(8)
)  # fmt: skip
_FILM = 5
"""Frames of the film that a picture is the last of."""
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def halved(pictures: Tensor, sharpness: float = 0.6) -> Tensor:
    """Half the size by an antialiased bicubic kernel; `sharpness` is its C (0.5 of Keys, 0.6 of ffmpeg, 0.75 of
    OpenCV), with B 0 (Mitchell and Netravali, 1988)."""
    at = [abs(k + 0.5) / 2 for k in range(-4, 4)]
    weights = torch.tensor([_cubic(x, sharpness) for x in at], device=pictures.device)
    return _apart(pictures, weights / weights.sum(), 3, 2)


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    """Through a Gaussian of `sigma` pixels."""
    reach = max(1, math.ceil(3 * sigma))
    at = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    weights = torch.exp(-0.5 * (at / sigma) ** 2)
    return _apart(pictures, weights / weights.sum(), reach, 1)


def thin_colour(pictures: Tensor) -> Tensor:
    """With the colour at half the size, as nearly every video has it (4:2:0), and as it is decoded: each colour stands
    for four pixels."""
    seen = _mixed(pictures, _matrix(pictures.device))
    large = functional.interpolate(functional.avg_pool2d(seen[:, 1:], 2), scale_factor=2, mode="nearest")
    return _mixed(torch.cat((seen[:, :1], large), 1), torch.linalg.inv(_matrix(pictures.device)))


def compressed(pictures: Tensor, quality: Tensor) -> Tensor:
    """As after compression in blocks of 8 x 8 frequencies, with thin colour; `quality` `[n, 1, 1, 1]` is JPEG's, 1 to
    100."""
    device = pictures.device
    factor = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    seen = _mixed(pictures, _matrix(device)) * 255
    coarse = functional.avg_pool2d(seen[:, 1:], 2)
    luma = _in_blocks(seen[:, :1] - 128, torch.tensor(_LUMA, device=device), factor) + 128
    chroma = _in_blocks(coarse, torch.tensor(_CHROMA, device=device), factor)
    chroma = functional.interpolate(chroma, size=luma.shape[-2:], mode="bilinear", align_corners=False)
    return _mixed(torch.cat((luma, chroma), 1) / 255, torch.linalg.inv(_matrix(device)))


def encoded(picture: NDArray[Any], seed: int) -> NDArray[Any]:
    """A picture `[h, w, 3]` with even sides as the last frame of a short H.264 film over which the camera moves a
    little: with what the codec leaves out of frames that it predicts from others."""
    import av

    rng = np.random.default_rng((21, seed))
    height, width = picture.shape[:2]
    step = rng.integers(-3, 4, 2)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": str(rng.integers(14, 25)), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for k in range(_FILM - 1, -1, -1):
            moved = np.roll(picture, (k * step[0], k * step[1]), (0, 1))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(moved, "rgb24")))
        out.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, "r") as found:
        *_, last = found.decode(video=0)
        return last.to_ndarray(format="rgb24")


def _in_blocks(planes: Tensor, table: Tensor, factor: Tensor) -> Tensor:
    n, c, height, width = planes.shape
    padded = functional.pad(planes, (0, -width % 8, 0, -height % 8), mode="replicate")
    rows, columns = padded.shape[-2] // 8, padded.shape[-1] // 8
    blocks = padded.reshape(n, c, rows, 8, columns, 8).transpose(3, 4)
    basis = _cosines().to(planes.device)
    steps = (table.float() * factor.reshape(n, 1, 1, 1, 1, 1)).clamp(min=1)
    found = torch.round(basis @ blocks @ basis.T / steps) * steps
    return (basis.T @ found @ basis).transpose(3, 4).reshape(padded.shape)[..., :height, :width]


@cache
def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 numbers."""
    k, x = torch.arange(8.0)[:, None], torch.arange(8.0)
    basis = torch.cos((2 * x + 1) * k * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    return basis


def _cubic(x: float, c: float) -> float:
    if x < 1:
        return (2 - c) * x**3 + (c - 3) * x**2 + 1
    return -c * x**3 + 5 * c * x**2 - 8 * c * x + 4 * c if x < 2 else 0.0


def _apart(pictures: Tensor, weights: Tensor, reach: int, stride: int) -> Tensor:
    """The same weights along both axes."""
    channels = pictures.shape[1]
    padded = functional.pad(pictures, (reach,) * 4, mode="reflect")
    row = weights.to(pictures.dtype).expand(channels, 1, 1, -1)
    wide = functional.conv2d(padded, row, stride=(1, stride), groups=channels)
    return functional.conv2d(wide, row.transpose(2, 3), stride=(stride, 1), groups=channels)


def _matrix(device: torch.device) -> Tensor:
    return torch.tensor(_TO_YCC, device=device)


def _mixed(pictures: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,njhw->nihw", matrix, pictures)
