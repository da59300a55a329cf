"""Match the teacher's softened probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives._classes import same_classes_each_row
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature
from compressor.recipe.section import optional
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "SoftTargets", "standardized"]


class SoftTargets(ObjectiveConfig):
    """The teacher's softened probabilities: T^2 KL(teacher || student) (Hinton 2015)."""

    kind: Literal["soft-targets"] = Field(description="The teacher's softened probabilities.")
    temperature: Temperature = Field(2.0, description="Softens both distributions; 2 to 8 is usual.")
    standardize: bool = optional(
        "Compare logits brought to mean 0 and deviation 1 in each row, so that the student needn't match their size. "
        "For three classes or more.",
        default=False,
    )

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        if not self.standardize:
            return
        yield from same_classes_each_row(spec, "standardize")
        if classes == 2:
            message = "of two classes nothing but their order is left when mean and deviation are taken away"
            yield Problem(message, "standardize", hint="leave it out")

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """The divergence of the output's distribution from the teacher's, softened with T and times T^2: for classes
        `T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, averaged over rows; see `distill/likelihood.py`.

        Source: Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2 (arXiv
        1503.02531).
        """
        likelihood, mine, theirs = student[LIKELIHOOD], student[LOGITS], teacher[LOGITS]
        if self.standardize:
            mine, theirs = standardized(mine), standardized(theirs)
        if likelihood.is_direction:
            theirs = theirs[..., : mine.shape[-1]]  # a student's vectors may be cut to fewer dimensions
        divergence: torch.Tensor = likelihood.divergence(mine, theirs, self.now(self.temperature, student))
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


def standardized(logits: torch.Tensor) -> torch.Tensor:
    """`(z - mean) / deviation` of each row, [rows, classes].

    Source: Sun 2024, "Logit Standardization in Knowledge Distillation", section 4 (arXiv 2403.01683).
    """
    centred = logits - logits.mean(dim=-1, keepdim=True)
    return centred / (centred.std(dim=-1, keepdim=True) + 1e-7)
