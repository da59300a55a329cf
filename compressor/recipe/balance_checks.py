"""Whether training texts can be weighed as a recipe asks."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.recipe import Recipe
from compressor.recipe.slice_checks import slice_is_sound
from compressor.recipe.trainings import trainings
from compressor.task_specs import task_spec

__all__ = ["balance_is_possible"]


def balance_is_possible(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `data.balance` and `data.augment.balance`."""
    data, spec, path = recipe.data, task_spec(recipe.task), "data.balance"
    if data is None:
        return
    if data.balance is None:
        if data.augment is not None and data.augment.balance:
            message = "copies texts by the weights of `data.balance`, and there is none"
            yield Problem(message, "data.augment.balance", hint="add it, for example {slice: COLUMN}")
        return
    yield from slice_is_sound(data.balance.slice, f"{path}.slice", header=data.header)
    if data.test_only or not any(trainings(recipe)):
        yield Problem("is for a training, and nothing is trained here", path, hint="leave it out")
    if data.balance.by != "group-and-label":
        return
    alone = "weigh by group alone: `by: group`"
    if spec.target != "one-label":
        yield Problem(f"is for one label a text, and {spec.name} has none", f"{path}.by", hint=alone)
    elif data.labelled is not None and "train" not in data.labelled:
        message = "needs the labels of `train`, which `data.labelled` leaves out"
        yield Problem(message, f"{path}.by", hint=alone)
