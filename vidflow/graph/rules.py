"""The node types' own rules, on a graph whose inputs are all right one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from vidflow.errors import Problem
from vidflow.graph.document import Link
from vidflow.graph.wording import cut
from vidflow.nodespec.rules import Given

if TYPE_CHECKING:
    from vidflow.graph.check import CheckedNode


def broken_rules(nodes: Mapping[str, CheckedNode]) -> Iterator[Problem]:
    """What the rules of the nodes' types find, in the order of the nodes."""
    for id, node in nodes.items():
        if node.spec.rule is not None:
            for one in node.spec.rule(_Known(node, nodes)):
                yield Problem(one.code, cut(one.message), id, one.input, one.hint, one.level)


class _Known:
    """A checked node as its rule sees it."""

    __slots__ = ("_node", "_nodes")

    def __init__(self, node: CheckedNode, nodes: Mapping[str, CheckedNode]) -> None:
        self._node = node
        self._nodes = nodes

    @property
    def type(self) -> str:
        return self._node.spec.type

    @property
    def values(self) -> Mapping[str, Any]:
        return self._node.values

    @property
    def linked(self) -> frozenset[str]:
        return frozenset(self._node.links)

    def source(self, input: str) -> Given | None:
        link = self._node.links.get(input)
        for one in cast("tuple[Any, ...]", link if isinstance(link, tuple) else (link,)):
            if isinstance(one, Link):
                return _Known(self._nodes[one.node], self._nodes)
        return None
