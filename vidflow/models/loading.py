"""From a `Model` to loaded parts, and where they lie while they work.

Weights are safetensors or GGUF only, and no code is run but that of diffusers and transformers.
"""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

# Nothing is fetched and nobody's code is run while a graph runs, whatever a checkpoint asks for.
os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# What they would advise is meant for who calls them.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

import torch

from vidflow.errors import ModelError
from vidflow.models.checkpoint import GGUF, Checkpoint, Component, read_checkpoint
from vidflow.models.families import family
from vidflow.models.family import Family
from vidflow.models.lora import Change, changes, put_in
from vidflow.models.residency import RESIDENT, out_of_memory
from vidflow.models.weights import MissingWeights, Told, diffusers_model, transformers_model
from vidflow.values import Model

Step = Callable[[int, int], None]
"""Called with the megabytes that are loaded so far and those of all parts; may raise to stop."""
Manner = Literal["whole", "offload", "group"]
"""How a part is on the device: all of it; while it works; each of its layers while that works. Otherwise it is in the
machine's memory."""
_FILLED = 0.8
"""Of the room on a device: what weights may take beside what work with them takes."""
_STORED = torch.float8_e4m3fn
"""In which a denoiser's numbers are stored where little memory is asked for."""


@contextmanager
def loaded(
    model: Model, names: Iterable[str], device: str, step: Step = lambda k, n: None, manner: Manner = "whole"
) -> Iterator[dict[str, Any]]:
    """The parts `names` of `model`, those that it has, in memory while the block lasts: on `device`, or where `manner`
    says so in the machine's, from where the caller brings them (see `offloaded`).

    Raises ModelError for a checkpoint that cannot be loaded.
    """
    found, place = family(model.family), torch.device(device)
    home = place if manner == "whole" else torch.device("cpu")
    chosen = _chosen(model, names)
    wanted: dict[str, Any] = {}
    sizes = {one.name: _nbytes(model, one, place) for one in chosen}
    done = 0

    def told(nbytes: int) -> None:
        nonlocal done
        done += nbytes
        step(done // 2**20, max(done, sum(sizes.values())) // 2**20)

    for one in chosen:
        dtype = dtype_of(model, one, place)
        loras = changes(found, one.name, model.settings)
        denoiser = one.name in found.denoisers
        adapter = model.settings.get("adapter") if denoiser else None
        small = denoiser and model.settings.get("memory") == "low"
        key = (str(one.folder), one.kind, one.variant, str(dtype), str(home), _marks(one), adapter, loras, small)

        def load(one: Component = one, dtype: torch.dtype = dtype, loras: tuple[Change, ...] = loras) -> Any:
            told(0)
            return _load(one, dtype, home, found, loras, model, told)

        wanted[one.name] = key, sizes[one.name], load
    # Whoever asks for little memory does not want a part to stay where it is dear.
    thrifty = model.settings.get("memory") in ("offload", "low")
    with RESIDENT.held(wanted, home, leave=thrifty and home == place) as parts:
        yield parts


def manners(model: Model, names: Iterable[str], device: str) -> tuple[Manner, ...]:
    """In which manners parts may be on `device`, by the model's `memory`: for `auto` from the first that there is room
    for. Where the device is the machine itself, there is one."""
    place, asked = torch.device(device), model.settings.get("memory")
    if place.type == "cpu":
        return ("whole",)
    if asked in ("gpu", "offload", "low"):
        return ({"gpu": "whole", "offload": "offload", "low": "group"}[asked],)  # pyright: ignore[reportReturnType]
    sizes = [_nbytes(model, one, place) for one in _chosen(model, names)]
    room = RESIDENT.room(place) * _FILLED
    if sum(sizes) < room:
        return ("whole", "offload", "group")
    return ("offload", "group") if max(sizes) < room else ("group",)


@contextmanager
def offloaded(pipe: Any, device: torch.device, manner: Manner) -> Iterator[None]:
    """While the block lasts, the parts of a pipeline come to the device when they work. They are its own (see `twin`)
    and go back to the machine's memory."""
    if manner == "whole":
        yield
        return
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    before = [(tensor, tensor.data) for part in parts for tensor in (*part.parameters(), *part.buffers())]
    try:
        if manner == "offload":
            pipe.enable_model_cpu_offload(device=device)
        else:
            # Some pipelines cast their VAE, which what is streamed would undo.
            stream = device.type == "cuda"
            pipe.enable_group_offload(device, offload_type="leaf_level", use_stream=stream, exclude_modules=["vae"])
        yield
    finally:
        pipe.remove_all_hooks()
        # Nothing has changed them, so what was there is put back, even where an error struck amid a move.
        for tensor, data in before:
            tensor.data = data


def twin(part: torch.nn.Module) -> Any:
    """A copy of a part that shares its weights: what is hooked into it or set on its modules is nobody else's. Hooks of
    8-bit storage, which have no state, go on working on the part itself."""
    shared = {id(tensor): tensor for tensor in (*part.parameters(), *part.buffers())}
    return copy.deepcopy(part, shared)


def _chosen(model: Model, names: Iterable[str]) -> list[Component]:
    """The parts that are called so, with the files of weights that take the place of a denoiser's own."""
    components = checkpoint_of(model).components
    others = dict(zip(family(model.family).denoisers, model.settings.get("denoiser") or (), strict=False))
    chosen = [components[name] for name in names if name in components]
    return [
        replace(one, weights=(Path(others[one.name]),), single=True) if one.name in others else one for one in chosen
    ]


def _nbytes(model: Model, component: Component, device: torch.device) -> int:
    """Bytes of a part in memory."""
    dtype = dtype_of(model, component, device)
    size = component.nbytes(str(dtype).removeprefix("torch."))
    small = model.settings.get("memory") == "low" and component.name in family(model.family).denoisers
    small = small and component.weights[0].suffix != GGUF
    return size // dtype.itemsize if small else size


def _marks(component: Component) -> tuple[tuple[str, int, int], ...]:
    """Its files of weights and when they were written: what is replaced on disk is loaded anew."""
    found = ((path, path.stat()) for path in component.weights)
    return tuple((str(path), status.st_size, status.st_mtime_ns) for path, status in found)


def checkpoint_of(model: Model) -> Checkpoint:
    """What lies in the folder of a model. Raises ModelError."""
    checkpoint = read_checkpoint(Path(model.settings["folder"]), model.settings.get("variant"))
    return family(model.family).adapted(checkpoint, model.settings.get("adapter") or "")


def dtype_of(model: Model, component: Component, device: torch.device) -> torch.dtype:
    """The dtype of a part: what was asked for, else as it is stored; on a CPU float16 becomes float32."""
    asked = model.settings.get("dtype")
    stored = "bfloat16" if component.weights and component.weights[0].suffix == GGUF else component.dtype
    dtype = getattr(torch, asked or stored or "float32")
    return torch.float32 if dtype is torch.float16 and device.type == "cpu" else dtype


def _load(
    component: Component,
    dtype: torch.dtype,
    device: torch.device,
    found: Family,
    loras: tuple[Change, ...],
    model: Model,
    told: Told,
) -> Any:
    library = importlib.import_module(component.library)
    kind = getattr(library, component.kind, None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise ModelError(f"{component.library} has no {component.kind}; a newer version may.")
    source = component.weights[0] if component.single else component.folder
    if component.single and source.suffix not in (".safetensors", GGUF):
        raise ModelError(f"{source} is neither a safetensors nor a GGUF file; others can run code and are not opened.")
    options: dict[str, Any] = {"local_files_only": True}
    try:
        with quietly(library):
            if not component.weights:
                part = kind.from_pretrained(str(component.folder), **options)
            elif component.single:
                if source.suffix == GGUF:
                    options["quantization_config"] = library.GGUFQuantizationConfig(compute_dtype=dtype)
                part = kind.from_single_file(str(source), config=str(component.folder), dtype=dtype, **options)
            elif component.library == "diffusers":
                part = diffusers_model(kind, component, dtype, device, told)
            else:
                part = transformers_model(kind, component, dtype, told)
    except MissingWeights as error:
        raise ModelError(
            f"{source} lacks {len(error.names)} of its weights, {error.names[0]} first; fetch it again."
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError) as error:
        if out_of_memory(error):
            raise
        if "meta tensor" in str(error):
            raise ModelError(f"{source} lacks some of the weights of a {component.kind}; fetch it again.") from error
        reason = " ".join(str(error).split()).split(". ")[0][:200].rstrip(".")
        raise ModelError(f"{source} cannot be loaded as a {component.kind}: {reason}.") from error
    if component.weights:
        part = found.prepared(component.name, part, model.settings)
        part.to(device)
        if loras:
            put_in(found, component.name, part, loras)
        if component.name in found.denoisers and model.settings.get("memory") == "low":
            if component.weights[0].suffix != GGUF:
                part.enable_layerwise_casting(storage_dtype=_STORED, compute_dtype=dtype)
            if found.chunks:
                part.enable_forward_chunking()
        # Its parameters keep `requires_grad`, as in a plain pipeline: torch takes other kernels without it, which
        # differ in the last bit, and in inference mode no gradients are kept either way.
        part.eval()
    return part


@contextmanager
def quietly(library: Any) -> Iterator[None]:
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
