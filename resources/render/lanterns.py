"""Paper lanterns rise from a village among night hills and are mirrored in its lake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
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
    shift,
    shrink,
    smooth,
)

WIDTH, HEIGHT, RATE, SECONDS = 960, 540, 24, 5
SHORE = 418
VILLAGE = 672
PAN = 34.0  # pixels that the nearest hills move in the whole clip
SKY = [(0, "#0a1130"), (0.28, "#14234f"), (0.46, "#2a4173"), (0.58, "#565f90"), (0.66, "#8f7f9c"), (0.8, "#c2998f")]


@dataclass(frozen=True)
class Lantern:
    """One lantern: where it is at time 0 in pixels, its height in pixels, how it drifts, and how it flickers."""

    x: float
    y: float
    size: float
    rise: float
    drift: float
    phase: float
    tint: float

    def at(self, t: float) -> tuple[float, float]:
        """Its middle at `t` seconds."""
        sway = 0.12 * self.size * np.sin(0.9 * t + self.phase)
        return self.x + self.drift * t + sway, self.y - self.rise * t + 0.03 * self.size * np.sin(1.7 * t + self.phase)


def frames() -> Iterator[NDArray[np.uint8]]:
    """Each frame of the clip, 8-bit sRGB."""
    rng = np.random.default_rng(21)
    scene = _Scene()
    for k in range(RATE * SECONDS):
        yield develop(scene.frame(k / RATE), rng, grain=0.006, vignette=0.35)


class _Scene:
    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.sky = self._night(rng)
        self.stars = [
            (x, y, light, speed, phase)
            for x, y, light, speed, phase in zip(
                rng.uniform(0, WIDTH, 420),
                SHORE * rng.power(0.75, 420) * 0.86,
                0.04 + 0.9 * rng.power(0.22, 420),
                rng.uniform(2, 6, 420),
                rng.uniform(0, 6.3, 420),
                strict=True,
            )
        ]
        self.hills = [self._hill(i, *row) for i, row in enumerate(HILLS)]
        self.windows = self._village(rng)
        self.lanterns = _lanterns(rng)
        self.ripples = clouds(512, 512, 77, roughness=1.3, longest=0.12) - 0.5

    def _night(self, rng: np.random.Generator) -> Array:
        y, x = np.mgrid[0:SHORE, 0:WIDTH].astype(np.float32)
        sky = ramp(y / SHORE, SKY)
        dust = clouds(1024, 1024, 33, roughness=1.5, longest=0.3)[:SHORE, :WIDTH]
        band = np.exp(-(((x * 0.42 - y + 70) / 105) ** 2)) * smooth(0.85, 0.2, y / SHORE)
        veil = smooth(0.35, 0.75, dust) * band
        sky += colour("#7d86c8") * (0.16 * veil)[..., None] + colour("#c59ad0") * (0.07 * veil**2)[..., None]
        fine = np.zeros((SHORE, WIDTH), np.float32)
        chance = rng.random((SHORE, WIDTH), np.float32)
        fine[chance < 0.003 + 0.02 * band] = 1
        return sky + blur(fine * rng.random((SHORE, WIDTH), np.float32) ** 3, 0.6)[..., None] * 0.5

    def _hill(self, i: int, top: float, rough: float, tint: str, mist: str, seed: int) -> tuple[Array, Array]:
        wide = WIDTH + 120
        line = top + rough * ridge(wide * 4, seed, roughness=1.75 if i < 2 else 1.55, longest=0.55)
        if i == len(HILLS) - 1:
            line = line - np.maximum(_treetops(wide * 4, seed), _roofs(wide * 4))
        mask = np.zeros((SHORE * 4, wide * 4), np.float32)
        across = np.arange(wide * 4)
        polygon(mask, np.concatenate([np.stack([across, line * 4], 1), [[wide * 4, SHORE * 4], [0, SHORE * 4]]]))
        y = np.arange(SHORE, dtype=np.float32)[:, None]
        fog = smooth(top - rough, SHORE + 10, y).repeat(wide, 1) * 0.85
        return shrink(mask, 4), mix(colour(tint), colour(mist), fog)

    def _village(self, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
        spots: list[tuple[float, float, float, float]] = []
        for _ in range(44):
            x = rng.normal(VILLAGE, 46)
            y = SHORE - 3 - rng.random() * 21 * np.exp(-(((x - VILLAGE) / 55) ** 2))
            spots.append((x, y, rng.uniform(0.25, 0.9), rng.uniform(0, 6.3)))
        return spots

    def frame(self, t: float) -> Array:
        glide = PAN * (t / SECONDS - 0.5)
        upper = self.sky.copy()
        for x, y, light, speed, phase in self.stars:
            twinkle = light * (0.78 + 0.22 * np.sin(speed * t + phase))
            add_spot(upper, x - glide * 0.05, y, _STAR, colour("#dfe6ff") * np.float32(twinkle))
        for i, (mask, paint) in enumerate(self.hills):
            dx = -60 - glide * (0.12, 0.25, 0.5, 1.0)[i]
            self._rise(upper, t, glide, i)
            seen = shift(mask, dx, 0, (WIDTH, SHORE))
            upper = mix(upper, shift(paint, dx, 0, (WIDTH, SHORE)), seen)
            if i == len(self.hills) - 1:
                for x, y, light, phase in self.windows:
                    warm = light * (0.9 + 0.1 * np.sin(3 * t + phase))
                    add_spot(upper, x - glide * 0.9, y, _WINDOW, colour("#ffb65c") * np.float32(warm))
                    add_spot(upper, x - glide * 0.9, y, _HAZE, colour("#ff9a45") * np.float32(0.05 * warm))
        self._rise(upper, t, glide, len(self.hills))
        picture = np.concatenate([upper, self._lake(upper, t)])
        self._rise(picture, t, glide, len(self.hills) + 1)
        return bloom(picture, 0.2, 5)

    def _rise(self, picture: Array, t: float, glide: float, depth: int) -> None:
        for lantern in self.lanterns:
            if _depth(lantern.size) != depth:
                continue
            x, y = lantern.at(t)
            near = lantern.size / 60
            flicker = 1 + 0.05 * np.sin(7.1 * t + 3 * lantern.phase) + 0.04 * np.sin(12.7 * t + lantern.phase)
            _hang(picture, x - glide * near, y, lantern, flicker)

    def _lake(self, upper: Array, t: float) -> Array:
        rows, columns = np.mgrid[0 : HEIGHT - SHORE, 0:WIDTH].astype(np.float32)
        near = (rows + 4) / (HEIGHT - SHORE)
        u, v = columns * 0.16 / near, 34 / near
        move = sample(self.ripples, u + 9 * t, v + 20 * t, wrap=True) + sample(
            self.ripples, u - 7 * t, v + 12 * t, wrap=True
        )
        up = SHORE - 1 - rows * 1.25 + move * 34 * near
        seen = sample(blur(upper, 0.8, 3.5), columns + move * 12 * near, np.clip(up, 0, SHORE - 1))
        return seen * (0.74 - 0.24 * near)[..., None] + colour("#0b1a35") * 0.5


HILLS = [
    (262.0, 30.0, "#36476f", "#8d8098", 41),
    (312.0, 34.0, "#22335a", "#6c6b8c", 52),
    (366.0, 26.0, "#132240", "#3f4a6e", 68),
    (413.0, 9.0, "#070e1e", "#0b1428", 74),
]
_STAR = blur(disc(0.6, 1.2), 0.55)
_WINDOW = disc(1.0, 1.4)
_HAZE = np.pad(blur(np.pad(disc(6, 8), 24), 7), 2)


def _treetops(points: int, seed: int) -> Array:
    """The outline of firs along the shore, in pixels above the ground."""
    rng = np.random.default_rng(seed)
    line = np.zeros(points, np.float32)
    across = np.arange(points) / 4
    for x in np.cumsum(rng.gamma(2.2, 3.4, 180)):
        stand = 0.25 + 0.75 * smooth(0.3, 0.75, abs((x % 540) / 270 - 1))
        tall = rng.uniform(14, 46) * stand
        away = np.abs(across - x) / (tall * 0.2)
        boughs = 1 - away - 0.09 * np.abs(((1 - away) * tall / 3.1) % 2 - 1)
        line = np.maximum(line, np.clip(boughs, 0, 1) * tall)
    return line


def _roofs(points: int) -> Array:
    """The outline of the village, in pixels above the ground: gables on a low rise, and a pagoda."""
    rng = np.random.default_rng(4)
    across = np.arange(points) / 4 - 60
    line = np.zeros(points, np.float32)
    rise = 15 * np.exp(-(((across - VILLAGE) / 58) ** 2))
    for x in VILLAGE + np.linspace(-84, 84, 17) + rng.normal(0, 2, 17):
        wide, tall = rng.uniform(5, 8), rng.uniform(4, 7)
        away = np.abs(across - x)
        line = np.maximum(line, np.where(away < wide, rise + tall + np.clip(wide - away, 0, wide) * 0.62, 0))
    for floor in range(4):
        away = np.abs(across - VILLAGE - 12)
        wide = 12 - 2.2 * floor
        line = np.maximum(line, np.where(away < wide, 24 + 9 * floor + 3.5 * (1 - away / wide) + (away / wide) ** 4, 0))
    line = np.maximum(line, np.where(np.abs(across - VILLAGE - 12) < 0.7, 62, 0))
    return np.maximum(line, rise)


def _depth(size: float) -> int:
    """Behind which hill a lantern of this size flies; past the last one it is over the lake, then in front of all."""
    return int(np.searchsorted([7, 10, 16, 22, 40], size))


def _lanterns(rng: np.random.Generator) -> list[Lantern]:
    found: list[Lantern] = []
    for size, count in ((5.5, 26), (8, 26), (13, 20), (19, 13), (29, 9), (52, 4)):
        for i in range(count):
            own = size * rng.uniform(0.86, 1.16)
            # The far ones stream up from the village; the near ones are spread over the picture.
            spread = 55 + 13 * size
            up = rng.uniform(0, 1)
            x = VILLAGE - (150 + 3 * size) * up + rng.normal(0, spread * (0.35 + 0.65 * up))
            if size > 25:
                x = WIDTH * (i + rng.uniform(0.2, 0.8)) / count
            low = (SHORE - 20, SHORE - 10, SHORE - 6, SHORE, 440, 560)[(5.5, 8, 13, 19, 29, 52).index(size)]
            y = low - (low + 40 - (90 if size < 10 else 0)) * up
            rise = 2.2 + own * 0.62
            drift = 0.9 + own * 0.1 * rng.uniform(0.4, 1.3)
            found.append(Lantern(x, y, own, rise, drift, rng.uniform(0, 6.3), rng.uniform(0, 1)))
    return sorted(found, key=lambda lantern: lantern.size)


@cache
def _shade(size: int) -> tuple[Array, Array]:
    """The body of a lantern `size` pixels tall: how much it covers, and how brightly its paper shines."""
    fine = 6
    tall, wide = size * fine, int(size * 0.86) * fine
    pad = 3 * fine
    y, x = np.mgrid[-pad : tall + pad, -wide // 2 - pad : wide // 2 + pad].astype(np.float32)
    v = y / tall
    # Wider at the shoulder than at the mouth.
    half = wide / 2 * (0.70 + 0.30 * np.sin(np.pi * np.clip(v * 0.72 + 0.1, 0, 1)) - 0.42 * smooth(0.22, 0.0, v) ** 2)
    inside = (np.abs(x) < half) & (v > 0) & (v < 1)
    round_ = np.sqrt(np.clip(1 - (x / np.maximum(half, 1)) ** 2, 0, 1))
    flame = np.exp(-(((v - 0.93) / 0.36) ** 2) - (x / wide / 0.42) ** 2)
    glow = 0.30 + 0.30 * round_ + 1.25 * flame + 0.18 * smooth(0.0, 0.7, v)
    ribs = 1 - 0.13 * (np.abs(np.sin(np.pi * (x / np.maximum(half, 1)) * 2.5)) < 0.12) * (size > 14)
    rim = 1 - 0.5 * (v > 0.955)
    cover = shrink(inside.astype(np.float32), fine)
    return cover, shrink((inside * glow * ribs * rim).astype(np.float32), fine) / np.maximum(cover, 1e-3)


@cache
def _veil(size: int) -> Array:
    half = int(size * 2.6)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    far = np.hypot(x, y) / size
    return (np.exp(-((far / 0.95) ** 2)) * 0.7 + np.exp(-far / 0.5) * 0.3).astype(np.float32) * smooth(2.6, 1.6, far)


def _hang(picture: Array, x: float, y: float, lantern: Lantern, flicker: float) -> None:
    whole = max(4, round(lantern.size))
    cover, shine = _shade(whole)
    warm = mix(colour("#ff9a3c"), colour("#ff7a35"), lantern.tint)
    far = smooth(4, 16, lantern.size)
    add_spot(picture, x, y, _veil(whole), warm * np.float32(0.16 * flicker * (0.5 + 0.5 * far)))
    soft = 3.4 if lantern.size > 40 else 0.0
    if soft:
        cover, shine = np.pad(cover, 12), np.pad(shine * cover, 12)
        cover, shine = blur(cover, soft), blur(shine, soft)
        shine = shine / np.maximum(cover, 1e-3)
    height, width = cover.shape
    scale = lantern.size / whole
    turn = 4.5 * np.sin(0.8 * lantern.phase + x * 0.02)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    left, top = int(np.floor(x - width / 2)), int(np.floor(y - height / 2))
    matrix[:, 2] += (x - width / 2 - left, y - height / 2 - top)
    size = (width + 2, height + 2)
    mask = cv2.warpAffine(cover, matrix, size, flags=cv2.INTER_LINEAR)
    light = cv2.warpAffine(shine, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    y0, y1 = max(top, 0), min(top + size[1], picture.shape[0])
    x0, x1 = max(left, 0), min(left + size[0], picture.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    mask, light = mask[y0 - top : y1 - top, x0 - left : x1 - left], light[y0 - top : y1 - top, x0 - left : x1 - left]
    paper = mix(warm, colour("#ffd892"), np.clip(light - 0.45, 0, 1) * 0.9) * (light * flicker * 1.15)[..., None]
    picture[y0:y1, x0:x1] = mix(picture[y0:y1, x0:x1], paper, mask * 0.97)
