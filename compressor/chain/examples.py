"""Texts of a prepared split as plain data, for rooms that know nothing of data sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.engine.artifact import Artifact

__all__ = ["evaluation_examples", "training_examples"]


def evaluation_examples(
    data: Artifact | None, split: str, *, limit: int | None = None
) -> tuple[list[dict[str, str]], npt.NDArray[np.int64]]:
    """The texts of a split in row order, and their labels [examples]. Nothing where the recipe has no data."""
    if data is None:
        return [], np.empty(0, dtype=np.int64)
    from compressor.data import load_split

    rows = load_split(data.folder, split)
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    return _texts(rows), np.asarray(rows["label"], dtype=np.int64)


def training_examples(data: Artifact, count: int) -> list[dict[str, str]]:
    """The texts of `count` rows of the training split, or of all where there are fewer, evenly spread over it."""
    from compressor.data import load_split

    rows = load_split(data.folder, "train")
    return _texts(rows.select(np.linspace(0, len(rows) - 1, min(count, len(rows)), dtype=int)))


def _texts(rows: Any) -> list[dict[str, str]]:
    columns: dict[str, Any] = {name: rows[name] for name in rows.column_names if name.startswith("text")}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
