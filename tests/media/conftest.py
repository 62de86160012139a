"""Clips that FFmpeg makes for the tests, and what FFmpeg itself shows of a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

MakeClip = Callable[..., Path]


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """A function that runs `ffmpeg ARGUMENTS .../NAME`, once for the same words, and gives the file."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[tuple[str, ...], Path] = {}

    def make(name: str, *arguments: str | Path) -> Path:
        key = (name, *map(str, arguments))
        if key not in made:
            made[key] = folder / str(len(made)) / name
            made[key].parent.mkdir()
            command = ["ffmpeg", "-v", "error", "-y", *key[1:], str(made[key])]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return made[key]

    return make


@pytest.fixture(scope="session")
def shown() -> Callable[..., np.ndarray]:
    """A function that gives what FFmpeg shows of a file: `[n, h, w, 3]` in `pixels` (rgb24 or rgb48le)."""

    def show(path: Path, width: int, height: int, pixels: str = "rgb24") -> np.ndarray:
        command = ["ffmpeg", "-v", "error", "-i", str(path), "-an", "-vsync", "passthrough", "-pix_fmt", pixels]
        raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True).stdout
        return np.frombuffer(raw, np.uint8 if pixels == "rgb24" else np.uint16).reshape(-1, height, width, 3)

    return show


@pytest.fixture(scope="session")
def straight() -> Callable[[Path], list[np.ndarray]]:
    """A function that decodes a file from its start to its end, with nothing of ours."""

    def decode(path: Path) -> list[np.ndarray]:
        with av.open(str(path)) as found:
            return [frame.to_ndarray(format="rgb24") for frame in found.decode(video=0)]

    return decode


@pytest.fixture(scope="session")
def ffprobe() -> Callable[..., Any]:
    """A function that asks ffprobe for entries and gives its JSON."""

    def ask(path: Path, entries: str, *more: str) -> Any:
        command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", *more, str(path)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    return ask
