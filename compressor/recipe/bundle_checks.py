"""Whether a bundle can hold a file that takes texts."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["tokenizer_fits_the_graph"]

OLDEST_OPSET = 20
"""The first whose operators cut strings."""


def tokenizer_fits_the_graph(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `bundle.tokenizer_in_graph`."""
    if not recipe.bundle.tokenizer_in_graph:
        return
    spec, path = task_spec(recipe.task), "bundle.tokenizer_in_graph"
    pair = spec.text_roles[1:2]
    paired = recipe.data is not None and any(role in recipe.data.columns for role in pair) and not spec.single_or_pair
    if paired or any(role in spec.roles for role in pair):
        yield Problem("the file takes single texts, and this recipe's inputs are pairs", path, hint="leave it out")
    if recipe.export.opset is not None and recipe.export.opset < OLDEST_OPSET:
        hint = f"leave export.opset out, or set it to {OLDEST_OPSET} or more"
        yield Problem(
            f"cutting texts takes opset {OLDEST_OPSET}, and export.opset is {recipe.export.opset}", path, hint=hint
        )
