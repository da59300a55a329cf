"""Percentiles that say when they don't know, intervals, and the paired comparison of two models. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Difference, Histogram, Interval, Percentiles

__all__ = [
    "beyond_the_seen",
    "binomial_cdf",
    "bootstrap_mean",
    "holm",
    "integer_histogram",
    "logarithmic_histogram",
    "mcnemar",
    "paired_difference",
    "percentile_interval",
    "percentiles",
    "quantile_interval",
    "supports",
    "unseen",
]

FloatArray = npt.NDArray[np.floating[Any]]
QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
RESAMPLES = 2000
BINS = 40
ALPHA = 0.01
"""How unlikely what was never seen must be to be ruled out."""
SHORTEST_MS = 1e-6
"""A nanosecond: clocks tell no less, and a logarithmic scale has no zero."""


def supports(n: int, quantile: float, *, confidence: float = 0.99) -> bool:
    """Whether `n` samples bound a quantile from above by their second largest value.

    That fails when at least n - 1 of the n samples lie below the quantile; how many do is binomial, so the chance is
    q^n + n q^(n-1) (1 - q), and it must be at most 1 - confidence. At 99% it takes 64 samples for p90, 130 for p95 and
    662 for p99. Source: David and Nagaraja, Order Statistics, section 7.1.
    """
    chance = quantile**n + n * quantile ** (n - 1) * (1 - quantile)
    return n > 1 and bool(chance <= 1 - confidence)


def binomial_cdf(n: int, chance: float) -> FloatArray:
    """How likely at most k of n trials succeed, for k = 0 .. n [n + 1]; `chance` lies between 0 and 1."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    logarithms = factorials[n] - factorials[k] - factorials[n - k] + k * np.log(chance) + (n - k) * np.log1p(-chance)
    at_most: FloatArray = np.minimum(np.cumsum(np.exp(logarithms)), 1.0)
    return at_most


def quantile_interval(ordered: FloatArray, quantile: float, *, confidence: float = 0.95) -> Interval | None:
    """Interval of a quantile between two of the samples [n], which are sorted; None where n is too small for one.

    Of n samples, B lie below the quantile, and B is binomial whatever the distribution: the r-th smallest lies above
    it when B < r, the s-th at or below it when B >= s. r is the largest and s the smallest rank for which either
    happens in at most half of 1 - confidence. Source: David and Nagaraja, Order Statistics, section 7.1. It assumes
    independent samples.
    """
    n, tail = len(ordered), (1 - confidence) / 2
    below = binomial_cdf(n, quantile)
    r = int(np.searchsorted(below, tail, side="right"))
    s = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    return Interval(float(ordered[r - 1]), float(ordered[s - 1]), confidence) if r >= 1 and s <= n else None


def percentiles(samples_ms: FloatArray, *, independent: bool = True) -> Percentiles:
    """Summary of latency samples [n], in ms. Percentiles are samples (order statistics), never interpolated.

    `independent`: whether intervals may be given. Requests that wait behind each other are not.
    """
    ordered = np.sort(np.asarray(samples_ms, dtype=np.float64))
    n = len(ordered)

    def rank(quantile: float) -> float:
        return float(np.quantile(ordered, quantile, method="inverted_cdf"))

    given = {name: quantile for name, quantile in QUANTILES.items() if name == "p50" or supports(n, quantile)}
    intervals = {name: quantile_interval(ordered, quantile) for name, quantile in given.items() if independent}
    return Percentiles(
        n=n,
        mean_ms=float(ordered.mean()),
        min_ms=float(ordered[0]),
        p50_ms=rank(0.50),
        p90_ms=rank(0.90) if "p90" in given else None,
        p95_ms=rank(0.95) if "p95" in given else None,
        p99_ms=rank(0.99) if "p99" in given else None,
        intervals={name: interval for name, interval in intervals.items() if interval},
    )


def logarithmic_histogram(samples_ms: FloatArray) -> Histogram:
    """Latency samples [n] in bins of equal ratio, from the shortest to the longest."""
    samples = np.maximum(np.asarray(samples_ms, dtype=np.float64), SHORTEST_MS)
    low, high = float(samples.min()), float(samples.max())
    # Where all are equal, bins have some width still.
    edges = np.geomspace(low, max(high, low * (1 + 1e-6)), BINS + 1)
    edges[0], edges[-1] = low, max(high, edges[-1])
    return _histogram(samples, edges)


def integer_histogram(values: npt.NDArray[np.integer[Any]]) -> Histogram:
    """Whole numbers [n] in bins of one whole width; the last edge lies beyond the largest."""
    low, high = int(values.min()), int(values.max())
    width = -(-(high - low + 1) // BINS)
    bins = -(-(high - low + 1) // width)
    return _histogram(values, low + width * np.arange(bins + 1))


def _histogram(values: npt.NDArray[Any], edges: npt.NDArray[Any]) -> Histogram:
    counts, _ = np.histogram(values, edges)
    return Histogram(tuple(map(float, edges)), tuple(map(int, counts)))


def unseen(n: int) -> float:
    """The share of all examples that may be of a kind of which `n` examples have none, at 99% confidence.

    Where (1 - share)^n is 1%, about 4.6 / n. Resampling knows only what it saw, and would be sure of 0.
    """
    return 1 - float(ALPHA ** (1 / n))


def beyond_the_seen(interval: Interval, better: int, worse: int, n: int) -> Interval:
    """The interval of a difference of two shares, as far each way as `n` examples of which none went that way leave
    open."""
    low = interval.low - (0.0 if worse else unseen(n))
    return Interval(low, interval.high + (0.0 if better else unseen(n)), interval.confidence)


def bootstrap_mean(scores: FloatArray, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval of the mean of scores [n] (Efron 1979).

    Where every score is 1, or every one 0, the other end is what n examples can rule out.
    """
    found = np.asarray(scores, dtype=np.float64)
    interval = percentile_interval(_resampled_means(found, seed), confidence)
    low = interval.low - (unseen(len(found)) if (found == 1).all() else 0.0)
    high = interval.high + (unseen(len(found)) if (found == 0).all() else 0.0)
    return Interval(low, high, confidence)


def paired_difference(scores: FloatArray, reference: FloatArray, *, seed: int, confidence: float = 0.95) -> Difference:
    """Mean of `scores - reference` on the same examples [n], and its bootstrap interval.

    Both answer the same texts, so their common luck cancels: far narrower than the two intervals apart. Where no
    example went one way, the interval reaches as far that way as n examples can't rule out, for scores from 0 to 1.
    """
    mine, theirs = np.asarray(scores, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    better, worse = int(np.sum(mine > theirs)), int(np.sum(mine < theirs))
    right_or_wrong = bool(np.isin(mine, (0, 1)).all() and np.isin(theirs, (0, 1)).all())
    interval = percentile_interval(_resampled_means(mine - theirs, seed), confidence)
    shares = min(mine.min(), theirs.min()) >= 0 and max(mine.max(), theirs.max()) <= 1
    return Difference(
        value=float((mine - theirs).mean()),
        interval=beyond_the_seen(interval, better, worse, len(mine)) if shares else interval,
        better=better,
        worse=worse,
        p_value=mcnemar(better, worse) if right_or_wrong else None,
    )


def mcnemar(better: int, worse: int) -> float:
    """Exact two-sided p-value of "neither model is better", from the texts that only one of them gets right.

    Were it so, each of these would fall to either side with a chance of 1/2. Source: McNemar, Psychometrika 12 (1947),
    with the binomial distribution in place of its approximation.
    """
    return min(1.0, 2 * float(binomial_cdf(better + worse, 0.5)[min(better, worse)]))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: the chance of any false alarm among all stays below the level for one (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return [float(value) for value in adjusted]


def _resampled_means(values: FloatArray, seed: int) -> FloatArray:
    generator = np.random.default_rng(seed)
    n = len(values)
    # One resample at a time: memory stays n, not n x RESAMPLES.
    return np.asarray([values[generator.integers(0, n, n)].mean() for _ in range(RESAMPLES)])


def percentile_interval(means: FloatArray, confidence: float) -> Interval:
    """The middle of resampled figures [resamples]."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence)
