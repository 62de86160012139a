"""What each setting for speed gains beside the plain diffusers pipeline, and how far its result is from that one's.

python benchmarks/speed.py                                              a small model, on whatever is here
python benchmarks/speed.py --model wan-1.3b --model cogvideox-2b        for a GPU: real sizes, random weights
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from measure import ROOT, Row, report

sys.path.insert(0, str(ROOT))
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family_of
from vidflow.models.family import ATTENTION, Request
from vidflow.models.residency import RESIDENT
from vidflow.values import Conditioning, Model

NO_WORDS: dict[str, Any] = {"text_encoder": None, "tokenizer": None}
"""Prompts come as embeddings."""
SMALL: dict[str, Any] = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 2}
BAR = 1 / 1.5
"""Of the plain time, for the fastest setting on a GPU."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A model's pipeline with random weights, its dtype, and what it is asked for."""

    pipeline: Callable[[], Any]
    dtype: torch.dtype
    words: tuple[int, int]
    """Tokens and channels of a prompt."""
    size: tuple[int, int]
    frames: int
    steps: int


def wan(**transformer: Any) -> Any:
    """Wan. The VAE is small: sampling asks it for its proportions only."""
    import diffusers

    scheduler: Any = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    return diffusers.WanPipeline(
        transformer=diffusers.WanTransformer3DModel(freq_dim=256, **transformer),
        vae=diffusers.AutoencoderKLWan(
            base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
        ),
        scheduler=scheduler,
        **NO_WORDS,
    )


def cogvideox() -> Any:
    """CogVideoX 2B."""
    import diffusers

    return diffusers.CogVideoXPipeline(
        transformer=diffusers.CogVideoXTransformer3DModel(num_attention_heads=30, num_layers=30),
        vae=diffusers.AutoencoderKLCogVideoX(**SMALL),
        scheduler=diffusers.CogVideoXDDIMScheduler(
            snr_shift_scale=3.0, prediction_type="v_prediction", timestep_spacing="trailing"
        ),
        **NO_WORDS,
    )


MODELS = {
    "small": Sized(
        lambda: wan(num_attention_heads=8, attention_head_dim=48, text_dim=32, ffn_dim=1536, num_layers=6),
        torch.float32,
        (16, 32),
        (256, 160),
        33,
        10,
    ),
    "wan-1.3b": Sized(
        lambda: wan(num_attention_heads=12, attention_head_dim=128, text_dim=4096, ffn_dim=8960, num_layers=30),
        torch.bfloat16,
        (512, 4096),
        (832, 480),
        81,
        50,
    ),
    "cogvideox-2b": Sized(cogvideox, torch.float16, (226, 4096), (720, 480), 49, 50),
}


def saved(sized: Sized, folder: Path) -> Path:
    """The folder of a model's checkpoint."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(sized.dtype)
    try:
        pipe = sized.pipeline()
    finally:
        torch.set_default_dtype(before)
    for part in ("transformer", "vae"):
        getattr(pipe, part).to(sized.dtype)
    pipe.save_pretrained(folder)
    return folder


def timed(work: Callable[[], Any], steps: int) -> tuple[float, Any]:
    """Seconds a step and the result of `work`, after one run to warm up."""
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / steps, result


def settings(found: Any, device: str) -> dict[str, dict[str, Any]]:
    """The settings for speed that a family offers here, and the fastest of them together."""
    offered: dict[str, dict[str, Any]] = {f"cache {name}": {"cache": name} for name in found.caches}
    if found.attends:
        for name, attention in ATTENTION.items():
            if name == "math" or (device != "cpu" and not attention.package):
                offered[f"attention {name}"] = {"attention": name}
    if found.compiles:
        offered["compiled"] = {"compiled": True}
        offered |= {
            f"compiled, cache {name}": {"compiled": True, "cache": name} for name in found.caches if name != "faster"
        }
    return offered


def timed_plainly(
    folder: Path, sized: Sized, request: Request, found: Any, embeds: dict[str, torch.Tensor], device: str
) -> tuple[float, Any]:
    """Seconds a step of the plain pipeline, and its latents."""
    import diffusers

    pipe = getattr(diffusers, found.pipelines["text"]).from_pretrained(folder, dtype=sized.dtype, **NO_WORDS)
    pipe.to(device)
    pipe.set_progress_bar_config(disable=True)

    def work() -> torch.Tensor:
        return pipe(
            **{one: tensor.to(device) for one, tensor in embeds.items()},
            width=request.width,
            height=request.height,
            num_frames=request.frames,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            generator=torch.Generator().manual_seed(7),
            output_type="latent",
        ).frames.cpu()

    return timed(work, request.steps or 1)


def measure(name: str, folder: Path, device: str, steps: int | None) -> list[Row]:
    """The rows of a model."""
    sized = MODELS[name]
    saved(sized, folder)
    checkpoint = read_checkpoint(folder)
    found = family_of(checkpoint)
    model = Model(found.name, name, {}, {"folder": str(folder)})
    width, height = sized.size
    request = found.completed(
        checkpoint, Request(width=width, height=height, frames=sized.frames, steps=steps or sized.steps)
    )
    draw = torch.Generator().manual_seed(1)
    embeds = {
        one: torch.randn(1, *sized.words, generator=draw).to(sized.dtype)
        for one in ("prompt_embeds", "negative_prompt_embeds")
    }
    words = Conditioning(embeds, {"family": found.name})
    count = request.steps or 1

    def ours(**given: Any) -> torch.Tensor:
        asked = replace(request, **given)
        return sampling.sample(model, words, asked, [], 7, device, lambda k, total, preview=None: None).tensor

    plain, wanted = timed_plainly(folder, sized, request, found, embeds, device)
    rows = [Row(f"{name}: plain, seconds a step", plain, None, "s")]
    fastest = 1.0
    for label, given in {"sample": {}, **settings(found, device)}.items():
        seconds, result = timed(lambda given=given: ours(**given), count)
        error = (result.double() - wanted.double()).square().mean().sqrt() / wanted.double().square().mean().sqrt()
        rows.append(Row(f"{name}: {label}, beside plain", seconds / plain, None, "x"))
        rows.append(Row(f"{name}: {label}, off by (of the latents' rms)", float(error), None, ""))
        print(f"{rows[-2].name} {rows[-2].value:.3f}, off by {rows[-1].value:.2g}", flush=True)
        fastest = min(fastest, seconds / plain)
    RESIDENT.release()
    return [*rows, Row(f"{name}: the fastest, beside plain", fastest, BAR if device != "cpu" else None, "x")]


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=list(MODELS), default=[])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        for model in options.model or ["small"]:
            rows += measure(model, Path(name) / model, options.device, options.steps)
    print()
    report(rows)


if __name__ == "__main__":
    main()
