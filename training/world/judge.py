"""What is seen in a clip, by plain image analysis: no network, nothing learned but palettes of renders.

The camera is found as the global motion of what is not the subject; the subject as what is most saturated; its motion
as its track against what the camera does; its colour as its hue; setting and light as those of the nearest palette, of
the mean palettes of renders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.world.render import COLOURS, view
from training.world.words import PARTS, Scene

Pixels = NDArray[Any]
_WIDE, _HIGH = 112, 64
"""The size at which the camera is looked for."""
_ROWS = 6
"""Of a palette."""
_TEXTURE = 30.0
"""How much larger the texture of a row is made, to be of the size of its colour."""
_ALIKE = 0.1
"""Of the mean spread of what palettes have: so much is added to each, as some views tell it only roughly."""
_STRIDE, _TRUST = 4, 3.0
"""Frames over which slow motion is looked for, and how much more it counts than steps from frame to frame."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a clip shows; None where no subject was found."""

    colour: str | None
    motion: str | None
    camera: str
    setting: str
    light: str


class Judge:
    """Tells what clips show."""

    def __init__(self, views: int = 12, styles: Sequence[str] = PARTS["style"]) -> None:
        """Beside the palettes of so many views of each setting in each light and style."""
        self._kinds = list(product(PARTS["setting"], PARTS["light"], styles))
        palettes = np.array([_viewed(*kind, seed) for seed, kind in enumerate(self._kinds * views)])
        palettes = palettes.reshape(views, len(self._kinds), -1)
        self._means = palettes.mean(0)
        # Where views of a kind differ much, a difference says little (Fisher's linear discriminant).
        spread = np.cov((palettes - self._means).reshape(-1, palettes.shape[2]), rowvar=False)
        spread += _ALIKE * np.eye(len(spread)) * spread.trace() / len(spread)
        self._weights = np.linalg.cholesky(np.linalg.inv(spread))

    def seen(self, clip: Pixels) -> Seen:
        """What `[n, h, w, 3]` shows, RGB in uint8."""
        masks = [subject(frame) for frame in clip]
        windows = _windows(clip, masks)
        away = np.square((self._means - _palette(clip, masks)) @ self._weights).sum(1)
        setting, light, _ = self._kinds[int(away.argmin())]
        return Seen(_colour(clip, masks), _motion(masks, windows), _camera(windows), setting, light)


def _viewed(setting: str, light: str, style: str, seed: int) -> Pixels:
    """The palette of a view."""
    shown = view(Scene("ball", "red", "small", setting, "still", "static", light, style), seed)
    return _palette(shown[None], [np.zeros(shown.shape[:2], bool)])


def _salience(frame: Pixels) -> Pixels:
    """How much more coloured each place is than what is around it: the distance in a and b of Lab, `[h, w]`."""
    colours = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 1:]
    side = frame.shape[0]
    # Twice, so that what stands out does not count as its own surroundings.
    weight = np.ones(frame.shape[:2], np.float32)
    away = weight
    for _ in range(2):
        around = cv2.GaussianBlur(colours * weight[..., None], (0, 0), side / 5)
        around /= cv2.GaussianBlur(weight, (0, 0), side / 5)[..., None] + 1e-6
        away = np.sqrt(np.square(colours - around).sum(-1))
        weight = 1 / (1 + (away / 10) ** 4)
    # A sun is bright on blue, but has no colour of its own.
    high, low = frame.max(-1).astype(np.float32), frame.min(-1).astype(np.float32)
    return away * np.clip(((high - low) / (high + 12) - 0.15) * 5, 0, 1)


def subject(frame: Pixels) -> Pixels:
    """Where the subject is, bool `[h, w]`: the piece that stands out most, and is large enough."""
    found = cv2.GaussianBlur(_salience(frame), (0, 0), 0.8)
    level = max(9.0, 0.45 * float(np.percentile(found, 99.7)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((found > level).astype(np.uint8))
    best, most = 0, 0.0
    for k in range(1, count):
        area = stats[k, cv2.CC_STAT_AREA] / found.size
        weight = float(found[labels == k].mean()) ** 2 * min(area, 0.02)
        if area >= 0.0015 and weight > most:
            best, most = k, weight
    if not best:
        return np.zeros(frame.shape[:2], bool)
    # With its other pieces, beyond stripes, windows or a body of no colour.
    across = 2 * round(0.3 * float(np.sqrt(stats[best, cv2.CC_STAT_AREA]))) + 1
    near = cv2.dilate((labels == best).astype(np.uint8), np.ones((across, across), np.uint8)) > 0
    pieces = np.unique(labels[near & (labels > 0)])
    points = np.argwhere(np.isin(labels, pieces))[:, ::-1].astype(np.int32)
    hull = cv2.fillConvexPoly(np.zeros(frame.shape[:2], np.uint8), cv2.convexHull(points), 1)
    return hull > 0


def _windows(clip: Pixels, masks: list[Pixels]) -> Pixels:
    """What the camera sees at each frame, against the first: x, y (in heights of the frame) and the logarithm of how
    much it enlarges, `[n, 3]`."""
    small = [cv2.resize(frame, (_WIDE, _HIGH), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in clip]
    # Without what is as smooth as a vignette, which does not move with the camera.
    small = [cv2.GaussianBlur(frame, (0, 0), 1.0) - cv2.GaussianBlur(frame, (0, 0), 9.0) for frame in small]
    # A dim scene moves as a bright one does.
    bright = 20 / (float(np.std(small)) + 0.3)
    small = [frame * np.float32(bright) for frame in small]
    hidden = [
        cv2.dilate(cv2.resize(mask.astype(np.uint8), (_WIDE, _HIGH)), np.ones((7, 7), np.uint8)) > 0 for mask in masks
    ]
    steps = [_between(small[k - 1], small[k], ~(hidden[k - 1] | hidden[k])) for k in range(1, len(clip))]
    if len(clip) > _STRIDE:
        steps = _steadied(steps, small, hidden)
    at = np.zeros(3)
    found = [at]
    for dx, dy, growth in steps:
        # The scene moves one way as the camera goes the other.
        zoom = np.exp(at[2])
        at = at + np.array((-dx / _HIGH / zoom, -dy / _HIGH / zoom, growth))
        found.append(at)
    return np.stack(found)


def _steadied(steps: list[Pixels], small: list[Pixels], hidden: list[Pixels]) -> list[Pixels]:
    """Steps that add up to what is seen between frames further apart, where slow motion shows best."""
    count = len(steps)
    rows, seen = [np.eye(count)], [np.stack(steps)]
    for first in range(0, count + 1 - _STRIDE, _STRIDE // 2):
        last = first + _STRIDE
        begin = np.sum(steps[first:last], 0)
        row = np.zeros((1, count))
        row[0, first:last] = _TRUST
        rows.append(row)
        seen.append(_TRUST * _between(small[first], small[last], ~(hidden[first] | hidden[last]), begin)[None])
    return list(np.linalg.lstsq(np.concatenate(rows), np.concatenate(seen), rcond=None)[0])


def _between(first: Pixels, second: Pixels, use: Pixels, begin: Pixels | None = None) -> Pixels:
    """By how many pixels the scene moves from one frame to the next, and the logarithm of how it grows: the least
    squares of brightness that stays the same, where what does not agree counts little; sought from `begin` on."""
    y, x = np.mgrid[:_HIGH, :_WIDE].astype(np.float32)
    x, y = x - (_WIDE - 1) / 2, y - (_HIGH - 1) / 2
    moved = np.zeros(3) if begin is None else begin
    for doubt in (80, 50, 30, 20, 12, 12):
        scale = np.exp(-moved[2])
        back_x, back_y = (
            x * np.float32(1 / scale) + np.float32(moved[0]),
            y * np.float32(1 / scale) + np.float32(moved[1]),
        )
        there = cv2.remap(
            second,
            (back_x + (_WIDE - 1) / 2).astype(np.float32),
            (back_y + (_HIGH - 1) / 2).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        gx = cv2.Sobel(there, cv2.CV_32F, 1, 0, scale=1 / 8)
        gy = cv2.Sobel(there, cv2.CV_32F, 0, 1, scale=1 / 8)
        inside = use & (np.abs(back_x) < _WIDE / 2 - 3) & (np.abs(back_y) < _HIGH / 2 - 3)
        error = (first - there)[inside].reshape(-1)
        gxi, gyi = gx[inside].reshape(-1), gy[inside].reshape(-1)
        grow = (gx * x[..., None] + gy * y[..., None])[inside].reshape(-1)
        rows = np.stack((gxi, gyi, grow), 1)
        weight = 1 / (1 + (error / doubt) ** 2)
        left = rows.T @ (rows * weight[:, None]) + np.diag((0.05, 0.05, 50.0))
        change = np.linalg.solve(left, rows.T @ (error * weight))
        moved = moved + change
    return moved


def _camera(windows: Pixels) -> str:
    x, y, growth = windows[-1]
    wander = windows[:, :2] - windows[:1, :2] - np.linspace(0, 1, len(windows))[:, None] * (windows[-1, :2])
    if abs(growth) > 0.17:
        return "zoom in" if growth > 0 else "zoom out"
    if max(abs(x) / 0.22, abs(y) / 0.14) > 1 and np.abs(wander).max() < 0.5 * max(abs(x), abs(y)):
        if abs(x) / 0.56 > abs(y) / 0.3:
            return "pan right" if x > 0 else "pan left"
        return "tilt down" if y > 0 else "tilt up"
    return "handheld" if np.abs(np.diff(windows[:, :2], axis=0)).mean() > 0.0035 else "static"


def _motion(masks: list[Pixels], windows: Pixels) -> str | None:
    """Of the subject against the scene."""
    places: list[tuple[float, float]] = []
    for mask, (x, y, growth) in zip(masks, windows, strict=True):
        if mask.any():
            height, width = mask.shape
            rows, columns = np.nonzero(mask)
            zoom = np.exp(growth)
            # The middle of its box: wings that beat move the mean.
            across, down = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
            places.append(((across - width / 2) / height / zoom + x, (down - height / 2) / height / zoom + y))
    if len(places) < len(masks) // 2:
        return None
    track = np.array(places)
    ends = track[-2:].mean(0) - track[:2].mean(0)
    wide, high = np.ptp(track, axis=0)
    if max(wide, high) < 0.15:
        return "still"
    if wide > 0.16 and high > 0.14 and np.hypot(*ends) < 0.55 * max(wide, high):
        return "orbiting"
    if abs(ends[0]) > abs(ends[1]) and abs(ends[0]) > 0.6 * wide and wide > high:
        return "right" if ends[0] > 0 else "left"
    # Wings that beat move its middle up and down a little, too.
    onward = track[:, 1] if ends[1] > 0 else -track[:, 1]
    if (np.maximum.accumulate(onward) - onward).max() < 0.5 * high:
        return "falling" if ends[1] > 0 else "rising"
    return "bouncing"


def _colour(clip: Pixels, masks: list[Pixels]) -> str | None:
    """By the mean hue of the subject's most saturated parts."""
    total = np.zeros(2)
    for frame, mask in zip(clip, masks, strict=True):
        if mask.any():
            found = _salience(frame)
            strong = mask & (found > 0.8 * np.percentile(found[mask], 80))
            hue = np.radians(cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[..., 0][strong])
            total += np.cos(hue).sum(), np.sin(hue).sum()
    if not total.any():
        return None
    hue = float(np.degrees(np.arctan2(total[1], total[0])))
    return min(_HUES, key=lambda name: abs((hue - _HUES[name] + 180) % 360 - 180))


def _hue(colour: tuple[float, float, float]) -> float:
    return float(cv2.cvtColor(np.array([[colour]], np.float32), cv2.COLOR_RGB2HSV)[0, 0, 0])


_HUES = {name: _hue(colour) for name, colour in COLOURS.items()}


def _palette(clip: Pixels, masks: list[Pixels]) -> Pixels:
    """Of the setting, by rows: mean Lab, and the mean steps of L across and down, `[_ROWS * 5]`."""
    total = np.zeros((_ROWS, 6))
    for frame, mask in zip(clip[::4], masks[::4], strict=True):
        free = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
        lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        bright = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.0)
        steps = [np.abs(cv2.Sobel(bright, cv2.CV_32F, *axis, scale=1 / 8)) for axis in ((1, 0), (0, 1))]
        found = np.dstack((lab, *steps, np.ones_like(bright))) * free[..., None]
        total += np.stack([rows.sum((0, 1)) for rows in np.array_split(found, _ROWS)])
    means = total[:, :5] / np.maximum(total[:, 5:], 1)
    means[:, 3:] = _TEXTURE * np.sqrt(means[:, 3:])
    return means.reshape(-1)
