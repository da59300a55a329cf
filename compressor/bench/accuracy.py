"""How well a model does, with its uncertainty: the same code for every metric, from its statistics an example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compressor.bench.results import Accuracy, Difference, Guess, Interval
from compressor.bench.statistics import (
    RESAMPLES,
    FloatArray,
    beyond_the_seen,
    bootstrap_mean,
    mcnemar,
    paired_difference,
    percentile_interval,
)
from compressor.runtime.tasks import Metric, RuntimeTask

__all__ = ["metric_difference", "metric_interval", "score_accuracy"]


def score_accuracy(
    task: RuntimeTask,
    statistics: Mapping[str, FloatArray],
    *,
    agreement: float | None = None,
    reference: FloatArray | None = None,
    guess: Guess | None = None,
    seed: int,
) -> Accuracy | None:
    """Every metric that has statistics, and of the main one a bootstrap interval; None where none has.

    Args:
        statistics: of each metric [examples, k], as `RuntimeTask.statistics` gives them.
        reference: the main metric's statistics of the reference model on the same examples, for the paired difference.
        guess: what the same answer to all these examples comes to.
    """
    main = task.main_metric(statistics)
    if main is None:
        return None
    name = main.name
    metric, rows = task.metrics[name], statistics[name]
    values = task.values(statistics)
    return Accuracy(
        metric=name,
        value=values[name],
        interval=metric_interval(metric, rows, seed=seed),
        n=len(rows),
        metrics=values,
        agreement=agreement,
        difference=None if reference is None else metric_difference(metric, rows, reference, seed=seed),
        guess=guess,
    )


def metric_interval(metric: Metric, rows: FloatArray, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval (Efron 1979) of a metric: whole examples are resampled [examples, k]."""
    if metric.is_mean:
        return bootstrap_mean(rows[:, 0], seed=seed, confidence=confidence)
    return percentile_interval(_resampled(metric, [rows], seed)[0], confidence)


def metric_difference(
    metric: Metric, rows: FloatArray, reference: FloatArray, *, seed: int, confidence: float = 0.95
) -> Difference:
    """How much better than `reference` on the same examples [examples, k]: both are resampled alike."""
    if metric.is_mean:
        return paired_difference(rows[:, 0], reference[:, 0], seed=seed, confidence=confidence)
    mine, theirs = _resampled(metric, [rows, reference], seed)
    ours, others = metric.example_scores(rows), metric.example_scores(reference)
    better, worse = int(np.sum(ours > others)), int(np.sum(ours < others))
    interval = percentile_interval(mine - theirs, confidence)
    shares = min(mine.min(), theirs.min()) >= 0 and max(mine.max(), theirs.max()) <= 1
    alike = not better and not worse
    return Difference(
        value=metric.value(rows) - metric.value(reference),
        interval=beyond_the_seen(interval, better, worse, len(rows)) if shares and alike else interval,
        better=better,
        worse=worse,
        p_value=mcnemar(better, worse) if metric.right_or_wrong else None,
    )


def _resampled(metric: Metric, statistics: list[FloatArray], seed: int) -> list[FloatArray]:
    """The metric of each of `statistics` for the same choices of examples [resamples]."""
    generator = np.random.default_rng(seed)
    n = len(statistics[0])
    chosen = (generator.integers(0, n, n) for _ in range(RESAMPLES))
    found = [[metric.value(rows[examples]) for rows in statistics] for examples in chosen]
    return [np.asarray(values, dtype=np.float64) for values in zip(*found, strict=True)]
