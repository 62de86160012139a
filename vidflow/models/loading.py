"""From a `Model` to loaded parts: safetensors only, no code but that of diffusers and transformers."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Nothing is fetched and nobody's code is run while a graph runs, whatever a checkpoint asks for.
os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch

from vidflow.errors import ModelError
from vidflow.models.checkpoint import Checkpoint, Component, read_checkpoint
from vidflow.models.families import family
from vidflow.models.family import Family
from vidflow.models.lora import Change, changes, put_in
from vidflow.models.residency import RESIDENT, out_of_memory
from vidflow.values import Model

Step = Callable[[int, int], None]
"""Called before part k of n is loaded; may raise to stop."""


@contextmanager
def loaded(model: Model, names: Iterable[str], device: str, step: Step = lambda k, n: None) -> Iterator[dict[str, Any]]:
    """The parts `names` of `model`, those that it has, ready on `device` while the block lasts.

    Raises ModelError for a checkpoint that cannot be loaded.
    """
    checkpoint = checkpoint_of(model)
    place = torch.device(device)
    found = family(model.family)
    chosen = [checkpoint.components[name] for name in names if name in checkpoint.components]
    wanted: dict[str, Any] = {}
    for number, one in enumerate(chosen):
        dtype = dtype_of(model, one, place)
        loras = changes(found, one.name, model.settings)
        adapter = model.settings.get("adapter") if one.name in found.denoisers else None
        key = (str(one.folder), one.kind, one.variant, str(dtype), str(place), _marks(one), adapter, loras)

        def load(
            one: Component = one, dtype: torch.dtype = dtype, number: int = number, loras: tuple[Change, ...] = loras
        ) -> Any:
            step(number, len(chosen))
            return _load(one, dtype, place, found, loras, model)

        wanted[one.name] = key, one.nbytes(str(dtype).removeprefix("torch.")), load
    with RESIDENT.held(wanted, place) as parts:
        yield parts


def _marks(component: Component) -> tuple[tuple[str, int, int], ...]:
    """Its files of weights and when they were written: what is replaced on disk is loaded anew."""
    found = ((path, path.stat()) for path in component.weights)
    return tuple((str(path), status.st_size, status.st_mtime_ns) for path, status in found)


def checkpoint_of(model: Model) -> Checkpoint:
    """What lies in the folder of a model. Raises ModelError."""
    return read_checkpoint(Path(model.settings["folder"]), model.settings.get("variant"))


def dtype_of(model: Model, component: Component, device: torch.device) -> torch.dtype:
    """The dtype of a part: what was asked for, else as it is stored; on a CPU float16 becomes float32."""
    asked = model.settings.get("dtype")
    dtype = getattr(torch, asked or component.dtype or "float32")
    return torch.float32 if dtype is torch.float16 and device.type == "cpu" else dtype


def _load(
    component: Component,
    dtype: torch.dtype,
    device: torch.device,
    found: Family,
    loras: tuple[Change, ...],
    model: Model,
) -> Any:
    library = importlib.import_module(component.library)
    kind = getattr(library, component.kind, None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise ModelError(f"{component.library} has no {component.kind}; a newer version may.")
    options: dict[str, Any] = {"local_files_only": True}
    if component.weights:
        options |= {"use_safetensors": True, "dtype": dtype, "variant": component.variant, "low_cpu_mem_usage": True}
    try:
        with _quietly(library):
            if component.library == "diffusers" and component.weights:
                part, told = kind.from_pretrained(str(component.folder), output_loading_info=True, **options)
                missing = sorted(told["missing_keys"])
            else:
                part, missing = kind.from_pretrained(str(component.folder), **options), []
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError) as error:
        if out_of_memory(error):
            raise
        reason = " ".join(str(error).split()).split(". ")[0][:200].rstrip(".")
        raise ModelError(f"{component.folder} cannot be loaded as a {component.kind}: {reason}.") from error
    if missing:
        # diffusers would fill them with noise and go on.
        raise ModelError(f"{component.folder} lacks {len(missing)} of its weights, {missing[0]} first; fetch it again.")
    if component.weights:
        part = found.prepared(component.name, part, model.settings)
        part.to(device)
        if loras:
            put_in(found, component.name, part, loras)
        # Its parameters keep `requires_grad`, as in a plain pipeline: torch takes other kernels without it, which
        # differ in the last bit, and in inference mode no gradients are kept either way.
        part.eval()
    return part


@contextmanager
def _quietly(library: Any) -> Iterator[None]:
    """Without bars and advice of the library's own while the block lasts."""
    log = importlib.import_module(f"{library.__name__}.utils.logging")
    level, barred = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if barred:
            log.enable_progress_bar()
