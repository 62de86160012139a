"""Stable Video Diffusion and XT (Stability AI): a video from one image, without words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family, Request, Rules, Wrong


class Svd(Family):
    """SVD. `guidance` is that of the last frame (max_guidance_scale), the first has 1. Its latents have the frames
    before the channels. Its VAE sees the frames of a chunk together: smaller chunks take less memory and flicker more.
    """

    name = "svd"
    title = "Stable Video Diffusion"
    pipelines = {"image": "StableVideoDiffusionPipeline"}
    rate = Fraction(7)
    size = (1024, 576)
    frames = 14
    steps = 25
    guidance = 3.0
    multiple = 64
    schedulers = {"euler": "EulerDiscreteScheduler"}
    extra = {"motion_bucket_id": 127, "noise_aug_strength": 0.02}
    chunk = 8
    chunks = True
    loras = False
    prompted = False
    denoisers = ("unet",)
    encoders = ()

    def usual(self, checkpoint: Checkpoint) -> Rules:
        """14 or 25 frames, as the UNet was trained; a size that the VAE's and the UNet's halvings divide."""
        halvings = sum(
            len(checkpoint.config(name).get("block_out_channels", (0, 0, 0, 0))) - 1 for name in ("vae", "unet")
        )
        frames = checkpoint.config("unet").get("num_frames", self.frames)
        return replace(super().usual(checkpoint), frames=frames, multiple=2**halvings)

    def wrong(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """One frame is no video to it."""
        yield from super().wrong(checkpoint, request)
        if request.frames == 1:
            yield Wrong("frames", f"{self.title} makes 2 frames at least, not 1.", "Set it to 2 or more.")

    def needed(self, request: Request) -> tuple[str, ...]:
        """The image is seen by CLIP."""
        return ("unet", "scheduler", "vae", "image_encoder", "feature_extractor")

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """Those of its pipeline."""
        return {
            "image": frames[0],
            "height": request.height,
            "width": request.width,
            "num_frames": request.frames,
            "max_guidance_scale": request.guidance,
            "fps": int(self.rate),
            "motion_bucket_id": request.extra["motion_bucket_id"],
            "noise_aug_strength": request.extra["noise_aug_strength"],
        }

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Latents / scale."""
        return 1 / vae.config.scaling_factor * latents.to(vae.device, vae.dtype).transpose(1, 2)

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """Chunk by chunk, as the pipeline's decode_latents does it."""
        for part in latents[0].transpose(0, 1).split(chunk):
            yield vae.decode(part, num_frames=len(part)).sample.permute(1, 0, 2, 3)[None].float()

    def encode_video(self, vae: Any, video: Any) -> Any:
        """Scaled latents, each frame by itself."""
        frames = video[0].permute(1, 0, 2, 3).to(vae.device, vae.dtype)
        return vae.config.scaling_factor * vae.encode(frames).latent_dist.mode()[None]

    def by_frame(self, latents: Any, grid: tuple[int, int, int]) -> Any:
        """Its frames come first."""
        return latents[0]


FAMILY = Svd()
