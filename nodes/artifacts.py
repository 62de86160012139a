"""A score for faults of the picture that needs no original to compare with: see docs/scores.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log, log1p
from typing import Any

LAG = 16
"""Pixels over which the detail of a picture is compared with its structure."""
GRID = 8
"""Pixels: the side of a block in JPEG, MPEG and most encoders after them."""
TILE = 16
"""Pixels: the side of the squares in which noise is looked for."""
CUT = 8.0
"""Levels by which two frames differ at least where a new shot begins."""


def score_of(faults: Mapping[str, float]) -> float:
    """exp(-sum): 1 without faults, half of it for every 0.69 of fault, whichever they are."""
    return exp(-sum(faults.values()))


def faults_of(grey: Any) -> dict[str, float]:
    """How much of each fault one picture shows, from 0 on; uint8 `[height, width]`, at its full size.

    The exponents keep what clean footage shows of each small beside what a spoilt one does; the weights were chosen so
    that no fault hides behind what it takes away from another (noise makes a soft picture look sharper).
    """
    return {
        "blur": 1.2 * softness(grey) ** 5,
        "noise": 0.3 * log1p(noise(grey) ** 3),
        "blocks": 0.75 * blocks(grey) ** 1.5,
        "banding": 0.5 * log1p(banding(grey)),
    }


def softness(grey: Any) -> float:
    """0 where neighbours differ as much as pixels 16 apart do, 1 where everything changes evenly over that distance.

    After Crete et al., The Blur Effect (2007): how much of a picture's variation is left once it is blurred, here by
    the mean differences at two distances, which rounding to levels does not change.
    """
    import cv2

    found = 0.0
    for near, far in (
        ((grey[:, 1:], grey[:, :-1]), (grey[:, LAG:], grey[:, :-LAG])),
        ((grey[1:], grey[:-1]), (grey[LAG:], grey[:-LAG])),
    ):
        if far[0].size:
            fine = cv2.norm(near[0], near[1], cv2.NORM_L1) / near[0].size
            coarse = cv2.norm(far[0], far[1], cv2.NORM_L1) / far[0].size
            found = max(found, log(max(coarse / fine, 1.0)) / log(LAG) if fine else 0.0)
    return found


def noise(grey: Any) -> float:
    """The standard deviation of noise in levels, taken where the picture is smoothest.

    Immerkaer, Fast Noise Variance Estimation (1996), by tiles of 16 pixels of which a fifth is smoother.
    """
    import cv2
    import numpy as np

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = cv2.filter2D(grey, cv2.CV_32F, mask)
    cv2.absdiff(response, np.zeros(4), response)
    height, width = (max(1, side // TILE) for side in grey.shape)
    tiles = cv2.resize(response, (width, height), interpolation=cv2.INTER_AREA)
    return float(np.percentile(tiles, 20)) * (np.pi / 2) ** 0.5 / 6


def blocks(grey: Any) -> float:
    """How much more neighbours differ across the edges of blocks of 8 pixels than elsewhere: 0 no more, 1 only there.

    After Wang, Bovik and Evans, Blind Measurement of Blocking Artifacts in Images (2000); the grid may begin anywhere.
    """
    import cv2
    import numpy as np

    found = 0.0
    for a, b, along in ((grey[:, 1:], grey[:, :-1], 0), (grey[1:], grey[:-1], 1)):
        count = a.shape[1 - along] // GRID * GRID
        if not count:
            continue
        lines = cv2.reduce(cv2.absdiff(a, b), along, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()[:count]
        phases = lines.reshape(-1, GRID).sum(axis=0, dtype=np.float64)
        top = float(phases.max())
        found += (top - (float(phases.sum()) - top) / (GRID - 1)) / top / 2 if top else 0.0
    return found


def banding(grey: Any) -> float:
    """The steps of two levels and more that stand alone between flat runs, each to the power 1.5, by pixel."""
    import cv2
    import numpy as np

    weights = np.where(np.arange(256) >= 2, np.arange(256) ** 1.5, 0)
    found = 0.0
    for picture in (grey, cv2.transpose(grey)):
        if picture.shape[1] < 6:
            continue
        changes = cv2.absdiff(picture[:, 1:], picture[:, :-1])
        flat = cv2.threshold(changes, 0, 255, cv2.THRESH_BINARY_INV)[1]
        pairs = cv2.bitwise_and(flat[:, :-1], flat[:, 1:])
        alone = cv2.bitwise_and(pairs[:, :-3], pairs[:, 3:])
        steps = cv2.calcHist([changes[:, 2:-2]], [0], alone, [256], [0, 256])
        found += float(steps.ravel().astype(np.float64) @ weights) / alone.size
    return found


def flicker_of(brightness: Sequence[float], changes: Sequence[float]) -> float:
    """How much fault there is in a brightness that does not keep its course.

    `brightness` is the mean luma of each frame in levels, `changes` the mean difference of each to the frame before.
    What counts is by how much the step from frame to frame differs from the step before, so that fades and pans are no
    flicker; where a new shot begins, its step is taken to be the one before.
    """
    import numpy as np

    steps, change = np.diff(np.array(brightness, np.float64)), np.array(changes, np.float64)
    if len(steps) < 2:
        return 0.0
    around = np.maximum(np.append(0.0, change[:-1]), np.append(change[1:], 0.0))
    for k in np.flatnonzero((change > 3 * around) & (change > CUT)):
        steps[k] = steps[k - 1] if k else steps[1]
    return 0.25 * log1p(float(np.abs(np.diff(steps)).mean()) / 4)
