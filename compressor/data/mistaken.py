"""Data that looks like another task's: what tells it, and which task to set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from itertools import islice

from compressor.errors import DataError, MissingExtra
from compressor.events import Events
from compressor.task_specs import TASK_SPECS, TaskSpec

__all__ = [
    "check_labels",
    "combinations",
    "refuse_combinations",
    "refuse_numbers",
    "set_task",
    "task_with",
    "warn_of_spellings",
]

_SEPARATORS = ",;|"
_LEAST_NUMBERS = 3


def set_task(target: str) -> str:
    """A sentence that names the task with that kind of target; nothing where none is installed."""
    spec = task_with(target)
    return "" if spec is None else f"Set `task: {spec.name}`."


def task_with(target: str) -> TaskSpec | None:
    """The task with that kind of target; None where none is installed."""
    for name in TASK_SPECS.names:
        with suppress(MissingExtra):
            if TASK_SPECS.get(name).target == target:
                return TASK_SPECS.get(name)
    return None


def check_labels(labels: Collection[str], origin: str, events: Events) -> None:
    """Look at labels that were found, one a row: warn of two that differ in case only.

    Raises:
        DataError: they are numbers with decimals, or several labels in one field.
    """
    refuse_numbers(labels, origin)
    refuse_combinations(labels, origin, set_task("many-labels"))
    warn_of_spellings(labels, events)


def warn_of_spellings(labels: Collection[str], events: Events) -> None:
    """Warn of labels that differ in case only."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        spellings[label.casefold()].append(label)
    for alike in spellings.values():
        if len(alike) > 1:
            same = " and ".join(map(repr, sorted(alike)))
            events.warn(f"{same} are different labels: where they mean the same, map them in data.labels.")


def refuse_numbers(labels: Collection[str], origin: str) -> None:
    """Raise `DataError` for three or more numbers, one of them with decimals."""
    if len(labels) < _LEAST_NUMBERS or not any("." in label for label in labels):
        return
    if not all(map(_is_number, labels)):
        return
    shown = ", ".join(islice(sorted(labels, key=float), 5))
    as_classes = "To keep them as classes, name each in data.labels."
    raise DataError(
        f"The labels of {origin} are numbers ({shown}{', ...' if len(labels) > 5 else ''}).",
        hint=f"{set_task('number')} {as_classes}".strip(),
    )


def refuse_combinations(labels: Collection[str], origin: str, task: str) -> None:
    """Raise `DataError` for labels such as "billing,urgent", whose parts are labels or parts of other ones.

    Args:
        task: a sentence that names the task to set, if another than this one.
    """
    separator, joined = combinations(labels)
    if joined:
        shown = ", ".join(map(repr, sorted(joined)[:3]))
        raise DataError(
            f"Labels of {origin} are combinations of others: {shown}{', ...' if len(joined) > 3 else ''}.",
            hint=f"{task} For several labels a text, set `data.label_separator: '{separator}'`. "
            "To keep combinations as labels of their own, name each in data.labels.".strip(),
        )


def combinations(labels: Collection[str]) -> tuple[str, list[str]]:
    """What separates the parts of labels such as "billing,urgent", and those labels; "" and none where none is one."""
    for separator in _SEPARATORS:
        parts = {label: {part.strip() for part in label.split(separator)} for label in labels}
        uses = Counter(part for pieces in parts.values() for part in pieces)
        joined = [
            label for label, pieces in parts.items() if len(pieces) > 1 and all(uses[part] > 1 for part in pieces)
        ]
        if joined:
            return separator, joined
    return "", []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.lower().lstrip("+-") not in ("nan", "inf", "infinity")
