"""Text files without columns: a text a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import BinaryIO

import pyarrow as pa

from compressor.data.arrow import BATCH
from compressor.data.columns import require_columns
from compressor.data.compression import MAX_ROW_BYTES
from compressor.errors import DataError

__all__ = ["read_lines"]

_COLUMN = "text"


def read_lines(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """The lines that aren't blank, as the column `text`."""
    require_columns(columns, [_COLUMN], origin)
    lines = _lines(stream, origin)
    while some := list(islice(lines, BATCH)):
        yield pa.RecordBatch.from_arrays([pa.array(some, pa.string())], names=[_COLUMN])


def _lines(stream: BinaryIO, origin: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        if len(line) > MAX_ROW_BYTES:
            raise DataError(
                f"{origin}, line {number}: longer than {MAX_ROW_BYTES >> 20} MiB: this is no text file.",
                hint="Name a file with a text a line.",
            )
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{origin}, line {number}: not UTF-8.", hint="Save the file as UTF-8.") from error
        if text:
            yield text
