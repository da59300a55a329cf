"""Labelled texts from a file, to compare accuracy on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from compressor.errors import DataError

__all__ = ["read_labelled"]

_COLUMNS: tuple[str, ...] = ("text", "text_pair", "label")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_labelled(path: Path) -> list[dict[str, str]]:
    """Rows with `text`, `label` and, for pairs, `text_pair`, of a csv, tsv or jsonl file.

    Raises:
        DataError: it can't be read, or has no such columns.
    """
    try:
        rows = [{name: str(row[name]) for name in _COLUMNS if row.get(name) is not None} for row in _rows(path)]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError, AttributeError) as error:
        raise DataError(f"{path} can't be read: {error}", hint="Give a csv, tsv or jsonl file in UTF-8.") from error
    if not rows:
        raise DataError(f"{path} has no rows.")
    if lacking := [name for name in ("text", "label") if any(name not in row for row in rows)]:
        raise DataError(f"{path} has no column {lacking[0]!r}.", hint="It must have `text` and `label`.")
    return rows


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix in _DELIMITERS:
            yield from csv.DictReader(file, delimiter=_DELIMITERS[path.suffix])
        elif path.suffix == ".jsonl":
            yield from (json.loads(line) for line in file if line.strip())
        else:
            raise DataError(f"{path} is of no known kind.", hint="Give a csv, tsv or jsonl file.")
