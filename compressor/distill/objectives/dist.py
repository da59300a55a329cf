"""Match the order of probabilities, within a text and within a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from compressor.distill.objectives._classes import same_classes_each_row
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

__all__ = ["COMPONENT", "Dist", "dist_loss"]

Share = Annotated[float, Field(ge=0)]


class Dist(ObjectiveConfig):
    """One minus Pearson's correlation of probabilities, over the classes of a text and over the texts of a class
    (Huang 2022): for a teacher so much stronger that its exact probabilities can't be matched."""

    kind: Literal["dist"] = Field(description="Match how probabilities are ordered, in place of their size.")
    temperature: Temperature = Field(1.0, description="Softens both distributions.")
    beta: Share = Field(1.0, description="Weight of the correlation over the classes of a text.")
    gamma: Share = Field(1.0, description="Weight of the correlation over the texts of a class, within a batch.")

    @property
    def mixes_examples(self) -> bool:
        return self.gamma > 0

    def learns_from_one(self, spec: TaskSpec) -> bool:
        return self.beta > 0 or any(output.per_token for output in spec.outputs)

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    def problems(self) -> Iterator[Problem]:
        if self.beta == self.gamma == 0:
            yield Problem("`beta` and `gamma` are 0: nothing is compared", "beta")

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        yield from (problems := list(same_classes_each_row(spec, self.kind)))
        if not problems and classes == 2 and self.beta > 0:
            message = "over two classes every correlation is 1 or -1, so that its term teaches nothing"
            yield Problem(message, "beta", hint="set `beta: 0`, which leaves the correlation over texts")

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """`T^2 [beta (1 - rho over classes) + gamma (1 - rho over texts)]`; see `dist_loss`."""
        temperature = self.now(self.temperature, student)
        return dist_loss(student[LOGITS], teacher[LOGITS], temperature, self.beta, self.gamma)


COMPONENT = Dist


def dist_loss(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float, beta: float, gamma: float
) -> torch.Tensor:
    """`T^2 [beta mean over rows of (1 - rho) + gamma mean over columns of (1 - rho)]`, rho Pearson's correlation of
    softened probabilities [rows, classes]. A batch of one row has no correlation over rows.

    Source: Huang 2022, "Knowledge Distillation from A Stronger Teacher", equations 8 to 10 (arXiv 2205.10536).
    """
    import torch

    mine, theirs = (torch.softmax(logits / temperature, dim=-1) for logits in (student, teacher))
    total = student.sum() * 0
    if beta and len(student):
        total = total + beta * (1 - _correlation(mine, theirs)).mean()
    if gamma and len(student) > 1:
        total = total + gamma * (1 - _correlation(mine.T, theirs.T)).mean()
    return total * temperature**2


def _correlation(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of each row, [rows]."""
    from torch.nn.functional import cosine_similarity

    mine, theirs = (values - values.mean(dim=-1, keepdim=True) for values in (student, teacher))
    return cosine_similarity(mine, theirs, dim=-1)
