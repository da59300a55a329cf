"""Data sets on the Hugging Face hub, through `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from compressor.data.arrow import BATCH, as_strings, as_values
from compressor.data.columns import Columns, require_columns
from compressor.data.features import class_names
from compressor.data.source import RawSplit, write_raw
from compressor.errors import DataError, SourceError, UnsafeSource
from compressor.events import Events

__all__ = ["HubSource"]


class HubSource:
    """A data set of the hub, at a revision. It is kept in the cache of `datasets`, so a second run works offline."""

    def __init__(self, name: str, *, subset: str | None = None, revision: str | None = None) -> None:
        self.origin = f"{name}/{subset}" if subset else name
        self._data: dict[str, Dataset] = _load(name, subset, revision)

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._data)

    def read(self, split: str, columns: Columns, scratch: Path, events: Events) -> RawSplit:
        data = self._data[split]
        require_columns(columns.wanted, data.column_names, self.origin)
        classes = None
        if len(columns.target) == 1:
            classes = class_names(data.features[next(iter(columns.target.values()))])
        arrow = scratch / f"{split}.arrow"
        count = write_raw(arrow, columns, _batches(data, columns, self.origin, events))
        return RawSplit(arrow, columns, count, f"{self.origin}, split {split!r}", classes)


def _batches(data: Dataset, columns: Columns, origin: str, events: Events) -> Iterator[pa.RecordBatch]:
    wanted = {column: key for key, column in reversed(columns.wanted.items())}
    done = 0
    for table in data.select_columns(list(wanted)).with_format("arrow").iter(batch_size=BATCH):
        done += table.num_rows
        events.progress("prepare: reading", done, len(data), origin)
        for batch in table.combine_chunks().to_batches():
            arrays = [
                as_values(batch.column(column), column, origin, class_names(data.features[column]))
                if key in columns.nested
                else as_strings(batch.column(column), column, origin)
                for column, key in wanted.items()
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))


def _load(name: str, subset: str | None, revision: str | None) -> dict[str, Dataset]:
    from datasets import DatasetDict, load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        # With the prefix a local folder or a built-in loader of the same name can't stand in for the hub's.
        loaded: Any = load_dataset(f"hf://datasets/{name}", name=subset, revision=revision)
    except DatasetNotFoundError as error:
        raise SourceError(
            f"The hub has no data set {name!r}{f' at revision {revision}' if revision else ''} that you may read.",
            hint="Check its id and revision; for a gated one, log in with `hf auth login`.",
        ) from error
    except (OSError, HfHubHTTPError) as error:  # ConnectionError is an OSError
        if getattr(error, "errno", None) is not None and not isinstance(error, ConnectionError):
            raise  # the disk, not the network
        raise SourceError(
            f"The data set {name!r} can't be had from the hub: {_first_line(error)}",
            hint="Check the connection and HF_HUB_OFFLINE, or download the files and name them in data.source.",
        ) from error
    except RuntimeError as error:
        if "script" not in str(error):
            raise SourceError(f"The data set {name!r} can't be loaded: {_first_line(error)}") from error
        raise UnsafeSource(
            f"The data set {name!r} needs Python code of its own to load, which is never run.",
            hint="Take a copy in csv, json or parquet.",
        ) from error
    except (ValueError, DatasetsError) as error:
        raise DataError(
            f"The data set {name!r} can't be loaded: {_first_line(error)}",
            hint="Name one of its configurations in data.subset." if "onfig" in str(error) else None,
        ) from error
    return dict(loaded) if isinstance(loaded, DatasetDict) else {"train": loaded}


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
