"""Train the small model that tells how well pictures fit a text: `python -m training.pocket.alignment [--steps N]`.

CLIP's two encoders (Radford et al., 2021), small, in transformers' layout, on frames of the world and their captions:
of a batch, each frame is to find its own caption and each caption its own frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from training import loop
from training.pocket import stock, text
from training.world.words import Scene, caption
from vidflow.places import resource

_SIDE, _PATCH = 96, 12
_LONGEST = 64
"""Pieces of a caption."""
_FRAMES = 0, 4, 8, 12, 16
_CHOICES = 20
"""Captions among which the true one is to be found."""


def network(pieces: int) -> CLIPModel:
    """Without training."""
    words = {
        "vocab_size": pieces,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": _LONGEST,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 1,
    }
    pictures = {
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "image_size": _SIDE,
        "patch_size": _PATCH,
    }
    return CLIPModel(CLIPConfig(text_config=words, vision_config=pictures, projection_dim=128))


def processor() -> CLIPImageProcessor:
    """Frames of any shape are squeezed to a square: what matters may be at the sides."""
    side = {"height": _SIDE, "width": _SIDE}
    return CLIPImageProcessor(
        size=side, do_center_crop=False, crop_size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


def squeezed(clip: NDArray[Any]) -> NDArray[Any]:
    """Some frames of a clip, `[n, _SIDE, _SIDE, 3]`."""
    return np.stack([cv2.resize(clip[k], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for k in _FRAMES])


def embedded(net: CLIPModel, frames: Tensor, pieces: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of frames `[n, _SIDE, _SIDE, 3]` in uint8 and of texts `[n, _LONGEST]`."""
    pixels = frames.permute(0, 3, 1, 2).float() / 127.5 - 1
    found: Any = net(input_ids=pieces, attention_mask=(pieces != 0).long(), pixel_values=pixels)
    return found.image_embeds, found.text_embeds


class Captions:
    """The pieces of captions."""

    def __init__(self) -> None:
        self._tokenizer = text.tokenizer()

    def __call__(self, scenes: list[Scene], rng: np.random.Generator) -> Tensor:
        """Each scene said anew, `[n, _LONGEST]`."""
        said = [self._tokenizer(caption(scene, rng)).input_ids for scene in scenes]
        return text.rows([text.cut(one, _LONGEST) for one in said], _LONGEST)


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=2500, batch=128, rate=1e-3, folder="alignment")
    parser.add_argument("--clips", type=int, default=5000, help="how many are rendered (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/clip-small"))
    given = parser.parse_args()
    budget = loop.budget(given)
    say = Captions()

    def shown(first: int, count: int) -> tuple[Tensor, list[Scene]]:
        frames = torch.from_numpy(np.stack(list(stock.mapped(squeezed, first, count))))
        return frames, [stock.scene(seed) for seed in range(first, first + count)]

    seen, scenes = shown(given.seed * 10**6, given.clips)
    unseen, others = shown(stock.HELD_OUT + 3 * 10**6, 200)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((budget.seed, step))
        which = rng.choice(len(scenes), budget.batch, replace=False)
        frames = seen[which, rng.integers(len(_FRAMES), size=budget.batch)]
        return frames.to(budget.device), say([scenes[k] for k in which], rng).to(budget.device)

    def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        assert isinstance(net, CLIPModel)
        pictures, words = embedded(net, *batch)
        logits = pictures.float() @ words.float().T * net.logit_scale.exp().clamp(max=100)
        true = torch.arange(len(logits), device=logits.device)
        return (functional.cross_entropy(logits, true) + functional.cross_entropy(logits.T, true)) / 2

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, CLIPModel)
        rng = np.random.default_rng(5)
        words = say(others, rng)
        first = 0
        with torch.autocast(budget.device.type, torch.bfloat16):
            pictures = torch.stack(
                [embedded(net, frames.to(budget.device), words[:1].to(budget.device))[0].mean(0) for frames in unseen]
            )
            said = embedded(net, unseen[:1, 0].to(budget.device), words.to(budget.device))[1]
        scores = (pictures @ said.T).float().cpu()
        for k in range(len(others)):
            rivals = rng.choice([n for n in range(len(others)) if n != k], _CHOICES - 1, replace=False)
            first += bool(scores[k, k] > scores[k, rivals].max())
        return {f"first of {_CHOICES}": first / len(others)}

    net = loop.train(lambda: network(len(text.tokenizer())), budget, batch, loss, validate, every=250)
    assert isinstance(net, CLIPModel)
    net.half().save_pretrained(given.to)
    text.tokenizer().save_pretrained(given.to)
    processor().save_pretrained(given.to)


if __name__ == "__main__":
    main()
