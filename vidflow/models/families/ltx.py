"""LTX-Video (Lightricks): a DiT over T5 text and a VAE of 32 x 32 x 8 pixels a latent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from vidflow.models.family import Family, Request


class Ltx(Family):
    """LTX-Video. An 8 k + 1 rule for frames; 32 pixels. Its latents come packed as a sequence."""

    name = "ltx"
    title = "LTX-Video"
    pipelines = {"text": "LTXPipeline", "image": "LTXImageToVideoPipeline"}
    rate = Fraction(25)
    size = (704, 512)
    frames = 161
    steps = 50
    guidance = 3.0
    every = 8
    multiple = 32
    schedulers = {"euler": "FlowMatchEulerDiscreteScheduler", "unipc": "UniPCMultistepScheduler"}
    flow = True
    caches = ("first_block", "pyramid")
    attends = ("xformers", "cudnn", "efficient", "math")
    compiles = True
    single = True

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """Embeddings and their masks."""
        found = pipe.encode_prompt(text, negative, True, device=device)
        names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
        return dict(zip(names, found, strict=True))

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """Its positions count in seconds."""
        return super().arguments(request, frames) | {"frame_rate": float(self.rate)}

    def described(self, pipe: Any, request: Request) -> dict[str, Any]:
        """How the latents are packed."""
        return {"patch": pipe.transformer_spatial_patch_size, "patch_t": pipe.transformer_temporal_patch_size}

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Unpacked, z * std / scale + mean."""
        from diffusers import LTXPipeline

        ratio, time = vae.spatial_compression_ratio, vae.temporal_compression_ratio
        size = (meta["frames"] - 1) // time + 1, meta["height"] // ratio, meta["width"] // ratio
        patch, patch_t = meta["patch"], meta["patch_t"]
        latents = LTXPipeline._unpack_latents(latents.to(vae.device), *size, patch, patch_t)
        latents = LTXPipeline._denormalize_latents(
            latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
        )
        return latents.to(vae.dtype)

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """All at once; a VAE that knows how noisy its latents are is told that they are clean."""
        timestep = latents.new_zeros(1) if vae.config.timestep_conditioning else None
        yield vae.decode(latents, timestep, return_dict=False)[0]

    def encode_video(self, vae: Any, video: Any) -> Any:
        """(z - mean) * scale / std, packed with patches of one."""
        from diffusers import LTXPipeline

        latents = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode()
        latents = LTXPipeline._normalize_latents(latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor)
        return LTXPipeline._pack_latents(latents, 1, 1)

    def by_frame(self, latents: Any, grid: tuple[int, int, int]) -> Any:
        """Unpacked, where they are packed: a step from an image gives them unpacked, without the image's own."""
        if latents.ndim == 3:
            return latents[0].unflatten(0, grid).permute(0, 3, 1, 2)
        return super().by_frame(latents, grid)


FAMILY = Ltx()
