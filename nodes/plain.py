"""Values that many nodes share: a number, a text."""

from __future__ import annotations

from typing import Annotated

from vidflow.api import Text, node


@node(title="Number", category="Values")
def number(*, value: float = 0.0) -> float:
    """A number, for example a seed or a strength that several nodes share."""
    return value


@node(title="Text", category="Values")
def text(*, value: Annotated[str, Text(multiline=True)] = "") -> str:
    """A text, for example a style or a file name that several nodes share."""
    return value
