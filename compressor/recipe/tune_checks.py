"""Whether the section `tune` makes sense together with the recipe that it changes."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.problems import TWICE
from compressor.recipe.recipe import Recipe
from compressor.recipe.tune import RangeSection

__all__ = ["ranges_are_sound", "tuning_has_a_goal"]

_NOT_TUNED = ("extends", "name", "seeds", "task", "tune", "variants")


def ranges_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Bounds in order, and something to choose from."""
    for key, values in recipe.tune.ranges.items() if recipe.tune else ():
        path = f"tune.ranges.{key}"
        if key.partition(".")[0] in _NOT_TUNED:
            yield Problem(f"`{key}` can't be tuned", path, hint="leave it out")
        elif not isinstance(values, RangeSection):
            if len(values) < 2:
                yield Problem("leaves nothing to choose from", path, hint="give two values or more")
        elif values.low >= values.high:
            yield Problem(f"low ({values.low:g}) must be below high ({values.high:g})", path)
        elif values.log and values.low <= 0:
            yield Problem("a logarithmic scale begins above 0", path, hint="raise `low`, or leave out `log`")


def tuning_has_a_goal(recipe: Recipe) -> Iterator[Problem]:
    """A training to judge, and for the other goals what measures them."""
    if recipe.tune is None:
        return
    goals = recipe.tune.goals
    for index, goal in enumerate(goals):
        if goal in goals[:index]:
            yield Problem(f"the goal {goal} is there twice", f"tune.goals.{index}", hint=TWICE)
    if recipe.distill is None:
        yield Problem("trials are judged by the student's training: add a `distill` section", "tune")
    timed = any(workload.kind in ("dataset", "grid") for workload in recipe.benchmark.workloads)
    if "latency" in goals and not timed:
        yield Problem("needs the workload `dataset` or `grid`", "tune.goals", hint="add it to `benchmark.workloads`")
