"""The core node pack, loaded exactly as a user's own pack is."""

from . import (
    choosing,
    colour,
    comparing,
    enhancing,
    generating,
    grading,
    joining,
    plain,
    prompting,
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
    "enhancing",
    "generating",
    "grading",
    "joining",
    "plain",
    "prompting",
    "reading",
    "scoring",
    "shape",
    "sound",
    "timing",
    "titles",
    "writing",
]
