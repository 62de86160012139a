"""Rain on a street at night: neon signs and their light on the wet ground; someone walks home under an umbrella."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from painting import (
    Array,
    add_spot,
    bloom,
    blur,
    clouds,
    colour,
    develop,
    disc,
    mix,
    polygon,
    ramp,
    sample,
    shift,
    shrink,
    smooth,
    strokes,
)

WIDTH, HEIGHT, SECONDS = 960, 400, 5
RATE = 24000 / 1001
GROUND = 262.0
VANISH = (470.0, 196.0)


def frames() -> Iterator[NDArray[np.uint8]]:
    """Each frame of the clip, 8-bit sRGB."""
    rng = np.random.default_rng(41)
    scene = _Scene()
    for k in range(round(RATE * SECONDS)):
        yield develop(scene.frame(k / RATE), rng, grain=0.006, vignette=0.4)


@dataclass(frozen=True)
class Sign:
    """A sign: what it adds to the picture when it is lit, in what colour, and how it flickers."""

    tube: Array
    halo: Array
    light: Array
    restless: float
    phase: float

    def level(self, t: float) -> np.float32:
        """How brightly it burns at `t`, 0..1."""
        hum = 1 - 0.04 * (1 + np.sin(41 * t + self.phase))
        stutter = np.sin(9.1 * t + self.phase) * np.sin(23.7 * t + 2 * self.phase)
        return np.float32(hum * (0.35 if stutter < self.restless - 1 else 1.0))


class _Scene:
    def __init__(self) -> None:
        rng = np.random.default_rng(23)
        self.street = self._houses(rng)
        self.signs = _signs()
        self.rough = clouds(512, 1024, 51, roughness=1.2, longest=0.1) - 0.5
        self.puddles = smooth(0.46, 0.6, clouds(256, 1024, 52, roughness=1.9, longest=0.25))
        self.bokeh = [
            (
                rng.uniform(350, 590),
                207 - abs(rng.normal(0, 15)),
                rng.uniform(3, 8),
                int(rng.integers(5)),
                rng.uniform(0, 6.3),
            )
            for _ in range(44)
        ]
        self.rain = [
            [(rng.uniform(0, WIDTH + 80), rng.uniform(0, HEIGHT + 120), rng.uniform(0.8, 1.2)) for _ in range(count)]
            for count in (260, 130, 46)
        ]
        self.rings = [
            (
                rng.uniform(0, WIDTH),
                GROUND + 12 + (HEIGHT - GROUND - 12) * rng.power(1.6),
                rng.uniform(0, 1),
                rng.uniform(0.5, 0.9),
            )
            for _ in range(120)
        ]

    def _houses(self, rng: np.random.Generator) -> Array:
        """The two sides of the street in one-point perspective, with lit windows."""
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        picture = ramp(y / GROUND, [(0, "#0b1024"), (0.6, "#1f1f44"), (0.9, "#54386a"), (1, "#7d4a72")])
        vx, vy = VANISH
        for side in (-1, 1):
            edges = np.array([720, 470, 330, 236, 172, 128, 98, 76, 60]) * (1 if side > 0 else 0.92)
            for i in reversed(range(len(edges) - 1)):
                near, far = edges[i], edges[i + 1]
                tall = rng.uniform(0.66, 1.15)
                mask = np.zeros((HEIGHT * 3, WIDTH * 3), np.float32)
                corners = [(near, -near * tall), (far, -far * tall), (far, far * 0.34), (near, near * 0.34)]
                polygon(mask, [((vx + side * a) * 3, (vy + b) * 3) for a, b in corners])
                wall = shrink(mask, 3)
                depth = smooth(520, 60, near)
                shade = mix(colour("#10121f"), colour("#5a3d63"), depth * 0.85)
                # Places on the wall: `u` along the street, `v` up, both in metres or so.
                away = np.maximum(side * (x - vx), 1)
                u, v = 900 / away, (y - vy) / away
                storeys, bays = -v * 15, u * 5.6 + i * 0.37
                cell = np.floor(storeys) * 57 + np.floor(bays) * 131 + i * 977 + (0 if side < 0 else 4111)
                chance = np.mod(np.sin(cell * 12.9898) * 43758.5453, 1)
                fine = smooth(46, 130, away)
                frame = smooth(0.16, 0.24, np.mod(storeys, 1)) * smooth(0.86, 0.78, np.mod(storeys, 1))
                frame *= smooth(0.2, 0.3, np.mod(bays, 1)) * smooth(0.84, 0.74, np.mod(bays, 1))
                lit = (chance > 0.66) * (storeys > 0.2) * frame * (0.55 + 0.9 * np.mod(storeys, 1))
                warm = np.where((chance > 0.9)[..., None], colour("#8fb4d8"), colour("#ffb870"))
                glow = 0.1 + ((0.12 + 0.9 * np.mod(chance * 7, 1)) * lit - 0.1) * fine
                paint = shade * (0.75 + 0.25 * smooth(0.2, -0.9, v))[..., None] + warm * (0.34 * glow)[..., None]
                paint = paint + colour("#ff9f6a") * (0.16 * smooth(0.05, 0.3, v) * (0.4 + depth))[..., None]
                picture = mix(picture, paint, wall)
        base = mix(colour("#0c0f1a"), colour("#5b3f62"), smooth(90, 4, y - GROUND) * np.exp(-(((x - vx) / 230) ** 2)))
        picture = mix(picture, base, smooth(0, 3, y - self._kerb(x)))
        # The nearest walls are out of focus.
        picture = mix(picture, blur(picture, 2.2), smooth(230, 420, np.abs(x - vx)))
        fog = np.exp(-(((x - vx) / 120) ** 2) - (((y - vy - 14) / 62) ** 2))
        return mix(picture, colour("#b9788c"), fog * 0.5).astype(np.float32)

    def _kerb(self, x: Array) -> Array:
        return VANISH[1] + np.maximum(np.abs(x - VANISH[0]) * 0.34, 13)

    def frame(self, t: float) -> Array:
        upper = self.street.copy()
        for sign in self.signs:
            level = sign.level(t)
            upper += sign.halo[..., None] * (sign.light * level * np.float32(0.55))
            upper += sign.tube[..., None] * (mix(sign.light, np.ones(3, np.float32), 0.45) * level * np.float32(1.7))
        for x, y, size, tint, phase in self.bokeh:
            lamp = disc(size * 0.62, 1.6)
            add_spot(upper, x, y, lamp, BOKEH[tint] * np.float32(0.11 * (0.8 + 0.2 * np.sin(2 * t + phase))))
        picture = self._ground(upper, t)
        self._car(picture, t)
        self._walker(picture, t)
        self._pour(picture, t)
        return bloom(picture, 0.26, 4)

    def _car(self, picture: Array, t: float) -> None:
        """Headlights come up the street, and their light lies on it."""
        s = (t / SECONDS + 0.1) ** 1.6
        x, y = VANISH[0] - 16 - 70 * s, VANISH[1] + 13 + 30 * s
        light = colour("#fff0cf")
        lamp = blur(np.pad(disc(1.5 + 2.6 * s, 2), 12), 1.2)
        streak = blur(np.pad(disc(2 + 3 * s, 3), ((130, 130), (12, 12))), 1.6 + 1.5 * s, 14 + 16 * s)
        veil = blur(np.pad(disc(9, 6), 46), 13)
        for dx in (-1, 1):
            at = x + dx * (4 + 10 * s)
            add_spot(picture, at, y, lamp, light * np.float32(1.6))
            add_spot(picture, at, y, veil, light * np.float32(0.16))
            add_spot(picture, at, y + 26 + 26 * s, streak, light * np.float32(1.5))

    def _ground(self, upper: Array, t: float) -> Array:
        """The street below the kerbs mirrors what stands above it, drawn out downwards where it is only damp."""
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        kerb = self._kerb(x)
        deep = np.maximum(y - GROUND * 0.81, 0)
        near = np.clip(deep / (HEIGHT - GROUND * 0.81), 0.02, 1)
        u, v = (x - VANISH[0]) / near * 0.4, 46 / near
        move = (
            sample(self.rough, u + 3 * t, v + 17 * t, wrap=True) * 0.6
            + sample(self.rough, u * 1.7 - 5 * t, v * 1.9, wrap=True) * 0.4
        )
        ring_x, ring_y = self._ripples(t)
        up = 2 * GROUND * 0.83 - y + (move * 60 + ring_y * 16) * near
        side = x + (move * 16 + ring_x * 16) * near
        sharp = sample(blur(upper, 0.8, 2.2), side, np.clip(up, 0, HEIGHT))
        long = sample(blur(upper, 2.0, 17), side, np.clip(up, 0, HEIGHT))
        wet = sample(self.puddles, u * 0.8 + 200, v * 2.2, wrap=True)
        seen = mix(long * 0.9, sharp * 0.95, wet * 0.85) * (0.4 + 0.5 * smooth(0.0, 0.5, near))[..., None]
        stone = colour("#0a0c14") * (1 + 0.9 * sample(self.rough, u * 3, v * 3, wrap=True))[..., None]
        return mix(upper, stone + seen, smooth(-0.5, 2.5, y - kerb))

    def _ripples(self, t: float) -> tuple[Array, Array]:
        """How far the rings of falling drops turn the mirror, to the side and up."""
        across, up = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32)
        for x, y, phase, life in self.rings:
            age = (t / life + phase) % 1
            turn = int(t / life + phase)
            cx = (x + 389 * turn) % WIDTH
            near = (y - VANISH[1]) / (HEIGHT - VANISH[1])
            wide = int(4 + 30 * near)
            x0, x1, y0, y1 = int(cx) - wide, int(cx) + wide + 1, int(y) - wide // 2, int(y) + wide // 2 + 1
            if x0 < 0 or x1 > WIDTH or y0 < 0 or y1 > HEIGHT:
                continue
            gy, gx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
            dx, dy = (gx - cx) / wide, (gy - y) / (wide * 0.42)
            far = np.hypot(dx, dy) + 1e-3
            wave = np.sin((far - age) * 19) * np.exp(-(((far - age * 0.9) / 0.16) ** 2)) * (1 - age)
            across[y0:y1, x0:x1] += wave * dx / far
            up[y0:y1, x0:x1] += wave * dy / far
        return across, up

    def _walker(self, picture: Array, t: float) -> None:
        """Someone with an umbrella, seen from behind, a step every half second."""
        x, foot = 592 - 9 * t, 352 - 4.5 * t
        big = 4
        tall = 104 - 3.2 * t
        mask = np.zeros((HEIGHT * big, WIDTH * big), np.float32)
        roof = np.zeros_like(mask)
        pace = np.sin(2 * np.pi * t / 1.05)
        bob = 1.2 * abs(pace)

        def at(points: list[tuple[float, float]]) -> NDArray[np.float64]:
            return (np.array(points) * tall + (x, foot - bob)) * big

        for side, step in ((-1, pace), (1, -pace)):
            lift = max(0.0, step) * 0.05
            strokes(
                mask,
                [at([(0.035 * side, -0.42), (0.045 * side + 0.012 * step, -0.2), (0.04 * side, -0.02 - lift)])],
                26,
            )
            polygon(
                mask,
                at([(0.015 * side, -0.03 - lift), (0.075 * side, -0.03 - lift), (0.08 * side, -lift), (0.0, -lift)]),
            )
        coat = [(-0.1, -0.72), (-0.05, -0.78), (0.05, -0.78), (0.105, -0.71), (0.11, -0.52), (0.15, -0.28), (0, -0.255)]
        polygon(mask, at([*coat, (-0.15, -0.28), (-0.105, -0.52)]))
        turn = np.linspace(0, 2 * np.pi, 40)
        polygon(mask, at([(0.058 * np.cos(a), -0.85 + 0.068 * np.sin(a)) for a in turn]))
        strokes(mask, [at([(0.09, -0.6), (0.1, -1.2)])], 5)
        sway = 0.012 * np.sin(2 * np.pi * t / 1.05 + 1)
        dome = [(0.1 + sway + 0.36 * np.cos(a), -1.0 - 0.26 * np.sin(a)) for a in np.linspace(0, np.pi, 40)]
        hem = [
            (0.1 + sway - 0.36 + 0.72 * s, -1.0 + 0.028 * np.sin(np.pi * ((s * 5) % 1)) * -1)
            for s in np.linspace(0, 1, 60)
        ]
        polygon(roof, at(dome + hem))
        body, roof = shrink(mask, big), shrink(roof, big)
        dark = np.maximum(body, roof)
        # Its mirror on the ground, and the light of the signs on its edges.
        flip = np.zeros_like(dark)
        base = int(foot - bob * 0.5)
        rows = min(HEIGHT - base, base)
        flip[base : base + rows] = dark[base - rows : base][::-1]
        fade = smooth(120, 0, np.arange(HEIGHT, dtype=np.float32) - base)[:, None]
        picture[:] = mix(picture, colour("#0a0a14"), blur(flip, 1.4, 3) * fade * 0.6)
        left = np.clip(dark - shift(dark, 1.2, 0.5), 0, 1)
        right = np.clip(dark - shift(dark, -1.2, 0.5), 0, 1)
        picture[:] = mix(picture, colour("#0b0b15"), body)
        y, xx = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        cloth = mix(colour("#7e1730"), colour("#2a0a1c"), smooth(-0.3, 0.5, (xx - x) / tall))
        ribs = 0.8 + 0.2 * np.abs(np.cos(np.pi * 2.5 * (xx - x - 0.1 * tall) / (0.36 * tall)))
        picture[:] = mix(picture, cloth * ribs[..., None], roof)
        top = smooth(0.15, -0.5, (y - foot + tall * 0.6) / tall)
        picture += (left * (0.15 + 0.3 * top))[..., None] * colour("#ff7fb0")
        picture += (right * (0.12 + 0.25 * top))[..., None] * colour("#58cfe0")

    def _pour(self, picture: Array, t: float) -> None:
        for drops, (length, speed, light) in zip(
            self.rain, ((7, 420, 0.05), (14, 640, 0.075), (30, 980, 0.10)), strict=True
        ):
            mask = np.zeros((HEIGHT * 2, WIDTH * 2), np.float32)
            lines = []
            for x, y, own in drops:
                down = (y + speed * own * t) % (HEIGHT + 120) - 60
                at = (x - 0.12 * speed * own * t) % (WIDTH + 80) - 40
                lines.append(np.array([(at, down), (at + 0.12 * length, down - length)]) * 2)
            strokes(mask, lines, 1)
            fall = shrink(mask, 2)[..., None]
            around = blur(picture, 9)
            picture += fall * (np.float32(light) * colour("#c9d6f2") + around * np.float32(0.35))


BOKEH = [colour(code) for code in ("#ffb45e", "#ff6a5e", "#ffe2b0", "#6fd0ff", "#ff86c8")]


def _signs() -> list[Sign]:
    """Signs without words: a cup, a moon, a wave, a fish, bars and arrows."""
    vx, vy = VANISH
    turn = np.linspace(0, 2 * np.pi, 60)

    def wall(
        side: int, near: float, far: float, low: float, high: float, points: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Unit-square places put onto the wall between two distances from the vanishing point."""
        away = 1 / (points[:, 0] / far + (1 - points[:, 0]) / near)
        return np.stack([vx + side * away, vy + away * (high + (low - high) * points[:, 1])], 1)

    def front(x: float, y: float, size: float, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return points * size + (x, y)

    def curve(*points: tuple[float, float]) -> NDArray[np.float64]:
        return np.array(points, float)

    moon = np.concatenate(
        [
            np.stack([0.5 * np.cos(turn[8:53]), 0.5 * np.sin(turn[8:53])], 1),
            np.stack([0.17 + 0.40 * np.cos(turn[50:10:-1]), 0.40 * np.sin(turn[50:10:-1])], 1),
        ]
    )
    cup = [
        curve((-0.45, -0.1), (-0.38, 0.35), (-0.2, 0.45), (0.2, 0.45), (0.38, 0.35), (0.45, -0.1), (-0.45, -0.1)),
        np.stack(
            [0.43 + 0.17 * np.cos(np.linspace(-1.4, 1.4, 20)), 0.1 + 0.17 * np.sin(np.linspace(-1.4, 1.4, 20))], 1
        ),
        np.stack([-0.15 + 0.06 * np.sin(np.linspace(0, 6.3, 20)), np.linspace(-0.22, -0.6, 20)], 1),
        np.stack([0.15 + 0.06 * np.sin(np.linspace(0, 6.3, 20)), np.linspace(-0.22, -0.6, 20)], 1),
    ]
    s = np.linspace(0, 1, 40)
    waves = [np.stack([s, 0.25 + 0.25 * i + 0.09 * np.sin(s * 4 * np.pi + i)], 1) for i in range(3)]
    box = curve((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    bars = [curve((0.2, 0.16 + 0.17 * i), (0.8, 0.16 + 0.17 * i)) for i in range(5)]
    fish = [
        np.stack([-0.1 + 0.42 * np.cos(turn), 0.22 * np.sin(turn)], 1),
        curve((0.3, 0), (0.56, -0.2), (0.5, 0), (0.56, 0.2), (0.3, 0)),
        np.stack([-0.3 + 0.03 * np.cos(turn), -0.05 + 0.03 * np.sin(turn)], 1),
    ]
    line = curve((0, 0), (1, 0))
    arrow = [curve((0, 0.5), (0.75, 0.5)), curve((0.5, 0.2), (0.85, 0.5), (0.5, 0.8))]
    plans: list[tuple[list[NDArray[np.float64]], str, float, float]] = [
        ([front(132, 118, 78, moon)], "#ffd24d", 0.02, 0.3),
        ([wall(-1, 330, 228, 0.02, -0.30, w) for w in waves], "#2fd3e6", 0.03, 1.7),
        ([wall(-1, 205, 176, -0.06, -0.66, p) for p in (box, *bars)], "#ff4f8b", 0.02, 2.9),
        ([front(818, 132, 104, p) for p in cup], "#ff5a4a", 0.03, 4.1),
        ([wall(1, 292, 214, 0.16, -0.03, p) for p in arrow], "#59e08a", 0.14, 5.2),
        ([wall(1, 186, 160, -0.04, -0.74, p) for p in (box, *bars)], "#7a7bff", 0.02, 0.9),
        ([front(332, 176, 40, p) for p in fish], "#ff9a3d", 0.05, 2.2),
        ([wall(-1, 470, 214, 0.2, 0.2, line), wall(-1, 470, 214, 0.215, 0.215, line)], "#ff5fa2", 0.02, 3.3),
        ([wall(1, 490, 300, 0.2, 0.2, line), wall(1, 490, 300, 0.215, 0.215, line)], "#38d6e8", 0.02, 1.1),
    ]
    found: list[Sign] = []
    for lines, code, restless, phase in plans:
        mask = np.zeros((HEIGHT * 4, WIDTH * 4), np.float32)
        strokes(mask, [line * 4 for line in lines], 9)
        tube = shrink(mask, 4)
        halo = blur(tube, 5) * 1.6 + blur(tube, 18) * 2.4 + blur(tube, 60) * 2.2
        found.append(Sign(tube, halo, colour(code), restless, phase))
    return found
