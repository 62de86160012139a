"""What a video will look like while it is sampled: a linear map from latents to colours, fitted for each VAE.

Never a decode: a step's preview is one small matrix product.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family
from vidflow.places import previews_dir, resource

_BLOCKS, _BLOCK = 64, 2**16
"""How much of a file tells it from others: so many blocks, of so many bytes."""
Grid = tuple[int, int, int]
"""Latent frames, rows and columns."""
_RIDGE = 1e-4
"""Of the mean square of the latents: keeps the fit calm where channels say the same."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of latents. `factors` are those of `fit`, `grid` is that of the latents."""

    found: Family
    factors: NDArray[np.float32]
    grid: Grid

    def __call__(self, latents: torch.Tensor) -> NDArray[np.uint8] | None:
        """The middle frame, `[rows, columns, 3]`, of what a step gave; None where that is no frame at all."""
        frames = self.found.by_frame(latents, self.grid)
        if not len(frames):
            return None
        frame = frames[len(frames) // 2].float().permute(1, 2, 0)
        factors = torch.from_numpy(self.factors).to(frame.device)
        colours = frame @ factors[:-1] + factors[-1]
        return (colours.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def fit(vae: Any, found: Family, seed: int = 0, count: int = 8, side: int = 16) -> NDArray[np.float32]:
    """Factors `[channels + 1, 3]`, the last of them added, that take latents nearest to what `vae` decodes from them,
    in 0..1 (least squares).

    They are fitted on latents of `count` short films of moving gradients, shapes and noise, drawn from `seed`, `side`
    latents wide and high.
    """
    frames = 1 + 2 * found.every if found.every > 1 else 3
    rows = columns = side * _ratios(vae)[0]
    inputs: list[NDArray[np.float64]] = []
    outputs: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for film in _films(seed, count, frames, rows, columns):
            video = torch.from_numpy(film).permute(3, 0, 1, 2)[None].to(vae.device)
            latents = found.encode_video(vae, 2 * video - 1)
            grid = grid_of(vae, frames, columns, rows)
            meta = {"frames": frames, "width": columns, "height": rows, "patch": 1, "patch_t": 1}
            runs = found.runs(vae, found.ready(vae, latents, meta), frames)
            decoded = torch.cat([run.float() for run in runs], dim=2)
            each = found.by_frame(latents, grid).float()
            colours = _averaged((decoded[0] / 2 + 0.5).clamp(0, 1).transpose(0, 1), len(each), each.shape[-2:])
            inputs.append(each.permute(0, 2, 3, 1).reshape(-1, each.shape[1]).double().cpu().numpy())
            outputs.append(colours.permute(0, 2, 3, 1).reshape(-1, 3).double().cpu().numpy())
    given = np.concatenate(inputs)
    given = np.concatenate([given, np.ones((len(given), 1))], axis=1)
    square = given.T @ given
    calm = _RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    calm[-1, -1] = 0
    return np.linalg.solve(square + calm, given.T @ np.concatenate(outputs)).astype(np.float32)


def vae_digest(checkpoint: Checkpoint) -> str:
    """What the factors of a checkpoint's VAE are known by on every machine: a digest of its configuration and of
    blocks spread over its weights."""
    vae = checkpoint.components["vae"]
    digest = hashlib.sha256(json.dumps({**vae.config}, sort_keys=True).encode())
    for path in vae.weights:
        size = path.stat().st_size
        with path.open("rb") as file:
            for number in range(_BLOCKS):
                file.seek(number * size // _BLOCKS)
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:32]


def stored(weights: str) -> NDArray[np.float32] | None:
    """The factors of a VAE, where they come with vidflow or were fitted before."""
    for folder in (resource("previews"), previews_dir()):
        try:
            found = np.array(json.loads((folder / f"{weights}.json").read_bytes()), np.float32)
        except (OSError, ValueError, TypeError):
            continue
        if found.ndim == 2 and found.shape[1] == 3 and np.isfinite(found).all():
            return found
    return None


def store(weights: str, factors: NDArray[np.float32], folder: Path) -> None:
    """Keep the factors of a VAE in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{weights}.{os.getpid()}.tmp"
    beside.write_text(json.dumps([[round(float(one), 6) for one in row] for row in factors]), "utf-8")
    beside.replace(folder / f"{weights}.json")


def grid_of(vae: Any, frames: int, width: int, height: int) -> Grid:
    """Latent frames, rows and columns of a video."""
    spatial, time = _ratios(vae)
    return (frames - 1) // time + 1, height // spatial, width // spatial


def _ratios(vae: Any) -> tuple[int, int]:
    """Pixels of a latent's side, and frames of a latent; VAEs of pictures say neither."""
    # A VAE that keeps them in its configuration warns of one who asks the VAE itself.
    config, own = vae.config, vars(vae)
    spatial = config.get("scale_factor_spatial") or own.get("spatial_compression_ratio")
    time = config.get("scale_factor_temporal") or config.get("temporal_compression_ratio")
    halvings = len(config.get("block_out_channels") or (0, 0, 0, 0)) - 1
    return spatial or 2**halvings, time or own.get("temporal_compression_ratio") or 1


def _averaged(colours: torch.Tensor, count: int, size: Any) -> torch.Tensor:
    """Frames `[n, 3, height, width]` as `count` of `size`: the first by itself where latents take several frames."""
    small = torch.nn.functional.adaptive_avg_pool2d(colours, tuple(size))
    if count == len(small):
        return small
    rest = small[1:].unflatten(0, (count - 1, -1)).mean(dim=1)
    return torch.cat([small[:1], rest])


def _films(seed: int, count: int, frames: int, rows: int, columns: int) -> Iterator[NDArray[np.float32]]:
    """Films `[frames, rows, columns, 3]` in 0..1: a gradient, noise of each size, and shapes, that move a little."""
    import cv2

    draw = np.random.default_rng(seed)
    margin = frames
    height, width = rows + margin, columns + margin
    y, x = np.mgrid[:height, :width] / max(height, width)
    for _ in range(count):
        picture = draw.uniform(0.2, 0.8, 3) + sum(
            one[..., None] * draw.uniform(-0.3, 0.3, 3) for one in (x, y, np.sin(draw.uniform(2, 30) * (x + y)))
        )
        for size in (2, 5, 12, 40):
            noise = draw.standard_normal((max(2, height // size), max(2, width // size), 3)).astype(np.float32)
            noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
            picture += draw.uniform(0, 0.12) * noise + draw.uniform(0, 0.12) * noise.mean(axis=2, keepdims=True)
        for _ in range(4):
            centre, radius = draw.uniform(0, 1, 2), draw.uniform(0.05, 0.3)
            round_ = np.hypot(x - centre[0], y - centre[1]) < radius
            square = np.maximum(abs(x - centre[1]), abs(y - centre[0])) < radius / 2
            picture[round_ if draw.random() < 0.5 else square] = draw.uniform(0, 1, 3)
        picture = picture.clip(0, 1).astype(np.float32)
        down, right = draw.integers(0, 2, 2)
        yield np.stack([picture[down * n : down * n + rows, right * n : right * n + columns] for n in range(frames)])
