"""What must not be loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "cv2", "av", "diffusers", "transformers", "PySide6", "NodeGraphQt")


@pytest.mark.parametrize(
    "module",
    [
        "vidflow",
        "vidflow.api",
        "vidflow.cli",
        "vidflow.graph",
        "vidflow.media",
        "vidflow.nodespec",
        "vidflow.places",
        "vidflow.values",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
