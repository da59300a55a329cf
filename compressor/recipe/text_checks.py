"""Whether the sources of texts that only the teacher labels fit the recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compressor.errors import Problem
from compressor.recipe.augment_checks import augment_problems, generate_problems, unlabelled_problems
from compressor.recipe.data import DataSection
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["texts_are_sound"]


def texts_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `data.unlabelled`, `data.augment` and `data.generate`."""
    if recipe.data is None:
        return
    for path, problem in _own_problems(recipe, recipe.data):
        yield replace(problem, path=f"{path}.{problem.path}" if problem.path else path)
    for name, section in recipe.data.more.items():
        path = f"data.{name}"
        if recipe.data.test_only:
            yield Problem("is for training, and `data` has a test split only", path, hint="leave it out")
        elif recipe.distill is None:
            yield Problem("is for the training of a student: add a `distill` section", path)
        elif recipe.teacher is None:
            yield Problem("holds texts for a teacher to label, and there is no `teacher` section", path)
        elif not any(part.uses_teacher for part in recipe.distill.parts):
            hint = "add {kind: soft-targets} to `distill.objectives`"
            yield Problem("holds texts for the teacher to label, and no objective asks the teacher", path, hint=hint)
        likelihoods = {output.likelihood for output in task_spec(recipe.task).outputs}
        if section.select is not None and not likelihoods <= {"categorical", "bernoulli"}:
            message = f"chooses by the teacher's confidence, and answers of {recipe.task} have no probabilities"
            yield Problem(message, f"{path}.select", hint="leave it out")


def _own_problems(recipe: Recipe, data: DataSection) -> Iterator[tuple[str, Problem]]:
    spec = task_spec(recipe.task)
    if data.unlabelled:
        yield from (("data.unlabelled", problem) for problem in unlabelled_problems(data.unlabelled, spec))
    if data.augment:
        yield from (("data.augment", problem) for problem in augment_problems(data.augment, spec))
    if data.generate:
        yield from (("data.generate", problem) for problem in generate_problems(data.generate))
