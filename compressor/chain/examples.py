"""Examples of a prepared split as plain data, for rooms that know nothing of data sets."""

from __future__ import annotations

from typing import Any

from compressor.engine.artifact import Artifact
from compressor.task_specs import task_spec

__all__ = ["evaluation_examples"]


def evaluation_examples(
    data: Artifact | None, split: str, task: str, *, limit: int | None = None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """The texts of a split in row order, by role, and what a model is to answer; nothing where there is no data."""
    if data is None:
        return [], []
    from compressor.data import load_split

    spec = task_spec(task)
    rows = load_split(data.folder, split)
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    columns: dict[str, Any] = {role: rows[role] for role in spec.text_roles if role in rows.column_names}
    examples = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return examples, list(rows[spec.target_role]) if spec.target_role in rows.column_names else []
