"""Mochi 1 (Genmo): an asymmetric DiT over T5 text and a VAE of 8 x 8 pixels and 6 frames a latent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family, Request, Wrong

_LONGEST = 163
"""Frames, by its model card."""


class Mochi(Family):
    """Mochi 1. A 6 k + 1 rule for frames, up to 163; 16 pixels."""

    name = "mochi"
    title = "Mochi"
    pipelines = {"text": "MochiPipeline"}
    rate = Fraction(30)
    size = (848, 480)
    frames = 85
    steps = 64
    guidance = 4.5
    every = 6
    schedulers = {"euler": "FlowMatchEulerDiscreteScheduler"}
    flow = True
    caches = ("first_block", "pyramid", "faster")
    single = True

    def wrong(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """Its longest video as well."""
        yield from super().wrong(checkpoint, request)
        if request.frames and request.frames > _LONGEST:
            yield Wrong(
                "frames",
                f"{self.title} makes {_LONGEST} frames at most, not {request.frames}.",
                f"Set it to {_LONGEST} or less.",
            )

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """Embeddings and their masks."""
        found = pipe.encode_prompt(text, negative, True, device=device)
        names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
        return dict(zip(names, found, strict=True))

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Latents * std / scale + mean."""
        latents, scale = latents.to(vae.device), vae.config.scaling_factor
        mean, std = self._statistics(vae, latents)
        return (latents / scale if std is None else latents * std / scale + mean).to(vae.dtype)

    def encode_video(self, vae: Any, video: Any) -> Any:
        """(z - mean) * scale / std."""
        latents = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode()
        mean, std = self._statistics(vae, latents)
        scale = vae.config.scaling_factor
        return latents * scale if std is None else (latents - mean) * scale / std

    def _statistics(self, vae: Any, latents: Any) -> tuple[Any, Any]:
        import torch

        both = vae.config.latents_mean, vae.config.latents_std
        if any(one is None for one in both):
            return None, None
        mean, std = (torch.tensor(one).view(1, -1, 1, 1, 1).to(latents.device, latents.dtype) for one in both)
        return mean, std


FAMILY = Mochi()
