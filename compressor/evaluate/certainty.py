"""How far a model's certainty can be relied on: which texts to leave to people, sets that hold the right label."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from compressor.bench.statistics import FloatArray
from compressor.evaluate.base import Answered, Audit, Inquiry, JudgedSplit, scores_of
from compressor.report import format as fmt
from compressor.report.blocks import Block, Finding, Prose, table
from compressor.report.blocks.charts import Curve, LineChart

__all__ = ["EVALUATION", "Certainty", "area_under_risk", "conformal_sets", "risk_at_coverage"]

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)
"""Shares of the texts that are answered; the rest is left to a person."""
PROMISE = 0.9
SPLITS = 20
FEWEST = 100


class Certainty(Audit):
    """Selective accuracy, and split conformal sets, of a task whose texts have one label each."""

    order: ClassVar[int] = 60
    title: ClassVar[str] = "Certainty"

    def figures(self, inquiry: Inquiry) -> tuple[str, ...]:
        return ("area_under_risk", "conformal_coverage", "conformal_size")

    def missing(self, split: JudgedSplit, inquiry: Inquiry) -> str | None:
        if split.task.spec.target != "one-label" or scores_of(split.model, split.labels) is None:
            return "It takes answers of one label each, with a probability for every label."
        if len(split.targets) < FEWEST:
            return f"It takes {FEWEST} texts with right answers; the data has {len(split.targets)}."
        return None

    def examine(self, split: JudgedSplit, inquiry: Inquiry) -> Finding:
        right = np.asarray(split.targets, dtype=np.int64)
        judged = [(one, scores) for one in split.all_models if (scores := scores_of(one, split.labels)) is not None]
        risks = [_risks(scores, right) for _, scores in judged]
        mine = judged[0][1]
        coverage, size = _conformal(mine, right, inquiry.seed)
        figures = {
            "area_under_risk": area_under_risk(mine.max(axis=1), mine.argmax(axis=1) == right),
            "conformal_coverage": float(coverage.mean()),
            "conformal_size": float(size.mean()),
        }
        blocks: tuple[Block, ...] = (
            Prose(
                "Left alone, a model answers every text. Where only the answers that it is surest of count and the "
                "rest go to a person, so many are wrong:",
            ),
            table(
                (
                    "answered",
                    *(f"{one.name}\nwrong" for one, _ in judged),
                    f"{judged[0][0].name}\nprobability at least",
                ),
                [
                    (
                        fmt.percent(share),
                        *(fmt.percent(_at(risk, share)) for risk in risks),
                        fmt.number(_threshold(mine, share)),
                    )
                    for share in COVERAGES
                ],
            ),
            LineChart(
                "Wrong answers by the share that is answered",
                "share of the texts that are answered",
                "wrong",
                tuple(_curve(one, risk) for (one, _), risk in zip(judged, risks, strict=True)),
            ),
            Prose(
                f"Sets of labels that hold the right one in {fmt.percent(PROMISE)} of texts like these (split "
                f"conformal prediction, half of the texts to calibrate with, {SPLITS} random halves): they held it in "
                f"{fmt.percent(float(coverage.mean()))} of the other half ({fmt.percent(float(coverage.min()))} to "
                f"{fmt.percent(float(coverage.max()))}), with {fmt.number(float(size.mean()))} labels on average."
            ),
        )
        return Finding(self.title, blocks, figures)


def risk_at_coverage(confidence: FloatArray, right: npt.NDArray[np.bool_]) -> FloatArray:
    """Share of wrong answers among the k answers with the highest confidence, for k = 1 .. n [n].

    Source: Geifman and El-Yaniv 2017, section 2 (arXiv 1705.08500). Among equal confidences every text
    counts as wrong as they are on average, so that their order makes no difference.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered, wrong = confidence[order], ~right[order]
    # Within a group of equals every text is as wrong as the group is on average.
    _, group = np.unique(-ordered, return_inverse=True)
    mean = np.bincount(group, weights=wrong) / np.bincount(group)
    risk: FloatArray = np.cumsum(mean[group]) / np.arange(1, len(ordered) + 1)
    return risk


def area_under_risk(confidence: FloatArray, right: npt.NDArray[np.bool_]) -> float:
    """Mean of `risk_at_coverage` over all coverages: 0 is best."""
    return float(risk_at_coverage(confidence, right).mean())


def conformal_sets(scores: FloatArray, targets: npt.NDArray[np.int64], asked: FloatArray) -> npt.NDArray[np.bool_]:
    """Which labels belong to the set of each text that is asked [asked, labels].

    A label belongs where 1 - its probability is at most the quantile (n + 1) * PROMISE / n of what the right labels of
    the n calibration texts have. Source: Vovk, Gammerman, Shafer 2005; Angelopoulos and Bates 2021, section 1 (arXiv
    2107.07511).

    Args:
        scores: probabilities of the calibration texts [n, labels], with their right labels [n].
        asked: probabilities of the other texts [asked, labels].
    """
    misfit = np.sort(1 - scores[np.arange(len(targets)), targets])
    rank = int(np.ceil((len(misfit) + 1) * PROMISE))
    bound = np.inf if rank > len(misfit) else misfit[rank - 1]
    belongs: npt.NDArray[np.bool_] = 1 - asked <= bound
    return belongs


def _conformal(scores: FloatArray, right: npt.NDArray[np.int64], seed: int) -> tuple[FloatArray, FloatArray]:
    """Coverage and mean size of the sets on the half that didn't calibrate them [SPLITS]."""
    generator = np.random.default_rng(seed)
    coverage, size = [], []
    for _ in range(SPLITS):
        order = generator.permutation(len(right))
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        sets = conformal_sets(scores[first], right[first], scores[second])
        coverage.append(float(sets[np.arange(len(second)), right[second]].mean()))
        size.append(float(sets.sum(axis=1).mean()))
    return np.asarray(coverage), np.asarray(size)


def _risks(scores: FloatArray, right: npt.NDArray[np.int64]) -> FloatArray:
    return risk_at_coverage(scores.max(axis=1), scores.argmax(axis=1) == right)


def _at(risk: FloatArray, share: float) -> float:
    return float(risk[max(1, round(share * len(risk))) - 1])


def _threshold(scores: FloatArray, share: float) -> float:
    """The lowest probability among the surest answers of this share."""
    ordered = np.sort(scores.max(axis=1))[::-1]
    return float(ordered[max(1, round(share * len(ordered))) - 1])


def _curve(answered: Answered, risk: FloatArray) -> Curve:
    n = len(risk)
    places = np.unique(np.linspace(max(1, n // 20), n, 60).astype(int))
    return Curve(answered.name, answered.colour, tuple((k / n, float(risk[k - 1])) for k in places))


EVALUATION = Certainty()
