"""What a student is trained to match: one objective a file, its config and its loss together.

Recipes load these files, so none imports torch before it is built. Objectives of other packages join by an entry
point: see docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compressor.recipe.distill import ObjectiveSection

if TYPE_CHECKING:
    from compressor.distill.architecture import Layout
    from compressor.distill.objective import Objective

__all__ = ["build_objectives"]


def build_objectives(
    configs: Sequence[ObjectiveSection], student: Layout, teacher: Layout | None = None
) -> list[Objective]:
    """The objectives a recipe lists, fitted to both models.

    Raises:
        RecipeError: one of them doesn't fit: a layer that isn't there, a teacher that is missing.
    """
    return [config.build(student, teacher) for config in configs]
