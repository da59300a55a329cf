"""From times to a verdict. Pure functions: nothing here measures, and nothing depends on the machine.

The sampling unit is a process. Calls within one share its memory layout and the moment it ran in, so that a thousand
calls of one process say little about the next one: what varies between processes is what a bound must cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.compare.results import Loss, Verdict
from compressor.errors import MissingExtra

__all__ = ["ALPHA", "FloatArray", "Sample", "chance", "is_beyond", "is_quiet", "loss", "unit_ratios", "verdict"]

FloatArray = npt.NDArray[np.floating[Any]]

ALPHA = 0.01
"""One-sided: how often a case within the tolerance may look as if it were not, before it is confirmed."""
WARN_SHARE = 0.5
"""A loss that surely exceeds this share of the tolerance is worth a warning."""


@dataclass(frozen=True)
class Sample:
    """Logarithms of ratios [units]."""

    effects: FloatArray
    """B over A."""
    controls: FloatArray
    """The copy of A over A."""

    def joined(self, other: Sample) -> Sample:
        """Both samples as one."""
        return Sample(np.concatenate([self.effects, other.effects]), np.concatenate([self.controls, other.controls]))


def unit_ratios(times: FloatArray) -> tuple[float, float]:
    """(effect, control) of one process: logarithms of ratios.

    A round holds a block of each arm close together in time, so what slows the machine down for longer than a round
    cancels; the median over rounds leaves out those in which something else ran. The effect is the mean of B over A and
    B over the copy, each by its own median: B over their mean would favour B, since noise makes times skew.

    Args:
        times: [arms, rounds, calls] in ms, of A, its copy and B; the first call of each block is left out already.
    """
    a, copy, b = np.log(np.median(times, axis=2))
    effect = (np.median(b - a) + np.median(b - copy)) / 2
    return float(effect), float(np.median(copy - a))


def loss(logarithms: FloatArray) -> Loss:
    """Mean loss of ratios given as logarithms [units], with one-sided 99% bounds (Student's t)."""
    mean, half = float(np.mean(logarithms)), _half_width(logarithms)
    value, low, high = (float(np.expm1(bound)) for bound in (mean, mean - half, mean + half))
    return Loss(value, low, high, n=len(logarithms), confidence=1 - ALPHA)


def chance(logarithms: FloatArray, tolerance: float) -> float:
    """p-value of "the loss is within the tolerance", one-sided (Student's t, units - 1 degrees of freedom).

    Against tolerance 0.05, a p-value of at most 0.01 and a lower 99% bound above 5% are the same.
    """
    excess = np.asarray(logarithms, dtype=np.float64) - np.log1p(tolerance)
    error = float(np.std(excess, ddof=1)) / np.sqrt(len(excess))
    if error == 0:
        return 0.0 if np.mean(excess) > 0 else 1.0
    return float(_student().sf(np.mean(excess) / error, len(excess) - 1))


def is_quiet(control: Loss, tolerance: float) -> bool:
    """Whether the machine can tell a loss of this size: a copy of A must not look that unlike A."""
    return -tolerance < control.low and control.high < tolerance


def is_beyond(found: Loss, control: Loss, tolerance: float) -> bool:
    """Whether a loss exceeds the tolerance for sure; on a machine that isn't quiet, also all that a copy of A shows."""
    noise = 0.0 if is_quiet(control, tolerance) else max(abs(control.low), abs(control.high))
    return found.low > tolerance + noise


def verdict(found: Loss, tolerance: float) -> Verdict:
    """What the bounds prove.

    `fail`: worse by more than the tolerance. `pass`: not worse by more than it. `warn`: within the tolerance or not,
    surely worse by half of it. `inconclusive`: the bounds are too wide to say.
    """
    if found.low > tolerance:
        return "fail"
    if found.low > WARN_SHARE * tolerance:
        return "warn"
    return "pass" if found.high < tolerance else "inconclusive"


def _half_width(values: FloatArray) -> float:
    quantile = float(_student().ppf(1 - ALPHA, len(values) - 1))
    return quantile * float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))


def _student() -> Any:
    try:
        from scipy import stats
    except ModuleNotFoundError as error:
        raise MissingExtra("Comparing", "compare", "scipy") from error
    return stats.t
