"""Muon: the momentum of a layer's weights, made orthogonal, is the step (Jordan et al., 2024), which takes a small
network there in about half as many steps as Adam does. What has no inner matrix (the first and last layers, biases,
scales) is left to AdamW.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Over matrices and convolutions, those over pictures in channels_last; needs torch 2.9."""

    def __init__(self, net: nn.Module, rate: float, outer: tuple[str, ...], faster: float = 2.0) -> None:
        """`outer` are parts of names: of layers that AdamW moves at `rate`; the others move so many times faster, where
        both change a weight as much."""
        self._inner: list[Tensor] = []
        others: list[Tensor] = []
        for name, weight in net.named_parameters():
            is_inner = weight.ndim in (2, 4, 5) and len(weight) > 1 and not any(part in name for part in outer)
            (self._inner if is_inner else others).append(weight)
        # torch's own takes matrices alone: these share their memory with the weights.
        self._matrices = [nn.Parameter(_matrix(one.detach())) for one in self._inner]
        self._muon = torch.optim.Muon(
            self._matrices, rate * faster, weight_decay=0, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        self._adam = torch.optim.AdamW(others, rate, betas=(0.9, 0.99), weight_decay=1e-4)
        for one in (self._muon, self._adam):
            for group in one.param_groups:
                group["initial_lr"] = group["lr"]
        super().__init__([{"params": others}], {})
        self.param_groups = [*self._muon.param_groups, *self._adam.param_groups]

    def step(self, closure: Any = None) -> Any:
        """One step of both."""
        for matrix, weight in zip(self._matrices, self._inner, strict=True):
            matrix.grad = None if weight.grad is None else _matrix(weight.grad)
        self._muon.step()
        self._adam.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for weight in self._inner:
            weight.grad = None
        self._adam.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """Of both."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Of both."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adam.load_state_dict(state_dict["adam"])
        self.param_groups = [*self._muon.param_groups, *self._adam.param_groups]


def _matrix(weight: Tensor) -> Tensor:
    """`[out, in, h, w]` as `[out, h * w * in]`, which is how channels_last has it in memory; others as they are."""
    return (weight.permute(0, 2, 3, 1) if weight.ndim == 4 else weight).reshape(len(weight), -1)
