"""What every kind of target does: it chooses its labels from the training split, and reads the value of a row."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pyarrow as pa

from compressor.data.arrow import text_of
from compressor.data.mistaken import set_task
from compressor.data.source import RawSplit
from compressor.errors import DataError
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["UNKNOWN_LABEL", "Rejected", "Target", "number", "refuse_labels", "refuse_separator", "scalar"]

UNKNOWN_LABEL = "with an unknown label"


@dataclass(frozen=True)
class Rejected:
    """Why a row can't be used."""

    reason: str
    """Goes after a number: "3 *with an unknown label*"."""
    value: str | None = None
    """The offending value, where telling values apart helps."""


class Target(ABC):
    """What a model is to answer, as the data says it and as a prepared split holds it."""

    nested: ClassVar[bool] = False
    """Whether texts may come as lists of tokens."""

    type: pa.DataType | None
    """Arrow type of the column in a prepared split; None: there is no column."""
    vocabulary: tuple[str, ...] = ()
    """Names of the model's outputs, in their order; none where outputs have no names."""

    @classmethod
    @abstractmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        """The target of a data set, its vocabulary found in the training split where the recipe doesn't name it.

        Raises:
            DataError: the split can't be labelled like this; a task that fits better is named where one is seen.
        """

    @abstractmethod
    def parse(self, value: Any, texts: Mapping[str, Any]) -> Any:
        """The value of one row as the prepared split holds it, or `Rejected`.

        Args:
            value: as it was read: text, a list or a dictionary; of several columns a dictionary of their values.
            texts: role -> text of the row as it was read: tokens, where texts may come as such.
        """

    def dropped(self, value: Any) -> str | None:
        """The label that `data.drop_labels` leaves the row out for; None: it stays."""
        return None

    def texts(self, values: Mapping[str, Any]) -> dict[str, str] | None:
        """Role -> text of a row as it was read; None where one is missing or blank."""
        if any(not isinstance(value, str) or not value.strip() for value in values.values()):
            return None
        return dict(values)

    def stratum(self, value: Any) -> int | None:
        """Which part of the rows this one belongs to: splits hold each part in the same share. None: no parts."""
        return None

    def stratum_name(self, stratum: int) -> str | None:
        """What to call a part in messages; None: it need not be in every split."""
        return self.vocabulary[stratum] if 0 <= stratum < len(self.vocabulary) else None

    def labels_of(self, value: Any) -> Iterable[str]:
        """Names that the report counts this row under."""
        return ()

    @property
    def details(self) -> dict[str, Any]:
        """What a task must know of the prepared data beside the vocabulary: goes into `prepared.json`."""
        return {}


def scalar(value: Any) -> str | None:
    """A plain value as text without space around it, "" where it is missing; None for a list or an object."""
    try:
        return (text_of(value) or "").strip()
    except TypeError:
        return None


def number(value: Any) -> float | None:
    """A plain value as a finite number; None where it isn't one."""
    try:
        found = float(scalar(value) or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def refuse_labels(section: DataSection, spec: TaskSpec) -> None:
    """Raise `DataError` for settings about labels under a task that has none: no key is ignored."""
    for key in ("labels", "drop_labels"):
        if getattr(section, key):
            raise DataError(f"data.{key} is for tasks with labels; {spec.name} has none.", hint="Leave it out.")
    refuse_separator(section, spec)


def refuse_separator(section: DataSection, spec: TaskSpec) -> None:
    """Raise `DataError` for `data.label_separator` under a task whose fields aren't parted into labels."""
    if section.label_separator is not None:
        hint = set_task("many-labels") or "Leave it out."
        raise DataError(
            f"data.label_separator is for several labels a text, which {spec.name} doesn't have.", hint=hint
        )
