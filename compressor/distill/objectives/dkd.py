"""Match the probability of the target class and those of the others apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from compressor.distill.objectives._classes import one_of_several
from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

__all__ = ["COMPONENT", "DecoupledTargets", "decoupled_loss"]

Share = Annotated[float, Field(ge=0)]


class DecoupledTargets(ObjectiveConfig):
    """Decoupled distillation: the target class against the others, and the others among themselves (Zhao 2022)."""

    kind: Literal["dkd"] = Field(description="Decoupled knowledge distillation: the target class, and the others.")
    temperature: Temperature = Field(2.0, description="Softens both distributions.")
    alpha: Share = Field(1.0, description="Weight of the target class against the rest.")
    beta: Share = Field(
        2.0, description="Weight of the other classes among themselves; of two classes there is nothing to compare."
    )
    labels: Literal["data", "teacher"] = Field(
        "teacher", description="Which class is the target: the data's label, or the teacher's most probable one."
    )

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    @property
    def uses_labels(self) -> bool:
        return self.labels == "data"

    def problems(self) -> Iterator[Problem]:
        if self.alpha == self.beta == 0:
            yield Problem("`alpha` and `beta` are 0: nothing is compared", "alpha")

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        yield from one_of_several(spec, self.kind)
        if classes == 2 and self.alpha == 0:
            message = "of two classes the term of `beta` is always 0, and `alpha` leaves out the other one"
            yield Problem(message, "alpha", hint="set alpha above 0")

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """`T^2 [alpha KL(b_t || b_s) + beta KL(p_t || p_s)]`; see `decoupled_loss`. Rows without a label have no part
        where it is the target."""
        from compressor.tasks.base import IGNORED

        mine, theirs = student[LOGITS], teacher[LOGITS]
        target = batch["labels"] if self.labels == "data" else student[LIKELIHOOD].most_likely(theirs)
        known = target != IGNORED
        temperature = self.now(self.temperature, student)
        return decoupled_loss(mine[known], theirs[known], target[known], temperature, self.alpha, self.beta)


COMPONENT = DecoupledTargets


def decoupled_loss(
    student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor, temperature: float, alpha: float, beta: float
) -> torch.Tensor:
    """`T^2 [alpha KL(b_t || b_s) + beta KL(p_t || p_s)]`, averaged over rows: b is (target, all others), p the others
    renormalised.

    Source: Zhao 2022, "Decoupled Knowledge Distillation", equation 7 (arXiv 2203.08679).

    Args:
        student, teacher: logits [rows, classes].
        target: class number of each row, [rows].
    """
    if not len(student):
        return student.sum()
    mine, theirs = (_decoupled(logits / temperature, target) for logits in (student, teacher))
    terms = [_divergence(ours, goal) for ours, goal in zip(mine, theirs, strict=True)]
    return (alpha * terms[0] + beta * terms[1]) * temperature**2


def _decoupled(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logarithms of (target, others) [rows, 2], and of the others among themselves [rows, classes - 1]."""
    import torch

    rows, classes = logits.shape
    chosen = torch.nn.functional.one_hot(target, classes).bool()
    others = logits[~chosen].view(rows, classes - 1)
    both = torch.stack([logits[chosen], torch.logsumexp(others, dim=-1)], dim=-1)
    return torch.log_softmax(both, dim=-1), torch.log_softmax(others, dim=-1)


def _divergence(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import kl_div

    return kl_div(student, teacher, reduction="batchmean", log_target=True)
