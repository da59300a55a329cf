"""Match the teacher's softened probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.recipe.section import Positive

if TYPE_CHECKING:
    import torch

__all__ = ["COMPONENT", "SoftTargets"]


class SoftTargets(ObjectiveConfig):
    """The teacher's softened probabilities: T^2 KL(teacher || student) (Hinton 2015)."""

    kind: Literal["soft-targets"] = Field(description="The teacher's softened probabilities.")
    temperature: Positive = Field(2.0, description="Softens both distributions; 2 to 8 is usual.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """`T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, averaged over rows.

        Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2 (arXiv
        1503.02531). T^2 keeps the gradient's size independent of T.
        """
        from torch.nn import functional

        divergence = functional.kl_div(
            functional.log_softmax(student[LOGITS] / self.temperature, dim=-1),
            functional.log_softmax(teacher[LOGITS] / self.temperature, dim=-1),
            reduction="batchmean",
            log_target=True,
        )
        return divergence * self.temperature**2


COMPONENT = SoftTargets
