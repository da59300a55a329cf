"""The second part of the chain: from the trained student to the files that may ship."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.chain.nodes import FIRST, variants
from compressor.chain.other import other_recipe, under
from compressor.chain.stages import Cascade, Export, Quantize
from compressor.chain.training import max_length_of, trained_model, training_stages
from compressor.engine.stage import Stage
from compressor.errors import Problem, RecipeError
from compressor.recipe.cascade import CascadeSection
from compressor.recipe.recipe import Recipe

__all__ = ["export_stages", "first_of"]


def export_stages(recipe: Recipe) -> Iterator[Stage]:
    """The exported student, each quantized variant, and the cascade with the student of another recipe in front.

    Raises:
        RecipeError: the recipe of the first student can't be read, or doesn't go with this one.
    """
    yield from _variants(recipe)
    if recipe.cascade and (first := first_of(recipe)):
        yield from _cascade(recipe, recipe.cascade, first)


def first_of(recipe: Recipe) -> Recipe | None:
    """The recipe whose student answers first in the cascade.

    Raises:
        RecipeError: it can't be read, does another task, trains no student, or has no such variant.
    """
    cascade = recipe.cascade
    if cascade is None:
        return None
    first = other_recipe(recipe, "cascade", cascade.run, cascade.set, "answer first")
    made = [node.name for node in variants(first)]
    if cascade.variant not in made:
        message = f"makes no variant {cascade.variant!r}; it makes {', '.join(made)}"
        raise RecipeError([Problem(message, "cascade.run")])
    return first


def _variants(recipe: Recipe) -> Iterator[Stage]:
    data = {"data": "prepare"} if recipe.data else {}
    max_length = max_length_of(recipe)
    yield Export(
        name="export",
        inputs={"model": trained_model(recipe), **data},
        task=recipe.task,
        section=recipe.export,
        max_length=max_length,
        trust_remote_code=recipe.trusts_student,
    )
    for section in recipe.quantize:
        yield Quantize(
            name=f"quantize/{section.name}",
            inputs={"export": "export", **data},
            task=recipe.task,
            section=section,
            max_length=max_length,
        )


def _cascade(recipe: Recipe, section: CascadeSection, first: Recipe) -> Iterator[Stage]:
    theirs = _stage_of(first, section.variant)
    yield from under(FIRST, _until(first, theirs), theirs)
    inputs = {"first": f"{FIRST}{theirs}", "second": _stage_of(recipe, section.variant), "data": "prepare"}
    yield Cascade(name="cascade", inputs=inputs, task=recipe.task, section=section, max_length=max_length_of(recipe))


def _until(first: Recipe, last: str) -> Iterator[Stage]:
    """What the variant of the first student is made of: other variants have no part in it."""
    yield from training_stages(first)
    yield from (stage for stage in _variants(first) if stage.name in ("export", last))


def _stage_of(recipe: Recipe, variant: str) -> str:
    return next(node.stage for node in variants(recipe) if node.name == variant)
