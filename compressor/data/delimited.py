"""csv and tsv files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.csv

from compressor.data.columns import require_columns
from compressor.data.compression import MAX_ROW_BYTES
from compressor.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer  # `collections.abc.Buffer` from Python 3.12 on

__all__ = ["other_delimiter", "read_delimited", "read_header"]

_BLOCK_BYTES = MAX_ROW_BYTES
"""Arrow reads this much at a time, and no row that is longer."""


def read_delimited(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, delimiter: str, *, header: bool = True
) -> Iterator[pa.RecordBatch]:
    """csv and tsv: double quotes around fields that need them, line ends allowed inside quotes.

    Args:
        header: whether the first row names the columns; without, they are called `1`, `2`, ...
    """
    fields, read = _first_row(stream, delimiter, origin, "header" if header else "first row")
    names = fields if header else [str(number) for number in range(1, len(fields) + 1)]
    if header or not set(columns.values()) <= set(names):  # a text, if that is all there is, may hold anything
        _refuse_other_delimiter(fields, delimiter, origin)
    require_columns(columns, names, origin)
    try:
        yield from pyarrow.csv.open_csv(
            stream if header else io.BufferedReader(_Joined(read, stream), buffer_size=1 << 18),
            # One thread, so that errors carry the number of their row.
            read_options=pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=_BLOCK_BYTES),
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
        raise _bad_csv(origin, str(error), header) from error


def read_header(stream: BinaryIO, delimiter: str, origin: str) -> list[str]:
    """Read the column names off the stream, which then stands at the first row.

    Raises:
        DataError: the file is empty, or its first lines are no text.
    """
    return _first_row(stream, delimiter, origin, "header")[0]


def _first_row(stream: BinaryIO, delimiter: str, origin: str, what: str) -> tuple[list[str], bytes]:
    """The fields of the first row that isn't empty, and all that was read of the stream."""
    lines: list[bytes] = []
    try:
        rows = csv.reader(_first_lines(stream, origin, what, lines), delimiter=delimiter)
        return next(row for row in rows if row), b"".join(lines)
    except StopIteration:
        raise DataError(f"{origin} is empty.", hint="Give a file with a row for each text.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{origin}: the {what} is not UTF-8.", hint="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{origin}: the {what} can't be read: {error}", hint="Look for a stray quote there.") from error


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


def _first_lines(stream: BinaryIO, origin: str, what: str, read: list[bytes]) -> Iterator[str]:
    """The lines up to the limit of a row. As they are in the file, they go into `read`."""
    left = MAX_ROW_BYTES
    while line := stream.readline(left + 1):
        left -= len(line)
        if left < 0:
            raise DataError(
                f"{origin}: the {what} is longer than {MAX_ROW_BYTES >> 20} MiB.", hint="Look for an unclosed quote."
            )
        read.append(line)
        yield line.decode("utf-8-sig")


def _bad_csv(origin: str, message: str, header: bool) -> DataError:
    if "straddling" in message:
        return DataError(
            f"{origin}: a row is longer than {_BLOCK_BYTES >> 20} MiB.", hint="Look for an unclosed quote."
        )
    reason = message.removeprefix("CSV parse error: ").replace("CSV conversion error to string: ", "").splitlines()
    cut = "..." if len(reason) > 1 or len(reason[0]) > 200 else ""
    if "invalid UTF8" in message:
        return DataError(f"{origin}: {reason[0]}", hint="Save the file as UTF-8.")
    counted = "the first below the header" if header else "1"
    hint = f"Rows are counted from {counted}. Look for a stray quote or delimiter there."
    return DataError(f"{origin}: {reason[0][:200]}{cut}", hint=hint)


class _Joined(io.RawIOBase):
    """What was read of a stream already, and then the rest of it."""

    def __init__(self, read: bytes, rest: BinaryIO) -> None:
        self._read = io.BytesIO(read)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._read.read(len(view)) or self._rest.read(len(view))
        view[: len(piece)] = piece
        return len(piece)
