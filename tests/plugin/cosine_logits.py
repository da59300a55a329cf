"""Match the direction of the teacher's logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from compressor.distill.objectives.base import ObjectiveConfig
from compressor.distill.signals import LOGITS, Batch, Signal, Signals

if TYPE_CHECKING:
    import torch


class CosineLogits(ObjectiveConfig):
    """One minus the cosine of the angle between the logits of student and teacher."""

    kind: Literal["cosine-logits"] = Field(description="The direction of the teacher's logits.")
    power: float = Field(1.0, gt=0, description="Exponent of each row's distance.")

    @property
    def needs(self) -> frozenset[Signal]:
        return frozenset({LOGITS})

    def loss(self, student: Signals, teacher: Signals, batch: Batch) -> torch.Tensor:
        from torch.nn import functional

        distance = 1 - functional.cosine_similarity(student[LOGITS], teacher[LOGITS], dim=-1)
        return distance.clamp(min=0).pow(self.power).mean()


COMPONENT = CosineLogits
