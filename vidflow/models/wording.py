"""What of a prompt a model's tokenizer has no piece for."""

from __future__ import annotations

import re
from typing import Any

_WORD = re.compile(r"[A-Za-z0-9]+(?:['’-][A-Za-z0-9]+)*")


def unknown(tokenizer: Any, text: str) -> tuple[str, ...]:
    """The words (or signs, in scripts that do not part words) of a text that are none of a tokenizer's, each once."""
    piece = tokenizer.unk_token_id
    if piece is None or not tokenizer.is_fast or not text.strip():
        return ()
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    words = [match.span() for match in _WORD.finditer(text)]
    spans: dict[str, None] = {}
    for number, (start, end) in zip(found["input_ids"], found["offset_mapping"], strict=True):
        if number == piece:
            whole = next((word for word in words if word[0] <= start < word[1]), (start, end))
            spans[text[slice(*whole)]] = None
    return tuple(word for word in spans if word.strip())
