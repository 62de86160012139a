"""The files that a graph would write: their names filled in, held to the rules of paths, and no two the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import cast

from vidflow.errors import GraphError, Problem
from vidflow.graph.bypass import Place
from vidflow.graph.document import Input, Link, Node
from vidflow.graph.kinds import Kinds, Slot
from vidflow.graph.output_names import fill, value_text, with_each
from vidflow.graph.paths import Paths
from vidflow.graph.wording import Guesses, cut, shown
from vidflow.nodespec.hints import OutputFile


class Outputs:
    """The outputs of one check. `nodes` are those that are on, `read_files` who reads which file."""

    def __init__(
        self, nodes: Mapping[str, Node], kinds: Kinds, paths: Paths, each: str | None, read_files: Mapping[str, Place]
    ) -> None:
        self._nodes = nodes
        self._kinds = kinds
        self._paths = paths
        self._each = each
        self._read_files = {os.path.realpath(path): place for path, place in read_files.items()}
        self._written: dict[str, Place] = {}
        self._guesses = Guesses()

    def path(self, id: str, slot: Slot, template: str) -> str:
        """The absolute path of an output of the node `id`, with `{n}` kept. Raises GraphError."""
        name = self._filled(id, template, slot)
        path = str(self._paths.output(name))
        if path in self._written:
            other = ".".join(self._written[path])
            message = f"{shown(name)} is written by {other} too."
            raise GraphError(Problem("same-output", cut(message), hint="Give each output a name of its own."))
        # The output directory may be reached in two ways.
        read = self._read_files.get(os.path.realpath(path)) if self._read_files else None
        if read is not None:
            reader = ".".join(read)
            message = f"{shown(name)} would replace the file that {reader} reads."
            raise GraphError(Problem("same-output", cut(message), hint="Choose another name."))
        self._written[path] = (id, slot.name)
        return path

    def _filled(self, id: str, template: str, slot: Slot) -> str:
        if self._each is not None:
            template = with_each(template)
        values = {"graph": self._paths.graph_name, "each": self._each or ""}
        name = fill(template, values, lambda node, setting: self._setting(id, node, setting))
        hint = slot.spec.hint
        if isinstance(hint, OutputFile) and hint.suffixes:
            suffix = PurePosixPath(name).suffix.lower()
            if suffix not in hint.suffixes:
                given = f"ends in {shown(suffix)}" if suffix else "has no ending"
                message = f"{shown(name)} {given}; expected {', '.join(hint.suffixes)}."
                raise GraphError(Problem("bad-output-name", cut(message)))
        return name

    def _setting(self, writer: str, node_id: str, name: str) -> str:
        """The setting that `{node.input}` names in an output of the node `writer`; ids of its own subgraph first."""
        placeholder = f"{{{node_id}.{name}}}"
        near = writer[: writer.rfind("/") + 1] + node_id
        id = near if near in self._nodes else node_id
        is_path = False
        own: tuple[str, ...] = ()
        # A `number` or `text` node may be fed by another; no chain of them is longer than the graph.
        for _ in range(len(self._nodes) + 1):
            node = self._nodes.get(id)
            kind = self._kinds.get(node.type) if node is not None else None
            slot = kind.slots.get(name) if kind is not None else None
            if node is None or slot is None or not slot.plain or slot.role == "output":
                break
            is_path = is_path or slot.role is not None
            own = own or slot.own
            given: Input = node.inputs.get(name, slot.spec.default)
            if given.__class__ is Link:
                id, name = cast("Link", given).node, "value"
                source = self._nodes.get(id)
                source_kind = self._kinds.get(source.type) if source is not None else None
                if source_kind is not None and source_kind.constant:
                    continue
                message = f"{shown(placeholder)} is known only during the run."
                raise GraphError(Problem("bad-output-name", cut(message)))
            if isinstance(given, tuple) and any(item.__class__ is Link for item in given):
                break
            return value_text(given, is_path=is_path and given not in own)
        hint = self._guesses.near(node_id, self._nodes) if id not in self._nodes else ""
        raise GraphError(
            Problem("bad-output-name", cut(f"{shown(placeholder)} names no setting of this graph."), hint=hint)
        )
