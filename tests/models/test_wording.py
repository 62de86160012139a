"""Words of a prompt that a model does not know are told."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from vidflow.models.wording import unknown


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    pieces = ["<unk>", "a", "red", "ball", "on", "the", "o", "赤い", "で", ","]
    made = Tokenizer(models.Unigram([(piece, -float(len(piece) < 2)) for piece in pieces], unk_id=0))
    made.normalizer = normalizers.Lowercase()  # type: ignore[assignment]
    made.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("A red ball on the ball", ()),
        ("a Zebra on the red piano, a zebra", ("Zebra", "piano", "zebra")),
        ("ballet", ("ballet",)),
        # Pieces that it has are all of it, so nothing tells that it was never learned: ball, o, on.
        ("balloon", ()),
        ("five o'clock", ("five", "o'clock")),
        ("赤い空で", ("空",)),
        ("a 🎈", ("🎈",)),
        ("", ()),
        (" \n", ()),
    ],
)
def test_words_that_are_no_pieces_are_found_once(
    tokenizer: PreTrainedTokenizerFast, said: str, words: tuple[str, ...]
) -> None:
    assert unknown(tokenizer, said) == words


def test_a_tokenizer_that_knows_all_has_none() -> None:
    made = Tokenizer(models.BPE({"a": 0}, []))
    assert unknown(PreTrainedTokenizerFast(tokenizer_object=made), "zebra") == ()
