"""Arrow on disk: what is read, cleaned or split goes through here in batches, never whole."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from compressor.errors import DataError

__all__ = [
    "BATCH",
    "JSON",
    "as_json",
    "as_strings",
    "as_values",
    "json_text",
    "read_arrow",
    "text_of",
    "values_of",
    "write_arrow",
]

BATCH = 10_000
"""Rows held in memory at a time, where the format leaves the choice."""
JSON = pa.json_()
"""Type of a column whose values are JSON: a list in one row, a number in the next."""


def write_arrow(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Stream batches into an Arrow file, and return how many rows there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def read_arrow(path: Path) -> Iterator[pa.RecordBatch]:
    """Go through an Arrow file a batch at a time. It isn't memory-mapped: that would count as memory in use."""
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
        yield from stream


def as_strings(array: pa.Array, column: str, origin: str, classes: Sequence[str] | None = None) -> pa.Array:
    """A column of any plain type as text; numbers of `classes` become their names.

    Raises:
        DataError: the column holds lists, structs or bytes.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        return as_strings(array.dictionary_decode(), column, origin, classes)
    if classes is not None and pa.types.is_integer(kind):
        names = dict(enumerate(classes))
        return pa.array([None if i is None else names.get(i, str(i)) for i in array.to_pylist()], pa.string())
    if pa.types.is_floating(kind):
        return pa.array([text_of(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise DataError(
            f"{origin}: the column {column!r} holds {kind}, not text.", hint="Name another in data.columns."
        )
    return array.cast(pa.string())


def text_of(value: Any) -> str | None:
    """A JSON scalar as text: a whole number has no decimals, true is `true`. TypeError for lists and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a {'list' if isinstance(value, list) else 'object'}")


def as_values(array: pa.Array, column: str, origin: str, classes: Sequence[str] | None = None) -> pa.Array:
    """A column of any type: lists and structs as they are, anything else as text; numbers of `classes` as names."""
    kind = array.type
    if not pa.types.is_nested(kind):
        return as_strings(array, column, origin, classes)
    if classes is None or not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return array
    names = [
        None if numbers is None else [None if i is None else _name_of(i, classes) for i in numbers]
        for numbers in array.to_pylist()
    ]
    return pa.array(names, pa.list_(pa.string()))


def as_json(texts: Sequence[str | None]) -> pa.Array:
    """Texts in JSON, None for a missing value, as a column of type `JSON`."""
    return pa.ExtensionArray.from_storage(JSON, pa.array(texts, JSON.storage_type))


def json_text(value: Any) -> str | None:
    """A value in JSON; None stays None."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def values_of(array: pa.Array) -> list[Any]:
    """The values of a column of a `RawSplit` as Python objects."""
    if array.type == JSON:
        return [None if text is None else json.loads(text) for text in array.storage.to_pylist()]
    values: list[Any] = array.to_pylist()
    return values


def _name_of(value: Any, classes: Sequence[str]) -> str:
    return classes[value] if isinstance(value, int) and 0 <= value < len(classes) else str(value)
