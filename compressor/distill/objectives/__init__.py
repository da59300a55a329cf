"""What a student is trained to match: one loss family a file, all listed in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compressor.distill.architecture import Layout
from compressor.distill.objectives.hard_labels import HardLabelsObjective
from compressor.distill.objectives.hidden_states import HiddenStatesObjective
from compressor.distill.objectives.objective import Objective
from compressor.distill.objectives.soft_targets import SoftTargetsObjective
from compressor.recipe.objectives import HardLabels, HiddenStates, ObjectiveConfig, SoftTargets
from compressor.recipe.section import Section

__all__ = ["Objective", "build_objectives"]

_OBJECTIVES: Mapping[type[Section], Callable[[Any, Layout, Layout | None], Objective]] = {
    HardLabels: HardLabelsObjective,
    HiddenStates: HiddenStatesObjective,
    SoftTargets: SoftTargetsObjective,
}


def build_objectives(
    configs: Sequence[ObjectiveConfig], student: Layout, teacher: Layout | None = None
) -> list[Objective]:
    """The objectives a recipe lists, fitted to both models.

    Raises:
        RecipeError: one of them doesn't fit: a layer that isn't there, a teacher that is missing.
    """
    return [_OBJECTIVES[type(config)](config, student, teacher) for config in configs]
