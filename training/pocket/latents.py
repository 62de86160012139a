"""Latents of clips of the world, made once and kept, for the training of the denoiser.

Each scene is there twice, as it is and mirrored, where what the mirror shows may be trained on; and each of these twice
as well, in full size and in half, where it has a quarter of the latents.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from training.pocket import stock
from training.pocket.autoencoder import as_clips
from training.world.words import Scene, held_out

_MIRRORED = {"left": "right", "right": "left", "pan left": "pan right", "pan right": "pan left"}
_FILE = 1000
"""Scenes of a file."""
_TOGETHER = 16


def mirrored(scene: Scene) -> Scene:
    """What a scene's mirror image shows."""
    motion, camera = (_MIRRORED.get(value, value) for value in (scene.motion, scene.camera))
    return replace(scene, motion=motion, camera=camera)


@torch.no_grad()
def encoded(vae: AutoencoderKLLTXVideo, clips: Tensor) -> Tensor:
    """Latents as the network gives them, `[n, channels, t, h, w]` in float16."""
    with torch.autocast(clips.device.type, torch.bfloat16):
        return vae.encode(clips).latent_dist.mode().half()  # pyright: ignore[reportAttributeAccessIssue]


def kept(
    vae: AutoencoderKLLTXVideo, folder: Path, count: int, first: int = 0, small: bool = False
) -> tuple[Tensor, list[Scene]]:
    """Latents and scenes of the seeds from `first` on, in full size or in half; what of them is in the folder is read
    there."""
    folder.mkdir(parents=True, exist_ok=True)
    latents: list[Tensor] = []
    scenes: list[Scene] = []
    for begin in range(first, first + count, _FILE):
        path = folder / f"{begin}.safetensors"
        if not path.exists():
            _make(vae, path, begin, min(_FILE, first + count - begin))
        with safe_open(path, "pt") as file:
            latents.append(file.get_tensor("small" if small else "full"))
            scenes += [Scene(**parts) for parts in json.loads(file.metadata()["scenes"])]
    return torch.cat(latents), scenes


def trained_on(folders: list[Path]) -> Iterator[Tensor]:
    """All latents in folders, in full size, but for those of seeds that are held out; some at a time."""
    for path in (path for folder in folders for path in sorted(folder.glob("*.safetensors"))):
        if int(path.stem) < stock.HELD_OUT:
            yield load_file(path)["full"]


def _make(vae: AutoencoderKLLTXVideo, path: Path, first: int, count: int) -> None:
    found: list[Tensor] = []
    small: list[Tensor] = []
    shown: list[Scene] = []
    for clips in stock.groups(_both_ways(first, count), _TOGETHER):
        full = as_clips(np.stack([clip for _, clip in clips])).to(vae.device)
        found.append(encoded(vae, full).cpu())
        small.append(encoded(vae, functional.avg_pool3d(full, (1, 2, 2))).cpu())
        shown += [scene for scene, _ in clips]
    part = path.with_suffix(".part")
    scenes = json.dumps([asdict(scene) for scene in shown])
    save_file({"full": torch.cat(found), "small": torch.cat(small)}, part, {"scenes": scenes})
    os.replace(part, path)  # noqa: PTH105
    print(f"{path}: {len(shown)} clips", flush=True)


def _both_ways(first: int, count: int) -> Iterator[tuple[Scene, Any]]:
    for seed, clip in enumerate(stock.clips(first, count), first):
        scene = stock.scene(seed)
        yield scene, clip
        other = mirrored(scene)
        if held_out(other) == held_out(scene):
            yield other, clip[:, :, ::-1]
