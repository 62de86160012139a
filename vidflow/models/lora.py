"""LoRAs (Hu et al. 2021): which parts of a model they change, and how they are put into a copy of such a part."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vidflow.errors import ModelError
from vidflow.models.checkpoint import Checkpoint, header
from vidflow.models.family import Family

Change = tuple[str, int, int, float]
"""A LoRA's path, its size and time of change, and its weight."""
_FIRST = {"transformer_2": "transformer"}
_AIMED = re.compile(r"(?:transformer|unet)\.(.+)\.lora_A(?:\.\w+)?\.weight")
"""A key in diffusers' layout."""
_TEXT = ("text_encoder", "lora_te")


def unfit(found: Family, checkpoint: Checkpoint, paths: Sequence[str]) -> Iterator[str]:
    """What keeps LoRAs from being put into a checkpoint, so far as their files' headers tell; without torch. One in
    another layout than diffusers' is known only when it is loaded."""
    inside = {name.rpartition(".")[0] for name in _weights(found, checkpoint)}
    for path in paths:
        if not found.loras:
            yield f"{found.title} takes no LoRA; take {Path(path).name} away."
        elif Path(path).suffix != ".safetensors":
            yield f"{path} is no safetensors file; a LoRA in another format can run code and is not opened."
        elif Path(path).is_file():
            try:
                keys = header(Path(path))
            except ModelError as error:
                yield str(error)
                continue
            if not any("lora" in key for key in keys):
                yield f"{path} holds no LoRA."
                continue
            aimed = {match[1] for key in keys if (match := _AIMED.fullmatch(key))}
            missing = sorted(aimed - inside)
            if inside and len(missing) * 2 > len(aimed):
                reason = f"it changes {missing[0]}, which is not there"
                yield f"{path} is no LoRA for this {found.title} checkpoint: {reason}."


def _weights(found: Family, checkpoint: Checkpoint) -> Iterator[str]:
    """The names of the weights of its denoisers."""
    for name in found.denoisers:
        if name in checkpoint.components:
            for path in checkpoint.components[name].weights:
                yield from header(path)


def changes(found: Family, name: str, settings: Mapping[str, Any]) -> tuple[Change, ...]:
    """The LoRAs of a model's settings (`lora`: a list of path and weight) that change its part `name`.

    Raises ModelError for one that is not there or no safetensors file.
    """
    text = name == "text_encoder" and "text_encoder" in _changed(found)
    if name not in found.denoisers and not text:
        return ()
    chosen: list[Change] = []
    for given, weight in settings.get("lora") or ():
        path = Path(given)
        if path.suffix != ".safetensors":
            raise ModelError(f"{path} is no safetensors file; a LoRA in another format can run code and is not opened.")
        if not path.is_file():
            raise ModelError(f"There is no LoRA {path}.")
        if not _changed(found):
            raise ModelError(f"{found.title} takes no LoRA; take {path.name} away.")
        if any(_of_text(key) == text for key in header(path)) or "text_encoder" not in _changed(found):
            status = path.stat()
            chosen.append((str(path), status.st_size, status.st_mtime_ns, float(weight)))
    return tuple(chosen)


def put_in(found: Family, name: str, part: Any, loras: Sequence[Change]) -> None:
    """Put LoRAs into a part that nobody else holds, as the family's pipeline does. Raises ModelError."""
    import diffusers
    from diffusers.loaders.lora_base import set_adapters_for_text_encoder

    kind = getattr(diffusers, next(iter(found.pipelines.values())))
    names = [f"lora_{number}" for number in range(len(loras))]
    for (path, *_), adapter in zip(loras, names, strict=True):
        try:
            reason = _foreign(kind, part, name, path)
            if not reason:
                with warnings.catch_warnings():
                    # Several adapters in one part are what is meant here.
                    warnings.filterwarnings("ignore", "Already found a `peft_config` attribute")
                    _load(kind, part, name, path, adapter)
                reason = "" if adapter in getattr(part, "peft_config", {}) else "none of it fits"
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError) as error:
            reason = " ".join(str(error).split()).split(". ")[0][:200].rstrip(".")
        if reason:
            raise ModelError(f"{path} is no LoRA for this {found.title} checkpoint: {reason}.")
    weights = [weight for *_, weight in loras]
    if name == "text_encoder":
        set_adapters_for_text_encoder(names, part, weights)
    else:
        part.set_adapters(names, weights)


def _changed(found: Family) -> Sequence[str]:
    """The parts that the family's pipeline puts LoRAs into."""
    import diffusers

    pipelines = [getattr(diffusers, kind) for kind in found.pipelines.values()]
    return getattr(pipelines[0], "_lora_loadable_modules", ()) if pipelines else ()


def _of_text(key: str) -> bool:
    return key.startswith(_TEXT)


def _file(path: str) -> tuple[str, dict[str, Any]]:
    """A LoRA's file as diffusers takes it. Read there and not here, since what it says of itself (alpha and rank, in
    its header) counts as well."""
    return str(Path(path).parent), {"weight_name": Path(path).name, "use_safetensors": True}


def _foreign(kind: Any, part: Any, name: str, path: str) -> str:
    """What shows that most of a LoRA is meant for another model; diffusers would go on without a word of error."""
    folder, how = _file(path)
    converted = kind.lora_state_dict(folder, **how)
    converted = converted[0] if isinstance(converted, tuple) else converted
    prefix = f"{_FIRST.get(name, name)}."
    own = [key for key in converted if ".lora_A." in key and _of_text(key) == (name == "text_encoder")]
    aimed = {key.split(".lora_A.")[0].removeprefix(prefix) for key in own}
    missing = sorted(aimed - {one for one, _ in part.named_modules()})
    return f"it changes {missing[0]}, which is not there" if len(missing) * 2 > len(aimed) else ""


def _load(kind: Any, part: Any, name: str, path: str, adapter: str) -> None:
    folder, how = _file(path)
    if name in ("unet", "text_encoder"):
        state, alphas, said = kind.lora_state_dict(folder, return_lora_metadata=True, **how)
        load = getattr(kind, f"load_lora_into_{name}")
        load(state, network_alphas=alphas, adapter_name=adapter, metadata=said, **{name: part})
        return
    # The loaders are methods of a pipeline, which look at this part of it alone; a second transformer is as the first.
    place = _FIRST.get(name, name)
    takes = [one for one in inspect.signature(kind.__init__).parameters if one != "self"]
    pipe = kind(**{one: part if one == place else None for one in takes})
    pipe.load_lora_weights(folder, adapter_name=adapter, **how)
