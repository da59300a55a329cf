"""The teacher's softened probabilities."""

from __future__ import annotations

import torch
from torch.nn import functional

from compressor.distill.architecture import Layout
from compressor.distill.objectives.objective import Objective
from compressor.distill.signals import Batch, Signal, Signals
from compressor.recipe.objectives import SoftTargets

__all__ = ["SoftTargetsObjective"]


class SoftTargetsObjective(Objective):
    """`T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, averaged over rows.

    Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2 (arXiv 1503.02531).
    T^2 keeps the gradient's size independent of T.
    """

    def __init__(self, config: SoftTargets, student: Layout, teacher: Layout | None) -> None:
        super().__init__(config.kind, config.weight, frozenset({Signal.LOGITS}))
        self.temperature = config.temperature

    def forward(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        assert student.logits is not None and teacher.logits is not None
        divergence = functional.kl_div(
            functional.log_softmax(student.logits / self.temperature, dim=-1),
            functional.log_softmax(teacher.logits / self.temperature, dim=-1),
            reduction="batchmean",
            log_target=True,
        )
        return divergence * self.temperature**2
