"""The subjects, as shapes of flat colours that a light then makes round.

Each is a function of the phase of what it does (0 to 1, again and again: wings, fins, flames) that gives layers from
back to front: a tone, and a polygon `[n, 2]` in units of the subject's own half size, x to the right and y down; it
looks to the right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Tone = Literal["main", "dark", "light", "lamp", "cream", "ink", "glow"]
"""The subject's own colour, darker, lighter and as light that shines; and three that all share, the last of which
shines, too."""
Points = NDArray[np.float64]
Layers = Iterator[tuple[Tone, Points]]


def _circle(x: float, y: float, a: float, b: float | None = None, start: float = 0, end: float = 360) -> Points:
    """An ellipse, or the part of it between two angles in degrees, clockwise from the right."""
    t = np.radians(np.linspace(start, end, 48))
    return np.stack((x + a * np.cos(t), y + (a if b is None else b) * np.sin(t)), 1)


def _curve(*points: tuple[float, float]) -> Points:
    """A smooth closed outline through points (Catmull and Rom)."""
    p = np.array(points, float)
    before, after, last = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, 8, endpoint=False)[None, :, None]
    a, b, c, d = (one[:, None] for one in (before, p, after, last))
    spline = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return spline.reshape(-1, 2)


def _poly(*points: tuple[float, float]) -> Points:
    return np.array(points, float)


def ball(phase: float) -> Layers:
    """A beach ball, which sways."""
    yield "main", _circle(0, 0, 0.92)
    for k in range(3):
        a = 242.5 + 120 * k
        yield "cream" if k == 0 else "dark", np.concatenate((_circle(0, 0, 0.92, None, a, a + 55), [[0, 0]]))
    yield "light", _circle(0, 0, 0.17)


def boat(phase: float) -> Layers:
    """A boat with two sails, which rocks."""
    yield "ink", _poly((-0.05, -0.95), (0.02, -0.95), (0.02, 0.45), (-0.05, 0.45))
    yield "main", _curve((0.07, -0.9), (0.5, -0.3), (0.78, 0.22), (0.4, 0.3), (0.07, 0.3))
    yield "cream", _curve((-0.1, -0.75), (-0.12, 0.28), (-0.4, 0.3), (-0.66, 0.22), (-0.4, -0.2))
    yield "main", _poly((-0.95, 0.42), (0.98, 0.42), (0.66, 0.86), (-0.62, 0.86))
    yield "dark", _poly((-0.95, 0.42), (0.98, 0.42), (0.9, 0.54), (-0.87, 0.54))


def balloon(phase: float) -> Layers:
    """A hot-air balloon."""
    yield "ink", _poly((-0.32, 0.3), (-0.27, 0.3), (-0.1, 0.75), (-0.15, 0.75))
    yield "ink", _poly((0.27, 0.3), (0.32, 0.3), (0.15, 0.75), (0.1, 0.75))
    yield (
        "main",
        _curve(
            (0, -0.98),
            (0.52, -0.82),
            (0.76, -0.35),
            (0.56, 0.1),
            (0.24, 0.42),
            (-0.24, 0.42),
            (-0.56, 0.1),
            (-0.76, -0.35),
            (-0.52, -0.82),
        ),
    )
    yield (
        "cream",
        _curve(
            (0, -0.98),
            (0.2, -0.75),
            (0.26, -0.3),
            (0.18, 0.1),
            (0.08, 0.42),
            (-0.08, 0.42),
            (-0.18, 0.1),
            (-0.26, -0.3),
            (-0.2, -0.75),
        ),
    )
    yield (
        "main",
        _curve(
            (0, -0.98),
            (0.07, -0.7),
            (0.09, -0.3),
            (0.06, 0.1),
            (0.03, 0.42),
            (-0.03, 0.42),
            (-0.06, 0.1),
            (-0.09, -0.3),
            (-0.07, -0.7),
        ),
    )
    yield "dark", _poly((-0.2, 0.7), (0.2, 0.7), (0.15, 0.96), (-0.15, 0.96))


def bird(phase: float) -> Layers:
    """A bird that beats its wings."""
    lift = np.sin(2 * np.pi * phase)
    yield (
        "dark",
        _curve(
            (0.1, -0.02), (-0.1, -0.1 - 0.75 * lift), (-0.34, -0.16 - 0.9 * lift), (-0.4, 0.0 - 0.3 * lift), (-0.2, 0.1)
        ),
    )
    yield "main", _poly((-0.5, 0.04), (-0.98, -0.16), (-0.9, 0.06), (-0.98, 0.26), (-0.45, 0.22))
    yield (
        "main",
        _curve(
            (0.82, -0.12), (0.6, -0.3), (0.3, -0.2), (-0.2, -0.12), (-0.6, 0.06), (-0.3, 0.3), (0.2, 0.34), (0.6, 0.14)
        ),
    )
    yield "glow", _poly((0.78, -0.18), (1.0, -0.06), (0.78, 0.02))
    yield "cream", _curve((0.5, 0.06), (0.2, 0.1), (-0.1, 0.24), (0.2, 0.33), (0.45, 0.22))
    yield (
        "light",
        _curve(
            (0.24, -0.04),
            (0.02, -0.12 - 0.8 * lift),
            (-0.22, -0.12 - 0.98 * lift),
            (-0.32, 0.06 - 0.3 * lift),
            (-0.1, 0.14),
        ),
    )
    yield "ink", _circle(0.58, -0.14, 0.06)


def star(phase: float) -> Layers:
    """A star with five points, whose heart beats."""
    angles = np.radians(np.arange(10) * 36 - 90)
    reach = np.where(np.arange(10) % 2 == 0, 0.98, 0.45)
    outer = np.stack((reach * np.cos(angles), reach * np.sin(angles)), 1)
    yield "main", outer
    yield "light", outer * (0.45 + 0.08 * float(np.sin(2 * np.pi * phase)))


def kite(phase: float) -> Layers:
    """A kite with a tail that waves."""
    t = np.linspace(0, 1, 20)
    x = 0.12 * np.sin(2 * np.pi * (t - phase)) * t
    y = 0.4 + 0.56 * t
    yield "dark", np.concatenate((np.stack((x - 0.045, y), 1), np.stack((x + 0.045, y), 1)[::-1]))
    for at in (10, 18):
        yield "light", _circle(float(x[at]), float(y[at]), 0.15, 0.07)
    yield "main", _poly((0, -0.96), (0.66, -0.28), (0, 0.46), (-0.66, -0.28))
    yield "cream", _poly((0.66, -0.28), (0, 0.46), (-0.66, -0.28))
    yield "main", _poly((-0.1, -0.28), (0.1, -0.28), (0, 0.46))


def fish(phase: float) -> Layers:
    """A fish that wags its tail."""
    wag = 0.16 * np.sin(2 * np.pi * phase)
    yield "dark", _curve((-0.4, 0), (-0.95, -0.48 + wag), (-0.78, 0.02 + wag), (-0.95, 0.5 + wag))
    yield "dark", _curve((0.25, -0.4), (-0.05, -0.78), (-0.35, -0.62), (-0.3, -0.3))
    yield (
        "main",
        _curve(
            (0.95, 0.03), (0.62, -0.38), (0.1, -0.5), (-0.3, -0.3), (-0.58, 0), (-0.3, 0.3), (0.1, 0.5), (0.62, 0.4)
        ),
    )
    yield "cream", _curve((0.12, -0.49), (0.26, 0), (0.12, 0.49), (-0.06, 0.46), (0.06, 0), (-0.06, -0.46))
    yield "light", _curve((0.1, 0.1), (-0.22, 0.16 + wag), (-0.14, 0.36 + wag))
    yield "cream", _circle(0.58, -0.1, 0.14)
    yield "ink", _circle(0.61, -0.1, 0.07)


def leaf(phase: float) -> Layers:
    """A leaf that sways."""
    yield "dark", _poly((-0.98, 0.5), (-0.9, 0.42), (-0.5, 0.28), (-0.5, 0.36))
    yield (
        "main",
        _curve(
            (0.95, -0.5),
            (0.5, -0.62),
            (-0.1, -0.5),
            (-0.5, -0.05),
            (-0.56, 0.34),
            (-0.1, 0.4),
            (0.4, 0.2),
            (0.75, -0.15),
        ),
    )
    yield "light", _curve((0.95, -0.5), (0.5, -0.62), (-0.1, -0.5), (-0.5, -0.05), (-0.56, 0.34), (0, 0))
    yield "dark", _poly((-0.55, 0.35), (0.9, -0.5), (-0.5, 0.29))


def car(phase: float) -> Layers:
    """A small car, whose wheels turn."""
    yield "main", _curve((-0.55, 0.05), (-0.42, -0.45), (-0.1, -0.56), (0.25, -0.5), (0.5, -0.1), (0.55, 0.1))
    yield "cream", _curve((-0.4, -0.02), (-0.32, -0.34), (-0.04, -0.4), (-0.04, -0.02))
    yield "cream", _curve((0.06, -0.02), (0.06, -0.4), (0.22, -0.38), (0.38, -0.04))
    yield (
        "main",
        _curve(
            (-0.94, 0.08),
            (-0.6, -0.06),
            (0.5, -0.06),
            (0.88, 0.06),
            (0.96, 0.36),
            (0.8, 0.5),
            (-0.85, 0.5),
            (-0.98, 0.32),
        ),
    )
    yield "dark", _poly((-0.95, 0.36), (0.95, 0.36), (0.82, 0.5), (-0.86, 0.5))
    yield "glow", _circle(0.86, 0.2, 0.09)
    for x in (-0.52, 0.5):
        yield "ink", _circle(x, 0.48, 0.25)
        yield "cream", _circle(x, 0.48, 0.12)
        for k in range(2):
            a = np.pi * (phase + k / 2)
            dx, dy = 0.2 * np.cos(a), 0.2 * np.sin(a)
            yield (
                "cream",
                _poly(
                    (x - dx, 0.48 - dy),
                    (x + 0.15 * dy, 0.48 - 0.15 * dx),
                    (x + dx, 0.48 + dy),
                    (x - 0.15 * dy, 0.48 + 0.15 * dx),
                ),
            )


def lantern(phase: float) -> Layers:
    """A paper lantern with a light in it."""
    yield "ink", _poly((-0.04, -0.98), (0.04, -0.98), (0.04, -0.7), (-0.04, -0.7))
    yield (
        "main",
        _curve(
            (0, -0.72), (0.52, -0.6), (0.76, -0.1), (0.52, 0.45), (0, 0.58), (-0.52, 0.45), (-0.76, -0.1), (-0.52, -0.6)
        ),
    )
    for y, half in ((-0.4, 0.66), (-0.1, 0.75), (0.2, 0.68)):
        yield "dark", _curve((-half, y), (0, y + 0.1), (half, y), (0, y + 0.17))
    yield "lamp", _circle(0, -0.08, 0.3 + 0.04 * float(np.sin(2 * np.pi * phase)), 0.34)
    yield "ink", _poly((-0.3, -0.76), (0.3, -0.76), (0.26, -0.62), (-0.26, -0.62))
    yield "ink", _poly((-0.26, 0.5), (0.26, 0.5), (0.3, 0.64), (-0.3, 0.64))
    yield "dark", _poly((-0.06, 0.64), (0.06, 0.64), (0.1, 0.96), (-0.1, 0.96))


def butterfly(phase: float) -> Layers:
    """A butterfly that opens and closes its wings."""
    open_ = 0.8 + 0.2 * np.cos(2 * np.pi * phase)
    for side in (-1, 1):

        def at(*points: tuple[float, float], side: int = side) -> Points:
            return _curve(*((side * open_ * x, y) for x, y in points))

        yield "dark", at((0.05, 0), (0.5, 0.05), (0.78, 0.4), (0.5, 0.82), (0.16, 0.5))
        yield "main", at((0.05, -0.05), (0.35, -0.7), (0.8, -0.9), (0.98, -0.45), (0.7, 0.05), (0.2, 0.12))
        yield "light", at((0.4, -0.35), (0.62, -0.6), (0.78, -0.4), (0.6, -0.15))
        yield "cream", at((0.4, 0.35), (0.56, 0.3), (0.58, 0.52), (0.42, 0.55))
    yield "ink", _circle(0, 0.05, 0.08, 0.5)
    yield "ink", _circle(0, -0.5, 0.1)


def rocket(phase: float) -> Layers:
    """A rocket with a flame, which points up."""
    flame = 0.2 * np.sin(2 * np.pi * phase)
    yield "glow", _curve((-0.2, 0.5), (0, 0.55), (0.2, 0.5), (0, 0.95 + flame * 0.25))
    yield "dark", _curve((-0.28, 0.1), (-0.62, 0.45), (-0.6, 0.72), (-0.26, 0.5))
    yield "dark", _curve((0.28, 0.1), (0.62, 0.45), (0.6, 0.72), (0.26, 0.5))
    yield (
        "main",
        _curve(
            (0, -0.98), (0.26, -0.6), (0.36, -0.1), (0.28, 0.52), (0, 0.58), (-0.28, 0.52), (-0.36, -0.1), (-0.26, -0.6)
        ),
    )
    yield "cream", _curve((0, -0.98), (0.2, -0.7), (0.24, -0.55), (0, -0.5), (-0.24, -0.55), (-0.2, -0.7))
    yield "ink", _circle(0, -0.18, 0.19)
    yield "light", _circle(0, -0.18, 0.13)


PAINTED: dict[str, Callable[[float], Layers]] = {
    one.__name__: one for one in (ball, boat, balloon, bird, star, kite, fish, leaf, car, lantern, butterfly, rocket)
}
TURNS = {
    "star": 1.0,
    "bird": 1.5,
    "kite": 1.0,
    "fish": 1.0,
    "butterfly": 1.25,
    "car": 1.0,
    "lantern": 1.0,
    "rocket": 2.0,
}
"""How often a clip shows the whole of what it does; 0 for the others."""
SWAYS = ("ball", "boat", "leaf", "kite", "lantern")
"""Those that sway a little."""
FACES = ("boat", "bird", "fish", "car", "leaf", "rocket")
"""Those that look where they go."""
