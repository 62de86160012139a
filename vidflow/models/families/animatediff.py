"""AnimateDiff (Guo et al. 2023): motion modules in a Stable Diffusion checkpoint; SparseCtrl for a first image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidflow.errors import ModelError
from vidflow.models.checkpoint import Checkpoint, config_of
from vidflow.models.family import Family, Mode, Request, Wrong

_CHUNK = 16
"""Frames in the VAE at once, as in its pipelines."""


class AnimateDiff(Family):
    """AnimateDiff. A folder that its pipelines saved, or a Stable Diffusion checkpoint with a motion adapter beside it;
    with a SparseControlNet it takes an image. Any number of frames up to that of its motion modules."""

    name = "animatediff"
    title = "AnimateDiff"
    pipelines = {
        "text": "AnimateDiffPipeline",
        "video": "AnimateDiffVideoToVideoPipeline",
        "image": "AnimateDiffSparseControlNetPipeline",
    }
    saved_as = frozenset({"StableDiffusionPipeline"})
    rate = Fraction(8)
    size = (512, 512)
    frames = 16
    steps = 25
    guidance = 7.5
    multiple = 8
    schedulers = {
        "ddim": "DDIMScheduler",
        "pndm": "PNDMScheduler",
        "euler": "EulerDiscreteScheduler",
        "euler_a": "EulerAncestralDiscreteScheduler",
        "dpm++": "DPMSolverMultistepScheduler",
        "unipc": "UniPCMultistepScheduler",
    }
    chunk = _CHUNK
    denoisers = ("unet",)
    adapts = True
    single = True

    def modes(self, checkpoint: Checkpoint) -> tuple[Mode, ...]:
        """An image needs SparseCtrl."""
        return ("text", "video", "image") if "controlnet" in checkpoint.components else ("text", "video")

    def incomplete(self, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> Wrong | None:
        """A checkpoint for pictures needs an adapter to move."""
        if wrong := super().incomplete(checkpoint, settings):
            return wrong
        adapter = settings.get("adapter")
        if adapter and config_of(Path(adapter)).get("_class_name") != "MotionAdapter":
            return Wrong("adapter", f"{adapter} is no motion adapter.", "Give the folder of one.")
        if adapter or checkpoint.components["unet"].kind == "UNetMotionModel":
            return None
        return Wrong(
            "adapter",
            f"{checkpoint.folder} is a Stable Diffusion checkpoint, which makes pictures.",
            "Give the folder of an AnimateDiff motion adapter to make videos with it.",
        )

    def unfit(self, checkpoint: Checkpoint, files: Sequence[str]) -> Iterator[Wrong]:
        """A file holds a Stable Diffusion checkpoint's UNet, which has no motion modules."""
        yield from super().unfit(checkpoint, files)
        unet = checkpoint.components.get("unet")
        if files and unet is not None and unet.kind == "UNetMotionModel":
            said = f"The UNet of {checkpoint.folder} has motion modules, so no file can take its place."
            yield Wrong("denoiser", said, "Leave it empty, or give a Stable Diffusion checkpoint and an adapter.")

    def adapted(self, checkpoint: Checkpoint, adapter: str) -> Checkpoint:
        """Its UNet knows as many frames as the adapter's motion modules."""
        longest = config_of(Path(adapter)).get("motion_max_seq_length") if adapter else None
        if longest is None:
            return checkpoint
        unet = checkpoint.components["unet"]
        moving = replace(unet, config={**unet.config, "motion_max_seq_length": longest})
        return replace(checkpoint, components={**checkpoint.components, "unet": moving})

    def wrong(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """The motion modules know so many frames."""
        yield from super().wrong(checkpoint, request)
        longest = checkpoint.config("unet").get("motion_max_seq_length")
        if not request.video and request.frames and longest and request.frames > longest:
            yield Wrong(
                "frames",
                f"The motion modules of this {self.title} checkpoint know {longest} frames, not {request.frames}.",
                f"Set it to {longest} or less.",
            )

    def taken(self, checkpoint: Checkpoint, frames: int) -> int:
        """No more than the motion modules know."""
        return min(frames, checkpoint.config("unet").get("motion_max_seq_length") or frames)

    def needed(self, request: Request) -> tuple[str, ...]:
        """The SparseControlNet for an image."""
        return ("unet", "scheduler", "vae", *(("controlnet",) if request.mode == "image" else ()))

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """CLIP's embeddings."""
        positive, other = pipe.encode_prompt(text, device, 1, True, negative)
        return {"prompt_embeds": positive, "negative_prompt_embeds": other}

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """SparseCtrl's name for an image, and its place."""
        given = super().arguments(request, frames)
        image = given.pop("image", None)
        return given if image is None else given | {"conditioning_frames": frames, "controlnet_frame_indices": [0]}

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """Latents / scale."""
        return 1 / vae.config.scaling_factor * latents.to(vae.device, vae.dtype)

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """Chunk by chunk; each frame by itself in the VAE."""
        for part in latents[0].transpose(0, 1).split(chunk):
            yield vae.decode(part).sample.permute(1, 0, 2, 3)[None].float()

    def encode_video(self, vae: Any, video: Any) -> Any:
        """Scaled latents of the mode; the pipeline that starts from a video draws them around it, with its seed."""
        import torch

        dtype = vae.dtype
        video = video[0].permute(1, 0, 2, 3).to(vae.device, dtype)
        if vae.config.force_upcast:
            # As the pipeline does; whoever calls puts the dtype back.
            vae.to(torch.float32)
            video = video.float()
        latents = torch.cat([vae.encode(part).latent_dist.mode() for part in video.split(_CHUNK)]).to(dtype)
        return (vae.config.scaling_factor * latents).permute(1, 0, 2, 3)[None]

    def noise(self, pipe: Any, latents: Any, generator: Any) -> Any:
        """After what draws latents around the mode, chunk by chunk; frames come before channels while it is drawn."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        frames = latents.transpose(1, 2)
        given = {"generator": generator, "device": latents.device}
        drawn = torch.float32 if pipe.vae.config.force_upcast else pipe.vae.dtype
        for part in frames[0].split(_CHUNK):
            randn_tensor(part.shape, dtype=drawn, **given)
        return randn_tensor(frames.shape, dtype=pipe.dtype, **given).transpose(1, 2)

    def prepared(self, name: str, part: Any, settings: Mapping[str, Any]) -> Any:
        """The UNet of a Stable Diffusion checkpoint gets the adapter's motion modules."""
        from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel

        if not isinstance(part, UNet2DConditionModel):
            return part
        folder = settings.get("adapter")
        if not folder:
            raise ModelError("A Stable Diffusion checkpoint makes videos only with a motion adapter; give its folder.")
        if not (Path(folder) / "config.json").is_file():
            raise ModelError(f"{folder} is no folder of a motion adapter: it has no config.json.")
        try:
            adapter = MotionAdapter.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype=part.dtype
            )
            return UNetMotionModel.from_unet2d(part, adapter)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split()).split(". ")[0][:200].rstrip(".")
            raise ModelError(f"{folder} is no motion adapter for this checkpoint: {reason}.") from error


FAMILY = AnimateDiff()
