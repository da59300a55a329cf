"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from datasets import ClassLabel, Features

from compressor.data.arrow import BATCH, as_strings
from compressor.data.columns import require_columns
from compressor.errors import DataError

__all__ = ["parquet_classes", "read_parquet"]


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
