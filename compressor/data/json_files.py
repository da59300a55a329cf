"""JSON files: one object a line, or one list of objects."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from compressor.data.arrow import BATCH, as_json, json_text, text_of
from compressor.data.columns import require_columns
from compressor.data.compression import MAX_ROW_BYTES
from compressor.errors import DataError
from compressor.json_file import BadJson, whole_number

__all__ = [
    "Member",
    "json_objects",
    "line_objects",
    "list_objects",
    "object_batches",
    "read_json",
    "read_json_lines",
]

_CHUNK = 1 << 20
_BATCH_BYTES = 32 << 20
_PEEK = 64
_BLANK = codecs.BOM_UTF8 + b" \t\r\n"
_LONGEST_TOKEN = 16  # of JSON's own words and escapes; a cut one is reported no further from the end than this
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_int=whole_number)


class Member(NamedTuple):
    """A value with the line it begins in and its length in characters or bytes."""

    line: int
    length: int
    value: Any


def read_json_lines(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """One JSON object a line; empty lines are skipped."""
    return object_batches(line_objects((stream,), origin), columns, origin, nested)


def read_json(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """A list of JSON objects, read a piece at a time; or one object a line, which is often called .json too."""
    return object_batches(json_objects(stream, origin), columns, origin, nested)


def json_objects(stream: BinaryIO, origin: str) -> Iterator[Member]:
    """The objects of a list, or of lines."""
    head = stream.read(_PEEK)
    while not head.strip(_BLANK) and (more := stream.read(len(head))):
        head += more
        if len(head) > MAX_ROW_BYTES:
            raise _too_long(origin, 1)
    if head.lstrip(_BLANK).startswith(b"["):
        return list_objects(head, stream, origin)
    # What was read may end inside a line.
    begun = io.BytesIO(head + stream.readline(MAX_ROW_BYTES + 1))
    return line_objects((begun, stream), origin)


def line_objects(streams: tuple[BinaryIO, ...], origin: str) -> Iterator[Member]:
    """The objects of one stream after the other."""
    number = 0
    for stream in streams:
        while line := stream.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(line) > MAX_ROW_BYTES:
                raise _too_long(origin, number)
            if not line.strip():
                continue
            try:
                yield Member(number, len(line), _DECODER.decode(line.decode("utf-8-sig")))
            except (json.JSONDecodeError, BadJson, RecursionError) as error:
                raise _bad_json(origin, number, error) from error
            except UnicodeDecodeError as error:
                raise DataError(f"{origin}, line {number}: not UTF-8.", hint="Save the file as UTF-8.") from error


def list_objects(head: bytes, stream: BinaryIO, origin: str, longest: int = MAX_ROW_BYTES) -> Iterator[Member]:
    """The members of one long list and their lines, without holding more of it than a window."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    parse = _DECODER.raw_decode
    window, at, line, separator = "", 0, 1, "["  # what lies before `at` is used up; `line` is the line it ends in
    try:
        window = decode(head)
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
                value, end = parse(window, start)
            except json.JSONDecodeError as error:
                if len(window) - at > longest:
                    raise _too_long(origin, line, longest) from error
                more = stream.read(max(_CHUNK, len(window) - at)) if _may_go_on(error, window) else b""
                if not more:
                    raise _bad_json(origin, line + window.count("\n", at, error.pos), error) from error
                window, at = window[at:] + decode(more), 0
                continue
            line += window.count("\n", at, start)
            yield Member(line, end - start, value)
            line += window.count("\n", start, end)
            at, separator = end, ","
    except (BadJson, RecursionError) as error:
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
    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    if isinstance(error, RecursionError):
        reason = "nested too deeply"
    return DataError(
        f"{origin}, line {line}: not valid JSON: {reason}.",
        hint="jsonl holds one object a line, json a list of objects.",
    )


def _too_long(origin: str, line: int, longest: int = MAX_ROW_BYTES) -> DataError:
    return DataError(
        f"{origin}, line {line}: an object is longer than {longest >> 20} MiB.",
        hint="jsonl holds one object a line, json a list of objects.",
    )


def _in_batches(objects: Iterator[Member]) -> Iterator[list[Member]]:
    """Lists of so many rows as fit the memory, whatever their length."""
    members: list[Member] = []
    size = 0
    for member in objects:
        members.append(member)
        size += member.length
        if len(members) == BATCH or size > _BATCH_BYTES:
            yield members
            members, size = [], 0
    if members:
        yield members


def object_batches(
    objects: Iterator[Member], columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns of objects: text, or JSON where a key is `nested`."""
    checked = False
    for members in _in_batches(objects):
        for line, _, value in members:
            if not isinstance(value, dict):
                raise DataError(
                    f"{origin}, line {line}: expected an object.",
                    hint='Each row is like {"text": "...", "label": "..."}.',
                )
        if not checked:
            require_columns(columns, list(dict.fromkeys(key for member in members for key in member.value)), origin)
            checked = True
        arrays = [_json_column(members, column, origin, nested=key in nested) for key, column in columns.items()]
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns.values()))


def _json_column(members: list[Member], column: str, origin: str, *, nested: bool) -> pa.Array:
    values: list[str | None] = []
    for line, _, member in members:
        try:
            value = json_text(member.get(column)) if nested else text_of(member.get(column))
            (value or "").encode()
        except TypeError as error:
            raise DataError(
                f"{origin}, line {line}: {column!r} holds {error}, not text.", hint="Put it in quotation marks."
            ) from error
        except UnicodeEncodeError as error:
            raise DataError(
                f"{origin}, line {line}: {column!r} holds half a surrogate pair.", hint="Save the file as UTF-8."
            ) from error
        values.append(value)
    return as_json(values) if nested else pa.array(values, pa.string())
