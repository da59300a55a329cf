"""Which labels there are, and which value of the source means which of them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from compressor.data.arrow import read_arrow
from compressor.data.source import RawSplit
from compressor.errors import DataError
from compressor.recipe.data import DataSection

__all__ = ["Labels", "choose_labels"]

_MOST = 1000


@dataclass(frozen=True)
class Labels:
    """The labels in the order of the model's outputs."""

    names: tuple[str, ...]
    index: dict[str, int]
    """Value in the source -> index of its label."""
    dropped: frozenset[str]
    """Values whose rows are left out on purpose."""


def choose_labels(section: DataSection, train: RawSplit) -> Labels:
    """The labels the recipe names; else the source's classes; else the values found in the training split, sorted.

    Raises:
        DataError: fewer than two labels, one named twice, or so many that the column can't be a label.
    """
    dropped = frozenset(section.drop_labels)
    if isinstance(section.labels, dict):
        names = tuple(dict.fromkeys(section.labels.values()))
        meaning = {**_by_number(section.labels, train), **section.labels}
    else:
        names = section.labels or _classes(train, dropped) or _found(train, dropped)
        meaning = {name: name for name in names}
    if len(set(names)) < len(names):
        raise DataError(f"data.labels names a label twice: {', '.join(names)}.")
    if both := dropped & set(meaning):
        raise DataError(f"{min(both)!r} is in data.labels and in data.drop_labels.")
    if len(names) < 2:
        raise DataError(
            f"{train.origin} has {'one label only, ' + repr(names[0]) if names else 'no labels'}: "
            "a classifier needs two or more.",
            hint="Check data.columns.label, data.labels and data.drop_labels.",
        )
    return Labels(names, {value: names.index(name) for value, name in meaning.items()}, dropped)


def _by_number(mapping: dict[str, str], train: RawSplit) -> dict[str, str]:
    """Class names were read in place of numbers, so a mapping from numbers is carried over to the names."""
    return {name: mapping[str(i)] for i, name in enumerate(train.classes or ()) if str(i) in mapping}


def _classes(train: RawSplit, dropped: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in train.classes or () if name not in dropped)


def _found(train: RawSplit, dropped: frozenset[str]) -> tuple[str, ...]:
    values: set[str] = set()
    for batch in read_arrow(train.path):
        values |= {value.strip() for value in pc.unique(batch["label"]).to_pylist() if value and value.strip()}
        if len(values) > _MOST:
            raise DataError(
                f"The label column of {train.origin} holds more than {_MOST} different values.",
                hint="Is it the right column? Set data.columns.label, or name the labels in data.labels.",
            )
    return tuple(sorted(values - dropped, key=_numbers_first))


def _numbers_first(value: str) -> tuple[int, int, str]:
    """Sorts 2 before 10, and numbers before words."""
    return (0, int(value), value) if value.isascii() and value.lstrip("-").isdigit() else (1, 0, value)
