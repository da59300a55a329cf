"""The file formats: each reader turns a stream into batches of text columns, in the order they were asked for.

Everything is read as text. Guessing types would turn the label `01` into 1 and the review "null" into a missing one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from compressor.data.arrow import BATCH, as_strings, text_of
from compressor.data.columns import require_columns
from compressor.errors import DataError

__all__ = ["READERS", "format_of", "parquet_classes", "read_parquet"]

Reader = Callable[[BinaryIO, Mapping[str, str], str], Iterator[pa.RecordBatch]]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}
_BLOCK_BYTES = 4 << 20
_JSON_CHUNK = 1 << 20
_LONGEST_TOKEN = 16  # of JSON's own words and escapes; a cut one is reported no further from the end than this
_SPACE = re.compile(r"[ \t\r\n]*")


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


def read_delimited(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, delimiter: str
) -> Iterator[pa.RecordBatch]:
    """csv and tsv: a header line, double quotes around fields that need them, line ends allowed inside quotes."""
    header = _header(stream, delimiter, origin)
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


def read_json_lines(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """One JSON object a line; empty lines are skipped."""
    return _batches(_line_objects(stream, origin), columns, origin)


def read_json(stream: BinaryIO, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """A list of JSON objects, read a piece at a time; or one object a line, which is often called .json too."""
    buffered = io.BufferedReader(cast(io.RawIOBase, stream), _BLOCK_BYTES)
    if buffered.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        return _batches(_list_objects(buffered, origin), columns, origin)
    return _batches(_line_objects(buffered, origin), columns, origin)


def read_parquet(path: Path, columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    """Parquet is read where it lies, since its index stands at the end."""
    classes = parquet_classes(path, columns["label"], origin)
    with _damage_explained(origin), pyarrow.parquet.ParquetFile(path) as file:
        require_columns(columns, file.schema_arrow.names, origin)
        for batch in file.iter_batches(batch_size=BATCH, columns=list(columns.values())):
            yield pa.RecordBatch.from_arrays(
                [
                    as_strings(batch.column(column), column, origin, classes if role == "label" else None)
                    for role, column in columns.items()
                ],
                names=list(columns.values()),
            )


def parquet_classes(path: Path, column: str, origin: str) -> tuple[str, ...] | None:
    """Names of the label's numbers, where `datasets` wrote them into the file."""
    from datasets import ClassLabel, Features

    with _damage_explained(origin):
        schema = pyarrow.parquet.read_schema(path)
    if b"huggingface" not in (schema.metadata or {}) or column not in schema.names:
        return None
    feature = Features.from_arrow_schema(schema).get(column)
    return tuple(feature.names) if isinstance(feature, ClassLabel) else None


@contextmanager
def _damage_explained(origin: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{origin} is not a parquet file, or a damaged one: {reason}.") from error


READERS: dict[str, Reader] = {
    "csv": lambda stream, columns, origin: read_delimited(stream, columns, origin, ","),
    "tsv": lambda stream, columns, origin: read_delimited(stream, columns, origin, "\t"),
    "jsonl": read_json_lines,
    "json": read_json,
}


def _header(stream: BinaryIO, delimiter: str, origin: str) -> list[str]:
    """Read the column names off the stream, which then stands at the first row."""
    lines = (line.decode("utf-8-sig") for line in iter(stream.readline, b""))
    try:
        return next(row for row in csv.reader(lines, delimiter=delimiter) if row)
    except StopIteration:
        raise DataError(f"{origin} is empty.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{origin}: the header is not UTF-8.", hint="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{origin}: the header can't be read: {error}") from error


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


def _line_objects(stream: BinaryIO, origin: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line.decode("utf-8-sig"))
        except (json.JSONDecodeError, RecursionError) as error:
            raise _bad_json(origin, number, error) from error
        except UnicodeDecodeError as error:
            raise DataError(f"{origin}, line {number}: not UTF-8.", hint="Save the file as UTF-8.") from error


def _list_objects(stream: BinaryIO, origin: str) -> Iterator[tuple[int, Any]]:
    """The members of one long list and their lines, without holding more of it than a window."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig")
    decoder = json.JSONDecoder()
    try:
        window, line, separator = text.read(_JSON_CHUNK), 1, "["
        at = 0  # what lies before is used up; `line` is the line it ends in
        while True:
            start = _skip_space(window, at)
            if separator == "," and window.startswith("]", start):
                return
            try:
                if not window.startswith(separator, start):
                    raise json.JSONDecodeError(f"Expecting {separator!r}", window, start)
                start = _skip_space(window, start + 1)
                if separator == "[" and window.startswith("]", start):
                    return
                value, end = decoder.raw_decode(window, start)
            except json.JSONDecodeError as error:
                more = text.read(max(_JSON_CHUNK, len(window) - at)) if _may_go_on(error, window) else ""
                if not more:
                    raise _bad_json(origin, line + window.count("\n", at, error.pos), error) from error
                window, at = window[at:] + more, 0
                continue
            line += window.count("\n", at, start)
            yield line, value
            line += window.count("\n", start, end)
            at, separator = end, ","
    except RecursionError as error:
        raise _bad_json(origin, line, error) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{origin}, after line {line}: not UTF-8.", hint="Save the file as UTF-8.") from error


def _skip_space(window: str, at: int) -> int:
    match = _SPACE.match(window, at)
    return match.end() if match else at


def _may_go_on(error: json.JSONDecodeError, window: str) -> bool:
    """Whether the window was cut inside a value, rather than the value being wrong."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(window) - _LONGEST_TOKEN


def _bad_json(origin: str, line: int, error: Exception) -> DataError:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
    return DataError(
        f"{origin}, line {line}: not valid JSON: {reason}.",
        hint="jsonl holds one object a line, json a list of objects.",
    )


def _batches(objects: Iterator[tuple[int, Any]], columns: Mapping[str, str], origin: str) -> Iterator[pa.RecordBatch]:
    checked = False
    while members := list(islice(objects, BATCH)):
        for line, member in members:
            if not isinstance(member, dict):
                raise DataError(f'{origin}, line {line}: expected an object such as {{"text": ..., "label": ...}}.')
        if not checked:
            require_columns(columns, list(dict.fromkeys(key for _, member in members for key in member)), origin)
            checked = True
        arrays = [_json_column(members, column, origin) for column in columns.values()]
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns.values()))


def _json_column(members: list[tuple[int, dict[str, Any]]], column: str, origin: str) -> pa.Array:
    values: list[str | None] = []
    for line, member in members:
        try:
            value = text_of(member.get(column))
            (value or "").encode()
        except TypeError as error:
            raise DataError(f"{origin}, line {line}: {column!r} holds {error}, not text.") from error
        except UnicodeEncodeError as error:
            raise DataError(f"{origin}, line {line}: {column!r} holds half a surrogate pair.") from error
        values.append(value)
    return pa.array(values, pa.string())
