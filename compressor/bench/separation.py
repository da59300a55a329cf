"""How well a figure tells two groups of texts apart. numpy only."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, sqrt

import numpy as np

from compressor.bench.results import Interval
from compressor.bench.statistics import RESAMPLES, FloatArray, percentile_interval, unseen

__all__ = ["auc", "auc_interval", "auc_p_value", "share_above", "share_above_interval"]


def auc(higher: FloatArray, lower: FloatArray) -> float:
    """How likely one of `higher` [n] is above one of `lower` [m], equals counting half: the area under the ROC curve.

    Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    """
    ordered = np.sort(lower)
    below, at_most = (np.searchsorted(ordered, higher, side=side) for side in ("left", "right"))
    return float((below + at_most).mean() / (2 * len(ordered)))


def auc_interval(higher: FloatArray, lower: FloatArray, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval of `auc`; both groups are resampled."""
    return _interval(auc, higher, lower, seed, confidence)


def auc_p_value(higher: FloatArray, lower: FloatArray) -> float:
    """One-sided p-value of "neither group is above the other", for groups of dozens or more [n], [m].

    Source: Mann and Whitney 1947, by the normal distribution with its corrections for equal values and continuity.
    """
    n, m = len(higher), len(lower)
    _, equal = np.unique(np.concatenate([higher, lower]), return_counts=True)
    ties = float((equal.astype(np.float64) ** 3 - equal).sum()) / ((n + m) * (n + m - 1))
    variance = n * m * (n + m + 1 - ties) / 12
    above = n * m * (auc(higher, lower) - 0.5)
    return erfc((above - 0.5) / sqrt(2 * variance)) / 2 if variance > 0 else 1.0


def share_above(higher: FloatArray, lower: FloatArray, false_alarms: float) -> float:
    """Share of `higher` [n] above a threshold that at most this share of `lower` [m] is above."""
    allowed = int(np.floor(false_alarms * len(lower)))
    threshold = np.sort(lower)[len(lower) - 1 - allowed]
    return float((higher > threshold).mean())


def share_above_interval(
    higher: FloatArray, lower: FloatArray, false_alarms: float, *, seed: int, confidence: float = 0.95
) -> Interval:
    """Percentile bootstrap interval of `share_above`, the threshold chosen anew in each resample.

    With fewer than a few hundred of `lower` a threshold at 1% hangs on one or two of them, and the interval of a large
    share is too narrow. Where the share is 0 or 1, the other end is what n examples can rule out.
    """
    found = share_above(higher, lower, false_alarms)
    interval = _interval(lambda a, b: share_above(a, b, false_alarms), higher, lower, seed, confidence)
    low = min(interval.low, 1 - unseen(len(higher))) if found == 1 else interval.low
    high = max(interval.high, unseen(len(higher))) if found == 0 else interval.high
    return Interval(low, high, confidence)


def _interval(
    figure: Callable[[FloatArray, FloatArray], float],
    higher: FloatArray,
    lower: FloatArray,
    seed: int,
    confidence: float,
) -> Interval:
    generator = np.random.default_rng(seed)
    drawn = (
        figure(generator.choice(higher, len(higher)), generator.choice(lower, len(lower))) for _ in range(RESAMPLES)
    )
    return percentile_interval(np.fromiter(drawn, dtype=np.float64, count=RESAMPLES), confidence)
