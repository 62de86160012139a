"""The sea at sunset: a boat crosses the path of light."""

from __future__ import annotations

from collections.abc import Iterator

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
    ridge,
    sample,
    shrink,
    smooth,
    strokes,
)

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 25, 5
HORIZON = 372.0
FOCUS = 1400.0  # focal length in pixels
EYE = 6.0  # metres above the water
SUN = (815.0, HORIZON - 58)
SKY = [(0, "#ffbf6e"), (0.04, "#ff9d62"), (0.1, "#f07d6f"), (0.17, "#b66c8b"), (0.26, "#66609a"), (0.4, "#33477f")]


def frames() -> Iterator[NDArray[np.uint8]]:
    """Each frame of the clip, 8-bit sRGB."""
    rng = np.random.default_rng(11)
    texture = clouds(1024, 1024, 5, roughness=1.9, longest=0.35)
    water = Water(np.random.default_rng(3))
    land = _headlands()
    for k in range(RATE * SECONDS):
        t = k / RATE
        yield develop(_frame(t, texture, water, land), rng, grain=0.005, vignette=0.3)


def _frame(t: float, texture: Array, water: Water, land: Array) -> Array:
    sky = _sky(t, texture)
    haze = ramp(np.zeros((1, 1), np.float32), SKY)[0, 0]
    sky = mix(sky, mix(colour("#4a3a5e"), haze, 0.35), land)
    slope_x, slope_z, rough = water.slopes(t)
    picture = sky.copy()
    top = int(HORIZON)
    reflected, glance = water.mirror(sky, slope_x, slope_z, rough)
    fresnel = 0.02 + 0.98 * (1 - np.clip(glance, 0, 1)) ** 5
    deep = mix(colour("#0c3550"), colour("#1d5a68"), np.clip(slope_z * 2 + 0.4, 0, 1))
    picture[top:] = mix(deep, reflected, fresnel)
    _boat(picture, t, slope_x, slope_z)
    _gulls(picture, t)
    far = np.abs(np.arange(HEIGHT, dtype=np.float32) - HORIZON)
    mist = np.exp(-((far / 16) ** 2)) * 0.4
    picture = mix(picture, haze * 0.9, np.repeat(mist[:, None], WIDTH, 1))
    return bloom(picture, 0.16, 7)


def _sky(t: float, texture: Array) -> Array:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    up = np.maximum((HORIZON - y) / FOCUS, 0)
    sky = ramp(up, SKY)
    near = np.hypot(x - SUN[0], (y - SUN[1]) * 1.25) / FOCUS
    sky += colour("#ffb35a") * (0.9 * np.exp(-near / 0.045) + 0.28 * np.exp(-near / 0.2))[..., None]
    # A layer of cloud is a plane overhead: its places run off towards the horizon as 1 / elevation.
    away = 1 / (up + 0.045)
    u = (x - WIDTH / 2) / FOCUS * away * 190 + t * 5
    v = away * 120 + t * 1.5
    field = sample(texture, u, v, wrap=True) * 0.7 + sample(texture, u * 2.3 + 300, v * 2.3, wrap=True) * 0.3
    thick = smooth(0.47, 0.72, field) * smooth(0.012, 0.075, up) * smooth(0.42, 0.16, up) ** 0.5
    lit = colour("#ff8a5c") * (0.85 + 1.3 * np.exp(-near / 0.11))[..., None]
    body = mix(colour("#71567f"), colour("#c46a6e"), np.exp(-near / 0.16))
    # Thin cloud lets the light through, thick cloud is in its own shade.
    sky = mix(sky, mix(lit, body, smooth(0.1, 0.9, thick)), thick * 0.85)
    sun = smooth(31.0, 29.0, np.hypot(x - SUN[0], y - SUN[1]))
    return mix(sky, colour("#ffe09a") * 3.6, sun * (1 - 0.35 * thick)).astype(np.float32)


class Water:
    """A sum of sine waves seen in perspective; waves too small for a pixel become its roughness."""

    def __init__(self, rng: np.random.Generator) -> None:
        y, x = np.mgrid[int(HORIZON) : HEIGHT, 0:WIDTH].astype(np.float32)
        self.down = np.maximum(y + 0.5 - HORIZON, 0.5) / FOCUS
        self.side = (x - WIDTH / 2) / FOCUS
        self.z = EYE / self.down
        self.x = self.side * self.z
        lengths = np.geomspace(42, 0.7, 26)
        turn = rng.normal(0.4, 0.75, lengths.size)
        self.k = 2 * np.pi / lengths
        self.kx, self.kz = self.k * np.sin(turn), self.k * np.cos(turn)
        self.steep = 0.028 * rng.uniform(0.7, 1.3, lengths.size) * np.where(lengths > 12, 0.55, 1.0)
        self.phase = rng.uniform(0, 2 * np.pi, lengths.size)

    def slopes(self, t: float) -> tuple[Array, Array, Array]:
        """The slope to the side and away, and the deviation of the slopes that are too small to be seen."""
        slope_x, slope_z = np.zeros_like(self.z), np.zeros_like(self.z)
        rest = np.full_like(self.z, 1e-5)
        wide, deep = self.z / FOCUS, self.z**2 / (EYE * FOCUS)
        for k, kx, kz, steep, phase in zip(self.k, self.kx, self.kz, self.steep, self.phase, strict=True):
            seen = np.exp(-0.35 * ((kx * wide) ** 2 + (kz * deep) ** 2))
            # Deep water: omega squared = g k.
            wave = np.cos((kx * self.x + kz * self.z + (np.sqrt(9.81 * k) * t + phase)).astype(np.float32)) * seen
            slope_x += wave * np.float32(steep * kx / k)
            slope_z += wave * np.float32(steep * kz / k)
            rest += np.float32(steep**2 / 2) * (1 - seen**2)
        return slope_x, slope_z, np.sqrt(rest)

    def mirror(self, sky: Array, slope_x: Array, slope_z: Array, rough: Array) -> tuple[Array, Array]:
        """What of `sky` each pixel of the water shows, and the cosine of the angle at which it is looked at."""
        glance = self.down + slope_z + self.side * slope_x
        up = np.abs(self.down + 2 * (slope_z + self.side * slope_x)) + rough * 0.5
        side = self.side - 2 * glance * slope_x
        x, y = WIDTH / 2 + side * FOCUS, HORIZON - 1 - np.minimum(up, 0.26) * FOCUS
        above = sky[: int(HORIZON)]
        levels = [4.0, 18.0, 50.0]
        found = [sample(blur(above, level / 5, level), x, y) for level in levels]
        place = np.interp(2 * rough * FOCUS, levels, range(len(levels))).astype(np.float32)
        low = mix(found[0], found[1], np.clip(place, 0, 1))
        return mix(low, found[2], np.clip(place - 1, 0, 1)), np.maximum(glance, 0.01)


def _headlands() -> Array:
    mask = np.zeros((HEIGHT * 2, WIDTH * 2), np.float32)
    across = np.linspace(0, 1, WIDTH * 2)
    rough = ridge(WIDTH * 2, 8, roughness=1.5, longest=0.3)
    for height, rise in ((46, smooth(0.30, 0.0, across)), (30, smooth(0.86, 1.05, across))):
        line = (HORIZON - rise * (height + 10 * rough)) * 2
        left = np.flatnonzero(rise > 0)
        points = np.stack([left, line[left]], 1)
        polygon(mask, np.concatenate([points, [[left[-1], HORIZON * 2], [left[0], HORIZON * 2]]]))
    return shrink(mask, 2)


def _boat(picture: Array, t: float, slope_x: Array, slope_z: Array) -> None:
    base = HORIZON + 62
    x = 640 + 26 * t
    y = base + 1.6 * np.sin(t * 1.7)
    tilt = np.deg2rad(2.2 * np.sin(t * 1.3 + 0.6) - 2)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])

    def place(points: list[tuple[float, float]]) -> NDArray[np.float64]:
        return (np.array(points) * 1.25 @ turn.T + (x, y)) * 4

    def bow(a: tuple[float, float], b: tuple[float, float], bulge: float) -> list[tuple[float, float]]:
        s = np.linspace(0, 1, 16)
        return [(a[0] + (b[0] - a[0]) * u + bulge * np.sin(np.pi * u), a[1] + (b[1] - a[1]) * u) for u in s]

    hull, sails = np.zeros((HEIGHT * 4, WIDTH * 4), np.float32), np.zeros((HEIGHT * 4, WIDTH * 4), np.float32)
    deck = [(-27, -5), (-23, 2), (-16, 5), (16, 5), (25, 0), (33, -8), (20, -6), (0, -4.5)]
    polygon(hull, place(deck))
    strokes(hull, [place([(1, -4), (0, -74)])], 5)
    strokes(hull, [place([(0, -74), (33, -8)]), place([(1, -9), (-26, -10)])], 3)
    polygon(sails, place([(-1, -71), *bow((-1, -71), (-25, -11), -7), (-1, -11)]))
    polygon(sails, place([(3, -64), *bow((3, -64), (29, -11), 6), (5, -11)]))
    hull, sails = shrink(hull, 4), shrink(sails, 4)
    top = int(HORIZON)
    rows, columns = np.mgrid[top:HEIGHT, 0:WIDTH].astype(np.float32)
    depth = np.maximum(rows - base - 4, 0)
    seen_x = columns + slope_x * depth * 3.0
    seen_y = 2 * (base + 4) - rows + slope_z * (30 + depth) * 3.0
    fade = 0.75 * smooth(150, 20, depth) * (rows > base + 3)
    for mask, paint, dim in ((sails, colour("#7a3f3a"), 0.75), (hull, colour("#1b1522"), 1.0)):
        echo = sample(blur(mask, 1.2), seen_x, np.minimum(seen_y, base + 4)) * fade
        picture[top:] = mix(picture[top:], paint * 0.8, echo * dim)
    # The sun shines through the cloth: warm, brighter towards the light.
    cloth = mix(colour("#a5483a"), colour("#ff9a55"), smooth(x - 30, x + 60, np.arange(WIDTH))[None, :, None])
    picture[:] = mix(picture, cloth, sails * 0.95)
    picture[:] = mix(picture, colour("#1b1522"), hull)
    spark = disc(0.5, 2)
    for i in range(14):
        flash = max(0.0, np.sin(t * (2 + i * 0.37) + i * 2.1)) ** 6
        add_spot(picture, x - 34 + i * 5.4, base + 7 + (i * 37 % 5), spark, colour("#ffd9a0") * np.float32(flash * 0.8))


def _gulls(picture: Array, t: float) -> None:
    mask = np.zeros((HEIGHT * 4, WIDTH * 4), np.float32)
    s = np.linspace(-1, 1, 25)
    for i, (x, y, span) in enumerate([(330, 150, 15), (372, 171, 12), (300, 186, 11), (420, 196, 9), (255, 160, 9)]):
        beat = np.sin(t * (5.2 + 0.4 * i) + i * 1.9) * (0.55 + 0.45 * np.sin(t * 0.9 + i * 2.3))
        x, y = x + 17 * t + 5 * np.sin(t * 0.7 + i), y - 3.5 * t + 4 * np.sin(t * 0.9 + 2 * i)
        wing = np.abs(s)
        lift = -span * (0.16 + 0.42 * beat) * wing**0.8 + span * (0.28 + 0.12 * beat) * wing**2.4
        strokes(mask, [np.stack([x + s * span * (1 - 0.12 * abs(beat)), y + lift], 1) * 4], 6)
        polygon(mask, [((x + dx) * 4, (y + dy) * 4) for dx, dy in ((-1.2, -1), (1.6, -0.8), (3.4, 0.4), (0, 1.2))])
    picture[:] = mix(picture, colour("#33264a"), shrink(mask, 4) * 0.9)
