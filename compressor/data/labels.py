"""Which labels there are, and which value of the source means which of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from compressor.data.mistaken import refuse_numbers
from compressor.data.source import RawSplit
from compressor.errors import DataError, listed
from compressor.recipe.data import DataSection

__all__ = ["MOST_LABELS", "Labels", "choose_labels", "count_values"]

MOST_LABELS = 1000
"""Different values of a label column that are read, unless the recipe or the source names the labels."""
LONGEST_LABEL = 1000
"""Characters of one of these."""
MOST_NAMED = 100_000
"""Labels that a recipe, a source or a header may name."""
_HINT = "Is it the right column? Set data.columns, or name the labels in data.labels."


@dataclass(frozen=True)
class Labels:
    """The labels in the order of the model's outputs."""

    names: tuple[str, ...]
    index: dict[str, int]
    """Value in the source -> index of its label."""
    dropped: frozenset[str]
    """Values that are left out on purpose."""


def choose_labels(
    section: DataSection,
    train: RawSplit,
    rows: Iterable[Iterable[str]],
    *,
    least: int,
    classes: tuple[str, ...] | None,
) -> Labels:
    """The labels the recipe names; else the source's classes; else the values found in the training split, sorted.

    Args:
        rows: the label values of each row of the training split; read only where the values must be found.
        least: how many labels the task needs.
        classes: names of the labels in the order of their numbers, where the source keeps numbers.

    Raises:
        DataError: too few labels, one named twice, or so many that the column can't be a label.
    """
    dropped = frozenset(section.drop_labels)
    if isinstance(section.labels, dict):
        names = tuple(dict.fromkeys(section.labels.values()))
        meaning = {**_by_number(section.labels, classes or ()), **section.labels}
    else:
        names = section.labels or _without(classes or (), dropped) or _found(train, rows, dropped)
        meaning = {name: name for name in names}
    if len(names) > MOST_NAMED:
        raise DataError(f"{train.origin} has {len(names):,} labels; at most {MOST_NAMED:,} are read.", hint=_HINT)
    if len(set(names)) < len(names):
        raise DataError(f"data.labels names a label twice: {listed(names)}.", hint="Leave one of the two out.")
    if both := dropped & set(meaning):
        raise DataError(f"{min(both)!r} is in data.labels and in data.drop_labels.", hint="Keep it or drop it.")
    if len(names) < least:
        raise DataError(
            f"{train.origin} has {'one label only, ' + repr(names[0]) if names else 'no labels'}: "
            f"{'a classifier needs two or more' if least == 2 else 'at least one is needed'}.",
            hint="Check data.columns, data.labels and data.drop_labels.",
        )
    place = {name: index for index, name in enumerate(names)}
    return Labels(names, {value: place[name] for value, name in meaning.items()}, dropped)


def count_values(counts: Counter[str], values: Iterable[str], train: RawSplit, *, most: int = MOST_LABELS) -> None:
    """Count further values of a label column, of which there may be so many different ones.

    Raises:
        DataError: there are more, or one is longer than any label.
    """
    for value in values:
        if value not in counts:
            if len(value) > LONGEST_LABEL:
                raise DataError(
                    f"The label column of {train.origin} holds a value of {len(value):,} characters; a label has "
                    f"at most {LONGEST_LABEL:,}.",
                    hint=_HINT,
                )
            if len(counts) >= most:
                refuse_numbers({*counts, value} - {""}, train.origin)
                raise DataError(
                    f"The label column of {train.origin} holds more than {most} different values.", hint=_HINT
                )
        counts[value] += 1


def _by_number(mapping: dict[str, str], classes: tuple[str, ...]) -> dict[str, str]:
    """Class names were read in place of numbers, so a mapping from numbers is carried over to the names."""
    return {name: mapping[str(i)] for i, name in enumerate(classes) if str(i) in mapping}


def _without(classes: tuple[str, ...], dropped: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in classes if name not in dropped)


def _found(train: RawSplit, rows: Iterable[Iterable[str]], dropped: frozenset[str]) -> tuple[str, ...]:
    values: Counter[str] = Counter()
    for labels in rows:
        count_values(values, labels, train)
    return tuple(sorted(values.keys() - dropped - {""}, key=_numbers_first))


def _numbers_first(value: str) -> tuple[int, int, str]:
    """Sorts 2 before 10, and numbers before words."""
    short = value.isascii() and value.lstrip("-").isdigit() and len(value) < 19
    return (0, int(value), value) if short and value.count("-") < 2 else (1, 0, value)
