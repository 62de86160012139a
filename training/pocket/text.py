"""The tokenizer of the small video model: the words that its captions are made of, in both languages."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from training.world import words

LENGTH = 128
"""What prompts are padded to: LTX's pipelines do, and its text encoder sees it."""
LONGEST = 56
"""Pieces of a caption that is trained on."""
_SPELLED, _STRANGE = 0.1, 0.15
"""Shares of captions: Japanese sign by sign; with unknown words put in."""
_PIECE, _SIGN = -2.0, -8.0
"""Scores: of what is longer fewer are needed, so that it is taken where it fits."""


def tokenizer(spelled: bool = False) -> Any:
    """One piece for each English word and each Japanese phrase, and for each Japanese sign: others, in a row, are one
    unknown piece. With `spelled`, the same but that Japanese phrases are taken sign by sign, as those are that are not
    of these words."""
    said = " ".join(words.phrases()).lower()
    pieces = sorted(set(re.findall(r"\w+|[^\w\s]", said)))
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    signs = sorted({sign for sign in said if japanese.match(sign)} - set(pieces))
    scores = dict.fromkeys(pieces, _PIECE)
    if spelled:
        scores |= {piece: 2 * _SIGN * len(piece) for piece in pieces if len(piece) > 1 and japanese.search(piece)}
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scores.items(), *((sign, _SIGN) for sign in signs)]
    found = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    # Only their setters are not typed.
    backend: Any = found
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=found, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=LENGTH
    )


class Pieces:
    """The pieces of captions, as they are trained on: some are spelled, some have words that nobody knows."""

    def __init__(self) -> None:
        self._plain, self._spelled = _tokenizers()

    def __call__(self, said: str, rng: np.random.Generator) -> list[int]:
        """Of a caption."""
        tokenizer = self._spelled if rng.random() < _SPELLED else self._plain
        found: list[int] = tokenizer(said).input_ids
        if len(found) > LONGEST:
            found = self._plain(said).input_ids
        if said and rng.random() < _STRANGE:
            for _ in range(rng.integers(1, 4)):
                found.insert(int(rng.integers(len(found))), tokenizer.unk_token_id)
        return cut(found, LONGEST)


@cache
def _tokenizers() -> tuple[Any, Any]:
    return tokenizer(), tokenizer(spelled=True)


def cut(pieces: list[int], length: int) -> list[int]:
    """Those of a caption, with its end, however long it is."""
    return pieces if len(pieces) <= length else pieces[: length - 1] + pieces[-1:]


def rows(pieces: list[list[int]], length: int = LENGTH) -> Tensor:
    """Captions padded to a length."""
    found = torch.zeros(len(pieces), length, dtype=torch.int64)
    for row, some in zip(found, pieces, strict=True):
        row[: len(some)] = torch.tensor(some)
    return found
