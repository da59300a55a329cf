"""Every training that a recipe asks for."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.recipe.recipe import Recipe
from compressor.recipe.teacher import FinetuneSection
from compressor.recipe.training import TrainingSection

__all__ = ["finetunings", "trainings"]


def finetunings(recipe: Recipe) -> Iterator[tuple[str, FinetuneSection]]:
    """Those of the teacher, or of the members of an ensemble, each with its key."""
    if recipe.teacher is None:
        return
    if recipe.teacher.finetune is not None:
        yield "teacher.finetune", recipe.teacher.finetune
    for index, member in enumerate(recipe.teacher.ensemble.members if recipe.teacher.ensemble else ()):
        if member.finetune is not None:
            yield f"teacher.ensemble.members.{index}.finetune", member.finetune


def trainings(recipe: Recipe) -> Iterator[tuple[str, TrainingSection]]:
    """All of them, each with its key; parts of the student's are complete."""
    yield from finetunings(recipe)
    for number, part in enumerate(recipe.distill.parts if recipe.distill else ()):
        yield f"distill.phases.{number}" if recipe.distill and recipe.distill.phases else "distill", part
