"""Variants: one run of a graph for each value of chosen inputs, as `--each` asks for."""

from __future__ import annotations

import glob
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESOURCES = "resources:"
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True, slots=True)
class Variant:
    """Values for inputs, and the label that stands for `{each}`; both empty where there are no variants."""

    label: str
    values: Mapping[str, Any]


def variants_of(each: Mapping[str, Sequence[Any]]) -> list[Variant]:
    """Every combination of the values; the labels join them by `-`."""
    return [
        Variant("-".join(safe_label(value) for value in values), dict(zip(each, values, strict=True)))
        for values in itertools.product(*each.values())
    ]


def read_values(text: str, here: Path) -> list[str]:
    """The values of `--each`: a glob's files, `a,b,c`, or the numbers of `1..8`, as texts."""
    found = _RANGE.fullmatch(text.strip())
    if found:
        first, last = int(found[1]), int(found[2])
        return [str(number) for number in range(first, last + (1 if last >= first else -1), 1 if last >= first else -1)]
    if text.startswith(RESOURCES):
        from vidflow.places import resources

        shipped = resources()
        found = read_values(text[len(RESOURCES) :], shipped)
        return [RESOURCES + str(Path(one).relative_to(shipped)) if one.startswith("/") else one for one in found]
    if glob.has_magic(text):
        pattern = Path(text).expanduser()
        root = Path(pattern.anchor) if pattern.is_absolute() else here
        matches = root.glob(str(pattern.relative_to(root) if pattern.is_absolute() else pattern))
        return sorted(str(match) for match in matches if match.is_file())
    return [part.strip() for part in text.split(",") if part.strip()]


def safe_label(value: Any) -> str:
    """A value as part of a file name; a path gives its stem."""
    text = str(value)
    if "/" in text or "\\" in text:
        text = Path(text).stem
    return re.sub(r"[^\w.+-]+", "_", text).strip("._")[:80] or "_"
