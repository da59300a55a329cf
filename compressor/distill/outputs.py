"""What the teacher computes: kept on disk once for every student, or computed beside the student as it trains."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from compressor.distill.counterparts import NONE, at_places, places_in_batch
from compressor.distill.mixup import Mixture, run_mixed
from compressor.distill.signals import COMPARED, LOGITS, POOLED, Batch, Signal, Signals, run_model
from compressor.errors import StageError
from compressor.runtime.outputs import Array
from compressor.tasks.base import Collator, Task

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

__all__ = [
    "ANSWERS",
    "CachedOutputs",
    "LiveOutputs",
    "PartlyCached",
    "TeacherOutputs",
    "assert_same_parts",
    "kept_signals",
    "model_inputs",
    "rows_of",
]


T = TypeVar("T")

ANSWERS = "answers.json"
"""Keys of the teacher's answers to a split, beside its outputs."""


class TeacherOutputs(ABC):
    """What the teacher says about a training batch, wherever that comes from."""

    provides: frozenset[Signal]
    """What it always has."""

    def lacks(self, wanted: frozenset[Signal]) -> frozenset[Signal]:
        """What of `wanted` it can't give."""
        return wanted - self.provides

    @abstractmethod
    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        """The wanted signals for the batch's rows, on the batch's device, without gradient."""

    def read_mixed(self, batch: Batch, mixture: Mixture) -> Mapping[str, torch.Tensor]:
        """The task's outputs for mixtures of the batch's texts: a teacher that runs live has them.

        Raises:
            StageError: it doesn't run.
        """
        raise StageError("The teacher's stored outputs say nothing of mixed texts.", hint="Run the teacher live.")


class CachedOutputs(TeacherOutputs):
    """The task's outputs on disk, memory-mapped: entry i belongs to the row of the split whose `row_id` is i; and what
    was kept beside them."""

    def __init__(self, outputs: Mapping[str, Sequence[Array]], *, task: Task, rows: Dataset) -> None:
        """
        Args:
            outputs: output name -> what the teacher says of each row: see `read_outputs`.
            rows: the split in the student's tokens.

        Raises:
            StageError: the outputs belong to other data, or teacher and student cut texts apart otherwise.
        """
        self._task = task
        self._outputs = {output.name: outputs[output.name] for output in task.spec.outputs}
        self._kept = kept_signals(outputs)
        self.provides = frozenset({LOGITS, *self._kept})
        for output in task.spec.outputs:
            stored, counts = self._outputs[output.name], task.counts(output, rows)
            if any(len(one) != len(rows) for one in (stored, *self._kept.values())):
                raise StageError(
                    f"The teacher's {output.name} are there for {len(stored):,} rows; the split has {len(rows):,}.",
                    hint="Compute the teacher's outputs again for this data, or give both models one tokenizer.",
                )
            if counts is not None and not np.array_equal([len(row) for row in stored], counts):
                raise _other_parts(output.name)

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        ids = batch["row_id"].cpu().tolist()
        stored = {name: [np.asarray(ragged[row]) for row in ids] for name, ragged in self._outputs.items()}
        device = batch["row_id"].device
        found: dict[Signal, Any] = {
            signal: torch.from_numpy(np.stack([kept[row] for row in ids])).to(device)
            for signal, kept in self._kept.items()
            if signal in wanted
        }
        return found | {LOGITS: {name: tensor.to(device) for name, tensor in self._task.join(stored).items()}}


def kept_signals(names: Mapping[str, T]) -> dict[Signal, T]:
    """Those that lie beside the task's outputs, by the names of their files."""
    return {signal: names[signal.file] for signal in POOLED.values() if signal.file in names}


def assert_same_parts(task: Task, teacher: Dataset, student: Dataset) -> None:
    """That outputs for the training split in the teacher's tokens compare with those in the student's.

    Raises:
        StageError: the two tokenizers cut texts apart otherwise, and the task compares outputs part by part.
    """
    for output in task.spec.outputs:
        theirs, counts = task.counts(output, teacher), task.counts(output, student)
        if theirs is None and counts is None and len(teacher) == len(student):
            continue
        if theirs is None or counts is None or not np.array_equal(theirs, counts):
            raise _other_parts(output.name)


def _other_parts(name: str) -> StageError:
    return StageError(
        f"The teacher's tokenizer cuts texts into other parts than the student's: its {name} can't be compared part by "
        "part.",
        hint="Take a student with the teacher's tokenizer, for example student.init: teacher.",
    )


class LiveOutputs(TeacherOutputs):
    """The teacher itself, in eval mode, asked about each batch as it comes.

    It isn't a module of anything, so no checkpoint holds it and no optimizer sees it.
    """

    provides = frozenset({LOGITS})

    def __init__(
        self,
        model: PreTrainedModel,
        task: Task,
        tokens: tuple[Dataset, Collator] | None = None,
        counterparts: Sequence[Array] | None = None,
    ) -> None:
        """
        Args:
            tokens: the training split in the teacher's own tokens, where they aren't the student's.
            counterparts: which of them stands for each of the student's tokens, where signals at tokens are wanted.
        """
        self._model = model.eval().requires_grad_(False)
        self._task = task
        self._tokens = tokens
        self._counterparts = counterparts

    def lacks(self, wanted: frozenset[Signal]) -> frozenset[Signal]:
        return frozenset()  # a model computes whatever can be captured from it

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        own = self._own(batch)
        with torch.no_grad():
            output, signals = run_model(self._model, model_inputs(self._model, own), wanted)
        found = dict(signals)
        if self._counterparts is not None:
            found |= self._in_place(signals, batch, own)
        if LOGITS in wanted:
            found[LOGITS] = self._task.reduce(output, own, self._task.options(self._model))
        return found

    def _in_place(self, signals: Signals, batch: Batch, own: Batch) -> dict[Signal, Any]:
        """Signals at tokens as if the teacher had those of the student, and which of these they are known for."""
        assert self._counterparts is not None
        rows = [self._counterparts[row] for row in batch["row_id"].tolist()]
        places = places_in_batch(rows, batch["attention_mask"], own["attention_mask"])
        moved = {signal: at_places(value, places) for signal, value in signals.items() if signal.per_token}
        return {**moved, COMPARED: places != NONE}

    def read_mixed(self, batch: Batch, mixture: Mixture) -> Mapping[str, torch.Tensor]:
        batch = self._own(batch)
        with torch.no_grad():
            output = run_mixed(self._model, model_inputs(self._model, batch), mixture)
        return self._task.reduce(output, batch, self._task.options(self._model))

    def _own(self, batch: Batch) -> Batch:
        """The batch in the teacher's tokens, and the teacher on the batch's device."""
        device = batch["row_id"].device
        self._model.to(device)
        if self._tokens is None:
            return batch
        dataset, collate = self._tokens
        rows = rows_of(dataset, batch["row_id"].tolist())
        return {name: tensor.to(device) for name, tensor in collate(rows).items()}


class PartlyCached(TeacherOutputs):
    """From disk what is kept there; all else from the teacher, which isn't asked where a batch needs nothing else."""

    def __init__(self, cached: CachedOutputs, live: LiveOutputs) -> None:
        self.provides = cached.provides
        self._cached = cached
        self._live = live

    def lacks(self, wanted: frozenset[Signal]) -> frozenset[Signal]:
        return self._live.lacks(wanted)

    def read(self, batch: Batch, wanted: frozenset[Signal]) -> Signals:
        kept = wanted & self._cached.provides
        stored = self._cached.read(batch, kept) if kept else {}
        return {**(self._live.read(batch, wanted - kept) if wanted - kept else {}), **stored}

    def read_mixed(self, batch: Batch, mixture: Mixture) -> Mapping[str, torch.Tensor]:
        return self._live.read_mixed(batch, mixture)


def model_inputs(model: PreTrainedModel, batch: Batch) -> dict[str, torch.Tensor]:
    """What of a batch the model takes: no labels (the loss is ours), no `token_type_ids` for a DistilBERT."""
    names = inspect.signature(model.forward).parameters
    return {name: tensor for name, tensor in batch.items() if name in names and name != "labels"}


def rows_of(dataset: Dataset, ids: list[int]) -> list[dict[str, Any]]:
    """Rows of a tokenized split, ready to be collated."""
    columns = dataset[ids]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
