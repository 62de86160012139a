"""Other networks that upscale, by spandrel, which knows some forty architectures; an optional extra, since it brings
torchvision."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a network of any architecture: its name, and by how much it enlarges."""

    kind: str
    scale: int
    unshuffle: int = 1
    """Of which the sides of a picture have to be multiples: of one, since the network pads by itself."""
    width: int = 180
    """Channels, about: of the larger architectures of its kind."""
    reach: int = 10_000
    """Pixels that one of the result can depend on: with attention, as many as there are."""


def is_here() -> bool:
    """Whether spandrel is installed."""
    return find_spec("spandrel") is not None


def network(state: dict[str, torch.Tensor]) -> Any | None:
    """The network that weights are of, with its `layout`; None where spandrel knows none that makes a picture of RGB
    from one."""
    spandrel: Any = import_module("spandrel")
    try:
        found: Any = spandrel.ModelLoader().load_from_state_dict(state)
    except (spandrel.UnsupportedModelError, RuntimeError, ValueError, KeyError, AssertionError):
        return None
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.input_channels != 3 or found.output_channels != 3:
        return None
    return _Foreign(found)


class _Foreign:
    """A network of spandrel's as a module of ours."""

    def __init__(self, found: Any) -> None:
        self._found = found
        self.layout = Layout(found.architecture.name, found.scale)

    def to(self, device: torch.device, dtype: torch.dtype, memory_format: torch.memory_format) -> _Foreign:
        """Where it works, and with which numbers; with float32 where its architecture has no other."""
        import torch

        fits = (
            dtype == torch.float32
            or (dtype == torch.float16 and self._found.supports_half)
            or (dtype == torch.bfloat16 and self._found.supports_bfloat16)
        )
        self._found.to(device, dtype if fits else torch.float32)
        self._found.model.eval().requires_grad_(False).to(memory_format=memory_format)
        return self

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        return self._found(pictures.to(self._found.dtype))
