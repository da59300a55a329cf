"""Whether what is learned from the two texts of a pair has pairs, and batches that hold them."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.distill import PhaseSection
from compressor.recipe.recipe import Recipe
from compressor.recipe.trainings import finetunings, trainings
from compressor.task_specs import task_spec

__all__ = ["learns_from_pairs", "pairs_are_there"]

FEWEST_TEXTS = 4
"""In a batch: with one pair alone there is nothing to tell it from."""


def learns_from_pairs(recipe: Recipe) -> bool:
    """Whether a training without a teacher has no labels to learn from, and pairs of texts whose vectors can be told
    from those of other pairs."""
    spec = task_spec(recipe.task)
    vectors = all(output.likelihood == "vector" for output in spec.outputs)
    return vectors and recipe.data is not None and spec.target_role not in recipe.data.columns and not _missing(recipe)


def pairs_are_there(recipe: Recipe) -> Iterator[Problem]:
    """Problems of trainings on pairs, with a score or without."""
    if recipe.data is None:
        return
    for path, objective in recipe.distill.named_objectives() if recipe.distill else ():
        for role in _missing(recipe) if objective.uses_pairs else ():
            message = f"{objective.kind} compares the texts of a pair, and `data.columns` names no `{role}`"
            yield Problem(message, path, hint="name it, or leave this out")
    spec = task_spec(recipe.task)
    scored = spec.target_role in recipe.data.columns and any(one.likelihood == "vector" for one in spec.outputs)
    paired = {path for path, _ in finetunings(recipe)} if learns_from_pairs(recipe) else set()
    for path, section in trainings(recipe):
        contrasts = isinstance(section, PhaseSection) and any(one.uses_pairs for one in section.objectives)
        if (contrasts or path in paired) and isinstance(section.batch_size, int) and section.batch_size < FEWEST_TEXTS:
            message = f"{section.batch_size} texts hold one pair at most, and nothing to tell it from"
            yield Problem(message, f"{path}.batch_size", hint="32 or more are usual: each pair is two texts")
        elif section.batch_size == 1 and scored:
            message = "a score is of two texts, and a batch of one can't hold them"
            yield Problem(message, f"{path}.batch_size", hint="set 8 or more: 16 and 32 are usual")


def _missing(recipe: Recipe) -> list[str]:
    """Roles of texts that the task may do without and the data has no column for."""
    spec, columns = task_spec(recipe.task), recipe.data.columns if recipe.data else {}
    return [role for role in spec.text_roles if role not in spec.roles and role not in columns]
