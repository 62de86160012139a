"""A few hand-made node types to check graphs against, so that these tests need no pack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from vidflow.graph import Checked, Paths, check, from_mapping
from vidflow.nodespec.hints import Choice, File, Folder, Hint, Number, OutputFile, Seed
from vidflow.nodespec.spec import InputSpec, NodeSpec, OutputSpec, PortType


def port(name: str, kind: str, *, many: bool = False, optional: bool = False) -> InputSpec:
    return InputSpec(name, PortType(kind, many), not optional, None, optional)


def setting(
    name: str, kind: str, default: Any = None, hint: Hint = Hint(), *, required: bool = False, many: bool = False
) -> InputSpec:
    return InputSpec(name, PortType(kind, many), required, default, default is None and not required, hint)


def spec(type: str, inputs: Sequence[InputSpec] = (), output: str | Sequence[OutputSpec] = (), **more: Any) -> NodeSpec:
    if isinstance(output, str):
        name = "value" if PortType(output).plain else output
        output = (OutputSpec("path" if more.get("sink") else name, PortType(output)),)
    return NodeSpec(type, type.title(), "Test", 1, "A node.", tuple(inputs), tuple(output), lambda: None, **more)


SPECS = (
    spec("load_video", [setting("path", "str", hint=File("video"), required=True)], "video", replaces=("read_video",)),
    spec("load_image", [setting("path", "str", hint=File("image"), required=True)], "image"),
    spec("image_sequence", [setting("path", "str", hint=Folder("image"), required=True)], "video"),
    spec("number", [setting("value", "float", 0.0)], "float"),
    spec("text", [setting("value", "str", "")], "str"),
    spec("inc", [setting("x", "int", 0), setting("by", "int", 1, Number(0, 100))], "int"),
    spec("half", [setting("x", "float", required=True)], "float"),
    spec("name_of", [port("video", "video")], "str"),
    spec(
        "trim",
        [
            port("video", "video"),
            setting("start", "float", 0.0, Number(0)),
            setting("end", "float"),
            setting("unit", "str", "seconds", Choice(("seconds", "frames"))),
        ],
        "video",
    ),
    spec("noise", [setting("seed", "int", 0, Seed()), setting("loop", "bool", False)], "image"),
    spec(
        "concat",
        [
            port("videos", "video", many=True),
            setting("transition", "str", ("cut",), Choice(("cut", "fade")), many=True),
            setting("seconds", "float", (0.5,), many=True),
        ],
        "video",
    ),
    spec(
        "split",
        [port("video", "video")],
        [OutputSpec("left", PortType("video")), OutputSpec("still", PortType("image"))],
    ),
    spec("gather", [port("videos", "video", many=True)], [OutputSpec("videos", PortType("video", True))]),
    spec("still_name", [port("image", "image")], "str"),
    spec("soft", [port("video", "video")], [OutputSpec("video", PortType("video"), follows="video")]),
    spec("score", [port("video", "video"), port("model", "model", optional=True)], "report"),
    spec(
        "save_video",
        [port("video", "video"), setting("path", "str", "{graph}.mp4", OutputFile((".mp4", ".mov")))],
        "str",
        sink=True,
    ),
    spec("save_any", [port("video", "video"), setting("path", "str", hint=OutputFile(), required=True)], sink=True),
    spec("lab.glow", [port("video", "video")], "video", pack="lab"),
)


class Some:
    """A registry of the types above."""

    def __init__(self, specs: Sequence[NodeSpec] = SPECS) -> None:
        self._specs = {each.type: each for each in specs}
        self._renamed = {old: each for each in specs for old in each.replaces}

    def get(self, type: str, /) -> NodeSpec | None:
        return self._specs.get(type) or self._renamed.get(type)

    def types(self) -> Sequence[str]:
        return tuple(self._specs)


@pytest.fixture(scope="session")
def registry() -> Some:
    return Some()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A graph `film` in a folder with a clip and two pictures, run from another one."""
    media = tmp_path / "project" / "media"
    media.mkdir(parents=True)
    (tmp_path / "here").mkdir()
    for name in ("clip.mp4", "shot_1.png", "shot_2.png"):
        (media / name).write_bytes(b"not really")
    return Paths("film", tmp_path / "project", tmp_path / "here", tmp_path / "here" / "outputs")


Look = Callable[..., Checked]


@pytest.fixture
def look(registry: Some, paths: Paths) -> Look:
    """Check a mapping of nodes, with `graphs` where given, against the types above."""

    def check_nodes(nodes: dict[str, Any], graphs: dict[str, Any] | None = None, **how: Any) -> Checked:
        raw: dict[str, Any] = {"vidflow": 1, "nodes": nodes}
        if graphs:
            raw["graphs"] = graphs
        return check(from_mapping(raw), registry, how.pop("paths", paths), **how)

    return check_nodes
