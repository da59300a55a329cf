"""Section `distill`: how the student learns from the teacher."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from compressor.recipe.components import ComponentSection, OneOf, component_registry
from compressor.recipe.section import Positive
from compressor.recipe.training import TrainingSection

__all__ = ["OBJECTIVES", "DistillSection", "ObjectiveSection"]


class ObjectiveSection(ComponentSection):
    """What every objective's config has. The objectives themselves are in `distill/objectives/`."""

    kind: str
    weight: Positive = Field(1.0, description="Weight in the sum of objectives.")

    @property
    def uses_teacher(self) -> bool:
        """Whether training with this objective asks the teacher."""
        return True

    def build(self, student: Any, teacher: Any) -> Any:
        """The objective: see `ObjectiveConfig` in `distill/objectives/base.py`, which all of them are."""
        raise NotImplementedError


OBJECTIVES = component_registry("compressor.distill.objectives", "compressor.objectives", ObjectiveSection, "kind")

_DEFAULT_OBJECTIVES = {"soft-targets": 0.9, "hard-labels": 0.1}


def _default_objectives() -> tuple[ObjectiveSection, ...]:
    return tuple(OBJECTIVES.get(kind)(kind=kind, weight=weight) for kind, weight in _DEFAULT_OBJECTIVES.items())


class DistillSection(TrainingSection):
    """One student training: a weighted sum of objectives."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate of AdamW.")
    objectives: tuple[Annotated[ObjectiveSection, OneOf(OBJECTIVES)], ...] = Field(
        default_factory=_default_objectives,
        min_length=1,
        description="What the student is trained to match; their weighted sum is the loss.",
        json_schema_extra={
            "default": [{"kind": kind, "weight": weight} for kind, weight in _DEFAULT_OBJECTIVES.items()]
        },
    )
    baseline: bool = Field(
        False,
        description="Also train the same student on the data's labels alone, and report what the teacher added.",
    )
