"""The brushes that all scenes share: noise, colour in linear light, soft shapes, bloom, development to 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""Float32 arrays: pictures `[height, width, 3]` in linear light, 1.0 paper white; masks `[height, width]` in 0..1."""


def colour(code: str) -> Array:
    """The linear light of `#rrggbb` (IEC 61966-2-1)."""
    srgb = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def ramp(at: Array, stops: Sequence[tuple[float, str]]) -> Array:
    """Colours along `stops`, mixed as the eye sees even steps (in the square root of light)."""
    places = [place for place, _ in stops]
    roots = np.sqrt(np.array([colour(code) for _, code in stops]))
    return np.stack([np.interp(at, places, roots[:, c]) ** 2 for c in range(3)], -1).astype(np.float32)


def mix(a: Any, b: Any, amount: Any) -> Any:
    """`a` where `amount` is 0, `b` where it is 1; a mask is spread over the colours."""
    if isinstance(amount, np.ndarray) and amount.ndim == 2:
        amount = amount[..., None]
    return a + (b - a) * amount


def smooth(low: float, high: float, x: Any) -> Any:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def clouds(height: int, width: int, seed: int, *, roughness: float = 1.8, longest: float = 0.5) -> Array:
    """Noise in 0..1 that repeats at its edges: white noise whose spectrum falls as frequency ** -`roughness`.

    `longest` is the longest wave as a share of the width (Voss, "Random fractal forgeries", 1985).
    """
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)))
    fy = np.fft.fftfreq(height)[:, None] * height
    fx = np.fft.rfftfreq(width)[None] * width
    far = np.hypot(fy * width / height, fx)
    lowest = 1 / longest
    gain = np.where(far > 0, np.maximum(far, lowest) ** -roughness, 0)
    field = np.fft.irfft2(spectrum * gain, (height, width))
    order = np.clip(0.5 + field / (5 * field.std()), 0, 1)
    return order.astype(np.float32)


def ridge(width: int, seed: int, *, roughness: float = 1.6, longest: float = 0.6) -> Array:
    """A skyline of `width` points in -1..1 that repeats."""
    rng = np.random.default_rng(seed)
    f = np.fft.rfftfreq(width) * width
    gain = np.where(f > 0, np.maximum(f, 1 / longest) ** -roughness, 0)
    line = np.fft.irfft(np.fft.rfft(rng.standard_normal(width)) * gain, width)
    return (line / np.abs(line).max()).astype(np.float32)


def sample(texture: Array, x: Array, y: Array, *, wrap: bool = False) -> Array:
    """`texture` at the places `x`, `y` in pixels; past its edges it repeats with `wrap`, else its edge goes on."""
    if wrap:
        height, width = texture.shape[:2]
        x, y = np.mod(x, width), np.mod(y, height)
    border = cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE
    return cv2.remap(texture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=border)


def blur(picture: Array, across: float, down: float | None = None) -> Array:
    """Gaussian blur with these standard deviations in pixels; wide ones work on a smaller copy."""
    down = across if down is None else down
    height, width = picture.shape[:2]
    sx, sy = (max(1, min(16, int(sigma / 3))) for sigma in (across, down))
    size = (max(1, width // sx), max(1, height // sy))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if size != (width, height) else picture
    small = cv2.GaussianBlur(small, (0, 0), max(across / sx, 0.01), sigmaY=max(down / sy, 0.01))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) if size != (width, height) else small


def polygon(mask: Array, points: Any, value: float = 1.0) -> None:
    """Fill `points` (`[n, 2]`, in pixels, fractions count) with `value`; draw on a large mask and shrink it."""
    cv2.fillPoly(mask, [np.round(np.asarray(points) * 16).astype(np.int32)], value, cv2.LINE_AA, 4)


def strokes(mask: Array, lines: Sequence[Any], thickness: int, value: float = 1.0) -> None:
    """Draw open lines, each `[n, 2]` in pixels."""
    whole = [np.round(np.asarray(line) * 16).astype(np.int32) for line in lines]
    cv2.polylines(mask, whole, False, value, thickness, cv2.LINE_AA, 4)


def shrink(mask: Array, times: int) -> Array:
    """`mask` made smaller by a whole factor, each pixel the mean of those it covers."""
    height, width = mask.shape[:2]
    return cv2.resize(mask, (width // times, height // times), interpolation=cv2.INTER_AREA)


def shift(picture: Array, dx: float, dy: float, size: tuple[int, int] | None = None) -> Array:
    """`picture` moved by fractions of a pixel; nothing comes in at the edges. `size` is (width, height)."""
    height, width = picture.shape[:2]
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return cv2.warpAffine(picture, move, size or (width, height), flags=cv2.INTER_LINEAR)


def add_spot(picture: Array, x: float, y: float, sprite: Array, light: Array) -> None:
    """Add `light` (a colour) through `sprite`, centred at `x`, `y` to a fraction of a pixel, in place."""
    height, width = sprite.shape
    left, top = int(np.floor(x - width / 2)), int(np.floor(y - height / 2))
    moved = shift(np.pad(sprite, 1), x - width / 2 - left, y - height / 2 - top)
    left, top = left - 1, top - 1
    y0, y1 = max(top, 0), min(top + moved.shape[0], picture.shape[0])
    x0, x1 = max(left, 0), min(left + moved.shape[1], picture.shape[1])
    if y0 < y1 and x0 < x1:
        picture[y0:y1, x0:x1] += moved[y0 - top : y1 - top, x0 - left : x1 - left, None] * light


def disc(radius: float, softness: float = 1.0) -> Array:
    """A round spot of 1 whose rim is `softness` pixels wide."""
    half = int(np.ceil(radius + softness)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    return smooth(radius + softness / 2, radius - softness / 2, np.hypot(x, y)).astype(np.float32)


def bloom(picture: Array, strength: float, radius: float) -> Array:
    """Light that spills over in a lens: three ever wider veils."""
    veil = sum(blur(picture, radius * wide) * share for wide, share in ((1, 0.5), (3, 0.3), (8, 0.2)))
    return picture * np.float32(1 - strength) + veil * np.float32(strength)


def develop(
    picture: Array, rng: np.random.Generator, *, grain: float = 0.006, vignette: float = 0.25
) -> NDArray[np.uint8]:
    """Linear light to 8-bit sRGB: a soft shoulder, a vignette, film grain, and a dither that hides the steps."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = np.maximum(picture, 0) * (1 - vignette * smooth(0.5, 1.6, np.hypot(x, y)))[..., None]
    knee = np.float32(0.6)
    light = np.where(light > knee, 1 - (1 - knee) * np.exp(-(light - knee) / (1 - knee)), light)
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    clumps = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 0.8) * np.float32(grain * 2.3)
    dither = (rng.random((height, width, 1), np.float32) - rng.random((height, width, 1), np.float32)) / 255
    return np.clip((srgb + clumps[..., None] + dither) * 255 + 0.5, 0, 255).astype(np.uint8)
