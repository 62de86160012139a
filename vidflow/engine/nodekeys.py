"""The keys of one execution's nodes, from settings that are known before it and values that come late."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidflow.engine.keys import node_key, split_hints
from vidflow.engine.late import late_value
from vidflow.engine.noderun import Blamed, Lazy, NodeRun
from vidflow.errors import NodeError
from vidflow.graph.document import Link
from vidflow.graph.paths import files_of
from vidflow.nodespec.hints import Hint, Weights
from vidflow.nodespec.spec import NodeSpec

if TYPE_CHECKING:
    from vidflow.engine.execution import Execution


@lru_cache(maxsize=4096)
def _hints(spec: NodeSpec) -> tuple[frozenset[str], frozenset[str]]:
    return split_hints(spec)


@lru_cache(maxsize=4096)
def _canonical(spec: NodeSpec) -> dict[str, Callable[[Any], Any]]:
    """How the settings go into the key whose hint has a form of its own for that."""

    def each(hint: Hint) -> Callable[[Any], Any]:
        return lambda values: tuple([hint.canonical(value) for value in values])

    found = [one for one in spec.inputs if type(one.hint).canonical is not Hint.canonical]
    return {one.name: each(one.hint) if one.type.many else one.hint.canonical for one in found}


class NodeKeys:
    """Gives nodes their keys, and remembers the files that went into them."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._pinned: list[str] = []
        self._read_files: dict[Path, tuple[NodeRun, int]] = {}

    def give(self, node: NodeRun) -> None:
        """The node's key from its settings and its inputs' keys. Raises VidflowError for an unreadable file."""
        reads, writes = _hints(node.spec)
        canonical = _canonical(node.spec)
        settings: list[tuple[str, Any]] = []
        inputs: list[tuple[str, Any]] = []
        for spec in node.spec.inputs:
            name = spec.name
            if name in node.values:
                value = node.values[name]
                if name in reads and value is not None:
                    value = self._digest(value, node)
                elif isinstance(spec.hint, Weights) and value is not None:
                    value = self._weights(value, spec.hint, node)
                elif name in canonical and value is not None:
                    value = canonical[name](value)
                if name not in writes:
                    settings.append((name, value))
            elif name in node.links:
                link = node.links[name]
                links = cast("tuple[Link, ...]", link if isinstance(link, tuple) else (link,))
                inputs.append((name, tuple(map(self._key_of, links))))
        node.key = node_key(node.spec, settings, inputs, self._execution.engine.device_kind)
        pins = [f"{node.key}.{output.name}" for output in node.spec.outputs]
        with self._execution.pinning:
            if not self._execution.done.is_set():
                self._execution.store.pin(pins)
                self._pinned.extend(pins)

    def _key_of(self, link: Link) -> str:
        up = self._execution.nodes[link.node]
        return f"{up.key}.{link.output or (up.spec.outputs[0].name if up.spec.outputs else '')}"

    def _digest(self, value: Any, node: NodeRun) -> Any:
        if isinstance(value, tuple):
            return tuple(self._digest(one, node) for one in cast("tuple[str, ...]", value))
        path = Path(value)
        if path.is_file():
            self._read_files[path] = (node, path.stat().st_mtime_ns)
            return self._execution.store.digest(path, self._execution.engine.strict_digests)
        return tuple((file.name, self._digest(file, node)) for file in sorted(files_of(path)))

    def _weights(self, name: str, hint: Weights, node: NodeRun) -> Any:
        """The digests of the files that a model's name stands for; a name of the node's own itself. Raises
        ModelError."""
        if name in hint.own:
            return name
        from vidflow.models.checkpoint import files_of_model
        from vidflow.models.library import find

        found = find(name, node.values.get(hint.revision)).folder
        files = files_of_model(found, node.values.get(hint.variant), network=bool(hint.kinds))
        return tuple((file.relative_to(found).as_posix(), self._digest(str(file), node)) for file in files)

    def verify_files(self) -> None:
        """Raises Blamed where a file that was digested has changed since."""
        for path, (node, modified) in list(self._read_files.items()):
            if not path.exists() or path.stat().st_mtime_ns != modified:
                raise Blamed(node, NodeError(f"{path} changed while the graph ran; run it again."))

    def settle_late(self, node: NodeRun) -> None:
        """Take over the values of linked settings, checked as if they stood in the file. Raises GraphError."""
        for name, link in node.links.items():
            spec = node.spec.input(name)
            assert spec is not None
            if spec.is_port:
                continue
            if isinstance(link, tuple):
                entries = cast("tuple[Any, ...]", link)
                value: Any = tuple(self._plain(entry) if isinstance(entry, Link) else entry for entry in entries)
            else:
                value = self._plain(link)
            node.values[name] = late_value(node.id, spec, value, self._execution.paths, self._execution.variant)

    def _plain(self, link: Link) -> Any:
        up = self._execution.nodes[link.node]
        value = up.outputs[link.output or up.spec.outputs[0].name]
        return self._execution.store.load_value(value.key, value.row) if isinstance(value, Lazy) else value

    def unpin(self) -> None:
        """The execution needs what is kept under its keys no more."""
        with self._execution.pinning:
            self._execution.done.set()
            self._execution.store.unpin(self._pinned)
            self._pinned = []
