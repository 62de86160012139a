"""RIFE's IFNet of the 4.x line: the frame between two frames, at any time (Huang et al., "Real-Time Intermediate Flow
Estimation for Video Frame Interpolation", ECCV 2022; the later versions are published as code and weights alone).

Some thirty versions share one plan: blocks, from coarse to fine, each refine the flow from the wanted moment to both
frames and a mask that blends what they fetch from there. What differs is read from the names and shapes of the weights,
here, without torch; `vidflow.models.ifnet` is the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]
Body = Literal["prelu", "plain", "residual"]
Head = Literal["none", "short", "numbered", "named"]
LAYERS = 8
"""Of the same size, in a block."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells one version of IFNet from another.

    `widths` are the channels of its blocks, coarse to fine; `out` those that a block's last layer gives; `head` how the
    features of a frame are computed, `features` of them through `hidden` channels. Where it is `led`, as no published
    version is, its first block begins as the others do, with a flow: that of `vidflow.models.dense`.
    """

    widths: tuple[int, ...]
    body: Body
    out: int
    groups: int = 1
    head: Head = "none"
    hidden: int = 0
    features: int = 0
    led: bool = False

    @property
    def carried(self) -> int:
        """Channels that a block hands to the next beside flow and mask."""
        return self.out // 4 - 5 if self.out == 52 else 0

    @property
    def adds(self) -> bool:
        """Whether masks add up from block to block, rather than each taking the place of the last."""
        return self.head == "none"

    @property
    def ensembles(self) -> bool:
        """Whether the mean with the frames swapped can be taken."""
        return not self.carried

    @property
    def scales(self) -> tuple[int, ...]:
        """How much coarser than the frames each block looks at them. No weight tells it: it goes with the version."""
        if len(self.widths) == 4:
            return 8, 4, 2, 1
        return (32, 16, 8, 4, 1) if self.widths[-1] == 24 else (16, 8, 4, 2, 1)

    @property
    def multiple(self) -> int:
        """Of which the sides of the frames have to be multiples, at scale 1."""
        return (8 if self.body == "prelu" else 4) * self.scales[0]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Channels that each block is given."""
        later = 12 + 2 * self.features + self.carried
        return (later if self.led else 7 + 2 * self.features, *[later] * (len(self.widths) - 1))

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of all its weights, as they are published, by their names."""
        return dict(self._shapes())

    def _shapes(self) -> Iterator[tuple[str, Shape]]:
        prelu, plain = self.body == "prelu", self.body != "residual"
        for i, (given, width) in enumerate(zip(self.inputs, self.widths, strict=True)):
            for k, (before, after) in enumerate(((given, width // 2), (width // 2, width))):
                yield from _convolution(f"block{i}.conv0.{k}.0", after, before, 3)
                if prelu:
                    yield f"block{i}.conv0.{k}.1.weight", (after,)
            for k in range(LAYERS):
                at = f"block{i}.convblock.{k}"
                yield from _convolution(f"{at}.0" if plain else f"{at}.conv", width, width // self.groups, 3)
                if prelu:
                    yield f"{at}.1.weight", (width,)
                if not plain:
                    yield f"{at}.beta", (1, width, 1, 1)
            yield from _transposed(f"block{i}.lastconv" if plain else f"block{i}.lastconv.0", width, self.out)
        names = {"none": (), "short": "01", "numbered": "0246", "named": ("cnn0", "cnn1", "cnn2", "cnn3")}[self.head]
        for k, name in enumerate(names[:-1]):
            yield from _convolution(f"encode.{name}", self.hidden, self.hidden if k else 3, 3)
        if names:
            yield from _transposed(f"encode.{names[-1]}", self.hidden, self.features)


def layout_of(shapes: Mapping[str, Shape]) -> Layout | None:
    """The layout that weights of these names and shapes are of; None where they are those of no IFNet.

    Those of neither blocks nor head are passed over: files of some versions hold what was used in training alone.
    """
    own = {name: shape for name, shape in shapes.items() if is_own(name)}
    layout = likely_layout(own)
    return layout if layout is not None and layout.shapes == own else None


def is_own(name: str) -> bool:
    """Whether weights of this name are of what IFNet computes with."""
    return re.match(r"block\d|encode\.", name) is not None


def likely_layout(shapes: Mapping[str, Shape]) -> Layout | None:
    """The layout by the weights that tell layouts apart; whether the others agree is not asked."""
    try:
        return _told(shapes)
    except (ValueError, KeyError, IndexError, ZeroDivisionError):
        return None


def _convolution(name: str, out: int, given: int, side: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (out, given, side, side)
    yield f"{name}.bias", (out,)


def _transposed(name: str, given: int, out: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (given, out, 4, 4)
    yield f"{name}.bias", (out,)


def _told(shapes: Mapping[str, Shape]) -> Layout | None:
    count = 5 if "block4.conv0.1.0.weight" in shapes else 4
    widths = tuple(shapes[f"block{i}.conv0.1.0.weight"][0] for i in range(count))
    groups, head, hidden, features = 1, "none", 0, 0
    if "block0.conv0.0.1.weight" in shapes:
        body: Body = "prelu"
    elif "block0.convblock.0.beta" in shapes:
        body, groups = "residual", widths[0] // shapes["block0.convblock.0.conv.weight"][1]
    else:
        body = "plain"
    out = shapes["block0.lastconv.0.weight" if body == "residual" else "block0.lastconv.weight"][1]
    if out not in ((20, 24, 52) if body == "residual" else (5,)):
        return None
    for found, first, final in _HEADS:
        if final in shapes and len(shapes[final]) == 4:
            head, hidden, features = found, shapes[first][0], shapes[final][1]
    led = shapes["block0.conv0.0.0.weight"][1] == 12 + 2 * features and out != 52
    return Layout(widths, body, out, groups, head, hidden, features, led)


_HEADS: tuple[tuple[Head, str, str], ...] = (
    ("short", "encode.0.weight", "encode.1.weight"),
    ("numbered", "encode.0.weight", "encode.6.weight"),
    ("named", "encode.cnn0.weight", "encode.cnn3.weight"),
)
