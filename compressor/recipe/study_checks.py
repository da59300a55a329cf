"""Whether `seeds` and `variants` make sense together with the recipe that they change."""

from __future__ import annotations

from collections.abc import Iterator

from compressor.errors import Problem
from compressor.recipe.problems import ANOTHER_NAME, TWICE
from compressor.recipe.recipe import Recipe
from compressor.recipe.study import BASE

__all__ = ["seeds_are_sound", "variants_are_sound"]

_OF_THE_WHOLE = {
    "extends": "can only be written at the top of a file",
    "name": "names the run directory of all variants",
    "seeds": "hold for all variants",
    "task": "must be the same for models that are compared",
    "tune": "is for another command",
    "variants": "can't stand within a variant",
}
"""Keys that no variant may set, and why."""


def seeds_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Each once, and a training that they seed."""
    for index, seed in enumerate(recipe.seeds):
        if seed in recipe.seeds[:index]:
            yield Problem(f"the seed {seed} is there twice", f"seeds.{index}", hint=TWICE)
    if recipe.seeds and recipe.distill is None:
        yield Problem("seed the student's training, and there is none: add a `distill` section", "seeds")


def variants_are_sound(recipe: Recipe) -> Iterator[Problem]:
    """Names of their own, and keys that may differ between runs which are compared."""
    names = [variant.name for variant in recipe.variants]
    for index, variant in enumerate(recipe.variants):
        path = f"variants.{index}"
        if variant.name == BASE:
            message = f"{BASE!r} is what the recipe without changes is called"
            yield Problem(message, f"{path}.name", hint=ANOTHER_NAME)
        elif variant.name in names[:index]:
            yield Problem(f"two variants are called {variant.name!r}", f"{path}.name", hint=ANOTHER_NAME)
        for key in variant.set:
            if reason := _OF_THE_WHOLE.get(key.partition(".")[0]):
                yield Problem(f"a variant can't set `{key}`, which {reason}", f"{path}.set")
            elif recipe.seeds and key == "distill.seed":
                yield Problem("a variant can't set `distill.seed`, which `seeds` does", f"{path}.set")
