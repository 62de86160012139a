"""How much memory models take: weights off the device, in 8 bits, in a file of their own; frames decoded in tiles."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.cases import (
    CASES,
    NEGATIVE,
    SEED,
    TEXT,
    assert_one_sentence,
    model_of,
    named,
    ours,
    pipeline,
    plain,
    quiet,
    request_of,
    start_of,
)
from vidflow.errors import ModelError
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family
from vidflow.models.family import Family
from vidflow.models.loading import loaded, manners, twin
from vidflow.models.residency import RESIDENT
from vidflow.models.tiles import decode_in_tiles
from vidflow.values import Model

pytestmark = [
    pytest.mark.usefixtures("one_thread", "empty"),
    pytest.mark.filterwarnings("ignore:In CPU autocast, but the target dtype is not supported"),
]
FAMILIES = ("ltx-text", "wan-text", "cogvideox-text", "hunyuan-text", "mochi-text", "svd-image", "animatediff-text")


class Enlarging(Family):
    """A decoder that sees no further than a latent: four pixels a side, and two runs."""

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        for part in latents.split(2, dim=2):
            yield part.repeat_interleave(4, dim=3).repeat_interleave(4, dim=4)


@pytest.mark.parametrize("side", [1, 3, 4, 7, 16, 40])
@pytest.mark.parametrize("size", [(16, 16), (9, 31), (4, 4), (1, 5)])
def test_tiles_cover_everything_and_leave_no_seam(side: int, size: tuple[int, int]) -> None:
    latents = torch.rand(1, 3, 3, *size, dtype=torch.float64)
    steps: list[tuple[int, int]] = []
    frames = decode_in_tiles(Enlarging(), None, latents, 1, side, lambda k, n: steps.append((k, n)))
    whole = torch.cat(list(Enlarging().runs(None, latents, 1)), dim=2)
    assert frames.shape == whole.shape
    assert (frames - whole).abs().max() < 1e-6
    assert [k for k, _ in steps] == list(range(steps[0][1]))


@pytest.mark.parametrize("name", FAMILIES)
def test_little_memory_gives_what_the_plain_pipeline_gives_with_eight_bits(
    name: str, checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    folder = checkpoint(case.checkpoint)
    wanted, frames = ours(model_of(case, folder, checkpoint, dtype="float32"), case, NEGATIVE)
    small = model_of(case, folder, checkpoint, dtype="float32", memory="low")
    latents, _ = ours(small, case, NEGATIVE)
    pipe = pipeline(case, folder, torch.float32, checkpoint)
    for one in family(small.family).denoisers:
        if getattr(pipe, one, None) is not None:
            getattr(pipe, one).enable_layerwise_casting(torch.float8_e4m3fn, torch.float32)
    in_eight_bits, _ = plain(pipe, case, NEGATIVE)
    assert torch.allclose(latents.tensor, in_eight_bits, rtol=1e-3, atol=1e-4)
    assert not torch.equal(latents.tensor, wanted.tensor)
    # Tiles alone, of the same latents.
    tiled = np.concatenate(list(sampling.decode(small, wanted, "cpu", quiet, case.call.get("decode_chunk_size"))))
    assert tiled.shape == frames.shape
    assert np.abs(tiled - frames).mean() < 0.1 * frames.std()
    denoiser = family(small.family).denoisers[0]
    with loaded(small, (denoiser,), "cpu") as parts:
        stored = {tensor.dtype for tensor in parts[denoiser].parameters()}
    assert torch.float8_e4m3fn in stored


def where(model: Model, names: Iterable[str]) -> list[int]:
    """Where the weights of parts lie in memory."""
    with loaded(model, names, "cpu") as parts:
        modules = [part for part in parts.values() if isinstance(part, torch.nn.Module)]
        return [tensor.data_ptr() for part in modules for tensor in part.parameters()]


@pytest.mark.parametrize("name", [case.name for case in CASES])
@pytest.mark.parametrize("manner", ["offload", "group"])
def test_parts_that_come_when_they_work_give_the_same_and_are_left_as_they_were(
    name: str, manner: Any, checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    folder = checkpoint(case.checkpoint)
    model = model_of(case, folder, checkpoint, dtype="float32")
    found = family(model.family)
    wanted, _ = ours(model, case, NEGATIVE)
    words = None
    if found.prompted:
        words = sampling._encoded(model, TEXT, NEGATIVE, "cpu", quiet, manner)
    given = request_of(case, folder), start_of(case), SEED, "cpu", quiet, None
    places = where(model, found.needed(given[0]))
    latents = sampling._sampled(model, words, *given, manner)
    assert where(model, found.needed(given[0])) == places
    # What was moved lies elsewhere in memory, where other kernels may sum in another order.
    assert torch.allclose(latents.tensor, wanted.tensor, atol=1e-4)
    with loaded(model, found.needed(given[0]), "cpu") as parts:
        for part in parts.values():
            for module in part.modules() if isinstance(part, torch.nn.Module) else ():
                assert not hasattr(module, "_hf_hook")
                assert not getattr(getattr(module, "_diffusers_hook", None), "hooks", ())
            for tensor in part.parameters() if isinstance(part, torch.nn.Module) else ():
                assert not tensor.is_inference()
    again, _ = ours(model, case, NEGATIVE)
    assert torch.allclose(again.tensor, wanted.tensor, atol=1e-4)


def test_a_twin_shares_weights_and_nothing_else(checkpoint: Callable[[str], Path]) -> None:
    model = model_of(named("wan-text"), checkpoint("wan"), checkpoint)
    with loaded(model, ("transformer",), "cpu") as parts:
        part = parts["transformer"]
        other = twin(part)
        assert type(other) is type(part)
        ours_, theirs = dict(part.named_parameters()), dict(other.named_parameters())
        assert ours_.keys() == theirs.keys()
        assert all(ours_[name] is theirs[name] for name in ours_)
        assert not {id(module) for module in part.modules()} & {id(module) for module in other.modules()}
        assert part.blocks[0].attn1.processor is not other.blocks[0].attn1.processor


def test_who_asks_for_little_memory_leaves_nothing_loaded(checkpoint: Callable[[str], Path]) -> None:
    case = named("wan-text")
    for memory, held in (("auto", True), ("gpu", True), ("offload", False), ("low", False)):
        ours(model_of(case, checkpoint("wan"), checkpoint, memory=memory), case, "")
        assert bool(RESIDENT._held) is held, memory
        RESIDENT.release()


def test_the_first_manner_that_there_is_room_for_is_chosen(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = named("wan_two-text")
    names = ("transformer", "transformer_2", "vae")

    def chosen(memory: str | None = None) -> tuple[str, ...]:
        return manners(model_of(case, checkpoint("wan_two"), checkpoint, memory=memory), names, "cuda:0")

    with loaded(model_of(case, checkpoint("wan_two"), checkpoint), names, "cpu") as parts:
        sizes = [sum(tensor.nbytes for tensor in parts[name].parameters()) for name in names]
    for room, wanted in (
        (sum(sizes) * 2, ("whole", "offload", "group")),
        (max(sizes) * 1.5, ("offload", "group")),
        (max(sizes) * 0.5, ("group",)),
    ):
        monkeypatch.setattr(RESIDENT, "_free", lambda device, room=room: room)
        assert chosen() == wanted
        assert chosen("auto") == wanted
    assert (chosen("gpu"), chosen("offload"), chosen("low")) == (("whole",), ("offload",), ("group",))


def copied(folder: Path, to: Path, part: str = "transformer") -> Path:
    """The weights of a part of a checkpoint in a file of their own."""
    save_file(load_file(next((folder / part).glob("*.safetensors"))), to)
    return to


@pytest.mark.parametrize("name", ["wan-text", "wan_two-text", "ltx-text", "hunyuan-text", "mochi-text"])
def test_a_denoiser_comes_in_a_file_of_its_own(name: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    case = named(name)
    folder = checkpoint(case.checkpoint)
    parts = family(case.checkpoint.split("_")[0]).denoisers
    files = [copied(folder, tmp_path / f"{part}.safetensors", part) for part in parts if (folder / part).is_dir()]
    wanted, _ = ours(model_of(case, folder, checkpoint, dtype="float32"), case, NEGATIVE)
    model = model_of(case, folder, checkpoint, dtype="float32", denoiser=[str(path) for path in files])
    latents, _ = ours(model, case, NEGATIVE)
    # The same numbers lie elsewhere in memory, where other kernels may sum in another order.
    assert torch.allclose(latents.tensor, wanted.tensor, atol=1e-4)
    state = load_file(files[-1])
    save_file({key: tensor + 0.01 for key, tensor in state.items()}, files[-1])
    assert not torch.allclose(ours(model, case, NEGATIVE)[0].tensor, wanted.tensor, atol=1e-4)


def quantised(folder: Path, to: Path) -> Path:
    """A transformer as GGUF: matrices in 8 bits, as far as their rows are multiples of 32, the rest in 32."""
    import gguf

    writer = gguf.GGUFWriter(to, "wan")
    for name, tensor in load_file(next((folder / "transformer").glob("*.safetensors"))).items():
        array = tensor.float().numpy()
        if array.ndim == 2 and array.shape[1] % 32 == 0 and "blocks." in name:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to


def test_a_denoiser_comes_as_gguf(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    case = named("wan-text")
    folder = checkpoint("wan")
    wanted, _ = ours(model_of(case, folder, checkpoint, dtype="float32"), case, NEGATIVE)
    path = quantised(folder, tmp_path / "wan.gguf")
    model = model_of(case, folder, checkpoint, dtype="float32", denoiser=[str(path)])
    latents, _ = ours(model, case, NEGATIVE)
    error = (latents.tensor - wanted.tensor).abs().max() / wanted.tensor.abs().max()
    assert 0 < error < 0.02
    assert sampling.manners(model, ("transformer",), "cpu") == ("whole",)


def test_a_file_that_is_no_denoiser_is_one_error(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    case = named("wan-text")
    folder = checkpoint("wan")
    foreign = copied(checkpoint("ltx"), tmp_path / "ltx.safetensors")
    half = tmp_path / "half.safetensors"
    state = load_file(copied(folder, tmp_path / "whole.safetensors"))
    save_file({name: tensor for number, (name, tensor) in enumerate(state.items()) if number % 2}, half)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(40))
    odd = tmp_path / "odd.safetensors"
    odd.write_bytes((tmp_path / "whole.safetensors").read_bytes() + bytes(100))
    for path, words in (
        (foreign, "ltx.safetensors"),
        (half, "half.safetensors lacks some of the weights"),
        (odd, "odd.safetensors"),
        (broken, "broken.gguf cannot be loaded as a WanTransformer3DModel"),
        (tmp_path / "gone.safetensors", "gone.safetensors"),
    ):
        model = model_of(case, folder, checkpoint, denoiser=[str(path)])
        with pytest.raises(ModelError, match=words) as caught:
            ours(model, case, "")
        assert_one_sentence(caught.value)
    wan, svd = family("wan"), family("svd")
    wan_at, svd_at = read_checkpoint(checkpoint("wan")), read_checkpoint(checkpoint("svd"))
    assert [one.message for one in svd.unfit(svd_at, ["x.safetensors"])] == [
        "Stable Video Diffusion takes no denoiser from a file."
    ]
    assert ["pickle.pt" in one.message for one in wan.unfit(wan_at, ["pickle.pt"])] == [True]
    assert len(list(wan.unfit(wan_at, ["a.gguf", "b.gguf", "c.gguf"]))) == 1
    assert not list(wan.unfit(wan_at, ["a.gguf", "b.safetensors"]))


DECODED_IN_TILES = """
import resource, sys
import torch
from vidflow.models import sampling
from vidflow.values import Latents, Model

torch.set_num_threads(1)
model = Model("wan", "tiny", {}, {"folder": sys.argv[1]})
def latents(side):
    meta = {"family": "wan", "width": side * 8, "height": side * 8, "frames": 1, "rate": "16", "seed": 0}
    return Latents(torch.rand(1, 16, 1, side, side), meta)
tell = lambda k, total, preview=None: told.append(k)
told, notes = [], []
list(sampling.decode(model, latents(4), "cpu", tell))
large = latents(96)
told.clear()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]) * 2**20, -1))
try:
    print(sum(len(run) for run in sampling.decode(model, large, "cpu", tell, note=notes.append)))
except Exception as error:
    print(type(error).__name__, error)
print(notes[:1])
print(sorted(told) == told)
"""


NO_ROOM = "ModelError Memory ran out while frames were decoded, in tiles of 128 pixels as well; make fewer frames."
SMALLER = "['Memory ran out, so frames were decoded in smaller tiles.']"


@pytest.mark.parametrize(
    ("megabytes", "said"),
    [
        (4000, ["1", "[]", "True"]),
        (100, ["1", SMALLER, "True"]),
        (5, [NO_ROOM]),
    ],
)
def test_where_memory_runs_out_frames_are_decoded_in_tiles(
    megabytes: int, said: list[str], checkpoint: Callable[[str], Path]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DECODED_IN_TILES, str(checkpoint("wan")), str(megabytes)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[: len(said)] == said, done.stderr


LOADED = """
import json, sys
from vidflow.models.loading import loaded
from vidflow.values import Model

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024

model = Model("wan", "tiny", {}, {"folder": sys.argv[1], "dtype": sys.argv[2] or None})
small = Model("wan", "tiny", {}, {"folder": sys.argv[3], "dtype": sys.argv[2] or None})
names = ("transformer", "text_encoder")
with loaded(small, names, "cpu"):
    pass
open("/proc/self/clear_refs", "w").write("5")
idle = peak()
with loaded(model, names, "cpu") as parts:
    size = sum(tensor.nbytes for part in parts.values() for tensor in part.parameters())
print(json.dumps([size, peak() - idle]))
"""
SHARD = 40 * 2**20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path]) -> Path:
    """Wan's parts of 200 MB each, float32, in shards of 40 MB."""
    import diffusers
    import transformers

    folder = shutil.copytree(checkpoint("wan"), tmp_path_factory.mktemp("large") / "wan")
    for part in ("transformer", "text_encoder"):
        shutil.rmtree(folder / part)
    torch.manual_seed(0)
    diffusers.WanTransformer3DModel(
        num_attention_heads=8, attention_head_dim=64, text_dim=512, freq_dim=64, ffn_dim=4096, num_layers=8
    ).save_pretrained(folder / "transformer", max_shard_size=SHARD)
    config = transformers.UMT5Config(vocab_size=17, d_model=512, d_kv=64, d_ff=4096, num_layers=7, num_heads=8)
    transformers.UMT5EncoderModel(config).save_pretrained(folder / "text_encoder", max_shard_size=SHARD)
    return folder


@pytest.mark.parametrize("dtype", ["", "bfloat16"])
def test_loading_takes_little_more_than_the_weights(dtype: str, large: Path, checkpoint: Callable[[str], Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(large), dtype, str(checkpoint("wan"))],
        capture_output=True,
        text=True,
        check=True,
    )
    size, peak = json.loads(done.stdout)
    assert size > 150 * 2**20
    assert peak < 1.15 * size + SHARD


def test_a_part_with_bytes_too_many_is_one_error(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("wan"), tmp_path / "wan")
    with next((folder / "transformer").glob("*.safetensors")).open("ab") as file:
        file.write(bytes(100))
    case = named("wan-text")
    with pytest.raises(ModelError, match="cannot be loaded as a WanTransformer3DModel") as caught:
        ours(model_of(case, folder, checkpoint), case, "")
    assert_one_sentence(caught.value)


def test_a_denoiser_may_lie_beside_the_one_it_replaces(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("wan"), tmp_path / "wan")
    path = quantised(folder, folder / "transformer" / "small.gguf")
    case = named("wan-text")
    model = model_of(case, folder, checkpoint, denoiser=[str(path)])
    assert torch.isfinite(ours(model, case, "")[0].tensor).all()
    low = model_of(case, folder, checkpoint, denoiser=[str(path)], memory="low")
    with loaded(low, ("transformer",), "cpu"):
        assert list(RESIDENT._held.values())[-1].nbytes == path.stat().st_size


def test_weights_of_eight_bits_take_the_room_they_take(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "eight.safetensors"
    state = load_file(next((checkpoint("wan") / "transformer").glob("*.safetensors")))
    save_file({name: tensor.to(torch.float8_e4m3fn) for name, tensor in state.items()}, path)
    model = model_of(named("wan-text"), checkpoint("wan"), checkpoint, denoiser=[str(path)])
    with loaded(model, ("transformer",), "cpu") as parts:
        size = sum(tensor.nbytes for tensor in parts["transformer"].parameters())
        (held,) = RESIDENT._held.values()
    assert parts["transformer"].dtype is torch.bfloat16
    # Some of its parts are kept in float32.
    assert held.nbytes == pytest.approx(size, rel=0.2)


def test_memory_that_others_hold_is_taken_before_tiles_are(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = named("wan-text")
    model = model_of(case, checkpoint("wan"), checkpoint)
    latents, frames = ours(model, case, "")
    found = family("wan")
    runs = type(found).runs

    def short(self: Any, vae: Any, ready: Any, chunk: int) -> Iterator[Any]:
        if len(RESIDENT._held) > 1:
            raise MemoryError
        yield from runs(self, vae, ready, chunk)

    monkeypatch.setattr(type(found), "runs", short)
    notes: list[str] = []
    again = np.concatenate(list(sampling.decode(model, latents, "cpu", quiet, note=notes.append)))
    assert np.array_equal(again, frames)
    assert not notes


def test_attention_that_does_not_work_here_is_one_error(checkpoint: Callable[[str], Path]) -> None:
    case = named("wan-text")
    with pytest.raises(ModelError, match=r"^Attention 'efficient' does not work here: .* Leave attention empty.$"):
        ours(model_of(case, checkpoint("wan"), checkpoint), case, "", attention="efficient")


NOT_AT_ONCE = """
import resource, sys
import torch
from pathlib import Path
from vidflow import heap
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family
from vidflow.models.family import Request
from vidflow.models.residency import RESIDENT
from vidflow.values import Model

torch.set_num_threads(1)
heap.steady()  # as the command does
found, tell = family("wan"), lambda k, total, preview=None: None

def film(folder):
    model = Model("wan", "tiny", {}, {"folder": folder, "dtype": "bfloat16"})
    words = sampling.encode_text(model, "a cat", "", "cpu", tell)
    request = found.completed(read_checkpoint(Path(folder)), Request(width=32, height=32, frames=5, steps=1))
    return sampling.sample(model, words, request, [], 0, "cpu", tell)

film(sys.argv[1])
RESIDENT.release()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[3]) * 2**20, -1))
print(tuple(film(sys.argv[2]).tensor.shape))
print(sorted(type(held.part).__name__ for held in RESIDENT._held.values() if held.nbytes > 10**7))
"""


def test_parts_that_do_not_fit_at_once_take_turns(large: Path, checkpoint: Callable[[str], Path]) -> None:
    def held(megabytes: int) -> list[str]:
        command = [sys.executable, "-c", NOT_AT_ONCE, str(checkpoint("wan")), str(large), str(megabytes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[:1] == ["(1, 16, 2, 4, 4)"], done.stderr[-600:]
        return json.loads(done.stdout.splitlines()[1].replace("'", '"'))

    # Each takes 100 MB; with room for both, both stay.
    assert held(1000) == ["UMT5EncoderModel", "WanTransformer3DModel"]
    assert held(250) == ["WanTransformer3DModel"]
