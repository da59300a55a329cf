"""Words drawn from a masked language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compressor.data.augment.masked_model import MaskedModel
from compressor.data.corpus import Corpus
from compressor.errors import SourceError, StageError
from tests import tiny

NOTHING = Corpus((), (), np.empty(0))


@pytest.fixture(scope="module")
def masked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked language model that expects `good` and `dull` everywhere."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("masked")
    torch.manual_seed(0)
    words = len(tiny.VOCABULARY)
    config = BertConfig(
        vocab_size=words, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = BertForMaskedLM(config)
    with torch.no_grad():
        for word, expected in {"good": 30.0, "dull": 29.0, "##a": 60.0, "w1": 60.0, "[SEP]": 60.0}.items():
            model.cls.predictions.bias[tiny.VOCABULARY.index(word)] = expected
    model.save_pretrained(folder)
    return tiny.write_tokenizer(folder)


def change(folder: Path, texts: list[str], seed: int = 0, **options: float) -> list[str]:
    section = MaskedModel.model_validate({"kind": "masked-model", "model": "some/model", **options})
    randoms = [np.random.default_rng([seed, number]) for number in range(len(texts))]
    return section.build(folder)(texts, randoms, NOTHING)


def test_words_become_likely_whole_words_and_marks_stay(masked_folder: Path) -> None:
    found = change(masked_folder, ["The film, THE (plot)!"] * 40, share=1, top_k=2)
    words = {tuple(text.replace(",", "").replace("(", "").replace(")", "").rstrip("!").split()) for text in found}
    assert {word for text in words for word in text} == {"Good", "Dull", "good", "dull", "GOOD", "DULL"}
    assert all(text[0][0].isupper() and text[2].isupper() for text in words)
    assert {(text[-1], text.count(","), text.count("(")) for text in found} == {("!", 1, 1)}


def test_a_text_does_not_depend_on_those_beside_it(masked_folder: Path) -> None:
    texts = [f"the film w{number} was a story" for number in range(40)]
    whole = change(masked_folder, texts, share=0.5)
    assert change(masked_folder, texts[:7], share=0.5) == whole[:7]
    assert change(masked_folder, texts, seed=1, share=0.5) != whole


def test_no_share_and_masks_of_the_text_itself_change_nothing(masked_folder: Path) -> None:
    assert change(masked_folder, ["a [MASK] film", "of the"], share=0) == ["a [MASK] film", "of the"]
    (text,) = change(masked_folder, ["[MASK] film"], share=1, top_k=1)
    assert text.split()[1] == "good"


def test_words_beyond_what_the_model_takes_stay(masked_folder: Path) -> None:
    (text,) = change(masked_folder, ["film " * 100], share=1, top_k=1)
    words = text.split()
    assert len(words) == 100
    assert words[:62] == ["good"] * 62 and set(words[62:]) == {"film"}  # 64 tokens with [CLS] and [SEP]


def test_a_model_that_fills_no_masks_is_refused(encoder_folder: Path, decoder_folder: Path) -> None:
    with pytest.raises(SourceError, match="not a masked language model: it lacks cls"):
        change(encoder_folder, ["a film"])
    with pytest.raises(SourceError):
        change(decoder_folder, ["a film"])
    with pytest.raises(StageError, match="some/model"):
        MaskedModel.model_validate({"kind": "masked-model", "model": "some/model"}).build(None)
