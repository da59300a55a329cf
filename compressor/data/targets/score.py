"""How alike the two texts of a pair are, as one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.source import RawSplit
from compressor.data.targets.base import Rejected, Target, number, refuse_labels
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Score"]


class Score(Target):
    """float64, in the scale of the data."""

    type = pa.float64()

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        refuse_labels(section, spec)
        return cls()

    def parse(self, value: Any, texts: Mapping[str, Any]) -> float | Rejected:
        found = number(value)
        return Rejected("without a number", str(value or "")[:40]) if found is None else found


TARGET = Score
