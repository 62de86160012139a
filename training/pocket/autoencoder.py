"""Find the video autoencoder: `python -m training.pocket.autoencoder`.

LTX's classes, small: patches of 4x4 pixels, then halved twice in space and time, so that a latent frame stands for 4
frames and each of its places for 16x16 pixels. A linear autoencoder of such blocks, by principal components level by
level, can be written into the weights of these classes nearly exactly (see `begin`), without any training. When the
denoiser is there, the decoder learns more, and the encoder a little (see `training.pocket.decoder`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from torch import Tensor, nn

from training.pocket import stock
from vidflow.places import resource

LATENTS, _WIDTH, _PATCH = 40, 84, 4
FRAMES_A_LATENT, PIXELS_A_LATENT = 4, 4 * _PATCH
_CONSTANT, _LARGE = 10.0, 100.0
"""The RMS of channels before the pixels and before the latents, nearly all of it in one that is the same everywhere;
others are about 1."""
CONSTANT = (_WIDTH - 1) // 2 * 2
"""The channel before the pixels that is the same everywhere."""


def network() -> AutoencoderKLLTXVideo:
    """Without its weights."""
    return AutoencoderKLLTXVideo(
        latent_channels=LATENTS,
        block_out_channels=(_WIDTH, _WIDTH),
        down_block_types=("LTXVideoDownBlock3D",) * 2,
        decoder_block_out_channels=(_WIDTH, _WIDTH),
        layers_per_block=(0, 4, 0),
        decoder_layers_per_block=(1, 4, 6),
        spatio_temporal_scaling=(True, True),
        decoder_spatio_temporal_scaling=(True, True),
        decoder_inject_noise=(False,) * 3,
        downsample_type=("conv",) * 2,
        upsample_residual=(False,) * 2,
        upsample_factor=(1,) * 2,
        patch_size=_PATCH,
        decoder_causal=False,
    )


@torch.no_grad()
def begin(clips: Tensor) -> AutoencoderKLLTXVideo:
    """The network as a linear autoencoder of `clips`, `[n, 3, frames, height, width]` in -1..1.

    Each level takes the principal components of blocks of what the level below gives: of 4x4 pixels, of 2x2x2 of
    these, and again. Residual networks give nothing at first. An RMS norm, a SiLU and a convolution stand before the
    latents and before the pixels. A large channel that is the same everywhere makes the norm a division by a constant.
    Before the pixels each value is there with its negative too, as `silu(a) - silu(-a) = a`; before the latents, where
    there is no room for that, values are so small beside the constant that `silu(a)` is about `a / 2`.
    """
    net = network()
    encoder: Any = net.encoder
    decoder: Any = net.decoder
    for name, part in net.named_modules():
        if isinstance(part, nn.Conv3d) and not name.endswith("conv1.conv"):
            nn.init.zeros_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    pairs = CONSTANT // 2
    patches = _patches(clips)
    mean0, basis0 = _components(patches, pairs)
    first = _projected(patches, mean0, basis0)
    mean1, basis1 = _components(_blocks(first), _WIDTH)
    second = _projected(_blocks(first), mean1, basis1)
    mean2, basis2 = _components(_blocks(second), LATENTS)
    third = _projected(_blocks(second), mean2, basis2)
    # Between what has all channels equally strong and what leaves them as they are.
    deviation = third.transpose(0, 1).flatten(1).std(1)
    scale = deviation**-0.5
    scale = scale / (deviation * scale).square().mean().sqrt()

    entry = encoder.conv_in.conv
    entry.weight[:pairs, :, 2, 1, 1] = basis0.T
    entry.bias[:pairs] = -basis0.T @ mean0
    down = encoder.down_blocks[0].downsamplers[0].conv
    _write_down(down, mean1, basis1)
    down = encoder.down_blocks[1].downsamplers[0].conv
    _write_down(down, mean2, basis2 * scale)
    down.bias[LATENTS] = _LARGE * _WIDTH**0.5
    places = torch.arange(LATENTS)
    encoder.conv_out.conv.weight[places, places, 2, 1, 1] = 2 * _LARGE
    encoder.conv_out.conv.bias[LATENTS:] = -6.0

    decoder.conv_in.conv.weight[places, places, 1, 1, 1] = 1 / scale
    up = decoder.up_blocks[0].upsamplers[0].conv.conv
    up.weight[: _WIDTH * 8, :LATENTS, 1, 1, 1] = basis2
    up.bias[: _WIDTH * 8] = mean2
    up = decoder.up_blocks[1].upsamplers[0].conv.conv
    values = pairs * 8
    up.weight[:values, :, 1, 1, 1], up.bias[:values] = basis1, mean1
    up.weight[values : 2 * values, :, 1, 1, 1], up.bias[values : 2 * values] = -basis1, -mean1
    up.bias[2 * values : 2 * values + 8] = _CONSTANT * _WIDTH**0.5
    last = decoder.conv_out.conv
    last.weight[:, :pairs, 1, 1, 1] = basis0 * _CONSTANT
    last.weight[:, pairs : 2 * pairs, 1, 1, 1] = -basis0 * _CONSTANT
    last.bias[:] = mean0
    return net


def _patches(clips: Tensor) -> Tensor:
    """`[n, 3 * 16, frames, height / 4, width / 4]`, in the order in which the network has them."""
    n, colours, frames, height, width = clips.shape
    found = clips.reshape(n, colours, frames, height // _PATCH, _PATCH, width // _PATCH, _PATCH)
    return found.permute(0, 1, 6, 4, 2, 3, 5).flatten(1, 3)


def _blocks(values: Tensor) -> Tensor:
    """`[n, c, 2t - 1, 2h, 2w]` as `[n, c * 8, t, h, w]`: the first frame stands alone, and is taken twice."""
    values = torch.cat((values[:, :, :1], values), 2)
    n, channels, frames, height, width = values.shape
    found = values.reshape(n, channels, frames // 2, 2, height // 2, 2, width // 2, 2)
    return found.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def _components(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The mean and the first principal components of `[n, c, t, h, w]`: `[c]` and `[c, count]`."""
    rows = values.transpose(0, 1).flatten(1)
    mean = rows.mean(1)
    rows = rows - mean[:, None]
    basis = torch.linalg.eigh((rows @ rows.T).double()).eigenvectors
    return mean, basis.flip(1)[:, :count].float()


def _projected(values: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    return torch.einsum("nc...,ck->nk...", values - mean[:, None, None, None], basis)


def _write_down(conv: nn.Conv3d, mean: Tensor, basis: Tensor) -> None:
    """Have the first channels of a convolution of stride 2 give components of blocks of 2x2x2."""
    count = basis.shape[1]
    inner = len(basis) // 8
    assert conv.bias is not None
    conv.weight[:count, :inner, 1:, 1:, 1:] = basis.T.reshape(count, inner, 2, 2, 2)
    conv.bias[:count] = -basis.T @ mean


def borders(made: Tensor) -> float:
    """The mean difference of neighbours across the borders of blocks, beside that elsewhere between the middles of the
    outermost blocks: about 1 where no border is seen."""
    shares: list[float] = []
    half = PIXELS_A_LATENT // 2
    for axis in (-1, -2):
        steps = made.diff(dim=axis).abs().transpose(axis, -1).flatten(0, -2).mean(0)[half:-half]
        on = torch.arange(len(steps)) % PIXELS_A_LATENT == half - 1
        shares.append(float(steps[on].mean() / steps[~on].mean()))
    return max(shares)


def as_clips(frames: np.ndarray[Any, Any]) -> Tensor:
    """`[n, t, h, w, 3]` in uint8 as `[n, 3, t, h, w]` in -1..1."""
    return torch.from_numpy(frames).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def main() -> None:
    """Find and ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=400, help="from how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=resource("models/pocket/vae"))
    given = parser.parse_args()
    net = begin(as_clips(np.stack(list(stock.clips(given.seed * 10**6, given.clips)))))
    net.half().save_pretrained(given.to)
    unnamed(given.to)


def unnamed(folder: Path) -> None:
    """Have no configuration there tell from which folder it was read, which is of no use to others."""
    for path in folder.rglob("config.json"):
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config.pop("_name_or_path", None)
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
