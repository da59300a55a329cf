"""Whether what learns from labels has some: a task may do without them."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.data import DataSection
from compressor.recipe.recipe import Recipe
from compressor.task_specs import TaskSpec, task_spec

__all__ = ["labels_are_there"]

_MAY_BE_MISSING = ("one-label",)
"""Kinds of targets that texts may be read without."""


def _labels_are_named(data: DataSection, spec: TaskSpec) -> Iterator[Problem]:
    """Problems of leaving out labels of some splits."""
    if data.labelled is None:
        return
    if spec.target not in _MAY_BE_MISSING:
        yield Problem(f"{spec.name} reads its labels with its texts", "data.labelled", hint="leave it out")
    elif "train" not in data.labelled and spec.named_outputs and data.labels is None:
        message = "the labels can't be found in a training split that isn't labelled"
        yield Problem(message, "data.labels", hint="name them, for example [negative, positive]")
    if data.test_only:
        yield Problem("is for data that a student is trained on", "data.labelled", hint="leave it out")


def labels_are_there(recipe: Recipe) -> Iterator[Problem]:
    """Problems of trainings on labels that the data has no column for."""
    if recipe.data is None:
        return
    spec, labelled = task_spec(recipe.task), recipe.data.labelled
    role = spec.target_role
    yield from _labels_are_named(recipe.data, spec)
    if labelled is not None and "train" not in labelled:
        message, hint = "learns from labels, and `data.labelled` leaves out those of `train`", "leave this out"
    elif role not in spec.roles and role not in recipe.data.columns:
        message, hint = f"learns from a column `{role}`, and `data.columns` names none", "name it, or leave this out"
    else:
        return
    if recipe.teacher is not None and recipe.teacher.finetune is not None:
        yield Problem(message, "teacher.finetune", hint=hint)
    if recipe.distill is None:
        return
    if recipe.distill.baseline:
        yield Problem(message, "distill.baseline", hint=hint)
    for path, objective in recipe.distill.named_objectives():
        if objective.uses_labels:
            hint = f"train by the teacher alone: [{{kind: soft-targets}}], without {objective.kind}"
            yield Problem(message, path, hint=hint)
