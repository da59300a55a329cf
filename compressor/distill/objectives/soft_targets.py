"""Match the teacher's softened probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, Batch, Signal, Signals
from compressor.recipe.section import Positive

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

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
        likelihood, mine, theirs = student[LIKELIHOOD], student[LOGITS], teacher[LOGITS]
        if likelihood.is_direction:
            theirs = theirs[..., : mine.shape[-1]]  # a student's vectors may be cut to fewer dimensions
        divergence: torch.Tensor = likelihood.divergence(mine, theirs, self.temperature)
        return divergence

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        """Between models of unlike widths it learns a projection, for outputs that are as wide as the model: the
        student's vectors are compared with the teacher's through it."""
        import torch

        from compressor.distill.objective import Objective

        if teacher is None or teacher.hidden_size == student.hidden_size:
            return super().build(student, teacher)
        # Most outputs, classes for example, are of one width and don't use it: nothing else may be drawn otherwise.
        with torch.random.fork_rng(devices=[]):
            projection = torch.nn.Linear(student.hidden_size, teacher.hidden_size, bias=False)

        def loss(student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
            mine, theirs = student[LOGITS], teacher[LOGITS]
            if mine.shape[-1] != theirs.shape[-1] and student[LIKELIHOOD].is_direction:
                # Vectors may be cut to fewer dimensions than the models have.
                weight = projection.weight[: theirs.shape[-1], : mine.shape[-1]]
                student = {**student, LOGITS: torch.nn.functional.linear(mine, weight)}
            return self.loss(student, teacher, batch)

        return Objective(self.kind, self.weight, self.needs, loss, learned=projection)


COMPONENT = SoftTargets
