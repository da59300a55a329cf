from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.bench.statistics import bootstrap_mean, paired_difference, percentiles, supports


@pytest.mark.parametrize(("quantile", "needed"), [(0.90, 64), (0.95, 130), (0.99, 662)])
def test_a_percentile_needs_as_many_samples_as_the_design_says(quantile: float, needed: int) -> None:
    assert not supports(needed - 1, quantile)
    assert all(supports(n, quantile) for n in range(needed, needed + 500))


@given(n=st.integers(1, 800), quantile=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_support_is_the_binomial_chance_that_the_second_largest_sample_bounds_the_percentile(
    n: int, quantile: float
) -> None:
    below = sum(comb(n, k) * quantile**k * (1 - quantile) ** (n - k) for k in range(n - 1))

    assert supports(n, quantile) == (below >= 0.99)


def test_the_rule_keeps_its_promise_on_samples() -> None:
    """In at least 99 of 100 sets of the smallest size, the true p90 lies below the second largest sample."""
    samples = np.sort(np.random.default_rng(0).uniform(size=(20_000, 64)), axis=1)

    assert np.mean(samples[:, -2] > 0.9) >= 0.989


def test_percentiles_are_samples_that_were_measured() -> None:
    samples = np.random.default_rng(1).lognormal(size=700)
    found = percentiles(samples)

    assert (found.n, found.min_ms) == (700, samples.min())
    assert found.mean_ms == pytest.approx(samples.mean())
    ordered = np.sort(samples)
    assert [found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms] == [ordered[k - 1] for k in (350, 630, 665, 693)]


def test_percentiles_without_support_are_not_given() -> None:
    found = percentiles(np.arange(1.0, 101.0))

    assert (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms) == (50.0, 90.0, None, None)
    assert percentiles(np.array([3.0])).p50_ms == 3.0


def test_the_interval_of_an_accuracy_is_as_wide_as_the_normal_approximation() -> None:
    scores = (np.arange(1280) < 1088).astype(float)
    interval = bootstrap_mean(scores, seed=0)

    half = 1.96 * sqrt(0.85 * 0.15 / 1280)
    assert interval.low == pytest.approx(0.85 - half, abs=0.002)
    assert interval.high == pytest.approx(0.85 + half, abs=0.002)
    assert interval.confidence == 0.95
    assert bootstrap_mean(scores, seed=0) == interval
    assert bootstrap_mean(scores, seed=1) != interval


def test_pairing_makes_the_difference_of_two_models_narrow() -> None:
    """Two models that differ on 20 of 1000 texts: the difference is known far better than either accuracy."""
    reference = (np.arange(1000) < 800).astype(float)
    scores = reference.copy()
    scores[:20] = 0.0
    found = paired_difference(scores, reference, seed=0)
    interval = found.interval
    alone = bootstrap_mean(scores, seed=0)

    assert found.value == pytest.approx(-0.02)
    assert interval.low < -0.02 < interval.high < 0
    assert interval.high - interval.low < 0.5 * (alone.high - alone.low)


def test_equal_models_do_not_differ() -> None:
    scores = np.array([1.0, 0.0, 1.0, 1.0])
    found = paired_difference(scores, scores, seed=0)

    assert (found.value, found.interval.low, found.interval.high) == (0.0, 0.0, 0.0)
