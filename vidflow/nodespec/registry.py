"""The registry: which node types there are, and which packs could not be loaded."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import lru_cache

from vidflow.errors import PackError
from vidflow.nodespec.packs import Pack, find_packs, load_pack
from vidflow.nodespec.spec import NodeSpec


class Registry:
    """Node types by name. Broken packs are in `broken`, packs in the user's folder not yet enabled in `disabled`."""

    def __init__(
        self, specs: Iterable[NodeSpec] = (), broken: Sequence[PackError] = (), disabled: Sequence[str] = ()
    ) -> None:
        self._specs: dict[str, NodeSpec] = {}
        self._renamed: dict[str, NodeSpec] = {}
        self.broken = tuple(broken)
        self.disabled = tuple(disabled)
        for spec in specs:
            self._specs[spec.type] = spec
            for old in spec.replaces:
                self._renamed[old] = spec

    def get(self, type: str) -> NodeSpec | None:
        """The spec of a type, or of the one that replaces it; None where there is none."""
        return self._specs.get(type) or self._renamed.get(type)

    def types(self) -> Sequence[str]:
        """Every type, in the order of its pack."""
        return tuple(self._specs)

    def near(self, type: str) -> str | None:
        """The type that was probably meant."""
        return next(iter(difflib.get_close_matches(type, self._specs, 1)), None)


def load_registry(packs: Sequence[Pack] | None = None) -> Registry:
    """A registry of `packs`, or of all that are installed and enabled. A broken pack is named and skipped."""
    found, disabled = find_packs() if packs is None else (packs, ())
    specs: dict[str, NodeSpec] = {}
    broken: list[PackError] = []
    names: set[str] = set()
    for pack in found:
        if pack.name in names and pack.name != "core":
            broken.append(PackError(pack.name, f"another pack of that name was found before {pack.folder}."))
            continue
        names.add(pack.name)
        try:
            loaded = load_pack(pack)
        except PackError as error:
            broken.append(error)
            continue
        specs.update((spec.type, spec) for spec in loaded)
    return Registry(specs.values(), broken, disabled)


@lru_cache(maxsize=1)
def installed() -> Registry:
    """The registry of this process, read once."""
    return load_registry()
