"""Folders that processes run in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import LAB
from tests.process.commands import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder of the test's own, with a store of its own."""
    return Place(tmp_path / "here", LAB)
