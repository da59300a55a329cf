"""Whether a model is right as often as it says: reliability chart and expected calibration error."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from compressor.bench.statistics import FloatArray
from compressor.evaluate.base import Answered, Evaluation, JudgedSplit, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Finding, Prose, table
from compressor.report.blocks.charts import Curve, LineChart

__all__ = ["BINS", "EVALUATION", "Calibration", "confidences", "expected_calibration_error"]

BINS = 15
"""Of equal width, as those of the metric `calibration_error`."""


class Bin(NamedTuple):
    """Answers with a confidence between two bounds."""

    low: float
    high: float
    confidence: float
    """Mean of the answers'."""
    right: float
    """Share of the answers."""
    n: int


class Calibration(Evaluation):
    """Of a task that gives each label a probability: of one label a text, the answer's; of several, every label's."""

    order: ClassVar[int] = 30

    def applies(self, split: JudgedSplit) -> bool:
        return confidences(split.model, split) is not None

    def run(self, split: JudgedSplit) -> Finding:
        found = [(one, confidences(one, split)) for one in split.all_models]
        judged, pairs = zip(*((one, pair) for one, pair in found if pair is not None), strict=True)
        errors = [expected_calibration_error(*found) for found in pairs]
        bins = [_bins(*found) for found in pairs]
        curves = tuple(
            Curve(one.name, one.colour, tuple((found.confidence, found.right) for found in of_one), strong=not i)
            for i, (one, of_one) in enumerate(zip(judged, bins, strict=True))
        )
        said = "; ".join(f"{one.name} {100 * error:.1f} points" for one, error in zip(judged, errors, strict=True))
        what = "label" if split.task.spec.target == "many-labels" else "answer"
        rows = [
            (
                f"{found.low:.2f} to {found.high:.2f}",
                fmt.percent(found.confidence),
                fmt.percent(found.right),
                str(found.n),
            )
            for found in bins[0]
        ]
        return Finding(
            "Calibration",
            (
                Prose(
                    "Expected calibration error, the mean distance between confidence and the share that is right: "
                    f"{said}. On the diagonal a model is right as often as it says."
                ),
                LineChart("Reliability on the test texts", "confidence", "share that is right", curves, diagonal=True),
                table((f"{what}s of {split.model.name}", "mean confidence", "right", "n"), rows),
            ),
            {"calibration_error": errors[0]},
        )


def expected_calibration_error(confidence: FloatArray, right: FloatArray) -> float:
    """Distance between confidence [n] and the share that is right [n] in each bin, weighted by the bin's size.

    Source: Guo, Pleiss, Sun, Weinberger 2017, equation 5 (arXiv 1706.04599).
    """
    found = _bins(confidence, right)
    return float(sum(one.n * abs(one.right - one.confidence) for one in found) / len(confidence))


def confidences(answered: Answered, split: JudgedSplit) -> tuple[FloatArray, FloatArray] | None:
    """Confidence [n], and 1 where it is right or 0 [n]: of each text, or of each label of each text, in their order.

    None where answers have no probabilities, or nobody knows which are right.
    """
    scores = scores_of(answered, split.labels)
    known = split.task.spec.target in ("one-label", "many-labels") and len(split.targets) > 0
    if scores is None or not known:
        return None
    if split.task.spec.target == "many-labels":
        return scores.ravel(), np.asarray(split.targets, dtype=np.float64).ravel()
    right = scores.argmax(axis=1) == np.asarray(split.targets)
    return scores.max(axis=1), right.astype(np.float64)


def _bins(confidence: FloatArray, right: FloatArray) -> list[Bin]:
    """Those that hold answers, in order."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        Bin(i / BINS, (i + 1) / BINS, float(confidence[here].mean()), float(right[here].mean()), int(here.sum()))
        for i in range(BINS)
        if (here := number == i).any()
    ]


EVALUATION = Calibration()
