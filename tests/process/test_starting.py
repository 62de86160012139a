"""What a start of the command loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.process.commands import Place
from vidflow import places

HEAVY = {"torch", "numpy", "cv2", "av", "diffusers", "transformers", "PySide6", "NodeGraphQt"}


def imported(*command: str, place: Place) -> set[str]:
    """The packages that Python says it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True, cwd=place.folder
    )
    times = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in times}


def test_importing_the_command_line_loads_nothing_heavy(place: Place) -> None:
    loaded = imported("-c", "import vidflow.cli", place=place)
    assert "vidflow" in loaded
    assert not loaded & HEAVY


def test_checking_a_prompt_loads_nothing_heavy(place: Place) -> None:
    graph = place.folder / "prompt.json"
    inputs = {"scene": "a fox runs", "camera": "ドリーイン", "style": "noir, oil painting"}
    graph.write_text(json.dumps({"vidflow": 1, "nodes": {"prompt": {"type": "build_prompt", "inputs": inputs}}}))
    assert not imported("-m", "vidflow.cli", "check", str(graph), place=place) & HEAVY


@pytest.mark.parametrize("sample", ["first_cut.json", "postcards.json"])
def test_checking_a_graph_loads_no_torch(sample: str, place: Place) -> None:
    loaded = imported("-m", "vidflow.cli", "check", str(places.samples() / sample), place=place)
    assert not loaded & {"torch", "diffusers", "transformers", "PySide6", "NodeGraphQt"}
