"""What sampling and decoding leave behind, stop at, show on the way and refuse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.models.cases import (
    SEED,
    STEPS,
    TEXT,
    assert_one_sentence,
    model_of,
    named,
    ours,
    pipeline,
    quiet,
    request_of,
    start_of,
)
from vidflow.errors import ModelError
from vidflow.models import preview, sampling
from vidflow.models.families import family
from vidflow.models.loading import loaded
from vidflow.models.residency import RESIDENT, Residency
from vidflow.places import previews_dir
from vidflow.values import Model

pytestmark = [
    pytest.mark.usefixtures("one_thread", "empty"),
    pytest.mark.filterwarnings(
        "ignore:In CPU autocast, but the target dtype is not supported",  # what Mochi's positions do on a CPU
        "ignore:Already found a `peft_config` attribute",  # the plain pipeline with two LoRAs
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",  # Euler's sigmas
    ),
]


def test_weights_that_do_not_fit_are_one_error(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    for harm, words in (
        (
            lambda state: state.pop("proj_out.weight"),
            "transformer lacks 1 of its weights, proj_out.weight first; fetch it again",
        ),
        (lambda state: state.update({"proj_out.bias": torch.zeros(3)}), "cannot be loaded as a WanTransformer3DModel"),
    ):
        folder = shutil.copytree(checkpoint("wan"), tmp_path / "wan", dirs_exist_ok=True)
        weights = next((folder / "transformer").glob("*.safetensors"))
        state = load_file(weights)
        harm(state)
        save_file(state, weights)
        with pytest.raises(ModelError, match=words) as caught:
            ours(model_of(named("wan-text"), folder, checkpoint), named("wan-text"), "")
        assert_one_sentence(caught.value)
    assert not any(held.users for held in RESIDENT._held.values())


def test_parts_that_others_use_stay_as_they_were(checkpoint: Callable[[str], Path]) -> None:
    for name in ("wan_image-image", "svd-image", "animatediff-video", "cogvideox-video"):
        case = named(name)
        model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="bfloat16")
        request = request_of(case, checkpoint(case.checkpoint))
        conditioning = None
        if family(model.family).prompted:
            conditioning = sampling.encode_text(model, TEXT, "", "cpu", quiet)
        needed = family(model.family).needed(request)
        with loaded(model, needed, "cpu") as parts:
            modules = {name: part for name, part in parts.items() if isinstance(part, torch.nn.Module)}
            before = {name: state_of(part) for name, part in modules.items()}
            scheduler = dict(vars(parts["scheduler"]))
            loads = RESIDENT.loads
            latents = sampling.sample(model, conditioning, request, start_of(case), SEED, "cpu", quiet)
            list(sampling.decode(model, latents, "cpu", quiet))
            assert RESIDENT.loads == loads
            assert {name: state_of(part) for name, part in modules.items()} == before
            assert vars(parts["scheduler"]) == scheduler
            assert "step" not in vars(parts["scheduler"])


def state_of(part: Any) -> tuple[Any, ...]:
    """What others would notice of a module: dtypes, devices, hooks, training, whether it was wrapped."""
    # transformers puts hooks of its own where hidden states are asked for, and keeps them.
    hooked = () if type(part).__module__.startswith("transformers") else part.modules()
    return (
        part.training,
        sorted((name, tensor.dtype, str(tensor.device)) for name, tensor in part.state_dict().items()),
        [(len(one._forward_hooks), len(one._forward_pre_hooks)) for one in hooked],
        "_hf_hook" in vars(part),
    )


class Stopped(Exception):
    """What a lane raises to stop a piece of work."""


def test_a_stop_within_a_step_leaves_everything_usable(checkpoint: Callable[[str], Path]) -> None:
    case = named("cogvideox-video")
    model = model_of(case, checkpoint(case.checkpoint), checkpoint)
    request = request_of(case, checkpoint(case.checkpoint), steps=4, strength=1.0)
    wanted, _ = ours(model, case, "", steps=4, strength=1.0)
    conditioning = sampling.encode_text(model, TEXT, "", "cpu", quiet)
    told: list[tuple[int, int]] = []

    def stop(k: int, total: int, preview: Any = None) -> None:
        told.append((k, total))
        if (k, total) == (2, 4):
            raise Stopped

    with pytest.raises(Stopped):
        sampling.sample(model, conditioning, request, start_of(case), SEED, "cpu", stop)
    assert told[-2:] == [(1, 4), (2, 4)]
    assert not any(held.users for held in RESIDENT._held.values())
    assert torch.equal(ours(model, case, "", steps=4, strength=1.0)[0].tensor, wanted.tensor)
    assert RESIDENT.release() > 0
    assert not RESIDENT._held


def test_a_result_that_is_no_number_names_its_step(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    case = named("wan-text")
    folder = shutil.copytree(checkpoint("wan"), tmp_path / "wan")
    weights = next((folder / "transformer").glob("*.safetensors"))
    state = load_file(weights)
    state["proj_out.bias"].fill_(float("nan"))
    save_file(state, weights)
    with pytest.raises(ModelError, match=r"^Step 1 gave values that are no numbers") as caught:
        ours(model_of(case, folder, checkpoint), case, "")
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["wan-text", "svd-image", "ltx-text"])
def test_frames_that_are_no_numbers_are_an_error_and_no_black_video(
    name: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    case = named(name)
    folder = shutil.copytree(checkpoint(case.checkpoint), tmp_path / "model")
    weights = next((folder / "vae").glob("*.safetensors"))
    state = load_file(weights)
    bias = max(key for key in state if key.startswith("decoder.") and "conv_out" in key and key.endswith("bias"))
    state[bias].fill_(float("nan"))
    save_file(state, weights)
    with pytest.raises(ModelError, match=r"^Decoding gave values that are no numbers") as caught:
        ours(model_of(case, folder, checkpoint), case, "")
    assert_one_sentence(caught.value)


def test_words_of_another_family_are_an_error(checkpoint: Callable[[str], Path]) -> None:
    case, other = named("ltx-text"), named("wan-text")
    words = sampling.encode_text(model_of(other, checkpoint("wan"), checkpoint), TEXT, "", "cpu", quiet)
    model, request = model_of(case, checkpoint("ltx"), checkpoint), request_of(case, checkpoint("ltx"))
    with pytest.raises(ModelError, match=r"^This prompt was encoded by Wan, but the model is LTX-Video\.$"):
        sampling.sample(model, words, request, [], SEED, "cpu", quiet)


def test_a_part_is_held_once_and_the_least_recently_used_goes_first(checkpoint: Callable[[str], Path]) -> None:
    free = [10**9]
    residency = Residency(lambda device: free[0])
    made: list[str] = []

    def wanted(*names: str) -> dict[str, Any]:
        def load(name: str) -> object:
            made.append(name)
            return object()

        return {name: (name, 100, lambda name=name: load(name)) for name in names}

    place = torch.device("cpu")
    with residency.held(wanted("a", "b"), place) as one, residency.held(wanted("a"), place) as two:
        assert one["a"] is two["a"]
        assert residency.release() == 0  # all in use
    with residency.held(wanted("c"), place), residency.held(wanted("a"), place):
        pass
    assert (made, residency.loads) == (["a", "b", "c"], 3)
    free[0] = 20  # 110 are needed, 90 are short: the oldest alone goes, which is b
    with residency.held(wanted("d"), place):
        pass
    free[0] = 10**9
    with residency.held(wanted("a", "b", "c"), place):
        pass
    assert made == ["a", "b", "c", "d", "b"]
    assert residency.release() == 400


STREAMED = ("wan-video", "wan_5b-text", "cogvideox-text", "cogvideox_15-text", "animatediff-text", "svd-image")


@pytest.mark.parametrize("name", STREAMED)
def test_frames_come_run_by_run_and_are_those_of_the_whole_video(name: str, checkpoint: Callable[[str], Path]) -> None:
    case = replace(named(name), frames={"svd-image": 3, "animatediff-text": 5}.get(name, 17))
    model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
    latents, _ = ours(model, case, "", steps=1, strength=1.0)
    chunk = 1 if name == "animatediff-text" else 2
    first = sampling.decode(model, latents, "cpu", quiet, chunk)
    second = sampling.decode(model, latents, "cpu", quiet, chunk)
    # Two that read at once do not disturb each other, and leave nothing of torch's state behind.
    pairs = list(zip(first, second, strict=True))
    assert not torch.is_inference_mode_enabled()
    assert all(np.array_equal(one, two) for one, two in pairs)
    frames = np.concatenate([one for one, _ in pairs])
    assert len(frames) == latents.meta["frames"]
    assert len(pairs) > 1
    assert max(len(one) for one, _ in pairs) <= 12
    if name != "svd-image":  # whose VAE sees the frames of a chunk together
        with loaded(model, ("vae",), "cpu") as parts, torch.inference_mode():
            found, vae = family(model.family), parts["vae"]
            ready = found.ready(vae, latents.tensor, latents.meta)
            whole = next(found.runs(vae, ready, 99)) if name == "animatediff-text" else vae.decode(ready).sample
            whole = whole[0]
        whole = (whole / 2 + 0.5).clamp(0, 1).permute(1, 2, 3, 0).numpy()
        # Frames by themselves or together in AnimateDiff's VAE are summed up in another order.
        assert np.abs(frames - whole).max() <= (1e-6 if name == "animatediff-text" else 0)


@pytest.mark.parametrize("name", ["wan-video", "cogvideox-video", "cogvideox_15-video", "animatediff-video"])
def test_a_video_becomes_the_latents_that_its_pipeline_starts_from(
    name: str, checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    folder = checkpoint(case.checkpoint)
    model = model_of(case, folder, checkpoint, dtype="float32")
    more = 0 if name == "animatediff-video" else 3  # which its rule leaves out
    pictures = start_of(replace(case, frames=case.frames + more))
    latents = sampling.encode_video(model, iter(pictures), "cpu", quiet)
    assert latents.meta["frames"] == case.frames
    frames = np.concatenate(list(sampling.decode(model, latents, "cpu", quiet)))
    assert frames.shape == (case.frames, *case.size[::-1], 3)
    pipe = pipeline(case, folder, torch.float32, checkpoint)
    video = pipe.video_processor.preprocess_video([Image.fromarray(one) for one in pictures[: case.frames]])
    with torch.no_grad():
        if name == "animatediff-video":
            wanted = pipe.vae.encode(video[0].permute(1, 0, 2, 3)).latent_dist.mode() * pipe.vae.config.scaling_factor
            wanted = wanted.permute(1, 0, 2, 3)[None]
        elif name == "wan-video":
            config = pipe.vae.config
            wanted = pipe.vae.encode(video).latent_dist.mode() - torch.tensor(config.latents_mean).view(1, -1, 1, 1, 1)
            wanted = wanted / torch.tensor(config.latents_std).view(1, -1, 1, 1, 1)
        else:
            wanted = pipe.vae.encode(video).latent_dist.mode().permute(0, 2, 1, 3, 4) * pipe.vae.config.scaling_factor
    assert torch.allclose(latents.tensor, wanted, atol=1e-5)
    floats = [one.astype(np.float32) / 255 for one in pictures]
    assert torch.allclose(sampling.encode_video(model, floats, "cpu", quiet).tensor, latents.tensor, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["ltx-text", "ltx-image", "wan-video", "cogvideox_15-text", "hunyuan-text", "mochi-text", "svd-image"]
)
def test_each_step_comes_with_a_preview_and_the_result_is_the_same(
    name: str, checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
    wanted, _ = ours(model, case, "", strength=1.0)
    told: list[tuple[int, int, Any]] = []

    def tell(k: int, total: int, preview: Any = None) -> None:
        if preview is not None:
            told.append((k, total, preview))

    conditioning = sampling.encode_text(model, TEXT, "", "cpu", quiet) if family(model.family).prompted else None
    with loaded(model, ("vae",), "cpu") as parts:
        factors = preview.fit(parts["vae"], family(model.family), count=1, side=4)
    request = request_of(case, checkpoint(case.checkpoint), strength=1.0)
    latents = sampling.sample(model, conditioning, request, start_of(case), SEED, "cpu", tell, factors)
    assert torch.equal(latents.tensor, wanted.tensor)
    assert [(k, total) for k, total, _ in told] == [(1, STEPS), (2, STEPS)]
    for _, _, picture in told:
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[1] * case.size[1] == picture.shape[0] * case.size[0]


def test_the_factors_of_a_preview_depend_on_the_vae_alone_and_are_fitted_once(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    model = model_of(named("animatediff-text"), checkpoint("animatediff"), checkpoint)
    factors = sampling.preview_factors(model, "cpu", quiet)
    assert (factors.shape, factors.dtype) == ((5, 3), np.float32)
    RESIDENT.release()
    assert np.allclose(sampling.preview_factors(model, "cpu", quiet), factors, atol=1e-6)
    assert not RESIDENT._held
    # Another model with the same VAE needs no other ones; what is kept and damaged is fitted anew.
    shutil.copytree(checkpoint("animatediff"), tmp_path / "other")
    other = replace(model, settings={"folder": str(tmp_path / "other")})
    assert np.allclose(sampling.preview_factors(other, "cpu", quiet), factors, atol=1e-6)
    assert not RESIDENT._held
    (kept,) = previews_dir().iterdir()
    kept.write_text("[[1, 2")
    assert np.allclose(sampling.preview_factors(model, "cpu", quiet), factors, atol=1e-6)
    assert RESIDENT._held
    weights = tmp_path / "other" / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor + 0.1 for name, tensor in load_file(weights).items()}, weights)
    assert not np.allclose(sampling.preview_factors(other, "cpu", quiet), factors, atol=1e-3)


def test_factors_are_fitted_by_a_command(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("animatediff")
    command = [sys.executable, "-m", "training.previews", str(folder), "--to", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    (kept,) = tmp_path.glob("*.json")
    assert done.stdout == f"{folder}: {kept}\n"
    model = model_of(named("animatediff-text"), folder, checkpoint)
    assert np.allclose(json.loads(kept.read_text()), sampling.preview_factors(model, "cpu", quiet), atol=1e-4)


def trained_vae() -> Any:
    """A VAE of Stable Diffusion's shape that has learned to give back what it was shown, roughly."""
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
    )
    films = np.concatenate([film[:1] for film in preview._films(5, 60, 1, 32, 32)])
    pictures = 2 * torch.from_numpy(films).permute(0, 3, 1, 2) - 1
    optimiser = torch.optim.Adam(vae.parameters(), 4e-3)
    for step in range(80):
        batch = pictures[torch.arange(step * 10, step * 10 + 10) % 60]
        loss = (vae.decode(vae.encode(batch).latent_dist.mode()).sample - batch).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return vae.eval()


def test_a_preview_looks_like_the_frame_that_is_decoded(real_media: Path) -> None:
    vae = trained_vae()
    found = family("animatediff")
    factors = preview.fit(vae, found)
    reader = cv2.VideoCapture(str(real_media / "bigbuckbunny.mp4"))
    frames = []
    for number in (100, 101, 102):
        reader.set(cv2.CAP_PROP_POS_FRAMES, number)
        frames.append(cv2.cvtColor(cv2.resize(reader.read()[1], (128, 72)), cv2.COLOR_BGR2RGB))
    video = torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    with torch.inference_mode():
        latents = found.encode_video(vae, video)
        picture = preview.Preview(found, factors, preview.grid_of(vae, 3, 128, 72))
        shown = picture(latents)
        decoded = next(iter(found.runs(vae, found.ready(vae, latents, {}), 3)))
        decoded = decoded[0, :, 1].permute(1, 2, 0).numpy() / 2 + 0.5
    small = cv2.resize(decoded.clip(0, 1), shown.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert shown.shape == (18, 32, 3)
    assert np.corrcoef(shown.ravel(), small.ravel())[0, 1] > 0.8
    large = torch.randn(1, 16, 21, 60, 104)
    wide = preview.Preview(family("wan"), np.ones((17, 3), np.float32), (21, 60, 104))
    wide(large)
    before = time.process_time()
    for _ in range(5):
        wide(large)
    assert (time.process_time() - before) / 5 < 0.005


def test_weights_that_were_replaced_on_disk_are_loaded_anew(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    shutil.copytree(checkpoint("wan"), tmp_path / "wan")
    model = Model("wan", "wan", {}, {"folder": str(tmp_path / "wan")})
    weights = tmp_path / "wan" / "vae" / "diffusion_pytorch_model.safetensors"
    with loaded(model, ("vae",), "cpu") as parts:
        before = parts["vae"]
    with loaded(model, ("vae",), "cpu") as parts:
        assert parts["vae"] is before
    save_file({name: tensor * 2 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    with loaded(model, ("vae",), "cpu") as parts:
        assert parts["vae"] is not before


OUT_OF_MEMORY = """
import resource, sys
from vidflow.errors import ModelError
from vidflow.models import sampling
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import family_of
from vidflow.models.family import Request
from vidflow.values import Model

checkpoint = read_checkpoint(__import__("pathlib").Path(sys.argv[1]))
family = family_of(checkpoint)
model = Model(family.name, "tiny", {}, {"folder": sys.argv[1]})
tell = lambda k, total, preview=None: None
words = sampling.encode_text(model, "a cat", "", "cpu", tell)
def sample(size, frames):
    request = family.completed(checkpoint, Request(width=size, height=size, frames=frames, steps=1))
    return sampling.sample(model, words, request, [], 0, "cpu", tell)
sample(32, 5)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20, -1))
try:
    sample(4096, 81)
except ModelError as error:
    print(error)
print(sample(32, 5).tensor.shape[0])
"""


def test_where_memory_runs_out_it_says_what_to_ask_for_and_goes_on(checkpoint: Callable[[str], Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, str(checkpoint("wan"))], capture_output=True, text=True, check=False
    )
    said, again = done.stdout.splitlines()
    assert said.startswith(
        "Memory ran out. 4096 x 4096 with 81 frames did not fit beside the model; 37 frames, or 2896 x "
    )
    assert again == "1"


TOO_LARGE_TO_LOAD = """
import pathlib, resource, sys
from vidflow.errors import ModelError
from vidflow.models import sampling
from vidflow.models.residency import RESIDENT
from vidflow.values import Model

small, large = (Model("wan", "tiny", {}, {"folder": folder}) for folder in sys.argv[1:])
tell = lambda k, total, preview=None: None
sampling.encode_text(small, "a cat", "", "cpu", tell)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, -1))
try:
    sampling.encode_text(large, "a cat", "", "cpu", tell)
except ModelError as error:
    print(error)
print(sorted(sampling.encode_text(small, "a cat", "", "cpu", tell).tensors)[0])
"""


def test_a_part_that_does_not_fit_is_not_taken_for_a_damaged_one(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    large = shutil.copytree(checkpoint("wan"), tmp_path / "large")
    weights = large / "text_encoder" / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if name.endswith("shared.weight"))
    tensors[name] = tensors[name].repeat(200_000, 1)
    save_file(tensors, weights, {"format": "pt"})
    config = large / "text_encoder" / "config.json"
    settings = json.loads(config.read_text("utf-8")) | {"vocab_size": len(tensors[name])}
    config.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-c", TOO_LARGE_TO_LOAD, str(checkpoint("wan")), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "Memory ran out. The text encoder did not fit; choose the dtype bfloat16, or a model with a smaller one.",
        "negative_prompt_embeds",
    ], done.stderr
