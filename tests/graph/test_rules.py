"""A node type's own rule is asked before a run, about what is known of its settings and links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidflow.api import Given, Trouble, node
from vidflow.graph.check import Checked, check
from vidflow.graph.files import from_mapping
from vidflow.graph.paths import paths_for
from vidflow.nodespec.signature import read_node
from vidflow.nodespec.spec import NodeSpec


def few(given: Given) -> Iterator[Trouble]:
    """At most ten together with what comes from before."""
    before = given.source("other")
    assert ("other" in given.linked) is (before is not None)
    if "count" not in given.values:
        return
    count = given.values["count"] + (before.values["count"] if before is not None else 0)
    if count > 10:
        where = "alone" if before is None else f"with {before.type}"
        yield Trouble(f"{count} {where} is too many.", "count", "Take fewer.")
    elif count > 8:
        yield Trouble(f"{count} is a lot.", "count", level="note", code="a-lot")


@node(title="Counted", category="Test", rule=few)
def counted(other: list[str] = [], *, count: int = 1) -> str:  # noqa: B006 - never called
    """Counts."""
    raise AssertionError("a check calls no body")


class Types:
    """The one type."""

    spec = read_node(counted)

    def get(self, type: str) -> NodeSpec | None:
        return self.spec if type == "counted" else None

    def types(self) -> list[str]:
        return ["counted"]


def checked(**nodes: dict[str, Any]) -> Checked:
    """The check of a graph of such nodes."""
    entries = {id: {"type": "counted", "inputs": inputs} for id, inputs in nodes.items()}
    return check(from_mapping({"vidflow": 1, "nodes": entries}), Types(), paths_for(None, Path(), ()))


def said(found: Checked) -> list[str]:
    return [f"{one.level} {one.code} {one}" for one in found.problems]


def test_a_rule_without_a_finding_says_nothing() -> None:
    assert said(checked(a={"count": 3})) == []


def test_what_a_rule_finds_is_an_error_of_that_input() -> None:
    found = checked(a={"count": 11})
    assert said(found) == ["error cannot-run a.count: 11 alone is too many. Take fewer."]
    assert found.errors


def test_a_rule_sees_the_node_before() -> None:
    assert said(checked(a={"count": 6}, b={"count": 5, "other": [{"from": "a"}]})) == [
        "error cannot-run b.count: 11 with counted is too many. Take fewer."
    ]


def test_a_note_of_a_rule_lets_the_graph_run() -> None:
    found = checked(a={"count": 9})
    assert said(found) == ["note a-lot a.count: 9 is a lot."]
    assert not found.errors


def test_rules_wait_until_every_input_is_right_by_itself() -> None:
    assert [one.code for one in checked(a={"count": 11}, b={"count": "many"}).problems] == ["wrong-type"]
