"""The registry: node types by name, by an older name, and by one that was mistyped."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidflow.nodespec.packs import Pack
from vidflow.nodespec.registry import Registry, installed, load_registry

CODE = '''"""A pack."""

from vidflow.api import node


@node(title="Blur", category="Test", replaces=("mine.soften", "smooth"))
def blur(*, value: int = 1) -> int:
    """Blur it."""
    return value


@node(title="Sharpen", category="Test", replaces=("mine.blur",))
def sharpen(*, value: int = 1) -> int:
    """Sharpen it."""
    return value
'''


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The core pack and one with renamed nodes."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text(CODE, "utf-8")
    return load_registry([Pack("core", module="vidflow_nodes"), Pack("mine", folder=folder)])


def test_a_type_is_found_by_its_name(registry: Registry) -> None:
    assert registry.get("mine.blur").title == "Blur"
    assert registry.get("trim").pack == "core"
    assert registry.get("blur") is None


def test_a_type_is_found_by_the_names_it_had_before(registry: Registry) -> None:
    assert registry.get("mine.soften") is registry.get("smooth") is registry.get("mine.blur")


def test_a_name_that_is_in_use_is_never_taken_for_an_older_one(registry: Registry) -> None:
    assert registry.get("mine.blur").title == "Blur"


def test_types_are_listed_in_the_order_of_their_packs(registry: Registry) -> None:
    types = list(registry.types())
    assert types[-2:] == ["mine.blur", "mine.sharpen"]
    assert types.index("concat") < types.index("mine.blur")
    assert "mine.soften" not in types


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("trimm", "trim"), ("load_vidoe", "load_video"), ("mine.blurr", "mine.blur"), ("xyzzy", None), ("", None)],
)
def test_the_type_that_was_probably_meant_is_named(registry: Registry, typed: str, meant: str | None) -> None:
    assert registry.near(typed) == meant


def test_the_installed_registry_is_read_once() -> None:
    assert installed() is installed()
    assert "trim" in installed().types()
