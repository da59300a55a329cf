"""Which columns of the source play which role of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from compressor.errors import DataError
from compressor.recipe.data import DataSection
from compressor.tasks.base import Task

__all__ = ["did_you_mean", "require_columns", "role_columns"]


def role_columns(section: DataSection, task: Task) -> dict[str, str]:
    """Role -> column, for every role the task requires and every optional one the recipe maps.

    A required role that `data.columns` leaves out is looked for in the column of its own name.

    Raises:
        DataError: a role the task doesn't have, or one column for two roles.
    """
    known = (*task.spec.roles, *task.spec.optional_roles)
    for role in section.columns:
        if role not in known:
            raise DataError(
                f"data.columns names the role {role!r}, which {task.name} doesn't have.",
                hint=f"Its roles are {', '.join(known)}.{did_you_mean(role, known)}",
            )
    columns = {role: section.columns.get(role, role) for role in known if _is_read(role, section, task)}
    twice = {column for column in columns.values() if list(columns.values()).count(column) > 1}
    if twice:
        raise DataError(f"data.columns reads the column {min(twice)!r} for two roles.")
    return columns


def require_columns(wanted: Mapping[str, str], available: Sequence[str], origin: str) -> None:
    """Raise `DataError` for a wanted column that isn't there, or is there twice; names the ones that are."""
    for role, column in wanted.items():
        if column not in available:
            raise DataError(
                f"{origin} has no column {column!r} (for the role {role!r}); its columns are: {', '.join(available)}.",
                hint=f"Name the right one in data.columns.{did_you_mean(column, available)}",
            )
        if list(available).count(column) > 1:
            raise DataError(f"{origin} has two columns called {column!r}.", hint="Rename one of them.")


def did_you_mean(name: str, candidates: Sequence[str]) -> str:
    """A sentence that suggests the likeliest of `candidates`, or nothing."""
    folded = {candidate.strip().casefold(): candidate for candidate in candidates}
    close = get_close_matches(name.strip().casefold(), list(folded), n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def _is_read(role: str, section: DataSection, task: Task) -> bool:
    return role in task.spec.roles or role in section.columns
