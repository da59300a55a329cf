"""Whether what learns from labels has some: a task may do without them."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.data import DataSection
from compressor.recipe.pair_checks import learns_from_pairs
from compressor.recipe.recipe import Recipe
from compressor.recipe.trainings import finetunings, trainings
from compressor.task_specs import TaskSpec, task_spec

__all__ = [
    "calibration_is_possible",
    "labels_are_smoothed_soundly",
    "labels_are_there",
    "validation_is_unlabelled",
]

_MAY_BE_MISSING = ("one-label",)
"""Kinds of targets that texts may be read without."""


def validation_is_unlabelled(recipe: Recipe) -> bool:
    """Whether nothing tells the right answers to the texts of the validation split."""
    if recipe.data is None:
        return False
    spec, labelled = task_spec(recipe.task), recipe.data.labelled
    if spec.target_role not in spec.roles and spec.target_role not in recipe.data.columns:
        return True
    return labelled is not None and "validation" not in labelled


def labels_are_smoothed_soundly(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `label_smoothing` of teachers; `hard-labels` knows its own."""
    spec = task_spec(recipe.task)
    for path, finetune in finetunings(recipe) if not spec.has_probabilities else ():
        if finetune.label_smoothing:
            message = f"spreads a part of a label over the others, and answers of {spec.name} are no labels"
            yield Problem(message, f"{path}.label_smoothing", hint="leave it out")


def calibration_is_possible(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `calibrate`: it needs one label a text, and labels in the validation split."""
    spec, labelled = task_spec(recipe.task), None if recipe.data is None else recipe.data.labelled
    for path, section in trainings(recipe):
        if section.calibrate and spec.target != "one-label":
            yield Problem(
                f"is for one label a text, and {spec.name} has none", f"{path}.calibrate", hint="leave it out"
            )
        elif section.calibrate and labelled is not None and "validation" not in labelled:
            message = "needs the labels of the validation split, which `data.labelled` leaves out"
            yield Problem(message, f"{path}.calibrate", hint="leave it out")


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
    elif labelled is not None and "validation" not in labelled:
        message, hint = "is judged by labels, and `data.labelled` leaves out those of `validation`", "add them"
    else:
        return
    paired = learns_from_pairs(recipe)
    for path, _ in finetunings(recipe) if not paired else ():
        yield Problem(message, path, hint=hint)
    if recipe.distill is None:
        return
    if recipe.distill.baseline and not paired:
        yield Problem(message, "distill.baseline", hint=hint)
    if labelled is not None and "train" in labelled and recipe.teacher is not None:
        return  # a student that learns from labels may be judged by the teacher
    for path, objective in recipe.distill.named_objectives():
        if objective.uses_labels:
            alone = f"train by the teacher alone: [{{kind: soft-targets}}], without {objective.kind}"
            yield Problem(message, path, hint=alone if recipe.teacher else hint)
