"""Whether the sources of texts that only the teacher labels fit the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compressor.errors import Problem
from compressor.recipe.augment import AugmentSection, GenerateSection, SelectSection, TextLimits, UnlabelledSection
from compressor.recipe.augment_checks import augment_problems, generate_problems, unlabelled_problems
from compressor.recipe.data import MoreTexts
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["texts_are_sound"]


def texts_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `data.unlabelled`, `data.augment` and `data.generate`."""
    if recipe.data is None:
        return
    yield from _names_are_told_apart(recipe.data.more)
    for source in recipe.data.more:
        path, section = source.path, source.section
        for problem in _own_problems(recipe, section):
            yield replace(problem, path=f"{path}.{problem.path}" if problem.path else path)
        if recipe.data.test_only:
            yield Problem("is for training, and `data` has a test split only", path, hint="leave it out")
        elif recipe.distill is None:
            yield Problem("is for the training of a student: add a `distill` section", path)
        elif recipe.teacher is None:
            message = "holds texts for a teacher to label, and there is no `teacher` section"
            yield Problem(message, path, hint="add one, or leave this out")
        elif not any(part.uses_teacher for part in recipe.distill.parts):
            hint = "add {kind: soft-targets} to `distill.objectives`"
            yield Problem("holds texts for the teacher to label, and no objective asks the teacher", path, hint=hint)
        if section.select is not None and not task_spec(recipe.task).has_probabilities:
            message = f"chooses by the teacher's confidence, and answers of {recipe.task} have no probabilities"
            yield Problem(message, f"{path}.select", hint="leave it out")
        elif section.select is not None:
            yield from _choice_is_made(section.select, f"{path}.select")


def _choice_is_made(select: SelectSection, path: str) -> Iterator[Problem]:
    """Problems of a choice that keeps every text, or orders them for nothing."""
    if select.keep is not None:
        return
    if not select.min_confidence:
        hint = "name how many in `keep`, or the least confidence in `min_confidence`"
        yield Problem("keeps all texts", path, hint=hint)
    for name in ("by", "measure", "clusters", "seed"):
        if getattr(select, name) != SelectSection.model_fields[name].default:
            message = "says which texts `keep` takes, and without it all are kept that `min_confidence` leaves"
            yield Problem(message, f"{path}.{name}", hint="add `keep`, or leave this out")


def _names_are_told_apart(sources: Sequence[MoreTexts]) -> Iterator[Problem]:
    names = [source.name for source in sources]
    for index, source in enumerate(sources):
        if source.name in names[:index]:
            first = sources[names.index(source.name)].path
            yield Problem(f"is called as {first} is", f"{source.path}.name", hint="give each a `name` of its own")


def _own_problems(recipe: Recipe, section: TextLimits) -> Iterator[Problem]:
    spec = task_spec(recipe.task)
    if isinstance(section, UnlabelledSection):
        yield from unlabelled_problems(section, spec)
    elif isinstance(section, AugmentSection):
        yield from augment_problems(section, spec)
    elif isinstance(section, GenerateSection):
        yield from generate_problems(section)
