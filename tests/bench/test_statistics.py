from __future__ import annotations

from itertools import pairwise
from math import comb, sqrt

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from compressor.bench.accuracy import metric_difference
from compressor.bench.statistics import (
    binomial_cdf,
    bootstrap_mean,
    integer_histogram,
    logarithmic_histogram,
    mcnemar,
    paired_difference,
    percentiles,
    quantile_interval,
    supports,
    unseen,
)
from compressor.runtime.tasks import Metric


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


def test_of_equal_models_the_interval_says_what_so_few_texts_can_rule_out() -> None:
    scores = np.tile([1.0, 0.0], 25)
    found = paired_difference(scores, scores, seed=0)

    assert found.value == 0.0
    assert (found.interval.low, found.interval.high) == pytest.approx((-4.6 / 50, 4.6 / 50), rel=0.05)
    assert 0.99**459 < 0.01 < 0.99**458, "of 459 texts, one in a hundred would have been seen"
    assert unseen(459) < 0.01 < unseen(458)


def test_where_texts_went_one_way_only_the_other_end_is_what_was_not_seen() -> None:
    reference = np.ones(200)
    scores = reference.copy()
    scores[:20] = 0.0
    interval = paired_difference(scores, reference, seed=0).interval
    assert -0.15 < interval.low < -0.1 < interval.high
    assert interval.high == pytest.approx(-0.06 + unseen(200), abs=0.005)


def test_scores_without_a_limit_have_nothing_unseen_to_reckon_with() -> None:
    errors = np.array([3.0, 9.0, 1.0])
    assert paired_difference(errors, errors, seed=0).interval.high == 0.0


def test_a_metric_that_is_no_mean_says_what_so_few_texts_can_rule_out_too() -> None:
    f1 = Metric(value=lambda rows: float(rows.mean()), example_scores=lambda rows: rows[:, 0])
    rows = np.tile([[1.0], [0.0]], (25, 1))
    interval = metric_difference(f1, rows, rows, seed=0).interval
    assert (interval.low, interval.high) == pytest.approx((-unseen(50), unseen(50)))


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_an_accuracy_is_never_sure_of_all_or_nothing(score: float) -> None:
    interval = bootstrap_mean(np.full(50, score), seed=0)
    assert interval.low < interval.high
    assert score in (interval.low, interval.high)
    assert interval.high - interval.low == pytest.approx(unseen(50))


@given(n=st.integers(1, 900), chance=st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.3]))
def test_the_binomial_distribution_is_that_of_scipy(n: int, chance: float) -> None:
    np.testing.assert_allclose(
        binomial_cdf(n, chance), scipy.stats.binom.cdf(np.arange(n + 1), n, chance), rtol=1e-9, atol=1e-200
    )


@given(n=st.integers(1, 900), quantile=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_an_interval_lies_between_the_closest_ranks_that_hold_the_quantile_surely_enough(
    n: int, quantile: float
) -> None:
    """Rewritten from the definition: the number B of samples below the quantile is binomial."""
    binomial = scipy.stats.binom(n, quantile)
    lower = [r for r in range(1, n + 1) if binomial.cdf(r - 1) <= 0.025]
    upper = [s for s in range(1, n + 1) if binomial.sf(s - 1) <= 0.025]
    found = quantile_interval(np.arange(1.0, n + 1), quantile)

    if not lower or not upper:
        assert found is None
    else:
        assert found is not None
        assert (found.low, found.high, found.confidence) == (lower[-1], upper[0], 0.95)


@pytest.mark.parametrize(("n", "quantile"), [(30, 0.5), (64, 0.9), (130, 0.95), (662, 0.99)])
def test_intervals_hold_the_true_quantile_as_often_as_they_say_whatever_the_distribution(
    n: int, quantile: float
) -> None:
    generator = np.random.default_rng(7)
    samples = np.sort(generator.pareto(1.5, size=(2000, n)), axis=1)
    true = (1 - quantile) ** (-1 / 1.5) - 1
    intervals = [quantile_interval(row, quantile) for row in samples]
    held = np.mean([interval is not None and interval.low <= true <= interval.high for interval in intervals])

    assert 0.945 <= held <= 0.99


def test_percentiles_carry_the_intervals_their_sample_supports() -> None:
    samples = np.random.default_rng(1).lognormal(size=700)
    found = percentiles(samples)

    assert list(found.intervals) == ["p50", "p90", "p95", "p99"]
    assert found.p99_ms is not None
    assert found.intervals["p99"].low < found.p99_ms < found.intervals["p99"].high
    assert list(percentiles(samples[:100]).intervals) == ["p50", "p90"]
    assert percentiles(samples[:5]).intervals == {}, "five samples may all lie on one side of the median"
    assert percentiles(samples, independent=False).intervals == {}


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (0, 5), (12, 3), (3, 12), (40, 41), (900, 700)])
def test_mcnemar_is_the_two_sided_binomial_test_on_the_texts_that_one_model_alone_gets_right(
    better: int, worse: int
) -> None:
    n = better + worse
    expected = scipy.stats.binomtest(better, n, 0.5).pvalue if n else 1.0

    assert mcnemar(better, worse) == pytest.approx(expected, rel=1e-9)


def test_a_difference_counts_the_texts_behind_it() -> None:
    scores, reference = np.array([1.0, 1, 1, 0, 0, 1]), np.array([0.0, 0, 1, 0, 1, 1])
    found = paired_difference(scores, reference, seed=0)

    assert (found.better, found.worse) == (2, 1)
    assert found.p_value == 1.0
    assert paired_difference(scores / 2, reference, seed=0).p_value is None, "McNemar is for right or wrong"


def test_latencies_are_binned_by_equal_ratios_and_none_is_lost() -> None:
    samples = np.random.default_rng(3).lognormal(size=500)
    found = logarithmic_histogram(samples)

    assert sum(found.counts) == 500
    assert (found.edges[0], found.edges[-1]) == (samples.min(), samples.max())
    ratios = np.divide(found.edges[1:], found.edges[:-1])
    np.testing.assert_allclose(ratios, ratios[0])
    assert len(found.counts) == len(found.edges) - 1 == 40


@given(samples=st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=30))
def test_no_latency_falls_out_of_its_histogram(samples: list[float]) -> None:
    found = logarithmic_histogram(np.array(samples))

    assert sum(found.counts) == len(samples)
    assert all(low < high for low, high in pairwise(found.edges))


@given(values=st.lists(st.integers(1, 5000), min_size=1, max_size=60))
def test_lengths_are_counted_in_bins_of_whole_tokens(values: list[int]) -> None:
    found = integer_histogram(np.array(values))
    (width,) = set(np.diff(found.edges))

    assert width == int(width) >= 1
    assert len(found.counts) <= 40
    assert found.edges[0] == min(values) <= max(values) < found.edges[-1]
    assert found.counts == tuple(sum(low <= value < high for value in values) for low, high in pairwise(found.edges))
