"""Encoding a prompt, sampling latents and decoding them with a loaded family, on the thread that calls.

Each is the plain diffusers pipeline with only the parts it needs, so its results are that pipeline's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vidflow.errors import ModelError
from vidflow.models.families import family
from vidflow.models.family import Family, Request
from vidflow.models.loading import checkpoint_of, loaded
from vidflow.models.preview import Preview, fit, grid_of
from vidflow.models.residency import out_of_memory, with_room
from vidflow.values import Conditioning, Latents, Model

_FACTORS: dict[tuple[tuple[str, str], ...], NDArray[np.float32]] = {}


class Teller(Protocol):
    """Who is told how far the work is, and may stop it by raising."""

    def __call__(self, k: int, total: int, preview: Any = None) -> None: ...


def encode_text(model: Model, text: str, negative: str, device: str, tell: Teller) -> Conditioning:
    """What the family's text encoder gives for a prompt. Raises ModelError."""
    return with_room(
        lambda: _encoded(model, text, negative, device, tell),
        "The text encoder did not fit; choose the dtype bfloat16, or a model with a smaller one.",
    )


def _encoded(model: Model, text: str, negative: str, device: str, tell: Teller) -> Conditioning:
    found = family(model.family)
    with loaded(model, found.encoders, device, tell) as parts, torch.inference_mode():
        pipe = _pipeline(found, "text", checkpoint_of(model).settings, parts)
        tensors = found.encode(pipe, text, negative, torch.device(device))
        return Conditioning(
            {name: value.detach().cpu() for name, value in tensors.items() if value is not None},
            {"family": found.name, "negative": bool(negative.strip())},
        )


def sample(
    model: Model,
    conditioning: Conditioning | None,
    request: Request,
    frames: list[NDArray[np.uint8]],
    seed: int,
    device: str,
    tell: Teller,
    preview: NDArray[np.float32] | None = None,
) -> Latents:
    """Latents as the family's pipeline leaves them. `request` is complete, `frames` are what it starts from.

    The noise of `seed` comes from a generator on the CPU. With the factors of a `preview` (see `preview_factors`) each
    step is told with a picture. Raises ModelError, also where a step gives what is no number.
    """
    asked = f"{request.width} x {request.height} with {len(frames) if request.video else request.frames} frames"
    return with_room(
        lambda: _sampled(model, conditioning, request, frames, seed, device, tell, preview),
        f"{asked} did not fit beside the model; ask for fewer or smaller frames, or choose the dtype bfloat16.",
    )


def _sampled(
    model: Model,
    conditioning: Conditioning | None,
    request: Request,
    frames: list[NDArray[np.uint8]],
    seed: int,
    device: str,
    tell: Teller,
    preview: NDArray[np.float32] | None,
) -> Latents:
    from PIL import Image

    found, checkpoint = family(model.family), checkpoint_of(model)
    place = torch.device(device)
    if request.mode == "video":
        frames = frames[: found.taken(checkpoint, len(frames))]
        if not frames:
            raise ModelError(f"The video is too short for {found.title}.")
    with loaded(model, found.needed(request), device, tell) as parts, torch.inference_mode(), _same(parts):
        denoiser = next((name for name in found.denoisers if name in parts), None)
        if denoiser is None:
            raise ModelError(f"{checkpoint.folder} has no {' or '.join(found.denoisers)}; it was fetched in half.")
        parts["scheduler"] = _scheduler(found, parts["scheduler"], request.scheduler)
        pipe = _pipeline(found, request.mode, checkpoint.settings, parts)
        arguments = found.arguments(request, [Image.fromarray(frame) for frame in frames])
        if conditioning is not None and found.prompted:
            dtype = parts[denoiser].dtype
            for name, value in conditioning.tensors.items():
                arguments[name] = value.to(place, dtype if value.is_floating_point() else value.dtype)
        picture = None
        if preview is not None:
            count = len(frames) if request.mode == "video" else request.frames or 1
            grid = grid_of(parts["vae"], count, request.width or 0, request.height or 0)
            picture = Preview(found, preview, grid)
        with _steps(pipe, found, tell, picture), _seeded(seed, place):
            result = pipe(
                **arguments,
                num_inference_steps=request.steps,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="latent",
            ).frames
        meta = {
            "family": found.name,
            "width": request.width,
            "height": request.height,
            "frames": len(frames) if request.mode == "video" else request.frames,
            "rate": str(found.rules(checkpoint).rate),
            "seed": seed,
            **found.described(pipe, request),
        }
        return Latents(result.detach().cpu(), meta)


def decode(
    model: Model, latents: Latents, device: str, tell: Teller, chunk: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Frames of latents that the same family made, run by run in order: `[n, height, width, 3]` in 0..1.

    `chunk` is how many frames are decoded at once where the family lets that be chosen. Raises ModelError.
    """
    found = family(model.family)
    if latents.meta.get("family") != found.name:
        raise ModelError(f"These latents were made by {latents.meta.get('family')}, but the model is {found.title}.")
    with loaded(model, ("vae",), device, tell) as parts:
        tensor = latents.tensor if isinstance(latents.tensor, torch.Tensor) else torch.from_numpy(latents.tensor)
        runs = found.runs(parts["vae"], tensor.to(device), latents.meta, chunk or found.chunk or 1)
        done, total = 0, int(latents.meta["frames"])
        while True:
            # Around each run and not around them all: between two of them the thread is somebody else's.
            with torch.inference_mode():
                try:
                    run = next(runs, None)
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error):
                        raise
                    hint = "decode fewer frames at once (chunk)" if found.chunk else "make smaller or fewer frames"
                    raise ModelError(f"Memory ran out while frames were decoded; {hint}.") from None
                if run is None:
                    return
                video = (run[0] / 2 + 0.5).clamp(0, 1).float().permute(1, 2, 3, 0).cpu().numpy()
            done += len(video)
            tell(done, max(done, total))
            yield np.ascontiguousarray(video)


def preview_factors(model: Model, device: str, tell: Teller) -> NDArray[np.float32]:
    """What `sample` needs to show previews: factors fitted for the model's VAE, once in a process for the same weights.
    Raises ModelError."""
    weights = tuple(sorted((name, digest) for name, digest in model.files.items() if name.startswith("vae/")))
    if not weights or weights not in _FACTORS:
        with loaded(model, ("vae",), device, tell) as parts, _same(parts):
            _FACTORS[weights] = fit(parts["vae"], family(model.family))
    return _FACTORS[weights]


def encode_video(model: Model, frames: Iterable[NDArray[Any]], device: str, tell: Teller) -> Latents:
    """Latents of frames `[height, width, 3]` (uint8, or floats in 0..1), as the family's pipeline that starts from a
    video sees them, without noise; the mode of what the VAE gives, so the same video gives the same latents. As many
    frames as the family's rule allows are taken, and all are in memory at once. Raises ModelError.
    """
    found, checkpoint = family(model.family), checkpoint_of(model)
    if "video" not in found.modes(checkpoint):
        raise ModelError(f"This {found.title} checkpoint starts from no video.")
    own = found.rules(checkpoint)
    arrays = list(frames)
    arrays = arrays[: found.taken(checkpoint, len(arrays))]
    if not arrays:
        raise ModelError(f"The video is too short for {found.title}.")
    height, width = arrays[0].shape[:2]
    if height % own.multiple or width % own.multiple:
        raise ModelError(f"{found.title} needs a size that {own.multiple} divides, not {width} x {height}.")
    with loaded(model, ("vae",), device, tell) as parts, torch.inference_mode(), _same(parts):
        video = torch.stack([torch.from_numpy(np.array(one)) for one in arrays])
        video = video.float() / 255 if video.dtype is torch.uint8 else video.float()
        tensor = found.encode_video(parts["vae"], (2 * video - 1).permute(3, 0, 1, 2)[None].to(device))
        meta = {
            "family": found.name,
            "width": width,
            "height": height,
            "frames": len(arrays),
            "rate": str(own.rate),
        }
        return Latents(tensor.cpu(), meta)


def _pipeline(found: Family, mode: Any, settings: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """The pipeline of a mode with the parts at hand; the others are None."""
    import diffusers

    kind = getattr(
        diffusers, found.pipelines[mode] if mode in found.pipelines else next(iter(found.pipelines.values()))
    )
    takes = inspect.signature(kind.__init__).parameters
    given = {name: parts.get(name, settings.get(name, one.default)) for name, one in takes.items() if name != "self"}
    given = {name: None if value is inspect.Parameter.empty else value for name, value in given.items()}
    pipe = kind(**given)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _scheduler(found: Family, own: Any, name: str | None) -> Any:
    """A scheduler of its own for each call: the checkpoint's, or the one called `name`, as that one is configured."""
    import diffusers

    kind = getattr(diffusers, found.schedulers[name]) if name else type(own)
    if kind is type(own) or not found.flow:
        return kind.from_config(own.config)
    # The schedulers of more than one kind follow a flow only where told to, and call its shift by another name.
    shift = own.config.get("flow_shift") or own.config.get("shift") or 1.0
    told = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": shift, "shift": shift}
    takes = inspect.signature(kind.__init__).parameters
    return kind.from_config(own.config, **{key: value for key, value in told.items() if key in takes})


@contextmanager
def _same(parts: Mapping[str, Any]) -> Iterator[None]:
    """Parts that others use as well have the dtype they had, whatever a pipeline changes on the way (some decode in
    float32, and change back only where nothing goes wrong)."""
    before = {name: part.dtype for name, part in parts.items() if isinstance(part, torch.nn.Module)}
    try:
        yield
    finally:
        for name, dtype in before.items():
            if parts[name].dtype is not dtype:
                parts[name].to(dtype)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Numbers that a pipeline draws without its generator (SparseCtrl does) come from the seed as well."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _steps(pipe: Any, found: Family, tell: Teller, preview: Preview | None) -> Iterator[None]:
    """While the block lasts, each step of the pipeline's scheduler is counted, looked at and told."""
    scheduler, done = pipe.scheduler, 0
    step = scheduler.step

    # Pipelines look at which arguments `step` takes.
    @functools.wraps(step)
    def counted(*given: Any, **named: Any) -> Any:
        nonlocal done
        result = step(*given, **named)
        done += 1
        latents = result[0] if isinstance(result, tuple) else result.prev_sample
        if not torch.isfinite(latents).all():
            raise ModelError(
                f"Step {done} gave values that are no numbers; use the dtype float32 or bfloat16, or another scheduler."
            )
        total = getattr(pipe, "_num_timesteps", None) or len(scheduler.timesteps)
        tell(done, total, preview(latents) if preview is not None else None)
        return result

    scheduler.step = counted
    try:
        yield
    finally:
        scheduler.step = step
        pipe.maybe_free_model_hooks()
