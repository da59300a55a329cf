"""Parquet files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from datasets import Features

from compressor.data.arrow import BATCH, as_strings, as_values
from compressor.data.columns import require_columns
from compressor.data.features import class_names
from compressor.errors import DataError

__all__ = ["parquet_classes", "parquet_columns", "read_parquet"]


def read_parquet(
    path: Path, columns: Mapping[str, str], origin: str, nested: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Parquet is read where it lies, since its index stands at the end."""
    classes = {key: parquet_classes(path, columns[key], origin) for key in nested}
    with _damage_explained(origin), pyarrow.parquet.ParquetFile(path) as file:
        require_columns(columns, file.schema_arrow.names, origin)
        for batch in file.iter_batches(batch_size=BATCH, columns=list(columns.values())):
            yield pa.RecordBatch.from_arrays(
                [
                    as_values(batch.column(column), column, origin, classes[key])
                    if key in nested
                    else as_strings(batch.column(column), column, origin)
                    for key, column in columns.items()
                ],
                names=list(columns.values()),
            )


def parquet_classes(path: Path, column: str, origin: str) -> tuple[str, ...] | None:
    """Names of the label's numbers, where `datasets` wrote them into the file."""
    with _damage_explained(origin):
        schema = pyarrow.parquet.read_schema(path)
    if b"huggingface" not in (schema.metadata or {}) or column not in schema.names:
        return None
    return class_names(Features.from_arrow_schema(schema).get(column))


def parquet_columns(path: Path, origin: str) -> list[str]:
    """Names of the columns that can be read: all but those of bytes."""
    with _damage_explained(origin):
        schema = pyarrow.parquet.read_schema(path)
    return [field.name for field in schema if not _is_bytes(field.type)]


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


@contextmanager
def _damage_explained(origin: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise DataError(
            f"{origin} is not a parquet file, or a damaged one: {reason}.", hint="Write it again, or set data.format."
        ) from error
