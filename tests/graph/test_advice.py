"""What check advises: what tends to go wrong with generated film, said as notes that change nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from vidflow.api import (
    Conditioning,
    File,
    Frame,
    Image,
    Latents,
    Model,
    NodeError,
    OutputFile,
    Prompt,
    Report,
    Video,
    node,
)
from vidflow.errors import Problem
from vidflow.graph import Paths, advice, check, from_mapping
from vidflow.nodespec.registry import Registry
from vidflow.nodespec.signature import read_node

# Stand-ins with the names and inputs of the core pack: nothing here runs.


@node(title="Load video", category="Test")
def load_video(*, path: Annotated[str, File("video")]) -> Video:
    raise NodeError(path)


@node(title="Load image", category="Test")
def load_image(*, path: Annotated[str, File("image")]) -> Image:
    raise NodeError(path)


@node(title="Text", category="Test")
def text(*, value: str = "") -> str:
    return value


@node(title="Trim", category="Test")
def trim(video: Video, *, start: float = 0.0, end: float | None = None) -> Video:
    raise NodeError(f"{start} {end}")


@node(title="Grade", category="Test")
def grade(video: Video, *, exposure: float = 0.0) -> Video:
    raise NodeError(str(exposure))


@node(title="Overlay text", category="Test")
def overlay_text(video: Video, *, text: str = "") -> Video:
    raise NodeError(text)


@node(title="Harmonise colour", category="Test")
def harmonise_colour(video: Video, reference: Video) -> Video:
    raise NodeError(str(reference))


@node(title="Concat", category="Test")
def concat(videos: list[Video]) -> Video:
    raise NodeError(str(videos))


@node(title="Pick best", category="Test")
def pick_best(videos: list[Video], reports: list[Report]) -> Video:
    raise NodeError(str(reports))


@node(title="Score", category="Test")
def score_quality(video: Video) -> Report:
    raise NodeError(str(video))


@node(title="Save video", category="Test", sink=True)
def save_video(video: Video, *, path: Annotated[str, OutputFile((".mp4",))] = "{graph}.mp4") -> str:
    return path


@node(title="Prompt", category="Test")
def build_prompt(
    *,
    scene: str = "",
    camera: str = "",
    motion: str = "",
    motion_details: str = "",
    lighting: str = "",
    style: str = "",
    suffix: str = "",
    negative: str = "",
) -> Prompt:
    raise NodeError("".join([scene, camera, motion, motion_details, lighting, style, suffix, negative]))


@node(title="Load model", category="Test")
def load_model(*, model: str = "pocket") -> Model:
    raise NodeError(model)


@node(title="Encode text", category="Test")
def encode_text(model: Model, prompt: Prompt) -> Conditioning:
    raise NodeError(str(prompt))


@node(title="Sample", category="Test")
def sample(
    model: Model, conditioning: Conditioning | None = None, *, frames: int | None = None, seed: int = 0
) -> Latents:
    raise NodeError(f"{conditioning} {frames} {seed}")


@node(title="Decode", category="Test")
def decode_latents(model: Model, latents: Latents, *, rate: float | None = None) -> Video:
    raise NodeError(f"{latents} {rate}")


@node(title="Interpolate", category="Test")
def interpolate(video: Video, *, factor: int = 2) -> Video:
    raise NodeError(str(factor))


@node(title="Upscale", category="Test")
def upscale(video: Video, *, scale: Literal[2, 4] = 2) -> Video:
    raise NodeError(str(scale))


@node(title="Words", category="Test")
def words(video: Video) -> str:
    raise NodeError(str(video))


@node(title="Soften", category="Test")
def soften(frame: Frame) -> Frame:
    return frame


CORE = (
    load_video,
    load_image,
    text,
    trim,
    grade,
    overlay_text,
    harmonise_colour,
    concat,
    pick_best,
    score_quality,
    save_video,
    build_prompt,
    load_model,
    encode_text,
    sample,
    decode_latents,
    interpolate,
    upscale,
    words,
)
OTHER = (soften, sample, concat, upscale, interpolate, build_prompt, load_video)
for one in (*CORE, *OTHER):
    one.__doc__ = "A stand-in."
REGISTRY = Registry([read_node(one, "core") for one in CORE] + [read_node(one, "other") for one in OTHER])
Given = dict[str, tuple[str, dict[str, Any]]]
Advise = Callable[..., list[Problem]]


@pytest.fixture
def advise(tmp_path: Path) -> Advise:
    """The notes about nodes given as `id: (type, inputs)`, where text that begins with `@` is a link."""
    for name in "abcde":
        (tmp_path / f"{name}.mp4").write_bytes(b"not really")

    def value(given: Any) -> Any:
        if isinstance(given, str) and given.startswith("@"):
            return {"from": given[1:]}
        return [value(one) for one in given] if isinstance(given, list) else given

    def written(nodes: Given) -> dict[str, Any]:
        return {
            id: {"type": type, "inputs": {name: value(one) for name, one in inputs.items()}}
            for id, (type, inputs) in nodes.items()
        }

    def notes(nodes: Given, graphs: dict[str, Any] | None = None, off: str = "") -> list[Problem]:
        raw: dict[str, Any] = {"vidflow": 1, "nodes": written(nodes), "graphs": {}}
        for name, part in (graphs or {}).items():
            raw["graphs"][name] = {**part, "nodes": written(part["nodes"])}
        if off:
            raw["nodes"][off]["off"] = True
        checked = check(from_mapping(raw), REGISTRY, Paths("film", tmp_path, tmp_path, tmp_path / "out"))
        assert checked.problems == ()
        return list(advice(checked))

    return notes


def places(notes: list[Problem]) -> list[str]:
    """Each note's code and place."""
    return [f"{note.code} {note.place}" for note in notes]


CLIPS: Given = {name: ("load_video", {"path": f"{name}.mp4"}) for name in "abc"}
GOOD = {"scene": "a fox crosses a field", "camera": "static"}


def shot(frames: int | None = None, rate: float | None = None, model: str = "pocket", **prompt: str) -> Given:
    """The nodes that make one shot; the last is `shot`."""
    return {
        "model": ("load_model", {"model": model}),
        "prompt": ("build_prompt", prompt or GOOD),
        "text": ("encode_text", {"model": "@model", "prompt": "@prompt"}),
        "latents": ("sample", {"model": "@model", "conditioning": "@text", "frames": frames}),
        "shot": ("decode_latents", {"model": "@model", "latents": "@latents", "rate": rate}),
    }


def finished(*, last: str = "shot", path: str = "film.mp4") -> Given:
    return {
        "smooth": ("interpolate", {"video": f"@{last}"}),
        "large": ("upscale", {"video": "@smooth"}),
        "save": ("save_video", {"video": "@large", "path": path}),
    }


def test_a_film_made_as_it_should_be_gets_no_advice(advise: Advise) -> None:
    assert advise({**shot(49, 8), **finished()}) == []
    assert advise({**CLIPS, "save": ("save_video", {"video": "@a"})}) == []


def test_a_note_says_where_it_belongs_what_is_wrong_and_what_to_do(advise: Advise) -> None:
    (note,) = advise({**shot(97, 8), **finished()})
    assert note.level == "note"
    assert str(note) == (
        "latents.frames: 97 frames at 8 a second are 12.1 s in one go; models hold 4 to 10 s. "
        "Make shots of 3 to 5 s and join them with concat."
    )


# Long samples


@pytest.mark.parametrize(
    ("frames", "rate", "model", "told"),
    [
        (80, 8, "nowhere", False),
        (81, 8, "nowhere", True),
        (300, 30, "nowhere", False),
        (301, 30, "nowhere", True),
        (301, None, "nowhere", False),
        (None, 8, "nowhere", False),
        (81, None, "pocket", True),
        (80, None, "pocket", False),
        (81, None, "CogVideoXPipeline", True),
        (80, None, "CogVideoXPipeline", False),
        (71, None, "StableVideoDiffusionPipeline", True),
        (81, 12, "CogVideoXPipeline", False),
        (161, None, "WanPipeline", True),
        (160, None, "WanPipeline", False),
        (301, None, "CLIPModel", False),
        (300, 29.97, "nowhere", True),
    ],
)
def test_a_sample_of_more_than_ten_seconds_is_told_where_its_rate_is_known(
    frames: int | None, rate: float | None, model: str, told: bool, advise: Advise, tmp_path: Path
) -> None:
    if model.endswith(("Pipeline", "Model")):
        (tmp_path / "model" / "scheduler").mkdir(parents=True)
        (tmp_path / "model" / "scheduler" / "scheduler_config.json").write_text("{}")
        index = {"_class_name": model, "scheduler": ["diffusers", "DDIMScheduler"]}
        (tmp_path / "model" / "model_index.json").write_text(json.dumps(index))
        model = str(tmp_path / "model")
    notes = advise({**shot(frames, rate, model), **finished()})
    assert places(notes) == (["long-sample latents.frames"] if told else [])


def test_a_sample_shown_at_two_rates_is_as_long_as_at_the_quicker_one(advise: Advise) -> None:
    again: Given = {
        "again": ("decode_latents", {"model": "@model", "latents": "@latents", "rate": 24}),
        "score": ("score_quality", {"video": "@again"}),
    }
    assert places(advise({**shot(100, 8), **again, **finished()})) == []


# Prompts


def test_a_prompt_without_camera_or_motion_is_told_what_is_missing(advise: Advise) -> None:
    def missing(**prompt: str) -> list[str]:
        return [note.message for note in advise({**shot(**prompt), **finished()})]

    assert missing(scene="a red house") == ["This prompt says nothing of camera or motion, so the model will choose."]
    assert missing(scene="a red house", camera="固定") == [
        "This prompt says nothing of motion, so the model will choose."
    ]
    assert missing(scene="a red house", motion="subtle") == [
        "This prompt says nothing of camera, so the model will choose."
    ]
    assert missing(scene="a red house", camera="static", motion="自然") == []
    assert missing(scene="a red house", camera="static", motion_details="smoke") == []
    assert missing(scene="slow pan over a red house, smoke rises") == []
    assert missing(lighting="neon") == []


def test_a_prompt_that_comes_from_elsewhere_is_judged_where_it_is_known(advise: Advise) -> None:
    known: Given = {"scene": ("text", {"value": "a shop sign reading OPEN, a car passes, static camera"})}
    late: Given = {**CLIPS, "scene": ("words", {"video": "@a"})}
    prompt: Given = {"prompt": ("build_prompt", {"scene": "@scene"})}
    assert places(advise({**known, **shot(), **prompt, **finished()})) == ["text-in-picture prompt.scene"]
    assert places(advise({**late, **shot(), **prompt, **finished()})) == []
    camera: Given = {"prompt": ("build_prompt", {"scene": "a dog runs", "camera": "@scene"})}
    assert places(advise({**late, **shot(), **camera, **finished()})) == []


@pytest.mark.parametrize("where", ["scene", "motion_details", "style", "suffix"])
def test_a_prompt_that_asks_for_writing_is_told_wherever_it_asks(where: str, advise: Advise) -> None:
    prompt = {**GOOD, where: f"{GOOD.get(where, '')} the words 'The end' written above"}
    (note,) = advise({**shot(**prompt), **finished()})
    assert (note.code, note.place) == ("text-in-picture", f"prompt.{where}")
    assert "overlay_text" in note.hint
    assert (
        len(advise({**shot(**{**prompt, "suffix": "a logo in the corner", "style": "lettering"}), **finished()})) == 1
    )
    assert advise({**shot(**GOOD, negative="text, watermark, logo"), **finished()}) == []


def test_a_literary_prompt_is_told(advise: Advise) -> None:
    notes = advise({**shot(scene="the longing of a soul for eternity", camera="static", motion="subtle"), **finished()})
    assert places(notes) == ["nothing-to-see prompt.scene"]


# Colour


def test_shots_joined_as_they_are_are_told(advise: Advise) -> None:
    (note,) = advise({**CLIPS, "film": ("concat", {"videos": ["@a", "@b", "@c"]})})
    assert (note.code, note.place) == ("uneven-colour", "film.videos")
    assert note.message.startswith("3 shots are joined")


def test_shots_that_were_brought_to_one_of_them_are_not_told(advise: Advise) -> None:
    two = {name: ("harmonise_colour", {"video": f"@{name[0]}", "reference": "@a"}) for name in ("b2", "c2")}
    assert advise({**CLIPS, **two, "film": ("concat", {"videos": ["@a", "@b2", "@c2"]})}) == []
    all_three = {**two, "a2": ("harmonise_colour", {"video": "@a", "reference": "@b"})}
    assert advise({**CLIPS, **all_three, "film": ("concat", {"videos": ["@a2", "@b2", "@c2"]})}) == []
    one = {"b2": two["b2"]}
    assert places(advise({**CLIPS, **one, "film": ("concat", {"videos": ["@a", "@b2", "@c"]})})) == [
        "uneven-colour film.videos"
    ]


def test_a_film_of_harmonised_shots_goes_on_as_the_shot_they_were_brought_to(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        "b2": ("harmonise_colour", {"video": "@b", "reference": "@a"}),
        "film": ("concat", {"videos": ["@a", "@b2"]}),
    }
    assert advise({**nodes, "longer": ("concat", {"videos": ["@film", "@a"]})}) == []
    assert places(advise({**nodes, "longer": ("concat", {"videos": ["@film", "@c"]})})) == [
        "uneven-colour longer.videos"
    ]


def test_parts_of_one_clip_are_one_shot(advise: Advise) -> None:
    nodes: Given = {
        "a": ("load_video", {"path": "a.mp4"}),
        "again": ("load_video", {"path": "./a.mp4"}),
        "start": ("trim", {"video": "@a", "end": 1.0}),
        "end": ("trim", {"video": "@again", "start": 3.0}),
        "titled": ("overlay_text", {"video": "@end", "text": "x"}),
        "film": ("concat", {"videos": ["@start", "@titled", "@a"]}),
    }
    assert advise(nodes) == []


def test_a_picture_between_shots_is_no_shot(advise: Advise) -> None:
    (note,) = advise(
        {
            **CLIPS,
            "card": ("load_image", {"path": "d.mp4"}),
            "film": ("concat", {"videos": ["@card", "@a"]}),
            "both": ("concat", {"videos": ["@film", "@b"]}),
        }
    )
    assert note.place == "both.videos"


def test_takes_of_which_one_is_picked_are_one_shot(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        **{f"score_{name}": ("score_quality", {"video": f"@{name}"}) for name in "ab"},
        "best": ("pick_best", {"videos": ["@a", "@b"], "reports": ["@score_a", "@score_b"]}),
        "fitting": ("harmonise_colour", {"video": "@best", "reference": "@c"}),
    }
    assert advise({**nodes, "film": ("concat", {"videos": ["@fitting", "@c"]})}) == []
    assert places(advise({**nodes, "film": ("concat", {"videos": ["@best", "@c"]})})) == ["uneven-colour film.videos"]


def test_two_samples_are_two_shots(advise: Advise) -> None:
    nodes = shot()
    nodes["latents2"] = ("sample", {"model": "@model", "conditioning": "@text", "seed": 1})
    nodes["shot2"] = ("decode_latents", {"model": "@model", "latents": "@latents2"})
    film: Given = {"film": ("concat", {"videos": ["@shot", "@shot2"]})}
    assert places(advise({**nodes, **film, **finished(last="film")})) == ["uneven-colour film.videos"]
    nodes["like"] = ("harmonise_colour", {"video": "@shot2", "reference": "@shot"})
    film = {"film": ("concat", {"videos": ["@shot", "@like"]})}
    assert advise({**nodes, **film, **finished(last="film")}) == []


# Delivery


def test_generated_video_that_is_delivered_raw_is_told_what_it_lacks(advise: Advise) -> None:
    def lacks(**more: tuple[str, dict[str, Any]]) -> list[str]:
        return [note.message for note in advise({**shot(), **more})]

    assert lacks(save=("save_video", {"video": "@shot"})) == [
        "Generated video is delivered without interpolation and upscaling."
    ]
    large = ("upscale", {"video": "@shot"})
    assert lacks(large=large, save=("save_video", {"video": "@large"})) == [
        "Generated video is delivered without interpolation."
    ]
    smooth = ("interpolate", {"video": "@large"})
    graded = ("grade", {"video": "@smooth"})
    assert lacks(large=large, smooth=smooth, graded=graded, save=("save_video", {"video": "@graded"})) == []


def test_a_film_with_one_raw_shot_in_it_is_told(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        **shot(),
        "like": ("harmonise_colour", {"video": "@shot", "reference": "@a"}),
        "film": ("concat", {"videos": ["@a", "@like"]}),
        "save": ("save_video", {"video": "@film"}),
    }
    assert places(advise(nodes)) == ["raw-generated save.video"]


# The same twice


@pytest.mark.parametrize("type", ["interpolate", "upscale"])
def test_a_finish_that_is_stacked_twice_is_told_wherever_the_first_one_was(type: str, advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        "first": (type, {"video": "@a"}),
        "graded": ("grade", {"video": "@first"}),
        "second": (type, {"video": "@graded"}),
        "save": ("save_video", {"video": "@second"}),
    }
    (note,) = advise(nodes)
    assert (note.code, note.place) == ("stacked-twice", "second.video")
    assert note.message == f"This video has been through {type} already, in 'first'."


def test_colour_harmonised_twice_is_told_but_not_of_a_film_of_harmonised_shots(advise: Advise) -> None:
    first: Given = {**CLIPS, "b2": ("harmonise_colour", {"video": "@b", "reference": "@a"})}
    assert places(advise({**first, "b3": ("harmonise_colour", {"video": "@b2", "reference": "@c"})})) == [
        "stacked-twice b3.video"
    ]
    film: Given = {
        "film": ("concat", {"videos": ["@a", "@b2"]}),
        "look": ("harmonise_colour", {"video": "@film", "reference": "@c"}),
    }
    assert advise({**first, **film}) == []


def test_the_same_node_twice_with_the_same_settings_is_told(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        "one": ("grade", {"video": "@a", "exposure": 0.5}),
        "two": ("grade", {"video": "@one", "exposure": 0.5}),
        "three": ("grade", {"video": "@two", "exposure": 0.1}),
        "title": ("overlay_text", {"video": "@three", "text": "A"}),
        "subtitle": ("overlay_text", {"video": "@title", "text": "B"}),
    }
    assert places(advise(nodes)) == ["stacked-twice two.video"]


def test_the_same_node_twice_with_settings_from_elsewhere_is_told_where_they_come_from_one_node(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        **{f"words_{name}": ("words", {"video": f"@{name}"}) for name in "ab"},
        "title": ("overlay_text", {"video": "@a", "text": "@words_a"}),
        "other": ("overlay_text", {"video": "@title", "text": "@words_b"}),
        "again": ("overlay_text", {"video": "@other", "text": "@words_b"}),
    }
    assert places(advise(nodes)) == ["stacked-twice again.video"]


# Where it looks


def test_other_packs_are_left_alone(advise: Advise) -> None:
    nodes: Given = {
        "model": ("load_model", {}),
        "prompt": ("other.build_prompt", {"scene": "freedom"}),
        "text": ("encode_text", {"model": "@model", "prompt": "@prompt"}),
        "latents": ("other.sample", {"model": "@model", "conditioning": "@text", "frames": 900}),
        "shot": ("decode_latents", {"model": "@model", "latents": "@latents", "rate": 8}),
        "large": ("other.upscale", {"video": "@shot"}),
        "larger": ("other.upscale", {"video": "@large"}),
        "clip": ("other.load_video", {"path": "a.mp4"}),
        "film": ("other.concat", {"videos": ["@larger", "@clip"]}),
        "save": ("save_video", {"video": "@film"}),
    }
    assert advise(nodes) == []


def test_nothing_is_known_of_what_another_pack_s_node_gives(advise: Advise) -> None:
    soft: Given = {name + "2": ("other.soften", {"frame": f"@{name}"}) for name in "ab"}
    assert advise({**CLIPS, **soft, "film": ("concat", {"videos": ["@a2", "@b2"]})}) == []
    assert (
        advise({**shot(), "soft": ("other.soften", {"frame": "@shot"}), "s": ("save_video", {"video": "@soft"})}) == []
    )


def test_nodes_inside_subgraphs_are_named_by_their_whole_id_and_nodes_that_are_off_are_not_there(
    advise: Advise,
) -> None:
    part = {
        "nodes": {
            "smooth": ("interpolate", {}),
            "again": ("interpolate", {"video": "@smooth"}),
        },
        "inputs": {"clip": ["smooth.video"]},
        "outputs": {"film": {"from": "again"}},
    }
    nodes: Given = {
        **CLIPS,
        "one": ("graph:finish", {"clip": "@a"}),
        "two": ("graph:finish", {"clip": "@one"}),
        "save": ("save_video", {"video": "@two"}),
    }
    assert places(advise(nodes, {"finish": part})) == [
        "stacked-twice one/again.video",
        "stacked-twice two/smooth.video",
        "stacked-twice two/again.video",
    ]
    assert places(advise(nodes, {"finish": part}, off="two")) == ["stacked-twice one/again.video"]
    twice: Given = {**CLIPS, "x": ("interpolate", {"video": "@a"}), "y": ("interpolate", {"video": "@x"})}
    assert advise({**twice, "save": ("save_video", {"video": "@y"})}, off="x") == []


def test_notes_come_in_the_order_of_the_graph(advise: Advise) -> None:
    nodes: Given = {
        **CLIPS,
        **shot(200, 8, scene="freedom"),
        "film": ("concat", {"videos": ["@shot", "@a"]}),
        "save": ("save_video", {"video": "@film"}),
    }
    assert places(advise(nodes)) == [
        "no-camera-or-motion prompt",
        "nothing-to-see prompt.scene",
        "long-sample latents.frames",
        "uneven-colour film.videos",
        "raw-generated save.video",
    ]


def test_a_graph_that_cannot_run_gets_no_advice(tmp_path: Path) -> None:
    nodes = {"prompt": {"type": "build_prompt", "inputs": {"scene": "freedom"}}}
    paths = Paths("film", tmp_path, tmp_path, tmp_path / "out")
    assert advice(check(from_mapping({"vidflow": 1, "nodes": nodes}), REGISTRY, paths))
    nodes["clip"] = {"type": "load_video", "inputs": {"path": "missing.mp4"}}
    checked = check(from_mapping({"vidflow": 1, "nodes": nodes}), REGISTRY, paths)
    assert checked.errors
    assert advice(checked) == ()
