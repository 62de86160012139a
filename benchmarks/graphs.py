"""One small graph for each node of the pack, and the clips for them: what speed and memory are measured on."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import ROOT

RATE = 24
WIDTH, HEIGHT = 1280, 720
JOINT = 0.25
"""Seconds: how long a transition takes."""
TITLE = "The river, at dawn"
VIDFLOW = str(Path(sys.executable).with_name("vidflow"))

Nodes = dict[str, Any]


class Material:
    """Clips of `frames` frames, 720p at 24 a second, with sound; and what else a graph reads.

    Each file is made when it is first asked for. The pictures are those of the clips in `VIDFLOW_MEDIA`, by default
    those that ship with the project.
    """

    def __init__(self, folder: Path, frames: int) -> None:
        self.folder = folder / f"material-{frames}"
        self.frames = frames
        self.folder.mkdir(parents=True, exist_ok=True)
        given = os.environ.get("VIDFLOW_MEDIA")
        names = ("bigbuckbunny", "bikes") if given else ("sea", "forest", "city")
        home = Path(given) if given else ROOT / "resources" / "media"
        self._sources = [home / f"{name}.mp4" for name in names]

    @property
    def seconds(self) -> float:
        return self.frames / RATE

    def clip(self, number: int = 0, frames: int | None = None) -> Path:
        """A clip; another number shows other pictures."""
        frames = frames or self.frames
        path = self.folder / f"clip{number}-{frames}.mp4"
        if not path.exists():
            source = self._sources[number % len(self._sources)]
            size = f"{WIDTH}:{HEIGHT}"
            shape = f"fps={RATE},scale={size}:force_original_aspect_ratio=increase,crop={size},setsar=1"
            samples = frames * 48000 // RATE
            _ffmpeg(
                f"-stream_loop -1 -i {source} -stream_loop -1 -i {ROOT}/resources/media/evening.m4a -map 0:v -map 1:a "
                f"-vf {shape},trim=end_frame={frames} -af aresample=48000,atrim=end_sample={samples} "
                f"-c:v libx264 -preset veryfast -crf 18 -c:a aac -b:a 192k {path}"
            )
        return path

    def fifty(self) -> list[Path]:
        """Fifty files of 24 frames, no two of them the same."""
        pattern = self.folder / "fifty%02d.mp4"
        paths = [Path(str(pattern) % number) for number in range(50)]
        if not paths[-1].exists():
            whole = self.clip(frames=50 * RATE)
            _ffmpeg(
                f"-i {whole} -c:v libx264 -preset veryfast -crf 18 -g {RATE} -keyint_min {RATE} -sc_threshold 0 "
                f"-bf 0 -c:a copy -f segment -segment_time 1 -reset_timestamps 1 {pattern}"
            )
        return paths

    def song(self) -> Path:
        """A sound as long as the clips."""
        path = self.folder / "song.wav"
        if not path.exists():
            _ffmpeg(f"-stream_loop -1 -i {ROOT}/resources/media/evening.m4a -t {self.seconds} {path}")
        return path

    def pictures(self) -> Path:
        """A folder with a picture for each frame: 24 different ones, again and again."""
        folder = self.folder / "pictures"
        if not folder.exists():
            folder.mkdir()
            _ffmpeg(f"-i {self.clip()} -frames:v {min(RATE, self.frames)} {folder}/%05d.png")
            for number in range(RATE, self.frames):
                (folder / f"{number + 1:05}.png").hardlink_to(folder / f"{number % RATE + 1:05}.png")
        return folder

    def picture(self) -> Path:
        """One picture."""
        return self.pictures() / "00001.png"

    def lut(self) -> Path:
        """A table of 33 x 33 x 33 colours that makes lights warm and shadows cool."""
        path = self.folder / "warm.cube"
        if not path.exists():
            steps = [number / 32 for number in range(33)]
            rows = [f"{r**0.9:.6f} {g:.6f} {b**1.1:.6f}" for b in steps for g in steps for r in steps]
            path.write_text("\n".join(["LUT_3D_SIZE 33", *rows, ""]))
        return path


def _ffmpeg(arguments: str) -> None:
    subprocess.run(["ffmpeg", "-y", "-v", "error", *shlex.split(arguments)], check=True)


@dataclass(frozen=True, slots=True)
class Case:
    """A graph that shows one node at work.

    `nodes` makes it, without its sink where that is `save_video`: what the node `it` gives is saved with the settings
    `save`.
    """

    name: str
    nodes: Callable[[Material], Nodes]
    it: str = "it"
    path: str = "film.mp4"
    save: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def graph(self, material: Material, preset: str) -> dict[str, Any]:
        """The whole graph; `preset` is that of the encoder."""
        nodes = self.nodes(material)
        if self.path.endswith((".png", ".json")):
            return {"vidflow": 1, "nodes": nodes}
        saved = {"video": {"from": self.it}, "path": self.path, "preset": preset, **self.save}
        return {"vidflow": 1, "nodes": {**nodes, "save": {"type": "save_video", "inputs": saved}}}


def types(graph: Mapping[str, Any]) -> set[str]:
    """The types of a graph's nodes."""
    return {node["type"] for node in graph["nodes"].values()}


def problem(path: Path, environment: Mapping[str, str]) -> str | None:
    """What `vidflow check` says against the graph at `path`."""
    done = subprocess.run([VIDFLOW, "check", str(path)], env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()[0]


def pack(environment: Mapping[str, str]) -> set[str]:
    """The types of the core pack that need no models."""
    done = subprocess.run([VIDFLOW, "nodes", "--json"], env=environment, capture_output=True, text=True, check=True)
    return {
        node["type"]
        for node in json.loads(done.stdout)
        if node["pack"] == "core" and node["category"] not in ("Generation", "Enhance")
    }


def environment(folder: Path) -> dict[str, str]:
    """A store of its own, and no pack but the core pack."""
    own = {"VIDFLOW_STORE": str(folder / "store"), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return {key: value for key, value in os.environ.items() if key != "VIDFLOW_PACKS"} | own


def _load(path: Path) -> Nodes:
    return {"type": "load_video", "inputs": {"path": str(path)}}


def _on(type: str, port: str = "video", **settings: Any) -> Callable[[Material], Nodes]:
    """One node on one clip."""
    return lambda m: {
        "clip": _load(m.clip()),
        "it": {"type": type, "inputs": {port: {"from": "clip"}, **settings}},
    }


def _on_two(type: str, one: str, two: str, **settings: Any) -> Callable[[Material], Nodes]:
    """One node on two clips."""
    return lambda m: {
        "clip": _load(m.clip()),
        "other": _load(m.clip(1)),
        "it": {"type": type, "inputs": {one: {"from": "clip"}, two: {"from": "other"}, **settings}},
    }


def _concat(**settings: Any) -> Callable[[Material], Nodes]:
    """Three clips that together have all frames."""
    return lambda m: {
        **{f"clip{number}": _load(m.clip(number, m.frames // 3)) for number in range(3)},
        "it": {
            "type": "concat",
            "inputs": {"videos": [{"from": f"clip{number}"} for number in range(3)], **settings},
        },
    }


def _fifty(m: Material) -> Nodes:
    """Fifty clips, each cut so that all together have all frames; the same fifty files for every length."""
    nodes: Nodes = {}
    for number, path in enumerate(m.fifty()):
        frames = max(1, m.frames * (number + 1) // 50 - m.frames * number // 50)
        nodes[f"clip{number}"] = _load(path)
        cut = {"video": {"from": f"clip{number}"}, "end": frames, "unit": "frames"}
        nodes[f"cut{number}"] = {"type": "trim", "inputs": cut}
    joined = {"videos": [{"from": f"cut{number}"} for number in range(50)]}
    return {**nodes, "it": {"type": "concat", "inputs": joined}}


def _trim(m: Material) -> Nodes:
    cut = {"video": {"from": "clip"}, "start": m.seconds / 8, "end": {"from": "end"}}
    return {
        "end": {"type": "number", "inputs": {"value": m.seconds * 7 / 8}},
        "clip": _load(m.clip()),
        "it": {"type": "trim", "inputs": cut},
    }


def _mixed(m: Material) -> Nodes:
    mixed = {"video": {"from": "clip"}, "audio": {"from": "song"}, "mode": "mix", "gain_db": -6}
    return {
        "clip": _load(m.clip()),
        "song": {"type": "load_audio", "inputs": {"path": str(m.song())}},
        "it": {"type": "set_audio", "inputs": mixed},
    }


def _titled(m: Material) -> Nodes:
    return {
        "words": {"type": "text", "inputs": {"value": TITLE}},
        "clip": _load(m.clip()),
        "it": {"type": "overlay_text", "inputs": {"video": {"from": "clip"}, "text": {"from": "words"}}},
    }


def _graded(m: Material) -> Nodes:
    return _on("grade", lut=str(m.lut()))(m)


def _scored(m: Material) -> Nodes:
    return {
        **_on("score_quality")(m),
        "save": {"type": "save_report", "inputs": {"report": {"from": "it"}, "path": "scores.json"}},
    }


def _best(m: Material) -> Nodes:
    """Scores of a few frames only: the node chooses, and scoring has a case of its own."""
    nodes: Nodes = {}
    for number in range(3):
        nodes[f"take{number}"] = _load(m.clip(number))
        cut = {"video": {"from": f"take{number}"}, "end": 2, "unit": "frames"}
        nodes[f"start{number}"] = {"type": "trim", "inputs": cut}
        nodes[f"score{number}"] = {"type": "score_quality", "inputs": {"video": {"from": f"start{number}"}}}
    takes = {
        "videos": [{"from": f"take{number}"} for number in range(3)],
        "reports": [{"from": f"score{number}"} for number in range(3)],
    }
    return {**nodes, "it": {"type": "pick_best", "inputs": takes}}


def _picked(m: Material) -> Nodes:
    return {
        **_on("pick_frame", index=-1)(m),
        "save": {"type": "save_image", "inputs": {"image": {"from": "it"}, "path": "picture.png"}},
    }


def _one_picture(m: Material) -> Nodes:
    return {
        "it": {"type": "load_image", "inputs": {"path": str(m.picture())}},
        "save": {"type": "save_image", "inputs": {"image": {"from": "it"}, "path": "picture.png"}},
    }


def _sequence(m: Material) -> Nodes:
    return {"it": {"type": "image_sequence", "inputs": {"path": str(m.pictures()), "rate": str(RATE)}}}


def _clip(m: Material) -> Nodes:
    return {"it": _load(m.clip())}


CASES = (
    Case("load_video, save_video", _clip),
    Case("save_video hevc", _clip, save={"codec": "hevc"}),
    Case("save_video av1", _clip, save={"codec": "av1"}),
    Case("save_video prores", _clip, path="film.mov", save={"codec": "prores"}),
    Case("save_video ffv1", _clip, path="film.mkv", save={"codec": "ffv1"}),
    Case("save_video webp", _clip, path="film.webp", save={"codec": "webp"}),
    Case("save_video gif", _clip, path="film.gif", save={"codec": "gif"}),
    Case("image_sequence", _sequence),
    Case("trim", _trim),
    Case("resize up", _on("resize", width=1920, height=1080)),
    Case("resize down", _on("resize", width=640, height=360)),
    Case("crop", _on("crop", left=160, top=90, width=960, height=540)),
    Case("change_rate", _on("change_rate", rate="60")),
    Case("retime", _on("retime", speed=2)),
    Case("reverse", _on("reverse")),
    Case("set_audio", _mixed),
    Case("concat cut", _concat()),
    Case("concat crossfade", _concat(transition=["crossfade"], transition_seconds=[JOINT])),
    Case("concat fade", _concat(transition=["fade"], transition_seconds=[JOINT])),
    Case("concat wipe", _concat(transition=["wipe"], transition_seconds=[JOINT])),
    Case("concat of 50", _fifty),
    Case("overlay_text", _titled),
    Case("grade", _on("grade", exposure=0.3, contrast=1.1, saturation=1.2, temperature=0.2)),
    Case("grade with a LUT", _graded),
    Case("compare side", _on_two("compare", "a", "b", mode="side")),
    Case("compare wipe", _on_two("compare", "a", "b", mode="wipe")),
    Case("compare difference", _on_two("compare", "a", "b", mode="difference")),
    Case("harmonise_colour", _on_two("harmonise_colour", "video", "reference")),
    Case("score_quality", _scored, path="scores.json"),
    Case("pick_best", _best, it="it.video"),
    Case("pick_frame", _picked, path="picture.png"),
    Case("load_image, save_image", _one_picture, path="picture.png"),
)
"""Every node of the pack is in at least one: `number` in trim, `text` in overlay_text, `load_audio` in set_audio."""
