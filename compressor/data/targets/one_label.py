"""One label a row: the index of a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.labels import Labels, choose_labels
from compressor.data.mistaken import check_labels, set_task
from compressor.data.source import RawSplit, target_values
from compressor.data.targets.base import UNKNOWN_LABEL, Rejected, Target, refuse_separator, scalar
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "OneLabel"]


class OneLabel(Target):
    """int64: the label's place in the vocabulary."""

    type = pa.int64()

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.vocabulary = labels.names

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        if len(train.columns.target) > 1:
            raise DataError(
                f"data.columns.{spec.target_role} names several columns, and {spec.name} reads one label a text.",
                hint=set_task("many-labels") or None,
            )
        refuse_separator(section, spec)
        labels = choose_labels(
            section, train, ([_label(value, train)] for value in target_values(train)), least=2, classes=train.classes
        )
        if section.labels is None and train.classes is None:
            check_labels(labels.names, train.origin, events)
        return cls(labels)

    def parse(self, value: Any, texts: Mapping[str, Any]) -> int | Rejected:
        label = scalar(value)
        if label is None:
            return Rejected("with a list or an object for a label")
        index = self.labels.index.get(label)
        return Rejected(UNKNOWN_LABEL, label) if index is None else index

    def dropped(self, value: Any) -> str | None:
        label = scalar(value)
        return label if label in self.labels.dropped else None

    def stratum(self, value: int) -> int:
        return value

    def labels_of(self, value: int) -> Iterable[str]:
        return (self.vocabulary[value],)


def _label(value: Any, train: RawSplit) -> str:
    label = scalar(value)
    if label is None:
        column = next(iter(train.columns.target.values()))
        what = "a list" if isinstance(value, list) else "an object"
        raise DataError(
            f"{train.origin}: the column {column!r} holds {what}, and not one label a text.",
            hint=set_task("many-labels") if isinstance(value, list) else "Name another in data.columns.",
        )
    return label


TARGET = OneLabel
