"""The texts of a file or of standard input, a row at a time."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from compressor.errors import DataError, MissingExtra, shortened

__all__ = ["KINDS", "kind_of", "read_rows"]

KINDS = ("csv", "tsv", "jsonl", "parquet", "txt")
STDIN = "-"
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def kind_of(name: str) -> str:
    """The kind of a file by its ending; standard input and other endings are plain lines.

    Raises:
        DataError: a file of another kind.
    """
    ending = Path(name).suffix.removeprefix(".").lower()
    if name == STDIN or ending in ("", "log", "text"):
        return "txt"
    if ending not in KINDS:
        raise DataError(
            f"{shortened(name, 200)} is of no kind that can be read.", hint=f"Its name must end in {', '.join(KINDS)}."
        )
    return ending


def read_rows(source: str, columns: Mapping[str, str], *, chunk: int) -> Iterator[list[dict[str, Any]]]:
    """Rows in lists of up to `chunk`, each with a text for every role; from standard input every line by itself.

    Args:
        columns: role -> column. Plain lines have no columns: each is the text of the first role.

    Raises:
        DataError: the file can't be read, or a row lacks a column or holds no text. MissingExtra: parquet without
            pyarrow.
    """
    kind = kind_of(source)
    if kind == "parquet":
        yield from _parquet(Path(source), columns, chunk)
        return
    try:
        if source == STDIN:
            yield from ([row] for row in _rows(sys.stdin, kind, columns, "standard input"))
            return
        with Path(source).open(encoding="utf-8-sig", newline="" if kind in _DELIMITERS else None) as file:
            yield from _chunks(_rows(file, kind, columns, source), chunk)
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{source} can't be read: {error.strerror}.", hint="Name a file that is there.") from error


def _chunks(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        found.append(row)
        if len(found) == size:
            yield found
            found = []
    if found:
        yield found


def _rows(file: TextIO, kind: str, columns: Mapping[str, str], name: str) -> Iterator[dict[str, Any]]:
    if kind == "txt":
        role = _only_role(columns, name)
        # A blank line is a text like any other: a dropped one would shift all answers after it.
        yield from ({role: line.rstrip("\r\n")} for line in file)
    elif kind == "jsonl":
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _taken(_object(line, name, number), columns, name, number)
    else:
        reader = csv.DictReader(file, delimiter=_DELIMITERS[kind])
        _require(columns, reader.fieldnames or (), name)
        try:
            yield from (_taken(row, columns, name, reader.line_num) for row in reader)
        except csv.Error as error:
            raise DataError(
                f"{name}, line {reader.line_num}: {error}.", hint="Look for a stray quote there."
            ) from error


def _object(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}, line {number}: not valid JSON.", hint="jsonl holds one object a line.") from error
    if not isinstance(found, dict):
        raise DataError(f"{name}, line {number}: no JSON object.", hint="jsonl holds one object a line.")
    return found


def _parquet(file: Path, columns: Mapping[str, str], chunk: int) -> Iterator[list[dict[str, Any]]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Reading parquet", "toolkit", "pyarrow") from error
    try:
        with parquet.ParquetFile(file) as opened:
            _require(columns, opened.schema_arrow.names, str(file))
            start = 0
            for batch in opened.iter_batches(chunk, columns=list(columns.values())):
                rows = batch.to_pylist()
                yield [_taken(row, columns, str(file), start + i) for i, row in enumerate(rows, start=1)]
                start += len(rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{file} can't be read: {_first_line(error)}", hint="It may be cut short, or no parquet file."
        ) from error


def _only_role(columns: Mapping[str, str], name: str) -> str:
    if len(columns) > 1:
        raise DataError(
            f"{name} holds one text a line, and the bundle reads {' and '.join(columns)}.",
            hint="Give a csv, tsv, jsonl or parquet file with a column for each.",
        )
    return next(iter(columns))


def _require(columns: Mapping[str, str], available: Sequence[str], name: str) -> None:
    for role, column in columns.items():
        if column not in available:
            raise DataError(
                f"{name} has no column {column!r}; its columns are: {shortened(', '.join(available), 300)}.",
                hint=f"Name it: --column {role}=COLUMN.",
            )


def _taken(row: Mapping[str, Any], columns: Mapping[str, str], name: str, number: int) -> dict[str, Any]:
    """The row's texts by role. An empty field is an empty text; a missing one is an error."""
    found = {}
    for role, column in columns.items():
        value = row.get(column)
        if not isinstance(value, str):
            raise DataError(f"{name}, row {number}: {column!r} holds no text.", hint="Mend the row, or leave it out.")
        found[role] = value
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
