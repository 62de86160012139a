"""Files of small networks with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from vidflow.models import esrgan, generators, ifnet, rife

RIFE = rife.Layout((16, 16, 8, 8), "residual", 24, head="named", hidden=8, features=4)
COMPACT = esrgan.Layout("compact", 2, 8, 2)


def written(net: torch.nn.Module, path: Path, seed: int = 0) -> Path:
    """A file of random weights that do something, but nothing wild; a pickle as from within another network."""
    rng = torch.Generator().manual_seed(seed)
    state = {name: 0.1 * torch.randn(one.shape, generator=rng) for name, one in net.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({f"module.{name}": one for name, one in state.items()}, path)
    return path


def small_rife(folder: Path, layout: rife.Layout = RIFE, name: str = "rife.safetensors") -> Path:
    """A RIFE of four small blocks."""
    return written(ifnet.IFNet(layout), folder / name)


def small_esrgan(folder: Path, layout: esrgan.Layout = COMPACT, name: str = "esrgan.safetensors") -> Path:
    """A small ESRGAN."""
    return written(generators.network(layout), folder / name)
