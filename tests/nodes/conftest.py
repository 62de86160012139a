"""How the tests of nodes call them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodes.bench import AsFunction, InGraph

Call = InGraph | AsFunction


@pytest.fixture(params=[InGraph, AsFunction], ids=["in a graph", "as a function"])
def call(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Call]:
    """Calls a core node by its type, in both ways; what it writes lies in `tmp_path`."""
    way = request.param(tmp_path)
    yield way
    way.close()


@pytest.fixture
def in_graph(tmp_path: Path) -> Iterator[InGraph]:
    """Calls a core node in a graph."""
    way = InGraph(tmp_path)
    yield way
    way.close()
