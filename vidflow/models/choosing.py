"""Which files of a repository on the hub a checkpoint needs: one set of weights, as safetensors, and no code."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from vidflow.errors import ModelError
from vidflow.models.hubcache import HubFile

_VARIANTS = ("fp16", "bf16", "fp32", "fp8", "ema", "non_ema")
"""Names of variants that are in use; another is known only where it is asked for."""
_TEXT = {".json", ".txt", ".model", ".jinja"}
_PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5"}
_OTHER_FORMATS = {"onnx", "openvino", "coreml", "flax", "original"}
"""Folders that hold the same weights for another program."""
_CARD = re.compile(r"(readme|licen[cs]e|notice|use_policy)([-_.].*)?", re.IGNORECASE)


def choose(
    name: str, files: Sequence[HubFile], variant: str | None, parts: Collection[str] | None
) -> tuple[HubFile, ...]:
    """The files to fetch of `name`, in the order of their paths.

    `parts` are the folders that its model_index.json names; where it has one, weights elsewhere are another program's.
    Weights are those of `variant` where a folder has it, else the plain ones, else the only ones. Raises ModelError
    where there are none as safetensors, or none of the variant.
    """
    text: list[HubFile] = []
    pickled: set[str] = set()
    weights: dict[str, dict[str, list[HubFile]]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        folder = str(path.parent)
        if _OTHER_FORMATS.intersection(path.parts[:-1]) or any(part.startswith(".") for part in path.parts):
            continue
        if parts is not None and folder != "." and path.parts[0] not in parts:
            continue
        kind = _variant(path.name, variant)
        if kind is not None:
            if parts is None or folder != ".":
                weights.setdefault(folder, {}).setdefault(kind, []).append(file)
        elif (path.suffix in _TEXT and not path.name.endswith((".bin.index.json", ".onnx.json"))) or _CARD.fullmatch(
            path.name
        ):
            text.append(file)
        elif path.suffix in _PICKLED:
            pickled.add(folder)
    held = {kind for kinds in weights.values() for kind in kinds if kind}
    if parts is not None and (left := sorted(pickled - weights.keys() - {"."})):
        raise ModelError(
            f"{name} has its part {left[0]} as pickled weights only, which can run code; vidflow reads safetensors."
            " Look for a converted copy of it on the hub."
        )
    if not weights:
        why = "only pickled weights, which can run code" if pickled else "no weights"
        raise ModelError(f"{name} has {why}; vidflow reads safetensors. Look for a converted copy of it on the hub.")
    if variant and variant not in held:
        others = f"it has {', '.join(sorted(held))}" if held else "it has only the plain files"
        raise ModelError(f"{name} has no files of the variant {variant!r}: {others}. Leave --variant out, or name one.")
    chosen = [file for folder, kinds in weights.items() for file in kinds[_wanted(name, folder, kinds, variant)]]
    return tuple(sorted((*text, *chosen), key=lambda file: file.path))


def _variant(name: str, asked: str | None) -> str | None:
    """The variant of a weights file or of an index of them, empty for a plain one; None for any other file."""
    match = re.fullmatch(r"(.+)\.safetensors(?:\.index(?:\.(\w+))?\.json)?", name)
    if match is None:
        return None
    stem, index = match[1], match[2]
    known = {*_VARIANTS, *((asked,) if asked else ())}
    # Shards are called stem.fp16-00001-of-00002, and by older versions stem-00001-of-00002.fp16.
    for word in (index, stem.rpartition(".")[2], re.sub(r"-\d+-of-\d+$", "", stem).rpartition(".")[2]):
        if word in known:
            return word
    return ""


def _wanted(name: str, folder: str, kinds: Collection[str], variant: str | None) -> str:
    for kind in (variant, ""):
        if kind is not None and kind in kinds:
            return kind
    if len(kinds) > 1:
        place = name if folder == "." else f"{name}'s {folder}"
        raise ModelError(f"{place} comes in the variants {', '.join(sorted(kinds))}; choose one with --variant.")
    return next(iter(kinds))
