"""What `sample` costs beside the plain diffusers pipeline: the same steps, with previews off and on."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import ROOT, Row, report

sys.path.insert(0, str(ROOT))
from tests.models.tiny import t5, t5_tokenizer
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family_of
from vidflow.models.family import Request
from vidflow.values import Model

WIDTH, HEIGHT, FRAMES = 256, 160, 33
TEXT, NEGATIVE = "a cat walks", "blurry"


def checkpoint(folder: Path) -> Path:
    """Wan with random weights, so large that a step takes its time."""
    import diffusers

    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLWan(
        base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    transformer = diffusers.WanTransformer3DModel(
        num_attention_heads=8, attention_head_dim=48, text_dim=32, freq_dim=256, ffn_dim=1536, num_layers=6
    )
    diffusers.WanPipeline(
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder=t5("UMT5EncoderModel"),
        tokenizer=t5_tokenizer(),
    ).save_pretrained(folder)
    return folder


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import diffusers

    def tell(k: int, total: int, preview: Any = None) -> None:
        pass

    with tempfile.TemporaryDirectory() as name:
        folder = checkpoint(Path(name) / "wan")
        family = family_of(read_checkpoint(folder))
        model = Model(family.name, "wan", {}, {"folder": str(folder)})
        pipe = diffusers.WanPipeline.from_pretrained(folder)
        pipe.set_progress_bar_config(disable=True)
        words = sampling.encode_text(model, TEXT, NEGATIVE, "cpu", tell)
        request = family.completed(
            read_checkpoint(folder), Request(width=WIDTH, height=HEIGHT, frames=FRAMES, steps=options.steps)
        )
        factors = sampling.preview_factors(model, "cpu", tell)
        found: dict[str, Any] = {}

        def plain() -> None:
            result: Any = pipe(
                prompt_embeds=words.tensors["prompt_embeds"],
                negative_prompt_embeds=words.tensors["negative_prompt_embeds"],
                width=WIDTH,
                height=HEIGHT,
                num_frames=FRAMES,
                num_inference_steps=options.steps,
                generator=torch.Generator().manual_seed(7),
                output_type="latent",
            )
            found["plain"] = result.frames

        def ours(preview: Any) -> None:
            found["ours"] = sampling.sample(model, words, request, [], 7, "cpu", tell, preview).tensor

        ours(None)
        times: dict[str, list[float]] = {"plain": [], "off": [], "on": []}
        for _ in range(options.rounds):
            times["plain"].append(cpu(plain))
            times["off"].append(cpu(lambda: ours(None)))
            times["on"].append(cpu(lambda: ours(factors)))
        best = {which: min(one) for which, one in times.items()}
        rows = [
            Row("a step of the plain pipeline, CPU", best["plain"] / options.steps * 1000, None, "ms"),
            Row("sample beside it, previews off", best["off"] / best["plain"], 1.03, "x"),
            Row("sample beside it, previews on", best["on"] / best["plain"], 1.08, "x"),
            Row("latents unlike the plain ones", float((found["ours"] - found["plain"]).abs().max()), 0.0, ""),
        ]
        report(rows)


if __name__ == "__main__":
    main()
