"""How far two variants of a study lie apart, by seeds and by test examples. numpy, and scipy for Student's t."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np

from compressor.bench.results import Interval
from compressor.bench.statistics import (
    RESAMPLES,
    FloatArray,
    beyond_the_seen,
    paired_difference,
    percentile_interval,
)
from compressor.errors import MissingExtra
from compressor.report.study import ENOUGH_SEEDS, BaseDifference
from compressor.runtime.tasks import Metric

__all__ = ["Scored", "base_difference", "require_statistics", "seeds_interval"]


class Scored(NamedTuple):
    """What one run ships, on the test split."""

    value: float
    """The main metric."""
    rows: FloatArray | None
    """Its statistics [examples, k]; None where none were left."""
    examples: str
    """Which test split: the digest of its file."""


def require_statistics(seeds: Sequence[int]) -> None:
    """Raise MissingExtra where intervals over seeds will be asked for and scipy isn't installed."""
    if len(seeds) >= ENOUGH_SEEDS and find_spec("scipy") is None:
        raise MissingExtra("Comparing variants over seeds", "compare", "scipy")


def base_difference(
    variant: dict[int, Scored], base: dict[int, Scored], metric: Metric, *, seed: int
) -> BaseDifference | None:
    """The variant beside the base, seed by seed; None where no seed has both.

    Args:
        variant, base: seed -> what that run ships.
        seed: of the bootstrap.
    """
    both = [number for number in variant if number in base]
    if not both:
        return None
    values = tuple(variant[number].value - base[number].value for number in both)
    pairs = [(variant[number], base[number]) for number in both]
    return BaseDifference(tuple(both), values, seeds_interval(values), _examples_interval(pairs, metric, seed))


def seeds_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval | None:
    """Student's t interval of the mean of one value a seed; None with fewer than three seeds."""
    n = len(values)
    if n < ENOUGH_SEEDS:
        return None
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 1 - (1 - confidence) / 2)) * stdev(values) / n**0.5
    return Interval(mean(values) - half, mean(values) + half, confidence)


def _examples_interval(pairs: Sequence[tuple[Scored, Scored]], metric: Metric, seed: int) -> Interval | None:
    """Bootstrap interval of the mean difference: examples are resampled, the same ones for every run.

    None where a run left no statistics, or not all answered the same examples.
    """
    runs = [run for pair in pairs for run in pair]
    rows = [run.rows for run in runs if run.rows is not None]
    if len(rows) < len(runs) or len({run.examples for run in runs}) > 1:
        return None
    mine, theirs = rows[::2], rows[1::2]
    if metric.is_mean:
        # Scores of an example, averaged over seeds: their mean difference is the difference of the means.
        scores = (np.mean([one[:, 0] for one in side], axis=0) for side in (mine, theirs))
        return paired_difference(*scores, seed=seed).interval
    generator = np.random.default_rng(seed)
    n = len(rows[0])
    found = []
    for _ in range(RESAMPLES):
        chosen = generator.integers(0, n, n)
        found.append([mean(metric.value(one[chosen]) for one in side) for side in (mine, theirs)])
    resampled = np.asarray(found)
    interval = percentile_interval(resampled[:, 0] - resampled[:, 1], 0.95)
    # As for two models: examples that all answer alike can't show that nothing differs, as `metric_difference` says.
    shares = resampled.min() >= 0 and resampled.max() <= 1
    alike = all((metric.example_scores(a) == metric.example_scores(b)).all() for a, b in zip(mine, theirs, strict=True))
    return beyond_the_seen(interval, 0, 0, n) if shares and alike else interval
