"""The node reference, and what every node of the core pack promises."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from vidflow.api import Colour, Number, OutputFile, Run, Video, Weights, node
from vidflow.nodespec.packs import Pack, load_pack
from vidflow.nodespec.reference import as_json, as_text, listing
from vidflow.nodespec.signature import read_node
from vidflow.nodespec.spec import NodeSpec

CORE = load_pack(Pack("core", module="vidflow_nodes"))
CATEGORIES = (
    "Input",
    "Values",
    "Time",
    "Shape",
    "Sound",
    "Compose",
    "Colour",
    "Enhance",
    "Analysis",
    "Generation",
    "Output",
)
CONTRACT = {
    "load_video": (["path"], {"video": "video"}),
    "load_image": (["path"], {"image": "image"}),
    "load_audio": (["path"], {"audio": "audio"}),
    "number": (["value"], {"value": "float"}),
    "text": (["value"], {"value": "str"}),
    "image_sequence": (["path", "rate"], {"video": "video"}),
    "save_video": (["video", "path", "codec", "quality", "preset", "depth"], {"path": "str"}),
    "save_image": (["image", "path"], {"path": "str"}),
    "save_report": (["report", "path"], {"path": "str"}),
    "load_model": (["model", "dtype", "variant", "revision", "lora"], {"model": "model"}),
    "encode_text": (["model", "prompt"], {"conditioning": "conditioning"}),
    "sample": (
        [
            "model",
            "conditioning",
            "image",
            "video",
            "width",
            "height",
            "frames",
            "steps",
            "guidance",
            "seed",
            "strength",
            "scheduler",
            "motion_bucket_id",
            "noise_aug_strength",
        ],
        {"latents": "latents"},
    ),
    "decode_latents": (["model", "latents", "rate", "chunk"], {"video": "video"}),
    "encode_video": (["model", "video"], {"latents": "latents"}),
    "trim": (["video", "start", "end", "unit"], {"video": "video"}),
    "resize": (["video", "width", "height", "fit", "filter"], {"video": "video"}),
    "crop": (["video", "left", "top", "width", "height"], {"video": "video"}),
    "change_rate": (["video", "rate"], {"video": "video"}),
    "retime": (["video", "speed", "sound"], {"video": "video"}),
    "reverse": (["video"], {"video": "video"}),
    "pick_frame": (["video", "index"], {"image": "image"}),
    "set_audio": (
        ["video", "audio", "mode", "gain_db", "start", "fade_in", "fade_out", "length"],
        {"video": "video"},
    ),
    "grade": (["video", "exposure", "contrast", "saturation", "temperature", "lut"], {"video": "video"}),
    "overlay_text": (
        ["video", "text", "position", "size", "colour", "outline", "box", "start", "end", "fade"],
        {"video": "video"},
    ),
    "compare": (["a", "b", "mode", "position"], {"video": "video"}),
    "interpolate": (["video", "factor", "rate", "model"], {"video": "video"}),
    "upscale": (["video", "scale", "height", "model", "tile"], {"video": "video"}),
    "harmonise_colour": (["video", "reference", "method", "strength"], {"video": "video"}),
    "score_quality": (["video", "prompt", "model", "analysis_size"], {"report": "report"}),
    "pick_best": (["videos", "reports", "by"], {"video": "video", "index": "int", "report": "report"}),
    "build_prompt": (
        ["scene", "camera", "motion", "motion_details", "lighting", "style", "suffix", "negative"],
        {"prompt": "prompt"},
    ),
    "concat": (["videos", "transition", "transition_seconds"], {"video": "video"}),
}
"""What users' graphs hold on to: inputs and outputs by name. More inputs are welcome, fewer are not."""


@node(title="Burn in", category="Text", version=4, sink=True)
def burn(
    video: Video,
    others: list[Video] | None = None,
    *,
    path: Annotated[str, OutputFile((".mp4", ".mov"))],
    size: Annotated[float, "share of the height", Number(0, 1, unit="x")] = 0.5,
    least: Annotated[int, Number(1)] = 1,
    place: Literal["top", "bottom"] = "top",
    colour: Annotated[str, Colour()] = "#ffffff",
    modes: list[Literal["a", "b"]] = ["a", "b"],  # noqa: B006
    width: int | None = None,
    bold: bool = False,
    run: Run,
) -> str:
    """Write a text. It says where, v. 1.5 and later.

    More of it.
    """
    return path


BURN = read_node(burn, "mine")


def test_a_node_is_explained_with_what_each_input_accepts() -> None:
    assert as_text(BURN).splitlines() == [
        "Burn in (mine.burn), version 4",
        "",
        "Write a text. It says where, v. 1.5 and later.",
        "",
        "More of it.",
        "",
        "  video    video          needed",
        "  others   list of video  may be empty",
        "  path     str            .mp4 .mov; needed",
        "  size     float          0..1 x; default 0.5; share of the height",
        "  least    int            1..; default 1",
        "  place    str            top | bottom; default 'top'",
        "  colour   str            default '#ffffff'",
        "  modes    list of str    a | b; default a, b",
        "  width    int            may be empty",
        "  bold     bool           default False",
        "  -> path  str",
    ]


def test_a_node_is_described_as_json() -> None:
    described = json.loads(json.dumps(as_json(BURN)))
    assert {
        key: described[key] for key in ("type", "title", "category", "version", "pack", "lane", "sink", "dear")
    } == {
        "type": "mine.burn",
        "title": "Burn in",
        "category": "Text",
        "version": 4,
        "pack": "mine",
        "lane": "cpu",
        "sink": True,
        "dear": False,
    }
    inputs = {one["name"]: one for one in described["inputs"]}
    assert list(inputs) == ["video", "others", "path", "size", "least", "place", "colour", "modes", "width", "bold"]
    assert inputs["size"] == {
        "name": "size",
        "type": "float",
        "port": False,
        "required": False,
        "default": 0.5,
        "empty": False,
        "hint": {"kind": "number", "min": 0, "max": 1, "unit": "x"},
        "doc": "share of the height",
    }
    assert inputs["path"]["hint"] == {"kind": "outputfile", "suffixes": [".mp4", ".mov"]}
    assert inputs["modes"]["default"] == ["a", "b"]
    assert (inputs["others"]["port"], inputs["others"]["empty"], inputs["others"]["default"]) == (True, True, None)
    assert described["outputs"] == [{"name": "path", "type": "str"}]


def test_a_setting_that_takes_a_model_says_of_which_class_and_what_else() -> None:
    @node(title="Between", category="Test")
    def between(
        *,
        pipeline: Annotated[str, Weights()],
        net: Annotated[str | None, Weights(kinds=("RRDBNet", "SRVGGNetCompact"))] = None,
        model: Annotated[str, "what finds the motion", Weights(kinds=("IFNet",), own=("flow", "blend"))] = "flow",
    ) -> int:
        """Models of three kinds."""
        return 0

    spec = read_node(between)
    assert as_text(spec).splitlines()[4:7] == [
        "  pipeline  str  a model; needed",
        "  net       str  a model (RRDBNet or SRVGGNetCompact); may be empty",
        "  model     str  a model (IFNet) | flow | blend; default 'flow'; what finds the motion",
    ]
    hints = [one["hint"] for one in json.loads(json.dumps(as_json(spec)))["inputs"]]
    settings = {"kind": "weights", "revision": "revision", "variant": "variant"}
    assert hints == [
        settings,
        {**settings, "kinds": ["RRDBNet", "SRVGGNetCompact"]},
        {**settings, "kinds": ["IFNet"], "own": ["flow", "blend"]},
    ]


def test_a_setting_that_takes_words_names_them_in_both_languages() -> None:
    (core,) = [spec for spec in CORE if spec.type == "build_prompt"]
    text = as_text(core)
    assert "  lighting        str     words below, or free text; default ''" in text.splitlines()
    assert text.endswith(
        "\n\n  style: シネマティック cinematic, ドキュメンタリー documentary, アニメ anime, ピクサー風 Pixar-like,"
        "\n    ノワール noir, ヴィンテージ vintage, ハイパーリアル hyperreal, ミニチュア miniature"
    )
    (hint,) = [one["hint"] for one in as_json(core)["inputs"] if one["name"] == "motion"]
    assert (hint["kind"], hint["category"]) == ("words", "motion")
    assert hint["entries"][-1] == {
        "ja": "静的",
        "en": "subtle",
        "phrase": "subtle minimal movement, cinemagraph, almost still but alive",
    }


def test_nodes_are_listed_by_category_with_their_first_sentence() -> None:
    lines = listing([BURN, *CORE]).splitlines()
    assert [line.split(maxsplit=1) for line in lines[:2]] == [["Text"], ["mine.burn", "Write a text."]]
    assert [line for line in lines if line and not line.startswith(" ")][:-1] == [
        "Text",
        *dict.fromkeys(spec.category for spec in CORE),
    ]
    assert lines[-1] == "'vidflow nodes TYPE' explains one."
    assert listing([]).splitlines() == ["", "'vidflow nodes TYPE' explains one."]


@pytest.fixture(params=CORE, ids=[spec.type for spec in CORE])
def core(request: pytest.FixtureRequest) -> NodeSpec:
    """Each node of the core pack."""
    return request.param


def test_a_core_node_keeps_its_contract(core: NodeSpec) -> None:
    inputs, outputs = CONTRACT[core.type]
    names = [one.name for one in core.inputs]
    assert [name for name in names if name in inputs] == inputs
    assert {one.name: str(one.type) for one in core.outputs} == outputs


def test_every_node_of_the_contract_is_there() -> None:
    assert {spec.type for spec in CORE} == set(CONTRACT)


def test_a_core_node_is_documented(core: NodeSpec) -> None:
    first = listing([core]).splitlines()[1].split(maxsplit=1)[1]
    assert first[0].isupper()
    assert first.endswith(".")
    assert 10 < len(first) < 110
    described = as_text(core)
    for one in core.inputs:
        assert f"  {one.name} " in described
    assert max(map(len, described.splitlines())) < 132


def test_a_core_node_is_described_as_json(core: NodeSpec) -> None:
    described = json.loads(json.dumps(as_json(core)))
    assert described["doc"] == core.doc
    assert [one["name"] for one in described["inputs"]] == [one.name for one in core.inputs]


def test_a_core_node_is_of_a_known_category_and_begins_at_version_1(core: NodeSpec) -> None:
    assert core.category in CATEGORIES
    assert core.version >= 1
    assert core.title == core.title.strip().capitalize()


def test_the_defaults_of_a_core_node_are_good_values(core: NodeSpec) -> None:
    for one in core.inputs:
        given: Any = one.default if one.type.many else (one.default,)
        for value in given or ():
            assert one.required or one.nullable or value is not None
            assert value is None or one.hint.problem(value) is None


def test_only_ports_and_files_are_needed(core: NodeSpec) -> None:
    """Every other setting has a default, so that a node that was just placed works once it is linked."""
    assert [
        one.name for one in core.inputs if one.required and not one.is_port and one.name not in ("path", "model")
    ] == []


def modules() -> list[Path]:
    """The source of the core pack."""
    folder = Path(inspect.getfile(CORE[0].function)).parent
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.stem)
def test_the_core_pack_imports_the_api_and_nothing_else_of_vidflow(module: Path) -> None:
    imported: list[str] = []
    for found in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(found, ast.Import):
            imported += [alias.name for alias in found.names]
        elif isinstance(found, ast.ImportFrom) and not found.level:
            imported.append(found.module or "")
    ours = {name for name in imported if name.split(".")[0].startswith("vidflow")}
    assert ours <= {"vidflow.api"}
