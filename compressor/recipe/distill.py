"""Section `distill`: how the student learns from the teacher."""

from __future__ import annotations

from pydantic import Field

from compressor.recipe.objectives import HardLabels, ObjectiveConfig, SoftTargets
from compressor.recipe.training import TrainingSection

__all__ = ["DistillSection"]


class DistillSection(TrainingSection):
    """One student training: a weighted sum of objectives."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate of AdamW.")
    objectives: tuple[ObjectiveConfig, ...] = Field(
        (SoftTargets(kind="soft-targets", weight=0.9), HardLabels(kind="hard-labels", weight=0.1)),
        min_length=1,
        description="What the student is trained to match; their weighted sum is the loss.",
    )
    baseline: bool = Field(
        False,
        description="Also train the same student on the data's labels alone, and report what the teacher added.",
    )
