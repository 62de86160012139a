"""Cases of every family and mode, through vidflow and through the plain diffusers pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import families, family, family_of
from vidflow.models.family import Mode, Request
from vidflow.values import Latents, Model

TEXT, NEGATIVE, SEED, STEPS = "a cat walks", "blurry text", 7, 2


@dataclass(frozen=True)
class Case:
    """A checkpoint and what a video is made from; `call` are the plain pipeline's arguments beside the usual ones."""

    checkpoint: str
    mode: Mode
    size: tuple[int, int]
    frames: int
    call: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, float] = field(default_factory=dict)
    adapter: bool = False

    @property
    def name(self) -> str:
        """For a test's name."""
        return f"{self.checkpoint}{'+adapter' if self.adapter else ''}-{self.mode}"


CASES = (
    Case("ltx", "text", (32, 32), 9),
    Case("ltx", "image", (32, 32), 9),
    Case("wan", "text", (32, 16), 5),
    Case("wan", "video", (32, 16), 9),
    Case("wan_image", "image", (32, 16), 5),
    Case("wan_two", "text", (16, 16), 5, {"guidance_scale": 4.0, "guidance_scale_2": 3.0}),
    Case("wan_image_two", "image", (16, 16), 5, {"guidance_scale": 3.5}),
    Case("wan_5b", "text", (32, 32), 5),
    Case("wan_5b", "image", (32, 32), 5),
    Case("cogvideox", "text", (32, 16), 9),
    Case("cogvideox", "video", (32, 16), 9),
    Case("cogvideox_image", "image", (32, 32), 9),
    Case("cogvideox_15", "text", (32, 32), 9),
    Case("cogvideox_15", "video", (32, 32), 16),
    Case("cogvideox_15_image", "image", (32, 32), 9),
    Case("hunyuan", "text", (16, 16), 5, {"true_cfg_scale": 2.0}, {"true_cfg": 2.0}),
    Case("mochi", "text", (32, 16), 7),
    Case("svd", "image", (16, 16), 3, {"motion_bucket_id": 90, "decode_chunk_size": 2}, {"motion_bucket_id": 90}),
    Case("animatediff", "text", (16, 16), 3),
    Case("animatediff", "video", (16, 16), 3),
    Case("stable_diffusion", "text", (16, 16), 3, adapter=True),
    Case("stable_diffusion", "video", (16, 16), 3, adapter=True),
    Case("sparsectrl", "image", (16, 16), 3),
)


def quiet(k: int, total: int, preview: Any = None) -> None:
    """Nobody is told."""


def model_of(case: Case, folder: Path, checkpoint: Callable[[str], Path], **settings: Any) -> Model:
    """The model of a case, as load_model gives it."""
    if case.adapter:
        settings["adapter"] = str(checkpoint("motion_adapter"))
    return Model(family_of(read_checkpoint(folder)).name, case.checkpoint, {}, {"folder": str(folder), **settings})


def start_of(case: Case) -> list[NDArray[np.uint8]]:
    """The pictures that a case starts from: a gradient that moves."""
    count = {"text": 0, "image": 1, "video": case.frames}[case.mode]
    width, height = case.size
    y, x = np.mgrid[:height, :width]
    return [np.stack([x * 7 + 9 * n, y * 5, x * y + n], axis=2).astype(np.uint8) for n in range(count)]


def request_of(case: Case, folder: Path, **others: Any) -> Request:
    """The complete request of a case."""
    found = family_of(read_checkpoint(folder))
    width, height = case.size
    given = Request(
        width=width,
        height=height,
        frames=case.frames,
        steps=STEPS,
        strength=0.8 if case.mode == "video" else None,
        image=case.mode == "image",
        video=case.mode == "video",
        conditioning=found.prompted,
        extra=case.extra,
    )
    assert not list(found.wrong(read_checkpoint(folder), replace(given, **others)))
    return found.completed(read_checkpoint(folder), replace(given, **others))


def ours(model: Model, case: Case, negative: str, **others: Any) -> tuple[Latents, NDArray[np.float32]]:
    """Latents and frames through vidflow."""
    conditioning = sampling.encode_text(model, TEXT, negative, "cpu", quiet) if family(model.family).prompted else None
    request = request_of(case, Path(model.settings["folder"]), **others)
    latents = sampling.sample(model, conditioning, request, start_of(case), SEED, "cpu", quiet)
    chunk = case.call.get("decode_chunk_size")
    return latents, np.concatenate(list(sampling.decode(model, latents, "cpu", quiet, chunk)))


def pipeline(case: Case, folder: Path, dtype: Any, checkpoint: Callable[[str], Path]) -> Any:
    """The plain pipeline of a case."""
    found = family_of(read_checkpoint(folder))
    parts: dict[str, Any] = {}
    if case.adapter:
        parts["motion_adapter"] = diffusers.MotionAdapter.from_pretrained(checkpoint("motion_adapter"), dtype=dtype)
    kind = getattr(diffusers, found.pipelines[case.mode])
    pipe = kind.from_pretrained(folder, dtype=dtype, local_files_only=True, use_safetensors=True, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain(pipe: Any, case: Case, negative: str, **others: Any) -> tuple[Any, NDArray[np.float32]]:
    """Latents and frames of the plain pipeline; `others` are further arguments of its."""
    found = next(one for one in families() if type(pipe).__name__ in one.pipelines.values())
    width, height = case.size
    pictures = [Image.fromarray(one) for one in start_of(case)]
    given: dict[str, Any] = {"width": width, "height": height, "num_inference_steps": STEPS, **case.call, **others}
    if found.prompted:
        given["prompt"] = TEXT
        if negative:
            given["negative_prompt"] = negative
    if case.mode == "video":
        given |= {"video": pictures, "strength": 0.8}
    else:
        given["num_frames"] = case.frames
    if case.mode == "image":
        sparse = case.checkpoint == "sparsectrl"
        given |= {"conditioning_frames": pictures} if sparse else {"image": pictures[0]}
    results = []
    for kind in ("latent", "np"):
        torch.manual_seed(SEED)  # SparseCtrl draws without its generator
        results.append(pipe(**given, generator=torch.Generator().manual_seed(SEED), output_type=kind).frames)
    return results[0], results[1][0]


def assert_one_sentence(error: Exception) -> None:
    """One line that ends as a sentence does."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 500


def named(name: str) -> Case:
    """The case of that name."""
    return next(case for case in CASES if case.name == name)
