"""The clips, sound and pictures in the box are what their scripts make, small, and fit to be shown."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[2]
MEDIA = TOP / "resources" / "media"


def probed(path: Path) -> dict[str, dict[str, str]]:
    """What ffprobe says of each stream, by its kind."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    streams = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in streams}


@pytest.mark.parametrize(
    ("name", "width", "height", "rate", "frames", "pitch"),
    [
        ("sea.mp4", 1280, 720, Fraction(25), 125, 48_000),
        ("lanterns.mp4", 960, 540, Fraction(24), 120, 44_100),
        ("forest.mp4", 1280, 720, Fraction(30), 120, 48_000),
        ("city.mp4", 960, 400, Fraction(24000, 1001), 120, 48_000),
    ],
)
def test_a_clip_has_the_size_rate_and_sound_that_the_samples_count_on(
    name: str, width: int, height: int, rate: Fraction, frames: int, pitch: int
) -> None:
    streams = probed(MEDIA / name)
    video, audio = streams["video"], streams["audio"]
    assert (int(video["width"]), int(video["height"])) == (width, height)
    assert (Fraction(video["avg_frame_rate"]), int(video["nb_frames"])) == (rate, frames)
    assert (video["codec_name"], video["color_space"], video["color_range"]) == ("h264", "bt709", "tv")
    assert (audio["codec_name"], int(audio["sample_rate"]), audio["channels"]) == ("aac", pitch, 2)


def test_what_is_shipped_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in MEDIA.rglob("*.*")}
    assert max(sizes.values()) < 1_200_000
    assert sum(sizes.values()) < 8_000_000


def test_the_music_is_twenty_seconds_of_stereo() -> None:
    audio = probed(MEDIA / "evening.m4a")["audio"]
    assert float(audio["duration"]) == pytest.approx(20, abs=0.1)
    assert audio["channels"] == 2


def test_the_shipped_moon_is_what_its_script_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOP / "resources" / "render"))
    import stills

    shipped = cv2.imread(str(MEDIA / "moon.png"))
    assert shipped is not None
    drawn = stills.moon()[..., ::-1]
    # Another machine's sine may differ in the last bit.
    assert np.abs(shipped.astype(int) - drawn).mean() < 0.5


def test_the_script_names_every_shipped_file() -> None:
    code = "import runpy; print(*runpy.run_path('resources/render', run_name='listing')['WORKS'])"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {str(path.relative_to(MEDIA)) for path in MEDIA.rglob("*.*")}
