"""The file formats, and how a file's is told.

Fields are read as text. Guessing types would turn the label `01` into 1 and the review "null" into a missing one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from compressor.data.conll import read_conll, read_conllu
from compressor.data.delimited import read_delimited
from compressor.data.json_files import read_json, read_json_lines
from compressor.data.lines import read_lines
from compressor.data.squad import read_squad
from compressor.errors import DataError

__all__ = ["DELIMITERS", "FORMATS", "format_of", "read_batches"]

Reader = Callable[[BinaryIO, Mapping[str, str], str], Iterator[pa.RecordBatch]]
"""Stream, columns by key, name for messages -> batches of columns, in the order of `columns`."""

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".conll": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".conllu": "conllu",
}

FORMATS = (*dict.fromkeys(_SUFFIXES.values()), "squad")
DELIMITERS = {"csv": ",", "tsv": "\t"}
JSON_READERS = {"jsonl": read_json_lines, "json": read_json}
READERS: dict[str, Reader] = {"conll": read_conll, "conllu": read_conllu, "squad": read_squad, "txt": read_lines}


def read_batches(
    stream: BinaryIO,
    kind: str,
    columns: Mapping[str, str],
    origin: str,
    *,
    nested: Collection[str] = (),
    delimiter: str | None = None,
    header: bool = True,
) -> Iterator[pa.RecordBatch]:
    """The wanted columns of a file in any format but parquet.

    Args:
        columns: column by key.
        nested: keys of columns that may hold lists and objects.
        delimiter: of csv and tsv, where it isn't the usual one.
        header: whether csv and tsv begin with the names of their columns.
    """
    if kind in DELIMITERS:
        return read_delimited(stream, columns, origin, delimiter or DELIMITERS[kind], header=header)
    if kind in JSON_READERS:
        return JSON_READERS[kind](stream, columns, origin, nested)
    return READERS[kind](stream, columns, origin)


def format_of(name: str, given: str | None) -> str:
    """The format the recipe gives, else what the file's name tells.

    Raises:
        DataError: neither says.
    """
    found = given or _SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        raise DataError(
            f"The name of {name} doesn't tell its format.",
            hint="Set data.format (--file-format of `compressor init`) to one of "
            "csv, tsv, jsonl, json, parquet, conll, conllu, squad.",
        )
    return found
