"""The texts that a student is trained on: the training split, and texts that only the teacher labels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset, concatenate_datasets

from compressor.data import column_of, examples_of, load_output_names, load_split, tokenize_split
from compressor.distill.alignment import Alignment
from compressor.distill.counterparts import Counterparts
from compressor.distill.outputs import kept_signals
from compressor.distill.signals import LOGITS, Signal
from compressor.errors import DataError
from compressor.runtime.outputs import Array, Ragged, read_outputs
from compressor.tasks.base import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["TEXTS", "WEIGHT", "Joined", "TextSource", "TransferSet"]

TEXTS = "texts"
"""Name of the split in a folder of texts without labels."""
WEIGHT = "weight"
"""Column of a training's rows: how often each is drawn in an epoch, on average, up to a factor."""


@dataclass(frozen=True)
class TextSource:
    """Texts without labels: a folder with the split `texts`."""

    name: str
    folder: Path
    outputs: Path | None = None
    """What `compute_outputs` wrote for them; None where the teacher runs beside the student."""
    chosen: Path | None = None
    """A file of numpy with the numbers of the texts that are used; None: all are."""
    inherits_weights: bool = True
    """Whether a copy of a training text weighs what that does; not where heavier texts were copied more often."""

    def numbers(self) -> npt.NDArray[np.int64] | None:
        """Those of the texts that are used; None: all are."""
        return None if self.chosen is None else np.load(self.chosen, allow_pickle=False)


@dataclass(frozen=True)
class TransferSet:
    """The texts of a training, and what the teacher said of them: Hinton 2015 (arXiv 1503.02531) calls this so."""

    data: Path
    """The folder of the prepared data."""
    outputs: Path | None = None
    """What `compute_outputs` wrote for it."""
    more: tuple[TextSource, ...] = ()
    """Further texts, which follow the training split."""
    weights: Path | None = None
    """A file of numpy with how often each text of the training split is drawn in an epoch, on average; None: once."""

    def rows(
        self,
        task: Task,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_length: int,
        cache: Path,
        whole_examples: bool = False,
    ) -> Dataset:
        """All training texts in a model's tokens, memory-mapped: see `tokenize_split`. `row_id` counts the rows through
        and `example_id` the texts. Where there are weights, `WEIGHT` has that of each row's text: of a copy that of its
        original, of other further texts 1.

        Args:
            whole_examples: see `Task.rows_together`.

        Raises:
            DataError: `max_length` is more than the model takes; or rows that belong together have been parted.
        """
        names = load_output_names(self.data, task)

        def tokens(split: Dataset) -> Dataset:
            return tokenize_split(split, task, tokenizer, max_length=max_length, cache=cache, names=names)

        weights = None if self.weights is None else np.load(self.weights, allow_pickle=False)
        labelled = _weighed(tokens(load_split(self.data, "train")), weights)
        if not self.more:
            return labelled
        parts, before = [labelled.remove_columns("row_id")], [0, len(load_split(self.data, "train"))]
        for source in self.more:
            texts, numbers = load_split(source.folder, TEXTS), source.numbers()
            inherited = None if weights is None else _of_originals(weights, texts, source.inherits_weights)
            part = _weighed(tokens(texts), inherited).select_columns(parts[0].column_names)
            if numbers is not None:
                part = part.select(_rows_of(numbers, len(part), len(texts)))
            if len(part) % task.rows_together(labelled, whole_examples=whole_examples):
                raise DataError(
                    f"The texts of data.{source.name} aren't pairs, as those of the training split are.",
                    hint="Name the column of the other text in its `columns`: text_pair.",
                )
            parts.append(part if part.features == parts[0].features else part.cast(parts[0].features))
            before.append(before[-1] + len(texts))
        examples = np.concatenate([examples_of(part) + first for part, first in zip(parts, before, strict=False)])
        rows = concatenate_datasets(parts).remove_columns("example_id")
        rows = rows.add_column("example_id", examples, new_fingerprint=f"{rows._fingerprint}-examples")
        return rows.add_column("row_id", np.arange(len(rows)), new_fingerprint=f"{rows._fingerprint}-rows")

    @property
    def is_labelled(self) -> bool:
        """Whether what the teacher says of every text is kept on disk."""
        return self.outputs is not None and all(source.outputs is not None for source in self.more)

    @property
    def signals(self) -> frozenset[Signal]:
        """What of the teacher is kept on disk for every text."""
        if self.outputs is None or not self.is_labelled:
            return frozenset()
        folders = [self.outputs / "train", *(source.outputs / TEXTS for source in self.more if source.outputs)]
        kept = [frozenset(kept_signals(read_outputs(folder, mapped=True))) for folder in folders]
        return frozenset({LOGITS}) | frozenset.intersection(*kept)

    def teacher_outputs(self, alignment: Alignment | None = None) -> dict[str, Sequence[Array]]:
        """Output name -> what the teacher says of every text, in the order of `rows`, left on disk.

        Args:
            alignment: of its tokens and those of `rows`, where they come from another tokenizer.
        """
        if self.outputs is None:
            return {}

        def read(split: Dataset, folder: Path) -> dict[str, Ragged]:
            return read_outputs(folder, mapped=True) if alignment is None else alignment.read(split, folder)

        parts: list[dict[str, Sequence[Array]]] = [dict(read(load_split(self.data, "train"), self.outputs / "train"))]
        for source in self.more:
            if source.outputs is None:
                continue
            split, numbers = load_split(source.folder, TEXTS), source.numbers()
            found = read(split, source.outputs / TEXTS)
            parts.append({name: _chosen(ragged, numbers, len(split)) for name, ragged in found.items()})
        everywhere = [name for name in parts[0] if all(name in part for part in parts)]
        return {name: Joined([part[name] for part in parts]) for name in everywhere}

    def counterparts(self, counterparts: Counterparts) -> Sequence[Array]:
        """Which token of the teacher stands for each of the student's, of every text, in the order of `rows`."""
        parts: list[Sequence[Array]] = [counterparts.of(load_split(self.data, "train"))]
        for source in self.more:
            split = load_split(source.folder, TEXTS)
            parts.append(_chosen(counterparts.of(split), source.numbers(), len(split)))
        return Joined(parts)


class Chosen(Sequence[Array]):
    """Some rows of a sequence."""

    def __init__(self, rows: Ragged, numbers: npt.NDArray[np.int64]) -> None:
        self._rows = rows
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row: Any) -> Any:
        return self._rows[self._numbers[row]]


class Joined(Sequence[Array]):
    """Several sequences of rows as one."""

    def __init__(self, parts: Sequence[Sequence[Array]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, row: Any) -> Any:
        place = bisect_right(self._ends, row)
        return self._parts[place][row - (self._ends[place - 1] if place else 0)]

    def __iter__(self) -> Iterator[Array]:
        for part in self._parts:
            yield from part


def _chosen(ragged: Ragged, numbers: npt.NDArray[np.int64] | None, texts: int) -> Sequence[Array]:
    """The rows of these of so many texts; all where `numbers` is None."""
    return ragged if numbers is None else Chosen(ragged, _rows_of(numbers, len(ragged), texts))


def _rows_of(texts: npt.NDArray[np.int64], rows: int, count: int) -> npt.NDArray[np.int64]:
    """Rows of these texts, where each text is as many rows as any other.

    Raises:
        DataError: they aren't: long texts are parted.
    """
    if rows % count:
        raise DataError(
            "Texts that are several rows each can't be chosen from.", hint="Leave `select` out, or cut the texts."
        )
    each = rows // count
    return (texts[:, None] * each + np.arange(each)).reshape(-1)


def _weighed(rows: Dataset, weights: npt.NDArray[np.float64] | None) -> Dataset:
    """Rows with the weights of their texts, where there are some.

    Args:
        weights: by `example_id` [texts].
    """
    if weights is None:
        return rows
    found = weights[column_of(rows, "example_id")]
    return rows.add_column(WEIGHT, found, new_fingerprint=f"{rows._fingerprint}-weighed")


def _of_originals(weights: npt.NDArray[np.float64], texts: Dataset, inherits: bool) -> npt.NDArray[np.float64]:
    """For each of some made texts the weight of the training text that it was made of; 1 where there is none, and where
    it doesn't inherit one."""
    found = np.ones(len(texts))
    if not inherits:
        return found
    parents = texts.data.column("parent").to_numpy()  # floats where some are missing
    copies = np.flatnonzero(~np.isnan(parents))
    found[copies] = weights[parents[copies].astype(np.int64)]
    return found
