"""Patches: the difference between two documents, small and exact, which is what undo and redo apply.

Documents share what they have in common, so the difference is found by identity, in one pass over the ids, and a patch
holds only the values that changed. Applied where it belongs it gives back the very bytes, order and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias, cast

from vidflow.graph.document import Graph, Subgraph

_PARTS = {kind: tuple(part.name for part in fields(kind)) for kind in (Graph, Subgraph)}
_MAX_DEPTH = 8
"""Below this a changed value is held whole. Graph, graphs, a definition, its view, its nodes, one entry, is six."""

Value: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Patch:
    """What to do to a mapping, or to the fields of a Graph or Subgraph, to make it another one.

    `gone` are the keys to take out, `put` new values for keys that stay (a Patch changes the old value), `insert`
    the keys to put in with their positions, in ascending order. A Patch of a whole document is an edit too.
    """

    gone: tuple[str, ...] = ()
    put: tuple[tuple[str, Value], ...] = ()
    insert: tuple[tuple[int, str, Value], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.put or self.insert)

    def on(self, graph: Graph) -> Graph:
        """The document that this patch makes of the one it was made for."""
        return cast("Graph", _patched(graph, self))


def difference(before: Graph, after: Graph) -> Patch:
    """The patch that makes `after` of `before`; false where nothing differs."""
    if before is after:
        return Patch()
    patch = _difference(before, after, 0)
    return patch if patch is not None else Patch()


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: in the same order, and with 1, 1.0 and true told apart."""
    if one is other:
        return True
    return (
        one.__class__ is other.__class__
        and repr(one) == repr(other)
        and getattr(one, "fields", None) == getattr(other, "fields", None)
    )


def _mapping(value: Any) -> Mapping[str, Any] | None:
    parts = _PARTS.get(value.__class__)
    if parts is not None:
        return {name: getattr(value, name) for name in parts}
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def _difference(before: Any, after: Any, depth: int) -> Patch | None:
    """None where `after` has to be held whole."""
    if before.__class__ is not after.__class__ or depth > _MAX_DEPTH:
        return None
    old, new = _mapping(before), _mapping(after)
    if old is None or new is None:
        return None
    gone = tuple([key for key in old if key not in new])
    put: list[tuple[str, Any]] = []
    insert: list[tuple[int, str, Any]] = []
    kept: list[str] = []
    for index, (key, value) in enumerate(new.items()):
        if key not in old:
            insert.append((index, key, value))
            continue
        kept.append(key)
        was = old[key]
        if was is not value:
            inner = _difference(was, value, depth + 1)
            if inner is None:
                if not same(was, value):
                    put.append((key, value))
            elif inner:
                put.append((key, inner))
    if kept != [key for key in old if key in new]:
        return None
    return Patch(gone, tuple(put), tuple(insert))


def _patched(value: Any, patch: Patch) -> Any:
    old = _mapping(value)
    assert old is not None
    new = dict(old)
    for key in patch.gone:
        del new[key]
    for key, to in patch.put:
        new[key] = _patched(new[key], to) if isinstance(to, Patch) else to
    if patch.insert:
        items = list(new.items())
        for index, key, inserted in patch.insert:
            items.insert(index, (key, inserted))
        new = dict(items)
    return replace(value, **new) if value.__class__ in _PARTS else new
