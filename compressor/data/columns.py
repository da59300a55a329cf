"""Which columns of the source are read, and what for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from compressor.errors import DataError
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = [
    "BALANCED",
    "BY",
    "GROUP",
    "KEPT",
    "SLICES",
    "UNLABELLED",
    "Columns",
    "did_you_mean",
    "require_columns",
    "role_columns",
]

GROUP, BY = "split.group", "split.by"
"""Keys of the columns that splits are made by."""
UNLABELLED = "unlabelled."
"""What keys of the columns begin with that choose among unlabelled texts."""
SLICES, BALANCED = "audit.slices.", "data.balance.slice."
"""What keys of the columns begin with that are kept beside the texts: for an audit, and to weigh training texts."""
KEPT = (SLICES, BALANCED)


@dataclass(frozen=True)
class Columns:
    """Columns by key. The key is what a column is called once it is read: the role, for most."""

    texts: Mapping[str, str]
    """Role -> column of a text."""
    target: Mapping[str, str]
    """Key -> column of what a model is to answer: {"label": "stars"}; of several columns a key each,
    {"label.toxic": "toxic", "label.rude": "rude"}; none where nothing is to be answered."""
    splits: Mapping[str, str]
    """`GROUP` or `BY`, or a key that begins with `UNLABELLED` or one of `KEPT` -> column."""
    nested: frozenset[str] = frozenset()
    """Keys of columns that may hold lists and objects; the others hold text."""

    @property
    def wanted(self) -> dict[str, str]:
        """Every key with its column."""
        return {**self.texts, **self.target, **self.splits}


def role_columns(section: DataSection, spec: TaskSpec, *, labelled: bool = True, tokens: bool = False) -> Columns:
    """The columns of every role that the task requires and of every optional one that the recipe maps.

    A required role that `data.columns` leaves out is looked for in the column of its own name.

    Args:
        labelled: whether the column of the target is read.
        tokens: whether a text may come as a list of tokens.

    Raises:
        DataError: a role the task doesn't have, one column for two roles, or several columns for one text.
    """
    known = (*spec.roles, *spec.optional_roles)
    for role in section.columns:
        if role not in known:
            raise DataError(
                f"data.columns names the role {role!r}, which {spec.name} doesn't have.",
                hint=f"Its roles are {', '.join(known)}.{did_you_mean(role, known)}",
            )
    texts: dict[str, str] = {}
    target: dict[str, str] = {}
    for role in (role for role in known if role in spec.roles or role in section.columns):
        column = section.columns.get(role, role)
        if role == spec.target_role and not labelled:
            continue
        if role == spec.target_role:
            target = {role: column} if isinstance(column, str) else {f"{role}.{name}": name for name in column}
        elif isinstance(column, str):
            texts[role] = column
        else:
            raise DataError(f"data.columns.{role} is a list: only {spec.target_role} can have several columns.")
    columns = [*texts.values(), *target.values()]
    if twice := {column for column in columns if columns.count(column) > 1}:
        raise DataError(
            f"data.columns reads the column {min(twice)!r} for two roles.", hint="Name another for one of them."
        )
    splits = {GROUP: section.split.group, BY: section.split.by}
    return Columns(
        texts,
        target,
        {key: column for key, column in splits.items() if column is not None},
        frozenset(target) | (frozenset(texts) if tokens else frozenset()),
    )


def require_columns(wanted: Mapping[str, str], available: Sequence[str], origin: str) -> None:
    """Raise `DataError` for a wanted column that isn't there, or is there twice; names the ones that are."""
    for key, column in wanted.items():
        is_setting = key in (GROUP, BY) or key.startswith((UNLABELLED, *KEPT))
        setting = f"data.{key}" if is_setting else "data.columns"
        if key.startswith(KEPT):
            setting = next(kept for kept in KEPT if key.startswith(kept)).rstrip(".")
        if column not in available:
            purpose = setting if is_setting else f"the role {key!r}"
            raise DataError(
                f"{origin} has no column {column!r} (for {purpose}); its columns are: {', '.join(available)}.",
                hint=f"Name the right one in {setting}.{did_you_mean(column, available)}",
            )
        if list(available).count(column) > 1:
            raise DataError(f"{origin} has two columns called {column!r}.", hint="Rename one of them.")


def did_you_mean(name: str, candidates: Sequence[str]) -> str:
    """A sentence that suggests the likeliest of `candidates`, or nothing."""
    folded = {candidate.strip().casefold(): candidate for candidate in candidates}
    close = get_close_matches(name.strip().casefold(), list(folded), n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""
