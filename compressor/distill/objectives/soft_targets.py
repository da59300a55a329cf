"""Match the teacher's softened probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, Batch, Signal, Signals
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
        """The divergence of the output's distribution from the teacher's, softened with T and times T^2: for classes
        `T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, averaged over rows; see `distill/likelihood.py`.

        Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2 (arXiv
        1503.02531).
        """
        divergence: torch.Tensor = student[LIKELIHOOD].divergence(student[LOGITS], teacher[LOGITS], self.temperature)
        return divergence


COMPONENT = SoftTargets
