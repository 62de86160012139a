"""Every family and mode gives what the plain diffusers pipeline gives, called with the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.loaders.lora_base import set_adapters_for_text_encoder

from tests.models.cases import CASES, NEGATIVE, Case, assert_one_sentence, model_of, named, ours, pipeline, plain
from vidflow.errors import ModelError
from vidflow.models.checkpoint import read_checkpoint
from vidflow.models.families import families, family, family_of
from vidflow.models.family import Request
from vidflow.values import Model

pytestmark = [
    pytest.mark.usefixtures("one_thread", "empty"),
    pytest.mark.filterwarnings(
        "ignore:In CPU autocast, but the target dtype is not supported",  # what Mochi's positions do on a CPU
        "ignore:Already found a `peft_config` attribute",  # the plain pipeline with two LoRAs
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",  # Euler's sigmas
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_latents_and_frames_equal_the_plain_pipelines(case: Case, checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint(case.checkpoint)
    for dtype in ("float32", "bfloat16"):
        pipe = pipeline(case, folder, getattr(torch, dtype), checkpoint)
        model = model_of(case, folder, checkpoint, dtype=dtype)
        for negative in ("", NEGATIVE) if family(model.family).prompted else ("",):
            wanted, video = plain(pipe, case, negative)
            latents, frames = ours(model, case, negative)
            assert torch.equal(latents.tensor, wanted), (dtype, negative)
            assert frames.dtype == np.float32
            assert np.array_equal(frames, video), (dtype, negative)
            assert latents.meta["frames"] == len(frames)
            assert np.isfinite(frames).all()
            assert frames.std() > 1e-4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_asked_for_reaches_the_pipeline(case: Case, checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint(case.checkpoint)
    pipe = pipeline(case, folder, torch.float32, checkpoint)
    model = model_of(case, folder, checkpoint, dtype="float32")
    given: dict[str, Any] = {"guidance_scale": 2.5}
    asked: dict[str, Any] = {"guidance": 2.5}
    if case.checkpoint == "svd":
        given = {"max_guidance_scale": 2.5, "noise_aug_strength": 0.3, "motion_bucket_id": 20}
        asked["extra"] = {"noise_aug_strength": 0.3, "motion_bucket_id": 20}
    if case.checkpoint.endswith("_two"):
        given["guidance_scale_2"] = 1.5
        asked["extra"] = {"guidance_2": 1.5}
    before, _ = plain(pipe, case, "")
    wanted, video = plain(pipe, case, "", **given)
    latents, frames = ours(model, case, "", **asked)
    assert torch.equal(latents.tensor, wanted)
    assert np.array_equal(frames, video)
    assert not torch.equal(before, wanted)


def lora_for(pipe: Any, folder: Path, number: int = 0, text: bool = False) -> Path:
    """A LoRA for the denoiser of a pipeline (and its text encoder), as diffusers saves one."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(100 + number)
    saved: dict[str, Any] = {}
    name = "unet" if hasattr(pipe, "unet") else "transformer"
    for part in (name, "text_encoder") if text else (name,):
        module, adapter = getattr(pipe, part), f"made_{number}"
        targets = ["q_proj", "v_proj"] if part == "text_encoder" else ["to_q", "to_k", "to_v"]
        config = LoraConfig(r=2, lora_alpha=4, target_modules=targets, init_lora_weights=False)
        module.add_adapter(config, adapter_name=adapter)
        state = get_peft_model_state_dict(module, adapter_name=adapter)
        saved[f"{part}_lora_layers"] = {key: value.contiguous() for key, value in state.items()}
        if number == 0:
            # As training scripts do: the file says that each weight counts alpha / r times.
            saved[f"{part}_lora_adapter_metadata"] = module.peft_config[adapter].to_dict()
    target = folder / f"lora_{number}"
    type(pipe).save_lora_weights(target, **saved, safe_serialization=True)
    return target / "pytorch_lora_weights.safetensors"


def scale(part: Any, weights: Sequence[float]) -> None:
    """Give each LoRA in a part its weight."""
    names = list(part.peft_config)
    if hasattr(part, "set_adapters"):
        part.set_adapters(names, list(weights[: len(names)]))
    else:
        set_adapters_for_text_encoder(names, part, list(weights[: len(names)]))


LORA = [case for case in CASES if case.checkpoint != "svd"]
"""Every case whose pipeline takes LoRAs; another test holds that the others' take none."""


@pytest.fixture(scope="module")
def loras(
    checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], tuple[Path, ...]]:
    """Two LoRAs for the checkpoint of a case, made once; the first is for the text encoder as well where it takes
    one."""
    made: dict[str, tuple[Path, ...]] = {}

    def get(case: Case) -> tuple[Path, ...]:
        if case.checkpoint not in made:
            pipe = pipeline(case, checkpoint(case.checkpoint), torch.float32, checkpoint)
            text = "text_encoder" in pipe._lora_loadable_modules
            folder = tmp_path_factory.mktemp("loras")
            made[case.checkpoint] = tuple(lora_for(pipe, folder, n, text and n == 0) for n in (0, 1))
        return made[case.checkpoint]

    return get


@pytest.mark.parametrize("case", LORA, ids=lambda case: case.name)
def test_loras_change_what_they_change_in_the_plain_pipeline_and_nothing_else(
    case: Case, checkpoint: Callable[[str], Path], loras: Callable[[Case], tuple[Path, ...]]
) -> None:
    folder, paths, weights = checkpoint(case.checkpoint), loras(case), (0.8, -0.5)
    for dtype in ("float32", "bfloat16"):
        bare = model_of(case, folder, checkpoint, dtype=dtype)
        without, _ = ours(bare, case, NEGATIVE)
        pipe = pipeline(case, folder, getattr(torch, dtype), checkpoint)
        for number, path in enumerate(paths):
            pipe.load_lora_weights(str(path), adapter_name=f"lora_{number}")
            if case.checkpoint.endswith("_two"):
                pipe.load_lora_weights(str(path), adapter_name=f"lora_{number}", load_into_transformer_2=True)
        pipe.set_adapters(["lora_0", "lora_1"], list(weights))
        wanted, video = plain(pipe, case, NEGATIVE)
        model = model_of(
            case, folder, checkpoint, dtype=dtype, lora=[[str(p), w] for p, w in zip(paths, weights, strict=True)]
        )
        latents, frames = ours(model, case, NEGATIVE)
        assert torch.equal(latents.tensor, wanted), dtype
        assert np.array_equal(frames, video), dtype
        assert not torch.equal(without.tensor, wanted), dtype
        assert torch.equal(ours(bare, case, NEGATIVE)[0].tensor, without.tensor)
        if dtype == "float32":
            each_counts(pipe, case, weights, wanted)


def each_counts(pipe: Any, case: Case, weights: Sequence[float], wanted: Any) -> None:
    """Nothing that LoRAs change could be left as it is without a change of the latents."""
    changed = {name for name in pipe._lora_loadable_modules if hasattr(getattr(pipe, name, None), "peft_config")}
    second = {"transformer_2"} if case.checkpoint.endswith("_two") else set[str]()
    assert changed == ({"unet", "text_encoder"} if hasattr(pipe, "unet") else {"transformer", *second})
    for part in (getattr(pipe, name) for name in changed):
        for number in range(len(part.peft_config)):
            scale(part, [0 if one == number else weight for one, weight in enumerate(weights)])
            assert not torch.equal(plain(pipe, case, NEGATIVE)[0], wanted), (type(part), number)
        scale(part, weights)


def test_a_lora_that_does_not_fit_is_one_error(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "wan-text")
    other = next(case for case in CASES if case.name == "ltx-text")
    foreign = lora_for(pipeline(other, checkpoint("ltx"), torch.float32, checkpoint), tmp_path)
    pickled = tmp_path / "lora.bin"
    pickled.write_bytes(b"\x80\x04")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"none")
    for path, words in (
        (foreign, "is no LoRA for this Wan checkpoint"),
        (pickled, "is no safetensors file; a LoRA in another format can run code"),
        (damaged, "is no safetensors file; fetch it again"),
        (tmp_path / "gone.safetensors", "There is no LoRA"),
    ):
        model = model_of(case, checkpoint("wan"), checkpoint, lora=[[str(path), 1.0]])
        with pytest.raises(ModelError, match=words) as caught:
            ours(model, case, "")
        assert_one_sentence(caught.value)
    image = next(case for case in CASES if case.name == "svd-image")
    with pytest.raises(ModelError, match="takes no LoRA"):
        ours(model_of(image, checkpoint("svd"), checkpoint, lora=[[str(foreign), 1.0]]), image, "")


def test_a_family_says_of_loras_what_its_pipelines_say() -> None:
    for found in families():
        for kind in found.pipelines.values():
            assert bool(getattr(getattr(diffusers, kind), "_lora_loadable_modules", ())) is found.loras


SCHEDULED = (
    "ltx-text",
    "ltx-image",
    "wan-text",
    "wan-video",
    "cogvideox-text",
    "cogvideox-video",
    "hunyuan-text",
    "animatediff-text",
    "animatediff-video",
    "sparsectrl-image",
)


@pytest.mark.parametrize("name", SCHEDULED)
def test_each_scheduler_that_is_offered_runs_and_gives_a_result_of_its_own(
    name: str, checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    model = model_of(case, checkpoint(case.checkpoint), checkpoint, dtype="float32")
    offered = family(model.family).schedulers
    results = {one: ours(model, case, "", scheduler=one, steps=4)[0].tensor for one in offered}
    for one, result in results.items():
        assert torch.isfinite(result).all()
        # A flow whose scheduler takes it for something else runs away.
        assert result.abs().max() < 50
        for other in results.keys() - {one}:
            # DDIM is Euler's method of the same equation: those two differ in rounding alone.
            assert (result - results[other]).abs().max() > (0 if {one, other} == {"ddim", "euler"} else 1e-4)


@pytest.mark.parametrize(
    ("name", "scheduler", "kind", "told"),
    [
        ("hunyuan-text", "unipc", "UniPCMultistepScheduler", {"flow_shift": 7.0}),
        ("ltx-text", "unipc", "UniPCMultistepScheduler", {"flow_shift": 1.0}),
        ("wan-text", "dpm++", "DPMSolverMultistepScheduler", {"flow_shift": 3.0}),
        ("wan-video", "euler", "FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
        ("cogvideox-video", "dpm++", "CogVideoXDPMScheduler", {}),
        ("animatediff-text", "euler_a", "EulerAncestralDiscreteScheduler", {}),
    ],
)
def test_another_scheduler_is_as_in_a_plain_pipeline_that_was_given_it(
    name: str, scheduler: str, kind: str, told: dict[str, Any], checkpoint: Callable[[str], Path]
) -> None:
    case = named(name)
    folder = checkpoint(case.checkpoint)
    pipe = pipeline(case, folder, torch.float32, checkpoint)
    if "flow_shift" in told:
        told = {**told, "prediction_type": "flow_prediction", "use_flow_sigmas": True}
    pipe.scheduler = getattr(diffusers, kind).from_config(pipe.scheduler.config, **told)
    wanted, _ = plain(pipe, case, "")
    latents, _ = ours(model_of(case, folder, checkpoint, dtype="float32"), case, "", scheduler=scheduler)
    assert torch.equal(latents.tensor, wanted)


def test_a_folder_that_is_no_adapter_is_one_error(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("stable_diffusion")
    for adapter, words in (
        (tmp_path, "is no folder of a motion adapter: it has no config.json"),
        (checkpoint("wan") / "vae", "is no motion adapter for this checkpoint"),
    ):
        model = Model("animatediff", "sd", {}, {"folder": str(folder), "adapter": str(adapter)})
        with pytest.raises(ModelError, match=words) as caught:
            ours(model, named("animatediff-text"), "")
        assert_one_sentence(caught.value)


def test_what_a_checkpoint_cannot_do_is_said_before_it_is_loaded(checkpoint: Callable[[str], Path]) -> None:
    def said(name: str, **given: Any) -> str:
        read = read_checkpoint(checkpoint(name))
        return " ".join(f"{one.message} {one.hint}" for one in family_of(read).wrong(read, Request(**given)))

    def unused(name: str, **given: Any) -> list[str]:
        read = read_checkpoint(checkpoint(name))
        return [f"{one.input}: {one.message} {one.hint}" for one in family_of(read).unused(read, Request(**given))]

    assert said("wan") == said("cogvideox") == said("mochi") == said("hunyuan") == said("animatediff") == ""
    assert said("svd", image=True, conditioning=False) == said("wan_image", image=True) == ""
    assert "takes no prompt, only an image" in said("svd", image=True)
    assert "makes a video from an image, not from a prompt alone" in said("wan_image")
    assert "makes a video from an image, not from a prompt alone" in said("cogvideox_image")
    assert "not from an image" in said("mochi", image=True)
    assert "not from a video" in said("wan_two", video=True)
    assert "Set it to 7 or 13" in said("mochi", frames=9)
    assert "makes 163 frames at most" in said("mochi", frames=169)
    assert "Set it to 16 or 32" in said("wan", width=30)
    assert "Set it to 1280 or 1312" in said("wan_5b", width=1290)
    assert "know 8 frames, not 9" in said("animatediff", frames=9)
    assert "Its schedulers are ddim, dpm++" in said("cogvideox", scheduler="euler")
    assert "not from an image" in said("animatediff", image=True)
    assert said("sparsectrl", image=True) == ""
    assert "leaves none of the 2 steps. Set it to at least 0.5" in said("wan", video=True, steps=2, strength=0.4)
    assert unused("wan", strength=0.5, extra={"motion_bucket_id": 3}) == [
        "motion_bucket_id: Wan does not use motion_bucket_id. Leave it empty.",
        "strength: A strength counts only where a video or latents are the start. Leave it empty.",
    ]
    assert unused("ltx", strength=0.5) == ["strength: LTX-Video does not use strength. Leave it empty."]
    assert unused("wan", extra={"guidance_2": 3.0}) == ["guidance_2: Wan does not use guidance_2. Leave it empty."]
    assert unused("wan_two", extra={"guidance_2": 3.0}) == []
    assert unused("wan", video=True, frames=5) == [
        "frames: The video decides the frames. Leave it empty, or trim the video."
    ]
    assert unused("wan", latents=True, height=16) == ["height: The latents decide the height. Leave it empty."]
    assert unused("wan", latents=True, image=True, height=16) == []
    assert unused("wan", cache="pyramid", cache_threshold=0.1) == [
        "cache_threshold: A cache_threshold counts only with the cache first_block. Set that, or leave it empty."
    ]
    assert unused("wan", cache="first_block", cache_threshold=0.1) == []
    assert unused("svd", cache_threshold=0.1) == [
        "cache_threshold: Stable Video Diffusion does not use cache_threshold. Leave it empty."
    ]
    read = read_checkpoint(checkpoint("stable_diffusion"))
    assert "Give the folder of an AnimateDiff motion adapter" in family_of(read).incomplete(read, {}).hint
    assert family_of(read).incomplete(read, {"adapter": str(checkpoint("motion_adapter"))}) is None
    with pytest.raises(ModelError, match="only with a motion adapter"):
        ours(Model("animatediff", "sd", {}, {"folder": str(read.folder)}), named("animatediff-text"), "")


def test_a_negative_prompt_counts_where_the_model_card_says_so(checkpoint: Callable[[str], Path]) -> None:
    def counts(name: str, **given: Any) -> bool:
        read = read_checkpoint(checkpoint(name))
        return family_of(read).heeds_negative(read, Request(**given))

    assert counts("wan")
    assert not counts("wan", guidance=1.0)
    assert not counts("hunyuan")
    assert not counts("hunyuan", guidance=9.0)
    assert counts("hunyuan", extra={"true_cfg": 2.0})
    assert not counts("svd")


def test_what_is_left_empty_is_the_familys_own(checkpoint: Callable[[str], Path]) -> None:
    def own(name: str, **given: Any) -> tuple[Any, ...]:
        read = read_checkpoint(checkpoint(name))
        done = family_of(read).completed(read, Request(**given))
        rate = family_of(read).rules(read).rate
        return (done.width, done.height, done.frames, done.steps, done.guidance, rate, dict(done.extra))

    assert own("wan") == (832, 480, 81, 50, 5.0, 16, {})
    assert own("wan_two") == (1280, 720, 81, 40, 4.0, 16, {"guidance_2": 3.0})
    assert own("wan_two", guidance=2.0)[4:] == (2.0, 16, {"guidance_2": 2.0})
    assert own("wan_image_two", image=True)[4:] == (3.5, 16, {"guidance_2": 3.5})
    assert own("wan_5b") == (1280, 704, 121, 50, 5.0, 24, {})
    assert own("cogvideox") == (720, 480, 49, 50, 6.0, 8, {})
    assert own("cogvideox_15") == (1360, 768, 81, 50, 6.0, 16, {})
    assert own("ltx") == (704, 512, 161, 50, 3.0, 25, {})
    assert own("hunyuan") == (1280, 720, 129, 50, 6.0, 24, {"true_cfg": 1.0})
    assert own("mochi") == (848, 480, 85, 64, 4.5, 30, {})
    assert own("svd") == (1024, 576, 3, 25, 3.0, 7, {"motion_bucket_id": 127, "noise_aug_strength": 0.02})
    assert own("animatediff") == (512, 512, 16, 25, 7.5, 8, {})
