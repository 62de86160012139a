"""What each core node gives on small fixed inputs, kept in `results.json` with the node's version.

A result that changes without a new version is a fault: what earlier runs kept would be shown for what the node gives
now. Where a change is meant, raise `version=` in the node's `@node` and run::

    python -m tests.nodes.record

which writes the results of nodes that are new or have a new version, and refuses the rest.

Results must be the same on every machine. What a node only moves about, or makes by arithmetic that IEEE 754 fixes, is
kept as a digest of its bytes; sound is rounded to 16 bits before, because the last bit of a gain depends on the
system's `pow`. What a library computes with whatever instructions the processor has (scaling, lossy codecs, resampling)
is kept as some of its values, which may each be off by a few steps. A file is kept as the frames and samples it decodes
to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.nodes.bench import CORE, AsFunction
from tests.nodes.material import (
    film,
    gradient,
    picture,
    pixels,
    sound,
    tone,
    write_film,
    write_picture,
    write_wave,
)
from tests.nodes.weights import small_esrgan, small_rife
from vidflow.api import Audio, Conditioning, Image, Latents, Model, Prompt, Report, Video, media
from vidflow.nodespec.spec import NodeSpec

FILE = Path(__file__).with_name("results.json")
STEPS = 600
"""How many values of a picture or a sound are kept where they cannot be kept exactly."""

Results = dict[str, Any]
"""What is known of each case of a node."""
Make = Callable[[AsFunction], Any]


class Near:
    """A result whose values may be off by so many steps (of 255 in a picture, of 127 in a sound)."""

    def __init__(self, value: Any, within: int) -> None:
        self.value = value
        self.within = within


def described(value: Any) -> Any:
    """A result as JSON values that can be compared with `same`."""
    within = value.within if isinstance(value, Near) else 0
    value = value.value if isinstance(value, Near) else value
    if isinstance(value, Video):
        info = value.info
        text = (
            f"{type(value).__name__}, {info.width}x{info.height}, {info.rate} fps, {info.frames} frames, {info.dtype}"
        )
        found = {"is": text, "frames": _kept(pixels(value), within)}
        return found | {"sound": described(Near(value.audio, within))} if value.audio else found
    if isinstance(value, Audio):
        info = value.info
        text = f"{info.rate} Hz, {info.layout}, {info.samples} samples"
        return {"is": text, "samples": _kept(np.rint(value.read() * 32767), within, 32767)}
    return value


def _kept(values: np.ndarray, within: int, top: float = 0) -> Any:
    """The values' digest, or where they are only near some of them as bytes."""
    if not within:
        exact = values.astype("<i4") if top else np.ascontiguousarray(values)
        return hashlib.blake2b(exact.tobytes(), digest_size=12).hexdigest()
    if top:
        steps = values / top * 127 + 128
    else:
        steps = values * 255.0 if values.dtype == np.float32 else values
    flat = np.clip(np.rint(steps), 0, 255).astype(np.uint8).ravel()
    # An odd stride, so that every channel and every column has its turn.
    some = flat[:: max(1, len(flat) // STEPS) | 1]
    return {"within": within, "values": base64.b64encode(zlib.compress(some.tobytes(), 9)).decode()}


def same(old: Any, new: Any) -> bool:
    """Whether two descriptions are of one result."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return bool(old == new)
    if old.keys() != new.keys():
        return False
    if "within" not in old:
        return all(same(old[key], new[key]) for key in old)
    one, other = (np.frombuffer(zlib.decompress(base64.b64decode(found["values"])), np.uint8) for found in (old, new))
    return len(one) == len(other) and int(np.abs(one.astype(int) - other).max(initial=0)) <= old["within"]


# The fixed inputs, and what is asked of each node


def _moving() -> Video:
    """A soft pattern that moves to the right by two pixels a frame."""
    y, x = np.mgrid[:40, :48]
    frames = [[128 + 90 * np.sin((x - 2 * k) / 5 + c) * np.cos(y / 7 + c) for c in range(3)] for k in range(3)]
    return Video.from_array(np.rint(np.stack(frames).transpose(0, 2, 3, 1)).astype(np.uint8), 24)


def _loaded(call: AsFunction, type: str, path: Path) -> Any:
    return call(type, path=str(path))


def _transparent(path: Path) -> Path:
    alpha = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16, 1)
    assert cv2.imwrite(str(path), np.dstack([picture().numpy()[..., ::-1], alpha]))
    return path


def _pictures(folder: Path, width: int = 16, height: int = 12) -> Path:
    """A folder of pictures, the last two of this size."""
    (folder / "shots").mkdir()
    for number, still in ((1, picture()), (2, picture(width, height, seed=2)), (10, picture(width, height, seed=1))):
        write_picture(folder / "shots" / f"{number}.png", still)
    return folder / "shots"


def _prompt(call: AsFunction, **inputs: str) -> Results:
    prompt = call("build_prompt", **inputs)
    return {"text": prompt.text, "negative": prompt.negative}


def _saved(call: AsFunction, type: str, name: str, **inputs: Any) -> Path:
    call(type, path=name, **inputs)
    return call.folder / name


def _film_of(call: AsFunction, **inputs: Any) -> Video:
    suffixes = {"ffv1": "mkv", "prores": "mov", "webp": "webp", "gif": "gif"}
    name = f"out.{suffixes.get(inputs.get('codec', ''), 'mp4')}"
    return media.open_video(_saved(call, "save_video", name, **inputs))


def _scores(report: Report) -> Results:
    """A report's scores, to so many places as every machine gives alike."""
    return {name: round(score, 3) for name, score in report["scores"].items()} | {"missing": report["not_measured"]}


def _best(call: AsFunction, scores: list[float | None], by: str = "overall") -> Results:
    reports = [Report({"scores": {} if score is None else {by: score}, by: score}) for score in scores]
    best = call("pick_best", videos=[film(2, seed=seed) for seed in range(len(scores))], reports=reports, by=by)
    return {"index": best.index, "report": dict(best.report), "video": described(best.video)}


def _still() -> Image:
    return Image.from_frame(gradient().frame(0))


def _look(call: AsFunction, dimensions: int) -> str:
    """A `.cube` file of 5 entries a side."""
    table = np.random.default_rng(dimensions).uniform(-0.1, 1.1, (5**dimensions, 3))
    path = call.folder / "look.cube"
    np.savetxt(path, table, "%.6f", header=f"LUT_{dimensions}D_SIZE 5", comments="")
    return str(path)


def _model(call: AsFunction) -> Model:
    """A tiny checkpoint of Wan with random weights."""
    from tests.models.tiny import build

    return call("load_model", model=str(build("wan", call.folder / "wan")))


def _roughly(tensor: Any) -> Results:
    """The shape of a tensor, and its mean and deviation to so many places as every machine gives alike."""
    return {"shape": list(tensor.shape), "mean": round(float(tensor.mean()), 2), "std": round(float(tensor.std()), 2)}


def _words(call: AsFunction, model: Model) -> Conditioning:
    return call("encode_text", model=model, prompt=Prompt("a cat walks", "blurry"))


def _latents(call: AsFunction, model: Model) -> Latents:
    words = _words(call, model)
    return call("sample", model=model, conditioning=words, width=32, height=16, frames=5, steps=2, seed=7)


NTSC = Fraction(24000, 1001)
CASES: Mapping[str, Mapping[str, Make]] = {
    "load_video": {
        "ffv1": lambda call: _loaded(call, "load_video", write_film(call.folder / "in.mkv", film(7, 18, 14, NTSC))),
        "ffv1 of 16 bits": lambda call: _loaded(
            call, "load_video", write_film(call.folder / "in.mkv", film(2, deep=True, silent=True), depth=16)
        ),
        "h264": lambda call: Near(
            _loaded(
                call,
                "load_video",
                write_film(call.folder / "in.mp4", gradient().with_audio(tone(9600)), codec="h264", quality=10),
            ),
            6,
        ),
        "deinterlaced": lambda call: Near(
            call("load_video", path=str(write_film(call.folder / "in.mkv", film(4, silent=True))), deinterlace=True), 2
        ),
    },
    "load_image": {
        "png": lambda call: _loaded(call, "load_image", write_picture(call.folder / "in.png", picture())),
        "transparent png": lambda call: _loaded(call, "load_image", _transparent(call.folder / "in.png")),
    },
    "image_sequence": {
        "three of one size": lambda call: call("image_sequence", path=str(_pictures(call.folder)), rate="12.5"),
        "two sizes": lambda call: Near(call("image_sequence", path=str(_pictures(call.folder, 20, 8))), 2),
    },
    "load_audio": {
        "wav": lambda call: _loaded(
            call, "load_audio", write_wave(call.folder / "in.wav", np.arange(-900, 900, dtype=np.int16).reshape(900, 2))
        )
    },
    "load_model": {
        "a folder": lambda call: {"family": (model := _model(call)).family, "files": sorted(model.files)},
    },
    "interpolate": {
        "by flow": lambda call: Near(call("interpolate", video=_moving(), model="flow", rate="40"), 6),
        "by a network": lambda call: Near(
            call("interpolate", video=_moving(), model=str(small_rife(call.folder)), scene_cut=1), 3
        ),
    },
    "upscale": {
        "by a network": lambda call: Near(call("upscale", video=_moving(), model=str(small_esrgan(call.folder))), 3),
        "in tiles, to a height": lambda call: Near(
            call("upscale", video=gradient(96, 72, 1), model=str(small_esrgan(call.folder)), height=100, tile=64), 3
        ),
    },
    "encode_text": {
        "with a negative prompt": lambda call: {
            name: _roughly(tensor) for name, tensor in _words(call, _model(call)).tensors.items()
        },
    },
    "sample": {
        "from a prompt": lambda call: _roughly((made := _latents(call, _model(call))).tensor) | dict(made.meta),
    },
    "decode_latents": {
        "from a prompt": lambda call: Near(
            call("decode_latents", model=(model := _model(call)), latents=_latents(call, model)), 3
        ),
    },
    "encode_video": {
        "five frames": lambda call: _roughly(
            call("encode_video", model=_model(call), video=film(5, 32, 16, silent=True)).tensor
        ),
    },
    "number": {
        "whole": lambda call: call("number", value=7),
        "with a fraction": lambda call: call("number", value=0.1),
    },
    "text": {"of two lines": lambda call: call("text", value="海の朝\nsea")},
    "trim": {
        "seconds": lambda call: call("trim", video=film(30, rate=NTSC), start=0.31, end=0.77),
        "frames": lambda call: call("trim", video=film(10), start=3, unit="frames"),
        "a sound that ends early": lambda call: call("trim", video=film(30, audio=sound(40000)), start=0.7, end=1.1),
    },
    "reverse": {
        "with sound": lambda call: call("reverse", video=film(9, rate=NTSC)),
        "a longer sound": lambda call: call("reverse", video=film(9, audio=sound(30000))),
    },
    "change_rate": {
        "faster": lambda call: call("change_rate", video=film(9, rate=NTSC), rate="60"),
        "slower": lambda call: call("change_rate", video=film(9, rate=60), rate="25"),
    },
    "retime": {
        "on a tape": lambda call: Near(
            call("retime", video=film(9).with_audio(tone(17280)), speed=1.6, sound="pitch"), 1
        ),
        "stretched": lambda call: Near(call("retime", video=film(9).with_audio(tone(17280)), speed=0.7), 2),
        "without sound": lambda call: call("retime", video=film(9), speed=3, sound="drop"),
    },
    "pick_frame": {
        "the third": lambda call: call("pick_frame", video=film(5), index=2),
        "the last": lambda call: call("pick_frame", video=film(5, deep=True, silent=True), index=-1),
    },
    "resize": {
        **{
            f"{filter} {width}x{height} {fit}": lambda call, filter=filter, fit=fit, size=(width, height): Near(
                call("resize", video=film(1), width=size[0], height=size[1], filter=filter, fit=fit), 2
            )
            for filter, fit, width, height in [
                ("bilinear", "stretch", 23, 19),
                ("bicubic", "stretch", 23, 19),
                ("lanczos", "stretch", 23, 19),
                ("area", "stretch", 7, 5),
                ("bicubic", "contain", 20, 30),
                ("bicubic", "cover", 20, 30),
            ]
        },
        "floats": lambda call: Near(call("resize", video=film(1, deep=True, silent=True), width=21), 2),
        "an image in proportion": lambda call: Near(call("resize", video=picture(), height=31), 2),
    },
    "crop": {
        "a rectangle": lambda call: call("crop", video=film(3), left=3, top=2, width=7, height=5),
        "up to the edge": lambda call: call("crop", video=picture(), left=5),
    },
    "grade": {
        "light": lambda call: Near(
            call("grade", video=film(2), exposure=0.5, temperature=0.3, tint=-0.2, contrast=1.2), 1
        ),
        "saturation": lambda call: Near(call("grade", video=film(2), contrast=0.9, saturation=1.4), 1),
        "floats": lambda call: Near(
            call("grade", video=film(2, deep=True, silent=True), exposure=-0.5, temperature=-0.3, saturation=0.8), 1
        ),
        "a lut": lambda call: Near(call("grade", video=film(2), contrast=1.1, lut=_look(call, 3)), 1),
        "a lut of curves, floats": lambda call: Near(
            call("grade", video=film(2, deep=True, silent=True), lut=_look(call, 1)), 1
        ),
    },
    "overlay_text": {
        "a title that fades": lambda call: Near(
            call(
                "overlay_text", video=film(6, 128, 72), text="海の朝 To sea", start=0.04, end=0.2, fade=0.08, size=0.2
            ),
            6,
        ),
        "many lines in a box, an image": lambda call: Near(
            call(
                "overlay_text",
                video=picture(96, 72),
                text="「静かな海の朝、ふたりで。」\nŁódź at sea, early in the morning",
                position="top right",
                colour="#ffcc00",
                box=0.6,
                size=0.12,
            ),
            6,
        ),
    },
    "compare": {
        "side": lambda call: call("compare", a=film(3), b=film(4, seed=1)),
        "wipe": lambda call: call("compare", a=film(3), b=film(3, seed=1), mode="wipe", position=0.3),
        "difference of two rates": lambda call: call(
            "compare", a=film(5, rate=NTSC), b=film(7, rate=30, seed=1), mode="difference"
        ),
        "with a smaller image": lambda call: Near(call("compare", a=film(2), b=picture(9, 9)), 2),
    },
    "set_audio": {
        "replace": lambda call: call("set_audio", video=film(25), audio=tone(20000), start=0.21),
        "gain and fades": lambda call: call(
            "set_audio", video=film(25), audio=tone(90000), gain_db=-7.3, start=0.1, fade_in=0.2, fade_out=0.5
        ),
        "loop": lambda call: call("set_audio", video=film(25), audio=tone(1234), length="loop"),
        "shortest": lambda call: call("set_audio", video=film(25), audio=tone(20000), length="shortest"),
        "mix": lambda call: call("set_audio", video=film(25), audio=tone(20000), mode="mix", gain_db=-3),
        "mix of another rate": lambda call: Near(
            call("set_audio", video=film(25), audio=tone(30000, 44100), mode="mix"), 1
        ),
    },
    "concat": {
        "of one kind": lambda call: call("concat", videos=[film(5), film(7, seed=1), film(2, silent=True)]),
        "of two rates": lambda call: call("concat", videos=[film(5, rate=NTSC), film(7, rate=30, seed=1)]),
        "of two sizes": lambda call: Near(call("concat", videos=[film(2), film(2, 9, 20, seed=1)]), 2),
        "bytes and floats": lambda call: Near(call("concat", videos=[film(2), film(2, deep=True, seed=1)]), 1),
        **{
            kind: lambda call, kind=kind: Near(
                call("concat", videos=[film(9), film(9, seed=1)], transition=[kind], transition_seconds=[0.2]), 1
            )
            for kind in ("crossfade", "fade", "wipe")
        },
        "an image first": lambda call: call("concat", videos=[picture(), film(2, seed=1)]),
        "mono and stereo": lambda call: call(
            "concat", videos=[film(2), film(2, audio=sound(3840, channels=1)), film(2, audio=tone(100))]
        ),
    },
    "harmonise_colour": {
        "bytes": lambda call: Near(call("harmonise_colour", video=gradient(), reference=film(12, seed=1)), 3),
        "half of it, with sound": lambda call: Near(
            call("harmonise_colour", video=film(3), reference=gradient(), strength=0.5), 3
        ),
        "floats": lambda call: Near(call("harmonise_colour", video=film(2, deep=True), reference=gradient()), 3),
    },
    "score_quality": {
        "a gradient": lambda call: _scores(call("score_quality", video=gradient(64, 48, 7))),
        "noise, made smaller": lambda call: _scores(
            call("score_quality", video=film(5, 300, 90, seed=4), analysis_size="256")
        ),
        "a single frame": lambda call: _scores(call("score_quality", video=picture(40, 30))),
    },
    "pick_best": {
        "by overall": lambda call: _best(call, [0.25, 0.75, 0.75]),
        "by a score that one lacks": lambda call: _best(call, [None, 0.5, 0.25], by="motion_quality"),
    },
    "build_prompt": {
        "every part": lambda call: _prompt(
            call,
            scene="a red fox in the snow",
            camera="orbit",
            motion="animals",
            motion_details="it shakes off the flakes",
            lighting="blue hour",
            style="noir",
            suffix="muted colours",
            negative="blur",
        ),
        "Japanese labels": lambda call: _prompt(call, scene="雪の中の赤い狐", camera="空撮", style="アニメ、油絵"),
    },
    "save_video": {
        "ffv1": lambda call: _film_of(call, video=film(5, 17, 13, NTSC), codec="ffv1"),
        "ffv1 of floats": lambda call: _film_of(call, video=film(2, deep=True, silent=True), codec="ffv1"),
        "h264": lambda call: Near(_film_of(call, video=gradient().with_audio(tone(9600))), 8),
        "h264 of an odd size, small": lambda call: Near(_film_of(call, video=gradient(33, 21), quality=30), 12),
        "hevc of 10 bits": lambda call: Near(_film_of(call, video=gradient(64, 48), codec="hevc", depth=10), 8),
        "av1": lambda call: Near(_film_of(call, video=gradient(64, 64), codec="av1", preset="veryfast"), 8),
        "prores": lambda call: Near(_film_of(call, video=gradient().with_audio(tone(9600)), codec="prores"), 4),
        "webp": lambda call: Near(_film_of(call, video=gradient(), codec="webp"), 12),
        "gif": lambda call: Near(_film_of(call, video=gradient(), codec="gif"), 24),
    },
    "save_image": {
        "png": lambda call: media.open_image(_saved(call, "save_image", "out.png", image=picture())),
        "png of floats": lambda call: media.open_image(_saved(call, "save_image", "out.png", image=picture(deep=True))),
        "jpeg": lambda call: Near(
            media.open_image(_saved(call, "save_image", "out.jpg", image=_still(), quality=60)),
            8,
        ),
    },
    "save_report": {
        "json": lambda call: _saved(
            call, "save_report", "out.json", report=Report({"mean": 0.5, "名": ["海", None, True]})
        ).read_text("utf-8")
    },
}


def results_of(spec: NodeSpec) -> Results:
    """What a node gives now, case by case."""
    found: Results = {}
    for name, make in CASES[spec.type].items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = described(make(AsFunction(Path(folder))))
    return found


def changed(old: Results, new: Results) -> list[str]:
    """The cases that both have, and whose results are not the same."""
    return [name for name in old if name in new and not same(old[name], new[name])]


def verdict(spec: NodeSpec, record: Mapping[str, Any] | None, results: Results) -> str | None:
    """What is wrong with a node's record, one sentence, or None."""
    again = "run `python -m tests.nodes.record`"
    if record is None:
        return f"{spec.type} has no recorded results: {again}."
    if record["version"] != spec.version:
        return f"{spec.type} has version {spec.version}, its results were recorded at {record['version']}: {again}."
    cases = changed(record["results"], results)
    if cases:
        return (
            f"{spec.type} gives other results ({', '.join(cases)}) and is still at version {spec.version}. If that is "
            f"meant, raise `version=` in its @node and {again}; if not, what earlier runs kept would be wrong."
        )
    if record["results"].keys() != results.keys():
        return f"the cases of {spec.type} are not those that were recorded: {again}."
    return None


def recorded() -> dict[str, Any]:
    """The content of `results.json`."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def main() -> int:
    """Record what may be recorded; 1 where something may not."""
    kept = recorded()
    written: dict[str, Any] = {}
    status = 0
    for type, spec in sorted(CORE.items()):
        results, old = results_of(spec), kept.get(type)
        wrong = verdict(spec, old, results)
        before: Results = old["results"] if old else {}
        if old and old["version"] == spec.version and changed(before, results):
            print(wrong)
            written[type], status = old, 1
            continue
        # What is only near keeps its first record, so that a run on another machine changes no line.
        kept_on = {name: before[name] for name in results if name in before and same(before[name], results[name])}
        written[type] = {"version": spec.version, "results": {**results, **kept_on}}
        if wrong:
            print(f"recorded {type}, version {spec.version}")
    FILE.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
