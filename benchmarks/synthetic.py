"""Made-up texts of any number, and small models that read them: the same bytes every time, nothing downloaded."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

LABELS = ("rotten", "fresh")
MEAN_WORDS, FEWEST_WORDS, MOST_WORDS = 20, 4, 60
REPEATED = 50
"""One text in so many is one of those before it, so that there is something to find."""
_ROWS = 10_000
"""Texts in memory at a time."""
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def words() -> list[str]:
    """4,900 words of two syllables."""
    return [first + second for first in _SYLLABLES for second in _SYLLABLES]


def texts(count: int, *, seed: int = 0) -> Iterator[tuple[str, str]]:
    """`count` texts with a label each. Words are drawn as often as their rank says (Zipf's law), lengths are
    log-normal, as those of reviews are."""
    vocabulary = np.array(words(), dtype=object)
    shares = np.cumsum(1 / np.arange(1, len(vocabulary) + 1))
    for block, start in enumerate(range(0, count, _ROWS)):
        random = np.random.default_rng([seed, block])
        rows = min(_ROWS, count - start)
        lengths = random.lognormal(np.log(MEAN_WORDS), 0.5, rows).astype(int).clip(FEWEST_WORDS, MOST_WORDS)
        drawn = vocabulary[np.searchsorted(shares, random.random(lengths.sum()) * shares[-1])]
        made = [" ".join(part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]
        labels = random.integers(len(LABELS), size=rows).tolist()
        for row in range(REPEATED, rows, REPEATED):
            made[row] = made[int(random.integers(row))]
        yield from ((text, LABELS[label]) for text, label in zip(made, labels, strict=True))


def write_texts(path: Path, count: int, *, seed: int = 0) -> Path:
    """A csv.gz file with the columns `text` and `label`, written as a stream."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(texts(count, seed=seed))
    return path


def write_model(folder: Path, *, layers: int, hidden: int, labels: bool) -> Path:
    """A BERT with random weights that knows these words: with a head for the labels, else the bare encoder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    vocabulary = [*_SPECIAL, *words()]
    torch.manual_seed(0)
    names: dict[str, Any] = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 32),
        intermediate_size=4 * hidden,
        max_position_embeddings=128,
        **(names if labels else {}),
    )
    (BertForSequenceClassification(config) if labels else BertModel(config)).save_pretrained(folder)
    _write_tokenizer(folder, vocabulary)
    return folder


def _write_tokenizer(folder: Path, vocabulary: list[str]) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=128,
    ).save_pretrained(folder)
