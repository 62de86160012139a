"""Where nodes lie: a layered layout from left to right, and nodes lined up with each other.

The layout is that of Sugiyama, Tagawa and Toda (1981): columns by longest path, barycentre sweeps against crossings,
then heights that keep wires straight, by isotonic regression in each column. The same graph gives the same layout.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import ceil, inf
from random import Random
from typing import Literal

GRID = 8
ACROSS = 64
"""The room between two columns."""
DOWN = 32
"""The room between two nodes of a column."""
_BESIDE = 16
"""The room between a wire that passes a column and what is above and below it."""
_ROUNDS = 6
"""How often the heights of all columns are settled."""
_EFFORT = 1500
"""How many vertices are ordered with all care; what has more takes fewer attempts, so that it is done at once."""
_KEY = 1_000_000
"""More than a node is high."""

Way = Literal["left", "right", "top", "bottom", "centre", "middle", "across", "down"]


@dataclass(frozen=True, slots=True)
class Wire:
    """A link as it is drawn: out of `source` at `leaves` below its top, into `target` at `enters` below its top."""

    source: str
    target: str
    leaves: float = 0
    enters: float = 0


def arranged(
    nodes: Mapping[str, tuple[float, float]], links: Sequence[Wire], order_hint: Sequence[str] = ()
) -> dict[str, tuple[int, int]]:
    """The top left corner of each node, of which `nodes` has width and height: links go to the right, nothing
    overlaps, all is on the grid, from (0, 0) on. Parts that no link joins lie below each other. `order_hint` names ids
    in the order that is wished for, from the top; it decides where wires do not."""
    rank = {id: index for index, id in enumerate(dict.fromkeys((*order_hint, *nodes)))}
    ids = sorted(nodes, key=rank.__getitem__)
    wires = [wire for wire in links if wire.source in nodes and wire.target in nodes and wire.source != wire.target]
    found: dict[str, tuple[int, int]] = {}
    top = 0
    for part in _parts(ids, wires):
        inside = set(part)
        part_wires = [wire for wire in wires if wire.source in inside]
        places = _Part(part, {id: nodes[id] for id in part}, part_wires).run()
        for id, (x, y) in places.items():
            found[id] = (x, y + top)
        top += _up(max(y + nodes[id][1] for id, (_, y) in places.items()) + 2 * DOWN)
    return {id: found[id] for id in nodes}


def aligned(boxes: Mapping[str, tuple[float, float, float, float]], how: Way) -> dict[str, tuple[float, float]]:
    """The top left corner of each node of `boxes` (x, y, width, height) once they are lined up: by an edge of the
    outermost, by their centres (`centre` below each other, `middle` beside each other), or spread `across` or `down`
    with equal room between them, the outermost staying."""
    if not boxes:
        return {}
    axis = 0 if how in ("left", "right", "centre", "across") else 1
    low = min(box[axis] for box in boxes.values())
    high = max(box[axis] + box[axis + 2] for box in boxes.values())
    along: dict[str, float] = {}
    if how in ("across", "down"):
        line = sorted(boxes, key=lambda id: (boxes[id][axis], boxes[id][axis + 2]))
        room = high - low - sum(box[axis + 2] for box in boxes.values())
        at = low
        for id in line:
            along[id] = at
            at += boxes[id][axis + 2] + room / max(1, len(line) - 1)
    else:
        share = {"left": 0, "top": 0, "centre": 0.5, "middle": 0.5, "right": 1, "bottom": 1}[how]
        for id, box in boxes.items():
            along[id] = low + share * (high - low - box[axis + 2])
    return {id: (round(along[id]), box[1]) if axis == 0 else (box[0], round(along[id])) for id, box in boxes.items()}


def _up(value: float) -> int:
    """The next place on the grid."""
    return ceil(value / GRID) * GRID


def _parts(ids: Sequence[str], wires: Sequence[Wire]) -> list[list[str]]:
    """The ids that wires join, each part and the parts among each other in the order of `ids`."""
    near: dict[str, list[str]] = {id: [] for id in ids}
    for wire in wires:
        near[wire.source].append(wire.target)
        near[wire.target].append(wire.source)
    part: dict[str, int] = {}
    count = 0
    for start in ids:
        if start in part:
            continue
        part[start] = count
        waiting = [start]
        while waiting:
            for other in near[waiting.pop()]:
                if other not in part:
                    part[other] = count
                    waiting.append(other)
        count += 1
    parts: list[list[str]] = [[] for _ in range(count)]
    for id in ids:
        parts[part[id]].append(id)
    return parts


class _Part:
    """The layout of nodes that wires join. Vertices are numbers: nodes first, then one for each column that wires out
    of one port pass."""

    def __init__(self, ids: list[str], sizes: Mapping[str, tuple[float, float]], wires: Sequence[Wire]) -> None:
        self.ids = ids
        self.sizes = [sizes[id] for id in ids]
        number = {id: index for index, id in enumerate(ids)}
        drawn = [(number[wire.source], number[wire.target], wire.leaves, wire.enters) for wire in wires]
        forward = _without_circles(len(ids), [(source, target) for source, target, _, _ in drawn])
        self.column, depth = _columns(len(ids), forward)
        self.height = [size[1] for size in self.sizes]
        self.before: list[list[tuple[int, float, float]]] = [[] for _ in ids]
        """For each vertex the ends of wires that come in: the vertex, how far below its top, and below this one's."""
        self.after: list[list[tuple[int, float, float]]] = [[] for _ in ids]
        self.main: list[list[tuple[int, float, float]]] = []
        """Of those before, the one whose line is to be straight: one that passes columns, so that it runs through no
        node there, then the one at the end of the longest chain, then the one that feeds little else."""
        deepest = [(False, -1, 0)] * len(ids)
        readers = Counter(source for source, _ in forward)
        main: dict[int, tuple[int, float, float]] = {}
        passing: dict[tuple[int, float], list[int]] = {}
        for source, target, leaves, enters in drawn:
            if (source, target) not in forward:
                continue
            chain = passing.setdefault((source, leaves), [])
            while self.column[source] + len(chain) < self.column[target] - 1:
                vertex = len(self.column)
                self.column.append(self.column[source] + len(chain) + 1)
                self.height.append(0)
                self.before.append([])
                self.after.append([])
                self._edge(chain[-1] if chain else source, vertex, 0 if chain else leaves, 0)
                chain.append(vertex)
            steps = self.column[target] - self.column[source] - 1
            self._edge(chain[steps - 1] if steps else source, target, 0 if steps else leaves, enters)
            weight = (steps > 0, depth[source], -readers[source])
            if weight > deepest[target]:
                deepest[target] = weight
                main[target] = self.before[target][-1]
        self.main = [[main[vertex]] if vertex in main else ends for vertex, ends in enumerate(self.before)]
        self.pull: dict[tuple[int, int], int] = {}
        """How much a wire from one vertex to another wants to be straight."""
        for vertex, ends in enumerate(self.before):
            for other, _, _ in ends:
                passing_ends = (other >= len(ids)) + (vertex >= len(ids))
                chief = any(end == other for end, _, _ in self.main[vertex])
                self.pull[other, vertex] = (1, 20, 100)[passing_ends] * (8 if chief else 1)
        self.columns: list[list[int]] = [[] for _ in range(max(self.column) + 1)]
        origin = list(range(len(ids)))
        for (source, _), chain in passing.items():
            origin.extend([0] * (len(self.column) - len(origin)))
            for vertex in chain:
                origin[vertex] = source
        for vertex in sorted(range(len(self.column)), key=lambda vertex: (origin[vertex], vertex)):
            self.columns[self.column[vertex]].append(vertex)

    def _edge(self, one: int, other: int, leaves: float, enters: float) -> None:
        self.after[one].append((other, leaves, enters))
        self.before[other].append((one, leaves, enters))

    def run(self) -> dict[str, tuple[int, int]]:
        self._uncross()
        heights = self._heights()
        top = min(heights[: len(self.ids)])
        places: dict[str, tuple[int, int]] = {}
        x = 0
        for line in self.columns:
            real = [vertex for vertex in line if vertex < len(self.ids)]
            for vertex in real:
                places[self.ids[vertex]] = (x, round(heights[vertex] - top))
            x += _up(max((self.sizes[vertex][0] for vertex in real), default=0) + ACROSS)
        return places

    def _uncross(self) -> None:
        """Order the columns so that few wires cross: sweeps and swaps of neighbours, from the order that is wished for
        and from others, as many as there is time for."""
        chance = Random(0)
        best, order = self._crossings(), [list(line) for line in self.columns]
        wished = order
        for start in range(max(1, min(40, _EFFORT // len(self.column)))):
            self.columns = [list(line) if start % 2 == 0 else line[::-1] for line in wished]
            for line in self.columns if start > 1 else ():
                chance.shuffle(line)
            idle = 0
            for sweep in range(max(2, min(16, 8 * _EFFORT // len(self.column)))):
                if not best or idle > 3:
                    break
                self._sweep(forward=sweep % 2 == 0)
                if len(self.column) <= _EFFORT:
                    self._swap()
                crossings = self._crossings()
                idle += 1
                if crossings < best:
                    best, order, idle = crossings, [list(line) for line in self.columns], 0
        self.columns = order

    def _sweep(self, *, forward: bool) -> None:
        ends = self.before if forward else self.after
        place = self._places()
        for line in self.columns if forward else reversed(self.columns):
            middle: dict[int, float] = {}
            for index, vertex in enumerate(line):
                near = ends[vertex]
                total = 0.0
                for other, leaves, enters in near:
                    total += place[other] + (leaves if forward else enters) / (self.height[other] + 1)
                middle[vertex] = total / len(near) if near else index
            line.sort(key=middle.__getitem__)
            for index, vertex in enumerate(line):
                place[vertex] = index

    def _swap(self) -> None:
        """Swap neighbours where fewer wires cross then."""
        place = self._places()
        for line in self.columns:
            ends = {
                vertex: (
                    sorted([place[other] * _KEY + leaves for other, leaves, _ in self.before[vertex]]),
                    sorted([place[other] * _KEY + enters for other, _, enters in self.after[vertex]]),
                )
                for vertex in line
            }
            for _ in range(3):
                swapped = False
                for index in range(len(line) - 1):
                    one, other = line[index], line[index + 1]
                    now = sum(_inversions(mine, theirs) for mine, theirs in zip(ends[one], ends[other], strict=True))
                    then = sum(_inversions(mine, theirs) for mine, theirs in zip(ends[other], ends[one], strict=True))
                    if then < now:
                        line[index], line[index + 1] = other, one
                        swapped = True
                if not swapped:
                    break
            for index, vertex in enumerate(line):
                place[vertex] = index

    def _places(self) -> list[int]:
        place = [0] * len(self.column)
        for line in self.columns:
            for index, vertex in enumerate(line):
                place[vertex] = index
        return place

    def _crossings(self) -> int:
        place = self._places()
        count = 0
        for line in self.columns:
            wires: list[tuple[float, float]] = []
            for index, vertex in enumerate(line):
                for other, leaves, enters in self.after[vertex]:
                    wires.append((index * _KEY + leaves, place[other] * _KEY + enters))
            wires.sort()
            seen: list[float] = []
            for _, end in wires:
                count += len(seen) - bisect_right(seen, end)
                insort(seen, end)
        return count

    def _heights(self) -> list[float]:
        """The y of each vertex: near to where its wires would be straight, most of all those that pass columns."""
        y = [0.0] * len(self.column)
        for line in self.columns:
            at = 0.0
            for vertex, room in zip(line, self._rooms(line), strict=True):
                at += room
                y[vertex] = at
        for _ in range(_ROUNDS):
            for line in self.columns:
                self._settle(y, line, self.before)
            for line in reversed(self.columns):
                self._settle(y, line, self.after)
        for _ in range(_ROUNDS):
            for line in self.columns:
                self._settle(y, line, self.before, self.after)
        # At last every column by what is there already, on the grid, so that a chain is one straight line.
        for line in self.columns:
            self._settle(y, line, self.main)
            bottom = None
            for vertex in line:
                if vertex < len(self.ids):
                    snapped = round(y[vertex] / GRID) * GRID
                    y[vertex] = snapped if bottom is None else max(snapped, _up(bottom + DOWN))
                    bottom = y[vertex] + self.height[vertex]
        for line in self.columns:
            self._lead(y, [vertex for vertex in line if vertex < len(self.ids)])
        return y

    def _lead(self, y: list[float], line: Sequence[int]) -> None:
        """Move what reads nothing beside the one node that reads it, as far as the column has room."""
        for index, vertex in enumerate(line):
            if self.before[vertex] or len(self.after[vertex]) != 1:
                continue
            other, leaves, enters = self.after[vertex][0]
            wish = round((y[other] + enters - leaves) / GRID) * GRID
            above, below = line[index - 1] if index else None, line[index + 1] if index + 1 < len(line) else None
            low = -inf if above is None else _up(y[above] + self.height[above] + DOWN)
            high = inf if below is None else -_up(self.height[vertex] + DOWN - y[below])
            y[vertex] = max(low, min(high, wish))

    def _settle(self, y: list[float], line: Sequence[int], *sides: list[list[tuple[int, float, float]]]) -> None:
        """Move the vertices of a column to where their wires on these sides would be straight."""
        wished: list[float] = []
        weights: list[float] = []
        for vertex in line:
            total = weight = 0.0
            for ends in sides:
                for other, leaves, enters in ends[vertex]:
                    come = ends is not self.after
                    pull = self.pull[(other, vertex) if come else (vertex, other)]
                    total += pull * (y[other] + (leaves - enters if come else enters - leaves))
                    weight += pull
            wished.append(total / weight if weight else y[vertex])
            weights.append(weight or 0.01)
        for vertex, at in zip(line, _apart(wished, weights, self._rooms(line)), strict=True):
            y[vertex] = at

    def _rooms(self, line: Sequence[int]) -> list[float]:
        """How far below the one before each vertex of a column has to begin at least."""
        rooms = [0.0]
        for one, other in pairwise(line):
            real = one < len(self.ids) and other < len(self.ids)
            rooms.append(self.height[one] + (DOWN if real else _BESIDE))
        return rooms[: len(line)]


def _inversions(upper: Sequence[float], lower: Sequence[float]) -> int:
    """How many wires cross where one node with ends at `upper` lies above one with ends at `lower`, both sorted."""
    count = index = 0
    for end in upper:
        while index < len(lower) and lower[index] < end:
            index += 1
        count += index
    return count


def _apart(wished: Sequence[float], weights: Sequence[float], rooms: Sequence[float]) -> list[float]:
    """The places nearest to those wished for, by weighted squares, of which each is at least its room after the one
    before (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    start = 0.0
    starts: list[float] = []
    for wish, weight, room in zip(wished, weights, rooms, strict=True):
        start += room
        starts.append(start)
        mean, heavy, count = wish - start, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_weight, other_count = blocks.pop()
            mean = (mean * heavy + other * other_weight) / (heavy + other_weight)
            heavy += other_weight
            count += other_count
        blocks.append((mean, heavy, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + start for mean, start in zip(flat, starts, strict=True)]


def _without_circles(count: int, links: Sequence[tuple[int, int]]) -> dict[tuple[int, int], None]:
    """The links, each once, without those that close a circle."""
    after: list[list[int]] = [[] for _ in range(count)]
    fed = [False] * count
    for source, target in dict.fromkeys(links):
        after[source].append(target)
        fed[target] = True
    kept: dict[tuple[int, int], None] = {}
    state = [0] * count
    for start in sorted(range(count), key=lambda vertex: fed[vertex]):
        if state[start]:
            continue
        state[start] = 1
        way = [(start, iter(after[start]))]
        while way:
            vertex, rest = way[-1]
            for other in rest:
                if state[other] == 1:
                    continue
                kept[vertex, other] = None
                if not state[other]:
                    state[other] = 1
                    way.append((other, iter(after[other])))
                    break
            else:
                state[vertex] = 2
                way.pop()
    return kept


def _columns(count: int, links: Mapping[tuple[int, int], None]) -> tuple[list[int], list[int]]:
    """The column of each node, after all that it reads and pulled to the right towards what reads it where that makes
    wires shorter; and how long the longest chain before it is."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    missing = [len(each) for each in before]
    ready = [vertex for vertex in range(count) if not missing[vertex]]
    heapify(ready)
    order: list[int] = []
    column = [0] * count
    while ready:
        vertex = heappop(ready)
        order.append(vertex)
        for other in after[vertex]:
            column[other] = max(column[other], column[vertex] + 1)
            missing[other] -= 1
            if not missing[other]:
                heappush(ready, other)
    depth = list(column)
    for vertex in reversed(order):
        if after[vertex] and len(before[vertex]) <= len(after[vertex]):
            column[vertex] = min(column[other] for other in after[vertex]) - 1
    first = min(column)
    return [each - first for each in column], depth
