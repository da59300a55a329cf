"""Answers as they leave the program: lines of JSON, a csv file, a parquet file, or a line for people each."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from compressor.errors import DataError, MissingExtra
from compressor.runtime import Answer

__all__ = ["Writer", "open_writer"]

Row = Mapping[str, str]
_KINDS = ("jsonl", "csv", "parquet")


class Writer(Protocol):
    """Takes answers in their order."""

    def write(self, row: Row, answer: Answer) -> None:
        """One row with its answer."""


@contextmanager
def open_writer(target: str | None, *, as_json: bool) -> Iterator[Writer]:
    """A writer to a file, by its ending, or to standard output: JSON lines, else a line for people an answer.

    Raises:
        DataError: the file is of another kind or can't be written. MissingExtra: parquet without pyarrow.
    """
    if target is None or target == "-":
        yield _Lines() if as_json else _ForPeople()
        return
    kind = Path(target).suffix.removeprefix(".")
    if kind not in _KINDS:
        raise DataError(
            f"{target} is of no kind that can be written.", hint=f"Its name must end in {', '.join(_KINDS)}."
        )
    try:
        if kind == "parquet":
            with _parquet(Path(target)) as writer:
                yield writer
            return
        with Path(target).open("w", encoding="utf-8", newline="") as file:
            yield _Lines(file) if kind == "jsonl" else _Csv(file)
    except OSError as error:
        raise DataError(
            f"{target} can't be written: {error.strerror}.", hint="Name another file with --output."
        ) from error


class _Lines:
    def __init__(self, file: Any = None) -> None:
        self._file = file

    def write(self, row: Row, answer: Answer) -> None:
        file = self._file or sys.stdout
        file.write(json.dumps({**row, **answer.to_dict()}, ensure_ascii=False) + "\n")
        if self._file is None:
            file.flush()


class _ForPeople:
    def write(self, row: Row, answer: Answer) -> None:
        texts = "\t".join(row.values())
        line = f"{answer.shown}\t{texts}"
        sys.stdout.write(
            "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line) + "\n"
        )
        sys.stdout.flush()


class _Csv:
    def __init__(self, file: Any) -> None:
        self._writer = csv.writer(file)
        self._begun = False

    def write(self, row: Row, answer: Answer) -> None:
        values = {**row, **_flat(answer)}
        if not self._begun:
            self._writer.writerow(values)
            self._begun = True
        self._writer.writerow(values.values())


@contextmanager
def _parquet(file: Path) -> Iterator[Writer]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Writing parquet", "toolkit", "pyarrow") from error
    rows: list[dict[str, Any]] = []

    class Collected:
        def write(self, row: Row, answer: Answer) -> None:
            rows.append({**row, **_flat(answer)})

    yield Collected()
    parquet.write_table(pa.Table.from_pylist(rows), file)


def _flat(answer: Answer) -> dict[str, Any]:
    """The answer's fields, lists and mappings as JSON: a table has plain values."""
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | tuple) else value
        for name, value in answer.to_dict().items()
    }
