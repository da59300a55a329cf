"""Tokenized splits: integers in an Arrow file, made once for a tokenizer and a length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from compressor.data.preparation import quiet_datasets
from compressor.processes import first
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["column_of", "examples_of", "lengths_of", "tokenize_split"]


def tokenize_split(
    dataset: Dataset,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    cache: Path,
    names: Sequence[str] = (),
) -> Dataset:
    """Features, `labels`, `length`, `example_id` and `row_id` (0, 1, ...) of every row, memory-mapped; the texts are
    left out. A long example may be several rows. `names` are those of the model's outputs.

    The file lies in the folder `cache`, under a name made of the split, the tokenizer and the length, and is used
    again when it is there: a resumed training doesn't tokenize anew.

    Raises:
        DataError: `max_length` is more than the model takes.
    """
    cache.mkdir(parents=True, exist_ok=True)
    name = _fingerprint(dataset, task, tokenizer, max_length, names)
    with quiet_datasets():
        rows = first(
            lambda: dataset.map(
                lambda columns: task.tokenize(tokenizer, columns, max_length, names),
                batched=True,
                remove_columns=dataset.column_names,
                cache_file_name=str(cache / f"{name}.arrow"),
                load_from_cache_file=True,
                new_fingerprint=name,
            )
        )
        return rows.add_column("row_id", np.arange(len(rows)), new_fingerprint=f"{name}-rows")


def lengths_of(rows: Dataset) -> npt.NDArray[np.int32]:
    """Tokens of each row of tokenized splits [rows]."""
    return column_of(rows, "length").astype(np.int32)


def examples_of(rows: Dataset) -> npt.NDArray[np.int64]:
    """Number of the example that each row of tokenized splits is of [rows]: those of one example lie together."""
    return column_of(rows, "example_id")


def column_of(rows: Dataset, name: str) -> npt.NDArray[Any]:
    """A column of numbers of tokenized splits [rows].

    Read from the Arrow table: `rows["length"]` makes Python numbers, 11 seconds for a million rows.
    """
    found: npt.NDArray[Any] = rows.data.column(name).to_numpy()
    return found if rows._indices is None else found[rows._indices.column(0).to_numpy()]


def _fingerprint(dataset: Dataset, task: Task, tokenizer: Any, max_length: int, names: Sequence[str]) -> str:
    """Truncation and padding are settings of the call that last used the tokenizer, so they don't count."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    settings = {key: value for key, value in backend.items() if key not in ("truncation", "padding")}
    said = json.dumps([dataset._fingerprint, task.name, tokenizer.model_input_names, settings, max_length, *names])
    return blake2b(said.encode(), digest_size=16).hexdigest()
