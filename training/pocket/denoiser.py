"""Train the text encoder and the denoiser: `python -m training.pocket.denoiser [--steps N]`.

A T5 of two layers and LTX's transformer, small, together, by flow matching on the latents of the autoencoder. One
batch in four is given its first frame, as image-to-video has it. What is asked of it is in captions that are made anew
at each step, in two languages; one in ten is left out, for guidance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5Config, T5EncoderModel

from training import loop
from training.muon import Muon
from training.pocket import latents, stock, text
from training.world.render import FRAMES, HEIGHT, RATE, WIDTH
from training.world.words import Scene, caption
from vidflow.places import resource

SHIFT = 4.0
"""Of the times towards noise, in training as in sampling."""
STEPS, GUIDANCE = 16, 2
"""What it is sampled with where nothing else is asked for."""
_WIDTH, _HEADS, _LAYERS = 256, 4, 6
_WORDS = 128
"""The width of the text encoder."""
_RATE = 25
"""Frames a second by which LTX's positions count, whatever the film has."""
_UNSAID, _SPELLED, _STRANGE = 0.1, 0.1, 0.15
"""Shares of captions: left out; Japanese sign by sign; with unknown words put in."""
_LONGEST = 64
"""Pieces of a caption that is trained on."""
_FIRST_GIVEN = 4
"""One batch in so many has its first frame given."""


class Batch(NamedTuple):
    """Of one step: clean latents and noise `[n, tokens, channels]`, times `[n]` in 0..1, pieces `[n, LENGTH]`, which of
    them count, whether the first frame is given, and how the tokens lie: `(t, h, w)`."""

    clean: Tensor
    noise: Tensor
    times: Tensor
    pieces: Tensor
    mask: Tensor
    given: bool
    grid: tuple[int, int, int]


class Denoiser(nn.Module):
    """Both networks, which learn together."""

    def __init__(self, pieces: int, channels: int) -> None:
        super().__init__()
        self.words = T5EncoderModel(
            T5Config(
                vocab_size=pieces,
                d_model=_WORDS,
                d_kv=32,
                d_ff=2 * _WORDS,
                num_layers=2,
                num_heads=4,
                dropout_rate=0.0,
                feed_forward_proj="gated-gelu",
            )
        )
        self.film = LTXVideoTransformer3DModel(
            in_channels=channels,
            out_channels=channels,
            num_attention_heads=_HEADS,
            attention_head_dim=_WIDTH // _HEADS,
            cross_attention_dim=_WIDTH,
            num_layers=_LAYERS,
            caption_channels=_WORDS,
        )
        nn.init.zeros_(self.film.proj_out.weight)
        nn.init.zeros_(self.film.proj_out.bias)
        with torch.no_grad():
            blocks: Any = self.film.transformer_blocks
            for block in blocks:
                # Each layer begins with little to add, and with its gates half open.
                for layer in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
                    layer.weight.mul_(0.3)
                block.scale_shift_table.zero_()
                block.scale_shift_table[[2, 5]] = 0.5

    def forward(self, noisy: Tensor, times: Tensor, pieces: Tensor, mask: Tensor, grid: tuple[int, int, int]) -> Tensor:
        """The velocity from what is clean to noise; `times` are `[n]`, or `[n, tokens]`."""
        # In few lengths, for each of which the blocks are compiled.
        used = -(-int(mask.sum(1).max()) // 16) * 16
        said = self.words(pieces)[0][:, :used]
        frames, height, width = grid
        return self.film(
            hidden_states=noisy,
            encoder_hidden_states=said,
            timestep=times * 1000,
            encoder_attention_mask=mask[:, :used],
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(
                latents.FRAMES_A_LATENT / _RATE,
                latents.PIXELS_A_LATENT,
                latents.PIXELS_A_LATENT,
            ),
            return_dict=False,
        )[0]


class Batches:
    """Batches by the step's number."""

    def __init__(self, found: Tensor, scenes: list[Scene], batch: int, seed: int, device: torch.device) -> None:
        """`found` are scaled latents, `[n, channels, t, h, w]`."""
        self.grid = (found.shape[2], found.shape[3], found.shape[4])
        self._tokens = found.flatten(2).transpose(1, 2).contiguous()
        self._scenes, self._batch, self._seed, self._device = scenes, batch, seed, device
        self._plain, self._spelled = text.tokenizer(), text.tokenizer(spelled=True)

    def __call__(self, step: int) -> Batch:
        """Scenes by chance, said anew."""
        rng = np.random.default_rng((self._seed, step))
        chosen = rng.integers(len(self._scenes), size=self._batch)
        pieces = torch.zeros(self._batch, text.LENGTH, dtype=torch.int64)
        for row, number in enumerate(chosen):
            said = self.pieces(caption(self._scenes[number], rng) if rng.random() >= _UNSAID else "", rng)
            pieces[row, : len(said)] = torch.tensor(said)
        clean = self._tokens[torch.from_numpy(chosen)].float()
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(self._seed * 2**32 + step))
        even = torch.from_numpy(rng.random(self._batch, np.float32))
        times = SHIFT * even / (1 + (SHIFT - 1) * even)
        clean, noise, times, pieces = (one.to(self._device) for one in (clean, noise, times, pieces))
        return Batch(clean, noise, times, pieces, pieces != 0, step % _FIRST_GIVEN == 0, self.grid)

    def pieces(self, said: str, rng: np.random.Generator) -> list[int]:
        """Of a caption, some with words that nobody knows."""
        tokenizer = self._spelled if rng.random() < _SPELLED else self._plain
        found: list[int] = tokenizer(said).input_ids
        if len(found) > _LONGEST:
            found = self._plain(said).input_ids[: _LONGEST - 1] + found[-1:]
        if said and rng.random() < _STRANGE:
            for _ in range(rng.integers(1, 4)):
                found.insert(int(rng.integers(len(found))), tokenizer.unk_token_id)
        return found


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """How far the velocity is from the true one, where it is asked for."""
    first = batch.grid[1] * batch.grid[2]
    times = batch.times[:, None].expand(batch.clean.shape[:2])
    if batch.given:
        times = times.clone()
        times[:, :first] = 0
    noisy = torch.lerp(batch.clean, batch.noise, times[..., None])
    found = net(noisy, times if batch.given else batch.times, batch.pieces, batch.mask, batch.grid)
    wrong = (found.float() - (batch.noise - batch.clean)).square()
    return wrong[:, first:].mean() if batch.given else wrong.mean()


def optimized(net: nn.Module, rate: float) -> Muon:
    """Its optimizer: what meets latents, words and times themselves is left to AdamW."""
    outer = ("proj_in", "proj_out", "caption_projection", "time_embed", "table", "shared", "embed_tokens", "bias")
    return Muon(net, rate, outer, faster=4.0)


def scaled(found: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Latents as the denoiser has them."""
    return ((found.float() - mean.view(1, -1, 1, 1, 1)) / deviation.view(1, -1, 1, 1, 1)).half()


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=6000, batch=64, rate=1e-3, folder="pocket-denoiser")
    parser.add_argument("--clips", type=int, default=6000, help="how many are rendered (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/pocket"), help="where the autoencoder lies in vae/")
    parser.add_argument("--compile", action="store_true", help="the transformer's blocks; needs a C++ compiler")
    given = parser.parse_args()
    budget = loop.budget(given)
    vae: Any = AutoencoderKLLTXVideo.from_pretrained(given.to / "vae").to(budget.device)  # pyright: ignore[reportArgumentType]
    found, scenes = latents.kept(vae, given.folder / "latents", given.clips)
    unseen, others = latents.kept(vae, given.folder / "latents", 256, stock.HELD_OUT)
    mean = found.float().mean((0, 2, 3, 4))
    # One for all: components that matter more are larger.
    deviation = (found.float() - mean.view(1, -1, 1, 1, 1)).square().mean().sqrt().expand_as(mean).clone()
    samples = Batches(scaled(found, mean, deviation), scenes, budget.batch, budget.seed, budget.device)
    tests = Batches(scaled(unseen, mean, deviation), others, budget.batch, stock.HELD_OUT, budget.device)

    def begin() -> nn.Module:
        net = Denoiser(len(text.tokenizer()), found.shape[1])
        if given.compile:
            # For each length of captions, with a first frame and without, trained and tested.
            torch._dynamo.config.recompile_limit = 64
            net.film.compile_repeated_blocks()
        return net

    def validate(net: nn.Module) -> dict[str, float]:
        with torch.autocast(budget.device.type, torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            seen = [float(loss(net, tests(number))) for number in range(8)]
        return {"unseen": float(np.mean(seen)), "unseen, first given": float(np.mean(seen[::_FIRST_GIVEN]))}

    def on_cpu(net: nn.Module, batch: Batch) -> Tensor:
        # Backwards, the CPU's own kernel for attention is the slower one.
        with sdpa_kernel(SDPBackend.MATH if budget.device.type == "cpu" else list(SDPBackend.__members__.values())):
            return loss(net, batch)

    net = loop.train(begin, budget, samples, on_cpu, validate, every=250, optimized=optimized)
    assert isinstance(net, Denoiser)
    ship(net, vae, mean, deviation, given.to)


def ship(net: Denoiser, vae: Any, mean: Tensor, deviation: Tensor, folder: Path) -> None:
    """All of it in diffusers' layout."""
    from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline

    vae.latents_mean.copy_(mean)
    vae.latents_std.copy_(deviation)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    parts = {"vae": vae.half(), "text_encoder": net.words.half(), "transformer": net.film.half()}
    LTXPipeline(scheduler=scheduler, tokenizer=text.tokenizer(), **parts).save_pretrained(folder)  # pyright: ignore[reportArgumentType]
    own = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, "steps": STEPS, "guidance": GUIDANCE, "rate": RATE}
    (folder / "vidflow.json").write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
