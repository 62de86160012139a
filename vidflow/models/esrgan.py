"""Real-ESRGAN's two networks: RRDBNet (Wang et al., "ESRGAN", ECCVW 2018; "Real-ESRGAN", ICCVW 2021), in the three ways
in which its weights were ever named, and SRVGGNetCompact, its small one. Which it is, of what size and scale, is read
from the names and shapes of the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

Shape = tuple[int, ...]
DENSE = 5
"""Convolutions of a dense block, each of which sees what all before it gave."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells one network from another: `depth` blocks (or convolutions) of `width` channels.

    An `rrdb` grows by `growth` channels in its dense blocks, doubles the size `doublings` times, and may begin with a
    pixel unshuffle. A `compact` one ends in a pixel shuffle by its scale.
    """

    kind: Literal["rrdb", "compact"]
    scale: int
    width: int
    depth: int
    growth: int = 0
    doublings: int = 0
    colours: int = 3
    """Channels of what it is given."""
    out: int = 3
    """Channels of what it gives."""

    @property
    def unshuffle(self) -> int:
        """By how much the sides of the picture shrink before the first convolution."""
        return 2**self.doublings // self.scale if self.kind == "rrdb" else 1

    @property
    def reach(self) -> int:
        """Pixels of the picture that one of the result can depend on, to each side."""
        if self.kind == "compact":
            return self.depth + 2
        # The convolutions after each doubling reach ever less far.
        return (2 + 3 * DENSE * self.depth + self.doublings + 2) * self.unshuffle

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of all its weights, as they are published now, by their names."""
        return dict(self._shapes())

    def _shapes(self) -> Iterator[tuple[str, Shape]]:
        width, growth = self.width, self.growth
        if self.kind == "compact":
            yield from _convolution("body.0", width, self.colours)
            for k in range(1, 2 * self.depth + 2):
                yield from _convolution(f"body.{k}", width, width) if k % 2 == 0 else ((f"body.{k}.weight", (width,)),)
            yield from _convolution(f"body.{2 * self.depth + 2}", self.out * self.scale**2, width)
            return
        yield from _convolution("conv_first", width, self.colours * self.unshuffle**2)
        for block in range(self.depth):
            for dense in range(1, 4):
                for k in range(DENSE):
                    out = growth if k < DENSE - 1 else width
                    yield from _convolution(f"body.{block}.rdb{dense}.conv{k + 1}", out, width + k * growth)
        for name in ("conv_body", *(f"conv_up{k + 1}" for k in range(self.doublings)), "conv_hr"):
            yield from _convolution(name, width, width)
        yield from _convolution("conv_last", self.out, width)


def layout_of(shapes: Mapping[str, Shape]) -> Layout | None:
    """The layout that weights of these names and shapes are of (see `renamed`); None where they are of neither net."""
    layout = likely_layout(shapes)
    return layout if layout is not None and layout.shapes == shapes else None


def likely_layout(shapes: Mapping[str, Shape]) -> Layout | None:
    """The layout by the weights that tell layouts apart; whether the others agree is not asked."""
    try:
        layout = _compact(shapes) if len(shapes.get("body.1.weight", ())) == 1 else _rrdb(shapes)
    except (KeyError, ValueError, IndexError, ZeroDivisionError):
        return None
    # A number in a name is no reason to count to a million.
    return layout if layout is not None and max(layout.depth, layout.doublings) <= len(shapes) else None


def _convolution(name: str, out: int, given: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (out, given, 3, 3)
    yield f"{name}.bias", (out,)


def _compact(shapes: Mapping[str, Shape]) -> Layout | None:
    last = max(int(name.split(".")[1]) for name in shapes)
    (width, colours), given = shapes["body.0.weight"][:2], shapes[f"body.{last}.weight"][0]
    # The picture is added to what is found: it has as many colours.
    scale = isqrt(given // colours)
    return Layout("compact", scale, width, last // 2 - 1, colours=colours, out=colours) if scale else None


def _rrdb(shapes: Mapping[str, Shape]) -> Layout | None:
    width, inputs = shapes["conv_first.weight"][:2]
    out, growth = shapes["conv_last.weight"][0], shapes["body.0.rdb1.conv1.weight"][0]
    depth = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("body."))
    doublings = sum(re.fullmatch(r"conv_up\d+\.weight", name) is not None for name in shapes)
    unshuffle = {4 * out: 2, 16 * out: 4}.get(inputs, 1)
    scale = 2**doublings // unshuffle
    return Layout("rrdb", scale, width, depth, growth, doublings, inputs // unshuffle**2, out) if scale else None


_MIDDLE = (
    (r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
    (r"trunk_conv\.", "conv_body."),
    (r"upconv(\d+)\.", r"conv_up\1."),
    (r"HRconv\.", "conv_hr."),
)


def renamed(names: list[str]) -> dict[str, str] | None:
    """What each of `names` is called today, for weights as ESRGAN's authors named them first, later, and now; other
    names stay as they are. None for names of the first kind that are not those of an RRDBNet."""
    if "model.0.weight" in names:
        return _from_sequence(names)
    found: dict[str, str] = {}
    for name in names:
        new = name
        for old, now in _MIDDLE:
            new = re.sub(f"^{old}", now, new)
        found[name] = new
    return found


def _from_sequence(names: list[str]) -> dict[str, str] | None:
    """Of the first naming: one sequence of layers, where only places tell what is what.

    An enlargement, its convolution and its bend are three places. Whether it doubles or triples no weight tells; it is
    taken to double, as all but a few do.
    """
    stems = {name.rpartition(".")[0] for name in names}
    tops = sorted(int(stem[6:]) for stem in stems if re.fullmatch(r"model\.\d+", stem))
    trunk = max((int(at[1]) for stem in stems if (at := re.fullmatch(r"model\.1\.sub\.(\d+)", stem))), default=0)
    count = len(tops) - 3
    if tops != [0, *range(3, 3 * count + 1, 3), 3 * count + 2, 3 * count + 4]:
        return None
    last = [f"conv_up{i + 1}" for i in range(count)] + ["conv_hr", "conv_last"]
    new = {f"model.{place}": name for place, name in zip(tops, ["conv_first", *last], strict=True)}
    new[f"model.1.sub.{trunk}"] = "conv_body"
    found: dict[str, str] = {}
    for name in names:
        stem, _, part = name.rpartition(".")
        dense = re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0", stem)
        if dense:
            found[name] = f"body.{dense[1]}.rdb{dense[2]}.conv{dense[3]}.{part}"
        elif stem in new:
            found[name] = f"{new[stem]}.{part}"
        else:
            return None
    return found
