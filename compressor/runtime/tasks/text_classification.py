"""Text classification: one label for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Replies,
    RuntimeTask,
    Settings,
    log_softmax,
    mean_metric,
    names_of,
    softmax,
)
from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC", "TASK", "Prediction", "TextClassification"]

SPEC = TaskSpec(
    name="text-classification",
    title="Text classification",
    roles=("text", "label"),
    optional_roles=("text_pair",),
    target_role="label",
    target="one-label",
    outputs=(OutputSpec("logits", "categorical"),),
    auto_class="AutoModelForSequenceClassification",
    metrics=(
        MetricSpec("accuracy", "accuracy"),
        MetricSpec("f1_macro", "macro F1"),
        MetricSpec("log_loss", "log loss", unit="number", higher_is_better=False),
        MetricSpec("calibration_error", "calibration error", higher_is_better=False),
        MetricSpec(
            "divergence", "divergence from the teacher", unit="number", higher_is_better=False, only_beside=True
        ),
    ),
    pipeline_tag="text-classification",
    problem_type="single_label_classification",
)

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Prediction(Answer):
    """The answer to one text."""

    label: str
    score: float
    """Probability of the label."""
    scores: dict[str, float]
    """Probability of every label."""
    unsure: bool | None = None
    """Whether the probability is below the bundle's threshold; None where it has none."""

    @property
    def brief(self) -> str:
        return self.label

    @property
    def shown(self) -> str:
        return f"{self.label} (unsure)" if self.unsure else self.label

    def to_dict(self) -> dict[str, Any]:
        """Without a threshold there is no key `unsure`, as there was none before there were thresholds."""
        found = super().to_dict()
        return found if self.unsure is not None else {name: found[name] for name in found if name != "unsure"}


def f1_macro(rows: FloatArray) -> float:
    """F1 averaged over the classes that occur, each counting the same; rows are (label, answer) [examples, 2]."""
    labels, answers = rows[:, 0], rows[:, 1]
    scores = []
    for name in np.union1d(labels, answers):
        right = float(np.sum((labels == name) & (answers == name)))
        scores.append(2 * right / float(np.sum(labels == name) + np.sum(answers == name)))
    return float(np.mean(scores)) if scores else float("nan")


def calibration_error(rows: FloatArray) -> float:
    """Expected calibration error over bins of equal width; rows are (probability of the answer, right) [examples, 2].

    Source: Guo, Pleiss, Sun, Weinberger 2017, equation 5 (arXiv 1706.04599).
    """
    confidence, right = rows[:, 0], rows[:, 1]
    bins = np.minimum((np.nan_to_num(confidence) * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(rows)) if len(rows) else float("nan")


class TextClassification(RuntimeTask):
    """Softmax over logits [rows, labels]."""

    spec: ClassVar[TaskSpec] = SPEC
    metrics: ClassVar[Mapping[str, Metric]] = {
        "accuracy": mean_metric(right_or_wrong=True),
        "f1_macro": Metric(f1_macro, lambda rows: np.asarray(rows[:, 0] == rows[:, 1], dtype=np.float64)),
        "log_loss": mean_metric(sign=-1.0),
        "calibration_error": Metric(calibration_error, lambda rows: -np.abs(rows[:, 1] - rows[:, 0])),
        "divergence": mean_metric(sign=-1.0),
    }

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[Prediction]:
        probabilities = softmax(outputs["logits"].values)
        names = names_of(probabilities, settings)
        return [
            Prediction(
                names[int(row.argmax())],
                float(row.max()),
                dict(zip(names, map(float, row), strict=True)),
                # Written so that NaN is unsure.
                None if settings.unsure is None else not row.max() >= settings.unsure,
            )
            for row in probabilities
        ]

    def target(self, value: Any, settings: Settings) -> int:
        if str(value) not in settings.labels:
            raise DataError(
                f"A text is labelled {str(value)[:80]!r}, which the model never answers.",
                hint=f"Its answers are: {', '.join(settings.labels[:20])}.",
            )
        return settings.labels.index(str(value))

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        if not len(targets):
            return {}
        labels = np.asarray(targets, dtype=np.int64)
        probabilities = softmax(outputs["logits"].values)
        answers = probabilities.argmax(axis=-1)
        right = (answers == labels).astype(np.float64)
        of_label = np.take_along_axis(probabilities, labels[:, None], axis=-1)
        return {
            "accuracy": right[:, None],
            "f1_macro": np.stack([labels, answers], axis=-1).astype(np.float64),
            "log_loss": -np.log(np.maximum(of_label, np.finfo(np.float64).tiny)),
            "calibration_error": np.stack([probabilities.max(axis=-1), right], axis=-1),
        }

    def compared(self, model: Replies, teacher: Replies) -> dict[str, FloatArray]:
        """`KL(p_t || p_s)` of each example [examples, 1], in nats: what soft targets at temperature 1 bring down. It
        tells students apart on fewer texts than accuracy does."""
        mine, theirs = (log_softmax(replies.outputs["logits"].values) for replies in (model, teacher))
        return {"divergence": np.sum(np.exp(theirs) * (theirs - mine), axis=-1, keepdims=True)}

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """The most frequent label."""
        if not len(targets):
            return None
        labels = np.asarray(targets, dtype=np.int64)
        given = int(np.bincount(labels).argmax())
        rows = np.stack([labels, np.full_like(labels, given)], axis=-1).astype(np.float64)
        right = (labels == given).astype(np.float64)[:, None]
        name = settings.labels[given] if given < len(settings.labels) else str(given)
        return Constant(repr(name), {"accuracy": right, "f1_macro": rows})

    def class_counts(self, statistics: Mapping[str, FloatArray], settings: Settings) -> dict[str, tuple[int, int, int]]:
        rows = statistics["f1_macro"]
        labels, answers = rows[:, 0].astype(int), rows[:, 1].astype(int)
        width = len(settings.labels)
        right = np.bincount(labels[labels == answers], minlength=width)
        given, due = np.bincount(answers, minlength=width), np.bincount(labels, minlength=width)
        return {
            name: (int(right[i]), int(given[i] - right[i]), int(due[i] - right[i]))
            for i, name in enumerate(settings.labels)
        }


TASK = TextClassification()
