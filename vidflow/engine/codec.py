"""The store form of values: JSON, and safetensors for arrays. Never pickle, so a store may come from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from importlib import import_module
from typing import Any, cast

from vidflow.errors import StoreError
from vidflow.values import AudioInfo, Conditioning, Latents, Model, Prompt, Report, VideoInfo

PLAIN = (int, float, bool, str)


def encode(value: Any) -> tuple[str, bytes]:
    """The kind of a value and its bytes. Raises StoreError for what has no store form."""
    if _is_plain(value):
        return "plain", json.dumps(value).encode()
    if isinstance(value, Report):
        return "report", json.dumps({**value}, ensure_ascii=False).encode()
    if isinstance(value, Prompt):
        return "prompt", json.dumps([value.text, value.negative], ensure_ascii=False).encode()
    if isinstance(value, Model):
        return "model", json.dumps([value.family, value.name, dict(value.files), dict(value.settings)]).encode()
    if isinstance(value, Latents):
        return "latents", _tensors({"tensor": value.tensor}, value.meta)
    if isinstance(value, Conditioning):
        return "conditioning", _tensors(value.tensors, value.meta)
    raise StoreError(
        f"a {type(value).__name__} cannot be kept; numbers, texts, lists of them, Report, Prompt, Model, "
        "Conditioning and Latents can."
    )


def decode(kind: str, data: bytes) -> Any:
    """The value of `encode`. Raises StoreError where the bytes are damaged."""
    try:
        if kind in ("latents", "conditioning"):
            size = int.from_bytes(data[:8], "little")
            notes = json.loads(data[8 : 8 + size])["__metadata__"]
            if notes["library"] == "torch":
                tensors: dict[str, Any] = _torch_form().load(data)
            else:
                from safetensors.numpy import load

                tensors = {**load(data)}
            meta = json.loads(notes["meta"])
            return Latents(tensors["tensor"], meta) if kind == "latents" else Conditioning(tensors, meta)
        parsed = json.loads(data)
    except (ValueError, KeyError) as error:
        raise StoreError(f"a kept {kind} is damaged: {error}") from error
    match kind:
        case "report":
            return Report(parsed)
        case "prompt":
            return Prompt(*parsed)
        case "model":
            return Model(*parsed)
        case _:
            return parsed


def _tensors(tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> bytes:
    torch = any(hasattr(tensor, "detach") for tensor in tensors.values())
    notes = {"meta": json.dumps(dict(meta)), "library": "torch" if torch else "numpy"}
    if torch:
        return _torch_form().save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, notes)
    from safetensors.numpy import save

    return save(dict(tensors), notes)


def _torch_form() -> Any:
    """The form for torch tensors; importing it imports torch."""
    return import_module("safetensors.torch")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(one, PLAIN) for one in cast("list[Any]", value))
    return value is None or isinstance(value, PLAIN)


def encode_info(info: VideoInfo) -> bytes:
    """A video's description as JSON."""
    sound = info.audio
    fields = [info.width, info.height, str(info.rate), info.frames, info.dtype]
    return json.dumps([*fields, [sound.rate, sound.channels, sound.samples, sound.layout] if sound else None]).encode()


def decode_info(data: bytes) -> VideoInfo:
    """The description of `encode_info`."""
    width, height, rate, frames, dtype, sound = json.loads(data)
    return VideoInfo(width, height, Fraction(rate), frames, dtype, AudioInfo(*sound) if sound else None)
