"""Data that looks like another task's: what tells it, and which task to set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from itertools import islice

from compressor.errors import DataError, MissingExtra
from compressor.events import Events
from compressor.task_specs import TASK_SPECS

__all__ = ["check_labels", "refuse_combinations", "refuse_numbers", "set_task", "warn_of_spellings"]

_SEPARATORS = ",;|"
_LEAST_NUMBERS = 3


def set_task(target: str) -> str:
    """A sentence that names the task with that kind of target; nothing where none is installed."""
    for name in TASK_SPECS.names:
        with suppress(MissingExtra):
            if TASK_SPECS.get(name).target == target:
                return f"Set `task: {name}`."
    return ""


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
    for separator in _SEPARATORS:
        parts = {label: {part.strip() for part in label.split(separator)} for label in labels}
        uses = Counter(part for pieces in parts.values() for part in pieces)
        joined = [
            label for label, pieces in parts.items() if len(pieces) > 1 and all(uses[part] > 1 for part in pieces)
        ]
        if joined:
            shown = ", ".join(map(repr, sorted(joined)[:3]))
            raise DataError(
                f"Labels of {origin} are combinations of others: {shown}{', ...' if len(joined) > 3 else ''}.",
                hint=f"{task} For several labels a text, set `data.label_separator: '{separator}'`. "
                "To keep combinations as labels of their own, name each in data.labels.".strip(),
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.lower().lstrip("+-") not in ("nan", "inf", "infinity")
