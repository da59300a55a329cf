"""Any number of labels a row: a list, several in one field, or a column for each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.labels import MOST_LABELS, Labels, choose_labels, count_values
from compressor.data.mistaken import refuse_combinations, warn_of_spellings
from compressor.data.source import RawSplit, target_values
from compressor.data.targets.base import UNKNOWN_LABEL, Rejected, Target, scalar
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "ManyLabels"]

_YES_OR_NO = dict.fromkeys(("1", "1.0", "true", "yes"), True) | dict.fromkeys(("0", "0.0", "false", "no"), False)


class ManyLabels(Target):
    """[labels] float32: 1 for each label the row has, else 0."""

    def __init__(self, labels: Labels, separator: str | None, counts: Counter[int]) -> None:
        self.labels = labels
        self.separator = separator
        self.vocabulary = labels.names
        self.type = pa.list_(pa.float32(), len(labels.names))
        self._rarest_first = sorted(range(len(labels.names)), key=lambda index: (counts[index], index))

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        if len(train.columns.target) > 1:
            section = _by_column(section, train)
        separator = section.label_separator
        # Where labels are named, what else there is needn't be kept.
        named = {*(section.labels or ()), *(train.classes or ())}
        counts: Counter[str] = Counter()
        for value in target_values(train):
            labels_of_row = _values(value, separator) or ()
            kept = [label for label in labels_of_row if not named or label in named]
            count_values(counts, kept, train, most=len(named) or MOST_LABELS)
        labels = choose_labels(section, train, [counts], least=1, classes=train.classes)
        if section.labels is None and train.classes is None:
            if separator is None:
                refuse_combinations(labels.names, train.origin, "")
            warn_of_spellings(labels.names, events)
        known = Counter({labels.index[value]: count for value, count in counts.items() if value in labels.index})
        return cls(labels, separator, known)

    def parse(self, value: Any, texts: Mapping[str, Any]) -> list[float] | Rejected:
        values = _values(value, self.separator)
        if values is None:
            return Rejected(_wrong(value))
        row = [0.0] * len(self.vocabulary)
        for label in values:
            if label not in self.labels.index:
                return Rejected(UNKNOWN_LABEL, label)
            row[self.labels.index[label]] = 1.0
        return row

    def dropped(self, value: Any) -> str | None:
        return next((label for label in _values(value, self.separator) or () if label in self.labels.dropped), None)

    def stratum(self, value: list[float]) -> int:
        """The rarest label of the row, so that splits share out rare labels too; `len(vocabulary)` without a label."""
        return next((index for index in self._rarest_first if value[index]), len(self.vocabulary))

    def labels_of(self, value: list[float]) -> Iterator[str]:
        return (name for name, has in zip(self.vocabulary, value, strict=True) if has)


def _values(value: Any, separator: str | None) -> list[str] | None:
    """The labels of a row as they are written; None where they can't be told."""
    if value is None:
        return None
    if isinstance(value, dict):
        said = {label: _YES_OR_NO.get((scalar(answer) or "").lower()) for label, answer in value.items()}
        return None if None in said.values() else [label for label, has in said.items() if has]
    if isinstance(value, list):
        labels: Iterable[str | None] = map(scalar, value)
    else:
        text = scalar(value) or ""
        labels = [text] if separator is None else map(str.strip, text.split(separator))
    listed = list(labels)
    return None if None in listed else [label for label in listed if label]


def _wrong(value: Any) -> str:
    if isinstance(value, dict):
        return "with a label that is neither 0 nor 1"
    return "without a list of labels"


def _by_column(section: DataSection, train: RawSplit) -> DataSection:
    """With a column for each label, the columns are the labels; `data.labels` may order or rename them."""
    columns = tuple(train.columns.target.values())
    unknown = set(section.labels or ()) - set(columns)
    if unknown:
        raise DataError(
            f"data.labels names {min(unknown)!r}, which isn't one of the label columns.",
            hint=f"The columns are {', '.join(columns)}.",
        )
    return section if section.labels else section.model_copy(update={"labels": columns})


TARGET = ManyLabels
