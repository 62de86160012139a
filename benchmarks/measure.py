"""What the benchmarks share: lab nodes, bars, and a table of what was measured against them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["VIDFLOW_PACKS"] = str(ROOT / "tests" / "packs" / "lab")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure and the bar it must not pass (None is only told)."""

    name: str
    value: float
    bar: float | None
    unit: str = ""


def report(rows: list[Row]) -> None:
    """Print the table; exit with 1 where a bar is missed."""
    width = max(len(row.name) for row in rows)
    missed = False
    for row in rows:
        good = row.bar is None or row.value <= row.bar
        missed |= not good
        bar = "" if row.bar is None else f"  bar {row.bar:g} {row.unit}  {'ok' if good else 'MISSED'}"
        print(f"{row.name:{width}}  {row.value:10.3f} {row.unit}{bar}")
    sys.stdout.flush()
    sys.exit(1 if missed else 0)
