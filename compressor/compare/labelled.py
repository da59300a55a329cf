"""Examples with their right answers from a file, to compare how well two models do."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from compressor.errors import DataError

__all__ = ["Labelled", "LabelledRow", "labelled_rows", "read_labelled"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Labelled:
    """Examples whose right answers are known."""

    examples: tuple[dict[str, str], ...]
    """Each with a text for every role."""
    targets: tuple[Any, ...]
    """As they stand in the file; none where it has none."""
    others: tuple[dict[str, str], ...] = ()
    """The row's other columns, as text."""


class LabelledRow(NamedTuple):
    """A row of such a file."""

    example: dict[str, str]
    target: Any
    """None where the file has no targets."""
    labelled: bool
    """Whether it has."""
    others: dict[str, str]


def read_labelled(
    path: Path,
    roles: Sequence[str],
    target: str,
    unread: Sequence[str] = (),
    *,
    optional: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Labelled:
    """Every row of a csv, tsv or jsonl file.

    Args:
        roles: what texts are called: the names of their columns, unless `columns` says otherwise.
        target: what the right answers are called.
        unread: columns of texts that other models of the task read and this one doesn't: their answers aren't its own.
        optional: whether it may be missing: there are no targets then.
        columns: role -> column, for roles whose column has another name.

    Raises:
        DataError: it can't be read, a row lacks a column, or has a text that isn't read.
    """
    rows = list(labelled_rows(path, roles, target, unread, optional=optional, columns=columns))
    targets = tuple(row.target for row in rows) if rows[0].labelled else ()
    return Labelled(tuple(row.example for row in rows), targets, tuple(row.others for row in rows))


def labelled_rows(
    path: Path,
    roles: Sequence[str],
    target: str,
    unread: Sequence[str] = (),
    *,
    optional: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Iterator[LabelledRow]:
    """The same a row at a time, for files that are too large to be held.

    Raises:
        DataError: as `read_labelled` does.
    """
    names = {role: role for role in (*roles, target)} | dict(columns or {})
    hint = f"Give a csv, tsv or jsonl file in UTF-8 with the columns {', '.join(names.values())}."
    wanted: list[str] = []
    labelled = True
    for number, row in enumerate(_read_rows(path, hint), start=1):
        if number == 1:
            labelled = not optional or names[target] in row
            wanted = [names[role] for role in (*roles, *([target] if labelled else []))]
        if lacking := [name for name in wanted if row.get(name) is None]:
            raise DataError(f"{path} has no `{lacking[0]}` in row {number}.", hint=hint)
        if others := [name for name in unread if row.get(name) is not None]:
            raise DataError(f"{path} has the column `{others[0]}`, which this model doesn't read.", hint=hint)
        yield LabelledRow(
            example={role: str(row[names[role]]) for role in roles},
            target=row[names[target]] if labelled else None,
            labelled=labelled,
            others={name: str(value) for name, value in row.items() if name not in wanted},
        )
    if not wanted:
        raise DataError(f"{path} has no rows.", hint=hint)


def _read_rows(path: Path, hint: str) -> Iterator[dict[str, Any]]:
    try:
        yield from _rows(path, hint)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path} can't be read: {error}", hint=hint) from error


def _rows(path: Path, hint: str) -> Iterator[dict[str, Any]]:
    # What Excel writes begins with a byte order mark: the -sig takes it off.
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix in _DELIMITERS:
            yield from csv.DictReader(file, delimiter=_DELIMITERS[path.suffix])
        elif path.suffix == ".jsonl":
            yield from (_object(path, line, hint) for line in file if line.strip())
        else:
            raise DataError(f"{path} is of no known kind.", hint=hint)


def _object(path: Path, line: str, hint: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise DataError(f"{path} has a line that is no JSON object: {line.strip()[:40]}", hint=hint)
    return found
