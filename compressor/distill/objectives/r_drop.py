"""Make the student say the same whatever dropout takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, SECOND_PASS, Batch, Signal, Signals

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "RDrop"]


class RDrop(ObjectiveConfig):
    """Divergence, in both directions, between two passes of the student with other dropout (Liang 2021). It asks no
    teacher, and the student runs twice: a step takes about twice as long."""

    kind: Literal["r-drop"] = Field(description="Match the student with itself under other dropout.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset()

    @property
    def uses_labels(self) -> bool:
        return False

    @property
    def needs_dropout(self) -> bool:
        return True

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """`1/2 (KL(p_1 || p_2) + KL(p_2 || p_1))`, averaged over rows; the paper's alpha is the weight.

        The other objectives see the first pass alone. Since both passes are drawn alike, their gradient has the same
        mean as the paper's average over the two. Source: Liang 2021, "R-Drop", equation 4 (arXiv 2106.14448).
        """
        likelihood, first, second = student[LIKELIHOOD], student[LOGITS], student[SECOND_PASS]
        both: torch.Tensor = likelihood.divergence(first, second, 1.0) + likelihood.divergence(second, first, 1.0)
        return both / 2

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        from compressor.distill.objective import Objective

        return Objective(self.kind, self.weight, self.needs, self.loss, second_pass=True)


COMPONENT = RDrop
