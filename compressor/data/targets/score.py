"""How alike the two texts of a pair are, as one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pyarrow as pa

from compressor.data.source import RawSplit, target_values
from compressor.data.targets.base import Rejected, Target, number, refuse_labels
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Score"]


class Score(Target):
    """float64. Scores between -1 and 1, as cosines are, stay as they are; those of another scale are moved to 0 to 1,
    by the lowest and the highest of the training split."""

    type = pa.float64()

    def __init__(self, scale: tuple[float, float] | None) -> None:
        """`scale`: what becomes 0 and what becomes 1; None leaves scores as they are."""
        self.scale = scale

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        refuse_labels(section, spec)
        known = [score for score in map(number, target_values(train)) if score is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        return cls((low, high) if (low < -1 or high > 1) and low < high else None)

    def parse(self, value: Any, texts: Mapping[str, Any]) -> float | Rejected:
        found = number(value)
        if found is None:
            return Rejected("without a number", str(value or "")[:40])
        return found if self.scale is None else (found - self.scale[0]) / (self.scale[1] - self.scale[0])

    @property
    def details(self) -> dict[str, Any]:
        return {} if self.scale is None else {"score_scale": list(self.scale)}


TARGET = Score
