"""Sinks: run by one maker at a time, skipped where what they wrote is still there, a few at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidflow.engine.noderun import NodeRun
from vidflow.errors import NodeError
from vidflow.nodespec.hints import OutputFile

if TYPE_CHECKING:
    from vidflow.engine.bodies import Bodies


class Slots:
    """At most so many video sinks encode at once, in plan order."""

    def __init__(self) -> None:
        self._free = max(1, (os.cpu_count() or 1) // 2)
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, int, int, Callable[[], None]]] = []
        self._count = 0

    def take(self, urgency: float, index: int, start: Callable[[], None]) -> None:
        """Call `start` as soon as one is free."""
        with self._lock:
            self._count += 1
            self._waiting.append((-urgency, index, self._count, start))
            self._waiting.sort(key=lambda one: one[:3])
        self._next(0)

    def give(self) -> None:
        """One is done."""
        self._next(1)

    def _next(self, freed: int) -> None:
        with self._lock:
            self._free += freed
            if not self._free or not self._waiting:
                return
            self._free -= 1
            start = self._waiting.pop(0)[3]
        start()


def finished_sink(node: NodeRun) -> dict[str, Any] | None:
    """The outputs of this sink where the files that it wrote earlier are all still there unchanged."""
    paths = targets_of(node)
    if not paths:
        return None
    name = "\n".join(map(str, paths))
    node.sink_key = f"{node.key}{hashlib.blake2b(name.encode(), digest_size=6).hexdigest()}"
    return _written(node, len(paths))


def targets_of(node: NodeRun) -> list[Path]:
    """What the sink is to write; `{n}` still stands in it."""
    found: list[Path] = []
    for spec in node.spec.inputs:
        given = node.values.get(spec.name)
        if isinstance(spec.hint, OutputFile) and given is not None:
            found.extend(map(Path, cast("tuple[str, ...]", given) if spec.type.many else (given,)))
    return found


def run_sink(bodies: Bodies, node: NodeRun) -> dict[str, Any]:
    """Run a sink by one maker only; what another has finished meanwhile is not made again."""
    paths = targets_of(node)
    if not paths:
        return bodies.call(node, bodies.arguments(node))
    store = node.store
    claim = bodies.claim(node, f"sink:{node.sink_key}")
    try:
        found = _written(node, len(paths))
        if found is not None:
            node.was_kept = True
            return found
        with _named(bodies, node, paths) as targets:
            arguments = bodies.arguments(node)
            rest = iter(map(str, targets))
            for spec in node.spec.inputs:
                if isinstance(spec.hint, OutputFile) and (given := arguments.get(spec.name)) is not None:
                    arguments[spec.name] = [next(rest) for _ in given] if spec.type.many else next(rest)
            outputs = bodies.call(node, arguments)
            missing = next((target for target in targets if not target.exists()), None)
            if missing is not None:
                raise NodeError(f"wrote no file {missing}")
            for number, target in reversed(list(enumerate(targets))):
                store.sink_done(_key_of(node, number), target)
        node.execution.files.extend(map(str, targets))
        return outputs
    finally:
        if claim is not None:
            claim.release()


@contextmanager
def _named(bodies: Bodies, node: NodeRun, paths: list[Path]) -> Generator[tuple[Path, ...]]:
    """The targets with their numbers, which no other sink takes meanwhile."""
    engine = node.execution.engine
    while True:
        with engine.naming:
            targets = tuple(map(node.execution.paths.free_name, paths))
            # All or none: a sink that held one while it waits for another could wait for ever.
            if engine.named.isdisjoint(targets):
                engine.named.update(targets)
                break
        bodies.pause()
    node.targets = targets
    try:
        yield targets
    finally:
        with engine.naming:
            engine.named.difference_update(targets)


def _key_of(node: NodeRun, number: int) -> str:
    """The key of one of the sink's files; its parts lie under that of the first."""
    return f"{node.sink_key}.{number}" if number else node.sink_key or ""


def _written(node: NodeRun, count: int) -> dict[str, Any] | None:
    """The outputs of a sink whose files are there, in the order of its settings; one that has fewer gives the first."""
    files = [str(file) for number in range(count) if (file := node.store.sink_file(_key_of(node, number))) is not None]
    if len(files) < count:
        return None
    node.execution.files.extend(files)
    outputs = node.spec.outputs
    return {output.name: files[number if number < count else 0] for number, output in enumerate(outputs)}
