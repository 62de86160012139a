"""What makes generated video presentable: interpolate and upscale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from math import ceil, log
from typing import Annotated, Any, Literal

from vidflow.api import (
    AnyVideo,
    Choice,
    Given,
    ModelError,
    NodeError,
    Number,
    Rate,
    Run,
    Trouble,
    Video,
    Weights,
    models,
    node,
)

from .shape import fitted
from .timing import between, exact
from .warping import Flow

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
FLOW = "flow"
"""The model that is none: dense optical flow."""
_SMALL = 64, 36
"""The size at which two frames are compared to tell a cut from motion."""
_BINS = 16
"""Of the histograms that are compared."""
_LONGEST = 4
"""Frames that one drawing may stand for, where duplicates are looked for."""
_STILL = 0.0015
"""Mean difference, in 0..1, up to which a frame shows what the one before showed: compression leaves that much."""
_REMEMBERED = 64
"""Pairs of frames."""
_PASSES = 2
"""Of the network over its own result, at most: what it would make of more is not worth its time."""


def _interpolate_rule(given: Given) -> Iterator[Trouble]:
    if given.values.get("factor") is not None and given.values.get("rate") is not None:
        yield Trouble("Both factor and rate are set.", "rate", "Leave one of them empty.")
    if given.values.get("model") == FLOW:
        for name, plain in (("scale", None), ("ensemble", False), ("dtype", "auto")):
            if given.values.get(name, plain) != plain:
                yield Trouble(
                    "The model 'flow' has no use for this.", name, "Leave it as it was.", "note", "unused-setting"
                )
    else:
        yield from _model_rule(given, "interpolation")


def _upscale_rule(given: Given) -> Iterator[Trouble]:
    if given.values.get("scale") is not None and given.values.get("height") is not None:
        yield Trouble("Both scale and height are set.", "height", "Leave one of them empty.")
    yield from _model_rule(given, "upscaling")


def _model_rule(given: Given, task: models.networks.Task) -> Iterator[Trouble]:
    """What can be known of a model without torch, which the reading of a pickle takes."""
    if "model" not in given.values:
        return
    if find_spec("torch") is None:
        yield Trouble("This needs torch, which is not installed.", "model", "pip install 'vidflow[models]'")
    try:
        path = models.networks.weights_of(given.values["model"])
        if models.networks.can_look(path):
            models.networks.layout_in(task, path)
    except ModelError as error:
        yield Trouble(str(error), "model", code="missing-model")


@node(title="Interpolate", category="Enhance", lane="gpu", dear=True, rule=_interpolate_rule)
def interpolate(
    video: Video,
    *,
    factor: Annotated[float | None, Number(0.1, 64)] = None,
    rate: Annotated[str | None, Rate()] = None,
    model: Annotated[str, Weights(kinds=("IFNet",), own=(FLOW,))] = FLOW,
    scale: Annotated[float | None, Choice((0.25, 0.5, 1.0, 2.0, 4.0))] = None,
    ensemble: bool = False,
    scene_cut: Annotated[float, Number(0, 1, step=0.01)] = 0.15,
    duplicates: bool = False,
    dtype: Dtype = "auto",
    run: Run,
) -> Video:
    """Make the frames between the frames, for smooth motion or slow motion.

    There are `factor` times as many a second (2 where nothing is said), or as many as `rate` says. Frames that fall on
    the new time base stay as they are, bit for bit; only the others are made. `model` is `flow`,
    which takes optical flow and no network, `rife-small` of the box, which mends that flow, or a file of a RIFE of the
    4.x line. A `scale` below 1 looks for larger motion in large frames (empty: 0.5 above 1440 rows), `ensemble` takes
    the mean of both directions in twice the time.

    Nothing is blended across a cut: where two frames differ by more than `scene_cut`, the earlier one is held (1 never
    cuts). With `duplicates`, a frame that repeats the one before, as in animation on twos, is made anew as well.
    """
    info = video.info
    target = Fraction(rate) if rate else info.rate * (exact(factor) if factor else 2)
    if target == info.rate and not duplicates:
        return video
    changed = replace(info, rate=target, frames=ceil(info.duration * target))
    sound = video.audio
    if sound and sound.info.duration > changed.duration:
        sound = between(sound, Fraction(0), changed.duration)
    between_two = _maker(model, scale, ensemble, dtype, run)
    places = _Places(info.frames, info.rate / target, _LONGEST if duplicates else 1)

    cut = _Known(lambda first, second: scene_cut < 1 and unlike(first, second) > scene_cut)
    still = _Known(_unchanged)

    def make(frames: list[Any], k: int) -> Any:
        here = dict(zip(places.needs(k), frames, strict=True))
        start, end, moment = places.at(k, lambda i: still(i, here[i], here[i + 1]))
        if not moment:
            return here[start]
        if cut(end - 1, here[end - 1], here[end]):
            return here[end - 1]
        return between_two((here[start], here[end]), (start, end), moment)

    return video.resample(make, places.needs, changed, sound)


class _Known:
    """An answer about frames `number` and `number + 1`, remembered for the last pairs."""

    def __init__(self, ask: Callable[[Any, Any], bool]) -> None:
        self._ask = ask
        self._known: dict[int, bool] = {}

    def __call__(self, number: int, first: Any, second: Any) -> bool:
        if number not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[number] = self._ask(first, second)
        return self._known[number]


class _Places:
    """Which source frames an output frame lies between."""

    def __init__(self, frames: int, step: Fraction, longest: int) -> None:
        """Output frame k lies at k times `step` source frames; one drawing stands for `longest` frames at most."""
        self._last, self._up, self._down = frames - 1, step.numerator, step.denominator
        self._around = longest - 1

    def needs(self, k: int) -> Sequence[int]:
        """The source frames that output frame k may need."""
        number, rest = divmod(k * self._up, self._down)
        if number >= self._last:
            number, rest = self._last, 0
        if self._around:
            return range(max(0, number - self._around), min(self._last, number + 1 + self._around) + 1)
        return (number, number + 1) if rest else (number,)

    def at(self, k: int, still: Callable[[int], bool]) -> tuple[int, int, float]:
        """The two frames that frame k lies between and where (0 to 1); `still(i)` tells whether i + 1 repeats i."""
        number = k * self._up // self._down
        if number >= self._last:
            return self._last, self._last, 0.0
        start, end = number, number + 1
        if self._around:
            first, last = max(0, number - self._around), min(self._last, number + 1 + self._around)
            while start > first and still(start - 1):
                start -= 1
            while end < last and still(end - 1):
                end += 1
            # Longer than any drawing is held: it stands still.
            if end - start > self._around + 1 or still(end - 1):
                start, end = number, number + 1
        moment = Fraction(k * self._up - start * self._down, (end - start) * self._down)
        return start, end, float(moment)


def _maker(
    model: str, scale: float | None, ensemble: bool, dtype: str, run: Run
) -> Callable[[tuple[Any, Any], tuple[int, int], float], Any]:
    """What makes the frame between two. Raises ModelError."""
    if model == FLOW:
        return Flow().between
    path = models.networks.weights_of(model)
    maker = run.piece(models.interpolation.Interpolator, path, run.device, dtype, scale, ensemble)
    if ensemble and not maker.ensembles:
        run.note("This version of RIFE has no ensemble; it was left out.")
    return maker.between


def unlike(first: Any, second: Any) -> float:
    """How unlike two frames are, 0 to 1: the geometric mean of the difference of their pixels, which motion makes as
    well, and of their histograms, which it hardly changes; both at a small size."""
    import cv2
    import numpy as np

    scale = 1.0 if first.dtype == np.float32 else 1 / 255
    small = [cv2.resize(frame, _SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) for frame in (first, second)]
    pixels = float(np.abs(small[0] - small[1]).mean()) * scale
    levels = [np.clip(one * (scale * _BINS), 0, _BINS - 1).astype(np.int64) + np.arange(3) * _BINS for one in small]
    counts = [np.bincount(one.reshape(-1), minlength=3 * _BINS) for one in levels]
    return (pixels * float(np.abs(counts[0] - counts[1]).sum()) / (2 * levels[0].size)) ** 0.5


def _unchanged(first: Any, second: Any) -> bool:
    import cv2
    import numpy as np

    scale = 1.0 if first.dtype == np.float32 else 1 / 255
    return float(cv2.norm(first, second, cv2.NORM_L1)) * scale <= _STILL * first.size


@node(title="Upscale", category="Enhance", lane="gpu", dear=True, rule=_upscale_rule)
def upscale(
    video: AnyVideo,
    *,
    scale: Annotated[float | None, Number(0.25, 16)] = None,
    height: Annotated[int | None, Number(16, 16384, unit="px")] = None,
    model: Annotated[str, Weights(kinds=("RRDBNet", "SRVGGNetCompact"))] = "esrgan-small-x2",
    tile: Annotated[int | None, Number(64, 8192, unit="px")] = None,
    dtype: Dtype = "auto",
    run: Run,
) -> AnyVideo:
    """Enlarge the picture by a network that draws it sharp.

    It becomes `scale` times as large, or as high as `height`; empty, the model's own scale. `model` is a Real-ESRGAN,
    one of the box or a file; with the package spandrel, any architecture that it knows. It goes over the picture once,
    or twice where its scale does not suffice, and what is then missing or too much is resampled. Large pictures are
    taken in tiles of `tile` pixels, which overlap, so that no seam is seen; empty, by the memory that is free.
    """
    info = video.info
    path = models.networks.weights_of(model)
    net = run.piece(models.upscaling.Upscaler, path, run.device, dtype, tile)
    wanted = height / info.height if height else exact(scale) if scale else net.scale
    passes = 1
    if net.scale > 1:
        passes = min(_PASSES, max(1, ceil(log(wanted) / log(net.scale) - 1e-6)))
    made = info.width * net.scale**passes, info.height * net.scale**passes
    size = max(1, round(info.width * wanted)), height or max(1, round(info.height * wanted))
    if max(size) > 32768:
        raise NodeError(f"the result would be {size[0]}x{size[1]}; choose a smaller scale or height.")
    smaller = size[0] < made[0]
    fit = None if made == size else fitted(*made, *size, "stretch", "area" if smaller else "lanczos")

    enlarged = video.map(lambda frame: net.enlarged(frame, passes, run.step), width=made[0], height=made[1])
    return enlarged.map(fit, width=size[0], height=size[1]) if fit else enlarged
