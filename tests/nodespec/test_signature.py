"""What a function's signature says about its node, and what is said where it says too little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pytest

from vidflow.api import (
    AnyVideo,
    Audio,
    Choice,
    Colour,
    Conditioning,
    File,
    Folder,
    Frame,
    Frame8,
    Image,
    Latents,
    Model,
    Number,
    OutputFile,
    Prompt,
    Rate,
    Report,
    Run,
    Seed,
    Text,
    Video,
    Words,
    node,
)
from vidflow.nodespec.declare import MARK
from vidflow.nodespec.hints import Hint
from vidflow.nodespec.signature import BadNode, read_node
from vidflow.nodespec.spec import InputSpec, NodeSpec, OutputSpec, PortType


def spec_of(function: Callable[..., Any], pack: str = "core", **options: Any) -> NodeSpec:
    """The spec of a function, marked here so that the test shows only its signature."""
    return read_node(node(**{"title": "Title", "category": "Test", **options})(function), pack)


def only_input(function: Callable[..., Any], **options: Any) -> InputSpec:
    """The one input of a function."""
    (found,) = spec_of(function, **options).inputs
    return found


# What a signature says


def test_what_the_decorator_was_told_is_kept() -> None:
    def make(*, value: int = 0) -> int:
        """Make it."""
        return value

    spec = spec_of(make, version=3, lane="net", dear=True, replaces=["old", "older"])
    assert (spec.type, spec.title, spec.category, spec.version) == ("make", "Title", "Test", 3)
    assert (spec.lane, spec.dear, spec.sink, spec.replaces) == ("net", True, False, ("old", "older"))
    assert (spec.doc, spec.pack, spec.function) == ("Make it.", "core", make)


def test_a_function_stays_what_it_was() -> None:
    def double(*, value: int) -> int:
        """Twice."""
        return 2 * value

    marked = node(title="Double", category="Test")(double)
    assert marked is double
    assert marked(value=4) == 8
    assert hasattr(marked, MARK)


def test_a_type_of_another_pack_has_its_name_before_it() -> None:
    def make() -> int:
        """Make it."""
        return 1

    assert spec_of(make, "mine").type == "mine.make"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Video, "video"),
        (Image, "image"),
        (Audio, "audio"),
        (Prompt, "prompt"),
        (Model, "model"),
        (Conditioning, "conditioning"),
        (Latents, "latents"),
        (Report, "report"),
    ],
)
def test_a_value_type_is_a_port(kind: type, name: str) -> None:
    def take(given: Any) -> Any:
        """Take it."""
        return given

    take.__annotations__.update({"given": kind, "return": kind})
    spec = spec_of(take)
    assert spec.inputs == (InputSpec("given", PortType(name), required=True),)
    assert spec.inputs[0].is_port
    assert spec.outputs == (OutputSpec(name, PortType(name)),)
    assert spec.streams is (name in ("video", "audio"))


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [(int, "int", Number()), (float, "float", Number()), (bool, "bool", Hint()), (str, "str", Text())],
)
def test_a_plain_type_is_a_setting_with_the_hint_of_its_type(kind: type, name: str, hint: Hint) -> None:
    def take(*, given: Any) -> Any:
        """Take it."""
        return given

    take.__annotations__.update({"given": kind, "return": kind})
    spec = spec_of(take)
    assert spec.inputs == (InputSpec("given", PortType(name), required=True, hint=hint),)
    assert not spec.inputs[0].is_port
    assert spec.outputs == (OutputSpec("value", PortType(name)),)


@pytest.mark.parametrize(
    "hint",
    [
        Choice(("a", "b")),
        Colour(),
        File("video"),
        Folder(),
        Rate(),
        Text(multiline=True),
        Words("camera"),
    ],
)
def test_a_hint_in_the_annotation_is_taken(hint: Hint) -> None:
    def take(*, given: str) -> str:
        """Take it."""
        return given

    take.__annotations__["given"] = Annotated[str, hint]
    assert only_input(take).hint == hint


def test_only_a_sink_writes_a_file() -> None:
    def take(*, given: str) -> str:
        """Take it."""
        return given

    take.__annotations__["given"] = Annotated[str, OutputFile((".mp4",))]
    assert bad(take) == "take writes a file, so it is a sink: @node(..., sink=True)."
    assert isinstance(only_input(take, sink=True).hint, OutputFile)


def test_a_text_in_the_annotation_documents_the_input() -> None:
    def take(*, given: Annotated[int, "how often", Seed()] = 3) -> int:
        """Take it."""
        return given

    assert only_input(take) == InputSpec("given", PortType("int"), False, 3, hint=Seed(), doc="how often")


def test_a_literal_is_a_choice_of_its_type() -> None:
    def take(*, mode: Literal["fast", "slow"] = "slow", size: Literal[1, 2]) -> int:
        """Take it."""
        return size

    mode, size = spec_of(take).inputs
    assert mode == InputSpec("mode", PortType("str"), False, "slow", hint=Choice(("fast", "slow")))
    assert size == InputSpec("size", PortType("int"), True, hint=Choice((1, 2)))


def test_a_type_or_none_may_be_empty() -> None:
    def take(
        video: Video | None = None,
        *,
        width: Annotated[int | None, Number(1)] = None,
        height: Annotated[int, Number(2)] | None = None,
    ) -> int:
        """Take it."""
        return 1

    video, width, height = spec_of(take).inputs
    assert (video.type, video.required, video.nullable) == (PortType("video"), False, True)
    assert (width.type, width.nullable, width.hint) == (PortType("int"), True, Number(1))
    assert (height.type, height.nullable, height.hint) == (PortType("int"), True, Number(2))


def test_a_list_takes_many() -> None:
    def take(
        videos: list[Video],
        *,
        names: list[str] = ["a", "b"],  # noqa: B006
        modes: list[Literal["cut", "fade"]] = ["cut"],  # noqa: B006
        gains: list[Annotated[float, Number(0, 1)]] | None = None,
    ) -> list[int]:
        """Take them."""
        return [1]

    spec = spec_of(take)
    videos, names, modes, gains = spec.inputs
    assert (videos.type, videos.required, videos.is_port) == (PortType("video", many=True), True, True)
    assert (names.type, names.default, names.hint) == (PortType("str", many=True), ("a", "b"), Text())
    assert (modes.default, modes.hint) == (("cut",), Choice(("cut", "fade")))
    assert (gains.type, gains.hint, gains.nullable) == (PortType("float", many=True), Number(0, 1), True)
    assert spec.outputs == (OutputSpec("value", PortType("int", many=True)),)
    assert spec.streams


class Parts(NamedTuple):
    """Several results."""

    best: Video
    place: int
    scores: list[float]


def test_a_named_tuple_gives_several_outputs() -> None:
    def split(video: Video) -> Parts:
        """Split it."""
        return Parts(video, 0, [])

    spec = spec_of(split)
    assert spec.outputs == (
        OutputSpec("best", PortType("video")),
        OutputSpec("place", PortType("int")),
        OutputSpec("scores", PortType("float", many=True)),
    )
    assert spec.output(None) == spec.outputs[0]
    assert spec.output("place") == spec.outputs[1]
    assert spec.output("other") is None


def test_any_video_gives_what_it_takes() -> None:
    def shape(other: Image, video: AnyVideo) -> AnyVideo:
        """Shape it."""
        return video

    spec = spec_of(shape)
    assert [str(one.type) for one in spec.inputs] == ["image", "video"]
    assert spec.outputs == (OutputSpec("video", PortType("video"), follows="video"),)


def test_run_is_injected_and_no_input() -> None:
    def take(*, value: int, run: Run) -> int:
        """Take it."""
        return value

    spec = spec_of(take)
    assert [one.name for one in spec.inputs] == ["value"]
    assert spec.takes_run


def test_a_sink_gives_the_path_it_wrote_or_nothing() -> None:
    def save(video: Video, *, path: Annotated[str, OutputFile()], run: Run) -> str:
        """Save it."""
        return path

    def tell(*, value: int) -> None:
        """Tell it."""

    assert spec_of(save, sink=True).outputs == (OutputSpec("path", PortType("str")),)
    assert spec_of(tell, sink=True).outputs == ()


def lift8(frame: Frame8, *, by: int = 1) -> Frame8:
    """In bytes."""
    return frame


def lift(frame: Frame) -> Frame:
    """In floats."""
    return frame


def lift_any(frame: Frame8 | Frame) -> Frame8 | Frame:
    """As it is."""
    return frame


def lift_up(frame: Frame8) -> Frame:
    """From bytes to floats."""
    return (frame / 255).astype(np.float32)


@pytest.mark.parametrize(
    ("function", "takes", "gives"),
    [
        (lift8, "uint8", "uint8"),
        (lift, "float32", "float32"),
        (lift_any, "any", "any"),
        (lift_up, "uint8", "float32"),
    ],
)
def test_a_function_of_a_frame_is_lifted_to_a_video(function: Callable[..., Any], takes: str, gives: str) -> None:
    spec = spec_of(function)
    assert (spec.lifted, spec.lifted_to) == (takes, gives)
    assert spec.inputs[0] == InputSpec("frame", PortType("video"), required=True)
    assert spec.outputs == (OutputSpec("video", PortType("video"), follows="frame"),)


# What is no node


def bad(function: Callable[..., Any], **options: Any) -> str:
    """What is said of a function that is no node."""
    with pytest.raises(BadNode) as caught:
        spec_of(function, **options)
    return str(caught.value)


def test_an_annotation_that_means_nothing_is_named() -> None:
    def take(value: Undefined) -> int:  # type: ignore[name-defined]  # noqa: F821
        """Take it."""
        return 1

    assert bad(take) == "take: an annotation cannot be read: name 'Undefined' is not defined."
    take.__annotations__["value"] = "list["
    assert bad(take).startswith("take: an annotation cannot be read: ")
    take.__annotations__["value"] = "1 / 0"
    assert bad(take) == "take: an annotation cannot be read: division by zero."


def test_only_a_function_is_a_node() -> None:
    with pytest.raises(BadNode, match="is no function; @node marks functions only"):
        read_node(node(title="Title", category="Test")(type("Thing", (), {})))


def test_the_decorator_is_called_with_a_title_and_a_category() -> None:
    said = r'write @node\(title="...", category="..."\)'
    with pytest.raises(TypeError, match=said):
        node(lift)
    with pytest.raises(TypeError, match=said):
        node()


def test_a_node_is_a_plain_function() -> None:
    async def later(*, value: int) -> int:
        """Later."""
        return value

    assert bad(later) == "later is asynchronous; a node is a plain function."


@pytest.mark.parametrize("options", [{"lane": "disk"}, {"version": "2"}, {"version": True}])
def test_a_lane_is_one_of_three_and_a_version_a_whole_number(options: dict[str, Any]) -> None:
    assert bad(lift, **options) == "lift: lane is one of cpu, gpu, net, version a whole number."


def test_inputs_have_names() -> None:
    def many(*values: int) -> int:
        """Take them."""
        return 1

    def more(**values: int) -> int:
        """Take them."""
        return 1

    def placed(value: int, /) -> int:
        """Take it."""
        return value

    assert bad(many) == "many(values): a node's inputs have names; /, *args and **kwargs are not possible."
    assert bad(more).startswith("more(values): a node's inputs have names")
    assert bad(placed).startswith("placed(value): a node's inputs have names")


def test_every_input_has_a_type() -> None:
    def take(value, other: int) -> int:  # type: ignore[no-untyped-def]
        """Take it."""
        return 1

    assert bad(take) == "take(value) has no annotation; give its type, for example Video, float or str."


def test_only_one_parameter_is_a_frame() -> None:
    def mix(frame: Frame, other: Frame8) -> Frame:
        """Mix them."""
        return frame

    assert bad(mix) == "mix(other): only one parameter can be a Frame; take Video for the others."


def test_a_frame_in_is_a_frame_out() -> None:
    def look(frame: Frame) -> float:
        """Look at it."""
        return 1.0

    def forget(frame: Frame):  # type: ignore[no-untyped-def]
        """Look at it."""

    assert bad(look) == "look takes a Frame, so it must return a Frame too."
    assert bad(forget) == "forget has no return annotation; write `-> Frame`."


def test_a_function_of_a_frame_has_neither_run_nor_effects() -> None:
    def tint(frame: Frame, run: Run) -> Frame:
        """Tint it."""
        return frame

    said = "takes a Frame; a body that needs `run`, or a sink, takes a Video."
    assert bad(tint) == f"tint {said}"
    assert bad(lift, sink=True) == f"lift {said}"


def test_the_frame_comes_first() -> None:
    def after(by: int, frame: Frame) -> Frame:
        """Tint it."""
        return frame

    def last(*, frame: Frame8) -> Frame8:
        """Tint it."""
        return frame

    assert bad(after) == "after(frame): the Frame comes first, before the * and the settings."
    assert bad(last) == "last(frame): the Frame comes first, before the * and the settings."


def test_beside_a_frame_there_are_settings_only() -> None:
    def blend(frame: Frame, other: Image) -> Frame:
        """Blend them."""
        return frame

    assert bad(blend) == "blend: beside a Frame there are settings only; take a Video, and use video.map."


@pytest.mark.parametrize("options", [{"title": " "}, {"category": ""}, {"title": None}])
def test_a_node_has_a_title_and_a_category(options: dict[str, Any]) -> None:
    assert bad(lift, **options) == "lift: a node has a title and a category."


def test_a_node_has_a_docstring() -> None:
    def take(*, value: int) -> int:
        return value

    assert bad(take) == "take has no docstring; say in one sentence what it does."


def test_a_result_has_a_type() -> None:
    def take(*, value: int):  # type: ignore[no-untyped-def]
        """Take it."""

    assert bad(take) == "take has no return annotation; give the type of its result."


def test_any_video_out_needs_any_video_in() -> None:
    def shape(video: Video) -> AnyVideo:  # type: ignore[type-var]
        """Shape it."""
        return video  # type: ignore[return-value]

    assert bad(shape) == "shape returns AnyVideo, so an input must be AnyVideo too."


def test_only_a_sink_gives_nothing() -> None:
    def take(*, value: int) -> None:
        """Take it."""

    assert bad(take) == "take returns nothing; only a sink may."


def test_the_options_of_a_choice_are_of_one_type() -> None:
    def take(*, value: Literal["a", 1]) -> int:
        """Take it."""
        return 1

    assert bad(take) == "take(value): the options of a Literal must be of one type."


@pytest.mark.parametrize("kind", [dict, list, bytes, tuple[int, int], dict[str, int], object, 5])
def test_a_type_that_cannot_flow_is_named_with_those_that_can(kind: Any) -> None:
    def take(*, value: Any) -> int:
        """Take it."""
        return 1

    take.__annotations__["value"] = kind
    said = bad(take)
    assert said.startswith(
        f"take(value) has the type {kind!r}, which cannot flow along a wire; expected one of Video, "
    )
    assert said.endswith("int, float, bool, str.")


def test_lists_of_lists_cannot_flow() -> None:
    def take(*, value: list[list[int]]) -> int:
        """Take it."""
        return 1

    assert bad(take) == "take(value): a list of lists cannot flow along a wire."


@pytest.mark.parametrize(
    ("kind", "default", "said"),
    [
        (int, "x", "its default 'x' is no int."),
        (int, True, "its default True is no int."),
        (int, 1.5, "its default 1.5 is no int."),
        (str, 3, "its default 3 is no str."),
        (list[int], ["a"], "its default 'a' is no int."),
        (Annotated[int, Number(0, 1)], 5, "its default cannot stand: 5 is out of range: expected 0 to 1."),
        (Literal["cut"], "cat", "its default cannot stand: 'cat' is none of cut. Did you mean 'cut'?"),
    ],
)
def test_a_default_is_of_its_type_and_in_its_range(kind: Any, default: Any, said: str) -> None:
    def take(*, value: Any = default) -> int:
        """Take it."""
        return 1

    take.__annotations__["value"] = kind
    assert bad(take) == f"take(value): {said}"


@pytest.mark.parametrize(
    ("kind", "hint", "said"),
    [
        (str, Number(0, 1), "a Number hint does not fit str."),
        (int, Colour(), "a Colour hint does not fit int."),
        (float, Seed(), "a Seed hint does not fit float."),
        (bool, Text(), "a Text hint does not fit bool."),
        (Video, File("video"), "a File hint does not fit video."),
        (list[str], Number(), "a Number hint does not fit str."),
    ],
)
def test_a_hint_fits_its_type(kind: Any, hint: Hint, said: str) -> None:
    def take(given: Any) -> int:
        """Take it."""
        return 1

    take.__annotations__["given"] = Annotated[kind, hint]
    assert bad(take) == f"take(given): {said}"


def test_what_writes_a_file_is_a_sink() -> None:
    def write(*, path: Annotated[str, OutputFile()]) -> str:
        """Write it."""
        return path

    assert bad(write) == "write writes a file, so it is a sink: @node(..., sink=True)."


def test_a_result_that_cannot_flow_is_named() -> None:
    class Odd(NamedTuple):
        good: int
        odd: dict[str, int]

    def give() -> Any:
        """Give it."""

    give.__annotations__["return"] = set
    assert bad(give).startswith("give's result has the type <class 'set'>")
    give.__annotations__["return"] = Odd
    assert bad(give).startswith("give's output odd has the type dict[str, int]")


def test_two_types_for_one_input_are_not_possible() -> None:
    def take(*, value: int | str | None = None) -> int:
        """Take it."""
        return 1

    assert "take(value): a union of" in bad(take)
    assert bad(take).endswith("is not possible; expected one type, or one and None.")


def test_an_input_that_is_none_by_default_says_so() -> None:
    def take(*, value: int = None) -> int:  # type: ignore[assignment]  # noqa: RUF013
        """Take it."""
        return 1

    assert bad(take) == "take(value) is None by default; annotate it `int | None`."


def test_a_port_has_no_default_but_none() -> None:
    def take(prompt: Prompt = Prompt("sea")) -> int:  # noqa: B008
        """Take it."""
        return 1

    assert bad(take) == "take(prompt) is a port; it has no default but None."


@pytest.mark.parametrize("given", [(PortType("int"), PortType("float")), (PortType("image"), PortType("video"))])
def test_an_int_fits_a_float_and_an_image_a_video_and_not_the_other_way(given: tuple[PortType, PortType]) -> None:
    narrow, wide = given
    assert wide.accepts(narrow)
    assert wide.accepts(wide)
    assert not narrow.accepts(wide)
    assert not PortType("str").accepts(narrow)


def test_one_value_fits_a_list_and_a_list_no_single_value() -> None:
    assert PortType("video", many=True).accepts(PortType("image"))
    assert PortType("video", many=True).accepts(PortType("video", many=True))
    assert not PortType("video").accepts(PortType("video", many=True))
    assert str(PortType("video", many=True)) == "list of video"
