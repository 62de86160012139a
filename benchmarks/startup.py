"""How long the command takes before it does anything: the version, and the check of a sample graph."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from measure import ROOT, Row, report


def seconds(*command: str) -> float:
    """Wall seconds of a process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    vidflow = str(Path(sys.executable).with_name("vidflow"))
    sample = str(ROOT / "sample_graphs" / "first_cut.json")
    # In turn, so that a machine that is busy for a moment is busy for all of them.
    taken = [
        (seconds(sys.executable, "-c", ""), seconds(vidflow, "--version"), seconds(vidflow, "check", sample))
        for _ in range(rounds)
    ]
    bare, version, check = (min(column) for column in zip(*taken, strict=True))
    report(
        [
            Row("an empty Python", bare, None, "s"),
            Row("vidflow --version", version, 0.2, "s"),
            Row("vidflow check of a sample graph", check, 0.6, "s"),
        ]
    )


if __name__ == "__main__":
    main()
