"""CogVideoX and CogVideoX 1.5 (Zhipu AI): a DiT over T5 text, with a causal 3D VAE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from vidflow.errors import ModelError
from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family, Mode, Request, Rules, Wrong


class CogVideoX(Family):
    """CogVideoX. A 4 k + 1 rule for frames; 16 pixels. Its latents have the frames before the channels."""

    name = "cogvideox"
    title = "CogVideoX"
    pipelines = {
        "text": "CogVideoXPipeline",
        "image": "CogVideoXImageToVideoPipeline",
        "video": "CogVideoXVideoToVideoPipeline",
    }
    rate = Fraction(8)
    size = (720, 480)
    frames = 49
    steps = 50
    guidance = 6.0
    every = 4
    caches = ("first_block", "pyramid", "faster")
    layout = "BFCHW"
    schedulers = {"ddim": "CogVideoXDDIMScheduler", "dpm++": "CogVideoXDPMScheduler"}

    def modes(self, checkpoint: Checkpoint) -> tuple[Mode, ...]:
        """An image-to-video transformer takes the image's channels beside those that it gives."""
        config = checkpoint.config("transformer")
        return ("image",) if config.get("in_channels") != config.get("out_channels") else ("text", "video")

    def usual(self, checkpoint: Checkpoint) -> Rules:
        """CogVideoX 1.5 packs frames in pairs, and makes larger and longer videos."""
        own = super().usual(checkpoint)
        if checkpoint.config("transformer").get("patch_size_t") is None:
            return own
        return replace(own, size=(1360, 768), frames=81, rate=Fraction(16))

    def taken(self, checkpoint: Checkpoint, frames: int) -> int:
        """CogVideoX 1.5 starts from whole pairs of latents, and its VAE makes 8 frames of a pair that no odd one
        precedes."""
        pairs = checkpoint.config("transformer").get("patch_size_t")
        return (
            super().taken(checkpoint, frames) if pairs is None else frames // (self.every * pairs) * self.every * pairs
        )

    def wrong(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """The image-to-video checkpoint of 5B has learned its positions for one size."""
        yield from super().wrong(checkpoint, request)
        config = checkpoint.config("transformer")
        if not config.get("use_learned_positional_embeddings"):
            return
        fixed = {"width": config.get("sample_width", 90) * 8, "height": config.get("sample_height", 60) * 8}
        done = self.completed(checkpoint, request)
        for name, given in (("width", done.width), ("height", done.height)):
            if given != fixed[name]:
                yield Wrong(
                    name,
                    f"This {self.title} checkpoint knows one {name}, {fixed[name]}, not {given}.",
                    f"Set it to {fixed[name]}.",
                )

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """Embeddings of 226 tokens."""
        positive, other = pipe.encode_prompt(text, negative, True, device=device)
        return {"prompt_embeds": positive, "negative_prompt_embeds": other}

    def described(self, pipe: Any, request: Request) -> dict[str, Any]:
        """How many latent frames were put before the first to make pairs (CogVideoX 1.5)."""
        pairs = pipe.transformer.config.patch_size_t
        if pairs is None or request.mode == "video" or request.frames is None:
            return {"additional": 0}
        return {"additional": -((request.frames - 1) // pipe.vae_scale_factor_temporal + 1) % pairs}

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Without the frames put before, z / scale."""
        latents = latents[:, meta.get("additional", 0) :].to(vae.device, vae.dtype)
        return 1 / vae.config.scaling_factor * latents.permute(0, 2, 1, 3, 4)

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """The VAE's own loop, two latent frames at a time, three at first where their number is odd."""
        count, size = latents.shape[2], vae.num_latent_frames_batch_size
        start, memory = 0, None
        while start < count:
            stop = min(count, start + size + (count % size if start == 0 and count > size else 0))
            run = latents[:, :, start:stop]
            if vae.post_quant_conv is not None:
                run = vae.post_quant_conv(run)
            run, memory = vae.decoder(run, conv_cache=memory)
            yield run
            start = stop

    def encode_video(self, vae: Any, video: Any) -> Any:
        """Scaled latents of the mode; the pipeline that starts from a video draws them around it, with its seed."""
        latents = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode()
        return vae.config.scaling_factor * latents.permute(0, 2, 1, 3, 4)

    def noise(self, pipe: Any, latents: Any, generator: Any) -> Any:
        """After what draws latents around the mode."""
        from diffusers.utils.torch_utils import randn_tensor

        pairs = pipe.transformer.config.patch_size_t
        if pairs is not None and latents.shape[1] % pairs:
            raise ModelError(
                f"These latents have {latents.shape[1]} frames, which {self.title} 1.5 does not take in pairs; "
                "make them with the same model."
            )
        # The pipeline takes the number of latent frames for that of a video's.
        pipe.vae_scale_factor_temporal = 1
        batch, count, channels, *size = latents.shape
        given = {"generator": generator, "device": latents.device}
        randn_tensor((batch, channels, count, *size), dtype=pipe.vae.dtype, **given)
        return randn_tensor(latents.shape, dtype=pipe.transformer.dtype, **given)

    def by_frame(self, latents: Any, grid: tuple[int, int, int]) -> Any:
        """Its frames come first."""
        return latents[0]


FAMILY = CogVideoX()
