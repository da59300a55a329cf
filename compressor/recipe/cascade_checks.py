"""Whether two students can answer one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from compressor.errors import Problem
from compressor.recipe.problems import ANOTHER_NAME, suggest
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["cascade_is_possible"]


def cascade_is_possible(recipe: Recipe, reserved: Collection[str]) -> Iterator[Problem]:
    """Problems of the section `cascade`; `reserved` are names that reports use for something else."""
    cascade = recipe.cascade
    if cascade is None:
        return
    outputs = task_spec(recipe.task).outputs
    if len(outputs) != 1 or outputs[0].likelihood != "categorical" or outputs[0].per_token:
        message = f"needs one answer of several classes for each text, and {recipe.task} gives something else"
        yield Problem(message, "cascade", hint="the first student's probability says whether it is sure")
    if recipe.data is None or recipe.data.test_only:
        yield Problem("is chosen on validation texts, and there are none", "cascade", hint="add a `data` section")
    made = ["fp32", *(variant.name for variant in recipe.quantize)]
    if cascade.variant not in made:
        hint = suggest(cascade.variant, made)
        yield Problem(f"no variant is called {cascade.variant!r}", "cascade.variant", hint=hint)
    if cascade.name in made:
        yield Problem(f"two variants are called {cascade.name!r}", "cascade.name", hint="give each a `name`")
    elif cascade.name in reserved:
        yield Problem(f"{cascade.name!r} is a name reports use for something else", "cascade.name", hint=ANOTHER_NAME)
