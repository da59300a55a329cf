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
    """No column. A recipe may still name the labels that a teacher gives."""

    type = None

    @classmethod
    def choose(cls, section: DataSection, spec: TaskSpec, train: RawSplit, events: Events) -> Self:
        if section.labelled is None:
            refuse_labels(section, spec)
        found = cls()
        given = section.labels or ()
        found.vocabulary = tuple(dict.fromkeys(given.values())) if isinstance(given, dict) else tuple(given)
        return found

    def parse(self, value: Any, texts: Mapping[str, Any]) -> None:
        return None


TARGET = Unlabelled
