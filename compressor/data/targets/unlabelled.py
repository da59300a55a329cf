"""Texts with nothing to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from compressor.data.source import RawSplit
from compressor.data.targets.base import Target, refuse_labels
from compressor.events import Events
from compressor.recipe.data import DataSection
from compressor.task_specs import TaskSpec

__all__ = ["TARGET", "Unlabelled"]


class Unlabelled(Target):
    """No column."""

    type = None

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        refuse_labels(section, spec)
        return cls()

    def parse(self, value: Any, texts: Mapping[str, Any]) -> None:
        return None


TARGET = Unlabelled
