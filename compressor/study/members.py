"""The runs that a recipe with `seeds` or `variants` stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compressor.chain.exporting import first_of
from compressor.chain.training import start_of
from compressor.errors import Problem, RecipeError
from compressor.recipe import Recipe, load_recipe
from compressor.recipe.override import override
from compressor.recipe.study import BASE

__all__ = ["Member", "load_members"]


@dataclass(frozen=True)
class Member:
    """One run of a study."""

    variant: str
    """Name of the variant; `base` is the recipe as it stands."""
    seed: int
    """What the student is seeded with."""
    recipe: Recipe
    """The recipe of this run alone."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the variant sets: dotted key -> value."""

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{self.variant}, seed {self.seed}"

    @property
    def folder(self) -> str:
        """Its run directory, seen from the study's."""
        return f"{self.variant}/seed-{self.seed}"


def load_members(path: Path | str, overrides: Sequence[str] = ()) -> tuple[Member, ...]:
    """Every run of the recipe at `path`: the recipe as it stands and each variant, each with every seed.

    Raises:
        RecipeError: with every problem of the recipe, or else of all variants.
    """
    recipe = load_recipe(path, overrides)
    changes = {BASE: {}, **{variant.name: variant.set for variant in recipe.variants}}
    problems: list[Problem] = []
    members = [
        member
        for variant, values in changes.items()
        for member in _with_every_seed(path, overrides, recipe.seeds, variant, values, problems)
    ]
    if problems:
        raise RecipeError(problems)
    return tuple(members)


def _with_every_seed(
    path: Path | str,
    overrides: Sequence[str],
    seeds: Sequence[int],
    variant: str,
    changes: Mapping[str, Any],
    problems: list[Problem],
) -> Iterator[Member]:
    """The runs of one variant; what is wrong with it joins `problems`."""
    changed = [*overrides, *(override(key, value) for key, value in changes.items())]
    try:
        recipe = load_recipe(path, changed)
        seeded = {seed: {"seeds": [], **_seeded(recipe, seed)} for seed in seeds}
    except RecipeError as error:
        problems += [_of_variant(variant, problem, path) for problem in error.problems]
        return
    for seed, values in seeded.items():
        own = load_recipe(path, [*changed, *(override(key, value) for key, value in values.items())])
        yield Member(variant, seed, own.alone, changes)
    if not seeds:
        yield Member(variant, recipe.student_seed, recipe.alone, changes)


def _seeded(recipe: Recipe, seed: int) -> dict[str, Any]:
    """What a seed changes: dotted key -> value.

    It seeds every student that what ships is made of, also those of recipes that this one names: were these the same in
    all runs, the spread would be told too small.

    Raises:
        RecipeError: a recipe that this one names can't be read, or doesn't go with it.
    """
    changes: dict[str, Any] = {"distill.seed": seed}
    for path, named, other in (
        ("student.set", recipe.student.set, start_of(recipe)),
        ("cascade.set", recipe.cascade.set if recipe.cascade else {}, first_of(recipe)),
    ):
        if other is not None:
            inner = _seeded(other, seed)
            # Changes are made in their order, and the seed's come last.
            changes[path] = {key: value for key, value in named.items() if key not in inner} | inner
    return changes


def _of_variant(variant: str, problem: Problem, path: Path | str) -> Problem:
    """The problem with the name of the variant, in place of the `--set` that the user never typed."""
    file = problem.file or (Path(path) if problem.override else None)
    return replace(problem, path=f"variant {variant}: {problem.path}".removesuffix(": "), override=None, file=file)
