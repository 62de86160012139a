"""The families of video models that vidflow knows, one file each; a pack may add its own."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from vidflow.errors import ModelError
from vidflow.models.checkpoint import Checkpoint
from vidflow.models.family import Family

_FOUND: dict[str, Family] = {}


def families() -> Iterator[Family]:
    """Every family, those of packs last."""
    if not any(type(one).__module__.startswith(__name__) for one in _FOUND.values()):
        own: dict[str, Family] = {}
        for module in pkgutil.iter_modules(__path__):
            family: Family = importlib.import_module(f"{__name__}.{module.name}").FAMILY
            own[family.name] = family
        others = dict(_FOUND)
        _FOUND.clear()
        _FOUND.update(own | others)
    return iter(tuple(_FOUND.values()))


def add(family: Family) -> None:
    """Make a pack's family known; one of the same name is replaced."""
    _FOUND[family.name] = family


def family(name: str) -> Family:
    """The family called `name`. Raises ModelError."""
    for one in families():
        if one.name == name:
            return one
    raise ModelError(f"There is no family of models called {name!r}; a pack that brings it may be missing.")


def title(name: object) -> str:
    """What people call the family called `name`; the name itself where none is called so."""
    return next((one.title for one in families() if one.name == name), str(name))


def family_of(checkpoint: Checkpoint) -> Family:
    """The family of a checkpoint. Raises ModelError where none knows it."""
    for one in families():
        if one.recognises(checkpoint):
            return one
    known = ", ".join(one.title for one in families())
    raise ModelError(
        f"{checkpoint.folder} was saved by {checkpoint.pipeline}, which belongs to no family of video models here "
        f"({known})."
    )
