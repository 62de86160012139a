"""Three pictures: mountains in the mist of a morning, a paper moon, and ribbons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from painting import (
    Array,
    bloom,
    blur,
    clouds,
    colour,
    develop,
    mix,
    polygon,
    ramp,
    ridge,
    sample,
    shift,
    shrink,
    smooth,
)


def mountains() -> NDArray[np.uint8]:
    """Ridge behind ridge before sunrise, 1600x1000."""
    width, height, fine = 1600, 1000, 3
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sky = [(0, "#3e6f9f"), (0.18, "#7fa3bd"), (0.33, "#dcc8b4"), (0.44, "#ffdca0"), (0.6, "#ffcf8c")]
    picture = ramp(y / height, sky)
    sun = (1080.0, 372.0)
    far = np.hypot(x - sun[0], y - sun[1])
    wisps = smooth(0.5, 0.8, sample(clouds(512, 1024, 6, roughness=1.7, longest=0.3), x * 0.35, y * 1.3, wrap=True))
    picture = mix(picture, colour("#ffe6c2"), wisps * smooth(430, 60, y) * 0.5)
    picture += colour("#ffc46a") * (0.8 * np.exp(-far / 90) + 0.3 * np.exp(-far / 330))[..., None]
    picture = mix(picture, colour("#fff3d0") * 3, smooth(49, 46.5, far))
    tints = ["#c9a79a", "#a98d94", "#85768b", "#62627f", "#444d6c", "#2a3a53", "#172636", "#0b151d"]
    for i, tint in enumerate(tints):
        s = i / (len(tints) - 1)
        line = (
            400 + 500 * s**1.12 - (120 * (1 - s) ** 0.5 + 34) * ridge(width * fine, 210 + i, roughness=1.62 - 0.1 * s)
        )
        if i >= 6:
            line = line - _firs(width * fine, i, 30 if i == 6 else 66, fine)
        mask = np.zeros((height * fine, width * fine), np.float32)
        across = np.arange(width * fine)
        ends = [[width * fine, height * fine], [0, height * fine]]
        polygon(mask, np.concatenate([np.stack([across, line * fine], 1), ends]))
        mask = shrink(mask, fine)
        top = 400 + 500 * s**1.12
        mist = smooth(top - 70, top + 110 + 40 * s, y) * (0.85 - 0.72 * s)
        warm = np.exp(-np.abs(x - sun[0]) / 420) * (1 - s) ** 1.4
        paint = mix(mix(colour(tint), colour("#ffd29a"), mist), colour("#ffb876"), warm * 0.5)
        picture = mix(picture, paint, mask)
    veil = clouds(512, 1024, 16, roughness=1.8, longest=0.4)
    drift = sample(blur(veil, 2), x * 0.5, y * 1.6, wrap=True)
    bank = smooth(0.45, 0.75, drift) * np.exp(-(((y - 690) / 70) ** 2)) * 0.55
    picture = mix(picture, colour("#f4cba0"), bank)
    return develop(bloom(picture, 0.18, 8), np.random.default_rng(1), grain=0.004)


def _firs(points: int, seed: int, tall: float, fine: int) -> Array:
    rng = np.random.default_rng(seed)
    line = np.zeros(points, np.float32)
    across = np.arange(points) / fine
    for x in np.cumsum(rng.gamma(2.0, tall / 6, 900)):
        if x > points / fine:
            break
        own = tall * rng.uniform(0.35, 1.0)
        away = np.abs(across - x) / (own * 0.19)
        line = np.maximum(line, np.clip(1 - away - 0.1 * np.abs(((1 - away) * own / 4.2) % 2 - 1), 0, 1) * own)
    return line


def moon() -> NDArray[np.uint8]:
    """A moon cut out of paper among paper clouds, 720x720."""
    size, fine = 720, 3
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    fibre = clouds(size, size, 44, roughness=0.7, longest=0.02) - 0.5
    picture = ramp((y + 0.25 * x) / (1.25 * size), [(0, "#141b46"), (0.6, "#2b3f7d"), (1, "#5d6db0")])
    rng = np.random.default_rng(8)
    for x0, y0, r in zip(rng.uniform(20, 700, 46), rng.uniform(20, 520, 46), rng.uniform(1.2, 5, 46), strict=True):
        if np.hypot(x0 - 372, y0 - 300) < 215:
            continue
        star = np.abs(x - x0) ** 0.6 + np.abs(y - y0) ** 0.6
        picture = mix(picture, colour("#ffeec2"), smooth((2.2 * r) ** 0.6 + 0.35, (2.2 * r) ** 0.6 - 0.35, star))

    def layer(mask: Array, paint: Array, lift: float) -> None:
        nonlocal picture
        soft = shift(blur(mask, lift), lift * 0.5, lift * 0.9)
        picture = picture * (1 - 0.55 * soft * (1 - mask))[..., None]
        edge = np.clip(mask - shift(mask, 2, 2), 0, 1)
        edge[:2, :], edge[:, :2] = 0, 0
        picture = mix(picture, paint * (1 + 0.22 * fibre)[..., None] + 0.16 * edge[..., None], mask)

    far = np.hypot(x - 372, y - 300)
    disc = smooth(181, 179.5, far).astype(np.float32)
    craters = np.zeros_like(x)
    for cx, cy, r in ((318, 240, 34), (430, 330, 46), (350, 380, 22), (452, 226, 18), (290, 330, 14), (395, 190, 12)):
        craters = np.maximum(craters, smooth(r + 1, r - 1, np.hypot(x - cx, y - cy)))
    face = mix(colour("#ffe3a3"), colour("#f6c777"), smooth(40, 330, np.hypot(x - 300, y - 220)))
    picture = picture + colour("#ffdf9a") * (0.2 * np.exp(-np.maximum(far - 180, 0) / 60))[..., None]
    layer(disc, mix(face, colour("#e9b66b"), craters * 0.55), 9)
    for i, (base, code, seed) in enumerate(((505, "#8d9bd6", 3), (570, "#c3cbee", 5), (640, "#f1f2fb", 9))):
        own = np.random.default_rng(seed)
        mask = np.zeros((size * fine, size * fine), np.float32)
        polygon(mask, np.array([[0, base + 26], [size, base + 26], [size, size], [0, size]]) * fine)
        across = -30.0
        while across < size + 40:
            r = own.uniform(26, 62)
            turn = np.linspace(0, 2 * np.pi, 64)
            polygon(mask, np.stack([across + r * np.cos(turn), base + 34 + r * 0.86 * np.sin(turn)], 1) * fine)
            across += r * own.uniform(0.8, 1.25)
        layer(shrink(mask, fine), np.broadcast_to(colour(code), (size, size, 3)), 7 + 2 * i)
    return develop(picture, np.random.default_rng(2), grain=0.003, vignette=0.15)


def ribbons() -> NDArray[np.uint8]:
    """Silk that follows a slow field, 960x640."""
    width, height = 960, 640
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = ramp((x + y) / (width + height), [(0, "#0d1026"), (0.5, "#1b1746"), (1, "#2a1240")])
    palette = [(0, "#ff5d73"), (0.25, "#ff9f5a"), (0.5, "#ffe08a"), (0.72, "#55d6be"), (1, "#4c7dff")]
    for i in range(46):
        s = i / 45
        u = x / width
        middle = height * (
            0.5 + 0.30 * np.sin(2.4 * u + 4.2 * s + 0.6) * (0.45 + u) + 0.16 * np.sin(6.1 * u - 3 * s + 1)
        )
        middle = middle + (s - 0.5) * 190 * (0.25 + np.sin(np.pi * u * 0.9 + 0.3) ** 2)
        half = 5 + 15 * (0.5 + 0.5 * np.sin(3.3 * u + 9 * s)) ** 1.5
        across = (y - middle) / half
        cover = smooth(1.04, 0.96, np.abs(across))
        fold = np.clip(1 - across**2, 0, 1) ** 0.5
        base = ramp(np.clip(s + 0.16 * (u - 0.5), 0, 1), palette)
        sheen = np.exp(-(((across + 0.35) / 0.28) ** 2)) * (0.35 + 0.3 * np.sin(5 * u + 7 * s))
        shadow = np.exp(-((np.maximum(np.abs(across) - 0.6, 0) / 0.9) ** 2)) * 0.35
        picture = picture * (1 - shadow * (1 - cover))[..., None]
        paint = base * (0.16 + 0.72 * fold)[..., None] + np.maximum(sheen, 0)[..., None] * 0.8
        picture = mix(picture, paint, cover * 0.94)
    return develop(bloom(picture, 0.12, 6), np.random.default_rng(3), grain=0.003, vignette=0.4)
