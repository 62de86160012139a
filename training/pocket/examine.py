"""Have the judge look at what the small video model makes of captions that are held out:
`python -m training.pocket.examine [--renders] [--image]`.

Colour, motion, camera, setting and light by plain image analysis (`training.world.judge`), the subject by a small
network that has seen renders alone (`training.world.recogniser`). With `--renders` the same of true renders, with
`--image` of films whose first frame is given, and how well that is kept.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.loop import psnr
from training.pocket import stock
from training.pocket.denoiser import GUIDANCE, STEPS
from training.world import words
from training.world.judge import Judge
from training.world.render import FRAMES, HEIGHT, WIDTH, clip
from training.world.words import Scene, caption
from vidflow.places import resource

_TOGETHER = 8
_JUDGED = ("colour", "motion", "camera", "setting", "light")


def held_out(count: int) -> list[tuple[int, Scene]]:
    """Scenes by their seeds: of three one has a colour and a motion that were never seen together, one a camera that
    moves against its subject, one any other combination that was left out."""
    wanted = [words.unseen_pair, words.against, lambda scene: True]
    found: list[tuple[int, Scene]] = []
    seed = stock.HELD_OUT + 10**6
    while len(found) < count:
        scene = stock.scene(seed)
        if wanted[len(found) % 3](scene):
            found.append((seed, scene))
        seed += 1
    return found


def said(seed: int, scene: Scene) -> str:
    """The caption of a scene."""
    return caption(scene, np.random.default_rng((2, seed)))


def made(
    folder: Path,
    scenes: list[tuple[int, Scene]],
    image: bool = False,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    noise: int = 0,
) -> Iterator[NDArray[Any]]:
    """What the model makes of each, `[FRAMES, HEIGHT, WIDTH, 3]` in uint8; with `image` from the first frame of its
    render on. The noise is that of the scene's seed and `noise`."""
    from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline
    from diffusers.pipelines.ltx.pipeline_ltx_image2video import LTXImageToVideoPipeline
    from PIL import Image

    pipe: Any = (LTXImageToVideoPipeline if image else LTXPipeline).from_pretrained(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    for some in stock.groups(scenes, _TOGETHER):
        given = {"image": [Image.fromarray(clip(scene, seed)[0]) for seed, scene in some]} if image else {}
        with torch.autocast("cpu", torch.bfloat16):
            found = pipe(
                prompt=[said(seed, scene) for seed, scene in some],
                **given,
                width=WIDTH,
                height=HEIGHT,
                num_frames=FRAMES,
                num_inference_steps=steps,
                guidance_scale=guidance,
                generator=[torch.Generator().manual_seed(seed + noise) for seed, _ in some],
                output_type="np",
            ).frames
        yield from np.round(np.asarray(found) * 255).astype(np.uint8)


def accuracy(scenes: list[tuple[int, Scene]], clips: Iterable[NDArray[Any]]) -> dict[str, float]:
    """The share of clips in which each part of its scene is seen; prints what is not."""
    right: dict[str, int] = dict.fromkeys((*_JUDGED, "subject"), 0)
    count = 0
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for (seed, scene), found in zip(scenes, pool.map(_seen, clips, chunksize=4), strict=True):
            wrong = {part: value for part, value in found.items() if value != getattr(scene, part)}
            for part in found:
                right[part] += part not in wrong
            count += 1
            if wrong:
                print(f"{seed}: {scene}: {wrong}", flush=True)
    return {part: number / count for part, number in right.items()}


@cache
def _judge() -> Judge:
    return Judge()


def _seen(clip: NDArray[Any]) -> dict[str, str | None]:
    from training.world.recogniser import recognised

    torch.set_num_threads(1)
    found = _judge().seen(clip)
    return {part: getattr(found, part) for part in _JUDGED} | {"subject": recognised(clip)}


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=resource("models/pocket"))
    parser.add_argument("--count", type=int, default=200, help="how many captions (default %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--renders", action="store_true")
    either.add_argument("--image", action="store_true")
    given = parser.parse_args()
    scenes = held_out(given.count)
    if given.renders:
        clips = [clip(scene, seed) for seed, scene in scenes]
    else:
        clips = list(made(given.model, scenes, given.image, given.steps, given.guidance))
    for part, share in accuracy(scenes, clips).items():
        print(f"{part:8} {share:.3f}")
    if given.image:
        firsts = [torch.from_numpy(clip(scene, seed)[0]) / 255 for seed, scene in scenes]
        near = [psnr(torch.from_numpy(found[0]) / 255, first) for found, first in zip(clips, firsts, strict=True)]
        print(f"first frame: {np.mean(near):.2f} dB, at least {min(near):.2f} dB")


if __name__ == "__main__":
    main()
