"""Another recipe that this one names: the one whose student teaches here, or answers first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from compressor.engine.stage import Stage
from compressor.errors import Problem, RecipeError
from compressor.recipe.load import load_recipe
from compressor.recipe.override import override
from compressor.recipe.recipe import Recipe

__all__ = ["other_recipe", "under"]


def other_recipe(recipe: Recipe, section: str, run: str, changes: Mapping[str, Any], purpose: str) -> Recipe:
    """The recipe that `run` of a section names, with the changes of its `set`.

    Args:
        purpose: what its student is for: "teach".

    Raises:
        RecipeError: it can't be read, does another task, or trains no student.
    """
    path = f"{section}.run"
    try:
        found = load_recipe(run, [override(key, value) for key, value in changes.items()])
    except RecipeError as error:
        below = [replace(one, path=f"{path}: {one.path}".rstrip(": ")) for one in error.problems]
        raise RecipeError(below) from error
    said = []
    if found.task != recipe.task:
        said.append(f"is a recipe for {found.task}, and this one is for {recipe.task}")
    if found.distill is None:
        said.append(f"trains no student that could {purpose}: it has no `distill` section")
    if found.is_study:
        said.append("stands for several runs: name one without `seeds` and `variants`, or set them to []")
    if said:
        raise RecipeError([Problem(problem, path, hint="name another recipe") for problem in said])
    return found


def under(prefix: str, stages: Iterable[Stage], last: str, own: Iterable[Stage] = ()) -> Iterator[Stage]:
    """Stages of another recipe up to the one called `last`, under names of their own. Keys stay: what that recipe made
    already is found.

    Args:
        own: stages of this recipe; one that is the same in both is read under its name here, and not named twice.
    """
    known, called = list(own), dict[str, str]()
    for stage in stages:
        inputs = {role: called[name] for role, name in stage.inputs.items()}
        same = (one for one in known if one == replace(stage, name=one.name, inputs=inputs))
        shared = None if stage.name == last else next(same, None)
        called[stage.name] = shared.name if shared else f"{prefix}{stage.name}"
        if shared is None:
            yield replace(stage, name=called[stage.name], inputs=inputs)
        if stage.name == last:
            return
