"""Whether a bundle can hold a file that takes texts, and say what it is unsure of."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.gates import parse_gate
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["tokenizer_fits_the_graph", "unsure_can_be_chosen"]

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


def unsure_can_be_chosen(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `bundle.unsure`."""
    section, data, path = recipe.bundle.unsure, recipe.data, "bundle.unsure"
    if section is None:
        return
    if (section.wrong is None) == (section.answered is None):
        yield Problem("takes one promise", path, hint="give `wrong: '<= 0.05'`, or `answered: '>= 0.9'`")
    sides = (("wrong", section.wrong, "<", "an upper"), ("answered", section.answered, ">", "a lower"))
    for name, expression, side, bounding in sides:
        comparison, bound = parse_gate(expression) if expression is not None else (side, 0.5)
        if not comparison.startswith(side):
            yield Problem(f"must be {bounding} bound", f"{path}.{name}", hint=f"write '{side}='")
        elif not 0 <= bound <= 1:
            yield Problem("is a share from 0 to 1, not a percentage", f"{path}.{name}", hint=f"such as '{side}= 0.05'")
    if task_spec(recipe.task).target != "one-label":
        yield Problem(f"is for one label a text, and {recipe.task} has none", path, hint="leave it out")
    if data is None or data.test_only:
        yield Problem("is chosen on a validation split: add a `data` section that has one", path)
    elif data.labelled is not None and "validation" not in data.labelled:
        yield Problem("needs the labels of the validation split, which `data.labelled` leaves out", path)
