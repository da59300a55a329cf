from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from compressor.bench.results import HighestRate, Percentiles, Serving
from compressor.bench.statistics import percentiles
from compressor.bench.workloads.highest_rate import highest_rate
from compressor.bench.workloads.server import arrivals, serve


def serving(rate: float, p99_ms: float | None) -> Serving:
    return Serving(rate, rate, 700, 0.5, Percentiles(700, 1, 1, 1, None, None, p99_ms))


def search(p99_at: Callable[[float, int], float | None], *, bound: float = 50) -> tuple[HighestRate, list[int]]:
    seeds = []

    def trial(rate: float, seed: int) -> Serving:
        seeds.append(seed)
        return serving(rate, p99_at(rate, seed))

    return highest_rate(trial, p99_ms=bound, capacity=100.0, seed=7), seeds


@pytest.mark.parametrize("limit", [13.0, 20.0, 47.0, 51.0, 80.0, 99.0])
def test_the_highest_rate_is_found_within_some_percent(limit: float) -> None:
    found, seeds = search(lambda rate, _: 49 if rate <= limit else 51)

    assert found.rate_per_second is not None
    assert found.rate_per_second <= limit
    assert found.rate_per_second > 0.9 * limit
    assert len(found.trials) == len(seeds) <= 8
    assert seeds == [7] * (len(seeds) - 1) + [8], "held once more, with other arrivals"
    assert found.trials[-1].rate_per_second == found.rate_per_second
    assert found.p99_ms == 50


def test_a_rate_that_held_by_luck_gives_way_to_the_next_lower_one() -> None:
    found, _ = search(lambda rate, seed: 49 if rate <= (80.0 if seed == 7 else 65.0) else 51)

    assert found.rate_per_second is not None
    assert found.rate_per_second <= 65
    held_twice = [t.rate_per_second for t in found.trials].count(found.rate_per_second)
    assert held_twice == 2


def test_where_no_rate_keeps_the_bound_there_is_none() -> None:
    found, seeds = search(lambda rate, seed: 51)

    assert found.rate_per_second is None
    assert 2 <= len(seeds) <= 4, "slow arrivals take long, and waiting isn't what makes them late"


def test_a_model_is_never_said_to_serve_more_than_its_capacity() -> None:
    """However loose the bound is: a queue that only grows has not grown long in a short trial."""
    found, _ = search(lambda rate, seed: 1)

    assert found.rate_per_second is not None
    assert 90 < found.rate_per_second < 100


def test_a_percentile_that_is_not_known_keeps_no_bound() -> None:
    assert search(lambda rate, seed: None)[0].rate_per_second is None


def test_on_a_simulated_queue_it_finds_what_a_fine_scan_finds() -> None:
    """Served in 10 ms each, with one in fifty that takes 40."""

    def p99(rate: float, seed: int, n: int = 2000) -> float:
        now = [0.0]
        services = iter(np.random.default_rng(11).choice([0.01, 0.04], p=[0.98, 0.02], size=n).tolist())

        def call() -> None:
            now[0] += next(services)

        def sleep(seconds: float) -> None:
            now[0] += seconds

        done = serve(call, arrivals(rate, n, seed), clock=lambda: now[0], sleep=sleep)
        found = percentiles(1000 * (done.ends - done.arrivals)).p99_ms
        assert found is not None
        return found

    capacity = 1 / (0.98 * 0.01 + 0.02 * 0.04)
    scan = [rate for rate in np.linspace(10, capacity, 200) if max(p99(rate, 0), p99(rate, 1)) <= 60]
    found = highest_rate(lambda rate, seed: serving(rate, p99(rate, seed)), p99_ms=60, capacity=capacity, seed=0)

    assert found.rate_per_second == pytest.approx(max(scan), rel=0.06)
