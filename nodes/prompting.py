"""The prompt, from parts that are chosen apart."""

from __future__ import annotations

from typing import Annotated

from vidflow.api import NodeError, Prompt, Run, Text, Words, node

_CAMERA, _MOTION, _LIGHTING, _STYLE = Words("camera"), Words("motion"), Words("lighting"), Words("style")


@node(title="Build prompt", category="Generation")
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
    parts = (
        scene,
        _CAMERA.canonical(camera),
        _MOTION.canonical(motion),
        motion_details,
        _LIGHTING.canonical(lighting),
        _STYLE.canonical(style),
        suffix,
    )
    text = ", ".join([part.strip() for part in parts if part.strip()])
    if not text:
        raise NodeError("every part of the prompt is empty; say in scene what is to be seen.")
    run.note(f"The prompt is: {text}")
    negative = negative.strip()
    if negative:
        run.note(f"The negative prompt is: {negative}")
    return Prompt(text, negative)
