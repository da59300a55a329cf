"""csv and tsv files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from compressor.data.columns import require_columns
from compressor.data.compression import MAX_ROW_BYTES
from compressor.errors import DataError

__all__ = ["other_delimiter", "read_delimited", "read_header"]

_BLOCK_BYTES = MAX_ROW_BYTES
"""Arrow reads this much at a time, and no row that is longer."""


def read_delimited(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, delimiter: str
) -> Iterator[pa.RecordBatch]:
    """csv and tsv: a header line, double quotes around fields that need them, line ends allowed inside quotes."""
    header = read_header(stream, delimiter, origin)
    _refuse_other_delimiter(header, delimiter, origin)
    require_columns(columns, header, origin)
    try:
        yield from pyarrow.csv.open_csv(
            stream,
            # One thread, so that errors carry the number of their row.
            read_options=pyarrow.csv.ReadOptions(column_names=header, use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(columns.values()),
                column_types=dict.fromkeys(columns.values(), pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):  # a header and nothing below it
            return
        raise _bad_csv(origin, str(error)) from error


def read_header(stream: BinaryIO, delimiter: str, origin: str) -> list[str]:
    """Read the column names off the stream, which then stands at the first row.

    Raises:
        DataError: the file is empty, or its first lines are no text.
    """
    try:
        return next(row for row in csv.reader(_first_lines(stream, origin), delimiter=delimiter) if row)
    except StopIteration:
        raise DataError(f"{origin} is empty.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{origin}: the header is not UTF-8.", hint="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{origin}: the header can't be read: {error}") from error


def other_delimiter(header: list[str], delimiter: str) -> str | None:
    """One column whose name holds another delimiter: the file is separated by that. None: it seems right."""
    if len(header) > 1:
        return None
    return next((found for found in ";\t|," if found != delimiter and found in header[0]), None)


def _refuse_other_delimiter(header: list[str], delimiter: str, origin: str) -> None:
    other = other_delimiter(header, delimiter)
    if other is not None:
        shown = "\\t" if other == "\t" else other
        raise DataError(
            f"{origin} has one column only, {header[0][:80]!r}: its fields seem to be separated by '{shown}'.",
            hint=f'Set `data.delimiter: "{shown}"`.',
        )


def _first_lines(stream: BinaryIO, origin: str) -> Iterator[str]:
    """The lines up to the limit of a row."""
    left = MAX_ROW_BYTES
    while line := stream.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise DataError(
                f"{origin}: the header is longer than {MAX_ROW_BYTES >> 20} MiB.", hint="Look for an unclosed quote."
            )
        yield line.decode("utf-8-sig")


def _bad_csv(origin: str, message: str) -> DataError:
    if "straddling" in message:
        return DataError(
            f"{origin}: a row is longer than {_BLOCK_BYTES >> 20} MiB.", hint="Look for an unclosed quote."
        )
    reason = message.removeprefix("CSV parse error: ").replace("CSV conversion error to string: ", "").splitlines()
    cut = "..." if len(reason) > 1 or len(reason[0]) > 200 else ""
    if "invalid UTF8" in message:
        return DataError(f"{origin}: {reason[0]}", hint="Save the file as UTF-8.")
    hint = "Rows are counted from the first below the header. Look for a stray quote or delimiter there."
    return DataError(f"{origin}: {reason[0][:200]}{cut}", hint=hint)
