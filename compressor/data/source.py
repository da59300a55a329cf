"""Where rows come from: local files or a data set on the hub, both as text columns named after the task's roles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from compressor.data.arrow import write_arrow
from compressor.data.compression import open_plain, plain_name, unreadable_explained
from compressor.data.formats import READERS, format_of
from compressor.data.parquet import parquet_classes, read_parquet
from compressor.errors import DataError
from compressor.events import Events

__all__ = ["FileSource", "RawSplit", "Source"]


@dataclass(frozen=True)
class RawSplit:
    """A split of the source as it was read: every column text or null."""

    path: Path
    """An Arrow file with columns named after roles: `text`, `label`, perhaps `text_pair`."""
    roles: tuple[str, ...]
    count: int
    """Rows."""
    origin: str
    """What to call it in messages."""
    classes: tuple[str, ...] | None = None
    """Names of the labels in the order of their numbers, where the source keeps numbers."""


class Source(Protocol):
    """Splits that can be read one at a time."""

    origin: str

    @property
    def splits(self) -> tuple[str, ...]: ...

    def read(self, split: str, columns: Mapping[str, str], scratch: Path, events: Events) -> RawSplit:
        """Read one split into Arrow files in `scratch`. Raises DataError when it can't be understood."""


class FileSource:
    """One local file a split; a single file that isn't split yet is called `train`."""

    def __init__(self, files: Mapping[str, Path], format: str | None = None) -> None:  # noqa: A002  # the recipe's word
        self.files = dict(files)
        self.format = format
        self.origin = ", ".join(path.name for path in self.files.values())

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, split: str, columns: Mapping[str, str], scratch: Path, events: Events) -> RawSplit:
        path = self.files[split]
        if not path.is_file():
            raise DataError(f"The file {path} is not there.", hint="Relative paths start at the working directory.")
        name = plain_name(path)
        kind = format_of(name, self.format)
        classes = None
        if kind == "parquet":
            plain = path if name == path.name else _unpacked(path, scratch / f"{split}.parquet")
            batches = read_parquet(plain, columns, path.name)
            classes = parquet_classes(plain, columns["label"], path.name)
        else:
            batches = _stream(path, kind, columns, events)
        schema = pa.schema([(role, pa.string()) for role in columns])
        named = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in batches)
        arrow = scratch / f"{split}.arrow"
        return RawSplit(arrow, tuple(columns), write_arrow(arrow, schema, named), path.name, classes)


def _stream(path: Path, kind: str, columns: Mapping[str, str], events: Events) -> Iterator[pa.RecordBatch]:
    size = path.stat().st_size
    with unreadable_explained(path), open_plain(path) as (stream, position):
        yield from _reported(READERS[kind](stream, columns, path.name), position, size, path.name, events)


def _reported(
    batches: Iterator[pa.RecordBatch], position: Callable[[], int], size: int, name: str, events: Events
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        events.progress("prepare: reading", position(), size, name)
        yield batch
    events.progress("prepare: reading", size, size, name)


def _unpacked(path: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    with unreadable_explained(path), open_plain(path) as (stream, _), to.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return to
