"""Whether the columns that a recipe names are those of the task, and of files that name none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from compressor.errors import Problem
from compressor.recipe.augment import UnlabelledSection
from compressor.recipe.problems import suggest
from compressor.recipe.recipe import Recipe
from compressor.task_specs import task_spec

__all__ = ["columns_fit_the_task", "columns_without_names_are_numbers"]


def columns_fit_the_task(recipe: Recipe) -> Iterator[Problem]:
    """Problems of `data.columns`."""
    if recipe.data is None:
        return
    spec = task_spec(recipe.task)
    required, optional = spec.roles, spec.optional_roles
    for role in required:
        if (recipe.data.columns or not recipe.data.header) and role not in recipe.data.columns:
            message = f"{recipe.task} needs a column for `{role}`"
            what = "name" if recipe.data.header else "number"
            yield Problem(message, "data.columns", hint=f"add `{role}: <{what} of the column>`")
    for role in recipe.data.columns:
        if role not in (*required, *optional):
            message = f"{recipe.task} has no role `{role}`"
            yield Problem(message, f"data.columns.{role}", hint=suggest(role, [*required, *optional]))
    for column, count in Counter(recipe.data.columns.values()).items():
        if count > 1:
            yield Problem(
                f"the column {column!r} is given two roles", "data.columns", hint="name another for one of them"
            )


def columns_without_names_are_numbers(recipe: Recipe) -> Iterator[Problem]:
    """Problems of sections with `header: false`."""
    if recipe.data is None:
        return
    spec, split = task_spec(recipe.task), recipe.data.split
    if not recipe.data.header:
        named = {f"columns.{role}": column for role, column in recipe.data.columns.items()}
        yield from _not_numbers("data", named | {"split.group": split.group, "split.by": split.by})
    for source in recipe.data.more:
        section = source.section
        if isinstance(section, UnlabelledSection) and not section.header:
            named = {f"columns.{role}": column for role, column in section.columns.items()}
            named |= {f"where.{column}": column for column in section.where}
            yield from _not_numbers(source.path, named | {"group": section.group})
            for role in spec.text_roles:
                if role in spec.roles and role not in section.columns:
                    hint = f"add `{role}: <number of the column>`"
                    yield Problem(f"{spec.name} needs a column for `{role}`", f"{source.path}.columns", hint=hint)


def _not_numbers(path: str, named: Mapping[str, str | tuple[str, ...] | None]) -> Iterator[Problem]:
    for key, columns in named.items():
        for column in (columns,) if isinstance(columns, str) else columns or ():
            if not re.fullmatch("[1-9][0-9]{0,5}", column):
                message = f"{column!r} is no number of a column, and with `header: false` no column has a name"
                yield Problem(message, f"{path}.{key}", hint="give its number, counted from 1")
