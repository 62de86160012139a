"""The settings: canvases larger than the frame, over which the camera moves. Muted, so that subjects stand out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 504, 288
"""Pixels of a canvas: one and a half frames each way, one and a half times as fine."""
Colour = tuple[float, float, float]
Canvas = NDArray[Any]
_X = np.linspace(0, 1, WIDTH, dtype=np.float32)
_Y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]


def painted(setting: str, rng: np.random.Generator) -> tuple[Canvas, float]:
    """A canvas `[HEIGHT, WIDTH, 3]`, RGB in 0..1, and how far down, in 0..1, things would stand on the ground in it; 2
    where there is none."""
    horizon = rng.uniform(0.56, 0.64)
    return _PAINTERS[setting](rng, horizon)


def _gradient(stops: Sequence[tuple[float, Colour]]) -> Canvas:
    """Colours from top to bottom."""
    places, colours = zip(*stops, strict=True)
    rows = np.stack([np.interp(_Y[:, 0], places, [one[k] for one in colours]) for k in range(3)], -1)
    return np.repeat(rows[:, None].astype(np.float32), WIDTH, 1)


def _noise(rng: np.random.Generator, across: int, down: int) -> Canvas:
    """Smooth, in about -1..1, with so many cells."""
    cells = rng.uniform(-1, 1, (down + 3, across + 3)).astype(np.float32)
    return cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _ridge(rng: np.random.Generator, level: float, height: float, waves: float) -> Canvas:
    """The upper edge of a hill, in 0..1 down, at each column."""
    edge = np.zeros(WIDTH, np.float32)
    for octave, share in ((1, 1.0), (2.1, 0.4), (4.3, 0.14)):
        edge += share * np.sin(2 * np.pi * (waves * octave * _X + rng.random()), dtype=np.float32)
    return (level - height * 0.5 * edge).astype(np.float32)


def _land(canvas: Canvas, edge: Canvas, near: Colour, far: Colour, deep: float = 0.35) -> None:
    """Ground below an edge, `far` at the edge and `near` further down."""
    share = np.clip((_Y - edge) * HEIGHT + 0.5, 0, 1)[..., None]
    depth = np.clip((_Y - edge) / deep, 0, 1)[..., None]
    canvas += share * (np.array(far, np.float32) * (1 - depth) + np.array(near, np.float32) * depth - canvas)


def _blend(canvas: Canvas, mask: Canvas, colour: Colour) -> None:
    canvas += mask[..., None] * (np.array(colour, np.float32) - canvas)


def _dot(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """A soft round spot; place in 0..1, radius in pixels."""
    x, y, reach = x * WIDTH, y * HEIGHT, int(radius * 2 + 2)
    x0, y0, x1, y1 = int(max(0, x - reach)), int(max(0, y - reach)), int(x + reach + 1), int(y + reach + 1)
    part = canvas[y0:y1, x0:x1]
    if part.size:
        yy, xx = np.mgrid[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]].astype(np.float32)
        away = np.sqrt((xx - x) ** 2 + (yy - y) ** 2)
        part += (strength * np.clip(radius - away + 0.5, 0, 1))[..., None] * (np.array(colour, np.float32) - part)


def _clouds(canvas: Canvas, rng: np.random.Generator, count: int, high: float, low: float, colour: Colour) -> None:
    """Clouds of overlapping puffs, flat below."""
    for _ in range(count):
        cx, cy, size = rng.uniform(0, 1), rng.uniform(high, low), rng.uniform(0.05, 0.11)
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        for k in range(7):
            t = (k - 3) / 3
            r = size * (1 - 0.6 * abs(t)) * rng.uniform(0.8, 1.2)
            centre = int((cx + t * size * 1.5) * WIDTH * 16), int((cy - r * 0.5) * HEIGHT * 16)
            cv2.circle(mask, centre, int(r * HEIGHT * 0.8 * 16), 1.0, -1, cv2.LINE_AA, 4)
        base = np.clip((cy + 0.01 - _Y) * HEIGHT * 0.3, 0, 1)
        shade = np.clip(1 - (_Y - cy + size) / (size * 1.6), 0, 1)[..., None]
        soft = (cv2.GaussianBlur(mask, (0, 0), 2.2) * base)[..., None] * 0.9
        body = np.array(colour, np.float32) * (0.88 + 0.12 * shade)
        canvas += soft * (body - canvas)


def _sky(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.40, 0.58, 0.82)), (0.55, (0.62, 0.76, 0.90)), (1, (0.82, 0.88, 0.92))])
    _clouds(canvas, rng, 8, 0.12, 0.78, (0.98, 0.98, 0.97))
    for level, tone in ((0.8, 0.90), (0.88, 0.93), (0.95, 0.96)):
        edge = _ridge(rng, level, 0.05, rng.uniform(1.5, 2.5))
        edge -= 0.02 * np.abs(np.sin(_X * np.pi * rng.uniform(7, 10) + rng.random() * 6)).astype(np.float32)
        _land(canvas, edge, (tone - 0.1, tone - 0.06, tone - 0.02), (tone, tone, tone), 0.15)
    return canvas, 2.0


def _sea(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.58, 0.70, 0.82)), (horizon, (0.86, 0.88, 0.87)), (1, (0.86, 0.88, 0.87))])
    _clouds(canvas, rng, 5, 0.2, horizon - 0.12, (0.97, 0.97, 0.96))
    for x in rng.permutation(np.array((0.12, 0.38, 0.62, 0.88)))[: rng.integers(2, 4)]:
        edge = horizon - 0.07 * np.exp(-(((_X - x - rng.uniform(-0.08, 0.08)) / rng.uniform(0.03, 0.07)) ** 2))
        tone = rng.uniform(0.40, 0.52)
        _land(canvas, edge.astype(np.float32), (tone, tone + 0.08, tone + 0.06), (tone, tone + 0.08, tone + 0.06))
    _land(canvas, np.full(WIDTH, horizon, np.float32), (0.24, 0.37, 0.44), (0.55, 0.68, 0.72), 0.45)
    depth = np.clip((_Y - horizon) / (1 - horizon), 0, 1)
    for _ in range(3):
        rows = np.sin((depth**0.6) * rng.uniform(24, 34) + 1.5 * _noise(rng, 4, 3) + rng.random() * 6)
        canvas += (0.035 * rows * np.clip(depth * 6, 0, 1))[..., None]
    for y in np.sort(rng.uniform(horizon + 0.04, 1.0, 22)):
        near = (y - horizon) / (1 - horizon)
        _crest(canvas, rng.random(), float(y), 5 + 16 * near, 0.8 + 1.4 * near)
    return canvas, rng.uniform(0.72, 0.8)


def _crest(canvas: Canvas, x: float, y: float, length: float, thick: float) -> None:
    """Of a wave: a flat light stroke; place in 0..1, sizes in pixels."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    centre, axes = (int(x * WIDTH * 16), int(y * HEIGHT * 16)), (int(length * 16), int(thick * 16))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 0.7, -1, cv2.LINE_AA, 4)
    _blend(canvas, mask, (0.86, 0.91, 0.92))


def _hills(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.60, 0.74, 0.86)), (horizon, (0.88, 0.91, 0.88)), (1, (0.88, 0.91, 0.88))])
    _clouds(canvas, rng, 3, 0.15, horizon - 0.2, (0.97, 0.97, 0.95))
    layers = (
        (-0.06, (0.68, 0.77, 0.74)),
        (0.0, (0.58, 0.70, 0.58)),
        (0.09, (0.50, 0.63, 0.44)),
        (0.22, (0.42, 0.55, 0.36)),
    )
    for k, (below, colour) in enumerate(layers):
        edge = _ridge(rng, horizon + below, 0.09, rng.uniform(0.8, 1.8))
        darker: Colour = (colour[0] * 0.82, colour[1] * 0.84, colour[2] * 0.8)
        _land(canvas, edge, darker, colour)
        for _ in range(rng.integers(2, 6) if 0 < k < 3 else 0):
            column = int(rng.integers(WIDTH))
            size = rng.uniform(4, 7) * (0.6 + 0.4 * k)
            for dx, dy in ((0, -0.9), (-0.7, -0.3), (0.7, -0.3)):
                x, y = (column + dx * size * 0.7) / WIDTH, float(edge[column]) + dy * size / HEIGHT
                _dot(canvas, x, y, size, (darker[0] * 0.8, darker[1] * 0.86, darker[2] * 0.78))
    return canvas, 0.86


def _city(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.06, 0.08, 0.17)), (horizon, (0.46, 0.34, 0.36)), (1, (0.46, 0.34, 0.36))])
    for _ in range(24):
        _dot(canvas, rng.random(), rng.uniform(0, 0.4), 1.2, (0.8, 0.8, 0.85), rng.uniform(0.4, 0.9))
    for level, tone, glow in ((0.30, (0.20, 0.18, 0.26), 0.46), (0.42, (0.11, 0.115, 0.18), 0.66)):
        x = -10
        while x < WIDTH:
            width, top = int(rng.integers(34, 64)), int((level + rng.uniform(-0.1, 0.16)) * HEIGHT)
            canvas[top:, max(0, x) : x + width] = tone
            for row in range(top + 10, int(0.80 * HEIGHT), 19):
                for column in range(max(x, 0) + 8, x + width - 12, 17):
                    if rng.random() < 0.3:
                        bright = rng.uniform(0.7, 1.0) * glow
                        canvas[row : row + 9, column : column + 7] = np.array((1.0, 0.86, 0.60)) * bright
            x += width + int(rng.integers(0, 10))
    _land(canvas, np.full(WIDTH, 0.84, np.float32), (0.13, 0.13, 0.17), (0.20, 0.20, 0.25), 0.16)
    return cv2.GaussianBlur(canvas, (0, 0), 1.3), 0.9


def _snow(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.62, 0.66, 0.78)), (horizon, (0.84, 0.83, 0.88)), (1, (0.84, 0.83, 0.88))])
    edge = _ridge(rng, horizon - 0.1, 0.12, rng.uniform(1.2, 2))
    _land(canvas, edge, (0.78, 0.82, 0.87), (0.72, 0.77, 0.84))
    for below, tone in ((0.0, 0.90), (0.12, 0.94), (0.26, 0.97)):
        edge = _ridge(rng, horizon + below, 0.06, rng.uniform(0.6, 1.4))
        _land(canvas, edge, (tone - 0.08, tone - 0.05, tone - 0.01), (tone, tone, tone))
        for column in _spread(rng, 5 if below < 0.2 else 0):
            size = rng.uniform(20, 34) * (0.7 + 2 * below)
            _pine(canvas, column, float(edge[column]) * HEIGHT + 2, size)
    return canvas, 0.88


def _spread(rng: np.random.Generator, count: int) -> list[int]:
    """Columns of a canvas: one somewhere in each of so many parts."""
    return [int((k + rng.uniform(0.1, 0.9)) / count * WIDTH) for k in range(count)]


def _pine(canvas: Canvas, x: float, y: float, size: float) -> None:
    for k in range(3):
        top, wide = y - size + k * size * 0.24, size * (0.17 + 0.08 * k)
        points = np.array([(x, top), (x + wide, top + size * 0.42), (x - wide, top + size * 0.42)])
        for shift, colour in ((0.0, (0.36, 0.46, 0.46)), (-0.1 * size, (0.93, 0.95, 0.97))):
            moved = points + np.array((0, shift * 0.4))
            if shift:
                moved[1:, 0] = x + (moved[1:, 0] - x) * 0.55
                moved[1:, 1] -= size * 0.16
            cv2.fillPoly(canvas, [np.round(moved * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _desert(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.66, 0.76, 0.82)), (horizon, (0.92, 0.89, 0.82)), (1, (0.92, 0.89, 0.82))])
    for below, bright in ((-0.02, 0.98), (0.08, 1.0), (0.2, 0.96), (0.34, 0.9)):
        edge = _ridge(rng, horizon + below, 0.08, rng.uniform(0.7, 1.5))
        light: Colour = (0.88 * bright, 0.70 * bright, 0.54 * bright)
        dark: Colour = (0.70 * bright, 0.50 * bright, 0.38 * bright)
        _land(canvas, edge, dark, light, 0.3)
        slope = np.gradient(edge) * WIDTH
        share = np.clip((_Y - edge) * HEIGHT, 0, 1) * np.clip(1 - (_Y - edge) / 0.2, 0, 1) * np.clip(slope * 1.5, 0, 1)
        _blend(canvas, (0.55 * share).astype(np.float32), (0.64 * bright, 0.46 * bright, 0.38 * bright))
        for column in _spread(rng, 4 if 0 < below < 0.3 else 0):
            _cactus(canvas, column, float(edge[column]) * HEIGHT + 2, rng.uniform(22, 34) * (0.6 + 2 * below), rng)
    return canvas, 0.88


def _cactus(canvas: Canvas, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    thick = max(2, round(size * 0.17))
    strokes = [((x, y), (x, y - size))]
    for side, height in ((-1, rng.uniform(0.3, 0.5)), (1, rng.uniform(0.4, 0.6))):
        elbow = (x + side * size * 0.3, y - size * height)
        strokes += [((x, y - size * height), elbow), (elbow, (elbow[0], elbow[1] - size * 0.28))]
    for shift, colour in ((0.0, (0.36, 0.45, 0.33)), (-0.25 * thick, (0.47, 0.56, 0.41))):
        for start, end in strokes:
            points = [(round((px + shift) * 16), round(py * 16)) for px, py in (start, end)]
            cv2.line(canvas, points[0], points[1], colour, thick if not shift else max(1, thick // 3), cv2.LINE_AA, 4)


def _field(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.62, 0.76, 0.87)), (horizon, (0.90, 0.92, 0.90)), (1, (0.90, 0.92, 0.90))])
    _clouds(canvas, rng, 4, 0.15, horizon - 0.15, (0.98, 0.98, 0.97))
    edge = _ridge(rng, horizon - 0.03, 0.05, rng.uniform(0.8, 1.6))
    _land(canvas, edge, (0.56, 0.68, 0.62), (0.62, 0.73, 0.68))
    _land(canvas, _ridge(rng, horizon + 0.03, 0.02, 1.0), (0.68, 0.62, 0.30), (0.86, 0.80, 0.50), 0.4)
    for column in _spread(rng, 6):
        size = rng.uniform(6, 13)
        for dx, dy in ((0, -1.1), (-0.8, -0.5), (0.8, -0.5)):
            y = horizon + 0.03 + dy * size / HEIGHT
            _dot(canvas, (column + dx * size * 0.7) / WIDTH, y, size, (0.36, 0.49, 0.33))
    tones: tuple[Colour, ...] = ((0.96, 0.94, 0.88), (0.90, 0.84, 0.60), (0.88, 0.72, 0.76), (0.78, 0.74, 0.88))
    for y in np.sort(rng.uniform(horizon + 0.08, 1.0, 90)):
        near = (y - horizon) / (1 - horizon)
        _dot(canvas, rng.random(), float(y), 1.2 + 3.2 * near, tones[rng.integers(4)], 0.9)
    return canvas, 0.86


def _space(rng: np.random.Generator, horizon: float) -> tuple[Canvas, float]:
    canvas = _gradient([(0, (0.04, 0.05, 0.10)), (0.5, (0.09, 0.08, 0.17)), (1, (0.05, 0.07, 0.13))])
    for colour in ((0.46, 0.24, 0.50), (0.14, 0.36, 0.46)):
        mask = np.clip(_noise(rng, 4, 3) + 0.4 * _noise(rng, 9, 6), 0, 1) ** 1.4 * 0.75
        _blend(canvas, mask.astype(np.float32), colour)
    for _ in range(70):
        _dot(canvas, rng.random(), rng.random(), rng.uniform(0.9, 1.9), (0.95, 0.95, 1.0), rng.uniform(0.4, 1))
    x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.85), rng.uniform(0.10, 0.2) * HEIGHT
    tone = ((0.60, 0.50, 0.44), (0.46, 0.54, 0.60), (0.58, 0.54, 0.62))[rng.integers(3)]
    _planet(canvas, x * WIDTH, y * HEIGHT, radius, tone, rng)
    return canvas, 2.0


def _planet(canvas: Canvas, x: float, y: float, radius: float, tone: Colour, rng: np.random.Generator) -> None:
    yy, xx = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    dx, dy = (xx - x) / radius, (yy - y) / radius
    mask = np.clip((1 - np.sqrt(dx * dx + dy * dy)) * radius, 0, 1)
    lit = np.clip(0.75 - 0.5 * dx - 0.5 * dy, 0.12, 1.15)
    bands = 1 + 0.10 * np.sin(dy * rng.uniform(5, 8) + 0.8 * dx)
    canvas += mask[..., None] * ((lit * bands)[..., None] * np.array(tone, np.float32) - canvas)


_PAINTERS: dict[str, Callable[[np.random.Generator, float], tuple[Canvas, float]]] = {
    "sky": _sky,
    "sea": _sea,
    "hills": _hills,
    "city": _city,
    "snow": _snow,
    "desert": _desert,
    "field": _field,
    "space": _space,
}
