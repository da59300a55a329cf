"""Guess how a file is to be read: its task, and which columns play which role. What can't be told is asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from compressor.data.columns import did_you_mean
from compressor.data.layout import refuse_other_layouts, target_of_layout
from compressor.data.peek import Peek
from compressor.errors import DataError, RecipeError, listed
from compressor.init.column import Column
from compressor.init.reading import Reading, readings
from compressor.init.texts import described, pair_of, text_candidates
from compressor.task_specs import TASK_SPECS, TaskSpec

__all__ = ["Ask", "Given", "guess"]

_CLOSE = 0.2
"""Readings whose strengths differ by less are asked about."""
_TIED = 0.05
"""Where nobody can be asked, the better of two readings is taken, unless they differ by less."""


class Ask(Protocol):
    """How a person is asked to choose."""

    def __call__(self, question: str, choices: Sequence[str]) -> int:
        """The place of what was chosen. The first choice is the best guess."""


@dataclass(frozen=True)
class Given:
    """What the call says of the file."""

    task: str | None = None
    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def guess(peek: Peek, given: Given, origin: str, ask: Ask | None) -> Reading:
    """The likeliest way to read a file that fits what was given.

    Args:
        origin: the file's name, for messages.
        ask: asks a person about what can't be told; None: the best guess is taken.

    Raises:
        DataError: a column that isn't there, or columns that the task can't be read from.
        RecipeError: there is no best guess; the option that says it is named.
    """
    spec = _spec(given.task)
    columns = [Column(name, values) for name, values in peek.columns.items()]
    _require(given.texts, "--text", columns, origin)
    _require(given.labels, "--label", columns, origin)
    fixed = target_of_layout(peek.format)
    if fixed is not None:
        refuse_other_layouts(peek.format, None if spec is None else spec.target, origin)
        return _of_layout(fixed, columns)
    found = [reading for reading in described(columns) if _fits(reading, spec, given)]
    if not found:
        texts = given.texts or _texts(columns, given.labels, spec, origin, ask)
        candidates = [column for column in columns if column.name not in texts]
        labels = [column for column in candidates if column.name in given.labels] or candidates
        found = [reading for reading in readings(labels, texts) if _fits(reading, spec, given)]
        found = found or [_as_said(spec, texts, labels if given.labels else [], origin)]
    chosen = _chosen(found, origin, ask)
    _check_roles(chosen, spec or chosen.spec)
    return chosen


def _spec(task: str | None) -> TaskSpec | None:
    if task is None:
        return None
    if task not in TASK_SPECS.names:
        hint = f"The tasks are {', '.join(TASK_SPECS.names)}.{did_you_mean(task, TASK_SPECS.names)}"
        raise RecipeError(f"--task: there is no task {task!r}.", hint=hint)
    return TASK_SPECS.get(task)


def _require(names: Collection[str], option: str, columns: Sequence[Column], origin: str) -> None:
    known = [column.name for column in columns]
    for name in names:
        if name not in known:
            raise DataError(
                f"{option}: {origin} has no column {name!r}; its columns are: {listed(known, 30)}.",
                hint=f"Name one of these.{did_you_mean(name, known)}",
            )


def _of_layout(target: str, columns: Sequence[Column]) -> Reading:
    """The one reading of a format that is read for one kind of target; its columns are called like their roles."""
    reading = Reading(target, (), (), "the format says so", 1.0)
    names = [column.name for column in columns]
    roles = reading.spec.text_roles
    labels = tuple(name for name in names if name == reading.spec.target_role)
    return Reading(target, tuple(name for name in roles if name in names), labels, reading.why, 1.0)


def _texts(
    columns: Sequence[Column], labels: Collection[str], spec: TaskSpec | None, origin: str, ask: Ask | None
) -> tuple[str, ...]:
    left = [column for column in columns if column.name not in labels]
    if pair := pair_of(left):
        return pair
    found, clear = text_candidates(left)
    if not found:
        names = listed([column.name for column in columns], 30)
        raise RecipeError(
            f"No column of {origin} looks like texts; its columns are: {names}.",
            hint="Name the one that holds them with --text COLUMN.",
        )
    if ask is not None and not clear:
        choices = [f"`{column.name}`, {column.characters:.0f} characters on average" for column in found]
        return (found[ask("Which column holds the text?", choices)].name,)
    return (found[0].name,)


def _fits(reading: Reading, spec: TaskSpec | None, given: Given) -> bool:
    return (
        (spec is None or reading.target == spec.target)
        and (not given.texts or reading.texts == given.texts)
        and (not given.labels or set(reading.labels) == set(given.labels))
    )


def _as_said(spec: TaskSpec | None, texts: tuple[str, ...], labels: Sequence[Column], origin: str) -> Reading:
    """A reading of the columns that were named, though little speaks for it."""
    names = tuple(column.name for column in labels)
    if spec is not None and not labels and spec.target_role in spec.roles:
        raise RecipeError(
            f"No column of {origin} looks like what {spec.name} answers.", hint="Name it with --label COLUMN."
        )
    if spec is not None:
        return Reading(spec.target, texts, names, "as you said", 1.0)
    if all(column.numbers is not None for column in labels):
        return Reading("number", texts, names, "numbers, as you said", 1.0)
    if len(labels) > 1:
        raise RecipeError(
            f"--label names {listed(names)}: several columns must hold numbers, or all of them 0 or 1.",
            hint="Name one column, or mend the file.",
        )
    return Reading("many-labels" if labels[0].lists else "one-label", texts, names, "as you said", 1.0)


def _chosen(found: Sequence[Reading], origin: str, ask: Ask | None) -> Reading:
    best, *others = found
    close = [reading for reading in others if best.strength - reading.strength < _CLOSE]
    if ask is not None and close:
        return found[ask("How is it to be read?", [reading.title for reading in (best, *close)])]
    tied = [one for one in close if one.labels != best.labels and best.strength - one.strength < _TIED]
    if tied:
        names = dict.fromkeys(" and ".join(one.labels) for one in (best, *tied))
        raise RecipeError(
            f"Several columns of {origin} may be what is to be answered: {listed(names)}.",
            hint="Name the right one with --label COLUMN.",
        )
    return best


def _check_roles(reading: Reading, spec: TaskSpec) -> None:
    required = [role for role in spec.roles if role != spec.target_role]
    if len(reading.texts) < len(required) or len(reading.texts) > len(spec.text_roles):
        wanted = f"{len(required)} or {len(spec.text_roles)}" if len(required) < len(spec.text_roles) else len(required)
        raise RecipeError(
            f"{spec.name} reads {wanted} columns of texts, not {len(reading.texts)} ({listed(reading.texts)}).",
            hint=f"Name a column for each with --text, in this order: {', '.join(required)}.",
        )
