"""Accuracy with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping

from compressor.bench.results import Accuracy
from compressor.bench.statistics import FloatArray, bootstrap_mean, paired_difference

__all__ = ["score_accuracy"]


def score_accuracy(
    scores: FloatArray,
    metrics: Mapping[str, float],
    *,
    main_metric: str,
    agreement: float | None = None,
    reference: FloatArray | None = None,
    seed: int,
) -> Accuracy:
    """The main metric with a bootstrap interval over its per-example scores [examples].

    `reference`: the teacher's scores of the same examples [examples], for the paired difference.
    """
    return Accuracy(
        metric=main_metric,
        value=float(metrics[main_metric]),
        interval=bootstrap_mean(scores, seed=seed),
        n=len(scores),
        metrics={name: float(value) for name, value in metrics.items()},
        agreement=agreement,
        difference=None if reference is None else paired_difference(scores, reference, seed=seed),
    )
