"""Where a series of figures changes: E-divisive, by an energy statistic and a permutation test.

Source: D. S. Matteson and N. A. James, *A Nonparametric Approach for Multiple Change Point Analysis of Multivariate
Data*, Journal of the American Statistical Association 109 (2014), sections 2.1 to 2.4, with alpha = 1. Hunter and
Apache Otava find changes of benchmarks by the same statistic.

The statistic of a first part X (n values) and a second part Y (m values) is

    Q(X, Y) = nm / (n + m) * (2 mean|X_i - Y_j| - mean|X_i - X_k| - mean|Y_j - Y_k|)

where the last two means are over pairs i < k. In a cluster of values the candidate is the tau with the highest
Q(values before tau, values from tau to kappa), over all tau and all ends kappa. How likely so high a Q is where nothing
changes is found by shuffling the values within their clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST_AFTER", "FEWEST_VALUES", "ChangePoint", "change_points"]

Floats = npt.NDArray[np.float64]

FEWEST_AFTER = 3
"""Values on each side of a change: one or two that stand out are a bad day, which no test tells from a change."""
FEWEST_VALUES = 10
"""Of a series: 5 values against 5 come out as orderly by chance in 2 of 252 ways; fewer never reach a level of 1%."""
FEWEST_PERMUTATIONS = 999
BATCH = 64
"""Permutations that are judged at once: bounds the memory, and is where a hopeless test may stop."""
ROUNDING = 1e-9
"""Sums of the same values in another order differ by less, as a share."""


@dataclass(frozen=True)
class ChangePoint:
    """The first value that is unlike those before it."""

    index: int
    p_value: float
    """How likely a change at least so clear is where there is none: the share of permutations, this order counted."""


def change_points(values: Floats, level: float, seed: int = 0) -> tuple[ChangePoint, ...]:
    """The change points of a series [n], in order of their place.

    The clearest is found first; then the clearest within the parts, until the next is not significant at `level`. In a
    series without a change one is found with a chance of at most `level`.

    Args:
        seed: of the permutations; the same values, level and seed give the same answer.
    """
    if len(values) < FEWEST_VALUES:
        return ()
    generator = np.random.default_rng(seed)
    bounds = [0, len(values)]
    found: list[ChangePoint] = []
    while True:
        clusters = [values[first:last] for first, last in pairwise(bounds)]
        best = [_clearest(cluster) for cluster in clusters]
        number = max(range(len(best)), key=lambda i: best[i][0])
        statistic, place = best[number]
        p_value = _chance(clusters, statistic, level, generator)
        if p_value > level:
            return tuple(sorted(found, key=lambda change: change.index))
        index = bounds[number] + place
        found.append(ChangePoint(index, p_value))
        bounds = sorted([*bounds, index])


def _clearest(cluster: Floats) -> tuple[float, int]:
    """The highest Q in a cluster, and its tau; 0 where none is above that."""
    found = _statistics(cluster[None])[0]
    row, _ = np.unravel_index(np.argmax(found), found.shape)
    return float(found.max()), len(cluster) - 1 - int(row)


def _chance(clusters: list[Floats], statistic: float, level: float, generator: np.random.Generator) -> float:
    """The p-value of the highest Q of all clusters, or 1 where it is above `level`.

    A test stops as soon as too many permutations are as extreme for the rest to make it significant.
    """
    count = max(FEWEST_PERMUTATIONS, ceil(2 / level) - 1)
    same = statistic - ROUNDING * max(float(np.ptp(cluster)) * len(cluster) for cluster in clusters)
    extreme, done = 0, 0
    while done < count:
        size = min(BATCH, count - done)
        highest = np.zeros(size)
        for cluster in clusters:
            shuffled = generator.permuted(np.tile(cluster, (size, 1)), axis=1)
            np.maximum(highest, _statistics(shuffled).max(axis=(1, 2)), out=highest)
        extreme += int(np.sum(highest >= same))
        done += size
        if (extreme + 1) / (count + 1) > level:
            return 1.0
    return (extreme + 1) / (count + 1)


def _statistics(series: Floats) -> Floats:
    """Q of every series, tau and kappa [series, n, n]: tau falls from n - 1 to 0, kappa rises from 1 to n.

    It is 0 where a part would be too short.

    With W(a, b) the sum of |x_i - x_k| over a <= i < k < b, the formula becomes

        Q = 2 / kappa * (W(0, kappa) - (kappa - 1) (W(0, tau) / (tau - 1) + W(tau, kappa) / (kappa - tau - 1)))
    """
    upper, whole, first, second = _weights(series.shape[1])
    sums = np.abs(series[:, ::-1, None] - series[:, None, :])
    # W(tau, kappa): the distances of x_k to x_tau ... x_(k-1), then those of all k below kappa. In place, for speed.
    sums *= upper
    np.cumsum(sums, axis=1, out=sums)
    np.cumsum(sums, axis=2, out=sums)
    up_to = sums[:, -1].copy()  # W(0, kappa)
    before = np.concatenate([up_to[:, -2::-1], np.zeros((len(series), 1))], axis=1)  # W(0, tau)
    sums *= second
    sums += first * before[:, :, None]
    return np.subtract(whole * up_to[:, None, :], sums, out=sums)


@lru_cache(maxsize=128)
def _weights(n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Which pairs are i < k, and what W of the whole, of the first part and of the second are multiplied with; all
    [n, n], in the order of `_statistics`."""
    tau, kappa = np.arange(n - 1, -1, -1)[:, None], np.arange(1, n + 1)[None, :]
    allowed = (tau >= FEWEST_AFTER) & (kappa - tau >= FEWEST_AFTER)
    whole = 2 / kappa * allowed
    first = whole * (kappa - 1) / np.maximum(tau - 1, 1)
    second = whole * (kappa - 1) / np.maximum(kappa - tau - 1, 1)
    return (tau < kappa - 1).astype(np.float64), whole, first, second
