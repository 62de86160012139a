"""How well pictures fit a text, by a model with CLIP's two encoders (Radford et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidflow.models.loading import loaded
from vidflow.models.sampling import Teller
from vidflow.values import Model

PARTS = ("model", "tokenizer", "image_processor")


def cosines(
    model: Model, text: str, frames: Sequence[NDArray[np.uint8]], device: str, tell: Teller
) -> NDArray[np.float32]:
    """The cosine between the text (cut where it is too long) and each frame `[height, width, 3]`. Raises ModelError."""
    with loaded(model, PARTS, device, tell) as parts, torch.inference_mode():
        clip: Any = parts["model"]
        words = parts["tokenizer"](
            [text],
            padding=True,
            truncation=True,
            max_length=clip.config.text_config.max_position_embeddings,
            return_tensors="pt",
        )
        pictures = parts["image_processor"](images=list(frames), return_tensors="pt")["pixel_values"]
        found = clip(
            input_ids=words["input_ids"].to(clip.device),
            attention_mask=words["attention_mask"].to(clip.device),
            pixel_values=pictures.to(clip.device, clip.dtype),
        )
        return (found.image_embeds.float() @ found.text_embeds.float().T)[:, 0].cpu().numpy()
