"""The core node pack, loaded exactly as a user's own pack is."""

from . import (
    choosing,
    colour,
    comparing,
    grading,
    joining,
    plain,
    reading,
    scoring,
    shape,
    sound,
    timing,
    titles,
    writing,
)

__all__ = [
    "choosing",
    "colour",
    "comparing",
    "grading",
    "joining",
    "plain",
    "reading",
    "scoring",
    "shape",
    "sound",
    "timing",
    "titles",
    "writing",
]
