"""What every evaluation reads and keeps to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.bench.judged import Judged
from compressor.bench.statistics import FloatArray
from compressor.report.blocks import Finding
from compressor.runtime.tasks import Example, RuntimeTask

__all__ = ["Answered", "Evaluation", "JudgedSplit", "right_answer", "scores_of"]


@dataclass(frozen=True)
class Answered:
    """A model and what it answered to the test split."""

    name: str
    """As reports call it: `onnx int8`."""
    judged: Judged
    colour: str = "v0"
    """Of its curves, a name of the style sheet."""


@dataclass(frozen=True)
class JudgedSplit:
    """The test split, its right answers, and what the shipped variant and the model beside it answered."""

    task: RuntimeTask
    labels: tuple[str, ...]
    """Names of the outputs' last dimension; none where they have no names."""
    examples: Sequence[Example]
    targets: Sequence[Any]
    """As a prepared split holds them."""
    model: Answered
    """The variant that ships."""
    reference: Answered | None = None
    """The reference model: the teacher; without one, the model in PyTorch."""
    show_examples: bool = True
    """Whether findings may hold texts of the split."""

    @property
    def models(self) -> tuple[Answered, ...]:
        """The shipped variant, and the model beside it where there is one."""
        return (self.model,) if self.reference is None else (self.model, self.reference)


class Evaluation(ABC):
    """Finds out one thing about the answers. A file of this folder names one as `EVALUATION`."""

    order: ClassVar[int] = 100
    """Reports show findings in ascending order; those built in have 10 to 40."""

    @abstractmethod
    def applies(self, split: JudgedSplit) -> bool:
        """Whether what it needs is there: a kind of target, scores of labels, a second model."""

    @abstractmethod
    def run(self, split: JudgedSplit) -> Finding:
        """A section of the report. Called where `applies` says so."""


def scores_of(answered: Answered, labels: Sequence[str]) -> FloatArray | None:
    """Probability of every label [examples, labels]; None where the answers have no such `scores`."""
    scores = [getattr(answer, "scores", None) for answer in answered.judged.answers]
    if not labels or not all(isinstance(row, Mapping) and all(label in row for label in labels) for row in scores):
        return None
    return np.asarray([[row[label] for label in labels] for row in scores if row], dtype=np.float64)


def right_answer(split: JudgedSplit, example: int) -> str | None:
    """The right answer in words; None where its kind can't be said briefly."""
    target = split.targets[example]
    match split.task.spec.target:
        case "one-label":
            return split.labels[int(target)]
        case "many-labels":
            return ", ".join(name for name, has in zip(split.labels, target, strict=True) if has) or "(none)"
        case "number" | "score":
            return ", ".join(f"{value:g}" for value in np.ravel(target))
        case _:
            return None
