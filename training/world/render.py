"""Scenes as clips: a subject that moves before a setting, seen by a camera, in a light and a style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.places import HEIGHT as CANVAS_HEIGHT
from training.world.places import WIDTH as CANVAS_WIDTH
from training.world.places import painted
from training.world.subjects import FACES, PAINTED, SWAYS, TURNS, Tone
from training.world.words import Scene

WIDTH, HEIGHT, FRAMES, RATE = 224, 128, 17, 8
"""Of a clip; the rate in frames a second."""
_MUTED = 0.42
"""How saturated settings are at most."""
_LUMA = np.array((0.30, 0.59, 0.11), np.float32)
_SOFT = 0.7
"""Pixels: the spread of a point."""
_FINE = 3
"""How many times finer subjects are painted."""
COLOURS = {
    "red": (0.90, 0.12, 0.13),
    "orange": (0.97, 0.50, 0.06),
    "yellow": (0.98, 0.86, 0.10),
    "green": (0.14, 0.70, 0.20),
    "turquoise": (0.06, 0.78, 0.80),
    "blue": (0.12, 0.32, 0.92),
    "purple": (0.50, 0.16, 0.84),
    "pink": (0.97, 0.24, 0.64),
}
_SIZES = {"small": 0.40, "medium": 0.47, "large": 0.55}
"""Of the height, halfway through a zoom."""
_EDGE = 0.2
"""How near the middle of a subject comes to the edge, in heights, and hardly nearer: what is large may be cut off there
for a moment."""
_PAN, _TILT, _ZOOM, _SHAKE = 0.32, 0.30, 1.45, 0.022
"""How far the camera goes: parts of the width and of the height, a factor, a part of the height."""
Floats = NDArray[Any]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Light:
    gain: Colour
    lift: Colour = (0, 0, 0)
    saturation: float = 1.0
    key: tuple[float, float] = (-0.5, -0.75)
    """Where it comes from: x and y of a vector of length below 1; the rest points to the camera."""
    shade: float = 0.35
    """How much darker the side is that it does not reach."""
    rim: float = 0.0
    glow: Colour = (0, 0, 0)
    sun: tuple[float, float, float] | None = None
    """Where it stands over the canvas, in 0..1, and how large it is in parts of the height."""


_LIGHTS = {
    "daylight": _Light((1.0, 1.0, 1.0)),
    "golden hour": _Light(
        (1.10, 0.90, 0.62), (0.03, 0.0, -0.01), 1.0, (-0.8, -0.25), 0.45, 0.25, (0.55, 0.30, 0.08), (0.26, 0.50, 0.09)
    ),
    "blue hour": _Light(
        (0.46, 0.60, 0.92), (0.02, 0.03, 0.08), 0.9, (-0.2, -0.6), 0.3, 0.1, (0.10, 0.10, 0.16), (0.5, 0.62, 0.0)
    ),
    "neon": _Light((0.40, 0.34, 0.48), (0.04, 0.02, 0.06), 0.6, (-0.85, 0.1), 0.45, 0.5),
    "moonlight": _Light(
        (0.36, 0.43, 0.52), (0.0, 0.01, 0.03), 0.45, (0.6, -0.65), 0.55, 0.25, (0.16, 0.18, 0.2), (0.72, 0.22, 0.055)
    ),
    "overcast": _Light((0.80, 0.82, 0.83), (0.04, 0.04, 0.04), 0.4, (0, -0.5), 0.15),
    "backlit": _Light(
        (0.66, 0.60, 0.56), (0.0, 0.0, 0.0), 0.75, (0, -0.2), 0.75, 0.9, (0.62, 0.56, 0.44), (0.5, 0.44, 0.14)
    ),
}


def clip(scene: Scene, seed: int) -> NDArray[np.uint8]:
    """The clip of a scene, `[FRAMES, HEIGHT, WIDTH, 3]`, RGB; another for each seed."""
    rng = np.random.default_rng((7, seed))
    canvas, ground = _place(scene, rng)
    light = _LIGHTS[scene.light]
    size = _SIZES[scene.size] * rng.uniform(0.93, 1.07)
    if scene.camera in ("zoom in", "zoom out"):
        size /= _ZOOM**0.5
    at, windows = _tracks(scene, rng)
    phase, turns = rng.random(), TURNS.get(scene.subject, 0.0)
    right = _faces_right(scene, rng)
    lean = rng.uniform(-0.06, 0.06)
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for k in range(FRAMES):
        s = k / (FRAMES - 1)
        frame = _seen(canvas, windows[k])
        place, zoom = _on_screen(at[k], windows[k])
        diameter = size * HEIGHT * zoom
        if ground < 1.5:
            below = _on_screen((at[k][0], max(ground - 0.5, at[k][1] + 0.5 * size)), windows[k])[0]
            _shadow(frame, below, diameter, (below[1] - place[1]) / HEIGHT)
        swing = lean + (0.08 * np.sin(2 * np.pi * (s + phase)) if scene.subject in SWAYS else 0)
        _paint(frame, scene, place, diameter, (phase + turns * s) % 1, right, swing + _heading(scene), light)
        frames[k] = _styled(frame, scene.style)
    return frames


def view(scene: Scene, seed: int) -> NDArray[np.uint8]:
    """The setting of a scene, without its subject, as a camera may see it: `[HEIGHT, WIDTH, 3]`, RGB."""
    rng = np.random.default_rng((8, seed))
    canvas, _ = _place(scene, rng)
    x, y = rng.uniform(-0.5, 0.5, 2)
    window = _PAN * WIDTH / HEIGHT * float(x), _TILT * float(y), _ZOOM ** float(rng.random() < 0.2)
    return _styled(_seen(canvas, window), scene.style)


def _place(scene: Scene, rng: np.random.Generator) -> tuple[Floats, float]:
    """The setting in its light, and how far down, in 0..1, things would stand on the ground in it."""
    canvas, ground = painted(scene.setting, rng)
    canvas = _lit(canvas, _LIGHTS[scene.light], scene.light, rng)
    return (np.ascontiguousarray(canvas[:, ::-1]) if rng.random() < 0.5 else canvas), ground


def _tracks(
    scene: Scene, rng: np.random.Generator
) -> tuple[list[tuple[float, float]], list[tuple[float, float, float]]]:
    """Where the subject is at each frame, in heights from the middle of the canvas; and what the camera sees: the
    middle of its window there, and how many times it enlarges."""
    s = np.linspace(0, 1, FRAMES)
    wide, far = WIDTH / HEIGHT, rng.uniform(0.88, 1.12)
    x, y = np.zeros(FRAMES), np.zeros(FRAMES)
    if scene.motion in ("left", "right"):
        x = 0.72 * far * (s - 0.5) * (-1 if scene.motion == "left" else 1)
        y = 0.02 * np.sin(2 * np.pi * (s + rng.random()))
    elif scene.motion in ("rising", "falling"):
        y = 0.46 * far * (s - 0.5) * (-1 if scene.motion == "rising" else 1)
        x = 0.03 * np.sin(2 * np.pi * (s * 0.8 + rng.random()))
    elif scene.motion == "orbiting":
        turn = 2 * np.pi * (rng.random() + s * rng.choice([-1, 1]))
        x, y = 0.24 * far * np.cos(turn), 0.19 * far * np.sin(turn)
    elif scene.motion == "bouncing":
        y = 0.15 - 0.3 * far * np.abs(np.sin(np.pi * (2 * s + rng.uniform(0, 0.5))))
    cx, cy, zoom = np.zeros(FRAMES), np.zeros(FRAMES), np.ones(FRAMES)
    go = (s - 0.5) * rng.uniform(0.88, 1.12)
    if scene.camera in ("pan left", "pan right"):
        cx = _PAN * wide * go * (-1 if scene.camera == "pan left" else 1)
    elif scene.camera in ("tilt up", "tilt down"):
        cy = _TILT * go * (-1 if scene.camera == "tilt up" else 1)
    elif scene.camera in ("zoom in", "zoom out"):
        zoom = _ZOOM ** (s if scene.camera == "zoom in" else 1 - s)
    elif scene.camera == "handheld":
        cx, cy = (_SHAKE * _shaken(rng) for _ in range(2))
    # Its middle stays on the screen; else motions are a little smaller.
    room_x, room_y = wide / 2 - _EDGE, 0.5 - _EDGE
    for track, centre, room in ((x, cx, room_x), (y, cy, room_y)):
        screen = (track - centre) * zoom
        most, least = float(screen.max()), float(screen.min())
        if most - least > 2 * room:
            share = 2 * room / (most - least)
            track *= share
            centre *= share
            most, least = most * share, least * share
        # The middle of its way is near that of the picture: nearer when zooming moves what is not there.
        share = 0.25 if zoom.max() == zoom.min() else 0.15
        shift = share * (rng.random() * (2 * room - most + least) - room - least)
        track += shift
    if scene.camera in ("static", "handheld", "zoom in", "zoom out"):
        cx += 0.06 * rng.uniform(-1, 1)
        x += cx[0]
    return list(zip(x, y, strict=True)), list(zip(cx, cy, zoom, strict=True))


def _shaken(rng: np.random.Generator) -> NDArray[np.float64]:
    """A hand that is not still: smooth, about 1."""
    t = np.arange(FRAMES)[:, None]
    waves = rng.uniform(0.12, 0.3, 3)
    return np.sin(2 * np.pi * (t * waves + rng.random(3))).sum(1) / 1.3


def _faces_right(scene: Scene, rng: np.random.Generator) -> bool:
    if scene.subject in FACES and scene.motion in ("left", "right"):
        return scene.motion == "right"
    return bool(rng.random() < 0.5)


def _heading(scene: Scene) -> float:
    """By how much it is turned, in radians, clockwise as seen when it faces right."""
    if scene.subject == "rocket":
        return 0.6 if scene.motion in ("left", "right") else 0.0
    if scene.subject == "fish" and scene.motion in ("rising", "falling"):
        return 0.35 if scene.motion == "falling" else -0.35
    return 0.0


def _seen(canvas: Floats, window: tuple[float, float, float]) -> Floats:
    """What the camera sees of a canvas."""
    cx, cy, zoom = window
    step = CANVAS_HEIGHT / 1.5 / HEIGHT / zoom
    x = CANVAS_WIDTH / 2 + cx * CANVAS_HEIGHT / 1.5 - step * (WIDTH - 1) / 2 - 0.5
    y = CANVAS_HEIGHT / 2 + cy * CANVAS_HEIGHT / 1.5 - step * (HEIGHT - 1) / 2 - 0.5
    back = np.array([[step, 0, x], [0, step, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(canvas, back, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _on_screen(at: tuple[float, float], window: tuple[float, float, float]) -> tuple[tuple[float, float], float]:
    """Pixels of the frame where something is, and how many times it is enlarged."""
    cx, cy, zoom = window
    return (WIDTH / 2 + (at[0] - cx) * zoom * HEIGHT, HEIGHT / 2 + (at[1] - cy) * zoom * HEIGHT), zoom


def _shadow(frame: Floats, at: tuple[float, float], diameter: float, height: float) -> None:
    """Soft, on the ground under it; fainter and wider the higher it is."""
    strength = 0.42 * float(np.exp(-2.2 * max(0.0, height - 0.15)))
    a = diameter * (0.42 + 0.25 * height)
    x0, x1 = int(max(0, at[0] - 2 * a)), int(min(WIDTH, at[0] + 2 * a + 1))
    y0, y1 = int(max(0, at[1] - a)), int(min(HEIGHT, at[1] + a + 1))
    if x0 >= x1 or y0 >= y1:
        return
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    away = ((xx - at[0]) / a) ** 2 + ((yy - at[1]) / (0.28 * a)) ** 2
    frame[y0:y1, x0:x1] *= 1 - strength * np.exp(-away)[..., None]


def _paint(
    frame: Floats,
    scene: Scene,
    at: tuple[float, float],
    diameter: float,
    phase: float,
    right: bool,
    turn: float,
    light: _Light,
) -> None:
    """The subject onto a frame: flat shapes first, three times as fine, then made round by light."""
    half = diameter / 2
    reach = half * 1.45 + 2
    x0, y0 = int(np.floor(at[0] - reach)), int(np.floor(at[1] - reach))
    side = int(np.ceil(2 * reach)) + 1
    main = np.array(COLOURS[scene.colour])
    tones: dict[Tone, NDArray[np.float64]] = {
        "main": main,
        "dark": main * 0.66,
        "light": main + (1 - main) * 0.38,
        "lamp": main + (1 - main) * 0.55,
        "cream": np.array((0.97, 0.94, 0.86)),
        "ink": np.array((0.17, 0.15, 0.17)),
        "glow": np.array((1.0, 0.88, 0.45)),
    }
    colour = np.empty((side * _FINE, side * _FINE, 3), np.float32)
    colour[:] = main
    mask = np.zeros(colour.shape[:2], np.float32)
    lamp = np.zeros_like(mask)
    if not right:
        turn = -turn
    cos, sin = np.cos(turn), np.sin(turn)
    for tone, points in PAINTED[scene.subject](phase):
        flipped = points * (1 if right else -1, 1)
        turned = flipped @ np.array([[cos, sin], [-sin, cos]])
        fine = (turned * half + (at[0] - x0, at[1] - y0)) * _FINE
        outline = [np.round((fine - 0.5) * 16).astype(np.int32)]
        cv2.fillPoly(colour, outline, tones[tone].tolist(), cv2.LINE_AA, 4)
        cv2.fillPoly(mask, outline, 1.0, cv2.LINE_AA, 4)
        cv2.fillPoly(lamp, outline, float(tone in ("lamp", "glow")), cv2.LINE_AA, 4)
    colour *= _shaded(mask, lamp, half * _FINE, light, scene.style)
    colour = np.minimum(colour, 1)
    if light.rim:
        inner = cv2.GaussianBlur(mask, (0, 0), half * _FINE * 0.07)
        rim = np.clip(1.5 * (1 - inner) - 0.25, 0, 1) * light.rim
        colour += rim[..., None] * (np.array(_rim_colour(scene.light), np.float32) - colour)
    gain = np.array(light.gain, np.float32)
    half_gain = (gain / gain.max()) ** 0.3 * (0.25 + 0.75 * gain.max())
    colour *= half_gain + (1 - half_gain) * lamp[..., None]
    if scene.style == "anime":
        edge = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        colour = colour * mask[..., None] + 0.12 * (1 - mask[..., None])
        mask = edge
    size = (side, side)
    over = cv2.resize(np.minimum(colour, 1) * mask[..., None], size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    glow = cv2.resize(colour * (lamp * mask)[..., None], size, interpolation=cv2.INTER_AREA)
    glow = cv2.GaussianBlur(glow, (0, 0), half * 0.25)
    fx0, fy0, fx1, fy1 = max(0, x0), max(0, y0), min(WIDTH, x0 + side), min(HEIGHT, y0 + side)
    if fx0 >= fx1 or fy0 >= fy1:
        return
    inside = slice(fy0 - y0, fy1 - y0), slice(fx0 - x0, fx1 - x0)
    part = frame[fy0:fy1, fx0:fx1]
    part *= 1 - share[inside][..., None]
    part += over[inside]
    part += 0.25 * glow[inside]


def _shaded(mask: Floats, lamp: Floats, half: float, light: _Light, style: str) -> Floats:
    """How bright each place is: as a cushion of this outline would be, `[n, n, 1]`."""
    soft = cv2.GaussianBlur(mask, (0, 0), half * 0.22)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = half * 0.42
    facing = 1 - (dx * light.key[0] + dy * light.key[1]) * slope
    bright = 1 + light.shade * np.clip(facing - 1, -1, 0.6)
    if style == "anime":
        bright = np.where(bright > 0.93, 1.04, 0.80).astype(np.float32)
    return (bright * (1 - lamp) + 1.1 * lamp)[..., None]


def _rim_colour(light: str) -> Colour:
    return {"golden hour": (1.0, 0.82, 0.5), "neon": (1.0, 0.35, 0.85), "backlit": (1.0, 0.93, 0.78)}.get(
        light, (0.7, 0.8, 1.0)
    )


def _lit(canvas: Floats, light: _Light, name: str, rng: np.random.Generator) -> Floats:
    """The canvas in this light."""
    grey = canvas.mean(-1, keepdims=True)
    lit = (grey + (canvas - grey) * light.saturation) * np.array(light.gain, np.float32) + np.array(
        light.lift, np.float32
    )
    yy, xx = np.mgrid[:CANVAS_HEIGHT, :CANVAS_WIDTH].astype(np.float32)
    if light.sun:
        x, y, radius = light.sun
        x = x + rng.uniform(-0.06, 0.06)
        dx, dy = (xx / CANVAS_WIDTH - x) * WIDTH / HEIGHT, yy / CANVAS_HEIGHT - y
        away = np.sqrt(dx * dx + dy * dy)
        lit += np.exp(-((away / 0.42) ** 1.2))[..., None] * np.array(light.glow, np.float32)
        if radius:
            disc = np.clip((radius - away) * CANVAS_HEIGHT * 0.5 + 0.5, 0, 1)[..., None]
            lit += disc * (np.array((0.98, 0.97, 0.93), np.float32) - lit) * 0.94
    if name == "neon":
        left, right = np.exp(-((xx / CANVAS_WIDTH / 0.45) ** 2)), np.exp(-(((1 - xx / CANVAS_WIDTH) / 0.45) ** 2))
        lit += 0.30 * left[..., None] * np.array((0.80, 0.38, 0.64), np.float32)
        lit += 0.26 * right[..., None] * np.array((0.30, 0.68, 0.78), np.float32)
    lit = np.clip(lit, 0, 1)
    # However coloured the light, subjects are to be the most coloured thing in it.
    high, low = lit.max(-1, keepdims=True), lit.min(-1, keepdims=True)
    most = np.minimum(1, np.minimum(_MUTED * (high + 0.08), 0.27) / np.maximum(high - low, 1e-3))
    grey = lit @ _LUMA
    return grey[..., None] + (lit - grey[..., None]) * most


def _styled(frame: Floats, style: str) -> NDArray[np.uint8]:
    if style == "cinematic":
        grey = frame.mean(-1, keepdims=True)
        toned = frame + 0.05 * np.clip(6 * grey - 3, -1, 1) * np.array((1.0, 0.1, -0.9), np.float32)
        frame = (toned * toned * (3 - 2 * toned)) * 0.55 + toned * 0.45
        frame = frame * (1 - 0.12 * _CORNERS)
    elif style == "noir":
        high, low = frame.max(-1, keepdims=True), frame.min(-1, keepdims=True)
        keep = np.clip((high - low) / (high + 0.05) * 3.2 - 1.5, 0, 1) * np.clip(high * 4 - 0.6, 0, 1)
        grey = (frame @ np.array((0.35, 0.5, 0.15), np.float32))[..., None]
        grey = np.clip(grey * 1.12 - 0.06, 0, 1)
        grey = grey * grey * (3 - 2 * grey)
        frame = grey + (frame - grey) * 0.85 * keep
        frame = frame * (1 - 0.35 * _CORNERS)
    elif style == "vintage":
        grey = frame.mean(-1, keepdims=True)
        frame = (grey + (frame - grey) * 0.8) * np.array((0.88, 0.83, 0.75), np.float32) + np.array(
            (0.09, 0.08, 0.06), np.float32
        )
        frame = frame * (1 - 0.18 * _CORNERS)
    elif style == "anime":
        grey = frame.mean(-1, keepdims=True)
        frame = (grey + (frame - grey) * 1.18) * 1.05
    elif style == "miniature":
        soft = cv2.GaussianBlur(frame, (0, 0), 3.0)
        share = np.clip((np.abs(_FROM_MIDDLE[0]) - 0.42) * 2.6, 0, 1)[..., None]
        frame = frame + share * (soft - frame)
        grey = frame.mean(-1, keepdims=True)
        frame = (grey + (frame - grey) * 1.15) * 1.04
    # No lens is sharper than this, and what is smaller than a pixel would flicker as it moves.
    frame = cv2.GaussianBlur(np.clip(frame, 0, 1), (0, 0), _SOFT)
    return np.round(frame * 255).astype(np.uint8)


_FROM_MIDDLE = np.meshgrid(
    np.linspace(-1, 1, HEIGHT, dtype=np.float32), np.linspace(-1, 1, WIDTH, dtype=np.float32), indexing="ij"
)
_CORNERS = ((_FROM_MIDDLE[0] ** 2 + _FROM_MIDDLE[1] ** 2) / 2)[..., None] ** 2.5
"""How near each place is to a corner, in 0..1."""
