"""What a scene is made of, and how it is said, in English and Japanese."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from vidflow.places import resource

SUBJECTS = {
    "ball": ("ball", "ボール"),
    "boat": ("boat", "ボート"),
    "balloon": ("hot-air balloon", "気球"),
    "bird": ("bird", "鳥"),
    "star": ("star", "星"),
    "kite": ("kite", "凧"),
    "fish": ("fish", "魚"),
    "leaf": ("leaf", "葉"),
    "car": ("car", "車"),
    "lantern": ("lantern", "ランタン"),
    "butterfly": ("butterfly", "蝶"),
    "rocket": ("rocket", "ロケット"),
}
COLOURS = {
    "red": ("red", "赤い"),
    "orange": ("orange", "オレンジ色の"),
    "yellow": ("yellow", "黄色い"),
    "green": ("green", "緑の"),
    "turquoise": ("turquoise", "水色の"),
    "blue": ("blue", "青い"),
    "purple": ("purple", "紫の"),
    "pink": ("pink", "ピンクの"),
}
SIZES = {"small": ("small", "小さな"), "medium": ("", ""), "large": ("large", "大きな")}
SETTINGS = {
    "sky": (("in the sky", "among the clouds", "high above the clouds"), ("空で", "雲の間で", "雲の上の空で")),
    "sea": (("over the sea", "above the ocean", "at sea"), ("海の上で", "大海原で", "海で")),
    "hills": (("over green hills", "in the hills", "above rolling hills"), ("緑の丘で", "丘の上で", "なだらかな丘で")),
    "city": (("in the city at night", "over a city at night"), ("夜の街で", "夜の都会で")),
    "snow": (("in the snow", "over a snowy field"), ("雪の中で", "雪原で")),
    "desert": (("in the desert", "over the sand dunes"), ("砂漠で", "砂丘の上で")),
    "field": (("in a field of flowers", "over a flower meadow"), ("花畑で", "花の咲く野原で")),
    "space": (("in space", "in outer space", "among the stars"), ("宇宙で", "宇宙空間で", "星々の間で")),
}
MOTIONS = {
    "left": (
        ("moving left", "moving to the left", "drifting to the left", "going left", "flying left", "moves to the left"),
        ("左へ動く", "左へ進む", "左に流れる", "左へ飛ぶ", "左に動く"),
    ),
    "right": (
        (
            "moving right",
            "moving to the right",
            "drifting to the right",
            "going right",
            "flying right",
            "moves to the right",
        ),
        ("右へ動く", "右へ進む", "右に流れる", "右へ飛ぶ", "右に動く"),
    ),
    "rising": (
        ("rising", "floating upward", "going up", "rises", "flying up", "moving upward"),
        ("昇っていく", "上へ昇る", "浮かび上がる", "上昇する", "上へ動く"),
    ),
    "falling": (
        ("falling", "sinking downward", "going down", "falls", "coming down", "moving downward"),
        ("落ちていく", "下へ降りる", "沈んでいく", "落下する", "下へ動く"),
    ),
    "orbiting": (
        ("orbiting", "circling around", "moving in a circle", "circling", "flying in circles"),
        ("円を描いて回る", "くるくる回る", "旋回する", "円を描く"),
    ),
    "bouncing": (
        ("bouncing", "hopping up and down", "bouncing up and down", "bounces", "jumping up and down"),
        ("弾む", "跳ねる", "上下に弾む", "跳びはねる"),
    ),
    "still": (
        ("standing still", "resting", "not moving", "hovering in place", "motionless"),
        ("止まっている", "じっとしている", "動かない", "静止している"),
    ),
}
CAMERAS = {
    "static": ("the camera is fixed", "カメラは固定"),
    "pan left": ("the camera pans to the left", "カメラは左へパン"),
    "pan right": ("the camera pans to the right", "カメラは右へパン"),
    "tilt up": ("the camera tilts upward", "カメラは上へティルト"),
    "tilt down": ("the camera tilts downward", "カメラは下へティルト"),
    "zoom in": ("the camera zooms in", "カメラはズームイン"),
    "zoom out": ("the camera zooms out", "カメラはズームアウト"),
    "handheld": ("handheld camera shake", "手持ちカメラの揺れ"),
}
_OPPOSED = ("left", "pan right"), ("right", "pan left"), ("rising", "tilt down"), ("falling", "tilt up")
LIGHTS = ("daylight", "golden hour", "blue hour", "neon", "moonlight", "overcast", "backlit")
STYLES = ("picture book", "cinematic", "noir", "vintage", "anime", "miniature")
_PLAIN = {"daylight": (("daylight", "bright day"), ("昼の光", "明るい昼"))}
"""Lights that the vocabulary of `build_prompt` does not have."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen, each part by its name here."""

    subject: str
    colour: str
    size: str
    setting: str
    motion: str
    camera: str
    light: str
    style: str


PARTS: dict[str, tuple[str, ...]] = {
    "subject": tuple(SUBJECTS),
    "colour": tuple(COLOURS),
    "size": tuple(SIZES),
    "setting": tuple(SETTINGS),
    "motion": tuple(MOTIONS),
    "camera": tuple(CAMERAS),
    "light": LIGHTS,
    "style": STYLES,
}
OPEN = ("colour", "motion", "setting")
"""Parts of which nothing is usual."""
assert tuple(PARTS) == tuple(one.name for one in fields(Scene))


def held_out(scene: Scene) -> bool:
    """Whether a scene is never trained on: each colour has a motion that it never goes with, and of the combinations of
    subject, setting, motion and camera one in ten is left out."""
    subject, colour, setting, motion, camera = (
        PARTS[name].index(getattr(scene, name)) for name in ("subject", "colour", "setting", "motion", "camera")
    )
    return unseen_pair(scene) or (subject * 7 + colour + setting * 5 + motion * 3 + camera * 9) % 10 == 0


def unseen_pair(scene: Scene) -> bool:
    """Whether its colour and its motion are never seen together in training."""
    return PARTS["motion"].index(scene.motion) == (PARTS["colour"].index(scene.colour) * 5 + 2) % len(MOTIONS)


def against(scene: Scene) -> bool:
    """Whether the camera moves against the subject, which is where words are mixed up most easily."""
    return (scene.motion, scene.camera) in _OPPOSED


def drawn(rng: np.random.Generator, unseen: bool = False, opposed: float = 0.1) -> Scene:
    """A scene by chance: one to train on, or one that is held out. Camera and subject move against each other more
    often than chance would have it, in about the share that is `opposed`."""
    while True:
        parts = {name: str(rng.choice(choices)) for name, choices in PARTS.items()}
        if rng.random() < opposed:
            parts["motion"], parts["camera"] = _OPPOSED[rng.integers(len(_OPPOSED))]
        if parts["light"] != "daylight" and rng.random() < 0.15:
            parts["light"] = "daylight"
        scene = Scene(**parts)
        if held_out(scene) == unseen:
            return scene


def caption(scene: Scene, rng: np.random.Generator, japanese: bool | None = None, unsaid: Collection[str] = ()) -> str:
    """One of the many ways to say it. What is usual (medium size, a fixed camera, daylight, no style) may go unsaid;
    what of `OPEN` is `unsaid` does, and may be anything."""
    if japanese is None:
        japanese = rng.random() < 0.4
    said = (_japanese if japanese else _english)(scene, rng, unsaid)
    extra: list[str] = []
    for name, usual in (("camera", "static"), ("light", "daylight"), ("style", "picture book")):
        value = getattr(scene, name)
        if value == usual and rng.random() < 0.5:
            continue
        extra.append(str(rng.choice(_ways(name, value, japanese))))
    if rng.random() < 0.3:
        rng.shuffle(extra)
    parts = [said, *extra]
    if extra and rng.random() < 0.15:
        parts = [parts[1], parts[0], *parts[2:]]
    return ("、" if japanese and rng.random() < 0.5 else ", ").join(parts)


def _english(scene: Scene, rng: np.random.Generator, unsaid: Collection[str]) -> str:
    colour, how, where = _open(scene, rng, False, unsaid)
    what = _joined(SIZES[scene.size][0], colour, SUBJECTS[scene.subject][0])
    article = "the" if rng.random() < 0.15 else "an" if what[0] in "aeiou" else "a"
    parts = (article, what, how, where) if rng.random() < 0.8 else (where, article, what, how)
    return _joined(*parts)


def _japanese(scene: Scene, rng: np.random.Generator, unsaid: Collection[str]) -> str:
    colour, how, where = _open(scene, rng, True, unsaid)
    what = SIZES[scene.size][1] + colour + SUBJECTS[scene.subject][1]
    return f"{where}{how}{what}" if rng.random() < 0.6 or not how else f"{where}{what}が{how}"


def _open(scene: Scene, rng: np.random.Generator, japanese: bool, unsaid: Collection[str]) -> list[str]:
    """How each part of `OPEN` is said; nothing where it is not."""
    ways = (
        COLOURS[scene.colour][japanese : japanese + 1],
        MOTIONS[scene.motion][japanese],
        SETTINGS[scene.setting][japanese],
    )
    found = [str(rng.choice(some)) for some in ways]
    return ["" if name in unsaid else way for name, way in zip(OPEN, found, strict=True)]


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


def phrases() -> list[str]:
    """All that captions are made of."""
    found = ["a", "an", "the", "、", ",", ".", "。", "が"]
    for table in (SUBJECTS, COLOURS, SIZES):
        found += [word for pair in table.values() for word in pair]
    for table in (SETTINGS, MOTIONS):
        found += [way for pair in table.values() for ways in pair for way in ways]
    for name, values in (("camera", CAMERAS), ("light", LIGHTS), ("style", STYLES)):
        found += [way for value in values for japanese in (False, True) for way in _ways(name, value, japanese)]
    return found


@cache
def _ways(name: str, value: str, japanese: bool) -> tuple[str, ...]:
    """How a camera, a light or a style is said: as here, and as `build_prompt` says it."""
    ways: list[str] = []
    if name == "camera":
        ways.append(CAMERAS[value][japanese])
    if value in _PLAIN:
        ways.extend(_PLAIN[value][japanese])
    if value == "picture book":
        ways.append("絵本のように" if japanese else "like a picture book")
    for entry in _vocabulary()["lighting" if name == "light" else name]:
        if entry["en"] == value:
            ways.append(entry["ja"] if japanese else entry["en"])
            # build_prompt writes its phrases in English, whatever language the rest is in.
            ways.append(entry["phrase"])
    return tuple(ways)


@cache
def _vocabulary() -> dict[str, list[dict[str, str]]]:
    return json.loads(resource("vocabulary.json").read_text(encoding="utf-8"))
