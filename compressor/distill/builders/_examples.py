"""Training texts, for builders that measure on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import RecipeError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from compressor.distill.builders.base import Checkpoint
    from compressor.distill.signals import Batch
    from compressor.tasks.base import Task

__all__ = ["example_batches", "loss_of", "needed", "token_counts", "training_texts"]

_BATCH = 32
_MAX_LENGTH = 128
"""Tokens of a row: enough to measure on, whatever the model takes."""


def needed(data: Path | None, kind: str) -> Path:
    """The folder of the prepared data.

    Raises:
        RecipeError: the recipe has none.
    """
    if data is None:
        raise RecipeError(f"The builder {kind} looks at training texts.", hint="Add a `data` section to the recipe.")
    return data


def training_texts(data: Path, task: Task) -> Iterator[list[str]]:
    """All texts of the training split, a thousand rows at a time, each text column for itself."""
    from compressor.data import load_split

    split = load_split(data, "train")
    for start in range(0, len(split), 1000):
        rows = split[start : start + 1000]
        for role in task.spec.text_roles:
            if role in rows:
                yield rows[role]


def token_counts(
    tokenizer: PreTrainedTokenizerBase, batches: Iterable[list[str]], *, special: bool = False
) -> dict[int, int]:
    """How often each token occurs in whole texts, by its id; `special` counts those that the tokenizer adds too."""
    from collections import Counter

    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    found: Counter[int] = Counter()
    for texts in batches:
        for encoding in backend.encode_batch(texts, add_special_tokens=special):
            found.update(encoding.ids)
    return found


def example_batches(checkpoint: Checkpoint, data: Path, task: Task, examples: int) -> list[Batch]:
    """Padded batches of up to so many training examples, taken evenly from the whole split."""
    import numpy as np

    from compressor.data import load_output_names, load_split

    split = load_split(data, "train")
    chosen = np.unique(np.linspace(0, len(split) - 1, min(examples, len(split))).round().astype(int))
    columns = task.tokenize(
        checkpoint.tokenizer,
        split[chosen.tolist()],
        min(_MAX_LENGTH, checkpoint.tokenizer.model_max_length, _positions(checkpoint.model)),
        load_output_names(data, task),
    )
    columns["row_id"] = list(range(len(columns["input_ids"])))
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    collate = task.collator(checkpoint.tokenizer)
    return [collate(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH)]


def loss_of(model: PreTrainedModel, task: Task, batch: Batch) -> torch.Tensor:
    """The task's loss on a batch; without labels, the sum of its outputs under random signs.

    The square of a derivative of that sum is, on average over signs, the squared change of all outputs together, and
    that also tells something where outputs are vectors of length 1. The signs are torch's, so seed it first.
    """
    import torch

    from compressor.distill.likelihood import LIKELIHOODS
    from compressor.distill.outputs import model_inputs

    reduced = task.reduce(model(**model_inputs(model, batch)), batch, task.options(model))
    total = torch.zeros(())
    for part in task.supervised(reduced, batch):
        if part.labels is None:
            signs = torch.randint(0, 2, part.student.shape) * 2 - 1
            total = total + (part.student * signs).sum()
        else:
            total = total + LIKELIHOODS[part.likelihood].loss(part.student, part.labels)
    return total


def _positions(model: PreTrainedModel) -> int:
    """Tokens that the model has positions for."""
    limits: list[Any] = [_MAX_LENGTH]
    for name, table in model.named_modules():
        if name.endswith(("position_embeddings", "wpe")) and hasattr(table, "num_embeddings"):
            # RoBERTa and its like count positions from the padding token.
            limits.append(table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1))
    return int(min(limits))
