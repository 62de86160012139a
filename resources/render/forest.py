"""Snow falls on a forest at dusk; the view glides past a hut with a light in its window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    shift,
    shrink,
    smooth,
)

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 30, 4
GLIDE = 210.0  # pixels that the nearest trees move in the whole clip
WIDE = WIDTH + 240
SKY = [(0, "#2b3d6b"), (0.2, "#4d6298"), (0.36, "#8b95c0"), (0.46, "#cfb0be"), (0.56, "#f8cba6"), (0.62, "#ffd9ae")]


@dataclass(frozen=True)
class Depth:
    """One row of trees: its ground and how that rolls, how tall and many they are, how far it moves, its fog."""

    ground: float
    roll: float
    tall: float
    trees: int
    near: float
    fog: float


DEPTHS = [
    Depth(418, 16, 96, 70, 0.10, 0.80),
    Depth(452, 18, 150, 44, 0.18, 0.62),
    Depth(500, 20, 235, 20, 0.32, 0.38),
    Depth(566, 22, 370, 9, 0.58, 0.16),
    Depth(688, 14, 760, 3, 1.00, 0.0),
]
HUT = 2  # the row in which it stands
HUT_AT = (792.0, 506.0)


def frames() -> Iterator[NDArray[np.uint8]]:
    """Each frame of the clip, 8-bit sRGB."""
    rng = np.random.default_rng(31)
    scene = _Scene()
    for k in range(RATE * SECONDS):
        yield develop(scene.frame(k / RATE), rng, grain=0.004, vignette=0.3)


class _Scene:
    def __init__(self) -> None:
        rng = np.random.default_rng(12)
        y = np.mgrid[0:HEIGHT, 0:WIDTH][0].astype(np.float32)
        veil = clouds(HEIGHT, WIDTH, 9, roughness=2.1, longest=0.9)
        self.sky = ramp(y / HEIGHT, SKY) * (0.9 + 0.2 * veil)[..., None]
        self.rows = [_row(depth, i, rng) for i, depth in enumerate(DEPTHS)]
        self.flakes = _flakes(rng)
        self.puffs = [(rng.uniform(0, 6.3), rng.uniform(0.7, 1.3)) for _ in range(26)]

    def frame(self, t: float) -> Array:
        s = t / SECONDS
        glide = GLIDE * (s - 0.07 * np.sin(2 * np.pi * s) / 2)
        picture = self.sky
        for i, (paint, mask) in enumerate(self.rows):
            dx = -20 - glide * DEPTHS[i].near
            seen = shift(mask, dx, 0, (WIDTH, HEIGHT))
            picture = picture * (1 - seen[..., None]) + shift(paint, dx, 0, (WIDTH, HEIGHT))
            if i == HUT:
                self._smoke(picture, t, dx)
            self._fall(picture, t, glide, i)
        self._fall(picture, t, glide, len(DEPTHS))
        return bloom(picture, 0.14, 6)

    def _smoke(self, picture: Array, t: float, dx: float) -> None:
        for i, (phase, own) in enumerate(self.puffs):
            age = (i / len(self.puffs) + t * 0.16) % 1
            x = HUT_AT[0] + dx + 37 + 34 * age**1.4 + 7 * age * np.sin(3 * age + phase + t * 0.4)
            y = HUT_AT[1] - 95 - 150 * age
            wide = (3.5 + 22 * age) * own
            puff = blur(np.pad(disc(wide * 0.55, wide * 0.5), int(wide)), wide * 0.4)
            thin = np.float32(0.62 * smooth(0, 0.06, age) * (1 - age) ** 1.5 / own)
            add_spot(picture, x, y, puff, mix(colour("#d3b7b4"), colour("#8f9cbd"), age) * thin)

    def _fall(self, picture: Array, t: float, glide: float, row: int) -> None:
        for x, y, speed, near, phase, kind in self.flakes[row]:
            sway = (4 + 9 * near) * np.sin(1.1 * t + phase) + 3 * np.sin(2.3 * t + 2 * phase)
            at = (x - glide * near - (14 + 46 * near) * t + sway) % (WIDTH + 80) - 40
            down = (y + speed * t) % (HEIGHT + 80) - 40
            sprite, light = _FLAKES[kind]
            add_spot(picture, at, down, sprite, colour("#eef3ff") * np.float32(light))


_FLAKES = [
    (blur(np.pad(disc(radius, 1.2), int(soft * 3) + 1), soft), light)
    for radius, soft, light in ((0.7, 0.5, 0.34), (1.15, 0.5, 0.5), (1.7, 0.8, 0.62), (3.0, 1.7, 0.5), (7.5, 4.0, 0.16))
]


def _flakes(rng: np.random.Generator) -> list[list[tuple[float, float, float, float, float, int]]]:
    """For each row those that fall before it, and last those before all: x, y, speed, nearness, phase, kind."""
    rows: list[list[tuple[float, float, float, float, float, int]]] = []
    for count, near, kind in ((150, 0.15, 0), (260, 0.2, 0), (280, 0.35, 1), (170, 0.6, 2), (46, 1.0, 3), (10, 1.7, 4)):
        rows.append(
            [
                (
                    rng.uniform(0, WIDTH + 80),
                    rng.uniform(0, HEIGHT + 80),
                    (46 + 125 * near) * rng.uniform(0.8, 1.2),
                    near * rng.uniform(0.9, 1.1),
                    rng.uniform(0, 6.3),
                    kind,
                )
                for _ in range(count)
            ]
        )
    return rows


def _row(depth: Depth, i: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The picture of a row of trees on its snow, already multiplied by its mask, and the mask."""
    fine = 1 if depth.tall > 500 else 2
    wide, high = WIDE * fine, HEIGHT * fine
    paint, mask = np.zeros((high, wide, 3), np.float32), np.zeros((high, wide), np.float32)
    line = depth.ground + depth.roll * ridge(WIDE, 60 + i, roughness=2.0, longest=0.7)
    places = np.sort(rng.uniform(0, WIDE, depth.trees))
    if depth.trees <= 3:
        places = np.array([84.0, 1130.0, 1396.0])
    kinds = [_fir(depth.tall * fine * size, rng) for size in (0.72, 0.86, 1.0, 1.14)]
    for x in places:
        if i == HUT and abs(x - HUT_AT[0]) < 150:
            continue
        if i == HUT + 1 and abs(x - HUT_AT[0] - 40) < 300:
            continue
        shade, cover = kinds[int(rng.integers(4))]
        if rng.random() < 0.5:
            shade, cover = shade[:, ::-1], cover[:, ::-1]
        base = np.interp(x, np.arange(WIDE), line) + 6
        _paste(paint, mask, shade, cover, int(x * fine), int(base * fine))
    if i == HUT:
        _hut(paint, mask, fine)
    y = np.arange(high, dtype=np.float32)[:, None] / fine
    under = np.clip((y - np.repeat(line, fine)[None]) * fine + 0.5, 0, 1)
    drift = cv2.resize(clouds(high, wide // 4, 90 + i, roughness=2.3, longest=0.5), (wide, high))
    # The last light comes flat from the left, so that each swell has a warm and a blue side.
    slope = cv2.resize(clouds(high, wide // 4, 190 + i, roughness=1.7, longest=0.3), (wide, high)) - 0.5
    lit = 0.55 + 0.5 * (drift - 0.5) + 0.35 * blur(slope, 4 * fine, 1.5 * fine)
    snow = mix(colour("#8398ca"), colour("#efe6ec"), np.clip(lit, 0, 1))
    snow = mix(snow, colour("#5d76ad"), smooth(0, 150, y - depth.ground).repeat(wide, 1) * 0.45)
    if i == HUT:
        x = np.arange(wide, dtype=np.float32)[None] / fine
        warm = np.exp(-((((x - HUT_AT[0] + 10) / 66) ** 2) + (((y - HUT_AT[1] - 14) / 20) ** 2)))
        snow = snow + colour("#ff9d42") * (1.3 * warm)[..., None]
    if depth.trees > 3:
        # Trees stand in the snow: its edge covers their feet, and softly darkens before them.
        feet = blur(mask, 6 * fine, 2.5 * fine) * smooth(26, 0, y - line.repeat(fine)[None])
        snow = mix(snow, colour("#4c639a"), feet * 0.55)
    paint, mask = mix(paint, snow, under), np.maximum(mask, under)
    fog = colour("#b9b3c9") * 0.92
    paint = mix(paint, fog * mask[..., None], depth.fog)
    if i == len(DEPTHS) - 1:
        paint, mask = blur(paint, 2.4), blur(mask, 2.4)
    if fine > 1:
        paint, mask = shrink(paint, fine), shrink(mask, fine)
    return paint, mask


def _paste(paint: Array, mask: Array, shade: Array, cover: Array, x: int, base: int) -> None:
    height, width = cover.shape
    top, left = base - height, x - width // 2
    y0, y1, x0, x1 = max(top, 0), min(base, mask.shape[0]), max(left, 0), min(left + width, mask.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    paint[y0:y1, x0:x1] = mix(paint[y0:y1, x0:x1], shade[part], cover[part])
    mask[y0:y1, x0:x1] = np.maximum(mask[y0:y1, x0:x1], cover[part])


def _fir(tall: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """A fir with snow on its boughs: its colours and how much each pixel is covered."""
    height = int(tall)
    half = int(tall * 0.27)
    y, x = np.mgrid[0:height, -half : half + 1].astype(np.float32)
    grit = clouds(max(height, 64), max(2 * half + 2, 64), int(rng.integers(1 << 30)), roughness=1.05, longest=0.25)
    grit = grit[:height, : 2 * half + 1] - 0.5
    cover, snow = np.zeros_like(x), np.zeros_like(x)
    cover[(np.abs(x) < tall * 0.014) & (y > tall * 0.1)] = 1
    tiers = 13
    for k in reversed(range(tiers)):
        v = ((k + 0.5) / tiers) ** 0.9
        low = tall * (0.07 + 0.89 * v)
        high = low - tall * (0.075 + 0.1 * v)
        reach = tall * 0.255 * (0.06 + v) ** 0.85 * rng.uniform(0.86, 1.1)
        lean = rng.uniform(-0.05, 0.05) * reach
        across = np.abs(x - lean) / reach
        # Boughs hang in an arc and end in ragged tips.
        tips = 0.055 * tall * (0.4 + v) * (np.abs((x / reach * 3.4 + k * 0.37) % 1 - 0.5) - 0.25 + 0.9 * grit)
        bottom = low - tall * 0.03 * (1 - across**2) * v + tips
        t = (y - high) / (low - high)
        inside = (across < np.clip(t, 0, 1) ** 0.72 + 0.25 * grit) & (y > high) & (y < bottom)
        settled = smooth(0.62, 0.28, t + 1.3 * grit + 0.22 * across) * smooth(0.02, 0.2, across + t)
        cover[inside] = 1
        snow[inside] = settled[inside]
        shade = smooth(bottom - 0.03 * tall, bottom, y) * inside
        snow -= 0.25 * shade
    light = np.clip(0.62 - 0.5 * x / half + 0.8 * grit, 0, 1)
    needles = mix(colour("#13242f"), colour("#35505a"), light)
    frost = mix(colour("#7f96c6"), colour("#f0e6ea"), light)
    paint = mix(needles, frost, np.clip(snow, 0, 1) * 0.92)
    return paint.astype(np.float32), cv2.GaussianBlur(cover, (0, 0), 0.7)


def _hut(paint: Array, mask: Array, fine: int) -> None:
    """A hut of logs with a lit window, drawn at four times its size."""
    big = 4
    left, top, wide, high = HUT_AT[0] - 90, HUT_AT[1] - 120, 190, 136
    area = np.zeros((high * fine * big, wide * fine * big), np.float32)

    def draw(code: str, points: list[tuple[float, float]], light: float = 1.0, soft: float = 0.0) -> None:
        area[:] = 0
        scale = fine * big
        polygon(area, [((x + HUT_AT[0] - left) * scale, (y + HUT_AT[1] - top) * scale) for x, y in points])
        cover = shrink(area, big)
        if soft:
            cover = blur(cover, soft * fine)
        y0, x0 = int(top * fine), int(left * fine)
        part = np.s_[y0 : y0 + cover.shape[0], x0 : x0 + cover.shape[1]]
        paint[part] = mix(paint[part], colour(code) * light, cover)
        mask[part] = np.maximum(mask[part], cover)

    draw("#4b3a3e", [(33, -92), (41, -92), (41, -60), (33, -60)])
    draw("#e8e6f0", [(31, -96), (43, -96), (43, -91), (31, -91)])
    draw("#4a3530", [(-54, -44), (54, -44), (54, 12), (-54, 12)])
    for row in range(6):
        draw("#34241f", [(-54, -36 + 9 * row), (54, -36 + 9 * row), (54, -34.4 + 9 * row), (-54, -34.4 + 9 * row)])
    draw("#3a2823", [(-54, -44), (0, -80), (54, -44)])
    draw("#cfd6ea", [(-70, -38), (-62, -34), (0, -76), (62, -34), (70, -38), (2, -88), (-2, -88)])
    draw("#f1ebef", [(-70, -38), (-64, -37), (-1, -82), (0, -88), (-2, -88)])
    draw("#ff9c40", [(-40, -34), (-6, -34), (-6, -6), (-40, -6)], 0.9, 2.2)
    draw("#ffc773", [(-37, -32), (-9, -32), (-9, -8), (-37, -8)], 1.9)
    draw("#5a3620", [(-24, -32), (-22, -32), (-22, -8), (-24, -8)])
    draw("#5a3620", [(-37, -21), (-9, -21), (-9, -19.4), (-37, -19.4)])
    draw("#eef0f7", [(-39, -7), (-7, -7), (-6, -4), (-40, -4)])
    draw("#2a1b17", [(12, -32), (36, -32), (36, 12), (12, 12)])
    draw("#ffb95e", [(19, -26), (29, -26), (29, -17), (19, -17)], 1.3)
