"""What a task means for training. Everything that differs between tasks sits behind `Task`; nothing else asks which
task it is. What a deployed model needs of a task too is in `runtime/tasks/`, and used from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from compressor.events import Events, Silent
from compressor.runtime.tasks import Encoded, Example, RuntimeTask
from compressor.runtime.tasks.base import NO_OPTIONS
from compressor.task_specs import OutputSpec, TaskSpec
from compressor.tasks.alignment import ABSENT, Placed, Places, take_by_beginning
from compressor.tasks.models.checkpoint import encoder_of

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["ABSENT", "IGNORED", "Collator", "Features", "NewHead", "Supervised", "Task"]

Collator = Callable[[list[dict[str, Any]]], dict[str, "torch.Tensor"]]
"""Pads a list of tokenized rows into one batch of tensors."""

Features = dict[str, list[Any]]
"""Columns of tokenized rows: the model's inputs, `length`, and `labels` and `example_id` where they are known."""

NewHead = Literal["if-needed", "never"]

IGNORED = -100
"""The label of a token that isn't supervised, and of an example that has none."""


@dataclass(frozen=True)
class Supervised:
    """What objectives compare of one output: padding and ignored positions are gone.

    For a classifier a row is an example; for a tagger it is a word; for question answering it is an example again, and
    the classes are its tokens.
    """

    likelihood: Literal["categorical", "bernoulli", "value", "vector"]
    """What the last dimension means, as in `OutputSpec`."""
    student: torch.Tensor
    """Student outputs [rows, classes], in fp32."""
    labels: torch.Tensor | None
    """Label of each row: [rows] for classes, [rows, classes] for numbers and yes-or-no; None where there is none."""
    teacher: torch.Tensor | None = None
    """Teacher outputs [rows, classes], where the teacher was asked."""


class Task(ABC):
    """Loading, features and supervision of one task."""

    runtime: ClassVar[RuntimeTask]

    @property
    def spec(self) -> TaskSpec:
        """What the task is in words."""
        return self.runtime.spec

    @property
    def name(self) -> str:
        """As recipes spell it."""
        return self.spec.name

    @abstractmethod
    def load_model(
        self,
        folder: Path,
        labels: Sequence[str] | None,
        *,
        new_head: NewHead = "if-needed",
        trust_remote_code: bool = False,
        events: Events = Silent(),  # noqa: B008  # stateless
    ) -> PreTrainedModel:
        """Load a checkpoint (fp32, eval mode) whose outputs are named `labels`, in their order; None takes a finished
        model as it stands.

        `new_head`: "if-needed" is for a model about to be trained: a head that is missing or answers other labels is
        drawn afresh, from torch's global generator (seed it first), and `events` is told. "never" is for a model
        that must answer as it stands (a finished teacher, an export). A head with the same labels in another order
        is reordered; one with names like LABEL_0 is taken to be in the order of `labels`.

        Raises:
            DataError: "never", and the model's labels are not `labels`.
            SourceError: the folder can't be loaded, lacks weights, or, with "never", lacks the head.
            UnsafeSource: it comes as Python code or as a pickle.
        """

    def tokenize(
        self,
        tokenizer: PreTrainedTokenizerBase,
        columns: Mapping[str, Sequence[Any]],
        max_length: int,
        names: Sequence[str] = (),
    ) -> Features:
        """Rows of tokens, unpadded, for a batch of a prepared split's columns, encoded as a bundle encodes them.

        `names` are those of the model's outputs, which labels are numbers of.

        Raises:
            DataError: `max_length` is more than the model takes.
        """
        encoded = self.runtime.encode(encoder_of(tokenizer, max_length), _examples(columns))
        owners = encoded.example_of_row.tolist()
        found: Features = {
            "input_ids": [row.ids for row in encoded.rows],
            "attention_mask": [[1] * len(row) for row in encoded.rows],
            "token_type_ids": [row.type_ids for row in encoded.rows],
            "length": [len(row) for row in encoded.rows],
            **self.features(encoded),
        }
        if self.spec.target_role in columns:
            found["labels"] = self.labels(encoded, list(columns[self.spec.target_role]), names)
        if "example_id" in columns:
            found["example_id"] = [columns["example_id"][owner] for owner in owners]
        return found

    def labels(self, encoded: Encoded, targets: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """The label of every row, from the targets of the examples; by default the example's own. `names` are those
        of the model's outputs. A target of None is that of a text that only a teacher labels."""
        own = (targets[owner] for owner in encoded.example_of_row.tolist())
        return [self.no_label(names) if target is None else target for target in own]

    def no_label(self, names: Sequence[str]) -> Any:
        """The label of a row that has none, which losses against labels leave out: `IGNORED` for a class, NaN for
        each number or yes-or-no."""
        if self.spec.outputs[0].likelihood == "categorical":
            return IGNORED
        return [float("nan")] * len(names)

    def features(self, encoded: Encoded) -> Features:
        """Columns of the tokenized rows that `reduce` and `supervised` need beside the model's inputs: numbers, one
        or several a row. By default there are none."""
        return {}

    def training(self, model: PreTrainedModel, rows: Dataset) -> AbstractContextManager[None]:
        """What holds while a model is trained on these tokenized rows, and is undone before it is saved; by default
        nothing."""
        return nullcontext()

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Collator:
        """What pads rows into a batch."""
        from compressor.tasks.models.collate import collator

        return collator(tokenizer, labels_per_token=any(output.per_token for output in self.spec.outputs))

    def options(self, model: PreTrainedModel) -> dict[str, Any]:
        """Options of answering that belong to a loaded model; they are written beside it. By default there are none."""
        return {}

    def choose(self, model: PreTrainedModel, answers: Mapping[str, Any]) -> None:  # noqa: B027  # most have no choice
        """Have a loaded model answer as `student.answers` of a recipe says; `options` then tells it. By default there
        is nothing to choose."""

    def rows_together(self, dataset: Dataset, *, whole_examples: bool = False) -> int:
        """How many rows of a tokenized split, one behind the other, must be in one batch; by default each may go its
        own way.

        Args:
            whole_examples: whether what the student is trained on compares the texts of an example.
        """
        return 1

    def reduce(
        self,
        outputs: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, torch.Tensor]:
        """What of a model's raw outputs is compared and kept, in fp32: the same as `RuntimeTask.reduce`, in torch.

        By default an output a text [batch, ...] as it is, and of an output a token [batch, sequence, ...] the tokens
        that have a label, behind each other [positions, ...].
        """
        return {
            spec.name: (
                outputs[spec.name][batch["labels"] != IGNORED] if spec.per_token else outputs[spec.name]
            ).float()
            for spec in self.spec.outputs
        }

    def counts(self, output: OutputSpec, dataset: Dataset) -> npt.NDArray[np.int64] | None:
        """How many values `reduce` keeps of each row of a tokenized split [rows]; None where it keeps one a row."""
        if not output.per_token:
            return None
        return np.array([sum(label != IGNORED for label in labels) for labels in dataset["labels"]], dtype=np.int64)

    def pieces(
        self, output: OutputSpec, values: npt.NDArray[Any], counts: npt.NDArray[np.int64] | None
    ) -> list[npt.NDArray[Any]]:
        """Reduced outputs of some rows, taken apart into one array a row; `counts` are those of these rows."""
        return list(values) if counts is None else np.split(values, np.cumsum(counts)[:-1])

    def join(self, rows: Mapping[str, Sequence[npt.NDArray[Any]]]) -> dict[str, torch.Tensor]:
        """Stored outputs of the rows of a batch, as `reduce` gives them."""
        import torch

        per_token = {spec.name: spec.per_token for spec in self.spec.outputs}
        return {
            name: torch.from_numpy(np.concatenate(arrays) if per_token.get(name) else np.stack(arrays)).float()
            for name, arrays in rows.items()
        }

    def places(self, encoded: Encoded) -> list[Places] | None:
        """Which characters of its text each value stands for that `reduce` keeps of a row, for every row; None where
        it keeps one a row, or where that isn't known."""
        return None

    def align(self, output: OutputSpec, teacher: Sequence[Placed], places: Places) -> npt.NDArray[Any]:
        """What a teacher with another tokenizer says of one row of the student's, a value for each of `places`; NaN
        where it says nothing, which the student is then not taught. By default positions that begin at the same
        character are one.

        Args:
            teacher: what it says of the rows of the same example.
        """
        return take_by_beginning(teacher, places)

    def supervised(
        self,
        student: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        teacher: Mapping[str, torch.Tensor] | None = None,
    ) -> list[Supervised]:
        """What objectives compare, one entry an output, from reduced outputs."""
        found = []
        for spec in self.spec.outputs:
            labels = batch.get("labels")
            if spec.per_token and labels is not None:
                labels = labels[labels != IGNORED]
            theirs = None if teacher is None else teacher[spec.name].to(student[spec.name].device).float()
            found.append(Supervised(spec.likelihood, student[spec.name], labels, theirs))
        return found


def _examples(columns: Mapping[str, Sequence[Any]]) -> list[Example]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
