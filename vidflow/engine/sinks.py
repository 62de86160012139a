"""Sinks: run by one maker at a time, skipped where what they wrote is still there, a few at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def finished_sink(node: NodeRun) -> Path | None:
    """The file that this sink wrote earlier, where it is still there unchanged."""
    path = target_of(node)
    if path is None:
        return None
    node.sink_key = f"{node.key}{hashlib.blake2b(str(path).encode(), digest_size=6).hexdigest()}"
    return _written(node)


def target_of(node: NodeRun) -> Path | None:
    """What the sink is to write; `{n}` still stands in it."""
    for spec in node.spec.inputs:
        if isinstance(spec.hint, OutputFile) and node.values.get(spec.name) is not None:
            return Path(node.values[spec.name])
    return None


def run_sink(bodies: Bodies, node: NodeRun) -> dict[str, Any]:
    """Run a sink by one maker only; what another has finished meanwhile is not made again."""
    path = target_of(node)
    if path is None:
        return bodies.call(node, bodies.arguments(node))
    store = node.store
    claim = bodies.claim(node, f"sink:{node.sink_key}")
    try:
        found = _written(node)
        if found is not None:
            node.was_kept = True
            return {output.name: str(found) for output in node.spec.outputs}
        with _named(bodies, node, path) as target:
            arguments = bodies.arguments(node)
            for spec in node.spec.inputs:
                if isinstance(spec.hint, OutputFile):
                    arguments[spec.name] = str(target)
            outputs = bodies.call(node, arguments)
            if not target.exists():
                raise NodeError(f"wrote no file {target}")
            store.sink_done(node.sink_key or "", target)
        node.execution.files.append(str(target))
        return outputs
    finally:
        if claim is not None:
            claim.release()


@contextmanager
def _named(bodies: Bodies, node: NodeRun, path: Path) -> Generator[Path]:
    """The target with its number, which no other sink takes meanwhile."""
    engine = node.execution.engine
    while True:
        with engine.naming:
            target = node.execution.paths.free_name(path)
            if target not in engine.named:
                engine.named.add(target)
                break
        bodies.pause()
    node.target = target
    try:
        yield target
    finally:
        with engine.naming:
            engine.named.discard(target)


def _written(node: NodeRun) -> Path | None:
    found = node.store.sink_file(node.sink_key or "")
    if found is not None:
        node.execution.files.append(str(found))
    return found
