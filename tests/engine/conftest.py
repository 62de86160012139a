"""Engines of the tests' own, with the lab pack beside the core one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vidflow.engine.service import Engine
from vidflow.nodespec.packs import Pack
from vidflow.nodespec.registry import Registry, load_registry

LAB = Path(__file__).resolve().parent.parent / "packs" / "lab"
_loaded: list[Registry] = []


def registry() -> Registry:
    """The core pack and the lab, loaded once for all tests, so that all see the same counters."""
    if not _loaded:
        _loaded.append(load_registry([Pack("core", module="vidflow_nodes"), Pack("lab", folder=LAB)]))
        assert not _loaded[0].broken
    return _loaded[0]


@pytest.fixture
def made() -> dict[str, int]:
    """How many frames and results the lab's nodes have made, from nothing at the start of the test."""
    registry()
    counts = sys.modules["vidflow_packs.lab"].made
    counts.clear()
    return counts


@pytest.fixture
def start(tmp_path: Path, made: dict[str, int]) -> Iterator[Callable[..., Engine]]:
    """Makes engines on one store, closed at the end."""
    engines: list[Engine] = []

    def make(**options: Any) -> Engine:
        engine = Engine(options.pop("store", tmp_path / "store"), registry=registry(), **options)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(start: Callable[..., Engine]) -> Engine:
    """An engine."""
    return start()


def graph(**nodes: Any) -> dict[str, Any]:
    """A graph of nodes given as `id=("type", {inputs})`; a string that begins with `@` is a link."""

    def value(given: Any) -> Any:
        if isinstance(given, str) and given.startswith("@"):
            return {"from": given[1:]}
        return [value(one) for one in given] if isinstance(given, list) else given

    return {
        "vidflow": 1,
        "nodes": {
            id: {"type": type, "inputs": {name: value(given) for name, given in inputs.items()}}
            for id, (type, inputs) in nodes.items()
        },
    }
