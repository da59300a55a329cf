"""Where rows come from: local files or a data set on the hub, both as columns named after the task's roles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from compressor.data.arrow import read_arrow, values_of, write_arrow
from compressor.data.columns import Columns
from compressor.data.compression import open_plain, plain_name, unreadable_explained
from compressor.data.formats import DELIMITERS, format_of, read_batches
from compressor.data.layout import layout_of, refuse_other_layouts
from compressor.data.parquet import parquet_classes, read_parquet
from compressor.errors import DataError
from compressor.events import Events

__all__ = ["FileSource", "RawSplit", "Source", "row_target", "target_values", "unpacked", "write_raw"]


@dataclass(frozen=True)
class RawSplit:
    """A split of the source as it was read: every column text or null, but for those that may be nested."""

    path: Path
    """An Arrow file with the columns named by their keys: `text`, `label`, perhaps `text_pair`."""
    columns: Columns
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

    def read(self, split: str, columns: Columns, scratch: Path, events: Events) -> RawSplit:
        """Read one split into Arrow files in `scratch`. Raises DataError when it can't be understood."""


class FileSource:
    """One local file a split; a single file that isn't split yet is called `train`."""

    def __init__(
        self,
        files: Mapping[str, Path],
        format: str | None = None,  # noqa: A002  # the recipe's word
        *,
        delimiter: str | None = None,
        header: bool = True,
        target: str | None = None,
    ) -> None:
        """
        Args:
            header: whether csv and tsv files begin with the names of their columns.
            target: the kind of target that is looked for: a format that only another kind is read from is refused.
        """
        self.files = dict(files)
        self.format = format
        self.delimiter = delimiter
        self.header = header
        self.target = target
        self.origin = ", ".join(path.name for path in self.files.values())

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, split: str, columns: Columns, scratch: Path, events: Events) -> RawSplit:
        path = self.files[split]
        if not path.is_file():
            raise DataError(f"The file {path} is not there.", hint="Relative paths start at the working directory.")
        name = plain_name(path)
        # What has no header can't be told from other formats by how it begins.
        kind = layout_of(path, name, self.format) if self.header else format_of(name, self.format)
        refuse_other_layouts(kind, self.target, path.name)
        if self.delimiter is not None and kind not in DELIMITERS:
            raise DataError(
                f"data.delimiter is for csv and tsv files, and {path.name} is {kind}.", hint="Leave it out."
            )
        if not self.header and kind not in DELIMITERS:
            raise DataError(
                f"data.header is for csv and tsv files, and {path.name} is {kind}.",
                hint="Leave it out, or set data.format to csv or tsv.",
            )
        wanted = _once(columns.wanted)
        classes = None
        if kind == "parquet":
            plain = path if name == path.name else unpacked(path, scratch / f"{split}.parquet")
            batches = read_parquet(plain, wanted, path.name, columns.nested & set(wanted))
            if len(columns.target) == 1:
                classes = parquet_classes(plain, next(iter(columns.target.values())), path.name)
        else:
            batches = self._stream(path, kind, wanted, columns.nested, events)
        arrow = scratch / f"{split}.arrow"
        return RawSplit(arrow, columns, write_raw(arrow, columns, batches), path.name, classes)

    def _stream(
        self, path: Path, kind: str, wanted: Mapping[str, str], nested: frozenset[str], events: Events
    ) -> Iterator[pa.RecordBatch]:
        size = path.stat().st_size
        with unreadable_explained(path), open_plain(path) as (stream, position):
            batches = read_batches(
                stream, kind, wanted, path.name, nested=nested, delimiter=self.delimiter, header=self.header
            )
            yield from _reported(batches, position, size, path.name, events)


def write_raw(path: Path, columns: Columns, batches: Iterator[pa.RecordBatch]) -> int:
    """Write batches whose columns have the source's names under their keys; returns how many rows there were."""
    wanted = columns.wanted
    first = next(batches, None)
    types = {column: pa.string() for column in wanted.values()}
    if first is not None:
        types = {field.name: field.type for field in first.schema}
    schema = pa.schema([(key, types[column]) for key, column in wanted.items()])
    every = batches if first is None else chain([first], batches)
    keyed = (
        pa.RecordBatch.from_arrays([batch.column(column) for column in wanted.values()], schema=schema)
        for batch in every
    )
    return write_arrow(path, schema, keyed)


def row_target(columns: Columns, batch: pa.RecordBatch) -> list[Any]:
    """The target of each row: the value of its column; of several columns, a dictionary; None without one."""
    if not columns.target:
        return [None] * batch.num_rows
    values = [values_of(batch.column(key)) for key in columns.target]
    if len(values) == 1:
        return values[0]
    return [dict(zip(columns.target.values(), row, strict=True)) for row in zip(*values, strict=True)]


def target_values(raw: RawSplit) -> Iterator[Any]:
    """The target of every row of a split, a batch in memory at a time."""
    for batch in read_arrow(raw.path):
        yield from row_target(raw.columns, batch)


def _once(wanted: Mapping[str, str]) -> dict[str, str]:
    """Each column under the first of its keys: a column of the task may be the one that splits are made by too."""
    found: dict[str, str] = {}
    for key, column in wanted.items():
        if column not in found.values():
            found[key] = column
    return found


def _reported(
    batches: Iterator[pa.RecordBatch], position: Callable[[], int], size: int, name: str, events: Events
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        events.progress("prepare: reading", position(), size, name)
        yield batch
    events.progress("prepare: reading", size, size, name)


def unpacked(path: Path, to: Path) -> Path:
    """A packed file, unpacked to a file of its own."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with unreadable_explained(path), open_plain(path) as (stream, _), to.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return to
