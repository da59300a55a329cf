"""What a task means. Everything that differs between tasks sits behind `Task`; nothing else asks which task it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from compressor.events import Events, Silent

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Collator", "FloatArray", "Roles", "Supervised", "Task"]

FloatArray = npt.NDArray[np.floating[Any]]
Collator = Callable[[list[dict[str, Any]]], dict[str, "torch.Tensor"]]
"""Pads a list of tokenized examples into one batch of tensors; further integer columns (`example_id`) come along."""


@dataclass(frozen=True)
class Roles:
    """Which columns a task reads: names of roles, mapped to columns by `data.columns`."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Supervised:
    """The positions that objectives compare, flattened: padding and ignored positions are gone.

    For a classifier a row is an example; for a tagger it will be a token, for question answering a start or an end.
    """

    student: torch.Tensor
    """Student logits [rows, classes]."""
    labels: torch.Tensor
    """Label of each row [rows]."""
    teacher: torch.Tensor | None = None
    """Teacher logits [rows, classes], where the teacher was asked."""


class Task(ABC):
    """Columns, tokenization, model head, supervised positions and metrics of one task."""

    name: ClassVar[str]
    roles: ClassVar[Roles]
    outputs: ClassVar[tuple[str, ...]]
    """Names of the model's outputs, in the order of the ONNX graph."""
    main_metric: ClassVar[str]

    @abstractmethod
    def load_model(
        self,
        folder: Path,
        labels: Sequence[str],
        *,
        new_head: Literal["if-needed", "never"] = "if-needed",
        trust_remote_code: bool = False,
        events: Events = Silent(),  # noqa: B008  # stateless
    ) -> PreTrainedModel:
        """Load a checkpoint (fp32, eval mode) with a head for `labels`, in their order.

        `new_head`: "if-needed" is for a model about to be trained: a head that is missing or answers other labels is
        drawn afresh, from torch's global generator (seed it first), and `events` is told. "never" is for a model
        that must answer as it stands (a finished teacher, an export). A head with the same labels in another order
        is reordered; one with names like LABEL_0 is taken to be in the order of `labels`.

        Raises:
            DataError: "never", and the model's labels are not `labels`.
            SourceError: the folder can't be loaded, lacks weights, or, with "never", lacks the head.
            UnsafeSource: it comes as Python code or as a pickle.
        """

    @abstractmethod
    def tokenize(
        self, tokenizer: PreTrainedTokenizerBase, columns: Mapping[str, Sequence[Any]], max_length: int
    ) -> dict[str, list[Any]]:
        """Turn a batch of columns (role names) into features, unpadded, with their `length`, and `labels` if known.

        Raises:
            DataError: `max_length` is more than the model takes.
        """

    @abstractmethod
    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Collator:
        """What pads tokenized examples into a batch."""

    @abstractmethod
    def supervised(
        self, student: torch.Tensor, batch: Mapping[str, torch.Tensor], teacher: torch.Tensor | None = None
    ) -> Supervised:
        """Pick the positions that count out of raw logits and a collated batch."""

    @abstractmethod
    def metrics(self, logits: FloatArray, labels: npt.NDArray[np.int64]) -> dict[str, float]:
        """Every metric of the task, the main one first."""

    @abstractmethod
    def scores(self, logits: FloatArray, labels: npt.NDArray[np.int64]) -> FloatArray:
        """One score an example whose mean is the main metric: what bootstrap and paired differences resample."""

    @abstractmethod
    def agreement(self, logits: FloatArray, reference: FloatArray) -> float:
        """Share of examples answered as `reference` does."""
