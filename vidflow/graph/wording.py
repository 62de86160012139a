"""The words of problems: types by name, values cut to a readable length, and guesses at what was meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from vidflow.nodespec.spec import PortType

_ONE = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "audio": "sound",
    "image": "an image",
    "latents": "latents",
}
_MANY = {
    "int": "whole numbers",
    "float": "numbers",
    "bool": "true or false values",
    "str": "texts",
    "audio": "sounds",
    "latents": "latents",
}


def type_words(type: PortType) -> str:
    """`a video`, `a number`, `a list of images`."""
    if type.many:
        return f"a list of {_MANY.get(type.name, type.name + 's')}"
    return _ONE.get(type.name, f"a {type.name}")


def shown(value: Any) -> str:
    """A value as it stands in a graph file, on one line and at most about 80 characters long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else f"{value[:60]}...{value[-15:]}")
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 256 else f"a whole number of {value.bit_length()} bits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    return f"a Python {type(value).__name__}"


def quoted(path: str | os.PathLike[str]) -> str:
    """The path of a file, whole however long it is: cut short, it names no file."""
    return repr(os.fspath(path))


def cut(message: str, limit: int = 400) -> str:
    """A message that is not longer than a person reads, whatever was quoted in it."""
    return message if len(message) <= limit else f"{message[: limit - 20]}... {message[-15:]}"


class Guesses:
    """Guesses at what was meant. Only the first 200 are made, so a graph of thousands of faults is answered soon."""

    def __init__(self) -> None:
        self._left = 200
        self._known: dict[tuple[str, int], str] = {}

    def near(self, word: str, known: Iterable[str], *, key: int | None = None) -> str:
        """`Did you mean 'x'?`, or nothing. What was guessed for the same word and `key` is remembered."""
        if not 0 < len(word) <= 80:
            return ""
        if key is not None and (word, key) in self._known:
            return self._known[word, key]
        if self._left <= 0:
            return ""
        self._left -= 1
        # A thousand candidates take 20 ms; more would only be other nodes of a large graph.
        some = [name for _, name in zip(range(1000), known, strict=False)]
        folded = {name.casefold(): name for name in reversed(some)}
        near = difflib.get_close_matches(word.casefold(), folded, 1)
        guess = f"Did you mean {folded[near[0]]!r}?" if near else ""
        if key is not None:
            self._known[word, key] = guess
        return guess
