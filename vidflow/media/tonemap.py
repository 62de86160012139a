"""High dynamic range to sRGB by one fixed curve, so that the same light is the same colour in every clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

REFERENCE_WHITE = 203.0
"""Nits: paper white in a scene of high dynamic range (ITU-R BT.2408), and what full white of sRGB stands for here."""
PEAK = 1000.0
"""Nits: what full white is made of; brighter light is cut. The nominal peak of HLG, and of most masters in PQ."""

Tones = Callable[[NDArray[np.uint16]], NDArray[np.float32]]

# Red, green, blue in CIE xy; white is D65.
_CHROMATICITIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "smpte431": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
_WHITE = (0.3127, 0.3290)


def tone_map(transfer: str, primaries: str) -> Tones | None:
    """What turns pictures `[h, w, 3]` of 16 bits into sRGB in 0..1, or None where `transfer` is no high dynamic range.

    `transfer` is "smpte2084" (PQ) or "arib-std-b67" (HLG), as ITU-R BT.2100 defines them; HLG is taken as a display of
    1000 nits shows it (system gamma 1.2). Each of the three colours then goes through the tone curve of ITU-R BT.2390
    (section 5.4, EETF) from 0..1000 nits down to 0..203, which leaves what is darker than 88 nits as it is and bends
    what is brighter; so reference white (203 nits) becomes 0.898 of sRGB, and 1000 nits become 1. Last, the
    primaries (BT.2020 where the file does not say) are brought to BT.709 in linear light, what lies outside is cut off
    a colour at a time, and the sRGB curve of IEC 61966-2-1 is applied.
    """
    if transfer == "smpte2084":
        return _Mapped(primaries, eetf(pq_light(np.arange(65536) / 65535)), hybrid=False)
    if transfer == "arib-std-b67":
        return _Mapped(primaries, hlg_light(np.arange(65536) / 65535), hybrid=True)
    return None


def pq_light(signal: NDArray[Any]) -> NDArray[np.float64]:
    """Nits for a PQ signal in 0..1 (SMPTE ST 2084, 2014)."""
    power = np.asarray(signal, np.float64) ** (32 / 2523)
    return 10000 * (np.maximum(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)) ** (8192 / 1305)


def pq_signal(nits: NDArray[Any]) -> NDArray[np.float64]:
    """The inverse of `pq_light`."""
    power = (np.asarray(nits, np.float64) / 10000) ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg_light(signal: NDArray[Any]) -> NDArray[np.float64]:
    """The light of the scene in 0..1 for an HLG signal in 0..1 (ARIB STD-B67, 2015)."""
    signal = np.asarray(signal, np.float64)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def eetf(nits: NDArray[Any]) -> NDArray[np.float64]:
    """Light as it is shown, in 0..1 of reference white, for light of so many nits (ITU-R BT.2390-10, section 5.4.1)."""
    top = float(pq_signal(np.array(PEAK)))
    largest = float(pq_signal(np.array(REFERENCE_WHITE))) / top
    knee = 1.5 * largest - 0.5
    signal = np.minimum(pq_signal(nits) / top, 1)
    t = np.maximum((signal - knee) / (1 - knee), 0)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * largest
    return np.clip(pq_light(np.where(signal < knee, signal, spline) * top) / REFERENCE_WHITE, 0, 1)


def to_xyz(primaries: str) -> NDArray[np.float64]:
    """The matrix from linear light in these primaries to CIE XYZ, white having Y = 1."""
    xy = np.array(_CHROMATICITIES.get(primaries, _CHROMATICITIES["bt2020"]))
    columns = np.array([xy[:, 0] / xy[:, 1], np.ones(3), (1 - xy.sum(1)) / xy[:, 1]])
    white = np.array([_WHITE[0] / _WHITE[1], 1, (1 - sum(_WHITE)) / _WHITE[1]])
    return columns * np.linalg.solve(columns, white)


class _Mapped:
    """The work of `tone_map`. `table` gives linear light for each signal: as shown, or where `hybrid`, of the scene."""

    def __init__(self, primaries: str, table: NDArray[np.float64], *, hybrid: bool) -> None:
        self._table = table.astype(np.float32)
        matrix = np.linalg.solve(to_xyz("bt709"), to_xyz(primaries))
        self._matrix = matrix.astype(np.float32)
        self._luminance = to_xyz(primaries)[1:2].astype(np.float32) if hybrid else None
        self._curve = eetf(PEAK * _LIGHT).astype(np.float32) if hybrid else None

    def __call__(self, picture: NDArray[np.uint16]) -> NDArray[np.float32]:
        light: Any = self._table[picture]
        if self._luminance is not None and self._curve is not None:
            scene: Any = cv2.transform(light, self._luminance)
            light *= cv2.pow(scene, 0.2).reshape(*scene.shape[:2], 1)
            light = self._curve[_steps(light)]
        return _SHOWN[_steps(cv2.transform(light, self._matrix))]


def _steps(light: Any) -> NDArray[np.uint16]:
    """Light, cut to 0..1, by its square root in 65535 steps: the dark has more of them than the bright."""
    height, width, _ = light.shape
    flat: Any = np.maximum(light, np.float32(0)).reshape(height, width * 3)
    scale: Any = 65535.0
    # The conversion rounds, and cuts what is over the top.
    return np.asarray(cv2.multiply(cv2.sqrt(flat), scale, dtype=cv2.CV_16U), np.uint16).reshape(height, width, 3)


def _srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


_LIGHT = (np.arange(65536) / 65535) ** 2
"""The light of each of `_steps`."""
_SHOWN = _srgb(_LIGHT).astype(np.float32)
