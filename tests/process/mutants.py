"""Graphs gone wrong: the samples and the lab's on tiny clips, changed at random in text and in structure."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from vidflow import places

SMALLER = 20
"""The samples' sizes are divided by this, to fit the tiny clips."""
LAB: dict[str, Any] = {
    "vidflow": 1,
    "nodes": {
        "n": {"type": "number", "inputs": {"value": 3}},
        "name": {"type": "text", "inputs": {"value": "made"}},
        "clip": {"type": "load_video", "inputs": {"path": "clip.mp4"}},
        "still": {"type": "load_image", "inputs": {"path": "still.png"}},
        "cut": {"type": "trim", "inputs": {"video": {"from": "clip"}, "start": {"from": "n"}, "unit": "frames"}},
        "dream": {"type": "lab.dream", "inputs": {"frame": {"from": "cut"}}},
        "twice": {"type": "graph:slow", "inputs": {"in": {"from": "dream"}, "by": 9}},
        "off": {"type": "reverse", "off": True, "inputs": {"video": {"from": "twice"}}},
        "both": {"type": "concat", "inputs": {"videos": [{"from": "off"}, {"from": "clip.video"}, {"from": "still"}]}},
        "mean": {"type": "lab.brightness", "inputs": {"video": {"from": "both"}}},
        "first": {"type": "lab.first_frame", "inputs": {"video": {"from": "dream"}}},
        "most": {"type": "lab.brightest", "inputs": {"image": {"from": "first"}}},
        "more": {"type": "lab.add", "inputs": {"value": {"from": "most"}, "plus": 2}},
        "save": {
            "type": "save_video",
            "inputs": {"video": {"from": "both"}, "path": "{name.value}_{n:03}.mp4", "preset": "ultrafast"},
        },
        "report": {"type": "save_report", "inputs": {"report": {"from": "mean"}, "path": "{graph}.json"}},
        "write": {"type": "lab.write_number", "inputs": {"value": {"from": "more"}, "path": "a/number.txt"}},
    },
    "graphs": {
        "slow": {
            "nodes": {
                "tint": {"type": "lab.tint"},
                "slower": {"type": "lab.neighbours", "inputs": {"video": {"from": "tint"}}},
            },
            "inputs": {"in": ["tint.frame"], "by": ["tint.by"]},
            "outputs": {"out": {"from": "slower"}, "raw": {"from": "tint.video"}},
        }
    },
    "view": {"nodes": {"clip": {"at": [0, 0]}}},
}
TYPES = [
    "number",
    "text",
    "load_video",
    "load_image",
    "load_audio",
    "trim",
    "resize",
    "crop",
    "reverse",
    "concat",
    "set_audio",
    "save_video",
    "save_image",
    "save_report",
    "lab.add",
    "lab.dream",
    "lab.tint",
    "lab.gpu_tint",
    "lab.same",
    "lab.neighbours",
    "lab.difference",
    "lab.brightness",
    "lab.first_frame",
    "lab.brightest",
    "lab.decode_lab",
    "lab.fail",
    "lab.fail_at",
    "lab.dump",
    "lab.write_number",
    "lab.drop",
    "graph:slow",
    "graph:postcard",
    "graph:",
    "lab.none",
    "none.lab",
]
KEYS = [
    "type",
    "inputs",
    "off",
    "nodes",
    "graphs",
    "view",
    "vidflow",
    "from",
    "video",
    "videos",
    "image",
    "value",
    "path",
]
KEYS += [
    "frame",
    "audio",
    "start",
    "end",
    "width",
    "left",
    "fit",
    "outputs",
    "a",
    "b",
    "a b",
    "",
    "é",
    "\ud800",
    "x" * 300,
]
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 7, 2.5, -0.0, 1e308, 2**31, 2**63, -(2**64), 10**400, "", " ", "a", "1", "clip.mp4",
    "still.png", "sound.wav", "notes.txt", "empty.mp4", "folder", "pipe.mp4", "none.mp4", "../graph.json", "/dev/zero",
    "/dev/full", "/proc/self/status", "/etc", "~/x.mp4", "../x.mp4", "/x.mp4", "x.mp4", "x/x.mp4", "x.raw", "x.png",
    "x\0y.mp4", "\ud800", "é.mp4", "{n}", "{n:04}.mp4", "{", "{each}", "{graph}.mp4", "{save.path}.mp4", "{no.one}",
    "*", "resources:..", "resources:media/moon.png", "resources:", "a/" * 500, "x" * 5000, "graph:slow", "lab.dream",
    [], [[]], [None], [1, "a"], {}, {"from": ""}, {"from": "no"}, {"from": "clip"}, {"from": "clip.audio"},
    {"from": "n"}, {"from": "save"}, {"from": "twice.raw"}, {"from": "most"}, [{"from": "clip"}] * 5,
    [{"from": "still"}], {"type": "lab.add"}, {"type": "lab.add", "inputs": {"value": {"from": "n"}}, "off": True},
    {"from": "a", "b": 1},
]  # fmt: skip


def tiny_media(folder: Path) -> None:
    """The clips, pictures and sounds that the graphs name, and files that are none."""
    sources = {
        "clip.mp4": "testsrc2=s=64x36:r=12:d=1 sine=r=8000:d=1",
        "still.png": "testsrc2=s=64x48:d=0.04:r=25",
        "sound.wav": "sine=r=8000:d=1",
    }
    for name, source in sources.items():
        inputs = [part for one in source.split() for part in ("-f", "lavfi", "-i", one)]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, str(folder / name)], check=True)
    (folder / "notes.txt").write_text("no picture")
    (folder / "empty.mp4").touch()
    (folder / "folder").mkdir()


def whole_graphs() -> list[dict[str, Any]]:
    """The graphs before anything is changed in them."""
    return [LAB, LAB, *(_tiny(json.loads(path.read_text("utf-8"))) for path in sorted(places.samples().glob("*.json")))]


def _tiny(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _tiny(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_tiny(one) for one in value]
    if value in ("pocket", "clip-small"):
        return "still.png"  # What really runs takes longer than a mutant may.
    if isinstance(value, str) and value.startswith("resources:"):
        return {"mp4": "clip.mp4", "m4a": "sound.wav"}.get(value.rpartition(".")[2], "still.png")
    if key in ("width", "height", "left", "top") and isinstance(value, int):
        return value // SMALLER
    return min(value, 0.5) if key in ("start", "end", "fade_in", "fade_out") else value


def mutant(chance: Random) -> str:
    """The text of a graph with a few things wrong."""
    graph = json.loads(json.dumps(chance.choice(whole_graphs())))
    for _ in range(chance.randint(0, 3)):
        chance.choice(_STRUCTURE)(graph, chance)
    text = json.dumps(graph, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 2]))
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        text = _spoiled(text, chance)
    return text


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every object or list with each of its keys, the document's own first."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    for holder in todo:
        keys = holder.keys() if isinstance(holder, dict) else range(len(holder))
        found += [(holder, key) for key in keys]
        todo += [holder[key] for key in keys if isinstance(holder[key], dict | list)]
    return found or [({"": 0}, "")]


def _put(graph: Any, chance: Random) -> None:
    holder, key = chance.choice(_places(graph))
    holder[key] = json.loads(json.dumps(chance.choice(STRANGE)))


def _put_setting(graph: Any, chance: Random) -> None:
    settings = [(holder, key) for holder, key in _places(graph) if not isinstance(holder[key], dict | list)]
    if settings:
        holder, key = chance.choice(settings)
        holder[key] = chance.choice(TYPES) if key == "type" else json.loads(json.dumps(chance.choice(STRANGE)))


def _drop(graph: Any, chance: Random) -> None:
    holder, key = chance.choice(_places(graph))
    del holder[key]


def _copy(graph: Any, chance: Random) -> None:
    (holder, key), (other, name) = chance.choice(_places(graph)), chance.choice(_places(graph))
    holder[key] = json.loads(json.dumps(other[name]))


def _add(graph: Any, chance: Random) -> None:
    holder, key = chance.choice(_places(graph))
    inner = holder[key]
    if isinstance(inner, dict):
        inner[chance.choice(KEYS)] = json.loads(json.dumps(chance.choice(STRANGE)))
    elif isinstance(inner, list):
        inner.append(json.loads(json.dumps(chance.choice(STRANGE))))


def _rename(graph: Any, chance: Random) -> None:
    named = [(holder, key) for holder, key in _places(graph) if isinstance(holder, dict)]
    if named:
        holder, key = chance.choice(named)
        holder[chance.choice(KEYS)] = holder.pop(key)


def _scale(graph: Any, chance: Random) -> None:
    numbers = [(holder, key) for holder, key in _places(graph) if type(holder[key]) in (int, float)]
    if numbers:
        holder, key = chance.choice(numbers)
        old = holder[key] if abs(holder[key]) < 2**53 else 3
        holder[key] = chance.choice([-old, old * 10, old + 0.5, old - 1, old // 2])


def _relink(graph: Any, chance: Random) -> None:
    links = [(holder, key) for holder, key in _places(graph) if key == "from"]
    if links:
        holder, key = chance.choice(links)
        nodes = graph.get("nodes", {}) if isinstance(graph, dict) else {}
        holder[key] = chance.choice([*nodes, "?"]) if isinstance(nodes, dict) else "?"


_STRUCTURE: list[Callable[[Any, Random], None]] = [
    _put, _put_setting, _put_setting, _put_setting, _drop, _copy, _add, _rename, _scale, _relink, _relink,
]  # fmt: skip


def _spoiled(text: str, chance: Random) -> str:
    """A stretch of the text cut out, doubled, or replaced."""
    start = chance.randrange(len(text) + 1)
    stop = min(len(text), start + chance.choice([0, 1, 1, 5, 40]))
    new = [
        "",
        text[start:stop] * 2,
        "{",
        "]",
        '"',
        ",",
        ":",
        "\\u",
        "\0",
        "\ud800",
        "\ufeff",
        "NaN",
        "1e999",
        "-",
        "é",
        "\n",
    ]
    return text[:start] + chance.choice(new) + text[stop:]
