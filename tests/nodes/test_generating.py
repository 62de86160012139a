"""Generating in a graph, on tiny checkpoints: what is checked, made, kept and said."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import vidflow
from tests.engine.conftest import graph, registry
from tests.models.tiny import build, words
from tests.nodes.material import film, write_film
from vidflow.engine.lanes import current_lane
from vidflow.errors import GraphError, NodeError, RunError
from vidflow.places import resource

torch = pytest.importorskip("torch")

from vidflow.models.preview import Preview  # noqa: E402


def clip(folder: Path) -> Path:
    """A model with CLIP's two encoders, as transformers saves it."""
    import transformers

    encoder = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**encoder, "vocab_size": 64, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    vision = {**encoder, "image_size": 32, "patch_size": 8}
    torch.manual_seed(3)
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    transformers.CLIPModel(config).save_pretrained(folder)
    words("clip").save_pretrained(folder)
    transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint, made once."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp("models") / name
            made[name] = clip(folder) if name == "clip" else build(name, folder)
        return made[name]

    return get


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[vidflow.Engine]:
    made = vidflow.Engine(store=tmp_path / "store", device="cpu")
    yield made
    made.close()


def text_graph(model: Path, **sampling: Any) -> dict[str, Any]:
    """Prompt to video with tiny sizes."""
    settings = {"width": 32, "height": 32, "frames": 5, "steps": 2, **sampling}
    return {
        "vidflow": 1,
        "nodes": {
            "model": {"type": "load_model", "inputs": {"model": str(model)}},
            "prompt": {"type": "build_prompt", "inputs": {"scene": "a cat walks", "negative": "blurry"}},
            "words": {"type": "encode_text", "inputs": {"model": {"from": "model"}, "prompt": {"from": "prompt"}}},
            "shot": {
                "type": "sample",
                "inputs": {"model": {"from": "model"}, "conditioning": {"from": "words"}, **settings},
            },
            "film": {"type": "decode_latents", "inputs": {"model": {"from": "model"}, "latents": {"from": "shot"}}},
        },
    }


def image_graph(model: Path, **sampling: Any) -> dict[str, Any]:
    """A still to video with tiny sizes."""
    settings = {"width": 32, "height": 32, "frames": 3, "steps": 2, **sampling}
    return {
        "vidflow": 1,
        "nodes": {
            "model": {"type": "load_model", "inputs": {"model": str(model)}},
            "still": {"type": "load_image", "inputs": {"path": "resources:media/mountains.jpg"}},
            "shot": {"type": "sample", "inputs": {"model": {"from": "model"}, "image": {"from": "still"}, **settings}},
            "film": {"type": "decode_latents", "inputs": {"model": {"from": "model"}, "latents": {"from": "shot"}}},
        },
    }


def problems(engine: vidflow.Engine, graph: dict[str, Any]) -> list[str]:
    """What keeps a graph from running."""
    with pytest.raises(GraphError) as caught:
        engine.submit(graph)
    return [str(problem) for problem in caught.value.problems]


def test_a_graph_makes_what_the_plain_pipeline_makes(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    import diffusers

    result = engine.submit(text_graph(tiny("wan"), seed=7)).result()
    pipe = diffusers.WanPipeline.from_pretrained(tiny("wan"))
    pipe.set_progress_bar_config(disable=True)
    plain = pipe(
        prompt="a cat walks",
        negative_prompt="blurry",
        width=32,
        height=32,
        num_frames=5,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
    ).frames[0]
    film = result["film"]
    assert (film.info.width, film.info.height, film.info.frames, film.info.rate) == (32, 32, 5, Fraction(16))
    frames = np.concatenate([run.numpy() for run in film.read()])
    # A dear node's frames are rounded to 16 bits.
    assert np.abs(frames - plain).max() <= 1 / 65535
    assert frames.std() > 0.01


def test_another_seed_makes_another_film_and_encodes_nothing_again(
    engine: vidflow.Engine, tiny: Callable[[str], Path]
) -> None:
    engine.submit(text_graph(tiny("wan"), seed=1)).result()
    request = engine.submit(text_graph(tiny("wan"), seed=2))
    kept = {event.node: event.kept for event in request if type(event).__name__ == "NodeFinished"}
    assert kept["words"]
    assert not kept["shot"]
    one, two = (engine.submit(text_graph(tiny("wan"), seed=seed)).result()["shot"].tensor for seed in (1, 2))
    assert not torch.equal(one, two)


def test_a_folder_of_stills_loads_the_model_once(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from vidflow.models.residency import RESIDENT

    RESIDENT.release()
    before = RESIDENT.loads
    stills = [str(resource(f"media/{name}")) for name in ("mountains.jpg", "moon.png", "ribbons.png")]
    for name in stills[:2]:
        # The same pictures upside down, which are others.
        turned = tmp_path / f"turned-{Path(name).name}"
        assert cv2.imwrite(str(turned), cv2.rotate(cv2.imread(name), cv2.ROTATE_180))
        stills.append(str(turned))
    request = engine.submit(image_graph(tiny("svd")), each={"still.path": stills})
    request.result()
    # The UNet, the scheduler, the VAE, the image encoder and what prepares its input.
    assert RESIDENT.loads - before == 5


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("wan", {"frames": 6}, "shot.frames: Wan makes 4 k + 1 frames, not 6. Set it to 5 or 9."),
        ("wan", {"width": 40}, "shot.width: Wan needs a width that 16 divides, not 40. Set it to 32 or 48."),
        ("wan", {"scheduler": "magic"}, "shot.scheduler: Wan has no scheduler 'magic'."),
        ("svd", {}, "takes no prompt"),
        ("clip", {}, "CLIP makes no video"),
    ],
)
def test_what_a_family_cannot_do_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], model: str, settings: dict[str, Any], said: str
) -> None:
    assert any(said in one for one in problems(engine, text_graph(tiny(model), **settings)))


def test_an_image_for_a_model_that_takes_none_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path]
) -> None:
    said = " ".join(problems(engine, image_graph(tiny("wan"), frames=5)))
    assert "makes a video from a prompt alone or a video, not from an image" in said
    assert "needs a prompt" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("org/nothing", "'vidflow models fetch org/nothing' fetches it"),
        ("nothing", "There is no model 'nothing'"),
    ],
)
def test_a_model_that_is_not_here_is_named_with_how_to_get_it(engine: vidflow.Engine, name: str, said: str) -> None:
    graph = text_graph(Path("unused"))
    graph["nodes"]["model"]["inputs"]["model"] = name
    assert any(one.startswith("model.model: ") and said in one for one in problems(engine, graph))


def test_a_model_that_is_larger_than_the_memory_here_is_a_note(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    import json

    from vidflow.graph.check import check
    from vidflow.graph.files import from_mapping
    from vidflow.graph.paths import paths_for

    folder = shutil.copytree(tiny("wan"), tmp_path / "large")
    said = json.dumps({"large": {"dtype": "BF16", "shape": [10**6, 10**8], "data_offsets": [0, 0]}}).encode()
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(len(said).to_bytes(8, "little") + said)
    checked = check(from_mapping(text_graph(folder)), engine.registry, paths_for(None, tmp_path, ()))
    assert [problem.code for problem in checked.problems] == ["large-model"]
    assert checked.problems[0].message.startswith("Its weights take 200000.0 GB, and this machine has ")


def test_a_checkpoint_of_pickles_is_refused(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("wan"), tmp_path / "pickled")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    assert any("pickled weights only" in one for one in problems(engine, text_graph(folder)))


def test_words_that_the_model_does_not_know_are_a_note(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    graph = text_graph(tiny("wan"))
    for scene, note in (("a cat juggles", ("wan does not know juggles; it goes by the other words.",)), ("a cat", ())):
        graph["nodes"]["prompt"]["inputs"]["scene"] = scene
        request = engine.submit(graph)
        notes = {event.node: event.notes for event in request if type(event).__name__ == "NodeFinished"}
        assert notes["words"] == note


def test_a_setting_that_means_nothing_here_is_a_note(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    request = engine.submit(text_graph(tiny("wan"), motion_bucket_id=100))
    notes = {event.node: event.notes for event in request if type(event).__name__ == "NodeFinished"}
    assert notes["shot"] == ("Wan does not use motion_bucket_id.",)


def noted(engine: vidflow.Engine, graph: dict[str, Any], tmp_path: Path) -> list[tuple[str | None, str]]:
    """The codes of what a check says of a graph that can run, by node."""
    from vidflow.graph.check import check
    from vidflow.graph.files import from_mapping
    from vidflow.graph.paths import paths_for

    found = check(from_mapping(graph), engine.registry, paths_for(None, tmp_path, ()))
    assert not found.errors
    return [(problem.node, problem.code) for problem in found.problems]


def test_a_negative_prompt_that_does_not_count_is_a_note(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    assert noted(engine, text_graph(tiny("wan"), guidance=5), tmp_path) == []
    assert noted(engine, text_graph(tiny("wan"), guidance=1), tmp_path) == [("shot", "unused-negative")]


def test_a_checkpoint_for_pictures_needs_an_adapter(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    said = problems(engine, text_graph(tiny("stable_diffusion"), frames=4))
    assert any(one.startswith("model.adapter: ") and "makes pictures" in one for one in said)


def test_a_model_is_found_where_it_lies_now(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(tiny("wan"), here)
    engine.submit(text_graph(here, seed=1)).result()
    here.rename(there)
    # The same files, so the same key; what is kept must not lead to the old place.
    assert engine.submit(text_graph(there, seed=2)).result()["film"].info.frames == 5


def test_values_that_are_no_numbers_are_an_error_that_names_the_step(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny("wan"), tmp_path / "broken")
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if name.endswith("proj_out.weight"))
    tensors[name][:] = float("nan")
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(RunError, match=r"shot: Step 1 gave values that are no numbers"):
        engine.submit(text_graph(folder)).result()


def progress(events: Iterable[Any]) -> list[Any]:
    """What is said of the steps of `shot`."""
    return [event for event in events if type(event).__name__ == "NodeProgress" and event.node == "shot"]


def test_a_sampler_that_is_watched_shows_a_picture_of_each_step(
    engine: vidflow.Engine, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, read = Preview.__call__, threading.Semaphore()

    def when_the_last_was_read(self: Preview, latents: Any) -> Any:
        assert read.acquire(timeout=20)
        return picture(self, latents)

    monkeypatch.setattr(Preview, "__call__", when_the_last_was_read)
    request = engine.submit(text_graph(tiny("wan"), seed=5, steps=5))
    request.watch("shot")
    prompt, late = request.events(), request.events()
    shown: list[Any] = []
    for event in prompt:
        if progress([event]) and event.preview is not None:
            shown.append(event)
            read.release()
    assert [(event.step, event.total) for event in shown] == [(step, 5) for step in (1, 2, 3, 4, 5)]
    assert {(event.preview.dtype.name, event.preview.shape) for event in shown} == {("uint8", (4, 4, 3))}
    assert all((one.preview != other.preview).any() for one, other in pairwise(shown))
    # Who reads only now gets the last one, as it was.
    assert progress(late.drain()) == shown[-1:]


def test_a_sampler_that_nobody_watches_makes_no_pictures(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    events = progress(engine.submit(text_graph(tiny("wan"), seed=6, steps=3)))
    assert events
    assert all(event.preview is None for event in events)


def test_what_is_more_urgent_comes_between_two_steps_and_changes_nothing(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 40
    shot = text_graph(tiny("wan"), seed=5, steps=steps)
    frames = graph(bars=("lab.bars", {}), tinted=("lab.gpu_tint", {"frame": "@bars", "by": 3}))
    with vidflow.Engine(tmp_path / "alone", device="cpu", registry=registry()) as engine:
        wanted = engine.submit(shot, only=["shot"]).result()["shot"].tensor.clone()
    picture, all_came = Preview.__call__, threading.Event()

    def when_something_waits(self: Preview, latents: Any) -> Any:
        lane = current_lane()
        assert lane is not None
        while lane.most_urgent == float("-inf") and not all_came.is_set():
            time.sleep(0.001)
        return picture(self, latents)

    monkeypatch.setattr(Preview, "__call__", when_something_waits)
    with vidflow.Engine(tmp_path / "beside", device="cpu", registry=registry()) as engine:
        request = engine.submit(shot, only=["shot"], watch=True)
        events = request.events()
        try:
            for seed in range(3):
                # Cheap frames, and another film by the same model, sampled and decoded.
                for other, node in ((frames, "tinted"), (text_graph(tiny("wan"), seed=seed, steps=1), "film")):
                    assert len(engine.read(other, node, 1, 2)) == 1
                    assert all(event.step < steps for event in progress(events.drain()))
        finally:
            all_came.set()
        assert torch.equal(request.result()["shot"].tensor, wanted)


def test_a_cancelled_run_leaves_an_engine_that_samples(engine: vidflow.Engine, tiny: Callable[[str], Path]) -> None:
    engine.submit(text_graph(tiny("wan"), seed=1, steps=1)).result()
    request = engine.submit(text_graph(tiny("wan"), seed=3, steps=500))
    for event in request:
        if type(event).__name__ == "NodeProgress" and event.node == "shot":
            assert event.total == 500
            request.cancel()
            break
    assert request.wait(1)
    assert engine.submit(text_graph(tiny("wan"), seed=4)).result()["film"].info.frames == 5


def test_how_well_a_video_fits_its_prompt_is_what_transformers_says(
    engine: vidflow.Engine, tiny: Callable[[str], Path]
) -> None:
    import transformers
    from PIL import Image

    folder = tiny("clip")
    graph = {
        "vidflow": 1,
        "nodes": {
            "clip": {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}},
            "short": {"type": "trim", "inputs": {"video": {"from": "clip"}, "end": 16, "unit": "frames"}},
            "prompt": {"type": "build_prompt", "inputs": {"scene": "a calm sea"}},
            "model": {"type": "load_model", "inputs": {"model": str(folder)}},
            "score": {
                "type": "score_quality",
                "inputs": {
                    "video": {"from": "short"},
                    "prompt": {"from": "prompt"},
                    "model": {"from": "model"},
                    "analysis_size": "256",
                },
            },
        },
    }
    report = engine.submit(graph).result()["score"]
    video = engine.submit(graph, only=["short"]).result()["short"]
    pictures = [Image.fromarray(video.frame(2 * k + 1)) for k in range(8)]
    clip = transformers.CLIPModel.from_pretrained(folder).eval()
    words = transformers.CLIPTokenizer.from_pretrained(folder)(["a calm sea"], return_tensors="pt")
    pixels = transformers.AutoImageProcessor.from_pretrained(folder)(images=pictures, return_tensors="pt")
    with torch.inference_mode():
        found = clip(**words, **pixels)
    mean = float((found.image_embeds @ found.text_embeds.T).mean())
    assert report["scores"]["prompt_alignment"] == pytest.approx(min(1, max(0, 2.5 * mean)), abs=1e-5)
    assert report["not_measured"] == {}


def test_cancelling_while_a_model_loads_ends_the_request_at_once(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    import json

    from vidflow.models import families
    from vidflow.models.families.wan import Wan

    entered, let = threading.Event(), threading.Event()

    class Slow(Wan):
        """A family whose parts take long to prepare, in a call that cannot be cut."""

        name = "slow"
        saved_as = frozenset({"SlowPipeline"})

        def prepared(self, name: str, part: Any, settings: Any) -> Any:
            entered.set()
            let.wait(20)
            return part

    folder = shutil.copytree(tiny("wan"), tmp_path / "slow")
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": "SlowPipeline"}))
    families.add(Slow())
    try:
        request = engine.submit(text_graph(folder))
        assert entered.wait(30)
        began = time.monotonic()
        request.cancel()
        assert request.wait(1), "the cancelled request waits for the library"
        assert time.monotonic() - began < 1
        let.set()
        assert engine.submit(text_graph(tiny("wan"))).result()["film"].info.frames == 5
    finally:
        let.set()
        del families._FOUND["slow"]


def test_where_weights_lie_is_no_reason_to_make_anything_again(
    engine: vidflow.Engine, tiny: Callable[[str], Path]
) -> None:
    def kept(memory: str) -> bool:
        graph = text_graph(tiny("wan"), seed=11)
        graph["nodes"]["model"]["inputs"]["memory"] = memory
        request = engine.submit(graph)
        found = {event.node: event.kept for event in request if type(event).__name__ == "NodeFinished"}
        return found.get("shot", True)  # nothing asks for it where the film is kept

    assert [kept(memory) for memory in ("auto", "offload", "gpu", "low", "low")] == [False, True, True, False, True]


def test_a_graph_says_what_the_speed_of_a_family_leaves_unused(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    assert noted(engine, text_graph(tiny("wan"), cache="first_block", compiled=True), tmp_path) == []
    assert noted(engine, image_graph(tiny("svd"), cache="faster"), tmp_path) == [("shot", "unused-setting")]
    assert problems(engine, text_graph(tiny("wan"), cache="faster"))[0].startswith("shot.cache: Wan has no cache")
    said = problems(engine, text_graph(tiny("wan"), attention="flash_3"))
    assert said[0].startswith("shot.attention: Attention 'flash_3' needs the Python package flash_attn_interface")
    request = engine.submit(text_graph(tiny("wan_deep"), cache="first_block", cache_threshold=0.2, steps=4))
    assert request.result()["film"].info.frames == 5


def test_a_denoiser_in_a_file_of_its_own_is_checked_and_part_of_the_key(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    path = tmp_path / "mine.safetensors"
    state = load_file(next((tiny("wan") / "transformer").glob("*.safetensors")))

    def graph(*files: Path) -> dict[str, Any]:
        made = text_graph(tiny("wan"), seed=12)
        made["nodes"]["model"]["inputs"]["denoiser"] = [str(file) for file in files]
        return made

    results: list[Any] = []
    for more in (0, 0.05):
        save_file({name: tensor + more for name, tensor in state.items()}, path)
        results.append(engine.submit(graph(path)).result()["shot"].tensor)
    plain = engine.submit(text_graph(tiny("wan"), seed=12)).result()["shot"].tensor
    # The same numbers lie elsewhere in memory, where other kernels may sum in another order.
    assert torch.allclose(results[0], plain, atol=1e-4)
    assert not torch.allclose(results[1], plain, atol=1e-4)
    pickled = tmp_path / "mine.bin"
    pickled.write_bytes(b"\x80\x04")
    assert "is neither a safetensors nor a GGUF file" in problems(engine, graph(pickled))[0]
    assert "There are 3 files for 2" in problems(engine, graph(path, path, path))[0]
    foreign = next((tiny("ltx") / "transformer").glob("*.safetensors"))
    (said,) = problems(engine, graph(foreign))
    assert said.startswith(f"model.denoiser: {foreign} is no transformer for this Wan checkpoint: ")
    assert said.endswith("Give a file of the same model, or leave it empty.")
    # A path that another node computes is known late.
    spec = engine.registry.get("load_model")
    assert spec is not None
    with pytest.raises(NodeError, match="is no transformer for this Wan checkpoint"):
        spec.function(model=str(tiny("wan")), denoiser=[str(foreign)], run=None)


def test_a_part_of_another_class_than_the_checkpoint_names_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("wan"), tmp_path / "mixed")
    shutil.rmtree(folder / "vae")
    shutil.copytree(tiny("ltx") / "vae", folder / "vae")
    (said,) = problems(engine, text_graph(folder))
    index = folder / "model_index.json"
    assert said == (
        f"model.model: {folder / 'vae'} is of the class AutoencoderKLLTXVideo, where {index} names AutoencoderKLWan; "
        "fetch it again."
    )


@pytest.mark.parametrize(("memory", "said"), [("auto", "layer by layer"), ("gpu", "Set memory to low"), ("low", None)])
def test_a_part_that_is_larger_than_the_gpu_is_a_note(
    engine: vidflow.Engine,
    tiny: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    memory: str,
    said: str | None,
) -> None:
    from vidflow.graph.check import check
    from vidflow.graph.files import from_mapping
    from vidflow.graph.paths import paths_for
    from vidflow.models import machine

    assert machine.memory() > 2**28
    monkeypatch.setattr(machine, "gpu_memory", lambda: 10_000)
    graph = text_graph(tiny("wan"))
    graph["nodes"]["model"]["inputs"]["memory"] = memory
    found = check(from_mapping(graph), engine.registry, paths_for(None, tmp_path, ())).problems
    assert [said in f"{problem.message} {problem.hint}" for problem in found] == ([True] if said else [])


CANCELLED = """
import gc, sys, vidflow, json, torch
from vidflow import heap
heap.steady()
torch.set_num_threads(1)
graph = json.loads(sys.argv[1])

def used():
    gc.collect()
    heap.trim()
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0]) / 1024

with vidflow.Engine(store=sys.argv[2], device="cpu") as engine:
    sizes = []
    for seed in range(25):
        graph["nodes"]["shot"]["inputs"]["seed"] = seed
        request = engine.submit(graph)
        for event in request:
            if getattr(event, "total", 0) == 500 and event.step >= 3:
                request.cancel()
                break
        assert request.wait(1)
        sizes.append(used())
print(json.dumps(sizes))
"""


def test_twenty_cancelled_runs_leave_memory_where_it_was(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    graph = text_graph(tiny("wan"), steps=500, width=128, height=128)
    command = [sys.executable, "-c", CANCELLED, json.dumps(graph), str(tmp_path / "store")]
    sizes = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    later = sizes[4:]
    rises = sorted(after - before for before, after in pairwise(later))
    # Once or twice something is loaded for the first time, when the clock wants it; what leaks rises again and again.
    assert sum(rises[:-2]) < 1, sizes
    assert later[-1] - later[0] < 10, sizes


CHECKED = """
import sys, time
began = time.perf_counter()
from vidflow.cli import main
try:
    status = main(["check", sys.argv[1]])
except SystemExit as ended:
    status = ended.code
print(time.perf_counter() - began, file=sys.stderr)
assert not {"torch", "diffusers", "transformers", "numpy"} & set(sys.modules)
sys.exit(status)
"""


def test_a_check_imports_no_torch_and_is_quick(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    graph, made = tmp_path / "film.json", text_graph(tiny("wan"))
    made["nodes"]["model"]["inputs"]["denoiser"] = str(next((tiny("wan") / "transformer").glob("*.safetensors")))
    graph.write_text(json.dumps(made))
    command = [sys.executable, "-c", CHECKED, str(graph)]
    times: list[float] = []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        times.append(float(done.stderr.splitlines()[-1]))
    assert min(times) < 0.6


def test_loras_that_do_not_fit_are_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    def lora(name: str, *modules: str) -> Path:
        path = tmp_path / name
        ends = ("lora_A.weight", "lora_B.weight")
        save_file({f"transformer.{one}.{end}": torch.zeros(2, 2) for one in modules for end in ends}, path)
        return path

    def said(model: str, *paths: Path, weights: tuple[float, ...] = ()) -> list[str]:
        graph = text_graph(tiny(model)) if model != "svd" else image_graph(tiny(model))
        inputs: dict[str, Any] = {"lora": [str(path) for path in paths], "lora_weights": list(weights)}
        graph["nodes"]["model"]["inputs"] |= inputs
        return problems(engine, graph)

    good = lora("good.safetensors", "blocks.0.attn1.to_q", "blocks.0.attn1.to_v")
    foreign = lora("foreign.safetensors", "transformer_blocks.0.attn1.to_q", "transformer_blocks.0.attn1.to_v")
    pickled = tmp_path / "lora.bin"
    pickled.write_bytes(b"\x80\x04")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"none")
    assert "is no LoRA for this Wan checkpoint: it changes transformer_blocks.0.attn1.to_q" in said("wan", foreign)[0]
    assert "takes no LoRA" in said("svd", good)[0]
    weights = next((tiny("wan") / "vae").glob("*.safetensors"))
    assert said("wan", weights) == [f"model.lora: {weights} holds no LoRA."]
    assert "in another format can run code" in said("wan", pickled)[0]
    assert "is no safetensors file; fetch it again" in said("wan", broken)[0]
    assert "There are 2 weights for 1 LoRAs." in said("wan", good, weights=(1, 2))[0]
    graph = text_graph(tiny("wan"))
    graph["nodes"]["model"]["inputs"]["lora"] = [str(good)]
    assert noted(engine, graph, tmp_path) == []


def test_what_belongs_to_different_models_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path]
) -> None:
    graph = text_graph(tiny("wan"))
    graph["nodes"]["other"] = {"type": "load_model", "inputs": {"model": str(tiny("ltx"))}}
    graph["nodes"]["words"]["inputs"]["model"] = {"from": "other"}
    graph["nodes"]["film"]["inputs"]["model"] = {"from": "other"}
    said = problems(engine, graph)
    assert any("The prompt is encoded by LTX-Video, but this model is Wan." in one for one in said)
    assert any("These latents are made by Wan, but this model is LTX-Video." in one for one in said)


def test_an_adapter_is_checked_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    def graph(model: str, adapter: str, **sampling: Any) -> dict[str, Any]:
        made = text_graph(tiny(model), **sampling)
        made["nodes"]["model"]["inputs"]["adapter"] = adapter
        return made

    good = str(tiny("motion_adapter"))
    assert noted(engine, graph("stable_diffusion", good, frames=8), tmp_path) == []
    assert "know 8 frames, not 9" in problems(engine, graph("stable_diffusion", good, frames=9))[0]
    assert "is no motion adapter" in problems(engine, graph("stable_diffusion", str(tiny("svd")), frames=8))[0]
    absent = problems(engine, graph("stable_diffusion", "org/none", frames=8))[0]
    assert absent.startswith("model.adapter: ")
    assert "'vidflow models fetch org/none' fetches it" in absent
    assert noted(engine, graph("wan", good), tmp_path) == [("model", "unused-setting")]


def test_a_file_of_weights_that_is_cut_short_is_a_problem_like_others(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("wan"), tmp_path / "cut")
    weights = next((folder / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    said = problems(engine, text_graph(folder))
    assert said[0].startswith("model.model: ")
    assert "is cut short; it was fetched in half. Fetch it again." in said[0]


@pytest.mark.parametrize("part", ["transformer", "vae"])
def test_a_checkpoint_without_what_it_samples_with_was_fetched_in_half(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path, part: str
) -> None:
    import json

    folder = shutil.copytree(tiny("ltx"), tmp_path / "half")
    index = folder / "model_index.json"
    index.write_text(json.dumps({name: one for name, one in json.loads(index.read_text()).items() if name != part}))
    said = problems(engine, text_graph(folder, frames=9))
    assert said[0].startswith("model.model: ")
    assert f"has no {part}; it was fetched in half. Fetch it again." in said[0]


def test_a_still_is_fitted_by_cutting_off_what_stands_out(engine: vidflow.Engine, tmp_path: Path) -> None:
    from vidflow.api import models

    picture = np.zeros((40, 120, 3), np.uint8)
    picture[:, :40], picture[:, 80:] = (255, 0, 0), (0, 0, 255)
    path = tmp_path / "wide.png"
    assert cv2.imwrite(str(path), picture[..., ::-1])
    graph = {"vidflow": 1, "nodes": {"still": {"type": "load_image", "inputs": {"path": str(path)}}}}
    still = engine.submit(graph).result()["still"]
    spec = engine.registry.get("sample")
    assert spec is not None
    start = spec.function.__globals__["_start"](still, models.family.Request(width=32, height=32))
    assert [one.shape for one in start] == [(32, 32, 3)]
    # The middle third, of which nothing is coloured.
    assert start[0].max() <= 8


def test_an_image_that_is_none_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    text = tmp_path / "words.png"
    text.write_text("no picture")
    for path in (text, resource("media/sea.mp4")):
        graph = image_graph(tiny("svd"))
        graph["nodes"]["still"]["inputs"]["path"] = str(path)
        assert problems(engine, graph)[0].startswith(f"still.path: {path}: this is no picture that can be read.")


def video_graph(model: Path, clip: Path, **sampling: Any) -> dict[str, Any]:
    """A clip to video, once from its frames and once from its latents."""
    graph = text_graph(model)
    nodes = graph["nodes"]
    settings = {"strength": 0.6, "steps": 4, "seed": 3, **sampling}
    given = {"model": {"from": "model"}, "conditioning": {"from": "words"}, **settings}
    size = {"width": 32, "height": 16}
    nodes["clip"] = {"type": "load_video", "inputs": {"path": str(clip)}}
    nodes["start"] = {"type": "encode_video", "inputs": {"model": {"from": "model"}, "video": {"from": "clip"}}}
    nodes["shot"]["inputs"] = {**given, **size, "video": {"from": "clip"}}
    nodes["again"] = {"type": "sample", "inputs": {**given, "latents": {"from": "start"}}}
    nodes["second"] = {"type": "sample", "inputs": {**given, "latents": {"from": "again"}}}
    nodes["last"] = {
        "type": "decode_latents",
        "inputs": {"model": {"from": "model"}, "latents": {"from": "second"}},
    }
    return graph


@pytest.fixture
def clip_of_nine(tmp_path: Path) -> Path:
    """Nine frames of 32 x 16."""
    return write_film(tmp_path / "nine.mkv", film(9, 32, 16, silent=True))


def test_a_sampler_starts_from_latents_as_from_their_video(
    engine: vidflow.Engine, tiny: Callable[[str], Path], clip_of_nine: Path
) -> None:
    result = engine.submit(video_graph(tiny("wan"), clip_of_nine)).result()
    assert torch.equal(torch.as_tensor(result["again"].tensor), torch.as_tensor(result["shot"].tensor))
    assert not torch.equal(torch.as_tensor(result["second"].tensor), torch.as_tensor(result["again"].tensor))
    info = result["last"].info
    assert (info.width, info.height, info.frames) == (32, 16, 9)


def test_what_latents_rule_out_in_a_graph_is_said_before_the_run(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path, clip_of_nine: Path
) -> None:
    graph = video_graph(tiny("wan"), clip_of_nine)
    graph["nodes"]["again"]["inputs"] |= {"width": 33, "height": 16, "frames": 6}
    assert noted(engine, graph, tmp_path) == [("again", "unused-setting")] * 3
    graph["nodes"]["again"]["inputs"] |= {"video": {"from": "clip"}}
    assert problems(engine, graph) == [
        "again.latents: There is a video and latents; a sampler starts from one of them. Take the others away."
    ]
    graph = video_graph(tiny("wan"), clip_of_nine)
    graph["nodes"]["other"] = {"type": "load_model", "inputs": {"model": str(tiny("cogvideox"))}}
    graph["nodes"]["start"]["inputs"]["model"] = {"from": "other"}
    (said,) = problems(engine, graph)
    assert said.startswith("again.latents: These latents are made by CogVideoX, but this model is Wan.")


def test_a_revision_of_what_is_not_of_the_hub_is_a_note(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    graph = text_graph(tiny("wan"))
    graph["nodes"]["model"]["inputs"]["revision"] = "main"
    assert noted(engine, graph, tmp_path) == [("model", "unused-setting")]


def test_an_image_in_the_place_of_a_video_is_a_note(
    engine: vidflow.Engine, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    graph = text_graph(tiny("wan"), strength=0.8)
    graph["nodes"]["shot"]["inputs"] |= {"frames": None, "video": {"from": "small"}}
    graph["nodes"]["still"] = {"type": "load_image", "inputs": {"path": "resources:media/mountains.jpg"}}
    graph["nodes"]["small"] = {"type": "resize", "inputs": {"video": {"from": "still"}, "width": 32, "height": 32}}
    assert noted(engine, graph, tmp_path) == [("shot", "image-as-video")]
    graph["nodes"]["still"] = {"type": "load_video", "inputs": {"path": "resources:media/sea.mp4"}}
    assert noted(engine, graph, tmp_path) == []
