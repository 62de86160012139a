"""Train the decoder of the video autoencoder, when the denoiser is there: `python -m training.pocket.decoder
[--steps N]`.

Encoder and decoder are linear at first. The decoder learns what is not linear, what crosses the borders of blocks, and
to bear what a sampler gets wrong. So one sample in three is not what the encoder gives, but what the denoiser makes of
that when it begins half way in noise: where things are is from the render then, how they are drawn is the denoiser's.
What is to come of both is the render. The encoder learns to tell what the decoder can draw, in latents that stay near
those that the denoiser has learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training import loop
from training.muon import Muon
from training.pocket import stock, text
from training.pocket.autoencoder import CONSTANT, PIXELS_A_LATENT, as_clips, borders, unnamed
from training.pocket.denoiser import GUIDANCE, SECOND, STEPS, shifted
from training.pocket.examine import said
from training.pocket.latents import encoded
from vidflow.places import resource

_NEAR = 0.05
"""How much it counts that latents, of about 1, are no longer those that the denoiser has learned."""
_REDRAWN = 3
"""One sample in so many is redrawn."""
_LEFT = 3, 7
"""Steps of the sampler's that are left, at least and at most, where it begins half way."""
_VALUES, _EDGES, _SEAMS = 0.5, 0.3, 0.6
"""How much values count; differences between neighbours, as soft edges are seen; and those where blocks meet, as in
smooth places seams are what is seen."""
_DECIBELS, _SMALL = 0.05, 1e-3
"""How much the mean square of a sample's error counts, in powers of e, and how small it does not matter."""
_SIDE = 5
"""Of a sample, each way, in blocks of 16 pixels."""
_SURE = 2
"""How much likelier samples are where there is more detail: a power."""
_TESTED, _TOGETHER = 24, 8


class Batch(NamedTuple):
    """Latents `[n, channels, t, h, w]`, of which the last are redrawn, and what is to come of them, `[n, 3, frames,
    height, width]` in -1..1."""

    latents: Tensor
    clips: Tensor
    redrawn: int


def ready(vae: AutoencoderKLLTXVideo) -> AutoencoderKLLTXVideo:
    """The network, for its decoder to learn, and what of its encoder is not linear: what comes before the pixels is not
    seen by its constant channel, which is so large that it would be all that is seen and all that is learned."""
    net: Any = vae
    for layer in (net.decoder.conv_out.conv, *(one.conv1.conv for one in net.decoder.up_blocks[1].resnets)):
        with torch.no_grad():
            layer.weight[:, CONSTANT] = 0
        layer.weight.register_hook(_without_constant)
    for name, weight in net.encoder.named_parameters():
        weight.requires_grad_("resnets" in name)
    return net


def _without_constant(gradient: Tensor) -> Tensor:
    """Of a convolution's weights."""
    gradient = gradient.clone()
    gradient[:, CONSTANT] = 0
    return gradient


@torch.no_grad()
def redrawn(pipe: Any, latents: Tensor, captions: list[str], left: int, seed: int) -> Tensor:
    """What a pipeline's denoiser makes of latents `[n, channels, t, h, w]` when it begins with them in so much noise
    that `left` of its steps are left."""
    asked, mask, unasked, unmask = pipe.encode_prompt(captions, max_sequence_length=text.LENGTH)
    frames, height, width = latents.shape[2:]
    space = pipe.vae_spatial_compression_ratio
    given = {
        "encoder_hidden_states": torch.cat((unasked, asked)),
        "encoder_attention_mask": torch.cat((unmask, mask)),
        "num_frames": frames,
        "height": height,
        "width": width,
        "rope_interpolation_scale": (pipe.vae_temporal_compression_ratio / SECOND, space, space),
        "return_dict": False,
    }
    mean, scale = pipe.vae.latents_mean, pipe.vae.latents_std
    clean = pipe._pack_latents(pipe._normalize_latents(latents.float(), mean, scale))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean.device)
    times = shifted(np.arange(left, -1, -1) / STEPS).tolist()
    found = torch.lerp(clean, noise, times[0])
    for now, then in pairwise(times):
        time = torch.full((2 * len(found),), 1000 * now, device=found.device)
        without, asked_for = pipe.transformer(found.repeat(2, 1, 1), timestep=time, **given)[0].float().chunk(2)
        found = found + (then - now) * torch.lerp(without, asked_for, GUIDANCE)
    return pipe._denormalize_latents(pipe._unpack_latents(found, frames, height, width), mean, scale)


def both(pipe: Any, clips: NDArray[Any], first: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Of clips `[n, frames, height, width, 3]` of the seeds from `first` on, a few at a time: latents, and these
    redrawn, with more and less noise in turn."""
    for number, seeds in enumerate(stock.groups(range(first, first + len(clips)), _TOGETHER)):
        some = as_clips(clips[seeds[0] - first : seeds[-1] + 1 - first]).to(pipe.device)
        latents = encoded(pipe.vae, some)
        captions = [said(seed, stock.scene(seed)) for seed in seeds]
        left = _LEFT[0] + number % (_LEFT[1] + 1 - _LEFT[0])
        with torch.autocast(pipe.device.type, torch.bfloat16):
            yield latents, redrawn(pipe, latents, captions, left, seeds[0]).half()


class Batches:
    """Batches by the step's number, of parts of clips, most of them where there is detail: with latents as the denoiser
    has learned them, some mirrored, and then with redrawn ones."""

    def __init__(self, vae: Any, clips: NDArray[Any], redrawn: Tensor, batch: int, seed: int) -> None:
        """`clips` are `[n, frames, height, width, 3]` in uint8, and `redrawn` latents of each."""
        self._vae, self._clips, self._redrawn, self._batch, self._seed = vae, clips, redrawn, batch, seed
        self._chances = [chances(clip) for clip in clips]

    def __call__(self, step: int) -> Batch:
        """Clips by chance."""
        rng = np.random.default_rng((self._seed, step))
        redrawn = self._batch // _REDRAWN
        pairs = [self._pair(rng, k >= self._batch - redrawn) for k in range(self._batch)]
        return Batch(*(torch.cat(some) for some in zip(*pairs, strict=True)), redrawn=redrawn)

    def _pair(self, rng: np.random.Generator, again: bool) -> tuple[Tensor, Tensor]:
        chosen = rng.integers(len(self._clips))
        clip, likely, device = self._clips[chosen], self._chances[chosen], self._vae.device
        row, column = divmod(rng.choice(likely.size, p=likely.flat), likely.shape[1])
        side = _SIDE * PIXELS_A_LATENT
        y, x = row * PIXELS_A_LATENT, column * PIXELS_A_LATENT
        if not again:
            # Blocks may lie anywhere.
            y, x = (
                min(at + rng.integers(PIXELS_A_LATENT), size - side)
                for at, size in zip((y, x), clip.shape[1:3], strict=True)
            )
        some = as_clips(clip[None, :, y : y + side, x : x + side]).to(device)
        if again:
            drawn = self._redrawn[chosen : chosen + 1, ..., row : row + _SIDE, column : column + _SIDE]
            return drawn.float().to(device), some
        some = some.flip(-1) if rng.random() < 0.5 else some
        return encoded(self._vae, some).float(), some


def chances(clip: NDArray[Any]) -> NDArray[Any]:
    """How likely a part of a clip `[frames, height, width, 3]` is, by its first row and column of blocks."""
    some = clip[::4].astype(float)
    down, across = (np.abs(np.diff(some, axis=axis, append=some.take([-1], axis))) for axis in (1, 2))
    height, width = (size // PIXELS_A_LATENT for size in clip.shape[1:3])
    blocks = (down + across).mean((0, 3)).reshape(height, PIXELS_A_LATENT, width, PIXELS_A_LATENT).sum((1, 3))
    found = np.lib.stride_tricks.sliding_window_view(blocks, (_SIDE, _SIDE)).sum((2, 3)) ** _SURE
    return found / found.sum()


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """Of what comes of latents, and of those that the network gives itself."""
    vae: Any = net
    known, redrawn = batch.latents.tensor_split([len(batch.latents) - batch.redrawn])
    own = vae.encode(batch.clips[: len(known)]).latent_dist.mode().float()
    made = vae.decode(torch.cat((own, redrawn))).sample.float()
    return distance(made, batch.clips) + _NEAR * (own - known).square().mean()


def distance(made: Tensor, clips: Tensor) -> Tensor:
    """How far clips are from the true ones: values, edges, and seams more than other edges; decibels, as a little more
    is easily seen where nearly all is right."""
    error = made - clips
    decibels = torch.log1p(error.square().flatten(1).mean(1) / _SMALL).mean()
    edges = sum(error.diff(dim=axis).abs().mean() for axis in (2, 3, 4))
    seams = sum(_at_seams(error.diff(dim=axis), axis).abs().mean() for axis in (3, 4))
    return _DECIBELS * decibels + _VALUES * error.abs().mean() + _EDGES * edges + _SEAMS * seams


def _at_seams(steps: Tensor, axis: int) -> Tensor:
    """Of the steps to the next neighbour along an axis, those from one block to the next."""
    return steps.index_select(
        axis, torch.arange(PIXELS_A_LATENT - 1, steps.shape[axis], PIXELS_A_LATENT, device=steps.device)
    )


def optimized(net: nn.Module, rate: float) -> Muon:
    """Its optimizer: what stands for the components is left to AdamW."""
    return Muon(net, rate, outer=("conv_in", "conv_out", "samplers"), faster=3.0)


def figures(net: Any, known: Tensor, again: Tensor, clips: Tensor) -> dict[str, float]:
    """How near what comes of the clips `[n, 3, frames, height, width]` is to them, on average and at worst, in dB; the
    same when their latents are redrawn; how far latents are from those that the denoiser has learned; and whether the
    borders of blocks are seen."""
    latents = torch.cat([encoded(net, some) for some in clips.split(4)])
    made, drawn = (decoded(net, some) for some in (latents, again))
    near, other = (-10 * ((one.clamp(-1, 1) - clips) / 2).square().flatten(1).mean(1).log10() for one in (made, drawn))
    return {
        "psnr": float(near.mean()),
        "worst": float(near.min()),
        "redrawn": float(other.mean()),
        "moved": float((latents.float() - known).square().mean().sqrt()),
        "borders": borders(made),
        "redrawn borders": borders(drawn),
    }


def decoded(net: Any, latents: Tensor) -> Tensor:
    """Clips of latents, a few at a time."""
    with torch.autocast(latents.device.type, torch.bfloat16):
        return torch.cat([net.decode(few).sample.float() for few in latents.float().split(4)])


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=6000, batch=9, rate=1.2e-4, folder="pocket-decoder", fall=0.1)
    parser.add_argument("--clips", type=int, default=1200, help="how many are rendered (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/pocket"), help="where all other parts lie")
    given = parser.parse_args()
    budget = loop.budget(given)
    pipe: Any = LTXPipeline.from_pretrained(given.to, dtype=torch.float32).to(budget.device)
    first = given.seed * 10**6
    clips = np.stack(list(stock.clips(first, given.clips)))
    unseen = np.stack(list(stock.clips(stock.HELD_OUT, _TESTED)))
    place = given.folder / f"redrawn-{first}-{given.clips}.safetensors"
    if not place.exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        save_file({"redrawn": torch.cat([again.cpu() for _, again in both(pipe, clips, first)])}, part)
        part.replace(place)
    known, again = (torch.cat(some) for some in zip(*both(pipe, unseen, stock.HELD_OUT), strict=True))
    tested = partial(figures, known=known, again=again, clips=as_clips(unseen).to(budget.device))
    batches = Batches(pipe.vae, clips, load_file(place)["redrawn"], budget.batch, budget.seed)

    def begin() -> AutoencoderKLLTXVideo:
        return ready(AutoencoderKLLTXVideo.from_pretrained(given.to / "vae", dtype=torch.float32))

    net: Any = loop.train(begin, budget, batches, loss, tested, every=200, optimized=optimized)
    net.half().save_pretrained(given.to / "vae")
    unnamed(given.to / "vae")


if __name__ == "__main__":
    main()
