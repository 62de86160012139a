"""What is known of generating before a run: whether a model can do what is asked of it, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vidflow.api import Given, ModelError, Trouble, models

_EXTRA = ("motion_bucket_id", "noise_aug_strength", "true_cfg", "guidance_2")
"""Settings of `sample` that only some families have a use for."""

_STILLS = frozenset({"load_image", "pick_frame"})
_KEEPING = frozenset({"resize", "crop", "grade", "overlay_text"})
"""Types that give an image, and those that do so for an image."""


def _checkpoint(given: Given) -> models.checkpoint.Checkpoint:
    """The checkpoint that a load_model stands for. Raises ModelError."""
    values = given.values
    found = models.library.find(values["model"], values.get("revision") or None)
    return models.checkpoint.read_checkpoint(found.folder, values.get("variant") or None)


def _known(given: Given) -> tuple[models.family.Family, models.checkpoint.Checkpoint] | None:
    """The family and the checkpoint that an input `model` brings, where that is known and all right."""
    source = given.source("model")
    if source is None or source.type != "load_model" or "model" not in source.values:
        return None
    try:
        checkpoint = _checkpoint(source)
        family = models.families.family_of(checkpoint)
        return family, family.adapted(checkpoint, _adapter(source) or "")
    except ModelError:
        return None


def _adapter(given: Given) -> str | None:
    """The folder of the adapter of a load_model. Raises ModelError."""
    name = given.values.get("adapter")
    return str(models.library.find(name).folder) if name else None


def load_rule(given: Given) -> Iterator[Trouble]:
    if "model" not in given.values:
        return
    try:
        checkpoint = _checkpoint(given)
        family = models.families.family_of(checkpoint)
    except ModelError as error:
        yield Trouble(str(error), "model", code="missing-model")
        return
    if given.values.get("revision") and models.library.find(given.values["model"]).kind != "hub":
        said = "A revision counts only for a model of the hub, and this one is not."
        yield Trouble(said, "revision", "Leave it empty.", "note", "unused-setting")
    if given.values.get("adapter") and not family.adapts:
        said = f"{family.title} does not use an adapter."
        yield Trouble(said, "adapter", "Leave it empty.", "note", "unused-setting")
    elif "adapter" not in given.linked:
        try:
            wrong = family.incomplete(checkpoint, {**given.values, "adapter": _adapter(given)})
        except ModelError as error:
            yield Trouble(str(error), "adapter", code="missing-model")
        else:
            if wrong is not None:
                yield Trouble(wrong.message, wrong.input, wrong.hint)
    try:
        yield from _weights_rule(given, family, checkpoint)
    except ModelError as error:
        yield Trouble(str(error), "model", code="missing-model")


def _weights_rule(
    given: Given, family: models.family.Family, checkpoint: models.checkpoint.Checkpoint
) -> Iterator[Trouble]:
    """What the headers of the weights tell. Raises ModelError."""
    for wrong in models.replacing.unfit(family, checkpoint, given.values.get("denoiser", ())):
        yield Trouble(wrong.message, wrong.input, wrong.hint)
    loras = given.values.get("lora", ())
    for message in models.lora.unfit(family, checkpoint, loras):
        yield Trouble(message, "lora")
    if len(given.values.get("lora_weights", ())) > len(loras) and not {"lora", "lora_weights"} & given.linked:
        yield Trouble(too_many(given.values["lora_weights"], loras), "lora_weights", "Give one for each.")
    dtype, memory = given.values.get("dtype", "auto"), given.values.get("memory", "auto")
    sizes = sizes_of(family, checkpoint, dtype, memory, given.values.get("denoiser", ()))
    here, gpu = models.machine.memory(), models.machine.gpu_memory()
    total = sum(sizes.values())
    if total > here:
        message = f"Its weights take {amount(total)}, and this machine has {amount(here)} of memory."
        yield Trouble(message, "model", "Choose a smaller model, or the dtype bfloat16.", "note", "large-model")
    largest = max(sizes, key=lambda name: sizes[name], default="")
    if gpu is not None and memory in ("auto", "gpu", "offload") and sizes.get(largest, 0) > gpu:
        message = f"Its {largest} takes {amount(sizes[largest])}, and the GPU here has {amount(gpu)}."
        slower = "It comes there layer by layer, which is slower; memory 'low' halves it."
        yield Trouble(message, "model", slower if memory == "auto" else "Set memory to low.", "note", "large-model")


def too_many(weights: Sequence[float], loras: Sequence[str]) -> str:
    return f"There are {len(weights)} weights for {len(loras)} LoRAs."


def sizes_of(
    family: models.family.Family,
    checkpoint: models.checkpoint.Checkpoint,
    dtype: str,
    memory: str,
    denoisers: Sequence[str],
) -> dict[str, int]:
    """Bytes of a model's parts in memory."""
    sizes = {name: one.nbytes(None if dtype == "auto" else dtype) for name, one in checkpoint.components.items()}
    for name in family.denoisers if memory == "low" else ():
        if name in sizes:
            sizes[name] = checkpoint.components[name].nbytes("float16") // 2
    for name, path in zip(family.denoisers, denoisers, strict=False):
        if Path(path).is_file():
            sizes[name] = Path(path).stat().st_size
    return sizes


def amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def encode_rule(given: Given) -> Iterator[Trouble]:
    found = _known(given)
    if found and not found[0].prompted:
        yield Trouble(f"{found[0].title} takes no prompt, only an image.", "model", "Leave encode_text out.")


def sample_rule(given: Given) -> Iterator[Trouble]:
    found = _known(given)
    if not found:
        return
    family, checkpoint = found
    if not family.pipelines:
        yield Trouble(f"{family.title} makes no video.", "model", "Link a model that does.")
        return
    values = given.values
    words = given.source("conditioning")
    other = _known(words) if words is not None and words.type == "encode_text" else None
    if other and other[0].name != family.name:
        said = f"The prompt is encoded by {other[0].title}, but this model is {family.title}."
        yield Trouble(said, "conditioning", "Give encode_text the same model.")
    if _is_still(given.source("video")):
        takes = "image" in family.modes(checkpoint)
        hint = "Link it to image, and it moves from there." if takes else "Link a video."
        said = "An image is linked here, so what is made has one frame."
        yield Trouble(said, "video", hint, "note", "image-as-video")
    maker = given.source("latents")
    made = _known(maker) if maker is not None and maker.type in ("sample", "encode_video") else None
    if made and made[0].name != family.name:
        said = f"These latents are made by {made[0].title}, but this model is {family.title}."
        yield Trouble(said, "latents", "Give both the same model.")
    request = request_of(values, given.linked)
    # What is said beside latents does not count, so it cannot be wrong.
    asked = replace(request, width=None, height=None, frames=None) if request.latents else request
    for one in family.wrong(checkpoint, asked):
        yield Trouble(one.message, one.input, one.hint)
    for one in family.unused(checkpoint, request):
        yield Trouble(one.message, one.input, one.hint, "note", "unused-setting")
    if _has_negative(given) and not family.heeds_negative(checkpoint, request):
        hint = "Set true_cfg over 1." if "true_cfg" in family.extra else "Set guidance over 1."
        yield Trouble("The negative prompt does not count here.", "conditioning", hint, "note", "unused-negative")


def decode_rule(given: Given) -> Iterator[Trouble]:
    found, sampler = _known(given), given.source("latents")
    made = _known(sampler) if sampler is not None and sampler.type in ("sample", "encode_video") else None
    if found and made and found[0].name != made[0].name:
        said = f"These latents are made by {made[0].title}, but this model is {found[0].title}."
        yield Trouble(said, "latents", "Give both the same model.")


def encode_video_rule(given: Given) -> Iterator[Trouble]:
    found = _known(given)
    if found and "video" not in found[0].modes(found[1]):
        yield Trouble(f"This {found[0].title} checkpoint starts from no video.", "model", "Choose another model.")


def _is_still(source: Given | None) -> bool:
    """Whether a node gives an image, as far as the core pack's types tell."""
    while source is not None and source.type in _KEEPING:
        source = source.source("video")
    return source is not None and source.type in _STILLS


def _has_negative(given: Given) -> bool:
    """Whether the prompt behind a sampler says what not to show."""
    words = given.source("conditioning")
    prompt = words.source("prompt") if words is not None and words.type == "encode_text" else None
    return prompt is not None and bool(str(prompt.values.get("negative") or "").strip())


def request_of(values: Any, linked: frozenset[str]) -> models.family.Request:
    extra = {name: values[name] for name in _EXTRA if values.get(name) is not None}
    names = ("width", "height", "frames", "steps", "guidance", "strength", "attention", "cache", "cache_threshold")
    return models.family.Request(
        **{name: values.get(name) for name in names},
        scheduler=values.get("scheduler") or None,
        compiled=values.get("compiled", False),
        image="image" in linked,
        video="video" in linked,
        latents="latents" in linked,
        conditioning="conditioning" in linked,
        extra=extra,
    )
