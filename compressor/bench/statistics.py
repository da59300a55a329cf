"""Percentiles that say when they don't know, and bootstrap intervals. numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Difference, Interval, Percentiles

__all__ = ["bootstrap_mean", "paired_difference", "percentiles", "supports"]

FloatArray = npt.NDArray[np.floating[Any]]
RESAMPLES = 2000


def supports(n: int, quantile: float, *, confidence: float = 0.99) -> bool:
    """Whether `n` samples bound a quantile from above by their second largest value.

    That fails when at least n - 1 of the n samples lie below the quantile; how many do is binomial, so the chance is
    q^n + n q^(n-1) (1 - q), and it must be at most 1 - confidence. At 99% it takes 64 samples for p90, 130 for p95 and
    662 for p99. Source: David and Nagaraja, Order Statistics, section 7.1.
    """
    chance = quantile**n + n * quantile ** (n - 1) * (1 - quantile)
    return n > 1 and bool(chance <= 1 - confidence)


def percentiles(samples_ms: FloatArray) -> Percentiles:
    """Summary of latency samples [n], in ms. Percentiles are samples (order statistics), never interpolated."""
    ordered = np.sort(np.asarray(samples_ms, dtype=np.float64))
    n = len(ordered)

    def rank(quantile: float) -> float:
        return float(np.quantile(ordered, quantile, method="inverted_cdf"))

    def tail(quantile: float) -> float | None:
        return rank(quantile) if supports(n, quantile) else None

    return Percentiles(
        n=n,
        mean_ms=float(ordered.mean()),
        min_ms=float(ordered[0]),
        p50_ms=rank(0.50),
        p90_ms=tail(0.90),
        p95_ms=tail(0.95),
        p99_ms=tail(0.99),
    )


def bootstrap_mean(scores: FloatArray, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval of the mean of scores [n] (Efron 1979)."""
    return _interval(_resampled_means(np.asarray(scores, dtype=np.float64), seed), confidence)


def paired_difference(scores: FloatArray, reference: FloatArray, *, seed: int, confidence: float = 0.95) -> Difference:
    """Mean of `scores - reference` on the same examples [n], and its bootstrap interval.

    Both answer the same texts, so their common luck cancels: far narrower than the two intervals apart.
    """
    difference = np.asarray(scores, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    return Difference(float(difference.mean()), _interval(_resampled_means(difference, seed), confidence))


def _resampled_means(values: FloatArray, seed: int) -> FloatArray:
    generator = np.random.default_rng(seed)
    n = len(values)
    # One resample at a time: memory stays n, not n x RESAMPLES.
    return np.asarray([values[generator.integers(0, n, n)].mean() for _ in range(RESAMPLES)])


def _interval(means: FloatArray, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence)
