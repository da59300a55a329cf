"""The limits that docs/security.md states are those that hold."""

from __future__ import annotations

import re

import pytest

from compressor import json_file
from compressor.data import compression, conll, labels, slices, squad
from compressor.data.targets import tags
from compressor.provenance import keys
from compressor.recipe import load, tree
from compressor.runtime import encoder, manifest
from compressor.sources import archive, model_config
from compressor.sources import license as licences
from tests.command import ROOT


def size(count: int) -> str:
    """1 MiB."""
    unit, shift = next((unit, shift) for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)) if count >= 1 << shift)
    assert count % (1 << shift) == 0
    return f"{count >> shift} {unit}"


def of_model(*names: str) -> list[str]:
    """By a name that `config.json` has for each."""
    most = {name: limit.most for limit in model_config._LIMITS for name in limit.names}
    return [f"{most[name]:,}" for name in names]


LIMITS: dict[str, list[str]] = {
    "a recipe's file": [size(load._MOST_BYTES), f"{tree._MOST_VALUES:,}", str(tree._DEEPEST)],
    "a JSON file of a model": [size(json_file.MAX_BYTES)],
    "lists and objects": [str(json_file.MAX_DEPTH), str(json_file.MAX_DIGITS)],
    "a row of data": [size(compression.MAX_ROW_BYTES)],
    "a line of a CoNLL file": [
        size(conll._LONGEST_LINE),
        f"{conll._LONGEST_SENTENCE:,}",
        size(squad._LONGEST_ARTICLE),
    ],
    "what a packed data file": [size(compression.MIN_BOMB_BYTES), f"{compression.MAX_RATIO} times"],
    "what a packed data file or an archive": [size(archive.MIN_BOMB_BYTES), f"{archive.MAX_RATIO} times"],
    "what a packed parquet": [size(compression.MIN_PARQUET_BOMB_BYTES), f"{compression.MAX_PARQUET_RATIO} times"],
    "different labels": [f"{labels.MOST_LABELS:,}; {labels.LONGEST_LABEL:,}"],
    "labels that a recipe": [f"{labels.MOST_NAMED:,}"],
    "different tags": [f"{tags._MOST_TAGS:,}"],
    "groups that a column": [str(slices.MOST_VALUES)],
    "labels of a model": [f"{model_config.MOST_LABELS:,}", *of_model("num_labels")],
    "tokens of a vocabulary": [f"{model_config.MOST_TOKENS:,}", f"{encoder._MOST_TOKENS:,}", *of_model("vocab_size")],
    "layers of a model": ["; ".join(of_model("num_hidden_layers", "num_attention_heads"))],
    "width of a model": ["; ".join(of_model("hidden_size", "intermediate_size"))],
    "positions of a model": ["; ".join(of_model("max_position_embeddings", "type_vocab_size"))],
    "`max_length`": [f"{manifest.MAX_LENGTH:,}"],
    "characters of a text": [str(encoder.CHARACTERS_A_TOKEN)],
    "a model card": [size(licences.MOST_BYTES), str(licences.LONGEST)],
    "a key file": [size(keys.MOST_BYTES), size(archive.MAX_METADATA_BYTES)],
}


@pytest.mark.parametrize(("begins", "told"), LIMITS.items(), ids=LIMITS)
def test_the_limit_is_the_one_that_is_stated(begins: str, told: list[str]) -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").split("## Limits", 1)[1]
    (row,) = re.findall(rf"^\| {re.escape(begins)}.*\|(.*)\|$", text, re.MULTILINE)
    assert all(one in row for one in told), (row, told)


def test_every_row_of_the_table_is_checked() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").split("## Limits", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (.*?) \|.*\|$", text, re.MULTILINE)
    unchecked = [row for row in rows[1:] if not any(row.startswith(begins) for begins in LIMITS)]
    assert rows and unchecked == []
