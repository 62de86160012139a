"""HunyuanVideo (Tencent): a DiT over Llama and CLIP text whose guidance is one of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family, Request


class Hunyuan(Family):
    """HunyuanVideo. A 4 k + 1 rule for frames; 16 pixels. `true_cfg` over 1 is guidance away from a negative prompt,
    which takes a second pass each step; without it that prompt does not count."""

    name = "hunyuan"
    title = "HunyuanVideo"
    pipelines = {"text": "HunyuanVideoPipeline"}
    rate = Fraction(24)
    size = (1280, 720)
    frames = 129
    steps = 50
    guidance = 6.0
    every = 4
    schedulers = {"euler": "FlowMatchEulerDiscreteScheduler", "unipc": "UniPCMultistepScheduler"}
    flow = True
    extra = {"true_cfg": 1.0}
    caches = ("first_block", "pyramid")
    attends = ("cudnn", "efficient", "math")
    compiles = True
    single = True
    encoders = ("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2")

    def heeds_negative(self, checkpoint: Checkpoint, request: Request) -> bool:
        """Only with true guidance on; `guidance` is embedded."""
        return request.extra.get("true_cfg", self.extra["true_cfg"]) > 1

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """Embeddings, their mask and CLIP's pooled ones; of a negative prompt where there is one."""
        found: dict[str, Any] = {}
        for prompt, before in ((text, ""), (negative, "negative_")):
            if prompt.strip() or not before:
                embeds, pooled, mask = pipe.encode_prompt(prompt, device=device)
                found |= {
                    f"{before}prompt_embeds": embeds,
                    f"{before}pooled_prompt_embeds": pooled,
                    f"{before}prompt_attention_mask": mask,
                }
        return found

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """The guidance away from a negative prompt as well."""
        return super().arguments(request, frames) | {"true_cfg_scale": request.extra["true_cfg"]}

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Latents / scale."""
        return latents.to(vae.device, vae.dtype) / vae.config.scaling_factor

    def encode_video(self, vae: Any, video: Any) -> Any:
        """Scaled latents."""
        return vae.config.scaling_factor * vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode()


FAMILY = Hunyuan()
