"""Whether a student can learn from the objectives that a recipe lists, in the way it is trained on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compressor.errors import Problem
from compressor.recipe.distill import PhaseSection
from compressor.recipe.label_checks import validation_is_unlabelled
from compressor.recipe.recipe import Recipe
from compressor.recipe.trainings import trainings
from compressor.task_specs import TaskSpec, task_spec

__all__ = ["objectives_are_sound", "objectives_fit_their_trainings"]


def objectives_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Problems of each objective by itself, and with the task."""
    for path, objective in recipe.distill.named_objectives() if recipe.distill else ():
        for problem in (*objective.problems(), *objective.unfit(task_spec(recipe.task), _count_labels(recipe))):
            yield replace(problem, path=f"{path}.{problem.path}" if problem.path else path)


def objectives_fit_their_trainings(recipe: Recipe) -> Iterator[Problem]:
    """Problems of the objectives of a training together, with its batches, its dropout and its validation."""
    spec = task_spec(recipe.task)
    for path, part in trainings(recipe):
        if isinstance(part, PhaseSection):
            yield from _trained_alone(path, part, spec)
            yield from _taught_and_judged(path, part, labelled=not validation_is_unlabelled(recipe))


def _taught_and_judged(path: str, part: PhaseSection, *, labelled: bool) -> Iterator[Problem]:
    """Objectives of which none says what to answer, or how good answers are."""
    kinds = " and ".join(dict.fromkeys(objective.kind for objective in part.objectives))
    if not any(objective.teaches_answers for objective in part.objectives):
        message = f"{kinds} compares the student with itself, and nothing tells it what to answer"
        yield Problem(message, f"{path}.objectives", hint="add soft-targets or hard-labels")
    elif part.uses_teacher and not labelled and not any(one.judges_unlabelled for one in part.objectives):
        message = f"validation has no labels and goes by the teacher's answers, which {kinds} doesn't compare"
        yield Problem(message, f"{path}.objectives", hint="add soft-targets")


def _trained_alone(path: str, part: PhaseSection, spec: TaskSpec) -> Iterator[Problem]:
    """Objectives that compare what there is only one of."""
    for objective in part.objectives:
        # Those that need pairs need more than two texts: `pairs_are_there` says so.
        if part.batch_size == 1 and not objective.uses_pairs and not objective.learns_from_one(spec):
            message = f"{objective.kind} compares the texts of a batch with each other, and a batch has one"
            yield Problem(message, f"{path}.batch_size", hint="set 8 or more: 16 and 32 are usual")
        if part.dropout == 0 and objective.needs_dropout:
            message = f"{objective.kind} compares two passes with other dropout: without, both are the same"
            hint = f"set it to 0.1, for example, or leave {objective.kind} out"
            yield Problem(message, f"{path}.dropout", hint=hint)


def _count_labels(recipe: Recipe) -> int | None:
    """How many labels a text can have, as far as the recipe tells. Of tagged text it names types of spans, each of
    which may have several tags."""
    named = recipe.data.labels if recipe.data else None
    if named is None or any(output.per_token for output in task_spec(recipe.task).outputs):
        return None
    return len(set(named.values()) if isinstance(named, dict) else named)
