"""Multi-label classification: any number of labels for a text or a pair of texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compressor.errors import DataError
from compressor.runtime.outputs import Array, Outputs
from compressor.runtime.tasks.base import (
    Answer,
    Constant,
    Encoded,
    FloatArray,
    Metric,
    Replies,
    RuntimeTask,
    Settings,
    mean_metric,
    names_of,
)
from compressor.task_specs import MetricSpec, OutputSpec, TaskSpec

__all__ = ["SPEC", "TASK", "LabelSet", "MultiLabelClassification"]

SPEC = TaskSpec(
    name="multi-label-classification",
    title="Multi-label classification",
    roles=("text", "label"),
    optional_roles=("text_pair",),
    target_role="label",
    target="many-labels",
    outputs=(OutputSpec("logits", "bernoulli"),),
    auto_class="AutoModelForSequenceClassification",
    metrics=(
        MetricSpec("f1_micro", "micro F1"),
        MetricSpec("f1_macro", "macro F1"),
        MetricSpec("average_precision", "average precision"),
        MetricSpec("subset_accuracy", "subset accuracy"),
        MetricSpec(
            "divergence", "divergence from the teacher", unit="number", higher_is_better=False, only_beside=True
        ),
    ),
    pipeline_tag="text-classification",
    problem_type="multi_label_classification",
)

THRESHOLDS = "thresholds"
"""Name of the option: one probability a label, above which a text has it."""
DEFAULT_THRESHOLD = 0.5
MOST_NAMED = 3
"""Labels of an answer that are named."""
ENOUGH = 20
"""Validation texts with a label that its own threshold takes; labels with fewer share one."""


@dataclass(frozen=True)
class LabelSet(Answer):
    """The answer to one text."""

    labels: tuple[str, ...]
    """Every label whose probability reaches its threshold, the likeliest first."""
    scores: dict[str, float]
    """Probability of every label."""

    @property
    def brief(self) -> str:
        return ", ".join(self.labels) or "(none)"


def f1_of_counts(counts: FloatArray) -> float:
    """F1 of (true positives, false positives, false negatives), one where there is nothing to find nor found."""
    right, wrong, missed = counts
    return float(2 * right / (2 * right + wrong + missed)) if right + wrong + missed else 1.0


def f1_micro(rows: FloatArray) -> float:
    """F1 over all decisions together; rows are (true positives, false positives, false negatives) [examples, 3]."""
    return f1_of_counts(rows.sum(axis=0))


def f1_macro(rows: FloatArray) -> float:
    """Mean of the labels' F1; rows are the counts of every label behind each other [examples, 3 x labels]."""
    return float(np.mean([f1_of_counts(counts) for counts in rows.sum(axis=0).reshape(-1, 3)]))


def average_precision(rows: FloatArray) -> float:
    """Mean over the labels that occur of `sum (R_i - R_i-1) P_i` over falling scores, as scikit-learn defines it.

    Rows are (truth of every label, score of every label) [examples, 2 x labels].
    """
    truth, scores = np.split(rows, 2, axis=1)
    found = [_precision_over_recall(truth[:, i], scores[:, i]) for i in range(truth.shape[1]) if truth[:, i].any()]
    return float(np.mean(found)) if found else float("nan")


def _precision_over_recall(truth: FloatArray, scores: FloatArray) -> float:
    order = np.argsort(-scores, kind="stable")
    right, ranked = np.cumsum(truth[order]), scores[order]
    # Texts with equal scores are told apart by nothing: they count together, at the last of them.
    last = np.append(ranked[1:] != ranked[:-1], True)
    precision, recall = right[last] / (np.flatnonzero(last) + 1), right[last] / right[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


class MultiLabelClassification(RuntimeTask):
    """Sigmoid over logits [rows, labels]."""

    spec: ClassVar[TaskSpec] = SPEC
    metrics: ClassVar[Mapping[str, Metric]] = {
        "f1_micro": Metric(f1_micro, lambda rows: np.asarray([f1_of_counts(row) for row in rows])),
        "f1_macro": Metric(f1_macro, lambda rows: np.asarray([f1_macro(row[None]) for row in rows])),
        "average_precision": Metric(average_precision, lambda rows: -_log_loss(rows)),
        "subset_accuracy": mean_metric(right_or_wrong=True),
        "divergence": mean_metric(sign=-1.0),
    }

    def decode(self, outputs: Outputs, encoded: Encoded, settings: Settings) -> list[LabelSet]:
        probabilities = _sigmoid(outputs["logits"].values)
        names, has = names_of(probabilities, settings), _decided(probabilities, settings)
        return [
            LabelSet(
                tuple(names[i] for i in np.argsort(-row, kind="stable") if chosen[i]),
                dict(zip(names, map(float, row), strict=True)),
            )
            for row, chosen in zip(probabilities, has, strict=True)
        ]

    def target(self, value: Any, settings: Settings) -> list[float]:
        """A list of labels; or a text with one, or with several between commas, semicolons or bars."""
        given = [str(label) for label in value] if isinstance(value, list) else [str(value)]
        if not isinstance(value, list) and given[0] not in settings.labels:
            given = [label.strip() for label in re.split(r"[,;|]", given[0])]
        labels = [label for label in given if label]
        if unknown := [label for label in labels if label not in settings.labels]:
            raise DataError(
                f"A text is labelled {unknown[0][:80]!r}, which the model never answers.",
                hint=f"Its labels are: {', '.join(settings.labels[:20])}.",
            )
        return [float(label in labels) for label in settings.labels]

    def statistics(
        self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings
    ) -> dict[str, FloatArray]:
        probabilities = _sigmoid(outputs["logits"].values)
        truth = np.asarray(targets, dtype=np.float64).reshape(probabilities.shape)
        answers = _decided(probabilities, settings).astype(np.float64)
        scores = np.concatenate([truth, probabilities], axis=1)
        return {**_decisions(truth, answers), "average_precision": scores}

    def compared(self, model: Replies, teacher: Replies) -> dict[str, FloatArray]:
        """`KL(p_t || p_s)` of each example [examples, 1], in nats, the mean over its labels, each yes or no."""
        mine, theirs = (_yes_and_no(replies.outputs["logits"].values) for replies in (model, teacher))
        return {"divergence": np.sum(np.exp(theirs) * (theirs - mine), axis=-1).mean(axis=-1, keepdims=True)}

    def constant(self, targets: Sequence[Any], settings: Settings) -> Constant | None:
        """The most frequent labels, as many as have the best micro F1: with any number of labels, none do better."""
        if not len(targets):
            return None
        truth = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
        order = np.argsort(-truth.sum(axis=0), kind="stable")
        right = np.concatenate([[0.0], np.cumsum(truth.sum(axis=0)[order])])  # with so many labels given
        given, due = len(truth) * np.arange(len(right)), right[-1]
        best = int(np.argmax([f1_of_counts(np.array([r, g - r, due - r])) for r, g in zip(right, given, strict=True)]))
        answers = np.zeros_like(truth)
        answers[:, order[:best]] = 1
        names = [repr(settings.labels[place]) for place in order[:best]]
        shown = ", ".join(names[:MOST_NAMED]) + (f" and {best - MOST_NAMED} more" if best > MOST_NAMED else "")
        return Constant(shown or "no label", _decisions(truth, answers))

    def class_counts(self, statistics: Mapping[str, FloatArray], settings: Settings) -> dict[str, tuple[int, int, int]]:
        counts = statistics["f1_macro"].sum(axis=0).reshape(-1, 3).astype(int)
        return {
            name: (int(row[0]), int(row[1]), int(row[2])) for name, row in zip(settings.labels, counts, strict=True)
        }

    def tune(self, outputs: Outputs, encoded: Encoded, targets: Sequence[Any], settings: Settings) -> dict[str, Any]:
        """For each label the threshold of the best F1 on these outputs; labels that are rare share one."""
        probabilities = _sigmoid(outputs["logits"].values)
        truth = np.asarray(targets, dtype=np.float64).reshape(probabilities.shape)
        shared = _best_threshold(probabilities.ravel(), truth.ravel())
        thresholds = [
            _best_threshold(probabilities[:, i], truth[:, i]) if truth[:, i].sum() >= ENOUGH else shared
            for i in range(len(truth.T))
        ]
        return {THRESHOLDS: [round(threshold, 6) for threshold in thresholds]}


def _decisions(truth: FloatArray, answers: FloatArray) -> dict[str, FloatArray]:
    """Statistics of the metrics that ask which labels were given, from 0 or 1 [examples, labels]."""
    counts = np.stack([truth * answers, (1 - truth) * answers, truth * (1 - answers)], axis=-1)
    return {
        "f1_micro": counts.sum(axis=1),
        "f1_macro": counts.reshape(len(counts), -1),
        "subset_accuracy": (truth == answers).all(axis=1)[:, None].astype(np.float64),
    }


def _sigmoid(logits: Array) -> FloatArray:
    values = np.asarray(logits, dtype=np.float64)
    # Written so that neither branch overflows.
    small = np.exp(-np.abs(values))
    probabilities: FloatArray = np.where(values >= 0, 1, small) / (1 + small)
    return probabilities


def _yes_and_no(logits: Array) -> FloatArray:
    """Logarithms of the probabilities that a label is given, and that it isn't [examples, labels, 2]."""
    values = np.asarray(logits, dtype=np.float64)
    logarithms: FloatArray = -np.logaddexp(0, np.stack([-values, values], axis=-1))
    return logarithms


def _decided(probabilities: FloatArray, settings: Settings) -> Array:
    thresholds = np.asarray(settings.options.get(THRESHOLDS, DEFAULT_THRESHOLD), dtype=np.float64)
    # Thresholds of other labels than these can't be meant.
    if thresholds.ndim and thresholds.shape != probabilities.shape[1:]:
        thresholds = np.asarray(DEFAULT_THRESHOLD)
    decided: Array = probabilities >= thresholds
    return decided


def _best_threshold(scores: FloatArray, truth: FloatArray) -> float:
    """The middle between the two scores that part the texts with the best F1."""
    if not truth.any():
        return DEFAULT_THRESHOLD
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(truth[order])
    f1 = 2 * right / (np.arange(1, len(ranked) + 1) + truth.sum())
    tied = np.append(ranked[1:] == ranked[:-1], False)
    f1[tied] = -1.0  # equal scores can't be parted
    best = int(np.argmax(f1))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _log_loss(rows: FloatArray) -> FloatArray:
    """Binary cross-entropy of each example [examples], from (truth, score) of every label."""
    truth, scores = np.split(rows, 2, axis=1)
    sure = np.clip(scores, 1e-12, 1 - 1e-12)
    losses: FloatArray = -(truth * np.log(sure) + (1 - truth) * np.log1p(-sure)).mean(axis=1)
    return losses


TASK = MultiLabelClassification()
