"""The first rows of a file, every column of it: what a look at a file that nobody described yet can tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import pyarrow as pa

from compressor.data.arrow import values_of
from compressor.data.compression import open_plain, plain_name, unreadable_explained
from compressor.data.delimited import other_delimiter, read_header
from compressor.data.formats import DELIMITERS, FORMATS, JSON_READERS, read_batches
from compressor.data.json_files import Member, json_objects, line_objects, object_batches
from compressor.data.layout import layout_of
from compressor.data.parquet import parquet_columns, read_parquet
from compressor.data.source import unpacked
from compressor.errors import DataError

__all__ = ["ROWS", "Peek", "peek"]

ROWS = 5_000
_MOST_CHARACTERS = 64 << 20
"""Of all JSON objects that are looked at: rows may be long."""
_FIXED = {
    "conll": ("text", "tags"),
    "conllu": ("text", "tags"),
    "squad": ("question", "context", "answers", "title"),
}
"""Columns of the formats that name none."""


@dataclass(frozen=True)
class Peek:
    """Rows from the beginning of a file, or all of them."""

    format: str
    """As `data.format` spells it."""
    delimiter: str | None
    """Of csv and tsv, where it isn't the usual one."""
    columns: Mapping[str, list[Any]]
    """Name -> the values of its rows: text, a list, an object, or None. Columns without a name, or with a name that
    another has too, are left out."""
    count: int
    """Rows that were looked at."""

    @property
    def whole(self) -> bool:
        """Whether the file has no further rows."""
        return self.count < ROWS


def peek(path: Path, given: str | None = None) -> Peek:
    """Look at the first rows of a file.

    Args:
        given: its format, where neither its name nor its first lines tell.

    Raises:
        DataError: the file isn't there, can't be read, or holds no rows.
    """
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises for a name that is too long
        raise DataError(
            f"{path} is a folder, not a file." if path.is_dir() else f"The file {path} is not there.",
            hint="Name one data file: csv, tsv, jsonl, json, parquet, CoNLL or SQuAD, packed or not.",
        )
    if given is not None and given not in FORMATS:
        raise DataError(f"There is no file format {given!r}.", hint=f"The formats are {', '.join(FORMATS)}.")
    with unreadable_explained(path):
        name = plain_name(path)
    kind = layout_of(path, name, given)
    delimiter, names = None, list(_FIXED.get(kind, ()))
    if kind in DELIMITERS:
        delimiter, names = _delimited_columns(path, kind)
    if kind == "parquet":
        columns = _first_columns(_parquet_batches(path, name))
    else:
        with unreadable_explained(path), open_plain(path) as (stream, _):
            if kind in JSON_READERS:
                batches = _object_batches(stream, kind, path.name)
            else:
                wanted = {column: column for column in names}
                batches = read_batches(stream, kind, wanted, path.name, nested=names, delimiter=delimiter)
            columns = _first_columns(batches)
    count = max(map(len, columns.values()), default=0)
    if not count:
        raise DataError(f"{path} holds no rows.", hint="Name a file with labelled texts, a row each.")
    return Peek(kind, delimiter, columns, count)


def _delimited_columns(path: Path, kind: str) -> tuple[str | None, list[str]]:
    """The delimiter, where it isn't the usual one, and the names of columns that have one of their own."""
    header = _header(path, DELIMITERS[kind])
    other = other_delimiter(header, DELIMITERS[kind])
    if other is not None:
        header = _header(path, other)
    return other, [name for name in header if name.strip() and header.count(name) == 1]


def _header(path: Path, delimiter: str) -> list[str]:
    with unreadable_explained(path), open_plain(path) as (stream, _):
        return read_header(stream, delimiter, path.name)


def _object_batches(stream: BinaryIO, kind: str, origin: str) -> Iterator[pa.RecordBatch]:
    objects = json_objects(stream, origin) if kind == "json" else line_objects((stream,), origin)
    some = list(_some(objects))
    names = dict.fromkeys(key for member in some if isinstance(member.value, dict) for key in member.value)
    wanted = {name: name for name in names if name.strip()}
    return object_batches(iter(some), wanted, origin, nested=wanted)


def _some(objects: Iterator[Member]) -> Iterator[Member]:
    left = _MOST_CHARACTERS
    for member in islice(objects, ROWS):
        yield member
        left -= member.length
        if left < 0:
            return


def _parquet_batches(path: Path, name: str) -> Iterator[pa.RecordBatch]:
    with TemporaryDirectory(prefix="compressor-") as scratch:
        plain = path if name == path.name else unpacked(path, Path(scratch) / name)
        wanted = {column: column for column in parquet_columns(plain, path.name)}
        yield from read_parquet(plain, wanted, path.name, nested=wanted)


def _first_columns(batches: Iterable[pa.RecordBatch]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = found.setdefault(name, [])
            values.extend(values_of(column.slice(0, ROWS - len(values))))
        if all(len(values) >= ROWS for values in found.values()):
            break
    return found
