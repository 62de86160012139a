"""CLIP and models in its layout: two encoders that place pictures and texts in one space. They make nothing."""

from __future__ import annotations

from vidflow.models.family import Family


class Clip(Family):
    """Models that `transformers` loads as CLIPModel."""

    name = "clip"
    title = "CLIP"
    pipelines = {}
    saved_as = frozenset({"CLIPModel"})
    prompted = False
    loras = False


FAMILY = Clip()
