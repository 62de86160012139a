"""Weights on disk become something that runs: checkpoints, families of video models, loading, sampling.

What a graph is checked with (`library`, `checkpoint`, `family`, `families`, `lora`, `machine`, `replacing`) needs no
torch; the others import it. Each module is imported where it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidflow.models import (
        alignment,
        checkpoint,
        dense,
        families,
        family,
        interpolation,
        library,
        lora,
        machine,
        networks,
        replacing,
        sampling,
        upscaling,
    )

__all__ = [
    "alignment",
    "checkpoint",
    "dense",
    "families",
    "family",
    "interpolation",
    "library",
    "lora",
    "machine",
    "networks",
    "replacing",
    "sampling",
    "upscaling",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
