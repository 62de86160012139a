"""Render the clips, the music and the pictures that vidflow ships: `python resources/render [NAME...]`.

Each comes out the same every time on one machine; all of them take a few minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import city
import forest
import lanterns
import sea
import sound
import stills
import takes
from film import write_film, write_sound, write_still

MEDIA = Path(__file__).resolve().parents[1] / "media"


def _film(scene: ModuleType, rate: Fraction, pitch: int, crf: float, play: Callable[[float, int], sound.NDArray]):
    def make(path: Path) -> None:
        write_film(path, scene.frames(), rate, play(scene.SECONDS, pitch), pitch, crf)

    return make


WORKS: dict[str, Callable[[Path], None]] = {
    "sea.mp4": _film(sea, Fraction(25), 48_000, 24, sound.shore),
    "lanterns.mp4": _film(lanterns, Fraction(24), 44_100, 21, sound.night),
    "forest.mp4": _film(forest, Fraction(30), 48_000, 24, sound.winter),
    "city.mp4": _film(city, Fraction(24000, 1001), 48_000, 22, sound.city),
    **{
        f"takes/take_{take}.mp4": lambda path, take=take: write_film(
            path, takes.frames(take), takes.RATE, None, 0, 31 if take == 3 else 22
        )
        for take in range(1, 6)
    },
    "cabin.mp4": lambda path: write_film(path, takes.cabin(), takes.CABIN_RATE, None, 0, 20),
    "evening.m4a": lambda path: write_sound(path, sound.song(44_100), 44_100),
    "mountains.jpg": lambda path: write_still(path, stills.mountains()),
    "moon.png": lambda path: write_still(path, stills.moon()),
    "ribbons.png": lambda path: write_still(path, stills.ribbons()),
}


def main(names: list[str]) -> None:
    """Render the works called `names`, or all."""
    MEDIA.mkdir(exist_ok=True)
    for name in names or WORKS:
        start = time.perf_counter()
        (MEDIA / name).parent.mkdir(exist_ok=True)
        WORKS[name](MEDIA / name)
        size = (MEDIA / name).stat().st_size / 1000
        print(f"{name:18} {size:7.0f} KB {time.perf_counter() - start:6.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
