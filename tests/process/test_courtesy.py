"""In a process with a window the threads of encoders give way to all others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from vidflow import courtesy
from vidflow.errors import MediaError
from vidflow.media.codecs import Encoding
from vidflow.media.encode import PartWriter
from vidflow.values import Frames, VideoInfo

def patience():
    return {name: os.getpriority(os.PRIO_PROCESS, int(name)) for name in os.listdir("/proc/self/task")}

if sys.argv[2] == "window":
    courtesy.give_way()
before = patience()
info = VideoInfo(640, 480, Fraction(25), 3)
with PartWriter(Path(sys.argv[1]) / "part.mp4", info, Encoding()) as part:
    part.write(Frames(np.zeros((3, 480, 640, 3), np.uint8)))
    after = patience()
    fresh = {nice for name, nice in after.items() if name not in before}
    own = str(os.getpid())
    print(sorted(nice - before[own] for nice in fresh), after[own] == before[own])
try:
    PartWriter(Path(sys.argv[1]) / "none" / "part.mp4", info, Encoding())
except MediaError as error:
    print("cannot be written" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no patience of its own")
@pytest.mark.parametrize(("kind", "patience"), [("window", "[5]"), ("none", "[0]")])
def test_encoders_give_way_where_there_is_a_window(kind: str, patience: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), kind], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{patience} True", "True"], done.stderr
