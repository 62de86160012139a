"""Widget hints: what a setting accepts and how it is best asked for. They never mention a GUI toolkit.

A hint stands in the annotation: `gain: Annotated[float, Number(0, 4, step=0.05)] = 1.0`. Without one the type gives it:
`Literal[...]` a `Choice`, `bool` a check box, `int` and `float` a number, `str` a line of text. Each hint's `problem`
says in one sentence what is wrong with a value, or gives None; it sees only values of the right type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from vidflow.nodespec.vocabulary import CATEGORIES, Category, vocabulary

_RATE = re.compile(r"\d{1,6}(\.\d{1,6}|/0*[1-9]\d{0,5})?")
FileKind = Literal["video", "image", "audio", "any"]


@dataclass(frozen=True, slots=True)
class Hint:
    """The root of all hints; accepts everything."""

    def problem(self, value: Any) -> str | None:
        """What is wrong with `value`, one sentence, or None."""
        return None

    def canonical(self, value: Any) -> Any:
        """What goes into the key for `value`: the same for values that a body takes to be the same."""
        return value


@dataclass(frozen=True, slots=True)
class Number(Hint):
    """A number between `min` and `max` (both allowed; None is no bound). `unit` is shown beside it."""

    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str = ""

    def problem(self, value: Any) -> str | None:
        low, high = self.min, self.max
        if value != value or value in (float("inf"), float("-inf")):
            return f"{value} is not a finite number."
        if (low is None or value >= low) and (high is None or value <= high):
            return None
        if low is None or high is None:
            return f"{value} is out of range: expected {f'at least {low}' if high is None else f'at most {high}'}."
        return f"{value} is out of range: expected {low} to {high}."


@dataclass(frozen=True, slots=True)
class Choice(Hint):
    """One of `options`; those in `same` are different ways to one result."""

    options: tuple[str | int | float, ...]
    same: tuple[str | int | float, ...] = ()

    def canonical(self, value: Any) -> Any:
        """The first of those that are the same."""
        return self.same[0] if value in self.same else value

    def problem(self, value: Any) -> str | None:
        if value in self.options:
            return None
        import difflib

        near = difflib.get_close_matches(str(value), [str(option) for option in self.options], 1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        return f"{value!r} is none of {', '.join(str(option) for option in self.options)}.{guess}"


@dataclass(frozen=True, slots=True)
class Text(Hint):
    """A line of text, or several."""

    multiline: bool = False
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class Words(Hint):
    """Words of a prompt: a label of the vocabulary's `category` in either language, several with commas between them,
    or free text. The body gets what was chosen; `canonical` is what that tells a model."""

    category: Category

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise ValueError(f"{self.category!r} is no category of words; expected {', '.join(CATEGORIES)}.")

    def canonical(self, value: str) -> str:
        """The phrases of the labels in `value`, and its free text as it stands. Raises NodeError where the user's own
        words cannot be read."""
        return vocabulary().phrase(self.category, value) if value else value


@dataclass(frozen=True, slots=True)
class Seed(Hint):
    """A seed of a random generator, 0 to 2**63 - 1; shown with a dice."""

    def problem(self, value: Any) -> str | None:
        return None if 0 <= value < 2**63 else f"{value} is no seed: expected 0 to {2**63 - 1}."


@dataclass(frozen=True, slots=True)
class Colour(Hint):
    """A colour as `#rrggbb`."""

    def problem(self, value: Any) -> str | None:
        digits = value.removeprefix("#")
        if len(digits) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            return None
        return f"{value!r} is no colour: expected #rrggbb, for example #ffcc00."


@dataclass(frozen=True, slots=True)
class Rate(Hint):
    """Frames per second as text: `24`, `23.976` or `30000/1001`."""

    def problem(self, value: Any) -> str | None:
        # The pattern keeps out numbers such as 1e99999999, which would take for ever.
        good = _RATE.fullmatch(value) is not None and 0 < Fraction(value) <= 1000
        return None if good else f"{value!r} is no frame rate: expected for example 24, 23.976 or 30000/1001."


@dataclass(frozen=True, slots=True)
class File(Hint):
    """A file that is read. Its content, not its name, goes into the node's key."""

    kind: FileKind = "any"


@dataclass(frozen=True, slots=True)
class Folder(Hint):
    """A folder (or a glob) whose files are read. Their names and contents go into the node's key."""

    kind: FileKind = "any"


@dataclass(frozen=True, slots=True)
class Weights(Hint):
    """A model: a name in the box, a folder or a file, or `org/name` of the hub that was fetched. What its files hold
    goes into the node's key. `revision` and `variant` name the settings that choose among them, where there are any.

    With `kinds` it is one network of one of these classes, as a config.json names them, and its weights may be a
    pickle; without them a pipeline. The names in `own` are no model but ways of the node itself, and never a file."""

    revision: str = "revision"
    variant: str = "variant"
    kinds: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFile(Hint):
    """A file that a sink writes, below the output directory. It ends in one of `suffixes` (`.mp4`)."""

    suffixes: tuple[str, ...] = ()
