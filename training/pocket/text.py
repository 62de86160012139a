"""The tokenizer of the small video model: the words that its captions are made of, in both languages."""

from __future__ import annotations

import re
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from training.world import words

LENGTH = 128
"""What prompts are padded to: LTX's pipelines do, and its text encoder sees it."""
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
