"""JSON files: one object a line, or one list of objects."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO

import pyarrow as pa

from compressor.data.arrow import BATCH, as_json, json_text, text_of
from compressor.data.columns import require_columns
from compressor.errors import DataError

__all__ = ["list_objects", "object_batches", "read_json", "read_json_lines"]

_CHUNK = 1 << 20
_PEEK = 64
_BLANK = codecs.BOM_UTF8 + b" \t\r\n"
_LONGEST_TOKEN = 16  # of JSON's own words and escapes; a cut one is reported no further from the end than this
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json_lines(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """One JSON object a line; empty lines are skipped."""
    return object_batches(_line_objects(stream, origin), columns, origin, nested)


def read_json(
    stream: BinaryIO, columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """A list of JSON objects, read a piece at a time; or one object a line, which is often called .json too."""
    head = b""
    while (more := stream.readline(_PEEK)) and not (head := head + more).strip(_BLANK):
        pass
    if head.lstrip(_BLANK).startswith(b"["):
        return object_batches(list_objects(head, stream, origin), columns, origin, nested)
    lines = chain(io.BytesIO(head + stream.readline()), stream)
    return object_batches(_line_objects(lines, origin), columns, origin, nested)


def _line_objects(lines: Iterable[bytes], origin: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line.decode("utf-8-sig"))
        except (json.JSONDecodeError, RecursionError) as error:
            raise _bad_json(origin, number, error) from error
        except UnicodeDecodeError as error:
            raise DataError(f"{origin}, line {number}: not UTF-8.", hint="Save the file as UTF-8.") from error


def list_objects(head: bytes, stream: BinaryIO, origin: str) -> Iterator[tuple[int, Any]]:
    """The members of one long list and their lines, without holding more of it than a window."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    parse = json.JSONDecoder().raw_decode
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
                more = stream.read(max(_CHUNK, len(window) - at)) if _may_go_on(error, window) else b""
                if not more:
                    raise _bad_json(origin, line + window.count("\n", at, error.pos), error) from error
                window, at = window[at:] + decode(more), 0
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


def object_batches(
    objects: Iterator[tuple[int, Any]], columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns of objects, each with its line: text, or JSON where a key is `nested`."""
    checked = False
    while members := list(islice(objects, BATCH)):
        for line, member in members:
            if not isinstance(member, dict):
                raise DataError(f'{origin}, line {line}: expected an object such as {{"text": ..., "label": ...}}.')
        if not checked:
            require_columns(columns, list(dict.fromkeys(key for _, member in members for key in member)), origin)
            checked = True
        arrays = [_column(members, column, origin, nested=key in nested) for key, column in columns.items()]
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns.values()))


def _column(members: list[tuple[int, dict[str, Any]]], column: str, origin: str, *, nested: bool) -> pa.Array:
    texts: list[str | None] = []
    for line, member in members:
        value = member.get(column)
        try:
            text = json_text(value) if nested else text_of(value)
            (text or "").encode()
        except TypeError as error:
            raise DataError(f"{origin}, line {line}: {column!r} holds {error}, not text.") from error
        except UnicodeEncodeError as error:
            raise DataError(f"{origin}, line {line}: {column!r} holds half a surrogate pair.") from error
        texts.append(text)
    return as_json(texts) if nested else pa.array(texts, pa.string())
