"""Ways to read a file: each a kind of target, with the columns it takes, and how much speaks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compressor.data.mistaken import task_with
from compressor.errors import DataError
from compressor.init.column import Column
from compressor.task_specs import TaskSpec

__all__ = ["Reading", "readings"]

_SIMILARITY = re.compile(r"score|simil|related", re.IGNORECASE)
_FEW_VALUES = 20
"""Whole numbers of more different values than these are amounts."""


@dataclass(frozen=True)
class Reading:
    """One way to read a file."""

    target: str
    """A kind of target: a file of `data/targets/`."""
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    why: str
    """What was seen, for a comment: "5 different values"."""
    strength: float
    """How much speaks for it, 0 to 1."""
    separator: str | None = None
    """Between several labels in one field."""

    @property
    def spec(self) -> TaskSpec:
        """The task that reads it.

        Raises:
            DataError: no such task is installed.
        """
        spec = task_with(self.target)
        if spec is None:
            raise DataError(f"No task here reads {self.target!r}.", hint="Name one with --task.")
        return spec

    @property
    def title(self) -> str:
        """In words: "text-classification: text `review`, label `stars` (5 different values)"."""
        columns = [f"`{name}`" for name in (*self.texts, *self.labels)]
        return f"{self.spec.name}: {', '.join(columns)} ({self.why})"


Finder = Callable[[Sequence[Column], tuple[str, ...]], Iterator[Reading]]


def readings(candidates: Sequence[Column], texts: tuple[str, ...]) -> list[Reading]:
    """Every way to read texts with one of the candidates as what is to be answered, the likeliest first.

    Args:
        candidates: columns that may be labels.
        texts: columns of the text, or of the two texts of a pair.
    """
    found = [reading for finder in _FINDERS for reading in finder(candidates, texts)]
    return sorted(found, key=lambda reading: -reading.strength)


def _answers(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    for column in candidates:
        if len(texts) == 2 and column.is_answers:
            yield Reading("spans", texts, (column.name,), "answers, pieces of their context", 0.95)


def _tags(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    for column in candidates:
        if column.is_spans:
            yield Reading("tags", texts[:1], (column.name,), "spans of characters", 0.95)
        elif column.is_entity_tags:
            yield Reading("tags", texts[:1], (column.name,), "a tag for each token", 0.95)


def _many_labels(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    for column in candidates:
        kinds = len(column.items)
        if column.lists and 0 < kinds <= 1000 and column.items.total() > kinds and not column.is_entity_tags:
            why = f"lists of {kinds} different labels"
            yield Reading("many-labels", texts, (column.name,), why, 0.8 + 0.1 * column.named_label)
        elif column.could_be_labels and (separator := column.separator):
            yield Reading(
                "many-labels", texts, (column.name,), f"labels separated by '{separator}'", 0.8, separator=separator
            )
    yes_or_no = tuple(column.name for column in candidates if column.is_yes_or_no)
    if len(yes_or_no) > 1:
        strength = min(0.8, 0.5 + 0.1 * len(yes_or_no))
        yield Reading("many-labels", texts, yes_or_no, "columns of yes or no", strength)


def _one_label(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    for column in candidates:
        count = len(column.counts)
        amount = column.numbers is not None and (not column.is_whole or count > _FEW_VALUES)
        if not column.could_be_labels or amount or column.separator or (count < 2 and not column.named_label):
            continue
        strength = 0.55 + 0.35 * column.named_label - 0.2 * (count > 50) - 0.2 * (column.rows_a_value < 5)
        values = "one value only" if count == 1 else f"{count} different values"
        yield Reading("one-label", texts, (column.name,), values, strength)


def _numbers(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    for column in candidates:
        similar = _SIMILARITY.search(column.name) is not None and len(texts) == 2
        if column.numbers is None or column.is_key or len(column.counts) < (2 if similar else 3):
            continue
        amount = not column.is_whole or len(column.counts) > _FEW_VALUES
        why = f"numbers from {min(column.numbers):g} to {max(column.numbers):g}"
        strength = (0.5 if amount else 0.4) + 0.35 * column.named_label
        if len(texts) == 2:
            yield Reading("score", texts, (column.name,), f"pairs with {why}", 0.95 if similar else strength - 0.1)
        yield Reading("number", texts, (column.name,), why, strength)


def _texts_alone(candidates: Sequence[Column], texts: tuple[str, ...]) -> Iterator[Reading]:
    yield Reading("score", texts, (), "texts without labels" if len(texts) == 1 else "pairs without labels", 0.1)


_FINDERS: tuple[Finder, ...] = (_answers, _tags, _many_labels, _one_label, _numbers, _texts_alone)
