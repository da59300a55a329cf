"""One label a row."""

from __future__ import annotations

import torch
from torch.nn import functional

from compressor.distill.architecture import Layout
from compressor.distill.objectives.objective import Objective
from compressor.distill.signals import Batch, Signal, Signals
from compressor.recipe.objectives import HardLabels

__all__ = ["HardLabelsObjective"]


class HardLabelsObjective(Objective):
    """Cross-entropy `H(y, softmax(z_s))`, averaged over rows; y is the data's label, or `argmax z_t`.

    With label smoothing e, y is `1 - e` on the label plus `e / classes` on every class.
    Source: Hinton, Vinyals, Dean 2015, section 2 (arXiv 1503.02531); smoothing: Szegedy 2015, section 7
    (arXiv 1512.00567).
    """

    def __init__(self, config: HardLabels, student: Layout, teacher: Layout | None) -> None:
        super().__init__(config.kind, config.weight, frozenset({Signal.LOGITS} if config.uses_teacher else ()))
        self.from_teacher = config.uses_teacher
        self.label_smoothing = config.label_smoothing

    def forward(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        assert student.logits is not None
        labels = batch["labels"]
        if self.from_teacher:
            assert teacher.logits is not None
            labels = teacher.logits.argmax(dim=-1)
        return functional.cross_entropy(student.logits, labels, label_smoothing=self.label_smoothing)
