"""What a search may draw: values for the keys of `tune.ranges`, and recipes with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.errors import Problem, RecipeError
from compressor.recipe import Recipe, load_recipe
from compressor.recipe.override import override
from compressor.recipe.tune import Choices, RangeSection

if TYPE_CHECKING:
    import optuna

__all__ = ["changed_recipe", "combinations", "draw", "outermost"]

Ranges = Mapping[str, RangeSection | Choices]


def draw(trial: optuna.Trial, ranges: Ranges) -> dict[str, Any]:
    """A value for each key. Choices are kept as JSON, so that lists and mappings can be chosen from too.

    Raises:
        ValueError: earlier trials of the same search drew from other ranges.
    """
    return {key: _draw(trial, key, values) for key, values in ranges.items()}


def _draw(trial: optuna.Trial, key: str, values: RangeSection | Choices) -> Any:
    if not isinstance(values, RangeSection):
        return json.loads(str(trial.suggest_categorical(key, [json.dumps(value) for value in values])))
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(key, values.low, values.high, log=values.log)
    return trial.suggest_float(key, values.low, values.high, log=values.log)


def combinations(ranges: Ranges, most: int) -> list[dict[str, Any]] | None:
    """All that can be drawn, as Optuna keeps it, where that is no more than `most`; else None."""
    choices: list[list[Any]] = []
    for values in ranges.values():
        if not isinstance(values, RangeSection):
            choices.append([json.dumps(value) for value in values])
        elif isinstance(values.low, int) and isinstance(values.high, int):
            choices.append(list(range(values.low, min(values.high, values.low + most) + 1)))
        else:
            return None
    if prod(map(len, choices)) > most:
        return None
    return [dict(zip(ranges, combination, strict=True)) for combination in product(*choices)]


def outermost(ranges: Ranges) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last value of every range: between them lies all that can be drawn."""
    first = {key: one.low if isinstance(one, RangeSection) else one[0] for key, one in ranges.items()}
    last = {key: one.high if isinstance(one, RangeSection) else one[-1] for key, one in ranges.items()}
    return first, last


def changed_recipe(path: Path | str, overrides: Sequence[str], changes: Mapping[str, Any]) -> Recipe:
    """The recipe at `path` with these values, as one run.

    Raises:
        RecipeError: a key or a value doesn't fit; the message says that it comes from `tune.ranges`.
    """
    try:
        return load_recipe(path, [*overrides, *(override(key, value) for key, value in changes.items())]).alone
    except RecipeError as error:
        raise RecipeError([_of_ranges(problem, path) for problem in error.problems]) from error


def _of_ranges(problem: Problem, path: Path | str) -> Problem:
    """The problem with where its value comes from, in place of the `--set` that the user never typed."""
    file = problem.file or (Path(path) if problem.override else None)
    return replace(problem, path=f"tune.ranges: {problem.path}".removesuffix(": "), override=None, file=file)
