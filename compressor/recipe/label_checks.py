"""Whether what learns from labels has some: a task may do without them."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["labels_are_there"]


def labels_are_there(recipe: Recipe) -> Iterator[Problem]:
    """Problems of trainings on labels that the data has no column for."""
    if recipe.data is None:
        return
    role = task_spec(recipe.task).target_role
    if role in task_spec(recipe.task).roles or role in recipe.data.columns:
        return
    message, hint = f"learns from a column `{role}`, and `data.columns` names none", "name it, or leave this out"
    if recipe.teacher is not None and recipe.teacher.finetune is not None:
        yield Problem(message, "teacher.finetune", hint=hint)
    if recipe.distill is None:
        return
    if recipe.distill.baseline:
        yield Problem(message, "distill.baseline", hint=hint)
    for path, objective in recipe.distill.named_objectives():
        if objective.uses_labels:
            hint = f"name it, or train by the teacher alone: [{{kind: soft-targets}}], without {objective.kind}"
            yield Problem(message, path, hint=hint)
