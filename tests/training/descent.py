"""A few steps of a training on one sample."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def losses(find: Callable[[], Tensor], optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    """What is found before each step."""
    seen: list[float] = []
    for _ in range(steps):
        found = find()
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        seen.append(float(found.detach()))
    return seen
