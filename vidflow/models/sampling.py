"""Encoding a prompt, sampling latents and decoding them with a loaded family, on the thread that calls.

Each is the plain diffusers pipeline with only the parts it needs, so its results are that pipeline's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vidflow.errors import ModelError
from vidflow.models import speed
from vidflow.models.checkpoint import Checkpoint
from vidflow.models.families import family, title
from vidflow.models.family import Family, Request
from vidflow.models.loading import Manner, checkpoint_of, loaded, manners, offloaded, twin
from vidflow.models.preview import Preview, fit, grid_of, store, stored, vae_digest
from vidflow.models.residency import RESIDENT, out_of_memory, with_room
from vidflow.models.tiles import decode_in_tiles
from vidflow.models.wording import unknown
from vidflow.places import previews_dir
from vidflow.values import Conditioning, Latents, Model

_TILES = (512, 256, 128)
"""Pixels of a tile's side, tried in turn."""
_SMALLEST = 4
"""Latents of a tile's side, at least."""


class Teller(Protocol):
    """Who is told how far the work is, and may stop it by raising."""

    def __call__(self, k: int, total: int, preview: Any = None) -> None: ...


def encode_text(model: Model, text: str, negative: str, device: str, tell: Teller) -> Conditioning:
    """What the family's text encoder gives for a prompt. Raises ModelError."""
    return with_room(
        lambda manner: _encoded(model, text, negative, device, tell, manner),
        manners(model, family(model.family).encoders, device),
        "The text encoder did not fit; choose the dtype bfloat16, or a model with a smaller one.",
    )


def _encoded(model: Model, text: str, negative: str, device: str, tell: Teller, manner: Manner) -> Conditioning:
    found, place = family(model.family), torch.device(device)
    with loaded(model, found.encoders, device, tell, manner) as parts, _without_gradients(manner):
        pipe = _pipeline(found, "text", checkpoint_of(model).settings, _own(parts) if manner != "whole" else parts)
        with offloaded(pipe, place, manner):
            tensors = found.encode(pipe, text, negative, place)
        meta: dict[str, Any] = {"family": found.name, "negative": bool(negative.strip())}
        if words := unknown(parts["tokenizer"], text):
            meta["unknown"] = words
        return Conditioning({name: value.detach().cpu() for name, value in tensors.items() if value is not None}, meta)


def sample(
    model: Model,
    conditioning: Conditioning | None,
    request: Request,
    start: list[NDArray[np.uint8]] | Latents,
    seed: int,
    device: str,
    tell: Teller,
    preview: NDArray[np.float32] | None = None,
) -> Latents:
    """Latents as the family's pipeline leaves them. `request` is complete, `start` are the frames or the latents that
    it starts from; noise is laid over latents as the pipeline does over those of a video.

    The noise of `seed` comes from a generator on the CPU. With the factors of a `preview` (see `preview_factors`) each
    step is told with a picture. Raises ModelError, also where a step gives what is no number.
    """
    found = family(model.family)
    count = request.frames or 1 if isinstance(start, Latents) or not request.video else len(start)
    thrifty = "" if model.settings.get("memory") == "low" else ", and load_model's memory 'low' takes less"
    return with_room(
        lambda manner: _sampled(model, conditioning, request, start, seed, device, tell, preview, manner),
        manners(model, found.needed(request), device),
        f"{request.width} x {request.height} with {count} frames did not fit beside the model; "
        f"{_half(found, checkpoint_of(model), request, count)} take half of it{thrifty}.",
    )


def _half(found: Family, checkpoint: Checkpoint, request: Request, count: int) -> str:
    """What to ask for to need half of the memory, as the family's rules allow it."""
    multiple = found.rules(checkpoint).multiple
    sides = (int((side or 0) / 2**0.5) // multiple * multiple for side in (request.width, request.height))
    size = " x ".join(str(side or multiple) for side in sides)
    fewer = found.taken(checkpoint, count // 2)
    return f"{fewer} frame{'s' if fewer > 1 else ''}, or {size} pixels," if fewer else f"{size} pixels"


def _sampled(
    model: Model,
    conditioning: Conditioning | None,
    request: Request,
    start: list[NDArray[np.uint8]] | Latents,
    seed: int,
    device: str,
    tell: Teller,
    preview: NDArray[np.float32] | None,
    manner: Manner,
) -> Latents:
    from PIL import Image

    found, checkpoint = family(model.family), checkpoint_of(model)
    place = torch.device(device)
    latents = start if isinstance(start, Latents) else None
    frames = [] if isinstance(start, Latents) else start
    if latents is not None and latents.meta.get("family") != found.name:
        raise ModelError(_foreign(latents, found))
    if request.video:
        frames = frames[: found.taken(checkpoint, len(frames))]
        if not frames:
            raise ModelError(f"The video is too short for {found.title}.")
    with (
        loaded(model, found.needed(request), device, tell, manner) as parts,
        _without_gradients(manner),
        _same(parts),
    ):
        denoiser = next((name for name in found.denoisers if name in parts), None)
        if denoiser is None:
            raise ModelError(f"{checkpoint.folder} has no {' or '.join(found.denoisers)}; it was fetched in half.")
        parts["scheduler"] = _scheduler(found, parts["scheduler"], request.scheduler)
        if manner != "whole":
            parts = _own(parts)
        if speed.is_asked_for(request):
            parts |= {name: twin(parts[name]) for name in found.denoisers if name in parts}
        pipe = _pipeline(found, request.mode, checkpoint.settings, parts)
        if speed.is_asked_for(request):
            for name in found.denoisers:
                if name in parts:
                    speed.speed_up(found, parts[name], request, lambda: pipe.current_timestep)
        arguments = found.arguments(request, [Image.fromarray(frame) for frame in frames])
        if conditioning is not None and conditioning.meta.get("family") not in (None, found.name):
            made = conditioning.meta["family"]
            raise ModelError(f"This prompt was encoded by {title(made)}, but the model is {found.title}.")
        if conditioning is not None and found.prompted:
            dtype = parts[denoiser].dtype
            for name, value in conditioning.tensors.items():
                arguments[name] = value.to(place, dtype if value.is_floating_point() else value.dtype)
        picture = None
        if preview is not None:
            count = len(frames) if request.video else request.frames or 1
            grid = grid_of(parts["vae"], count, request.width or 0, request.height or 0)
            picture = Preview(found, preview, grid)
        generator = torch.Generator("cpu").manual_seed(seed)
        if latents is not None:
            arguments["latents"] = _noised(found, pipe, parts[denoiser], latents, request, generator, place)
        with offloaded(pipe, place, manner), _steps(pipe, found, tell, picture), _seeded(seed, place):
            try:
                result = pipe(
                    **arguments,
                    num_inference_steps=request.steps,
                    generator=generator,
                    output_type="latent",
                ).frames
            except (RuntimeError, ValueError) as error:
                if request.attention not in found.attends or out_of_memory(error):
                    raise
                reason = " ".join(str(error).split()).split(". ")[0][:200].rstrip(".")
                raise ModelError(
                    f"Attention {request.attention!r} does not work here: {reason}. Leave attention empty."
                ) from error
        meta = {
            **found.described(pipe, request),
            # How they were made is how they are decoded, so what is known of them goes on.
            **(latents.meta if latents is not None else {}),
            "family": found.name,
            "width": request.width,
            "height": request.height,
            "frames": len(frames) if request.video else request.frames,
            "rate": str(found.rules(checkpoint).rate),
            "seed": seed,
        }
        return Latents(result.detach().cpu(), meta)


def _noised(
    found: Family, pipe: Any, denoiser: Any, latents: Latents, request: Request, generator: torch.Generator, place: Any
) -> torch.Tensor:
    """Latents with the noise of the first step that `strength` leaves, as the pipeline has it after its VAE."""
    tensor = _tensor(latents).to(place)
    channels, takes = tensor.shape[found.layout.index("C")], denoiser.config.in_channels
    if channels != takes:
        raise ModelError(
            f"These latents have {channels} channels, but this {found.title} checkpoint takes {takes}; "
            "make them with the same model."
        )
    noise = found.noise(pipe, tensor, generator)
    scheduler = pipe.scheduler
    scheduler.set_timesteps(request.steps, device=place)
    timesteps, _ = pipe.get_timesteps(request.steps, scheduler.timesteps, request.strength, place)
    tensor, first = tensor.to(noise.dtype), timesteps[:1]
    if hasattr(scheduler, "add_noise"):
        return scheduler.add_noise(tensor, noise, first)
    return scheduler.scale_noise(tensor, first, noise)


def _tensor(latents: Latents) -> torch.Tensor:
    return latents.tensor if isinstance(latents.tensor, torch.Tensor) else torch.from_numpy(latents.tensor)


def _foreign(latents: Latents, found: Family) -> str:
    return f"These latents were made by {title(latents.meta.get('family'))}, but the model is {found.title}."


def decode(
    model: Model,
    latents: Latents,
    device: str,
    tell: Teller,
    chunk: int | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[NDArray[np.float32]]:
    """Frames of latents that the same family made, run by run in order: `[n, height, width, 3]` in 0..1.

    `chunk` is how many frames are decoded at once where the family lets that be chosen. Where memory runs out, or the
    model is to take little of it, frames are decoded in tiles, which are the smaller the less there is; `note` is told
    of the former. Raises ModelError.
    """
    found, meta = family(model.family), latents.meta
    if meta.get("family") != found.name:
        raise ModelError(_foreign(latents, found))
    with loaded(model, ("vae",), device, tell) as parts:
        tensor = _tensor(latents).to(device)
        done = shown = 0
        total = int(meta["frames"])

        def far(k: int, n: int) -> None:
            nonlocal shown
            shown = max(shown, done, total * k // n)
            tell(shown, total)

        sizes = list(_TILES[1:] if model.settings.get("memory") == "low" else (None, *_TILES))
        while sizes:
            seen, pixels = 0, sizes[0]
            try:
                for frames in _frames(found, parts["vae"], tensor, meta, chunk, pixels, far):
                    seen += len(frames)
                    if seen > done:
                        fresh, done = frames[len(frames) - (seen - done) :], seen
                        far(done, total)
                        yield fresh
                return
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            if not RESIDENT.release():
                del sizes[0]
                note("Memory ran out, so frames were decoded in smaller tiles.")
        few = "decode fewer frames at once (chunk)" if found.chunk else "make fewer frames"
        raise ModelError(f"Memory ran out while frames were decoded, in tiles of {_TILES[-1]} pixels as well; {few}.")


def _frames(
    found: Family,
    vae: Any,
    latents: torch.Tensor,
    meta: Mapping[str, Any],
    chunk: int | None,
    pixels: int | None,
    far: Callable[[int, int], None],
) -> Iterator[NDArray[np.float32]]:
    """Frames run by run, or all of them in tiles of so many pixels."""
    with torch.inference_mode():
        ready = found.ready(vae, latents, meta)
        if pixels is None:
            runs = found.runs(vae, ready, chunk or found.chunk or 1)
        else:
            side = max(_SMALLEST, pixels * ready.shape[-1] // int(meta["width"]))
            runs = iter((decode_in_tiles(found, vae, ready, chunk or found.chunk or 1, side, far),))
    while True:
        # Around each run and not around them all: between two of them the thread is somebody else's.
        with torch.inference_mode():
            run = next(runs, None)
            if run is None:
                return
            _must_be_numbers(run, "Decoding", "use the dtype float32 or bfloat16.")
            frames = (run[0] / 2).add_(0.5).clamp_(0, 1).float().permute(1, 2, 3, 0).cpu().numpy()
        yield np.ascontiguousarray(frames)


def preview_factors(model: Model, device: str, tell: Teller) -> NDArray[np.float32]:
    """What `sample` needs to show previews: the factors of the model's VAE, that come with vidflow or are fitted once
    for the same weights. Raises ModelError."""
    weights = vae_digest(checkpoint_of(model))
    found = stored(weights)
    if found is None:
        found = fitted_factors(model, device, tell)
        # Otherwise they are fitted anew another time, which is no reason to fail now.
        with suppress(OSError):
            store(weights, found, previews_dir())
    return found


def fitted_factors(model: Model, device: str, tell: Teller) -> NDArray[np.float32]:
    """Factors of previews, fitted for the model's VAE. Raises ModelError."""
    with loaded(model, ("vae",), device, tell) as parts, _same(parts):
        return fit(parts["vae"], family(model.family))


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
        _must_be_numbers(tensor, "Encoding", "use the dtype float32 or bfloat16.")
        meta = {
            "family": found.name,
            "width": width,
            "height": height,
            "frames": len(arrays),
            "rate": str(own.rate),
        }
        return Latents(tensor.cpu(), meta)


def _without_gradients(manner: Manner) -> AbstractContextManager[Any]:
    """Weights that are moved in inference mode could be used nowhere else afterwards."""
    return torch.inference_mode() if manner == "whole" else torch.no_grad()


def _own(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Twins of the parts."""
    return {name: twin(part) if isinstance(part, torch.nn.Module) else part for name, part in parts.items()}


def _must_be_numbers(tensor: torch.Tensor, what: str, more: str) -> None:
    """Raises ModelError for what would be a black picture."""
    if not torch.isfinite(tensor).all():
        raise ModelError(f"{what} gave values that are no numbers; {more}")


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
        _must_be_numbers(latents, f"Step {done}", "use the dtype float32 or bfloat16, or another scheduler.")
        total = getattr(pipe, "_num_timesteps", None) or len(scheduler.timesteps)
        tell(done, total, preview(latents) if preview is not None else None)
        return result

    scheduler.step = counted
    try:
        yield
    finally:
        scheduler.step = step
        pipe.maybe_free_model_hooks()
