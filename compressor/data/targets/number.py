"""One or several numbers a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.source import RawSplit, target_values
from compressor.data.targets.base import Rejected, Target, number, refuse_labels
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Number"]

_NO_NUMBER = "without a number"


class Number(Target):
    """[numbers] float64. The numbers' names, those of their columns, are in `prepared.json`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.type = pa.list_(pa.float64(), len(names))

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        refuse_labels(section, spec)
        columns = tuple(train.columns.target.values())
        if len(columns) == 1:
            width = _width(train)
            columns = columns if width == 1 else tuple(f"{columns[0]}_{i}" for i in range(width))
        return cls(columns)

    def parse(self, value: Any, texts: Mapping[str, Any]) -> list[float] | Rejected:
        values = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if len(values) != len(self.names):
            return Rejected(f"with {len(values)} numbers instead of {len(self.names)}")
        found = []
        for one in values:
            read = number(one)
            if read is None:
                return Rejected(_NO_NUMBER, str(one or "")[:40])
            found.append(read)
        return found

    @property
    def details(self) -> dict[str, Any]:
        return {"numbers": list(self.names)}


def _width(train: RawSplit) -> int:
    """How many numbers a row has, as its first one shows."""
    for value in target_values(train):
        if isinstance(value, list) and value:
            return len(value)
        if number(value) is not None:
            return 1
    column = next(iter(train.columns.target.values()))
    raise DataError(
        f"{train.origin}: the column {column!r} holds no numbers.",
        hint="Name another in data.columns. Numbers have a decimal point, and no thousands separator.",
    )


TARGET = Number
