"""Answer a text the same when its word embeddings are changed a little, in the worst direction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.objectives.hard_labels import HardLabels
from compressor.distill.objectives.soft_targets import SoftTargets
from compressor.distill.signals import Signal
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature

if TYPE_CHECKING:
    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Adversarial"]


class Adversarial(ObjectiveConfig):
    """The loss of `soft-targets` or `hard-labels` for texts whose word embeddings are changed so that it grows, within
    a small ball (FreeLB 2020, SMART 2020). The student runs `steps + 1` times more in each step of the training."""

    kind: Literal["adversarial"] = Field(description="The same answer to small changes of the word embeddings.")
    target: Literal["teacher", "labels"] = Field(
        "teacher", description="What the answer should be: the teacher's to the text as it is, or the data's label."
    )
    temperature: Temperature = Field(2.0, description="Softens both distributions, where the teacher is the target.")
    epsilon: float = Field(
        0.05, gt=0, le=1, description="Largest change, as a share of the length of the word embeddings."
    )
    steps: int = Field(2, ge=1, le=20, description="Steps of the ascent that looks for the change.")
    step_size: float = Field(0.5, gt=0, description="Length of such a step, as a share of the largest change.")
    ball: Literal["text", "token"] = Field(
        "text",
        description="What the largest change is of: all words of a text together, some of which may then be changed "
        "more than others, or each of its tokens.",
    )

    @property
    def needs(self) -> frozenset[Signal]:
        return self._compared.needs

    @property
    def looks_inside(self) -> bool:
        return True  # it changes what the student reads of its table

    def problems(self) -> Iterator[Problem]:
        if self.target == "labels" and "temperature" in self.model_fields_set:
            message = "softens the teacher's answers, and the target is the data's labels"
            yield Problem(message, "temperature", hint="leave it out, or set target: teacher")

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        """`T^2 KL(softmax(z_t / T) || softmax(z_s(e + d) / T))`, or `H(y, softmax(z_s(e + d)))`: the loss of the other
        objective, with the student's answer to its word embeddings e changed by d, which `distill/adversary.py` finds
        by ascent on this same loss. d is a constant for the student.

        Source: Zhu 2020, "FreeLB" (arXiv 1909.11764), for labels. A divergence from another model's answer in place
        of the label: from its own to the text as it is in Miyato 2018 (arXiv 1704.03976) and "SMART", Jiang 2020
        (arXiv 1911.03437); from the teacher's here.
        """
        from compressor.distill.adversary import Adversary
        from compressor.distill.objective import Objective

        compared = self._compared.build(student, teacher)
        return Objective(
            self.kind,
            self.weight,
            self.needs,
            compared.loss,
            learned=compared.learned,
            adversary=Adversary(self.epsilon, self.steps, self.step_size, self.ball),
        )

    @property
    def _compared(self) -> ObjectiveConfig:
        """The objective whose loss it is."""
        if self.target == "labels":
            return HardLabels(kind="hard-labels")
        return SoftTargets(kind="soft-targets", temperature=self.temperature)


COMPONENT = Adversarial
