"""Labelled texts from a file, to compare accuracy on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.errors import DataError

__all__ = ["Labelled", "read_labelled"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_HINT = "Give a csv, tsv or jsonl file in UTF-8, with `text` and `label` and, for pairs, `text_pair`."


@dataclass(frozen=True)
class Labelled:
    """Texts whose right answers are known."""

    texts: tuple[dict[str, str], ...]
    """`text` and, for pairs, `text_pair`."""
    labels: tuple[str, ...]

    @property
    def pairs(self) -> bool:
        """Whether each is a pair of texts."""
        return "text_pair" in self.texts[0]


def read_labelled(path: Path) -> Labelled:
    """Every row of a csv, tsv or jsonl file.

    Raises:
        DataError: it can't be read, or a row lacks a column.
    """
    try:
        rows = list(_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise DataError(f"{path} can't be read: {error}", hint=_HINT) from error
    if not rows:
        raise DataError(f"{path} has no rows.", hint=_HINT)
    fields = ("text", "text_pair") if any(row.get("text_pair") is not None for row in rows) else ("text",)
    for number, row in enumerate(rows, start=1):
        if lacking := [name for name in (*fields, "label") if row.get(name) is None]:
            raise DataError(f"{path} has no `{lacking[0]}` in row {number}.", hint=_HINT)
    texts = tuple({name: str(row[name]) for name in fields} for row in rows)
    return Labelled(texts, tuple(str(row["label"]) for row in rows))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    # What Excel writes begins with a byte order mark: the -sig takes it off.
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix in _DELIMITERS:
            yield from csv.DictReader(file, delimiter=_DELIMITERS[path.suffix])
        elif path.suffix == ".jsonl":
            yield from (_object(path, line) for line in file if line.strip())
        else:
            raise DataError(f"{path} is of no known kind.", hint=_HINT)


def _object(path: Path, line: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise DataError(f"{path} has a line that is no JSON object: {line.strip()[:40]}", hint=_HINT)
    return found
