"""Match one label a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals

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

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """Cross-entropy `H(y, softmax(z_s))`, averaged over rows; y is the data's label, or `argmax z_t`.

        With label smoothing e, y is `1 - e` on the label plus `e / classes` on every class.
        Source: Hinton, Vinyals, Dean 2015, section 2 (arXiv 1503.02531); smoothing: Szegedy 2015, section 7
        (arXiv 1512.00567).
        """
        from torch.nn import functional

        labels = teacher[LOGITS].argmax(dim=-1) if self.labels == "teacher" else batch["labels"]
        return functional.cross_entropy(student[LOGITS], labels, label_smoothing=self.label_smoothing)


COMPONENT = HardLabels
