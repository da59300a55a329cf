"""The file formats, and how a file's is told.

Everything is read as text. Guessing types would turn the label `01` into 1 and the review "null" into a missing one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from compressor.data.delimited import read_delimited
from compressor.data.json_files import read_json, read_json_lines
from compressor.errors import DataError

__all__ = ["READERS", "format_of"]

Reader = Callable[[BinaryIO, Mapping[str, str], str], Iterator[pa.RecordBatch]]
"""Stream, columns by role, name for messages -> batches of text columns, in the order of `columns`."""

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}

READERS: dict[str, Reader] = {
    "csv": lambda stream, columns, origin: read_delimited(stream, columns, origin, ","),
    "tsv": lambda stream, columns, origin: read_delimited(stream, columns, origin, "\t"),
    "jsonl": read_json_lines,
    "json": read_json,
}


def format_of(name: str, given: str | None) -> str:
    """The format the recipe gives, else what the file's name tells.

    Raises:
        DataError: neither says.
    """
    found = given or _SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        raise DataError(
            f"The name of {name} doesn't tell its format.",
            hint="Set data.format to one of csv, tsv, jsonl, json, parquet.",
        )
    return found
