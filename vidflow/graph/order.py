"""The order in which nodes can be made, and the cycles where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush


def topological(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """The keys of `needs`, each after those it needs and otherwise in their own order, and those that lie on a cycle
    or need one that does. What is needed must be a key too."""
    position: dict[str, int] = {}
    for key, wanted in needs.items():
        position[key] = len(position)
        if any(other not in position or other == key for other in wanted):
            break
    else:
        return list(needs), []
    keys = list(needs)
    position = {key: index for index, key in enumerate(keys)}
    missing = [0] * len(keys)
    readers: list[list[int]] = [[] for _ in keys]
    for index, wanted in enumerate(needs.values()):
        for other in set(wanted):
            readers[position[other]].append(index)
            missing[index] += 1
    ready = [index for index, count in enumerate(missing) if not count]
    heapify(ready)
    order: list[str] = []
    while ready:
        index = heappop(ready)
        order.append(keys[index])
        for reader in readers[index]:
            missing[reader] -= 1
            if not missing[reader]:
                heappush(ready, reader)
    return order, [key for key, count in zip(keys, missing, strict=True) if count]


def cycles(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """One cycle of each knot of nodes that need each other, each in the direction of the links, its first node in the
    order of `needs` in front (Tarjan 1972, without recursion; what is needed but no key is passed over)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    knot: list[str] = []
    on_knot: set[str] = set()
    place = {key: index for index, key in enumerate(needs)}
    for start in needs:
        if start in number:
            continue
        path = [(start, iter(needs[start]))]
        number[start] = lowest[start] = len(number)
        knot.append(start)
        on_knot.add(start)
        while path:
            key, rest = path[-1]
            for other in rest:
                if other not in needs:
                    continue
                if other not in number:
                    number[other] = lowest[other] = len(number)
                    knot.append(other)
                    on_knot.add(other)
                    path.append((other, iter(needs[other])))
                    break
                if other in on_knot:
                    lowest[key] = min(lowest[key], number[other])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[key])
                if lowest[key] == number[key]:
                    members = _cut(knot, key)
                    on_knot.difference_update(members)
                    if len(members) > 1 or key in needs[key]:
                        found.append(_cycle(needs, members, place))
    return found


def _cut(knot: list[str], key: str) -> set[str]:
    """Take the end of `knot` from `key` on."""
    members: set[str] = set()
    while True:
        member = knot.pop()
        members.add(member)
        if member == key:
            return members


def _cycle(needs: Mapping[str, Sequence[str]], members: set[str], place: Mapping[str, int]) -> list[str]:
    """A shortest cycle through the first of the `members` of one knot, in the direction of the links."""
    first = min(members, key=place.__getitem__)
    reader: dict[str, str] = {}
    front = [first]
    while front:
        following: list[str] = []
        for key in front:
            for other in needs[key]:
                if other == first:
                    way = [first]
                    # `key` reads `first`; from there follow those that read to the beginning.
                    while key != first:
                        way.append(key)
                        key = reader[key]
                    return way
                if other in members and other not in reader:
                    reader[other] = key
                    following.append(other)
        front = following
    raise AssertionError("a knot without a cycle")
