"""The values that are not pictures or sound: prompt, model, conditioning, latents, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generated video shall show, and what it shall not."""

    text: str
    negative: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A reference to weights: never the weights themselves, which live in `vidflow.models` while they are in use.

    `files` maps each file to its digest; `settings` are those of loading (dtype, variant, LoRAs).
    """

    family: str
    name: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """What a text encoder gives a sampler: named arrays (numpy or torch), and what the family needs to know of them."""

    tensors: Mapping[str, Any]
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """What a sampler gives a VAE: one array (numpy or torch) in the family's own layout, and its description."""

    tensor: Any
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Report(Mapping[str, Any]):
    """A mapping of JSON values that a node found out; read-only."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = dict(data)

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"Report({self._data!r})"
