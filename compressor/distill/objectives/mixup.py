"""Match the teacher on mixtures of texts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LIKELIHOOD, LOGITS, MIXED, MIXTURE, Batch, Signal, Signals
from compressor.errors import Problem
from compressor.recipe.scheduled import Temperature
from compressor.recipe.section import optional
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch

    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["COMPONENT", "Mixup"]


class Mixup(ObjectiveConfig):
    """The teacher's softened probabilities for texts that are mixed in their word embeddings (MixKD 2021). The teacher
    runs live, and the student twice: a step takes about twice as long."""

    kind: Literal["mixup"] = Field(description="The teacher's answers to mixtures of two texts.")
    alpha: float = Field(
        0.4,
        ge=0.001,
        description="A text's share in its mixture is drawn from Beta(alpha, alpha): below 1 most mixtures are close "
        "to one of their texts.",
    )
    temperature: Temperature = Field(2.0, description="Softens both distributions; 2 to 8 is usual.")

    label_weight: float = optional(
        "Adds the loss against the labels of both texts, each in its share, this many times.", 0.0, ge=0
    )

    @property
    def mixes_examples(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({MIXED})

    @property
    def uses_labels(self) -> bool:
        return self.label_weight > 0

    def unfit(self, spec: TaskSpec, classes: int | None) -> Iterator[Problem]:
        hint = "soft-targets fits every task"
        if any(output.per_token for output in spec.outputs):
            message = f"mixup mixes the tokens of two texts, and answers of {spec.name} belong to single tokens"
            yield Problem(message, hint=hint)
        elif any(output.likelihood == "vector" for output in spec.outputs):
            message = f"mixup compares labels or numbers, and answers of {spec.name} are places of texts among others"
            yield Problem(message, hint=hint)

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        """The divergence of `soft-targets`, between the outputs of both models for the same mixtures (see
        `distill/mixup.py`), and `label_weight` times the student's loss against the mixed labels. A mixture with a text
        that has no label has no part in the latter.

        Source: Liang 2021, "MixKD", the losses L_TMKD and L_SM (arXiv 2011.00593).
        """
        likelihood, outputs = student[LIKELIHOOD], student[LOGITS]
        loss: torch.Tensor = likelihood.divergence(outputs, teacher[LOGITS], self.now(self.temperature, student))
        if self.label_weight and "labels" in batch:
            mixture, labels = student[MIXTURE], batch["labels"]
            others = labels[mixture.partner.to(labels.device)]
            loss = loss + self.label_weight * likelihood.mixed_loss(outputs, labels, others, mixture.share)
        return loss

    def build(self, student: Layout, teacher: Layout | None) -> Objective:
        from compressor.distill.mixup import Mixture
        from compressor.distill.objective import Objective

        mix = partial(Mixture.draw, alpha=self.alpha)
        return Objective(self.kind, self.weight, self.needs, self.loss, mix=mix)


COMPONENT = Mixup
