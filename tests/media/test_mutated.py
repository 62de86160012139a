"""Damaged files: what can be read is read, the rest is told in one message; nothing breaks, hangs or takes memory."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.media.mutants import MUTATIONS, SECONDS, mutants

ROOT = Path(__file__).resolve().parent.parent.parent
COUNT = int(os.environ.get("VIDFLOW_MUTATED", "300"))
SEED = int(os.environ.get("VIDFLOW_MUTATED_SEED", "1"))
WORKERS = 2
MEGABYTES = 1024


def _read_all(paths: list[Path]) -> list[dict[str, Any]]:
    """What became of each file in each way; where the process ended, `ended` says how."""
    told: list[dict[str, Any]] = []
    rest = [str(path) for path in paths]
    while rest:
        done = subprocess.run(
            [sys.executable, "-m", "tests.media.mutants"],
            input="\n".join(rest), cwd=ROOT, capture_output=True, text=True, check=False, errors="replace",
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told += [line for line in lines if "begun" not in line]
        if not done.returncode:
            break
        last = lines[-1]
        told.append({**last, "ended": f"exit status {done.returncode}: {done.stderr[-3000:]}"})
        rest = rest[rest.index(last["path"]) + 1 :]
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of every file, with what was done to it."""
    folder = tmp_path_factory.mktemp("mutated")
    made = {str(path): (mutation, source) for path, mutation, source in mutants(folder, COUNT, SEED)}
    paths = [Path(path) for path in made]
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(_read_all, [paths[start::WORKERS] for start in range(WORKERS)])
    found = [
        {**line, "mutation": made[line["path"]][0], "source": made[line["path"]][1].name}
        for part in parts
        for line in part
    ]
    if os.environ.get("VIDFLOW_MUTATED_TOLD"):
        Path(os.environ["VIDFLOW_MUTATED_TOLD"]).write_text("\n".join(map(json.dumps, found)), "utf-8")
    return found


@pytest.mark.timeout(1500)
def test_no_file_ends_the_process_or_hangs_it(told: list[dict[str, Any]]) -> None:
    ended = [line for line in told if "ended" in line]
    assert not ended, "\n".join(f"{line['path']} ({line['way']}): {line['ended']}" for line in ended)
    assert len(told) == 4 * COUNT
    assert max(line["seconds"] for line in told) < SECONDS


def test_whatever_is_wrong_is_told_as_one_message(told: list[dict[str, Any]]) -> None:
    broke = [line for line in told if "broke" in line]
    assert not broke, "\n".join(f"{line['path']} ({line['way']}):\n{line['broke']}" for line in broke[:5])
    for line in told:
        if "refused" in line:
            assert line["refused"].startswith(f"{line['path']}: ")
            assert "\n" not in line["refused"]
            assert len(line["refused"]) < len(line["path"]) + 200


def test_no_file_takes_more_than_a_gigabyte(told: list[dict[str, Any]]) -> None:
    most = max(told, key=lambda line: line.get("megabytes", 0))
    assert most["megabytes"] <= MEGABYTES, most


def test_what_can_be_read_is_read(told: list[dict[str, Any]]) -> None:
    read = Counter(line["mutation"] for line in told if "frames" in line or "samples" in line)
    for harmless in ("one_bit", "cut_near_the_end", "joined_to_another", "a_block_of_zeros"):
        assert read[harmless] >= COUNT // len(MUTATIONS) // 2, harmless
    for nothing in ("empty", "text", "json", "noise"):
        assert read[nothing] <= COUNT // len(MUTATIONS) // 3, nothing


def test_a_file_that_breaks_off_and_says_how_long_it_was_has_a_note(told: list[dict[str, Any]]) -> None:
    kinds = ("a.mp4", "a.wav", "a.m4a", "a.png", "a.jpg", "a.webp", "a.bmp")
    cut = [line for line in told if line["mutation"] == "cut" and line["source"] in kinds and "refused" not in line]
    read = [line for line in cut if line["way"] != "probe"]
    silent = [line for line in read if not line["notes"]]
    assert not silent, "\n".join(f"{line['path']} ({line['way']})" for line in silent)


def _atom(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


_HEAD = b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 48000, 192000, 4, 16)
_FLAC = (
    b"fLaC\x80\0\0\x22"
    + struct.pack(">HH", 4096, 4096)
    + bytes(6)
    + ((48000 << 44) | (15 << 36) | (2**36 - 1)).to_bytes(8, "big")
)
BOMBS = {
    "sound.wav": _HEAD + b"data" + struct.pack("<I", 2**32 - 16) + bytes(4000),
    "channels.wav": _HEAD.replace(struct.pack("<HH", 1, 2), struct.pack("<HH", 1, 65535)) + b"data" + bytes(4000),
    "sound.flac": _FLAC + bytes(16),
    "film.y4m": b"YUV4MPEG2 W65535 H65535 F25:1 C420\nFRAME\n" + bytes(5000),
    "frames.y4m": b"YUV4MPEG2 W16 H16 F1:2000000000 C420\nFRAME\n" + bytes(384),
    "film.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(2000),
    "film.avi": b"RIFF\xff\xff\xff\x7fAVI LIST\xc0\0\0\0hdrlavih8\0\0\0" + b"\xff\xff\xff\x7f" * 14 + bytes(2000),
    "film.mp4": _atom(b"ftyp", b"isom\0\0\0\1isom")
    + _atom(b"moov", _atom(b"mvhd", bytes(12) + struct.pack(">II", 1, 2**31 - 1) + bytes(80)) + bytes([255]) * 400),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_header_that_claims_the_world_takes_no_memory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name])
    told = _read_all([tmp_path / name])
    assert [line for line in told if "ended" in line or "broke" in line] == []
    assert len(told) == 4
    assert max(line["megabytes"] for line in told) < 400
