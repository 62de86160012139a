"""Procedural pictures: "dead leaves" (shapes of power-law sizes that lie on one another, as things do in photographs:
Lee, Mumford and Huang, 2001), gradients, line art and text, each drawn from its seed alone.

They stand for photographs and drawings wherever a model is trained here: what a network learns of edges, textures and
occlusion it can learn from them, and nobody has rights in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidflow.places import resource

SIDE = 512
"""Pixels of a picture's side."""
_FINE = 2
"""How many times finer they are drawn than they come out, which smooths their edges as a lens does."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&?!.,:;()-"

Pixels = NDArray[Any]


def pictures(count: int, seed: int, make: Callable[[int], Pixels] | None = None) -> Pixels:
    """Pictures `seed`, `seed + 1`, ... as uint8 `[count, SIDE, SIDE, 3]`, RGB, drawn by all processors; or what `make`
    gives for these seeds."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return np.stack(list(pool.map(make or picture, range(seed, seed + count), chunksize=8)))


def picture(seed: int) -> Pixels:
    """The picture of a seed, uint8 `[SIDE, SIDE, 3]`, RGB."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng((20, seed))
    drawn = _Canvas(rng)
    kinds: list[Callable[[], None]] = [drawn.leaves, drawn.leaves, drawn.leaves, drawn.few, drawn.lines, drawn.text]
    kinds[rng.integers(len(kinds))]()
    if rng.random() < 0.15:
        drawn.text()
    return drawn.finished()


class _Canvas:
    """A picture that is being drawn, float32 `[side, side, 3]` in 0..1."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.side = SIDE * _FINE
        hues = rng.random(rng.integers(1, 5))
        grey = rng.beta(1.2, 2)
        self.palette = [self._colour(hues, grey) for _ in range(24)]
        self.noise = [self._noise(rng.uniform(0.3, 1.0)) for _ in range(2)]
        self.picture = self._filled(self.side, self.side)

    def leaves(self) -> None:
        """Hundreds of shapes on one another, the sizes to the power of -3, far and near."""
        smallest, largest = self.rng.uniform(4, 30), self.rng.uniform(0.15, 0.5) * self.side
        count = int(self.rng.uniform(200, 1200))
        u = self.rng.random(count)
        sizes = (smallest**-2 - u * (smallest**-2 - largest**-2)) ** -0.5
        for size in np.concatenate((np.sort(sizes[: count // 2])[::-1], sizes[count // 2 :])):
            self._shape(float(size))

    def few(self) -> None:
        """Some large shapes with shading: what drawings and skies are like."""
        for _ in range(self.rng.integers(3, 25)):
            self._shape(self.rng.uniform(0.02, 0.3) * self.side)

    def lines(self) -> None:
        """Line art: strokes of all widths, hatching, circles."""
        for _ in range(self.rng.integers(20, 120)):
            points = self.rng.uniform(-0.1, 1.1, (4, 2)) * self.side
            if self.rng.random() < 0.5:
                points = points[0] + (points - points[0]) * self.rng.uniform(0.05, 0.5)
            t = np.linspace(0, 1, 24)[:, None]
            curve = (1 - t) ** 3 * points[0] + 3 * t * (1 - t) ** 2 * points[1] + 3 * t**2 * (1 - t) * points[2]
            curve += t**3 * points[3]
            width = int(self.rng.choice([1, 2, 2, 3, 4, 6, 10, 20]))
            colour = self._of_palette()
            shift = self.rng.uniform(3, 14, 2)
            for k in range(self.rng.integers(4, 16) if self.rng.random() < 0.25 else 1):
                points_at = [np.round((curve + k * shift) * 16).astype(np.int32)]
                cv2.polylines(self.picture, points_at, False, colour, width, cv2.LINE_AA, 4)

    def text(self) -> None:
        """Lines of letters, as titles and signs have them."""
        from PIL import Image, ImageDraw, ImageFont

        names = "vidflow-sans-bold.otf", "vidflow-sans-bold-europe.ttf"
        page = Image.fromarray((np.clip(self.picture, 0, 1) * 255).astype(np.uint8))
        for _ in range(self.rng.integers(3, 14)):
            size = int(self.rng.choice([18, 24, 32, 48, 80, 140]))
            font = ImageFont.truetype(str(resource(f"fonts/{names[self.rng.integers(2)]}")), size)
            words = "".join(self.rng.choice(list(_LETTERS + "     "), self.rng.integers(4, 40)))
            layer = Image.new("L", page.size, 0)
            at = self.rng.uniform(-0.2, 0.9, 2) * self.side
            ImageDraw.Draw(layer).text((float(at[0]), float(at[1])), words, 255, font)
            if self.rng.random() < 0.5:
                layer = layer.rotate(float(self.rng.normal(0, 25)), Image.Resampling.BICUBIC)
            page.paste(tuple(int(255 * one) for one in self._of_palette()), mask=layer)
        self.picture = np.asarray(page, np.float32) / 255

    def finished(self) -> Pixels:
        """The picture at its own size; some a little soft, as most footage is."""
        small = cv2.resize(self.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        if self.rng.random() < 0.4:
            small = cv2.GaussianBlur(small, (0, 0), self.rng.uniform(0.3, 1.2))
        small = np.clip(small, 0, 1) ** self.rng.uniform(0.7, 1.4)
        return np.round(small * 255).astype(np.uint8)

    def _shape(self, size: float) -> None:
        """One shape, of about `size` to each side of its middle."""
        rng = self.rng
        middle = rng.uniform(-0.1, 1.1, 2) * self.side
        count = int(rng.choice([3, 4, 5, 7, 40, 40, 40]))
        angles = np.sort(rng.random(count)) * 2 * np.pi if count < 8 else np.linspace(0, 2 * np.pi, count, False)
        radii = np.full(count, size)
        if count > 8:
            radii = size * (1 + rng.uniform(0, 0.3) * np.cos(rng.integers(2, 6) * angles + rng.random() * 6))
        points = np.stack((np.cos(angles) * radii, np.sin(angles) * radii * rng.uniform(0.15, 1)), 1)
        turn = rng.random() * 2 * np.pi
        points = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle
        low = np.clip(np.floor(points.min(0)) - 2, 0, self.side).astype(int)
        high = np.clip(np.ceil(points.max(0)) + 3, 0, self.side).astype(int)
        if (high - low).min() < 1:
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [np.round((points - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        if rng.random() < 0.1:
            mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1, 6))
        place = self.picture[low[1] : high[1], low[0] : high[0]]
        share = mask[..., None].astype(np.float32) * np.float32(1 / 255)
        place += (self._filled(*mask.shape) - place) * share
        if rng.random() < 0.15:
            width = int(rng.integers(1, 6))
            outline = [np.round(points * 16).astype(np.int32)]
            cv2.polylines(self.picture, outline, True, self._of_palette(), width, cv2.LINE_AA, 4)

    def _filled(self, height: int, width: int) -> Pixels:
        """A fill: a colour or two, light that falls off, a texture."""
        rng = self.rng
        fill = np.empty((height, width, 3), np.float32)
        fill[:] = self._of_palette()
        kind = rng.random()
        if kind < 0.6:
            y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
            turn = rng.random() * 2 * np.pi
            light = y[:, None] * np.float32(np.sin(turn)) + x[None] * np.float32(np.cos(turn))
            fill *= 1 + np.float32(rng.uniform(0, 0.5)) * light[..., None]
        if kind > 0.35:
            y, x = rng.integers(0, self.side - height + 1), rng.integers(0, self.side - width + 1)
            grain = self.noise[rng.integers(2)][y : y + height, x : x + width]
            fill += np.float32(rng.gamma(1, 0.06)) * grain[..., None]
        if kind > 0.9:
            turn, wave = rng.random() * np.pi, rng.uniform(4, 40)
            y, x = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
            stripes = np.sin(
                (y[:, None] * np.float32(np.sin(turn)) + x[None] * np.float32(np.cos(turn))) * (6.28 / wave)
            )
            fill += np.float32(rng.uniform(0.05, 0.3)) * np.clip(stripes * rng.uniform(1, 6), -1, 1)[..., None]
        return fill

    def _noise(self, roughness: float) -> Pixels:
        """Noise whose finer octaves are weaker by `roughness`, mean 0, deviation 1."""
        noise = np.zeros((self.side, self.side), np.float32)
        strength = 1.0
        for octave in range(2, self.side.bit_length()):
            grid = self.rng.standard_normal((2**octave, 2**octave)).astype(np.float32)
            noise += strength * cv2.resize(grid, (self.side, self.side), interpolation=cv2.INTER_CUBIC)
            strength *= roughness
        return noise / noise.std()

    def _colour(self, hues: Pixels, grey: float) -> tuple[float, float, float]:
        hue = (self.rng.choice(hues) + self.rng.normal(0, 0.04)) % 1
        saturation, value = self.rng.random() * (1 - grey), self.rng.beta(1.4, 1.1)
        one = np.array([[[hue * 360, saturation, value]]], np.float32)
        red, green, blue = cv2.cvtColor(one, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        return red, green, blue

    def _of_palette(self) -> tuple[float, float, float]:
        return self.palette[self.rng.integers(len(self.palette))]
