"""The search for the highest rate of arrivals that a model serves within a bound on the 99th percentile."""

from __future__ import annotations

import math
from collections.abc import Callable

from compressor.bench.results import HighestRate, Serving

__all__ = ["REQUESTS_FOR_P99", "highest_rate"]

REQUESTS_FOR_P99 = 662
"""Samples that support a 99th percentile; see `statistics.supports`."""
TRIALS = 7
LOWEST = 1 / 8
"""Share of the capacity below which no rate is tried: where that doesn't keep the bound, waiting isn't why."""

Trial = Callable[[float, int], Serving]
"""Serve arrivals at a rate a second, drawn with a seed."""


def highest_rate(trial: Trial, *, p99_ms: float, capacity: float, seed: int) -> HighestRate:
    """Geometric bisection below the capacity (answers a second without waiting), then a second trial of what it found.

    Every trial of the search has the same pattern of arrivals, stretched by the rate: what differs between them is the
    rate. The rate that is reported held once more with another pattern; where the highest doesn't, the next lower one
    that held is tried.
    """
    trials: list[Serving] = []

    def holds(rate: float, with_seed: int) -> bool:
        trials.append(trial(rate, with_seed))
        p99 = trials[-1].latency.p99_ms
        return p99 is not None and p99 <= p99_ms

    held: list[float] = []
    # At its capacity no model keeps up for long, whatever a short trial says.
    fails, rate = capacity, capacity / 2
    while len(trials) < TRIALS and rate >= LOWEST * capacity:
        if holds(rate, seed):
            held.append(rate)
        else:
            fails = rate
        rate = math.sqrt(held[-1] * fails) if held else rate / 2
    confirmed = next((rate for rate in reversed(held) if holds(rate, seed + 1)), None)
    return HighestRate(p99_ms, confirmed, tuple(trials))
