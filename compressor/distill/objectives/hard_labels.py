"""Match one label a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

__all__ = ["COMPONENT", "HardLabels"]


class HardLabels(ObjectiveConfig):
    """Cross-entropy against one label an example."""

    kind: Literal["hard-labels"] = Field(description="Cross-entropy against one label an example.")
    labels: Literal["data", "teacher"] = Field(
        "data", description="The data's labels, or the teacher's most probable one."
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS} if self.labels == "teacher" else ())

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        if self.label_smoothing and not spec.has_probabilities:
            message = f"spreads a part of a label over the others, and answers of {spec.name} are no labels"
            yield Problem(message, "label_smoothing", hint="leave it out")
        if self.labels == "teacher" and any(output.likelihood == "vector" for output in spec.outputs):
            message = f"of all answers of {spec.name}, a vector, none is the likeliest"
            hint = "soft-targets learns from the teacher's vectors, also of another width"
            yield Problem(message, "labels", hint=hint)

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """The negative log likelihood of the data's label, or of the one that is most likely for the teacher: for
        classes the cross-entropy `H(y, softmax(z_s))`, averaged over rows; see `distill/likelihood.py`.

        Source: Hinton, Vinyals, Dean 2015, section 2 (arXiv 1503.02531).
        """
        likelihood = student[LIKELIHOOD]
        labels = likelihood.most_likely(teacher[LOGITS]) if self.labels == "teacher" else batch["labels"]
        loss: torch.Tensor = likelihood.loss(student[LOGITS], labels, self.label_smoothing)
        return loss


COMPONENT = HardLabels
