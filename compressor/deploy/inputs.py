"""Model inputs made from texts, for tracing and for parity."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from compressor.tasks.base import Task

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["BATCH_SIZES", "Inputs", "input_names"]

BATCH_SIZES = (1, 3, 8)
_SHORT = 6
"""Tokens: fewer than nearly any text has, so rows are cut rather than padded."""
_TRACED = (3, 16)
"""Shape [batch, sequence] of the traced inputs: unlike each other, and neither 0 nor 1, which tracing would fix."""


def input_names(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """What the tokenizer gives and the model takes: `token_type_ids` only where the model has them."""
    taken = inspect.signature(model.forward).parameters
    return [name for name in tokenizer.model_input_names if name in taken]


class Inputs:
    """Batches of token ids [batch, sequence] from rows of texts."""

    def __init__(
        self,
        task: Task,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Mapping[str, str]],
        *,
        max_length: int,
        names: Sequence[str],
    ) -> None:
        self._task, self._tokenizer, self._rows = task, tokenizer, rows
        self._max_length, self._names = max_length, names
        self._collate = task.collator(tokenizer)

    def traced(self) -> dict[str, torch.Tensor]:
        """One batch to trace the model with."""
        batch, sequence = _TRACED
        return self._encode([self._long(self._rows[0]), *self._take(1, batch - 1)], min(sequence, self._max_length))

    def compared(self) -> Iterator[dict[str, torch.Tensor]]:
        """Batches of 1, 3 and 8 rows: cut short, at natural length, and with one row of `max_length` tokens.

        The last kind pads all other rows, so that a mask that is wrong shows.
        """
        start = 0
        for batch in BATCH_SIZES:
            rows = self._take(start, batch)
            start += batch
            yield self._encode(rows, min(_SHORT, self._max_length))
            yield self._encode(rows, self._max_length)
            yield self._encode([self._long(rows[0]), *rows[1:]], self._max_length)

    def _take(self, start: int, count: int) -> list[Mapping[str, str]]:
        return [self._rows[(start + i) % len(self._rows)] for i in range(count)]

    def _long(self, row: Mapping[str, str]) -> dict[str, str]:
        """The same texts, repeated until they have `max_length` tokens or more."""
        return {
            role: " ".join([text] * (1 + self._max_length // max(1, len(text.split())))) for role, text in row.items()
        }

    def _encode(self, rows: Sequence[Mapping[str, str]], max_length: int) -> dict[str, torch.Tensor]:
        columns = {role: [row[role] for row in rows] for role in rows[0]} | {"example_id": list(range(len(rows)))}
        features = self._task.tokenize(self._tokenizer, columns, max_length)
        # A long example may be several rows: the first of each serves.
        firsts = [features["example_id"].index(example) for example in range(len(rows))]
        batch = self._collate([{name: features[name][row] for name in self._names} for row in firsts])
        return {name: batch[name] for name in self._names}
