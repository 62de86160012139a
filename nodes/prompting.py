"""The prompt, from parts that are chosen apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from vidflow.api import Given, NodeError, Prompt, Run, Text, Trouble, Words, node

_CAMERA, _MOTION, _LIGHTING, _STYLE = Words("camera"), Words("motion"), Words("lighting"), Words("style")
_PARTS = {
    "scene": None,
    "camera": _CAMERA,
    "motion": _MOTION,
    "motion_details": None,
    "lighting": _LIGHTING,
    "style": _STYLE,
    "suffix": None,
}
"""The settings that are joined, in their order, and what their words mean."""


def _joined(given: Mapping[str, Any]) -> str:
    texts = (words.canonical(given[name]) if words else given[name] for name, words in _PARTS.items())
    return ", ".join([text.strip() for text in texts if text.strip()])


def _rule(given: Given) -> Iterator[Trouble]:
    if _PARTS.keys() <= given.values.keys() and not _joined(given.values):
        yield Trouble("Every part of the prompt is empty.", "scene", "Say in it what is to be seen.")


@node(title="Build prompt", category="Generation", rule=_rule)
def build_prompt(
    *,
    scene: Annotated[str, Text(multiline=True, placeholder="Who or what is seen, and where"), "what is seen"] = "",
    camera: Annotated[str, _CAMERA] = "",
    motion: Annotated[str, _MOTION] = "",
    motion_details: Annotated[str, "what moves, and how"] = "",
    lighting: Annotated[str, _LIGHTING] = "",
    style: Annotated[str, _STYLE] = "",
    suffix: Annotated[str, "the look that all shots of a film share"] = "",
    negative: Annotated[str, Text(multiline=True), "what shall not be seen"] = "",
    run: Run,
) -> Prompt:
    """Join the parts of a prompt in a fixed order: scene, camera, motion and its details, lighting, style, suffix.

    Parts that are empty are left out. Camera, motion, lighting and style take labels in English or Japanese, several
    with commas between them; a label that is not known is used as it stands, and so is text in quotes.
    """
    text = _joined(locals())
    if not text:
        raise NodeError("every part of the prompt is empty; say in scene what is to be seen.")
    run.note(f"The prompt is: {text}")
    negative = negative.strip()
    if negative:
        run.note(f"The negative prompt is: {negative}")
    return Prompt(text, negative)
