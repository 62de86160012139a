"""Media files that are damaged in every way one meets, and a process that reads them.

::

    python -m tests.media.mutants < names     # one path a line; what became of each, one line of JSON each

Each file goes to load_video, load_image, load_audio and probe. What opens is read to its end.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 20
"""How long reading one file may take in one way."""
FRAMES = 600
"""A film that damage made longer is read so far, and at its end."""

_SOUND = ("-f", "lavfi", "-i", "sine=440:r=44100:d=2")
_PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=12:d=2")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "6", "-pix_fmt", "yuv420p")
_BOTH = (*_PICTURES, *_SOUND, "-shortest")
_ORIGINALS: dict[str, tuple[str, ...]] = {
    "a.mp4": (*_BOTH, *_H264, "-movflags", "+faststart"),
    "b.mp4": (*_BOTH, *_H264),
    "a.mkv": (*_BOTH, *_H264, "-c:a", "libvorbis"),
    "a.webm": (*_BOTH, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"),
    "a.avi": (*_BOTH, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "a.ts": (*_BOTH, *_H264, "-c:a", "aac"),
    "a.mov": (*_BOTH, "-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "a.gif": _PICTURES,
    "a.webp": (*_PICTURES, "-c:v", "libwebp_anim", "-lossless", "1"),
    "s.webp": (*_PICTURES, "-frames:v", "1", "-c:v", "libwebp"),
    "a.png": (*_PICTURES, "-frames:v", "1"),
    "a.jpg": (*_PICTURES, "-frames:v", "1"),
    "a.tiff": (*_PICTURES, "-frames:v", "1"),
    "a.bmp": (*_PICTURES, "-frames:v", "1"),
    "a.wav": _SOUND,
    "a.mp3": _SOUND,
    "a.flac": _SOUND,
    "a.m4a": (*_SOUND, "-movflags", "+faststart"),
    "a.ogg": (*_SOUND, "-c:a", "libopus"),
}


def originals(folder: Path) -> list[Path]:
    """Small files of the usual kinds, made by FFmpeg."""
    for name, arguments in _ORIGINALS.items():
        command = ["ffmpeg", "-v", "error", "-y", *arguments, "-fflags", "+bitexact", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return [folder / name for name in _ORIGINALS]


def _flipped(data: bytearray, chance: np.random.Generator, bits: int) -> bytes:
    for place in chance.integers(0, len(data) * 8, bits):
        data[place // 8] ^= 1 << (place % 8)
    return bytes(data)


def _flipped_head(data: bytearray, chance: np.random.Generator) -> bytes:
    for place in chance.integers(0, min(512, len(data)) * 8, 4):
        data[place // 8] ^= 1 << (place % 8)
    return bytes(data)


def _zeroed(data: bytearray, chance: np.random.Generator) -> bytes:
    at, size = int(chance.integers(0, len(data))), int(chance.integers(16, 4096))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)


def _swapped(data: bytearray, chance: np.random.Generator) -> bytes:
    size = max(1, len(data) // 8)
    a, b = (int(place) for place in chance.integers(0, len(data) - size, 2))
    one, other = bytes(data[a : a + size]), bytes(data[b : b + size])
    data[a : a + size], data[b : b + size] = other, one
    return bytes(data)


Mutate = Callable[[bytearray, bytes, np.random.Generator], bytes]
MUTATIONS: dict[str, Mutate] = {
    "cut_near_the_end": lambda data, _, chance: bytes(data[: int(len(data) * chance.uniform(0.9, 0.999))]),
    "cut": lambda data, _, chance: bytes(data[: int(len(data) * chance.uniform(0.2, 0.9))]),
    "cut_in_the_head": lambda data, _, chance: bytes(data[: int(chance.integers(1, 400))]),
    "beginning_lost": lambda data, _, chance: bytes(data[int(len(data) * chance.uniform(0.01, 0.5)) :]),
    "one_bit": lambda data, _, chance: _flipped(data, chance, 1),
    "ten_bits": lambda data, _, chance: _flipped(data, chance, 10),
    "a_thousand_bits": lambda data, _, chance: _flipped(data, chance, 1000),
    "bits_in_the_head": lambda data, _, chance: _flipped_head(data, chance),
    "a_block_of_zeros": lambda data, _, chance: _zeroed(data, chance),
    "two_blocks_swapped": lambda data, _, chance: _swapped(data, chance),
    "head_of_another": lambda data, other, chance: other[: int(chance.integers(8, 600))] + bytes(data[64:]),
    "body_of_another": lambda data, other, chance: bytes(data[: int(chance.integers(8, 600))]) + other[64:],
    "joined_to_another": lambda data, other, _: bytes(data) + other,
    "noise": lambda data, _, chance: chance.bytes(len(data)),
    "empty": lambda *_: b"",
    "text": lambda *_: "Shot 1: 海の朝, slow pan.\n".encode() * 40,
    "json": lambda *_: json.dumps({"title": "film", "shots": list(range(100))}).encode(),
    "largest_numbers": lambda data, _, chance: _filled(data, chance, 0xFF),
}


def _filled(data: bytearray, chance: np.random.Generator, value: int) -> bytes:
    # What says a size, a count or a length is mostly near the beginning.
    at = int(chance.integers(4, min(200, len(data) - 8)))
    data[at : at + int(chance.integers(2, 9))] = bytes([value]) * len(data[at : at + int(chance.integers(2, 9))])
    return bytes(data)


def mutants(folder: Path, count: int, seed: int) -> Iterator[tuple[Path, str, Path]]:
    """`count` damaged files below `folder`, each with what was done to it and the original that it was."""
    made = folder / "originals"
    made.mkdir()
    whole = originals(made)
    chance = np.random.default_rng(seed)
    names = list(MUTATIONS)
    for number in range(count):
        # Strides without a common measure, so that every kind meets every mutation.
        source, mutation = whole[number % len(whole)], names[number % len(names)]
        other = whole[int(chance.integers(len(whole)))]
        path = folder / f"{number:04}-{mutation}-{source.name}"
        path.write_bytes(MUTATIONS[mutation](bytearray(source.read_bytes()), other.read_bytes(), chance))
        if number % 7 == 3:
            renamed = path.with_suffix(other.suffix)
            shutil.move(path, renamed)
            path = renamed
        yield path, mutation, source


# What the child process does


def main() -> None:
    """Read the files that are named on the standard input."""
    from tests.nodes.bench import CORE, Here
    from vidflow.api import MediaError, NodeError
    from vidflow.media.probe import probe

    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    ways: dict[str, Callable[[Path, Here], Any]] = {
        "probe": lambda path, _: {"format": probe(path).container},
        "load_video": lambda path, run: _watched(CORE["load_video"].function(path=str(path), run=run)),
        "load_image": lambda path, run: {
            "frames": len(CORE["load_image"].function(path=str(path), run=run).numpy()) and 1
        },
        "load_audio": lambda path, run: {"samples": _heard(CORE["load_audio"].function(path=str(path), run=run))},
    }
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        for way, read in ways.items():
            print(json.dumps({"path": str(path), "way": way, "begun": True}), flush=True)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            run, began = Here(path.parent), time.monotonic()
            told: dict[str, Any] = {}
            try:
                told = read(path, run)
            except (MediaError, NodeError) as error:
                told = {"refused": str(error)}
            except BaseException:  # noqa: BLE001  this is the edge that reports it
                told = {"broke": traceback.format_exc()}
            faulthandler.cancel_dump_traceback_later()
            told |= {"path": str(path), "way": way, "notes": run.notes, "seconds": time.monotonic() - began}
            told["megabytes"] = _most_megabytes()
            print(json.dumps(told), flush=True)


def _most_megabytes() -> int:
    """The most memory that this process ever held; `getrusage` would count that of its parent too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def _watched(video: Any) -> dict[str, Any]:
    frames = 0
    for batch in video.read(0, min(video.info.frames, FRAMES)):
        frames += len(batch)
    if video.info.frames > FRAMES:
        video.frame(-1)
    return {"frames": frames, "all": video.info.frames, "samples": _heard(video.audio) if video.audio else 0}


def _heard(audio: Any) -> int:
    rate, total = audio.info.rate, audio.info.samples
    reader = audio.open()
    try:
        for start in range(0, min(total, 60 * rate), rate):
            assert np.isfinite(reader.read(start, min(total, start + rate))).all()
        reader.read(max(0, total - rate), total)
    finally:
        reader.close()
    return total


if __name__ == "__main__":
    main()
