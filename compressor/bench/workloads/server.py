"""`server`: requests arrive at random, whether or not the model keeps up (an open loop), and one model answers them.

A latency counts from the moment a request was due to arrive, not from when the model got round to it: a closed loop,
which sends the next request after the last answer, leaves out just the requests that had to wait (coordinated
omission).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressor.bench.results import Serving
from compressor.bench.statistics import percentiles
from compressor.bench.workloads.bench import Bench
from compressor.bench.workloads.found import Found
from compressor.bench.workloads.highest_rate import REQUESTS_FOR_P99, highest_rate
from compressor.bench.workloads.timing import warm_up

if TYPE_CHECKING:
    from compressor.recipe.benchmark import ServerWorkload

__all__ = ["Served", "arrivals", "serve", "server"]

Seconds = npt.NDArray[np.float64]

OVERLOAD = 1.2
"""Requests that arrive faster than this share of what the model can do are no more for it: a trial has an end."""


@dataclass(frozen=True)
class Served:
    """Requests [n], in seconds from the beginning."""

    arrivals: Seconds
    begins: Seconds
    ends: Seconds

    def summary(self, rate: float) -> Serving:
        """The figures of arrivals at `rate` a second."""
        busy = float(np.sum(self.ends - self.begins))
        return Serving(
            rate_per_second=rate,
            served_per_second=len(self.ends) / float(self.ends[-1]),
            n=len(self.ends),
            utilisation=busy / float(self.ends[-1]),
            # Requests that wait behind each other are not independent, and the intervals assume that they are.
            latency=percentiles(1000 * (self.ends - self.arrivals), independent=False),
        )


def arrivals(rate: float, n: int, seed: int) -> Seconds:
    """When n requests arrive [n], in seconds: a Poisson process. One seed gives one pattern, stretched by the rate."""
    return np.cumsum(np.random.default_rng(seed).exponential(size=n)) / rate


def serve(
    call: Callable[[], object],
    due: Seconds,
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Served:
    """Answer each request when it is due, or as soon after as the one before it is answered."""
    begins, ends = np.empty_like(due), np.empty_like(due)
    start = clock()
    for i, arrival in enumerate(due.tolist()):
        early = arrival - (clock() - start)
        if early > 0:
            sleep(early)
        begins[i] = clock() - start
        call()
        ends[i] = clock() - start
    return Served(due, begins, ends)


def server(bench: Bench, workload: ServerWorkload, found: Found) -> None:
    """Latency under each rate; then, where a bound is given, the highest rate that keeps it."""
    warm = bench.shuffled()
    capacity = 1 / warm_up(lambda: bench.call(next(warm)), workload.min_seconds)

    def trial(rate: float, seed: int, at_least: int, name: str, at_most: float = math.inf) -> Serving:
        requests = max(at_least, math.ceil(min(rate, OVERLOAD * capacity) * workload.min_seconds))
        requests = int(min(requests, max(1.0, at_most)))
        rows = bench.shuffled()
        served = serve(lambda: bench.call(next(rows)), arrivals(rate, requests, seed))
        found.samples |= {
            f"server.{name}.waiting": 1000 * (served.begins - served.arrivals),
            f"server.{name}.latency": 1000 * (served.ends - served.arrivals),
        }
        return served.summary(rate)

    for rate in workload.rates:
        at_most = rate * workload.max_seconds
        found.serving.append(trial(rate, bench.seed, workload.min_requests, f"{rate:g}", at_most))
    if workload.p99_ms is not None:
        names = (f"trial-{number}" for number in count(1))
        found.highest_rate = highest_rate(
            lambda rate, seed: trial(rate, seed, max(REQUESTS_FOR_P99, workload.min_requests), next(names)),
            p99_ms=workload.p99_ms,
            capacity=capacity,
            seed=bench.seed,
        )
