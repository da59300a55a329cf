"""What a measured model answered: from its outputs for the test split to answers and the statistics of every metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compressor.bench.statistics import FloatArray
from compressor.bench.subject import Subject, answer_settings
from compressor.runtime.encoder import Encoder
from compressor.runtime.outputs import Outputs
from compressor.runtime.tasks import Answer, Example, runtime_task

__all__ = ["Judged", "judge"]


@dataclass(frozen=True)
class Judged:
    """Answers to examples, in their order."""

    answers: Sequence[Answer]
    keys: Sequence[Any]
    """What of each answer must be the same for two models to agree."""
    statistics: Mapping[str, FloatArray] = field(default_factory=dict)
    """Metric -> statistics [examples, k]; empty where the right answers aren't known."""


def judge(
    subject: Subject, outputs: Outputs, examples: Sequence[Example], targets: Sequence[Any] | None = None
) -> Judged:
    """Decode what `measure` returned, and score it where the right answers are known.

    Raises:
        BundleError: the outputs don't fit the model's labels.
    """
    task, settings = runtime_task(subject.task), answer_settings(subject)
    encoded = task.encode(Encoder.from_folder(subject.folder, subject.max_length), examples)
    answers = task.decode(outputs, encoded, settings)
    statistics = {} if targets is None else task.statistics(outputs, encoded, targets, settings)
    return Judged(answers, task.keys(answers), statistics)
