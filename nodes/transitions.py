"""How one clip turns into the next: each transition's picture and its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vidflow.api import Audio, AudioReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["cut", "crossfade", "fade", "wipe"]
FEATHER = 24
"""The soft edge of a wipe is this part of the width."""


def crossfade(one: Any, other: Any, share: float) -> Any:
    """A linear mix of the sRGB values, as in FFmpeg's xfade, with `share` of the second."""
    import cv2

    return cv2.addWeighted(one, 1 - share, other, share, 0)


def fade(one: Any, other: Any, share: float) -> Any:
    """The first down to black in the first half, the second up from it in the other."""
    import cv2

    shown, level = (one, 1 - 2 * share) if share < 0.5 else (other, 2 * share - 1)
    return cv2.addWeighted(shown, level, shown, 0, 0)


def wipe(one: Any, other: Any, share: float) -> Any:
    """The second comes in from the left over the first, with a soft edge."""
    import numpy as np

    width = one.shape[1]
    feather = max(1.0, width / FEATHER)
    edge = share * (width + feather) - feather / 2
    part = np.clip((edge - np.arange(width) - 0.5) / feather + 0.5, 0, 1).astype(np.float32)
    left, right = int(np.searchsorted(-part, -1, "right")), int(np.searchsorted(-part, 0, "left"))
    out = one.copy()
    out[:, :left] = other[:, :left]
    soft = part[left:right, None]
    mixed = one[:, left:right] * (1 - soft) + other[:, left:right] * soft
    out[:, left:right] = mixed if out.dtype == np.float32 else np.rint(mixed)
    return out


BLENDS: dict[Kind, Callable[[Any, Any, float], Any]] = {"crossfade": crossfade, "fade": fade, "wipe": wipe}
"""Each makes a frame of both clips' frames and of how far the transition is, between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Two sounds of one length through one transition.

    They are taken as unrelated, so that `crossfade` and `wipe` keep the power (a quarter of a circle); `fade` goes in
    straight lines down to silence in the middle, and up again.
    """

    one: Audio
    other: Audio
    kind: Kind

    def sound(self) -> Audio:
        """What is heard."""
        return Audio.from_source(self.one.info, lambda: _Crossing(self))

    def gains(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of both sounds, for samples `start` to `stop`, `[n, 1]` each."""
        import numpy as np

        t = ((np.arange(start, stop) + 0.5) / self.one.info.samples)[:, None]
        if self.kind == "fade":
            both = np.maximum(0, 1 - 2 * t), np.maximum(0, 2 * t - 1)
        else:
            both = np.cos(t * (np.pi / 2)), np.sin(t * (np.pi / 2))
        return both[0].astype(np.float32), both[1].astype(np.float32)


class _Crossing:
    """A cursor into two sounds at once."""

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        self._one: AudioReader = crossing.one.open()
        self._other: AudioReader = crossing.other.open()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        import numpy as np

        one, other = self._crossing.gains(start, stop)
        mixed = self._one.read(start, stop) * one + self._other.read(start, stop) * other
        return mixed.astype(np.float32, copy=False)

    def close(self) -> None:
        self._one.close()
        self._other.close()
