"""What lies in a checkpoint's folder is known without torch, and what cannot be loaded is one sentence."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vidflow.errors import ModelError
from vidflow.models.checkpoint import files_of_model, header, network_file, read_checkpoint
from vidflow.models.families import add, families, family, family_of
from vidflow.models.family import Family, Request


def tensors(path: Path, kind: str = "F32", count: int = 6) -> None:
    """A safetensors file of one tensor."""
    size = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}[kind] * count
    head = json.dumps(
        {"__metadata__": {}, "one": {"dtype": kind, "shape": [2, count // 2], "data_offsets": [0, size]}}
    ).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(size))


def write(path: Path, value: Any) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Wan's files with next to nothing in them."""
    root = tmp_path / "model"
    write(
        root / "model_index.json",
        {
            "_class_name": "WanPipeline",
            "_diffusers_version": "0.42.0",
            "transformer": ["diffusers", "WanTransformer3DModel"],
            "vae": ["diffusers", "AutoencoderKLWan"],
            "tokenizer": ["transformers", "T5TokenizerFast"],
            "scheduler": ["diffusers", "UniPCMultistepScheduler"],
            "transformer_2": [None, None],
            "boundary_ratio": 0.5,
        },
    )
    write(root / "transformer" / "config.json", {"in_channels": 16, "out_channels": 16})
    write(root / "vae" / "config.json", {})
    write(root / "tokenizer" / "tokenizer_config.json", {})
    write(root / "tokenizer" / "tokenizer.json", {})
    write(root / "scheduler" / "scheduler_config.json", {"flow_shift": 3.0})
    tensors(root / "transformer" / "diffusion_pytorch_model.safetensors", "BF16")
    tensors(root / "vae" / "diffusion_pytorch_model.safetensors")
    return root


def test_a_checkpoint_is_what_its_files_say(folder: Path) -> None:
    read = read_checkpoint(folder)
    assert family_of(read) is family("wan")
    assert set(read.components) == {"transformer", "vae", "tokenizer", "scheduler"}
    assert read.settings == {"boundary_ratio": 0.5}
    assert read.config("scheduler") == {"flow_shift": 3.0}
    assert read.config("transformer_2") == {}
    transformer = read.components["transformer"]
    assert (transformer.dtype, transformer.nbytes(), transformer.nbytes("float32")) == ("bfloat16", 12, 24)
    assert read.components["tokenizer"].dtype is None
    assert read.components["vae"].variant is None
    assert [path.relative_to(folder).as_posix() for path in read.files] == [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tokenizer/tokenizer.json", "has no tokenizer.json"),
        ("scheduler/scheduler_config.json", "has no scheduler_config.json"),
        ("transformer/config.json", "has no config.json"),
        ("vae/diffusion_pytorch_model.safetensors", "has no weights"),
    ],
)
def test_a_folder_that_lacks_a_file_was_fetched_in_half(folder: Path, file: str, said: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{said}; it was fetched in half. Fetch it again.$"):
        read_checkpoint(folder)


def test_pickles_without_a_configuration_are_pickles(folder: Path) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(ModelError, match="holds pickled weights only"):
        read_checkpoint(folder)


def test_files_of_fp16_are_found_by_themselves_where_there_are_no_others(folder: Path) -> None:
    plain = folder / "vae" / "diffusion_pytorch_model.safetensors"
    half = folder / "vae" / "diffusion_pytorch_model.fp16.safetensors"
    tensors(half, "F16")
    assert read_checkpoint(folder).components["vae"].weights == (plain,)
    assert read_checkpoint(folder, "fp16").components["vae"].weights == (half,)
    assert read_checkpoint(folder, "fp16").components["transformer"].dtype == "bfloat16"
    plain.unlink()
    found = read_checkpoint(folder).components["vae"]
    assert (found.weights, found.variant, found.dtype) == ((half,), "fp16", "float16")
    with pytest.raises(ModelError, match="has no files of the variant 'bf16'; leave variant empty"):
        read_checkpoint(folder, "bf16")


def sharded(folder: Path, names: dict[str, str], index: str = "diffusion_pytorch_model.safetensors.index.json") -> None:
    """The transformer in shards, by the index `names`."""
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    write(folder / "transformer" / index, {"weight_map": names})


def test_shards_are_those_of_the_index(folder: Path) -> None:
    names = [f"diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    sharded(folder, {"a": names[1], "b": names[0], "c": names[1]})
    for name in names:
        tensors(folder / "transformer" / name)
    found = read_checkpoint(folder).components["transformer"]
    assert [path.name for path in found.weights] == names
    assert found.nbytes() == 48


def gone(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def half_fetched(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def without_weights(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()


def without_a_shard(folder: Path) -> None:
    sharded(folder, {"a": "diffusion_pytorch_model-00001-of-00001.safetensors"})


def cut_short(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def pickled(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))


def out_of_the_folder(folder: Path) -> None:
    tensors(folder / "stolen.safetensors")
    sharded(folder, {"a": "../stolen.safetensors"})


def a_part_out_of_the_folder(folder: Path) -> None:
    changed(folder, {"../vae": ["diffusers", "AutoencoderKLWan"]})


def foreign(folder: Path) -> None:
    changed(folder, {"vae": ["my_code", "MyVae"]})


def without_a_pipeline(folder: Path) -> None:
    changed(folder, {"_class_name": None})


def of_no_parts(folder: Path) -> None:
    write(folder / "model_index.json", {"_class_name": "WanPipeline"})


def of_no_family(folder: Path) -> None:
    changed(folder, {"_class_name": "FluxPipeline"})


def no_json(folder: Path) -> None:
    (folder / "transformer" / "config.json").write_bytes(b"\x93{")


def no_object(folder: Path) -> None:
    write(folder / "model_index.json", ["WanPipeline"])


def deep(folder: Path) -> None:
    (folder / "model_index.json").write_text("[" * 200_000, encoding="utf-8")


def changed(folder: Path, entries: dict[str, Any]) -> None:
    """Other entries in the index."""
    path = folder / "model_index.json"
    write(path, json.loads(path.read_text(encoding="utf-8")) | entries)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (gone, "is no checkpoint in diffusers layout: it has no model_index.json"),
        (half_fetched, "its part 'vae' is missing; it was fetched in half"),
        (without_weights, "has no weights; it was fetched in half"),
        (without_a_shard, "lacks diffusion_pytorch_model-00001-of-00001.safetensors; it was fetched in half"),
        (cut_short, "is cut short; it was fetched in half"),
        (pickled, "holds pickled weights only, which can run code"),
        (out_of_the_folder, "names '../stolen.safetensors', which is no safetensors file beside it"),
        (a_part_out_of_the_folder, "names a part '../vae', which is no folder beside it"),
        (foreign, r"comes with code of its own \(my_code.MyVae\), which is not run"),
        (without_a_pipeline, "names no pipeline"),
        (of_no_parts, "names no part of a pipeline"),
        (of_no_family, "was saved by FluxPipeline, which belongs to no family"),
        (no_json, "config.json is no JSON; fetch it again"),
        (no_object, "is no JSON object; fetch it again"),
        (deep, "is no JSON; fetch it again"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_cannot_be_loaded_is_one_sentence(folder: Path, harm: Callable[[Path], None], words: str) -> None:
    harm(folder)

    def read() -> None:
        checkpoint = read_checkpoint(folder)
        family_of(checkpoint)
        for one in checkpoint.components.values():
            one.nbytes()

    with pytest.raises(ModelError, match=words) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"PK\x03\x04",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 8) + b'{"a": 1}',
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 30) + b'{"a":{"dtype":"F32","shape":3}}',
    ],
    ids=["empty", "zip", "too long", "no tensor", "a list", "no shape"],
)
def test_a_damaged_header_is_one_sentence(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(head)
    with pytest.raises(ModelError, match=r"damaged.safetensors is no safetensors file; fetch it again\.$"):
        header(path)
    with pytest.raises(ModelError, match=r"gone.safetensors cannot be read: .*\.$"):
        header(tmp_path / "gone.safetensors")


def test_a_numbers_kind_that_is_not_known_is_one_sentence(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    head = json.dumps({"a": {"dtype": "F4_X", "shape": [2], "data_offsets": [0, 1]}}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(1))
    with pytest.raises(ModelError, match="F4_X"):
        read_checkpoint(folder).components["vae"].nbytes()


def test_the_checker_of_pictures_is_left_out(folder: Path) -> None:
    changed(folder, {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"]})
    assert "safety_checker" not in read_checkpoint(folder).components


def test_a_pack_adds_a_family(folder: Path) -> None:
    class Own(Family):
        name = "own"
        title = "Own"
        pipelines = {"text": "FluxPipeline"}  # noqa: RUF012

    before = [one.name for one in families()]
    changed(folder, {"_class_name": "FluxPipeline"})
    own = Own()
    add(own)
    try:
        assert [one.name for one in families()] == [*before, "own"]
        assert family_of(read_checkpoint(folder)) is own is family("own")
    finally:
        from vidflow.models import families as registry

        registry._FOUND.pop("own")
    with pytest.raises(ModelError, match="There is no family of models called 'own'; a pack that brings it"):
        family("own")


@pytest.mark.parametrize(
    ("files", "weights"),
    [
        (["net.pth"], "net.pth"),
        (["train_log/flownet.pkl", "README.md", "a.json", "model.py"], "train_log/flownet.pkl"),
        (["config.json", "model.safetensors", "model.pth", "old.pth"], "model.safetensors"),
    ],
)
def test_the_weights_of_one_network_are_its_only_file_of_them(tmp_path: Path, files: list[str], weights: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = tmp_path / weights
    assert network_file(tmp_path) == network_file(found) == found
    config = [tmp_path / "config.json"] if "config.json" in files else []
    assert files_of_model(tmp_path, network=True) == (*config, found)
    assert files_of_model(found, network=True) == (found,)


@pytest.mark.parametrize(
    ("files", "path", "said"),
    [
        (["a.bin", "b.ckpt"], "", r"is no model: it has no file of weights \(.safetensors, .pth, .pkl\)"),
        (["a.pth", "b/c.pkl"], "", r"has 2 files of weights: a.pth, b/c.pkl. Name one by its path."),
        ([f"{k}.safetensors" for k in range(5)], "", "0.safetensors, 1.safetensors, 2.safetensors and 2 more. Name"),
        (["model_index.json", "vae/model.safetensors"], "", "is a pipeline of several parts; expected a model that is"),
        (["clip.mp4"], "clip.mp4", r"clip.mp4 is no file of weights; expected .safetensors, .pth, .pkl at its end"),
    ],
)
def test_what_is_no_network_is_one_sentence(tmp_path: Path, files: list[str], path: str, said: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=said):
        files_of_model(tmp_path / path, network=True)


@pytest.mark.parametrize("name", ["net.pth", "net.pkl"])
def test_a_pickle_is_no_model_unless_a_network_is_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "config.json").write_text('{"architectures": ["IFNet"]}', "utf-8")
    with pytest.raises(ModelError, match=r"neither a model_index\.json nor weights as safetensors"):
        files_of_model(tmp_path)
    with pytest.raises(ModelError, match="no weights as safetensors; others can run code and are not read"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_may_have_values_of_its_own(folder: Path) -> None:
    own = {"width": 224, "height": 128, "frames": 17, "steps": 16, "guidance": 1.5, "rate": "24000/1001"}
    write(folder / "vidflow.json", own)
    checkpoint = read_checkpoint(folder)
    wan = family("wan")
    done = wan.completed(checkpoint, Request())
    assert (done.width, done.height, done.frames, done.steps, done.guidance) == (224, 128, 17, 16, 1.5)
    assert wan.rules(checkpoint).rate == Fraction(24000, 1001)
    assert wan.completed(checkpoint, Request(width=64, steps=2)).width == 64
    # What it makes then is another film, so the file counts among those that it is told apart by.
    assert folder / "vidflow.json" in checkpoint.files
    (folder / "vidflow.json").unlink()
    assert wan.completed(read_checkpoint(folder), Request()).steps == wan.steps


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0),
        ("width", 10**9),
        ("width", 8193),
        ("frames", 1.5),
        ("steps", True),
        ("steps", "16"),
        ("rate", "1/0"),
        ("rate", "1e99999999"),
        ("rate", "１"),
        ("rate", None),
        ("guidance", "nan"),
        ("guidance", 1e300),
        ("guidance", 50.5),
        ("seed", 1),
    ],
)
def test_values_of_its_own_that_cannot_be_are_one_sentence(folder: Path, name: str, value: Any) -> None:
    write(folder / "vidflow.json", {"steps": 4, name: value})
    with pytest.raises(ModelError, match=rf"vidflow\.json: {name} is .*positive number"):
        read_checkpoint(folder)


def test_its_own_values_come_before_those_of_its_kind(folder: Path) -> None:
    """Wan 2.2 has other sizes and steps than its family, and is still not what this checkpoint was tuned for."""
    index = json.loads((folder / "model_index.json").read_text())
    write(folder / "model_index.json", {**index, "expand_timesteps": True})
    wan = family("wan")
    assert wan.rules(read_checkpoint(folder)).frames == 121
    write(folder / "vidflow.json", {"frames": 17, "rate": 8})
    rules = wan.rules(read_checkpoint(folder))
    assert (rules.frames, rules.rate, rules.size) == (17, 8, (1280, 704))


def test_its_own_values_are_held_to_the_rules(folder: Path) -> None:
    write(folder / "vidflow.json", {"width": 100, "frames": 18})
    found = {one.input: one.message for one in family("wan").wrong(read_checkpoint(folder), Request())}
    assert found == {
        "width": "Wan needs a width that 16 divides, not 100.",
        "frames": "Wan makes 4 k + 1 frames, not 18.",
    }


def test_a_graph_is_checked_without_torch(folder: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import families, family_of
from vidflow.models.family import Request
read = read_checkpoint(Path({str(folder)!r}))
found = family_of(read)
assert not list(found.wrong(read, found.completed(read, Request())))
assert len(list(families())) > 6
heavy = {{"torch", "numpy", "diffusers", "transformers", "safetensors"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
