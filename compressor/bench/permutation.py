"""Whether a mean is above another by more than chance, by drawing what chance could have done. numpy only.

What was seen counts as one of the draws, so that no p-value is 0 (Phipson and Smyth 2010, arXiv 1603.05766). What is
plainly no effect needs few draws: they end when `ENOUGH` of them reach what was seen (Besag and Clifford 1991).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from compressor.bench.statistics import FloatArray

__all__ = ["group_p_value", "paired_p_value"]

ENOUGH = 20
BATCH = 1000
"""Draws at a time."""
FEW = 50
"""Distinct scores up to which numpy draws how often each occurs in a group, in place of the group's members."""


def group_p_value(scores: FloatArray, inside: npt.NDArray[np.bool_], *, seed: int, draws: int) -> float:
    """One-sided p-value of "the group's mean isn't above that of the rest", by permuting who belongs to it [n].

    Args:
        draws: at most; an effect beyond all of them has the p-value 1 / (1 + draws).
    """
    generator = np.random.default_rng(seed)
    values, counts = np.unique(scores, return_counts=True)
    method: Literal["marginals", "count"] = "marginals" if len(values) <= FEW else "count"
    members = int(inside.sum())

    def draw(count: int) -> FloatArray:
        drawn = generator.multivariate_hypergeometric(counts, members, size=count, method=method)
        return np.asarray(drawn @ values, dtype=np.float64)

    return _p_value(float(scores[inside].sum()), draw, draws, tolerance=_rounding(scores))


def paired_p_value(differences: FloatArray, *, seed: int, draws: int) -> float:
    """One-sided p-value of "the mean of these differences [n] isn't above 0", by drawing the sign of each.

    Source: Fisher 1935, The Design of Experiments, section 21.

    Args:
        draws: at most; an effect beyond all of them has the p-value 1 / (1 + draws).
    """
    generator = np.random.default_rng(seed)
    other = differences[differences != 0]

    def draw(count: int) -> FloatArray:
        signs = generator.integers(0, 2, (count, len(other)), dtype=np.int8)
        return np.asarray(signs @ (2 * other) - other.sum(), dtype=np.float64)

    return _p_value(float(other.sum()), draw, draws, tolerance=_rounding(other))


def _p_value(seen: float, draw: Callable[[int], FloatArray], draws: int, *, tolerance: float) -> float:
    reached = done = 0
    while done < draws:
        hits = np.flatnonzero(draw(min(BATCH, draws - done)) >= seen - tolerance)
        if reached + len(hits) >= ENOUGH:
            return float(ENOUGH / (done + hits[ENOUGH - reached - 1] + 1))
        reached += len(hits)
        done += BATCH
    return (1 + reached) / (1 + draws)


def _rounding(scores: FloatArray) -> float:
    """Sums of the same numbers in another order differ by less."""
    return 1e-9 * max(1.0, float(np.abs(scores).sum()))
