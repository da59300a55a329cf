"""The folder that `prepare` writes: a file a split, `labels.json`, and `prepared.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from datasets import Dataset

from compressor.data.arrow import write_arrow
from compressor.data.clean import CleanSplit, chosen_batches, split_schema
from compressor.data.splits import EVALUATION
from compressor.data.targets.base import Target
from compressor.errors import DataError
from compressor.tasks.base import Task

__all__ = [
    "load_evaluation_groups",
    "load_labels",
    "load_output_names",
    "load_prepared",
    "load_split",
    "targets_of",
    "write_description",
    "write_evaluation_groups",
    "write_split",
]

_LABELS_FILE = "labels.json"
_DESCRIPTION_FILE = "prepared.json"
_GROUPS_FILE = "evaluation_groups.npy"


def load_split(folder: Path, split: str) -> Dataset:
    """A split that `prepare` wrote, memory-mapped.

    Raises:
        DataError: the data has no such split.
    """
    path = folder / f"{split}.arrow"
    if not path.is_file():
        there = sorted(path.stem for path in folder.glob("*.arrow"))
        raise DataError(
            f"The data has no split {split!r}; it has: {', '.join(there) or 'none'}.",
            hint="A test set alone is only measured on. To train, name data with a training split in data.source.",
        )
    return Dataset.from_file(str(path))


def load_labels(folder: Path) -> list[str]:
    """The labels that `prepare` wrote, in their order; none for data without labels."""
    names: list[str] = json.loads((folder / _LABELS_FILE).read_text(encoding="utf-8"))
    return names


def load_output_names(folder: Path, task: Task) -> list[str]:
    """What a model's outputs are named that is trained on this data: by most tasks the labels."""
    return task.runtime.output_names(load_labels(folder), load_prepared(folder))


def targets_of(split: Dataset, task: Task) -> list[Any]:
    """What a model is to answer to each row of a split; none where the data doesn't say it."""
    role = task.spec.target_role
    return list(split[role]) if role in split.column_names else []


def load_prepared(folder: Path) -> dict[str, Any]:
    """What `prepare` wrote about the data as a whole.

    Keys: `task`, `target` (its kind), `target_role` (the column; null without one), `splits` (those that are there),
    and by kind `tag_scheme` (`entities` or `plain`) or `numbers` (their names).
    """
    description: dict[str, Any] = json.loads((folder / _DESCRIPTION_FILE).read_text(encoding="utf-8"))
    return description


def write_description(folder: Path, vocabulary: Sequence[str], description: dict[str, Any]) -> None:
    """Write `labels.json` and `prepared.json`."""
    for name, content in ((_LABELS_FILE, list(vocabulary)), (_DESCRIPTION_FILE, description)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def write_evaluation_groups(folder: Path, splits: Mapping[str, CleanSplit]) -> None:
    """Write hashes of what the texts of validation and test belong to (`split.group`), if they belong to anything."""
    groups = [splits[name].groups for name in EVALUATION if name in splits]
    found = [group for group in groups if group is not None]
    if found:
        np.save(folder / _GROUPS_FILE, np.unique(np.concatenate(found)), allow_pickle=False)


def load_evaluation_groups(folder: Path) -> npt.NDArray[np.uint64] | None:
    """Hashes of the groups of validation and test, see `group_key`, sorted; None where splits aren't made by group."""
    file = folder / _GROUPS_FILE
    if not file.is_file():
        return None
    groups: npt.NDArray[np.uint64] = np.load(file, allow_pickle=False)
    return groups


def write_split(split: CleanSplit, target: Target, path: Path, *, without: str | None = None) -> Counter[str]:
    """Write a split as `datasets` opens it, the bytes depending on nothing but its content.

    Args:
        without: leave out this column, where the split has it: that of what is to be answered.

    Returns:
        Name -> how many times a row counts under it, see `Target.labels_of`.
    """
    digest = blake2b(split.keys.tobytes() + split.answers.tobytes(), digest_size=8).hexdigest()
    metadata = {"huggingface": json.dumps({"fingerprint": f"{path.stem}-{digest}"})}
    counts: Counter[str] = Counter()
    shown = [field for field in split_schema(split) if field.name != without]
    schema = pa.schema([*shown, pa.field("example_id", pa.int64())], metadata=metadata)

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in chosen_batches(split):
            ids = np.arange(start, start + batch.num_rows)
            columns = [batch.column(field.name) for field in shown]
            yield pa.RecordBatch.from_arrays([*columns, pa.array(ids)], schema=schema)
            if target.type is not None and without is None:
                for value in batch.columns[-1].to_pylist():
                    counts.update(target.labels_of(value))
            start += batch.num_rows

    write_arrow(path, schema, batches())
    return counts
