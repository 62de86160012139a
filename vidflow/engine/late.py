"""Late values: a setting that another node computes is checked, when it is known, as if it stood in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from vidflow.errors import GraphError, NodeError
from vidflow.graph.literals import fit
from vidflow.graph.output_names import fill, with_each
from vidflow.graph.paths import Paths
from vidflow.nodespec.hints import File, Folder, OutputFile, Weights
from vidflow.nodespec.spec import InputSpec


def late_value(node: str, spec: InputSpec, value: Any, paths: Paths, each: str) -> Any:
    """The value as the input's type, a path absolute. Raises GraphError naming the node and the input."""
    try:
        value = fit(value, spec, from_node=True)
        if value is None or spec.type.name != "str":
            return value
        texts: tuple[str, ...] = value if spec.type.many else (value,)
        found = tuple(_path(spec, text, paths, each) for text in texts)
        return found if spec.type.many else found[0]
    except GraphError as error:
        raise GraphError([replace(problem, node=node, input=spec.name) for problem in error.problems]) from None


def _path(spec: InputSpec, text: str, paths: Paths, each: str) -> str:
    hint = spec.hint
    if isinstance(hint, File):
        return str(paths.input_file(text))
    if isinstance(hint, Folder):
        return str(paths.input_folder(text))
    if isinstance(hint, Weights):
        return text if text in hint.own else paths.weights(text)
    if not isinstance(hint, OutputFile):
        return text

    def unknown(node: str, setting: str) -> str:
        raise NodeError(f"the output name {text!r} comes late, so {{{node}.{setting}}} cannot stand in it.")

    name = fill(with_each(text) if each else text, {"graph": paths.graph_name, "each": each}, unknown)
    if hint.suffixes and PurePosixPath(name).suffix.lower() not in hint.suffixes:
        raise NodeError(f"{name!r} is no name for this output; expected {', '.join(hint.suffixes)} at its end.")
    return str(paths.output(name))
