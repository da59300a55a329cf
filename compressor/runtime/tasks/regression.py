"""Regression: one or several numbers for a text or a pair of texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.errors import DataError
from compressor.runtime.outputs import Outputs
from compressor.runtime.tasks.base import (
    Answer,
    Constant,
    Encoded,
    FloatArray,
    Metric,
    RuntimeTask,
    Settings,
    names_of,
)
from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC", "TASK", "Numbers", "Regression"]

SPEC = TaskSpec(
    name="regression",
    title="Regression",
    roles=("text", "label"),
    optional_roles=("text_pair",),
    target_role="label",
    target="number",
    outputs=(OutputSpec("logits", "value"),),
    auto_class="AutoModelForSequenceClassification",
    metrics=(
        MetricSpec("spearman", "Spearman correlation", unit="number"),
        MetricSpec("pearson", "Pearson correlation", unit="number"),
        MetricSpec("mse", "mean squared error", unit="number", higher_is_better=False),
        MetricSpec("mae", "mean absolute error", unit="number", higher_is_better=False),
        MetricSpec("r2", "R squared", unit="number"),
    ),
    pipeline_tag="text-classification",
    problem_type="regression",
)


@dataclass(frozen=True)
class Numbers(Answer):
    """The answer to one text, in the data's units."""

    value: float
    """The number; of several, the first."""
    values: dict[str, float]
    """Every number by its name."""

    @property
    def brief(self) -> str:
        if len(self.values) == 1:
            return f"{self.value:.4g}"
        return ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())


def pearson(truth: FloatArray, answers: FloatArray) -> float:
    """Covariance over the product of the standard deviations [examples]; 0 where one of them is constant."""
    one, other = truth - truth.mean(), answers - answers.mean()
    spread = math.sqrt(float(one @ one)) * math.sqrt(float(other @ other))
    return float(one @ other) / spread if spread else 0.0


def spearman(truth: FloatArray, answers: FloatArray) -> float:
    """Pearson correlation of the ranks; equal numbers share their mean rank."""
    return pearson(_ranks(truth), _ranks(answers))


def r2(truth: FloatArray, answers: FloatArray) -> float:
    """`1 - sum (y - f)^2 / sum (y - mean y)^2`; of constant truth, 1 where it is met and else 0, as in scikit-learn."""
    missed, spread = float(((truth - answers) ** 2).sum()), float(((truth - truth.mean()) ** 2).sum())
    return 1 - missed / spread if spread else float(not missed)


def _ranks(values: FloatArray) -> FloatArray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _mean_over_numbers(of_one: Callable[[FloatArray, FloatArray], float]) -> Metric:
    """The mean of a figure over the numbers of a text; rows are (truth, answers) [examples, 2 x numbers]."""

    def value(rows: FloatArray) -> float:
        truth, answers = np.split(rows, 2, axis=1)
        return float(np.mean([of_one(*both) for both in zip(truth.T, answers.T, strict=True)]))

    return Metric(value, lambda rows: -np.abs(np.subtract(*np.split(rows, 2, axis=1))).mean(axis=1))


class Regression(RuntimeTask):
    """The logits [rows, numbers] are the numbers."""

    spec: ClassVar[TaskSpec] = SPEC
    graded: ClassVar[bool] = True
    metrics: ClassVar[Mapping[str, Metric]] = {
        "spearman": _mean_over_numbers(spearman),
        "pearson": _mean_over_numbers(pearson),
        "mse": _mean_over_numbers(lambda truth, answers: float(((truth - answers) ** 2).mean())),
        "mae": _mean_over_numbers(lambda truth, answers: float(np.abs(truth - answers).mean())),
        "r2": _mean_over_numbers(r2),
    }

    def output_names(self, labels: Sequence[str], details: Mapping[str, Any]) -> list[str]:
        """The names of the numbers: of their columns."""
        return list(details["numbers"])

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[Numbers]:
        values = outputs["logits"].values
        names = names_of(values, settings)
        return [Numbers(float(row[0]), dict(zip(names, map(float, row), strict=True))) for row in values]

    def target(self, value: Any, settings: Settings) -> list[float]:
        """A number, or a list of as many as the model gives."""
        given = value if isinstance(value, list) else [value]
        try:
            numbers = [float(one) for one in given]
        except (TypeError, ValueError):
            numbers = [math.nan]
        count = len(settings.labels) or len(numbers)
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            wanted = "a number" if count == 1 else f"a list of {count} numbers"
            raise DataError(f"A text is labelled {str(value)[:80]!r}; it must be {wanted}.")
        return numbers

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        answers = np.asarray(outputs["logits"].values, dtype=np.float64)
        truth = np.asarray(targets, dtype=np.float64).reshape(answers.shape)
        return dict.fromkeys(self.metrics, np.concatenate([truth, answers], axis=1))

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """The mean of each number, which has the least squared error: no correlation, and an R squared of 0."""
        if not len(targets):
            return None
        truth = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
        rows = np.concatenate([truth, np.broadcast_to(truth.mean(axis=0), truth.shape)], axis=1)
        mean = f"the mean, {truth.mean():.3g}" if truth.shape[1] == 1 else "the mean of each number"
        return Constant(mean, dict.fromkeys(self.metrics, rows))

    def keys(self, answers: Sequence[Answer]) -> list[Any]:
        """The numbers to three digits."""
        return [
            [float(f"{value:.3g}") for value in answer.values.values()]
            for answer in answers
            if isinstance(answer, Numbers)
        ]

    def agreement(self, keys: Sequence[Any], reference: Sequence[Any]) -> float:
        """How much of the spread of the reference's numbers is met: R squared, 0 where it is less than that."""
        rows = np.concatenate([np.asarray(reference, dtype=np.float64), np.asarray(keys, dtype=np.float64)], axis=1)
        return max(0.0, self.metrics["r2"].value(rows))


TASK = Regression()
