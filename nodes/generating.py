"""Generating video: load_model, encode_text, sample, decode_latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from vidflow.api import (
    Choice,
    Conditioning,
    File,
    Frames,
    Image,
    Latents,
    Model,
    NodeError,
    Number,
    Prompt,
    Rate,
    Run,
    Seed,
    Video,
    VideoInfo,
    Weights,
    models,
    node,
)

from .foreseeing import (
    amount,
    decode_rule,
    encode_rule,
    encode_video_rule,
    load_rule,
    request_of,
    sample_rule,
    sizes_of,
    too_many,
)
from .shape import fitted

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Memory = Literal["auto", "gpu", "offload", "low"]
Attention = Literal["flash", "flash_3", "sage", "xformers", "cudnn", "efficient", "math"]
Cache = Literal["first_block", "pyramid", "faster"]
Pixels = Annotated[int | None, Number(16, 8192, unit="px")]


@node(title="Load model", category="Generation", rule=load_rule)
def load_model(
    *,
    model: Annotated[str, Weights()],
    dtype: Dtype = "auto",
    variant: str | None = None,
    revision: str | None = None,
    lora: list[Annotated[str, File()]] = [],  # noqa: B006 - read, never written to
    lora_weights: list[float] = [],  # noqa: B006
    adapter: Annotated[str | None, Weights(revision="", variant="")] = None,
    denoiser: list[Annotated[str, File()]] = [],  # noqa: B006
    memory: Annotated[Memory, Choice(get_args(Memory), same=("auto", "gpu", "offload"))] = "auto",
    run: Run,
) -> Model:
    """A model by its name: one in the box, a folder in diffusers layout, or one of the hub.

    One of the hub is called `org/name`, and `vidflow models fetch org/name` brings it. Its weights are loaded where
    they are first used. `dtype` is that of the numbers in memory; `auto` keeps them as they are stored (float16 becomes
    float32 on a CPU). Each `lora` counts with the weight in the same place of `lora_weights`, by default 1. `adapter`
    is the motion adapter that makes a Stable Diffusion checkpoint an AnimateDiff one. `denoiser` is a file (safetensors
    or GGUF) that takes the place of the checkpoint's own transformer, one for each where it has two.

    `memory` says where weights lie: `gpu` all on the GPU, `offload` each part there while it works, `low` each layer,
    with its numbers stored in 8 bits and frames decoded in tiles, which changes the result a little. `auto` takes the
    first of gpu, offload and layer by layer that there is room for; those give the same result.
    """
    found = models.library.find(model, revision or None)
    checkpoint = models.checkpoint.read_checkpoint(found.folder, variant or None)
    family = models.families.family_of(checkpoint)
    beside = str(models.library.find(adapter).folder) if adapter else None
    for wrong in models.replacing.unfit(family, checkpoint, denoiser):
        raise NodeError(f"{wrong.message} {wrong.hint}")
    asked = None if dtype == "auto" else dtype
    size = sum(sizes_of(family, checkpoint, dtype, memory, denoiser).values())
    gpu = models.machine.gpu_memory()
    here = f"{amount(models.machine.memory())} of memory{f', its GPU {amount(gpu)}' if gpu else ''}"
    run.note(f"{family.title}, {amount(size)} of weights{f' as {asked}' if asked else ''}; this machine has {here}.")
    files = {path.relative_to(found.folder).as_posix(): run.digest(path) for path in checkpoint.files}
    files |= {f"denoiser/{Path(path).name}": run.digest(Path(path)) for path in denoiser}
    if len(lora_weights) > len(lora):
        raise NodeError(too_many(lora_weights, lora))
    weights = [*lora_weights, *[1.0] * (len(lora) - len(lora_weights))]
    settings = {
        "folder": str(found.folder),
        "dtype": asked,
        "variant": variant or None,
        "revision": found.revision,
        "lora": [list(one) for one in zip(lora, weights, strict=True)],
        "adapter": beside,
        "denoiser": list(denoiser),
        "memory": memory,
    }
    return Model(family.name, found.name, files, settings)


@node(title="Encode text", category="Generation", lane="gpu", rule=encode_rule)
def encode_text(model: Model, prompt: Prompt, *, run: Run) -> Conditioning:
    """What the model's text encoder makes of a prompt.

    It is kept, so a prompt is encoded once for any number of seeds.
    """
    family = models.families.family(model.family)
    if not family.prompted:
        raise NodeError(f"{family.title} takes no prompt; leave encode_text out.")
    found = models.sampling.encode_text(model, prompt.text, prompt.negative, run.device, run.step)
    if words := found.meta.get("unknown"):
        more = f" and {len(words) - 5} more" if len(words) > 5 else ""
        run.note(f"{Path(model.name).name} does not know {', '.join(words[:5])}{more}; it goes by the other words.")
    return found


@node(title="Sample", category="Generation", lane="gpu", rule=sample_rule)
def sample(
    model: Model,
    conditioning: Conditioning | None = None,
    image: Image | None = None,
    video: Video | None = None,
    latents: Latents | None = None,
    *,
    width: Pixels = None,
    height: Pixels = None,
    frames: Annotated[int | None, Number(1, 1025)] = None,
    steps: Annotated[int | None, Number(1, 1000)] = None,
    guidance: Annotated[float | None, Number(0, 50, step=0.5)] = None,
    seed: Annotated[int, Seed()] = 0,
    strength: Annotated[float | None, Number(0, 1, step=0.05)] = None,
    scheduler: str | None = None,
    motion_bucket_id: Annotated[int | None, Number(0, 255)] = None,
    noise_aug_strength: Annotated[float | None, Number(0, 10, step=0.01)] = None,
    true_cfg: Annotated[float | None, Number(1, 50, step=0.5)] = None,
    guidance_2: Annotated[float | None, Number(0, 50, step=0.5)] = None,
    attention: Attention | None = None,
    cache: Cache | None = None,
    cache_threshold: Annotated[float | None, Number(0, 1, step=0.01)] = None,
    compiled: bool = False,
    run: Run,
) -> Latents:
    """Make latents of a video out of noise, from a prompt alone, a first image, a video, or latents.

    With a `video` or `latents` (of encode_video, or of another sample for a second pass), `strength` says how much is
    made anew. What is empty is the model's own: size, frames, steps, guidance, scheduler. An image or a video is fitted
    to the size by cutting off what stands out. The noise of a `seed` is the same on every device. Only some families
    use the settings from `motion_bucket_id` on: Stable Video Diffusion the first two, HunyuanVideo `true_cfg`, Wan 2.2
    `guidance_2` for its second transformer.

    The last four make it faster and the result a little different: `attention` computes it another way (flash, sage and
    xformers need a package), `cache` has a step take from earlier ones what changed little (first_block the more, the
    higher its `cache_threshold`), `compiled` compiles the model's blocks, which takes a minute the first time.
    """
    given = locals()
    family = models.families.family(model.family)
    linked = frozenset(name for name in ("conditioning", "image", "video", "latents") if given[name] is not None)
    request = request_of(given, linked)
    checkpoint = models.checkpoint.read_checkpoint(Path(model.settings["folder"]), model.settings.get("variant"))
    checkpoint = family.adapted(checkpoint, model.settings.get("adapter") or "")
    for one in family.unused(checkpoint, request):
        run.note(one.message)
    if latents is not None:
        _same_family(latents, family)
        request = replace(request, **{name: latents.meta[name] for name in ("width", "height", "frames")})
    for one in family.wrong(checkpoint, request):
        raise NodeError(f"{one.message} {one.hint}".strip())
    request = family.completed(checkpoint, request)
    start = latents or _start(video if video is not None else image, request)
    return run.piece(_sampled, model, conditioning, request, start, seed, run)


def _sampled(
    model: Model,
    conditioning: Conditioning | None,
    request: models.family.Request,
    start: list[Any] | Latents,
    seed: int,
    run: Run,
) -> Latents:
    """The sampler's work on its lane, with a picture of each step where somebody watches."""
    preview = models.sampling.preview_factors(model, run.device, run.step) if run.watched else None
    return models.sampling.sample(model, conditioning, request, start, seed, run.device, run.step, preview)


@node(title="Encode video", category="Generation", lane="gpu", version=2, rule=encode_video_rule)
def encode_video(model: Model, video: Video, *, run: Run) -> Latents:
    """The latents that a model's VAE makes of a video; the same video gives the same latents.

    As many frames are taken as the model's rule for their number allows.
    """
    eight_bit = video.map(lambda frame: frame, takes="uint8")
    frames = [frame for block in eight_bit.read() for frame in block]
    return run.piece(models.sampling.encode_video, model, frames, run.device, run.step)


@node(title="Decode latents", category="Generation", lane="gpu", dear=True, rule=decode_rule)
def decode_latents(
    model: Model,
    latents: Latents,
    *,
    rate: Annotated[str | None, Rate()] = None,
    chunk: Annotated[int | None, Number(1, 1024)] = None,
    run: Run,
) -> Video:
    """The video that latents stand for, through the model's VAE, at the model's own rate unless another is said.

    `chunk` is how many frames are decoded at once where the model allows to choose: fewer take less memory.
    """
    meta = latents.meta
    family = models.families.family(model.family)
    _same_family(latents, family)
    info = VideoInfo(meta["width"], meta["height"], Fraction(rate or meta["rate"]), meta["frames"], "float32")
    return Video.from_source(info, lambda: _Decoding(model, latents, chunk, run))


def _same_family(latents: Latents, family: models.family.Family) -> None:
    made = latents.meta.get("family")
    if made != family.name:
        raise NodeError(f"These latents were made by {models.families.title(made)}, but the model is {family.title}.")


class _Decoding:
    """A cursor into latents: decodes forward, and from the start again for what lies behind."""

    def __init__(self, model: Model, latents: Latents, chunk: int | None, run: Run) -> None:
        self._given = model, latents, chunk
        self._run = run
        self._runs: Iterator[Any] = iter(())
        self._at = self._end = 0
        self._block: Any = None

    def read(self, start: int, stop: int) -> Frames:
        """Frames `start` to `stop`, float32."""
        if self._block is None or start < self._at:
            self._begin()
        return Frames([self._frame(number) for number in range(start, stop)])

    def close(self) -> None:
        """Let go of what is decoded."""
        self._runs, self._block = iter(()), None

    def _begin(self) -> None:
        model, latents, chunk = self._given
        self._runs = models.sampling.decode(model, latents, self._run.device, self._run.step, chunk, self._run.note)
        self._at = self._end = 0

    def _frame(self, number: int) -> Any:
        while number >= self._end:
            try:
                self._block = next(self._runs)
            except StopIteration:
                raise NodeError(f"the latents gave {self._end} frames, expected more than {number}.") from None
            self._at, self._end = self._end, self._end + len(self._block)
        return self._block[number - self._at]


def _start(source: Video | None, request: models.family.Request) -> list[Any]:
    """The pictures to start from, uint8, of the size that is asked for."""
    if source is None:
        return []
    info = source.info
    assert request.width
    assert request.height
    make = fitted(info.width, info.height, request.width, request.height, "cover", "bicubic")
    fits = (info.width, info.height) == (request.width, request.height)
    video = source if fits else source.map(make, width=request.width, height=request.height)
    count = 1 if isinstance(source, Image) else info.frames
    return [frame for run in video.map(lambda frame: frame, takes="uint8").read(0, count) for frame in run]
