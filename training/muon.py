"""Muon: the momentum of a layer's weights, made orthogonal, is the step (Jordan et al., 2024), which takes a small
network there in about half as many steps as Adam does. What has no inner matrix (the first and last layers, biases,
scales) is left to AdamW.

As `torch.optim.Muon` with `match_rms_adamw`, but all matrices of a shape move at once: those of a small network take
about twice as long one by one.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_POLYNOMIAL = 3.4445, -4.7750, 2.0315
_TIMES = 5
"""The polynomial of Newton and Schulz and how often it is taken: it brings singular values near to 1."""


class Muon(torch.optim.Optimizer):
    """Over matrices and convolutions."""

    def __init__(self, net: nn.Module, rate: float, outer: tuple[str, ...], faster: float = 2.0) -> None:
        """`outer` are parts of names: of layers that AdamW moves at `rate`; the others move so many times faster, where
        both change a weight as much."""
        inner: list[Tensor] = []
        others: list[Tensor] = []
        for name, weight in net.named_parameters():
            is_inner = weight.ndim in (2, 4, 5) and len(weight) > 1 and not any(part in name for part in outer)
            (inner if is_inner else others).append(weight)
        self._alike: dict[tuple[int, int], list[int]] = {}
        for number, weight in enumerate(inner):
            self._alike.setdefault((len(weight), weight[0].numel()), []).append(number)
        self._momenta = [torch.zeros_like(weight) for weight in inner]
        self._adam = torch.optim.AdamW(others, rate, betas=(0.9, 0.99), weight_decay=1e-4)
        super().__init__([{"params": inner, "lr": rate * faster}], {})
        self.param_groups = [*self.param_groups, *self._adam.param_groups]
        for group in self.param_groups:
            group["initial_lr"] = group["lr"]

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of both."""
        own = self.param_groups[0]
        for (rows, columns), numbers in self._alike.items():
            moved = [(own["params"][number], self._momenta[number]) for number in numbers]
            moved = [(weight, momentum) for weight, momentum in moved if weight.grad is not None]
            if not moved:
                continue
            weights, momenta = zip(*moved, strict=True)
            gradients = [weight.grad for weight in weights]
            torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
            ahead = torch._foreach_lerp(gradients, momenta, _MOMENTUM)
            steps = _orthogonal(torch.stack([one.reshape(rows, columns) for one in ahead]))
            # As large as Adam's steps are.
            rate = 0.2 * math.sqrt(max(rows, columns)) * own["lr"]
            for weight, step in zip(weights, steps, strict=True):
                weight.sub_(step.view(weight.shape), alpha=rate)
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Of both."""
        return {"momenta": self._momenta, "adam": self._adam.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Of both."""
        for momentum, kept in zip(self._momenta, state_dict["momenta"], strict=True):
            momentum.copy_(kept)
        self._adam.load_state_dict(state_dict["adam"])
        self.param_groups = [self.param_groups[0], *self._adam.param_groups]


def _orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal ones of `[n, rows, columns]`, roughly."""
    a, b, c = _POLYNOMIAL
    found = matrices.bfloat16()
    tall = found.shape[1] > found.shape[2]
    if tall:
        found = found.mT
    found = found / found.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    for _ in range(_TIMES):
        square = found @ found.mT
        found = torch.baddbmm(found, torch.baddbmm(square, square, square, beta=b, alpha=c), found, beta=a)
    return found.mT if tall else found
