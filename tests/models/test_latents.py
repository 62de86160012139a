"""Sampling that starts from latents: it is the pipeline that starts from a video, after its VAE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.utils.torch_utils import randn_tensor

from tests.models.cases import (
    CASES,
    NEGATIVE,
    SEED,
    TEXT,
    Case,
    assert_one_sentence,
    model_of,
    named,
    ours,
    quiet,
    request_of,
    start_of,
)
from vidflow.errors import ModelError
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family
from vidflow.models.family import Request
from vidflow.values import Latents, Model

pytestmark = [
    pytest.mark.usefixtures("one_thread", "empty"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

VIDEO = [case for case in CASES if case.mode == "video"]


def mode_alone(self: Any, generator: Any = None) -> Any:
    """The mode where a VAE's latents would be drawn around it; what is drawn is drawn all the same."""
    randn_tensor(self.mean.shape, generator=generator, device=self.parameters.device, dtype=self.parameters.dtype)
    return self.mean


def request_from(latents: Latents, case: Case, model: Model, **others: Any) -> Request:
    """The request of a case, from latents."""
    done = request_of(case, Path(model.settings["folder"]), **others)
    return replace(done, video=False, latents=True, frames=latents.meta["frames"])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", VIDEO, ids=lambda case: case.name)
def test_a_video_and_its_latents_give_the_same(
    case: Case, dtype: str, checkpoint: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", mode_alone)
    folder = checkpoint(case.checkpoint)
    model = model_of(case, folder, checkpoint, dtype=dtype)
    schedulers = (None, *family(model.family).schedulers)
    words = sampling.encode_text(model, TEXT, NEGATIVE, "cpu", quiet)
    latents = sampling.encode_video(model, start_of(case), "cpu", quiet)
    for scheduler in schedulers if dtype == "float32" else (None,):
        for strength in (0.5, 1.0):
            asked = {"scheduler": scheduler, "strength": strength, "steps": 4}
            wanted, _ = ours(model, case, NEGATIVE, **asked)
            request = request_from(latents, case, model, **asked)
            found = sampling.sample(model, words, request, latents, SEED, "cpu", quiet)
            assert torch.equal(found.tensor, wanted.tensor), (scheduler, strength)
            assert found.meta == wanted.meta


@pytest.mark.parametrize("name", ["wan", "cogvideox", "cogvideox_15", "animatediff"])
def test_a_second_pass_goes_on_from_the_first(name: str, checkpoint: Callable[[str], Any]) -> None:
    case = named(f"{name}-text")
    model = model_of(case, checkpoint(name), checkpoint, dtype="float32")
    first, frames = ours(model, case, "")
    words = sampling.encode_text(model, TEXT, "", "cpu", quiet)
    results: list[Any] = []
    for strength in (0.2, 0.9):
        request = replace(request_from(first, case, model, steps=10), strength=strength)
        second = sampling.sample(model, words, request, first, SEED + 1, "cpu", quiet)
        assert second.tensor.shape == first.tensor.shape
        assert second.meta == {**first.meta, "seed": SEED + 1}
        shown = list(sampling.decode(model, second, "cpu", quiet))
        assert sum(map(len, shown)) == len(frames)
        results.append((second.tensor - first.tensor).abs().mean())
    # Little of it is made anew with little strength.
    assert 0 < results[0] < results[1]


def test_latents_that_do_not_fit_are_one_error(checkpoint: Callable[[str], Any]) -> None:
    def said(name: str, latents: Latents) -> str:
        case = named(name)
        model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
        words = sampling.encode_text(model, TEXT, "", "cpu", quiet)
        with pytest.raises(ModelError) as caught:
            sampling.sample(model, words, request_from(latents, case, model), latents, SEED, "cpu", quiet)
        assert_one_sentence(caught.value)
        return str(caught.value)

    meta = {"family": "cogvideox", "width": 32, "height": 32, "frames": 9, "rate": "8"}
    odd, wide = (Latents(torch.zeros(shape), meta) for shape in ((1, 3, 4, 4, 4), (1, 3, 16, 4, 4)))
    assert said("wan-video", odd) == "These latents were made by CogVideoX, but the model is Wan."
    assert "have 16 channels, but this CogVideoX checkpoint takes 4" in said("cogvideox-video", wide)
    assert "have 3 frames, which CogVideoX 1.5 does not take in pairs" in said("cogvideox_15-video", odd)


def test_what_latents_rule_out_is_said_before_the_run(checkpoint: Callable[[str], Any]) -> None:
    def said(name: str, **given: Any) -> list[str]:
        read, found = read_checkpoint(checkpoint(name)), family(name.split("_")[0])
        return [f"{one.input}: {one.message}" for one in found.wrong(read, Request(latents=True, **given))]

    assert said("wan") == said("cogvideox") == said("animatediff") == []
    assert said("wan", video=True) == ["latents: There is a video and latents; a sampler starts from one of them."]
    assert said("wan", image=True) == ["latents: There is an image and latents; a sampler starts from one of them."]
    assert said("ltx") == [
        "latents: This LTX-Video checkpoint makes a video from a prompt alone or an image, not from latents."
    ]
    assert said("wan", strength=0.01) == ["strength: A strength of 0.01 leaves none of the 50 steps."]
    assert "know 8 frames, not 9" in said("animatediff", frames=9)[0]
