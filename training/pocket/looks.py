"""Measure how films of the small video model look and how varied they are, and put some on a contact sheet:
`python -m training.pocket.looks [--sheet PATH] [--latents FOLDER...]`.

Of captions that are held out: how steady films are (`temporal_consistency` of `score_quality`) beside renders of the
same scenes, whether the borders of blocks are seen, how far apart two seeds are, and, with the latents that the
denoiser was trained on, how near the nearest of these is, beside what it is to a render of the same caption.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import vidflow
from training.pocket import latents
from training.pocket.autoencoder import as_clips, borders
from training.pocket.examine import held_out, made, said
from training.world.render import RATE, clip
from vidflow.places import resource

COLUMNS = 5
_TEXT, _MARGIN = 13, 6
"""Of the sheet, in pixels."""
_OTHER_SEED = 10**6


def steadiness(clips: list[NDArray[Any]]) -> float:
    """The mean `temporal_consistency` of clips, as `score_quality` has it."""
    with tempfile.TemporaryDirectory() as name:
        nodes: dict[str, Any] = {}
        for k, frames in enumerate(clips):
            folder = Path(name, str(k))
            folder.mkdir()
            for number, frame in enumerate(frames):
                Image.fromarray(frame).save(folder / f"{number:02}.png")
            nodes[f"clip{k}"] = {"type": "image_sequence", "inputs": {"path": str(folder), "rate": str(RATE)}}
            nodes[f"score{k}"] = {"type": "score_quality", "inputs": {"video": {"from": f"clip{k}"}}}
        with vidflow.run({"vidflow": 1, "nodes": nodes}, output_dir=name) as result:
            reports = [result[f"score{k}"] for k in range(len(clips))]
        return float(np.mean([report["scores"]["temporal_consistency"] for report in reports]))


def nearest(found: Tensor, known: Tensor) -> Tensor:
    """The RMS distance of latents `[n, ...]` from the nearest of others `[m, ...]`, `[n]`."""
    one, other = found.float().flatten(1), known.float().flatten(1)
    return torch.cdist(one, other).min(1).values / one.shape[1] ** 0.5


def apart(clips: list[NDArray[Any]], others: list[NDArray[Any]]) -> list[float]:
    """The RMS difference of each two, of 255."""
    return [float(np.sqrt(np.mean((one.astype(float) - other) ** 2))) for one, other in zip(clips, others, strict=True)]


def sheet(clips: list[NDArray[Any]], captions: list[str]) -> Image.Image:
    """The middle frame of each, in rows, its caption below."""
    height, width = clips[0].shape[1:3]
    font = ImageFont.truetype(str(resource("fonts/vidflow-sans-bold.otf")), _TEXT)
    below = 2 * _TEXT + 3 * _MARGIN
    rows = -(-len(clips) // COLUMNS)
    size = COLUMNS * (width + _MARGIN) + _MARGIN, rows * (height + below) + _MARGIN
    found = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(found)
    for k, (frames, caption) in enumerate(zip(clips, captions, strict=True)):
        x, y = _MARGIN + k % COLUMNS * (width + _MARGIN), _MARGIN + k // COLUMNS * (height + below)
        found.paste(Image.fromarray(frames[len(frames) // 2]), (x, y))
        lines = _lines(caption, font, width)
        draw.multiline_text((x, y + height + _MARGIN // 2), "\n".join(lines), "#333", font, spacing=_MARGIN // 2)
    return found


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The first two lines of a text."""
    lines = [""]
    # Japanese may be broken anywhere.
    for piece in re.findall(r"[!-~]+ ?|.", text):
        if font.getlength(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return lines if len(lines) <= 2 else [lines[0], f"{lines[1][:-2]}…"]


def main() -> None:
    """Print the figures; write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=resource("models/pocket"))
    parser.add_argument("--count", type=int, default=40, help="how many captions (default %(default)s)")
    parser.add_argument("--sheet", type=Path, help="where the contact sheet is written")
    parser.add_argument("--latents", type=Path, nargs="+", default=[], help="the folders of those trained on")
    given = parser.parse_args()
    scenes = held_out(given.count)
    films = list(made(given.model, scenes))
    renders = [clip(scene, seed) for seed, scene in scenes]
    if given.sheet:
        picture = sheet(films, [said(seed, scene) for seed, scene in scenes])
        picture.save(given.sheet, quality=88)
    steady, true = steadiness(films), steadiness(renders)
    print(f"temporal consistency {steady:.4f}, of renders {true:.4f}, apart {steady - true:+.4f}", flush=True)
    both = [as_clips(np.stack(clips)) for clips in (films, renders)]
    print(f"borders of blocks    {borders(both[0]):.3f}, of renders {borders(both[1]):.3f}", flush=True)
    some = scenes[:8]
    # The caption is that of the scene and of its seed, the noise that of another.
    others = list(made(given.model, some, noise=_OTHER_SEED))
    between = apart(films[: len(some)], others)
    print(f"two seeds differ by  {min(between):.1f} to {max(between):.1f} of 255, RMS", flush=True)
    if given.latents:
        vae: Any = AutoencoderKLLTXVideo.from_pretrained(given.model / "vae")
        for name, clips in zip(("films", "renders"), both, strict=True):
            found, count = torch.cat([latents.encoded(vae, few) for few in clips.split(8)]), 0
            far = torch.full((len(found),), torch.inf)
            for known in latents.trained_on(given.latents):
                far, count = torch.minimum(far, nearest(found, known)), count + len(known)
            print(f"nearest of {count} to {name}: {far.min():.3f} at least, {far.median():.3f} in the middle")


if __name__ == "__main__":
    main()
