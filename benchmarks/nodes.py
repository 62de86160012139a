"""Each node alone at 720p, beside the same work by ffmpeg with the same encoder settings, in turn, in one run."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphs import CASES, HEIGHT, JOINT, RATE, TITLE, VIDFLOW, WIDTH, Case, Material, environment, pack, problem, types
from measure import ROOT, Row, report
from streaming import usage

BAR = 1.5
SOUND = "-c:a aac -b:a 192k"
H264 = "-c:v libx264 -preset medium -crf 18 -pix_fmt yuv420p -x264-params cpu-independent=1:chromaloc=1"
X265 = "open-gop=0:frame-threads=2:log-level=none:info=0:chromaloc=1"
GIF = "split[a][b];[a]palettegen=reserve_transparent=0[p];[b][p]paletteuse=dither=bayer:bayer_scale=3"
TO_YUV = "scale=out_color_matrix=bt709,format=yuv420p"
PLAIN = f"{sys.executable} {ROOT}/benchmarks/plain.py"


@dataclass(frozen=True, slots=True)
class Times:
    """The least CPU and wall seconds of a command."""

    cpu: float
    wall: float

    def less(self, other: Times) -> Times:
        """The smaller of each."""
        return Times(min(self.cpu, other.cpu), min(self.wall, other.wall))

    def beyond(self, start: Times) -> Times:
        """What is left when the time to start is taken off."""
        return Times(max(self.cpu - start.cpu, 1e-3), max(self.wall - start.wall, 1e-3))


def _clips(m: Material, count: int = 2, frames: int | None = None) -> str:
    return " ".join(f"-i {m.clip(number, frames)}" for number in range(count))


def _filter(video: str, audio: str = "") -> Callable[[Material], str]:
    """One clip through ffmpeg's filters."""
    sound = f"-af {audio} " if audio else ""
    return lambda m: f"ffmpeg {_clips(m, 1)} -vf {video} {sound}{H264} {SOUND}"


def _graph(graph: str, count: int = 2) -> Callable[[Material], str]:
    """Several whole clips through a filter graph that ends in [v]; the sound is the first one's."""
    return lambda m: f"ffmpeg {_clips(m, count)} -filter_complex {graph} -map [v] -map 0:a {H264} {SOUND}"


def _encoder(codec: str, sound: str = "-an") -> Callable[[Material], str]:
    return lambda m: f"ffmpeg {_clips(m, 1)} {codec} {sound}"


def _library(codec: str, *options: str) -> Callable[[Material], str]:
    """An encoder whose version matters, by the libraries that the node uses too, without sound."""
    given = " ".join(f"--option {option}" for option in options)
    return lambda m: f"{PLAIN} encode {m.clip()} --codec {codec} {given} --out"


def _trimmed(m: Material) -> str:
    return f"ffmpeg -ss {m.seconds / 8} -t {m.seconds * 3 / 4} -i {m.clip()} {H264} {SOUND}"


def _cut(m: Material) -> str:
    joined = "[0:v][0:a][1:v][1:a][2:v][2:a]concat=n=3:v=1:a=1[v][a]"
    third = m.frames // 3
    return f"ffmpeg {_clips(m, 3, third)} -filter_complex {joined} -map [v] -map [a] {H264} {SOUND}"


def _joined(transition: str, curve: str) -> Callable[[Material], str]:
    def command(m: Material) -> str:
        third = m.frames // 3
        first, second = third / RATE - JOINT, 2 * (third / RATE - JOINT)
        cross = f"xfade=transition={transition}:duration={JOINT}:offset="
        sound = f"acrossfade=d={JOINT}:c1={curve}:c2={curve}"
        graph = (
            f"[0:v][1:v]{cross}{first}[w];[w][2:v]{cross}{second},format=yuv420p[v];"
            f"[0:a][1:a]{sound}[b];[b][2:a]{sound}[a]"
        )
        return f"ffmpeg {_clips(m, 3, third)} -filter_complex {graph} -map [v] -map [a] {H264} {SOUND}"

    return command


def _mixed(m: Material) -> str:
    mixed = "[1:a]volume=-6dB[s];[0:a][s]amix=inputs=2:duration=first:normalize=0[a]"
    return f"ffmpeg {_clips(m, 1)} -i {m.song()} -filter_complex {mixed} -map 0:v -map [a] {H264} {SOUND}"


def _title() -> str:
    font = ROOT / "resources" / "fonts" / "vidflow-sans-bold.otf"
    text = TITLE.replace(",", r"\,")
    place = f"x=(w-text_w)/2:y=h-{round(HEIGHT * 0.12)}"
    return f"'drawtext=fontfile={font}:text={text}:fontsize={round(HEIGHT * 0.06)}:fontcolor=white:borderw=3:{place}'"


def _last(m: Material) -> str:
    return f"ffmpeg -ss {m.seconds - 1 / RATE} -i {m.clip()} -frames:v 1 -compression_level 1 -pred sub"


def _sequence(m: Material) -> str:
    return f"ffmpeg -framerate {RATE} -i {m.pictures()}/%05d.png -vf {TO_YUV} {H264}"


THEIRS: dict[str, Callable[[Material], str]] = {
    "load_video, save_video": _encoder(H264, SOUND),
    "save_video hevc": _library("libx265", "preset=medium", "crf=18", f"x265-params={X265}"),
    "save_video av1": _library("libsvtav1", "preset=7", "crf=20"),
    "save_video prores": _encoder("-c:v prores_ks -profile:v hq -vendor apl0 -pix_fmt yuv422p10le", "-c:a pcm_s16le"),
    "save_video ffv1": _encoder("-c:v ffv1 -level 3 -g 1 -slices 16 -slicecrc 1 -pix_fmt bgr0", "-c:a pcm_f32le"),
    "save_video webp": _encoder("-c:v libwebp_anim -quality 92 -compression_level 4 -loop 0"),
    "save_video gif": _encoder(f"-filter_complex '{GIF}'"),
    "image_sequence": _sequence,
    "trim": _trimmed,
    "resize up": _filter("scale=1920:1080:flags=bicubic"),
    "resize down": _filter("scale=640:360:flags=bicubic"),
    "crop": _filter("crop=960:540:160:90"),
    "change_rate": _filter("fps=60"),
    "retime": _filter(f"setpts=PTS/2,fps={RATE}", "atempo=2"),
    "reverse": _filter("reverse", "areverse"),
    "set_audio": _mixed,
    "concat cut": _cut,
    "concat crossfade": _joined("fade", "qsin"),
    "concat fade": _joined("fadeblack", "tri"),
    "concat wipe": _joined("wiperight", "qsin"),
    "overlay_text": _filter(_title()),
    "grade": _filter(f"eq=brightness=0.05:contrast=1.1:saturation=1.2,colorbalance=rm=0.1:bm=-0.1,{TO_YUV}"),
    "grade with a LUT": lambda m: _filter(f"lut3d={m.lut()}:interp=tetrahedral,{TO_YUV}")(m),
    "compare side": _graph("[0:v][1:v]hstack[v]"),
    "compare wipe": _graph(
        f"[0:v]crop={WIDTH // 2}:{HEIGHT}:0:0[a];[1:v]crop={WIDTH // 2}:{HEIGHT}:{WIDTH // 2}:0[b];[a][b]hstack[v]"
    ),
    "compare difference": _graph(
        f"[0:v]format=gbrp[a];[1:v]format=gbrp[b];[a][b]blend=all_mode=difference,{TO_YUV}[v]"
    ),
    "harmonise_colour": lambda m: f"{PLAIN} harmonise {m.clip()} {m.clip(1)} --out",
    "score_quality": lambda m: f"{PLAIN} score {m.clip()} --out",
    "pick_best": _encoder(H264, SOUND),
    "pick_frame": _last,
    "load_image, save_image": lambda m: f"ffmpeg -i {m.picture()} -compression_level 1 -pred sub",
}
"""By the name of a case: the command that does the same, up to the name of its output file."""

STARTS = {"pick_frame", "load_image, save_image"}
"""One picture is made sooner than a program starts: the time to start is taken off on both sides."""


def seen(path: Path) -> str:
    """Size and number of the frames in a file, counted by decoding them."""
    if path.suffix == ".json":
        return "a report"
    if path.suffix == ".webp":
        from PIL import Image

        with Image.open(path) as picture:
            return f"{picture.width},{picture.height},{getattr(picture, 'n_frames', 1)}"
    command = "ffprobe -v error -select_streams v:0 -count_frames -show_entries stream=width,height,nb_read_frames"
    done = subprocess.run([*command.split(), "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip().strip(",")


def _frames(found: str, material: Material) -> int:
    number = found.rpartition(",")[2]
    return int(number) if number.isdigit() else material.frames


def _alike(found: str, wanted: str) -> bool:
    """Whether two files have one size and number of frames; ffmpeg may add one where it joins clips."""
    size, _, count = found.rpartition(",")
    other, _, number = wanted.rpartition(",")
    return found == wanted or (size == other and 0 <= int(number) - int(count) <= 1)


class Bench:
    """Runs both sides of a case in one folder."""

    def __init__(self, folder: Path, frames: int) -> None:
        self._folder = folder
        self._environment = environment(folder)
        self._material = Material(folder, frames)

    def missing(self, case: Case) -> str | None:
        """Why this version of the pack cannot run the case."""
        return problem(self._written(case.graph(self._material, "medium")), self._environment)

    def types(self, case: Case) -> set[str]:
        """The node types that a case runs."""
        return types(case.graph(self._material, "medium"))

    def absent(self, known: set[str]) -> list[str]:
        """Types of the pack that are not among the known ones."""
        return sorted(pack(self._environment) - known)

    def measure(self, case: Case, rounds: int) -> Row:
        """Run both sides in turn; their outputs must be of one kind."""
        graph = self._written(case.graph(self._material, "medium"))
        mine, theirs = self._folder / "ours" / case.path, self._folder / f"theirs{Path(case.path).suffix}"
        ours = [VIDFLOW, "run", str(graph), "--no-store", "--output-dir", str(mine.parent)]
        line = THEIRS[case.name](self._material)
        other = [*shlex.split(line.replace("ffmpeg", "ffmpeg -y -v error", 1)), str(theirs)]
        if case.name in STARTS:
            one, two, start, other_start = self._turns([ours, other, *self._starts()], rounds * 4, mine.parent)
            one, two = one.beyond(start), two.beyond(other_start)
        else:
            one, two = self._turns([ours, other], rounds, mine.parent)
        found, wanted = seen(mine), seen(theirs)
        same = _alike(found, wanted)
        if not same:
            print(f"{case.name}: the files differ: {found} (ours), {wanted} (theirs)", flush=True)
        count = _frames(found, self._material)
        name = f"{case.name}: {count / one.wall:.0f} of {count / two.wall:.0f} fps, CPU {one.cpu / two.cpu:.2f} x"
        return Row(name, one.wall / two.wall if same else float("nan"), BAR, "x")

    def _turns(self, commands: list[list[str]], rounds: int, out: Path) -> list[Times]:
        best: list[Times] = []
        for number in range(rounds):
            shutil.rmtree(out, ignore_errors=True)
            found = [Times(*usage(command, self._folder, self._environment)[:2]) for command in commands]
            best = [old.less(new) for old, new in zip(best, found, strict=True)] if number else found
        return best

    def _starts(self) -> tuple[list[str], list[str]]:
        """Both programs with nothing to do."""
        nothing = self._written({"vidflow": 1, "nodes": {"nothing": {"type": "number", "inputs": {}}}}, "nothing")
        return [VIDFLOW, "run", str(nothing), "--no-store"], ["ffmpeg", "-v", "error", "-version"]

    def _written(self, graph: object, name: str = "graph") -> Path:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(graph))
        return path


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="the cases whose name holds this")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--frames", type=int, default=240)
    options = parser.parse_args()
    rows: list[Row] = []
    known: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), options.frames)
        for case in CASES:
            if case.name not in THEIRS or not any(part in case.name for part in options.only or [""]):
                continue
            known |= bench.types(case)
            missing = bench.missing(case)
            if missing:
                print(f"{case.name}: not there: {missing}", flush=True)
                rows.append(Row(case.name, float("nan"), BAR, "x"))
                continue
            try:
                rows.append(bench.measure(case, options.rounds))
            except SystemExit as failed:
                print(f"{case.name}: {failed}", flush=True)
                rows.append(Row(case.name, float("nan"), BAR, "x"))
            else:
                print(f"{rows[-1].name}, wall {rows[-1].value:.2f} x", flush=True)
        if not options.only:
            rows += [Row(f"{type} is in no case", float("nan"), BAR, "x") for type in bench.absent(known)]
    print()
    report(rows)


if __name__ == "__main__":
    main()
