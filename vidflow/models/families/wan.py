"""Wan 2.1 and 2.2 (Alibaba): a DiT over UMT5 text; image-to-video checkpoints see the first frame, those of 2.2 with
two transformers change from one to the other on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import ATTENTION, FLOW, Family, Mode, Request, Rules, Wrong


class Wan(Family):
    """Wan. A 4 k + 1 rule for frames; 16 pixels."""

    name = "wan"
    title = "Wan"
    pipelines = {"text": "WanPipeline", "image": "WanImageToVideoPipeline", "video": "WanVideoToVideoPipeline"}
    rate = Fraction(16)
    size = (832, 480)
    frames = 81
    steps = 50
    guidance = 5.0
    every = 4
    schedulers = FLOW
    flow = True
    extra = {"guidance_2": 0.0}
    caches = ("first_block", "pyramid")
    attends = tuple(ATTENTION)
    compiles = True
    single = True
    denoisers = ("transformer", "transformer_2")

    def modes(self, checkpoint: Checkpoint) -> tuple[Mode, ...]:
        """An image-to-video transformer takes more channels than it gives; Wan 2.2 5B takes an image or none. The
        pipeline that starts from a video knows one transformer, and one timestep for all frames."""
        config = checkpoint.config("transformer") or checkpoint.config("transformer_2")
        if config.get("in_channels") != config.get("out_channels"):
            return ("image",)
        if checkpoint.settings.get("expand_timesteps"):
            return ("text", "image")
        return ("text",) if "transformer_2" in checkpoint.components else ("text", "video")

    def usual(self, checkpoint: Checkpoint) -> Rules:
        """Wan 2.2 has other ones than 2.1, by its model cards: 5B (a VAE of 16 pixels), and two transformers."""
        own = super().usual(checkpoint)
        pixels = 2 * checkpoint.config("vae").get("scale_factor_spatial", 8)
        if checkpoint.settings.get("expand_timesteps"):
            return replace(own, size=(1280, 704), frames=121, rate=Fraction(24), multiple=pixels)
        if "transformer_2" in checkpoint.components:
            guidance = 4.0 if "text" in self.modes(checkpoint) else 3.5
            return replace(own, size=(1280, 720), steps=40, guidance=guidance, multiple=pixels)
        return replace(own, multiple=pixels)

    def completed(self, checkpoint: Checkpoint, request: Request) -> Request:
        """The second transformer's guidance is the first's, but where neither is given and the model card says 3."""
        done = super().completed(checkpoint, request)
        second = request.extra.get("guidance_2")
        if second is None and "transformer_2" in checkpoint.components:
            own = request.guidance is None and "text" in self.modes(checkpoint)
            second = 3.0 if own else done.guidance
        return replace(done, extra={"guidance_2": second} if second is not None else {})

    def unused(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """One transformer has one guidance."""
        yield from super().unused(checkpoint, request)
        if "transformer_2" not in checkpoint.components and "guidance_2" in request.extra:
            yield self.without("guidance_2")

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """512 tokens, as the pipeline asks for when it is called."""
        positive, other = pipe.encode_prompt(text, negative, True, max_sequence_length=512, device=device)
        return {"prompt_embeds": positive, "negative_prompt_embeds": other}

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """The second transformer's guidance as well; where a video is the start, there is one transformer."""
        given = super().arguments(request, frames)
        if "guidance_2" in request.extra and request.mode != "video":
            given["guidance_scale_2"] = request.extra["guidance_2"]
        return given

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Latents * std + mean."""
        latents = latents.to(vae.device, vae.dtype)
        mean, inverse = self._statistics(vae, latents)
        return latents / inverse + mean

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """The VAE's own loop, a latent frame (1, then 4 frames) at a time; what it remembers of the frames before is
        kept here and not in the VAE."""
        from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

        latents = vae.post_quant_conv(latents)
        memory: list[Any] = [None] * vae._cached_conv_counts["decoder"]
        for number in range(latents.shape[2]):
            first = {"first_chunk": True} if number == 0 else {}
            run = vae.decoder(latents[:, :, number : number + 1], feat_cache=memory, feat_idx=[0], **first)
            if vae.config.patch_size is not None:
                run = unpatchify(run, patch_size=vae.config.patch_size)
            yield run.clamp(-1.0, 1.0)

    def encode_video(self, vae: Any, video: Any) -> Any:
        """(z - mean) / std of the mode in float32, as WanVideoToVideoPipeline has it."""
        latents = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode().float()
        mean, inverse = self._statistics(vae, latents)
        return (latents - mean) * inverse

    def noise(self, pipe: Any, latents: Any, generator: Any) -> Any:
        """In float32; its latents are the mode of what the VAE gives."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        return randn_tensor(latents.shape, generator=generator, device=latents.device, dtype=torch.float32)

    def _statistics(self, vae: Any, latents: Any) -> tuple[Any, Any]:
        import torch

        shape = (1, vae.config.z_dim, 1, 1, 1)
        mean = torch.tensor(vae.config.latents_mean).view(shape).to(latents.device, latents.dtype)
        return mean, 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(latents.device, latents.dtype)


FAMILY = Wan()
