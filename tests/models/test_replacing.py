"""Denoisers in files of their own: what their headers tell of the model that they are from, without loading them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.models.cases import model_of, named
from vidflow.errors import ModelError
from vidflow.models import replacing
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family_of
from vidflow.models.loading import loaded

pytestmark = pytest.mark.usefixtures("one_thread", "empty")

ORIGINAL = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "attn2": "cross_attn",
    "attn1": "self_attn",
    ".to_out.0.": ".o.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    "norm2": "norm3",
    "proj_out": "head.head",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
}
"""What diffusers calls Wan's tensors, and what its authors do."""


def weights(folder: Path, part: str = "transformer") -> dict[str, Any]:
    """The tensors of a part."""
    return load_file(next((folder / part).glob("*.safetensors")))


def original(state: dict[str, Any]) -> dict[str, Any]:
    """Wan's tensors as its authors call them."""
    found: dict[str, Any] = {}
    for name, tensor in state.items():
        new = "head.modulation" if name == "scale_shift_table" else name.replace("scale_shift_table", "modulation")
        for ours, theirs in ORIGINAL.items():
            new = new.replace(ours, theirs)
        found[new] = tensor.contiguous()
    return found


def gguf(to: Path, state: dict[str, Any], **values: Any) -> Path:
    """Tensors as GGUF, in 32 bits."""
    from gguf import GGUFWriter

    writer = GGUFWriter(to, "wan")
    writer.add_array("words", ["a", "b", "c"])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_string("about", "film")
    writer.add_bool("tiny", True)
    for name, value in values.items():
        writer.add_array(name, value)
    for name, tensor in state.items():
        writer.add_tensor(name, np.ascontiguousarray(tensor.float().numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to


def said(folder: Path, *files: Path) -> list[str]:
    """What keeps files from taking the place of a checkpoint's denoisers."""
    read = read_checkpoint(folder)
    return [one.message for one in replacing.unfit(family_of(read), read, [str(file) for file in files])]


@pytest.mark.parametrize("other", ["ltx", "mochi", "hunyuan", "wan_image"])
@pytest.mark.parametrize("kind", ["safetensors", "gguf"])
def test_a_denoiser_of_another_model_is_known_by_its_header(
    other: str, kind: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    path, state = tmp_path / f"other.{kind}", weights(checkpoint(other))
    save_file(state, path) if kind == "safetensors" else gguf(path, state)
    (message,) = said(checkpoint("wan"), path)
    assert message.startswith(f"{path} is no transformer for this Wan checkpoint: ")
    if other == "wan_image":
        assert message.endswith("patch_embedding.weight is 24 x 36 x 1 x 2 x 2 there and 24 x 16 x 1 x 2 x 2 here.")


def test_a_denoiser_of_another_size_in_its_authors_layout_is_known(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint("wan")
    state = original(weights(folder))
    wide = {name: torch.zeros([2 * side for side in tensor.shape]) for name, tensor in state.items()}
    short = {name: tensor for name, tensor in state.items() if "self_attn" not in name}
    beside = {name if "attn" in name else f"model.diffusion_model.{name}": tensor for name, tensor in state.items()}
    for number, wrong in enumerate((wide, short, {}, beside)):
        save_file(wrong, tmp_path / f"{number}.safetensors")
        (message,) = said(folder, tmp_path / f"{number}.safetensors")
        assert "is no transformer for this Wan checkpoint" in message
    assert "it holds 0% of its weights" in said(folder, tmp_path / "2.safetensors")[0]


def test_a_denoiser_in_its_authors_layout_is_taken_and_loads(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("wan")
    state = weights(folder)
    theirs = original(state)
    assert len(theirs.keys() & state.keys()) == 2  # the layouts differ in all but the patch embedding's names
    prefixed = {f"model.diffusion_model.{name}": tensor for name, tensor in theirs.items()}
    for name, one in (("plain", theirs), ("prefixed", prefixed | {"vae.encoder.conv.weight": torch.zeros(7, 7)})):
        path = tmp_path / f"{name}.safetensors"
        save_file(one, path)
        assert said(folder, path) == []
    model = model_of(named("wan-text"), folder, checkpoint, denoiser=[str(tmp_path / "plain.safetensors")])
    with loaded(model, ("transformer",), "cpu") as parts:
        assert torch.equal(parts["transformer"].state_dict()["proj_out.weight"], state["proj_out.weight"])
    assert said(folder, gguf(tmp_path / "wan.gguf", state)) == []
    assert replacing.gguf_shapes(tmp_path / "wan.gguf") == {name: tuple(one.shape) for name, one in state.items()}


def test_tensors_that_are_cut_when_they_are_converted_are_no_other_model(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint("hunyuan")
    state = weights(folder)
    for name in [name for name in state if ".to_q." in name]:
        others = [name.replace(".to_q.", f".{one}.") for one in ("to_q", "to_k", "to_v")]
        state[name.replace("attn.to_q", "qkv")] = torch.cat([state.pop(one) for one in others])
    save_file(state, tmp_path / "fused.safetensors")
    assert said(folder, tmp_path / "fused.safetensors") == []


def test_what_does_not_tell_the_shapes_of_its_weights_is_left_to_loading(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint("wan")
    state = weights(checkpoint("ltx"))
    packed = {name: torch.zeros(9, dtype=torch.uint8) for name in state}
    save_file(packed, tmp_path / "packed.safetensors")
    reshaped = gguf(tmp_path / "reshaped.gguf", state, **{"comfy.gguf.orig_shape.x": [1, 2]})
    old = tmp_path / "old.gguf"
    old.write_bytes(b"GGUF" + struct.pack("<I", 1) + bytes(40))
    for path in (tmp_path / "packed.safetensors", reshaped, old):
        assert said(folder, path) == []


def test_a_file_that_is_no_gguf_or_is_cut_short_is_said(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    whole = gguf(tmp_path / "whole.gguf", weights(checkpoint("wan"))).read_bytes()
    for harmed in (b"", b"none at all", whole[:100], whole[:2000], whole[: len(whole) // 2]):
        path = tmp_path / "harmed.gguf"
        path.write_bytes(harmed)
        assert said(checkpoint("wan"), path) == [f"{path} is no GGUF file, or it is cut short; fetch it again."]


@given(st.binary(max_size=200), st.sampled_from([0, 1, 2, 3]), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_no_header_of_gguf_harms(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, version: int, tensors: int, values: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", version, tensors % 1000, values % 5) + rest)
    try:
        found = replacing.gguf_shapes(path)
    except ModelError:
        return
    assert found is None or not found or len(rest) >= 24


def test_a_long_header_of_gguf_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long.gguf"
    for values in (
        struct.pack("<Q1sIIQ", 1, b"a", 9, 8, 2**40),  # a list of texts without end
        struct.pack("<Q1sIQ", 1, b"a", 8, 2**62),  # a text without end
        struct.pack("<Q1sIIQ", 1, b"a", 9, 9, 3),  # lists of lists
    ):
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + values + bytes(1000))
        assert replacing.gguf_shapes(path) is None
    lists = struct.pack("<Q1sIIQ", 1, b"a", 9, 8, 2**17) + bytes(8 * 2**17)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 10) + 10 * lists)  # many short ones
    assert replacing.gguf_shapes(path) is None
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0) + bytes(1000))
    assert replacing.gguf_shapes(path) is None


def test_a_unet_with_motion_modules_is_replaced_by_no_file(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "unet.safetensors"
    save_file(weights(checkpoint("stable_diffusion"), "unet"), path)
    assert said(checkpoint("stable_diffusion"), path) == []
    (message,) = said(checkpoint("animatediff"), path)
    assert message.endswith("has motion modules, so no file can take its place.")
