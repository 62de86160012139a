"""Train the text encoder: `python -m training.pocket.encoder [--steps N]`.

A T5 of two layers learns what captions mean before anything is drawn. It gives one output for each piece of a caption.
Each part of a scene is read by one linear layer from those that it looks at most, as a denoiser's attention reads them;
so that one finds what was said from its first step on, and need not learn two languages from films. Where each output
was to tell the whole scene, parts were mixed, and what had never been seen together was misread.

Colours, motions and settings often go unsaid here, so that words are learned by themselves, and what is not said is
told too. Where the camera moves against its subject the same words stand for both ("moving right, pan left"): that
takes much practice. A colour and a motion are seldom said together, as some of these pairs are never trained on, and
would be taken for impossible.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import T5Config, T5EncoderModel

from training import loop
from training.pocket import text
from training.world.words import OPEN, PARTS, caption, drawn
from vidflow.places import resource

WIDTH = 128
_LAYERS, _HEADS = 2, 4
_NEAR, _FARTHEST = (1.5, 0.7, 0.3, 0.0), 8.0
"""By how much less each head looks at what is one piece further away, at first, and by how much at most."""
_TESTED = 512
"""Captions."""
_UNSAID = 0.3
"""The share of captions in which a part that may be anything is not said."""
_APART = 0.5
"""The share in which the colour is not said where the motion is."""
_OPPOSED = 0.5
"""The share of scenes in which the camera moves against its subject."""


class Batch(NamedTuple):
    """Pieces `[n, text.LENGTH]`, and of each part of the scene the number of what it is, `[n, parts]`: one more than
    there are where it is not said."""

    pieces: Tensor
    meant: Tensor


class Reader(nn.Module):
    """The text encoder, and what is read from its outputs."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.words = network(pieces)
        self.asked = nn.Linear(WIDTH, len(PARTS))
        self.told = nn.ModuleList(nn.Linear(WIDTH, len(ways) + (name in OPEN)) for name, ways in PARTS.items())

    def forward(self, pieces: Tensor) -> list[Tensor]:
        """Logits of each part, `[n, choices]`: each looks at the pieces that it picks, as a denoiser would."""
        said = self.words(pieces)[0]
        asked = self.asked(said).float().masked_fill((pieces == 0)[..., None], -torch.inf)
        found = torch.einsum("nlp,nlc->pnc", asked.softmax(1), said.float())
        return [told(one) for told, one in zip(self.told, found, strict=True)]


def network(pieces: int) -> T5EncoderModel:
    """Without training; but its heads look near, some nearer than others, as it takes them long to find out that this
    is where what a word goes with stands."""
    net = T5EncoderModel(
        T5Config(
            vocab_size=pieces,
            d_model=WIDTH,
            d_kv=WIDTH // _HEADS,
            d_ff=2 * WIDTH,
            num_layers=_LAYERS,
            num_heads=_HEADS,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
        )
    )
    blocks: Any = net.encoder.block
    attention = blocks[0].layer[0].SelfAttention
    # As T5 has it, pieces before and after: each bucket one distance, from the middle on ever more.
    half = attention.relative_attention_num_buckets // 2
    away = torch.arange(half, dtype=torch.float32)
    away = torch.where(away < half // 2, away, half // 2 * 2 ** (2 * away / half - 1)).repeat(2)
    with torch.no_grad():
        attention.relative_attention_bias.weight.copy_(-(away[:, None] * torch.tensor(_NEAR)).clamp(max=_FARTHEST))
    return net


def batch(rng: np.random.Generator, count: int, unseen: bool = False, unsaid: float = _UNSAID) -> Batch:
    """Captions of scenes by chance, in half of which the camera moves against its subject; parts that may be anything
    go unsaid in a share of them, colours in a larger one where the motion is said."""
    pieces = text.Pieces()
    rows: list[list[int]] = []
    meant: list[list[int]] = []
    for _ in range(count):
        scene = drawn(rng, unseen, _OPPOSED)
        silent = {name for name in OPEN if rng.random() < unsaid}
        if unsaid and "motion" not in silent and rng.random() < _APART:
            silent.add("colour")
        rows.append(pieces(caption(scene, rng, unsaid=silent), rng))
        meant.append(
            [len(ways) if name in silent else ways.index(getattr(scene, name)) for name, ways in PARTS.items()]
        )
    return Batch(text.rows(rows), torch.tensor(meant))


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """How surprising each scene is to who reads its caption."""
    found = [functional.cross_entropy(part.float(), batch.meant[:, k]) for k, part in enumerate(net(batch.pieces))]
    return torch.stack(found).mean()


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=1500, batch=128, rate=2e-3, folder="pocket-encoder")
    parser.add_argument("--to", type=Path, default=resource("models/pocket/text_encoder"))
    given = parser.parse_args()
    budget = loop.budget(given)

    def samples(step: int) -> Batch:
        found = batch(np.random.default_rng((3, budget.seed, step)), budget.batch)
        return Batch(*(one.to(budget.device) for one in found))

    tests = Batch(*(one.to(budget.device) for one in batch(np.random.default_rng(4), _TESTED, unseen=True, unsaid=0)))

    def validate(net: nn.Module) -> dict[str, float]:
        right = [part.argmax(-1) == tests.meant[:, k] for k, part in enumerate(net(tests.pieces))]
        return {name: float(one.float().mean()) for name, one in zip(PARTS, right, strict=True)}

    net = loop.train(lambda: Reader(len(text.tokenizer())), budget, samples, loss, validate, every=250)
    assert isinstance(net, Reader)
    net.words.half().save_pretrained(given.to)


if __name__ == "__main__":
    main()
