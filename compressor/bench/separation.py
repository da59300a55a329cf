"""How well a figure tells two groups of texts apart. numpy only."""

from __future__ import annotations

import numpy as np

from compressor.bench.results import Interval
from compressor.bench.statistics import RESAMPLES, FloatArray, percentile_interval

__all__ = ["auc", "auc_interval", "share_above"]


def auc(higher: FloatArray, lower: FloatArray) -> float:
    """How likely one of `higher` [n] is above one of `lower` [m], equals counting half: the area under the ROC curve.

    Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    """
    ordered = np.sort(lower)
    below, at_most = (np.searchsorted(ordered, higher, side=side) for side in ("left", "right"))
    return float((below + at_most).mean() / (2 * len(ordered)))


def auc_interval(higher: FloatArray, lower: FloatArray, *, seed: int, confidence: float = 0.95) -> Interval:
    """Percentile bootstrap interval of `auc`; both groups are resampled."""
    generator = np.random.default_rng(seed)
    drawn = (auc(generator.choice(higher, len(higher)), generator.choice(lower, len(lower))) for _ in range(RESAMPLES))
    return percentile_interval(np.fromiter(drawn, dtype=np.float64, count=RESAMPLES), confidence)


def share_above(higher: FloatArray, lower: FloatArray, false_alarms: float) -> float:
    """Share of `higher` [n] above a threshold that at most this share of `lower` [m] is above."""
    allowed = int(np.floor(false_alarms * len(lower)))
    threshold = np.sort(lower)[len(lower) - 1 - allowed]
    return float((higher > threshold).mean())
