"""What tests of models share: tiny checkpoints, made once, and torch on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint, made once."""

    @lru_cache
    def made(name: str) -> Path:
        return tiny.build(name, tmp_path_factory.mktemp(name))

    return made


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """So little work is slower on several threads, by far where others use the cores as well."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def empty() -> Iterator[None]:
    """Nothing stays loaded between tests; `release` would look for cycles as well, half a second each time."""
    from vidflow.models.residency import RESIDENT

    yield
    RESIDENT._held.clear()
