"""Match how alike the teacher finds the texts of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

__all__ = ["COMPONENT", "Similarity", "similarity_loss"]


class Similarity(ObjectiveConfig):
    """Mean squared error between the similarities of all pairs in a batch, which needs no equal widths (Tung 2019)."""

    kind: Literal["similarity"] = Field(description="Match how alike the teacher finds the texts of a batch.")

    @property
    def mixes_examples(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        hint = "soft-targets fits every task"
        if any(output.per_token for output in spec.outputs):
            message = f"{self.kind} compares whole texts, and answers of {spec.name} belong to single tokens"
            yield Problem(message, hint=hint)
        elif any(output.likelihood == "value" for output in spec.outputs):
            message = f"{self.kind} compares directions, and answers of {spec.name} are numbers, which have none"
            yield Problem(message, hint=hint)
        elif classes == 1:
            message = "of a single label every cosine is 1 or -1, whatever the student answers: it teaches nothing"
            yield Problem(message, hint=hint)

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """`mean over i, j of (cos(s_i, s_j) - cos(t_i, t_j))^2`; see `similarity_loss`."""
        return similarity_loss(student[LOGITS], teacher[LOGITS])


COMPONENT = Similarity


def similarity_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """`mean over i, j of (cos(s_i, s_j) - cos(t_i, t_j))^2` for the rows of a batch.

    Source: Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation", equation 4 (arXiv 1907.09682), with
    cosines in place of products whose rows are normalized.

    Args:
        student: outputs [rows, width], for a sentence its vector.
        teacher: outputs [rows, width], of any width.
    """
    from torch.nn.functional import mse_loss, normalize

    mine, theirs = normalize(student, dim=-1), normalize(teacher, dim=-1)
    return mse_loss(mine @ mine.T, theirs @ theirs.T)
