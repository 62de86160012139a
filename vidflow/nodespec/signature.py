"""Reads a marked function's signature into a `NodeSpec`: the signature is the contract, nothing is said twice."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from vidflow.nodespec.declare import MARK, Mark
from vidflow.nodespec.hints import (
    Choice,
    Colour,
    File,
    Folder,
    Hint,
    Number,
    OutputFile,
    Rate,
    Seed,
    Text,
    Weights,
    Words,
)
from vidflow.nodespec.run import Run
from vidflow.nodespec.spec import InputSpec, Lane, Lifted, NodeSpec, OutputSpec, PortType
from vidflow.values import (
    AnyVideo,
    Audio,
    Conditioning,
    Frame,
    Frame8,
    Image,
    Latents,
    Model,
    Prompt,
    Report,
    Video,
)

_NAMES: dict[Any, str] = {
    Video: "video",
    Image: "image",
    Audio: "audio",
    Prompt: "prompt",
    Model: "model",
    Conditioning: "conditioning",
    Latents: "latents",
    Report: "report",
    int: "int",
    float: "float",
    bool: "bool",
    str: "str",
}
_FRAMES: dict[Any, Lifted] = {Frame: "float32", Frame8: "uint8"}
_HINTS: dict[str, tuple[type[Hint], ...]] = {
    "int": (Number, Seed, Choice),
    "float": (Number, Choice),
    "bool": (Choice,),
    "str": (Text, Words, Choice, Colour, Rate, File, Folder, Weights, OutputFile),
}
_MISSING = inspect.Parameter.empty


class BadNode(Exception):
    """A marked function that is no node; the message says which part of its signature and what was expected."""


def read_node(function: Callable[..., Any], pack: str = "core", digest: str = "") -> NodeSpec:
    """The NodeSpec of a function marked by `@node`. Raises BadNode."""
    mark: Mark = getattr(function, MARK)
    if not inspect.isfunction(function):
        raise BadNode(f"{function!r} is no function; @node marks functions only.")
    name = function.__name__
    if inspect.iscoroutinefunction(function):
        raise BadNode(f"{name} is asynchronous; a node is a plain function.")
    if mark.lane not in get_args(Lane) or type(mark.version) is not int:
        raise BadNode(f"{name}: lane is one of {', '.join(get_args(Lane))}, version a whole number.")
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:  # noqa: BLE001 - an annotation is a stranger's code, which may raise anything
        raise BadNode(f"{name}: an annotation cannot be read: {error}.") from None
    inputs: list[InputSpec] = []
    lifted: Lifted | None = None
    takes_run = streams = False
    for parameter in inspect.signature(function).parameters.values():
        where = f"{name}({parameter.name})"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise BadNode(f"{where}: a node's inputs have names; /, *args and **kwargs are not possible.")
        if parameter.name not in hints:
            raise BadNode(f"{where} has no annotation; give its type, for example Video, float or str.")
        annotation = hints[parameter.name]
        if annotation is Run:
            takes_run = True
            continue
        frame = _frame_kind(annotation)
        if frame is not None:
            if lifted is not None:
                raise BadNode(f"{where}: only one parameter can be a Frame; take Video for the others.")
            if inputs or takes_run or parameter.kind is parameter.KEYWORD_ONLY:
                raise BadNode(f"{where}: the Frame comes first, before the * and the settings.")
            lifted = frame
            inputs.append(InputSpec(parameter.name, PortType("video"), True))
            continue
        spec = _input(where, parameter, annotation)
        streams |= spec.type.name in ("video", "audio")
        inputs.append(spec)
    lifted_to = _frame_kind(hints.get("return", _MISSING)) if lifted else None
    if lifted and lifted_to is None:
        if "return" not in hints:
            raise BadNode(f"{name} has no return annotation; write `-> Frame`.")
        raise BadNode(f"{name} takes a Frame, so it must return a Frame too.")
    if not mark.sink and any(isinstance(one.hint, OutputFile) for one in inputs):
        raise BadNode(f"{name} writes a file, so it is a sink: @node(..., sink=True).")
    if lifted and any(one.is_port for one in inputs[1:]):
        raise BadNode(f"{name}: beside a Frame there are settings only; take a Video, and use video.map.")
    if lifted and (takes_run or mark.sink):
        raise BadNode(f"{name} takes a Frame; a body that needs `run`, or a sink, takes a Video.")
    same = next(
        (one.name for one in inputs if _is_any(hints.get(one.name)) or (lifted and one.type.name == "video")), None
    )
    outputs = (OutputSpec("video", PortType("video"), same),) if lifted else _outputs(name, hints, mark.sink, same)
    if not all(isinstance(text, str) and text.strip() for text in cast("list[Any]", [mark.title, mark.category])):
        raise BadNode(f"{name}: a node has a title and a category.")
    doc = inspect.getdoc(function) or ""
    if not doc:
        raise BadNode(f"{name} has no docstring; say in one sentence what it does.")
    return NodeSpec(
        type=name if pack == "core" else f"{pack}.{name}",
        title=mark.title,
        category=mark.category,
        version=mark.version,
        doc=doc,
        inputs=tuple(inputs),
        outputs=outputs,
        function=function,
        lane=mark.lane,
        sink=mark.sink,
        dear=mark.dear,
        replaces=mark.replaces,
        rule=mark.rule,
        lifted=lifted,
        lifted_to=lifted_to,
        takes_run=takes_run,
        streams=streams,
        pack=pack,
        digest=digest,
    )


def _frame_kind(annotation: Any) -> Lifted | None:
    """Which depth a Frame, Frame8 or `Frame8 | Frame` asks for."""
    if _is_union(annotation) and set(get_args(annotation)) == {Frame, Frame8}:
        return "any"
    try:
        return _FRAMES.get(annotation)
    except TypeError:
        return None


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_any(annotation: Any) -> bool:
    return annotation is AnyVideo


def _outputs(name: str, hints: dict[str, Any], sink: bool, same: str | None) -> tuple[OutputSpec, ...]:
    """One output named after its type, or one per field of a NamedTuple."""
    returned = hints.get("return", _MISSING)
    if returned is _MISSING:
        raise BadNode(f"{name} has no return annotation; give the type of its result.")
    if _is_any(returned):
        if same is None:
            raise BadNode(f"{name} returns AnyVideo, so an input must be AnyVideo too.")
        return (OutputSpec("video", PortType("video"), same),)
    if returned in (None, type(None)):
        if not sink:
            raise BadNode(f"{name} returns nothing; only a sink may.")
        return ()
    if isinstance(returned, type) and hasattr(cast("Any", returned), "_fields"):
        fields = get_type_hints(cast("Any", returned), include_extras=True)
        return tuple(OutputSpec(field, _port(f"{name}'s output {field}", kind)) for field, kind in fields.items())
    port = _port(f"{name}'s result", returned)
    return (OutputSpec("path" if sink else "value" if port.plain else port.name, port),)


def _port(where: str, annotation: Any) -> PortType:
    """The port type of an annotation without hints or None."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is list:
        inner = _port(where, get_args(annotation)[0])
        if inner.many:
            raise BadNode(f"{where}: a list of lists cannot flow along a wire.")
        return PortType(inner.name, many=True)
    if get_origin(annotation) is Literal:
        kinds: set[Any] = {type(option) for option in get_args(annotation)}
        if len(kinds) != 1:
            raise BadNode(f"{where}: the options of a Literal must be of one type.")
        return _port(where, kinds.pop())
    if _is_any(annotation):
        return PortType("video")
    known = _NAMES.get(annotation) if isinstance(annotation, type) else None
    if known is None:
        names = ", ".join(kind.__name__ for kind in _NAMES)
        raise BadNode(f"{where} has the type {annotation!r}, which cannot flow along a wire; expected one of {names}.")
    return PortType(known)


def _input(where: str, parameter: inspect.Parameter, annotation: Any) -> InputSpec:
    """The InputSpec of a parameter that is neither `run` nor a frame."""
    hint: Hint | None = None
    doc = ""
    nullable = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *extras = get_args(annotation)
            for extra in extras:
                if isinstance(extra, Hint):
                    hint = extra
                elif isinstance(extra, str):
                    doc = extra
        elif _is_union(annotation) and type(None) in get_args(annotation):
            nullable = True
            rest = [part for part in get_args(annotation) if part is not type(None)]
            if len(rest) != 1:
                raise BadNode(
                    f"{where}: a union of {annotation!r} is not possible; expected one type, or one and None."
                )
            annotation = rest[0]
        else:
            break
    port = _port(where, annotation)
    required = parameter.default is _MISSING
    default: Any = None if required else parameter.default
    if default is None and not required and not nullable:
        raise BadNode(f"{where} is None by default; annotate it `{port.name} | None`.")
    inner = get_args(annotation)[0] if port.many else annotation
    if get_origin(inner) is Annotated:
        inner, *extras = get_args(inner)
        hint = next((extra for extra in extras if isinstance(extra, Hint)), hint)
    if hint is None:
        hint = _default_hint(inner)
    if not port.plain:
        if default not in (None, (), []):
            raise BadNode(f"{where} is a port; it has no default but None.")
        default = None if default is None else ()
    elif port.many and not required and default is not None:
        default = tuple(cast("list[Any]", default)) if isinstance(default, list | tuple) else (default,)
    fitting = _HINTS.get(port.name, ())
    if type(hint) not in (Hint, *fitting):
        raise BadNode(f"{where}: a {type(hint).__name__} hint does not fit {port.name}.")
    spec = InputSpec(parameter.name, port, required, default, nullable, hint, doc)
    if port.plain and default is not None:
        _check_default(where, spec)
    return spec


def _check_default(where: str, spec: InputSpec) -> None:
    """A default is a value like any other: of its type, and in its range."""
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
    for value in spec.default if spec.type.many else (spec.default,):
        if not isinstance(value, kinds[spec.type.name]) or (isinstance(value, bool) and spec.type.name != "bool"):
            raise BadNode(f"{where}: its default {value!r} is no {spec.type.name}.")
        problem = spec.hint.problem(value)
        if problem:
            raise BadNode(f"{where}: its default cannot stand: {problem}")


def _default_hint(annotation: Any) -> Hint:
    if get_origin(annotation) is Literal:
        return Choice(get_args(annotation))
    if annotation in (int, float):
        return Number()
    return Text() if annotation is str else Hint()
