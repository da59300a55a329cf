"""Examples of a prepared split as plain data, for rooms that know nothing of data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compressor.engine.artifact import Artifact
from compressor.evaluate import Canaries, Texts
from compressor.task_specs import task_spec

__all__ = ["evaluation_examples", "every_example", "planted_texts", "training_examples", "training_sample"]


def evaluation_examples(
    data: Artifact | None, split: str, task: str, *, limit: int | None = None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """The texts of a split in row order, by role, and what a model is to answer; nothing where there is no such
    split."""
    if data is None or not (data.folder / f"{split}.arrow").is_file():
        return [], []
    from compressor.data import load_split

    rows = load_split(data.folder, split)
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    target = task_spec(task).target_role
    return _texts(rows, task), list(rows[target]) if target in rows.column_names else []


def training_examples(data: Artifact, task: str, count: int) -> list[dict[str, Any]]:
    """The texts of `count` rows of the training split, or of all where there are fewer, evenly spread over it."""
    return training_sample(data, task, count)[0]


def training_sample(data: Artifact, task: str, count: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """The same, and what a model is to answer; nothing where the labels aren't known. Planted texts are left out."""
    from compressor.data import load_split
    from compressor.data.canaries import load_canaries

    rows, planted = load_split(data.folder, "train"), load_canaries(data.folder)
    own = len(rows) - (len(planted.planted) * planted.repeats if planted else 0)
    rows = rows.select(np.linspace(0, own - 1, min(count, own), dtype=int))
    target = task_spec(task).target_role
    return _texts(rows, task), list(rows[target]) if target in rows.column_names else []


def every_example(file: Path, task: str) -> Iterator[dict[str, str]]:
    """The texts of an Arrow file by role, a batch in memory at a time."""
    from compressor.data.arrow import read_arrow

    for batch in read_arrow(file):
        roles = [role for role in task_spec(task).text_roles if role in batch.schema.names]
        columns = [batch.column(role).to_pylist() for role in roles]
        yield from (dict(zip(roles, texts, strict=True)) for texts in zip(*columns, strict=True))


def planted_texts(data: Artifact) -> Canaries | None:
    """The random texts that were planted in the training split, and those that weren't; None where nothing was."""
    from compressor.data.canaries import load_canaries

    found = load_canaries(data.folder)
    return Canaries(Texts(found.planted, found.labels), found.others, found.repeats) if found else None


def _texts(rows: Any, task: str) -> list[dict[str, Any]]:
    columns = {role: rows[role] for role in task_spec(task).text_roles if role in rows.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
