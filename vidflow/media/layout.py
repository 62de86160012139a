"""From one arrangement of loudspeakers to another."""

from __future__ import annotations

from functools import cache
from math import sqrt

import av
import numpy as np
from numpy.typing import NDArray

_HALF = sqrt(0.5)
_ROUTES: dict[str, tuple[tuple[str, ...], ...]] = {
    "FC": (("FL", "FR"),),
    "FL": (("FC",),),
    "FR": (("FC",),),
    "BC": (("BL", "BR"), ("SL", "SR"), ("FL", "FR"), ("FC",)),
    "BL": (("SL",), ("BC",), ("FL",), ("FC",)),
    "BR": (("SR",), ("BC",), ("FR",), ("FC",)),
    "SL": (("BL",), ("BC",), ("FL",), ("FC",)),
    "SR": (("BR",), ("BC",), ("FR",), ("FC",)),
    "FLC": (("FL",), ("FC",)),
    "FRC": (("FR",), ("FC",)),
    "WL": (("FL",), ("FC",)),
    "WR": (("FR",), ("FC",)),
    "TFL": (("FL",), ("FC",)),
    "TFC": (("FC",), ("FL", "FR")),
    "TFR": (("FR",), ("FC",)),
    "TC": (("FL", "FR"), ("FC",)),
    "TSL": (("SL",), ("BL",), ("FL",), ("FC",)),
    "TSR": (("SR",), ("BR",), ("FR",), ("FC",)),
    "TBL": (("BL",), ("SL",), ("FL",), ("FC",)),
    "TBC": (("BC",), ("BL", "BR"), ("SL", "SR"), ("FL", "FR"), ("FC",)),
    "TBR": (("BR",), ("SR",), ("FR",), ("FC",)),
    "BFL": (("FL",), ("FC",)),
    "BFC": (("FC",), ("FL", "FR")),
    "BFR": (("FR",), ("FC",)),
    "DL": (("FL",), ("FC",)),
    "DR": (("FR",), ("FC",)),
    "NONE": (("FL", "FR"), ("FC",)),
}
"""Where a channel goes that the new arrangement lacks: the first group of which it has all."""
_ALIKE = {("BL", "SL"), ("SL", "BL"), ("BR", "SR"), ("SR", "BR"), ("FLC", "FL"), ("FRC", "FR")}


@cache
def mixing(old: str, new: str) -> NDArray[np.float32]:
    """The matrix `[channels of old, channels of new]` that samples of `old` are multiplied with.

    Channels that both have are kept; one that is missing goes to its neighbours at -3 dB (ITU-R BS.775); the
    low-frequency channel is dropped where there is none. A mono sound goes to both sides of a stereo one as it is. A
    channel without a name goes to both sides, and where the new arrangement has no names, each goes to its own place.
    Where a channel could exceed full scale, the whole is made softer by as much. Raises ValueError for an unknown
    arrangement.
    """
    sources, targets = channels(old), channels(new)
    matrix = np.zeros((len(sources), len(targets)))
    if sources == ("FC",) and "FC" not in targets:
        both = [targets.index(side) for side in ("FL", "FR") if side in targets]
        matrix[0, both or range(min(2, len(targets)))] = 1
        return matrix.astype(np.float32)
    if "NONE" in targets:
        np.fill_diagonal(matrix, 1)
        return matrix.astype(np.float32)
    for row, source in enumerate(sources):
        if source in targets:
            matrix[row, targets.index(source)] = 1
            continue
        for group in _ROUTES.get(source, ()):
            if all(target in targets for target in group):
                for target in group:
                    alike = (source, target) in _ALIKE
                    matrix[row, targets.index(target)] = 1 if alike else _HALF
                break
    matrix /= max(1.0, matrix.sum(axis=0).max())
    return matrix.astype(np.float32)


def channels(layout: str) -> tuple[str, ...]:
    """The names of the channels of `layout`, in order. Raises ValueError for an unknown one."""
    return tuple(channel.name for channel in av.AudioLayout(layout).channels)
