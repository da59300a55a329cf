"""Tokenized splits: rows stay with their ids, and a resumed run finds them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datasets import concatenate_datasets

from compressor.data import examples_of, lengths_of, load_split, tokenize_split
from compressor.errors import DataError
from compressor.tasks import get_task, load_tokenizer
from tests.data.support import run


@pytest.fixture
def prepared(tmp_path: Path, reviews_csv: Path) -> Path:
    run(tmp_path / "data", reviews_csv)
    return tmp_path / "data"


def test_every_example_keeps_its_id_label_and_length(tmp_path: Path, prepared: Path, encoder_folder: Path) -> None:
    split, tokenizer = load_split(prepared, "validation"), load_tokenizer(encoder_folder)
    tokens = tokenize_split(split, get_task("text-classification"), tokenizer, max_length=8, cache=tmp_path / "tokens")
    assert set(tokens.column_names) == {
        "input_ids",
        "token_type_ids",
        "attention_mask",
        "labels",
        "length",
        "example_id",
        "row_id",
    }
    for row, token in zip(split, tokens, strict=True):
        assert token["input_ids"] == tokenizer(row["text"], truncation=True, max_length=8)["input_ids"]
        assert token["length"] == len(token["input_ids"]) <= 8
        assert (token["labels"], token["example_id"]) == (row["label"], row["example_id"])
    assert Path(tokens.cache_files[0]["filename"]).parent == tmp_path / "tokens"


def test_tokens_are_made_once_for_a_split_tokenizer_and_length(
    tmp_path: Path, prepared: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = get_task("text-classification")
    calls: list[int] = []
    original = type(task).tokenize

    def counted(*args: Any) -> Any:
        calls.append(1)
        return original(*args)

    monkeypatch.setattr(type(task), "tokenize", counted)

    def tokenize(split: str, max_length: int) -> bool:
        """Whether it had to work."""
        before = len(calls)
        tokenizer = load_tokenizer(encoder_folder)
        tokenize_split(load_split(prepared, split), task, tokenizer, max_length=max_length, cache=tmp_path / "tokens")
        return len(calls) > before

    assert tokenize("test", 8)
    assert not tokenize("test", 8)
    assert tokenize("test", 16)
    assert tokenize("validation", 8)
    assert not tokenize("test", 8)


def test_a_length_beyond_the_models_is_refused(tmp_path: Path, prepared: Path, encoder_folder: Path) -> None:
    with pytest.raises(DataError, match=r"max_length is 65, and the model takes at most 64"):
        tokenize_split(
            load_split(prepared, "test"),
            get_task("text-classification"),
            load_tokenizer(encoder_folder),
            max_length=65,
            cache=tmp_path / "tokens",
        )


def test_lengths_and_examples_are_those_of_the_rows_that_were_chosen(
    tmp_path: Path, prepared: Path, encoder_folder: Path
) -> None:
    split, tokenizer = load_split(prepared, "train"), load_tokenizer(encoder_folder)
    tokens = tokenize_split(split, get_task("text-classification"), tokenizer, max_length=32, cache=tmp_path / "tokens")
    joined = concatenate_datasets([tokens, tokens.select([5, 2, 9])])
    for rows in (tokens, tokens.select([5, 2, 9]), joined):
        assert lengths_of(rows).tolist() == list(rows["length"])
        assert examples_of(rows).tolist() == list(rows["example_id"])
