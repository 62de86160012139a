"""Literals against what an input takes: their type, their range, and how they are typed on a command line."""

from __future__ import annotations

import os
from math import isfinite
from typing import Any, cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.wording import cut, shown, type_words
from vidflow.nodespec.spec import InputSpec, PortType

MAX_INT = 2**63
"""Settings hold whole numbers from -MAX_INT to MAX_INT - 1, as files, databases and random generators do."""


def fit(value: Any, spec: InputSpec, *, from_node: bool = False) -> Any:
    """`value` as the input's type: an int becomes a float for a float input, a list or a bare value a tuple for an
    input that takes many, an empty setting None. With `from_node` it is the value of a `number` or `text` node: there
    7.0 fits an int. Raises GraphError with one problem that has no place yet."""
    kind = spec.type
    if not kind.plain:
        raise _wrong(
            "wrong-type",
            f"{shown(value)} stands here; expected {type_words(kind)}, along a link.",
            'Write {"from": "node"}.',
        )
    if value is None or (value == "" and kind.name != "str" and spec.nullable):
        if spec.nullable:
            return None
        raise _wrong("wrong-type", f"This setting is empty; expected {type_words(kind)}.")
    if not kind.many:
        return _one(value, spec, kind, from_node)
    if isinstance(value, list | tuple):
        return tuple([_one(item, spec, PortType(kind.name), from_node) for item in cast("list[Any]", value)])
    return (_one(value, spec, kind, from_node),)


def fit_item(value: Any, spec: InputSpec, *, from_node: bool = False) -> Any:
    """One item of a list that holds links too, as `fit` would give it."""
    if not spec.type.plain:
        return fit(value, spec)
    return _one(value, spec, PortType(spec.type.name), from_node)


def _one(value: Any, spec: InputSpec, expected: PortType, from_node: bool) -> Any:
    name = spec.type.name
    if name == "str" and isinstance(value, os.PathLike):
        value = os.fspath(cast("os.PathLike[str]", value))
    given = value.__class__
    if given not in (int, float, bool, str):
        # Numbers of other libraries, from Python.
        if isinstance(value, float):
            value, given = float(value), float
        elif isinstance(value, str):
            value, given = str.__str__(value), str
        elif hasattr(value, "__index__"):
            value, given = value.__index__(), int
    if from_node and name == "int" and given is float and value.is_integer():
        value, given = int(value), int
    if name == "float" and given is int:
        if abs(value) >= 2**1023:
            raise _wrong("out-of-range", f"{shown(value)} is too large a number.")
        value, given = float(value), float
    if given.__name__ != name or given not in (int, float, bool, str):
        raise _wrong(
            "wrong-type", f"{_article(value)} stands here; expected {type_words(expected)}.", _advice(value, name)
        )
    if given is float and not isfinite(value):
        raise _wrong("out-of-range", f"{value} is not a finite number.")
    if given is int and not -MAX_INT <= value < MAX_INT:
        raise _wrong("out-of-range", f"{shown(value)} is out of range: expected a whole number below 2**63 either way.")
    problem = spec.hint.problem(value)
    if problem:
        raise _wrong("out-of-range", problem)
    return value


def read_value(text: str, spec: InputSpec) -> Any:
    """What `text` on a command line means for the input: a number, `true` or `false`, text, `a,b,c` where it takes
    many; empty or `null` where the setting may be empty. Still to be checked by `fit`. Raises GraphError."""
    name = spec.type.name
    if not spec.type.plain:
        raise _wrong("wrong-type", f"This is a port: {type_words(spec.type)} comes along a link and cannot be set.")
    if spec.nullable and name != "str" and text.strip() in ("", "null"):
        return None
    if not spec.type.many:
        return _read(text, name, spec.type)
    return tuple([_read(part.strip(), name, PortType(name)) for part in text.split(",")]) if text.strip() else ()


def _read(text: str, name: str, expected: PortType) -> Any:
    if name == "str":
        return text
    word = text.strip()
    try:
        if name == "bool":
            return {"true": True, "false": False}[word.lower()]
        if name == "int":
            return int(word)
        # A whole number stays exact until the input's own type rounds it.
        return int(word) if word.lstrip("+-").isdigit() else float(word)
    except (KeyError, ValueError):
        raise _wrong("wrong-type", f"{shown(text)} is not {type_words(expected)}.") from None


def _article(value: Any) -> str:
    words = f"the text {shown(value)}" if isinstance(value, str) else shown(value)
    return words[:1].upper() + words[1:]


def _advice(value: Any, name: str) -> str:
    """What to do about a value of the wrong type, where that is plain."""
    if isinstance(value, str) and name in ("int", "float"):
        try:
            float(value)
        except ValueError:
            return ""
        return "Write the number without quotes."
    if isinstance(value, int | float) and name == "str":
        return "Put it in quotes."
    if isinstance(value, float) and name == "int" and value.is_integer():
        return f"Write {int(value)} without a decimal point."
    return ""


def _wrong(code: str, message: str, hint: str = "") -> GraphError:
    return GraphError(Problem(code, cut(message), hint=hint))
