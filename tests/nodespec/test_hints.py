"""Each kind of setting says in one sentence what is wrong with a value."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.api import Choice, Colour, File, Number, Rate, Seed, Text
from vidflow.nodespec.hints import Hint


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Number(0, 4), 0),
        (Number(0, 4), 4.0),
        (Number(1), 10**9),
        (Number(max=0), -5),
        (Number(), -1e300),
        (Choice(("a", "b")), "b"),
        (Seed(), 0),
        (Seed(), 2**63 - 1),
        (Colour(), "#ffcc00"),
        (Colour(), "#FFCC00"),
        (Rate(), "24"),
        (Rate(), "23.976"),
        (Rate(), "30000/1001"),
        (Rate(), "1000"),
        (Text(), "anything"),
        (File(), "anything"),
    ],
)
def test_a_good_value_has_no_problem(hint: Hint, value: Any) -> None:
    assert hint.problem(value) is None


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (Number(0, 4), -0.1, "-0.1 is out of range: expected 0 to 4."),
        (Number(0, 4), 5, "5 is out of range: expected 0 to 4."),
        (Number(1), 0, "0 is out of range: expected at least 1."),
        (Number(max=1), 2, "2 is out of range: expected at most 1."),
        (Number(), float("nan"), "nan is not a finite number."),
        (Number(), float("inf"), "inf is not a finite number."),
        (Choice(("cut", "fade")), "fad", "'fad' is none of cut, fade. Did you mean 'fade'?"),
        (Choice((1, 2)), 7, "7 is none of 1, 2."),
        (Seed(), -1, "-1 is no seed: expected 0 to 9223372036854775807."),
        (Seed(), 2**63, "9223372036854775808 is no seed: expected 0 to 9223372036854775807."),
        (Colour(), "red", "'red' is no colour: expected #rrggbb, for example #ffcc00."),
        (Colour(), "#ffcc0g", "'#ffcc0g' is no colour: expected #rrggbb, for example #ffcc00."),
        (Rate(), "24fps", "'24fps' is no frame rate: expected for example 24, 23.976 or 30000/1001."),
        (Rate(), "0", "'0' is no frame rate: expected for example 24, 23.976 or 30000/1001."),
        (Rate(), "1001", "'1001' is no frame rate: expected for example 24, 23.976 or 30000/1001."),
    ],
)
def test_what_is_wrong_is_said_with_what_was_expected(hint: Hint, value: Any, said: str) -> None:
    assert hint.problem(value) == said


@given(st.text(alphabet="0123456789./e-+ x", max_size=12))
def test_a_rate_without_a_problem_can_be_read(text: str) -> None:
    if Rate().problem(text) is None:
        assert 0 < Fraction(text) <= 1000


@pytest.mark.parametrize("text", ["1/0", "1/00", "1e999999999", "9" * 5000, "-24", " 24", ""])
def test_a_rate_that_would_take_for_ever_or_cannot_be_read_is_refused(text: str) -> None:
    assert "is no frame rate" in (Rate().problem(text) or "")
