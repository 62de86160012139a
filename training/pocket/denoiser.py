"""Train the denoiser: `python -m training.pocket.denoiser --small --steps N`, then as often as it pays
`python -m training.pocket.denoiser --steps N --seed K`.

LTX's transformer, small, by flow matching on the latents of the autoencoder. Some are given their first frame, as
image-to-video has it. What is asked of it is in captions in two languages, as the text encoder reads them, which stays
as it is; one in ten says nothing, for guidance.

It begins with clips of half the size, which show what is where, and how it moves, in a quarter of the tokens: so many
more are seen in the same time. From there it goes on with clips of full size, each time with the scenes of another
seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5EncoderModel

from training import loop
from training.muon import Muon
from training.pocket import encoder, latents, stock, text
from training.pocket.autoencoder import FRAMES_A_LATENT, PIXELS_A_LATENT, unnamed
from training.world.render import FRAMES, HEIGHT, RATE, WIDTH
from training.world.words import OPEN, Scene, caption
from vidflow.places import resource

SHIFT = 3.0
"""Of the times towards noise, in training as in sampling."""
STEPS, GUIDANCE = 16, 2
"""What it is sampled with where nothing else is asked for."""
_WIDTH, _HEADS, _LAYERS = 256, 4, 6
SECOND = 25
"""Frames, as LTX counts time, whatever rate the film has."""
_POSITIONS = FRAMES_A_LATENT / SECOND, PIXELS_A_LATENT, PIXELS_A_LATENT
"""From one latent to the next, in seconds and pixels."""
_FAVOUR = 0.5
"""How much larger components are made that matter more: what is seen at a glance is settled first. A power of the
deviation that they have as the encoder gives them."""
_UNSAID, _PARTLY = 0.1, 0.15
"""The shares of captions that say nothing, and that leave out parts of a scene."""
_WAYS = 4
"""In which each scene is said."""
_SIDE = 5
"""Of parts of a clip, in tokens, each way."""
_FAR, _NEAR = 0.4, 0.9
"""Times: above the one are whole clips without their first frame, as noise hides where things are; below the other,
parts."""
_COLOURS = [1, 3]
"""The channels that tell the colour of a token: the others of the encoder's first components tell brightness."""
_SURE = 3
"""How much likelier squares are where there is more colour: a power."""


class Batch(NamedTuple):
    """Of one step: clean latents and noise `[n, tokens, channels]`, times in 0..1, `[n]`, or `[n, tokens]` where some
    are given and 0; where the tokens are, in seconds and pixels, `[n, 3, tokens]`; what was said as the text encoder
    reads it, `[n, pieces, encoder.WIDTH]`, and which of its pieces count."""

    clean: Tensor
    noise: Tensor
    times: Tensor
    places: Tensor
    said: Tensor
    mask: Tensor


def network(channels: int) -> LTXVideoTransformer3DModel:
    """The transformer, without training."""
    net = LTXVideoTransformer3DModel(
        in_channels=channels,
        out_channels=channels,
        num_attention_heads=_HEADS,
        attention_head_dim=_WIDTH // _HEADS,
        cross_attention_dim=_WIDTH,
        num_layers=_LAYERS,
        caption_channels=encoder.WIDTH,
    )
    nn.init.zeros_(net.proj_out.weight)
    nn.init.zeros_(net.proj_out.bias)
    with torch.no_grad():
        blocks: Any = net.transformer_blocks
        for block in blocks:
            # Each layer begins with little to add, and with its gates half open.
            for layer in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
                layer.weight.mul_(0.3)
            block.scale_shift_table.zero_()
            block.scale_shift_table[[2, 5]] = 0.5
    return net


class Captions:
    """Of scenes, each said in several ways, as the text encoder reads them."""

    @torch.no_grad()
    def __init__(self, words: T5EncoderModel, scenes: list[Scene], seed: int) -> None:
        rng = np.random.default_rng((5, seed))
        pieces = text.Pieces()
        rows = [pieces(_some_of(scene, rng), rng) for scene in scenes for _ in range(_WAYS)]
        self._said = torch.empty(len(rows), text.LONGEST, encoder.WIDTH, dtype=torch.float16)
        self._used = torch.tensor([len(row) for row in rows])
        for first in range(0, len(rows), 256):
            given = text.rows(rows[first : first + 256]).to(words.device)
            with torch.autocast(words.device.type, torch.bfloat16):
                self._said[first : first + 256] = words(given)[0][:, : text.LONGEST].cpu()

    def __call__(self, numbers: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One caption of each of these scenes, and which of its pieces count."""
        chosen = numbers * _WAYS + torch.from_numpy(rng.integers(_WAYS, size=len(numbers)))
        return self._said[chosen].float(), torch.arange(text.LONGEST) < self._used[chosen, None]


def _some_of(scene: Scene, rng: np.random.Generator) -> str:
    """What is said of a scene: nothing, parts of it, or all."""
    if rng.random() < _UNSAID:
        return ""
    partly = rng.random() < _PARTLY
    return caption(scene, rng, unsaid=[part for part in OPEN if partly and rng.random() < 0.5])


class Batches:
    """Batches by the step's number: of small clips as a whole; of others so by one in three, and of parts of many more
    else.

    In much noise it is decided what is where, for which all must be seen. In less, what is near tells what is there. So
    whole clips are of late times, but for those that have their first frame given. Parts are of early ones, and squares
    of the frame: in one of four batches by chance, through all of the time, and every other time with their first frame
    given. In the others they follow what is coloured most, as the subject is: one of three of these through all of the
    time, and two, of yet more clips, at one moment each."""

    def __init__(
        self, found: Tensor, captions: Captions, batch: int, seed: int, device: torch.device, small: bool = False
    ) -> None:
        """`found` are scaled latents, `[n, channels, t, h, w]`, and `captions` those of their scenes."""
        scale = (1, 2, 2) if small else (1, 1, 1)
        axes = [
            torch.arange(length, dtype=torch.float32) * step * larger
            for length, step, larger in zip(found.shape[2:], _POSITIONS, scale, strict=True)
        ]
        self._places = torch.stack(torch.meshgrid(axes, indexing="ij")).flatten(1)
        self._tokens = found.flatten(2).transpose(1, 2).contiguous()
        places = torch.arange(self._tokens.shape[1]).view(found.shape[2:])
        squares = places.unfold(1, min(_SIDE, places.shape[1]), 1).unfold(2, min(_SIDE, places.shape[2]), 1)
        self._squares = squares.flatten(1, 2).flatten(2)
        self._captions, self._batch, self._seed, self._device, self._small = captions, batch, seed, device, small

    def __call__(self, step: int) -> Batch:
        """Clips by chance."""
        if self._small:
            return self.whole(step, given=step % 8 == 0)
        if step % 3 == 0:
            given = step % 12 == 0
            return self.whole(step, given, late=not given)
        return self.parts(step, given=step % 12 == 5) if step % 6 == 5 else self.subjects(step, still=step % 2 == 0)

    def whole(self, step: int, given: bool = False, late: bool = False) -> Batch:
        """Of all tokens, at any time or at late ones."""
        rng = np.random.default_rng((self._seed, step))
        chosen = self._chosen(rng, self._batch if self._small else -(-self._batch // 4))
        every = torch.arange(self._tokens.shape[1]).expand(len(chosen), -1)
        least = _even(_FAR) if late else 0
        return self._of(step, rng, chosen, every, shifted(least + (1 - least) * _spread(rng, len(chosen))), given)

    def parts(self, step: int, given: bool = False) -> Batch:
        """Of squares of the frame by chance, through all of the time, at early times."""
        rng = np.random.default_rng((self._seed, step))
        chosen = self._chosen(rng, self._batch)
        taken = self._squares[:, torch.from_numpy(rng.integers(self._squares.shape[1], size=len(chosen)))]
        return self._of(step, rng, chosen, taken.transpose(0, 1).flatten(1), _early(rng, len(chosen)), given)

    def subjects(self, step: int, still: bool = False) -> Batch:
        """Of squares that follow what is coloured most, through all of the time or at one moment, at early times."""
        rng = np.random.default_rng((self._seed, step))
        moments = len(self._squares)
        chosen = self._chosen(rng, self._batch * (moments if still else 1))
        colours = self._tokens[chosen][..., _COLOURS].float().unflatten(1, (moments, -1))
        coloured = (colours - colours.median(2, keepdim=True).values).square().sum(3)
        likely = _SURE * coloured[:, :, self._squares[0]].mean(3).log()
        which = (likely + torch.from_numpy(rng.gumbel(size=likely.shape))).argmax(2)
        taken = self._squares[torch.arange(moments), which]
        if still:
            taken = taken[torch.arange(len(chosen)), torch.from_numpy(rng.integers(moments, size=len(chosen))), None]
        return self._of(step, rng, chosen, taken.flatten(1), _early(rng, len(chosen)), given=False)

    def _chosen(self, rng: np.random.Generator, count: int) -> Tensor:
        return torch.from_numpy(rng.integers(len(self._tokens), size=count))

    def _of(
        self, step: int, rng: np.random.Generator, chosen: Tensor, taken: Tensor, times: Tensor, given: bool
    ) -> Batch:
        """Of the clips that are chosen, the tokens `[n, tokens]` that are taken."""
        clean = self._tokens[chosen[:, None], taken].float()
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(self._seed * 2**32 + step))
        places = self._places[:, taken].transpose(0, 1)
        if given:
            times = times[:, None] * (places[:, 0] > 0)
        said, mask = self._captions(chosen, rng)
        clean, noise, times, places, said, mask = (
            one.to(self._device) for one in (clean, noise, times, places, said, mask)
        )
        return Batch(clean, noise, times, places, said, mask)


def _spread(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Numbers by chance, one in each of so many parts of 0..1: no batch is of late times or early ones alone."""
    return (rng.permutation(count) + rng.random(count)) / count


def _early(rng: np.random.Generator, count: int) -> Tensor:
    """Times at which what is near tells what is there."""
    return shifted(_even(_NEAR) * _spread(rng, count))


def shifted(even: NDArray[np.float64]) -> Tensor:
    """Times from numbers in 0..1."""
    return torch.from_numpy(SHIFT * even / (1 + (SHIFT - 1) * even)).float()


def _even(time: float) -> float:
    """The number that a time is from."""
    return time / (SHIFT - (SHIFT - 1) * time)


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """How far the velocity is from the true one, where it is asked for."""
    times = batch.times if batch.times.ndim == 2 else batch.times[:, None].expand(batch.clean.shape[:2])
    found = net(
        hidden_states=torch.lerp(batch.clean, batch.noise, times[..., None]),
        encoder_hidden_states=batch.said,
        timestep=1000 * batch.times,
        encoder_attention_mask=batch.mask,
        video_coords=batch.places,
        return_dict=False,
    )[0]
    wrong = (found.float() - (batch.noise - batch.clean)).square().mean(2)
    return wrong[times > 0].mean()


def optimized(net: nn.Module, rate: float) -> Muon:
    """Its optimizer: what meets latents, words and times themselves is left to AdamW."""
    outer = ("proj_in", "proj_out", "caption_projection", "time_embed", "table", "bias")
    return Muon(net, rate, outer, faster=4.0)


def spread(found: Tensor) -> tuple[Tensor, Tensor]:
    """Of latents `[n, channels, ...]`, the mean of each channel and what it is divided by: all together are 1 then."""
    rows = found.float().transpose(0, 1).flatten(1)
    mean, own = rows.mean(1), rows.std(1)
    favour = own**_FAVOUR
    return mean, (own * favour).square().mean().sqrt() / favour


def scaled(found: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Latents as the denoiser has them."""
    return ((found.float() - mean.view(1, -1, 1, 1, 1)) / scale.view(1, -1, 1, 1, 1)).half()


def main() -> None:
    """Train and ship."""
    parser = loop.options(__doc__, steps=6000, batch=64, rate=1e-3, folder="pocket-denoiser")
    parser.add_argument("--clips", type=int, default=6000, help="how many are rendered (default %(default)s)")
    parser.add_argument("--to", type=Path, default=resource("models/pocket"), help="where vae/ and text_encoder/ lie")
    parser.add_argument("--small", action="store_true", help="begin anew, on clips of half the size")
    parser.add_argument("--compile", action="store_true", help="the transformer's blocks; needs a C++ compiler")
    given = parser.parse_args()
    budget = loop.budget(given)
    budget = replace(budget, folder=given.folder / ("small" if given.small else f"full-{budget.seed}"))
    vae: Any = AutoencoderKLLTXVideo.from_pretrained(given.to / "vae").to(budget.device)  # pyright: ignore[reportArgumentType]
    first = budget.seed * 10**6
    found, scenes = latents.kept(vae, given.folder / "latents", given.clips, first)
    if given.small:
        mean, scale = spread(found)
        found, scenes = latents.kept(vae, given.folder / "latents", given.clips, first, small=True)
    else:
        mean, scale = vae.latents_mean.cpu(), vae.latents_std.cpu()
    unseen, others = latents.kept(vae, given.folder / "latents", 256, stock.HELD_OUT, given.small)
    words: Any = T5EncoderModel.from_pretrained(given.to / "text_encoder").to(budget.device)  # pyright: ignore[reportArgumentType]

    def batches(found: Tensor, scenes: list[Scene], seed: int) -> Batches:
        captions = Captions(words, scenes, seed)
        return Batches(scaled(found, mean, scale), captions, budget.batch, seed, budget.device, given.small)

    samples, tests = batches(found, scenes, budget.seed), batches(unseen, others, stock.HELD_OUT)

    def begin() -> nn.Module:
        net: Any = (
            network(found.shape[1])
            if given.small
            else LTXVideoTransformer3DModel.from_pretrained(given.to / "transformer")  # pyright: ignore[reportArgumentType]
        )
        if given.compile:
            # For each kind of batch by itself: kernels that bear any length are slower.
            torch._dynamo.config.recompile_limit = 16
            torch._dynamo.config.automatic_dynamic_shapes = False
            net.compile_repeated_blocks()
        return net

    def validate(net: nn.Module) -> dict[str, float]:
        def wrong(kind: Callable[[int], Batch], count: int) -> float:
            return float(np.mean([float(loss(net, kind(number))) for number in range(count)]))

        with torch.autocast(budget.device.type, torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            return {
                "unseen": wrong(tests.whole, 16),
                "first given": wrong(partial(tests.whole, given=True), 4),
                "subjects": wrong(tests.subjects, 4),
            }

    def on_cpu(net: nn.Module, batch: Batch) -> Tensor:
        # Backwards, the CPU's own kernel for attention is the slower one.
        with sdpa_kernel(SDPBackend.MATH if budget.device.type == "cpu" else list(SDPBackend.__members__.values())):
            return loss(net, batch)

    net = loop.train(begin, budget, samples, on_cpu, validate, every=250, optimized=optimized)
    ship(net, words, vae, mean, scale, given.to)


def ship(net: nn.Module, words: T5EncoderModel, vae: Any, mean: Tensor, scale: Tensor, folder: Path) -> None:
    """All of it in diffusers' layout."""
    from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline

    vae.latents_mean.copy_(mean)
    vae.latents_std.copy_(scale)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    parts = {"vae": vae.half(), "text_encoder": words.half(), "transformer": net.half()}
    LTXPipeline(scheduler=scheduler, tokenizer=text.tokenizer(), **parts).save_pretrained(folder)  # pyright: ignore[reportArgumentType]
    unnamed(folder)
    own = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, "steps": STEPS, "guidance": GUIDANCE, "rate": RATE}
    (folder / "vidflow.json").write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
