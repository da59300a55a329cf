from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from compressor.bench.statistics import holm
from compressor.compare.decision import ALPHA, chance, is_quiet, loss, unit_ratios, verdict
from compressor.compare.results import Loss, worst

LOGARITHMS = st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=20).filter(lambda values: np.std(values) > 1e-6)


def a_loss(value: float, low: float, high: float) -> Loss:
    return Loss(value, low, high, n=8)


def test_a_process_is_summed_up_by_medians_of_rounds() -> None:
    a = np.full((40, 4), 2.0)
    copy, b = a * 1.02, a * 1.1
    b[:3] = 500.0  # three rounds in which something else ran
    effect, control = unit_ratios(np.stack([a, copy, b]))

    assert effect == pytest.approx(log(1.1) - log(1.02) / 2)
    assert control == pytest.approx(log(1.02))


def test_what_slows_all_arms_at_once_cancels() -> None:
    generator = np.random.default_rng(0)
    weather = np.exp(generator.normal(0, 1, (1, 40, 1)))
    times = np.array([1.0, 1.0, 1.25])[:, None, None] * weather * np.ones((3, 40, 4))
    effect, control = unit_ratios(times)

    assert exp(effect) == pytest.approx(1.25)
    assert control == pytest.approx(0)


def test_noise_that_is_skewed_favours_nobody() -> None:
    generator = np.random.default_rng(0)
    found = [unit_ratios(1 + 0.1 * generator.pareto(2, (3, 40, 4))) for _ in range(400)]

    assert np.mean(found, axis=0) == pytest.approx([0, 0], abs=0.002)


@given(LOGARITHMS)
def test_the_bounds_are_those_of_student(values: list[float]) -> None:
    found = loss(np.array(values))
    n, mean = len(values), sum(values) / len(values)
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    half = stats.t.ppf(0.99, n - 1) * spread / sqrt(n)

    assert found.value == pytest.approx(exp(mean) - 1)
    assert found.low == pytest.approx(exp(mean - half) - 1)
    assert found.high == pytest.approx(exp(mean + half) - 1)
    assert (found.n, found.confidence) == (n, 0.99)


@given(LOGARITHMS, st.floats(0.01, 0.2))
def test_the_chance_is_that_of_a_one_sided_t_test(values: list[float], tolerance: float) -> None:
    expected = stats.ttest_1samp(values, log(1 + tolerance), alternative="greater").pvalue

    assert chance(np.array(values), tolerance) == pytest.approx(expected, abs=1e-9)


@given(LOGARITHMS, st.floats(0.01, 0.2))
def test_a_small_chance_and_a_lower_bound_beyond_the_tolerance_are_one(values: list[float], tolerance: float) -> None:
    found = loss(np.array(values))
    if abs(found.low - tolerance) > 1e-9:
        assert (chance(np.array(values), tolerance) <= ALPHA) == (found.low > tolerance)


def test_values_without_spread_are_certain() -> None:
    assert chance(np.full(8, 0.2), 0.05) == 0.0
    assert chance(np.zeros(8), 0.05) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_step_down_of_his_paper(p_values: list[float]) -> None:
    """Rejected: the smallest p-values as long as each is at most alpha over the number of those not yet rejected."""
    rejected = set()
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[index] > ALPHA / (len(p_values) - step):
            break
        rejected.add(index)
    adjusted = holm(p_values)

    assert {index for index, value in enumerate(adjusted) if value <= ALPHA} == rejected
    assert all(mine >= given for mine, given in zip(adjusted, p_values, strict=True))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (a_loss(0.10, 0.06, 0.14), "fail"),
        (a_loss(0.06, 0.03, 0.09), "warn"),
        (a_loss(0.03, 0.026, 0.034), "warn"),
        (a_loss(0.02, 0.01, 0.03), "pass"),
        (a_loss(-0.3, -0.4, -0.2), "pass"),
        (a_loss(0.02, -0.02, 0.06), "inconclusive"),
        (a_loss(0.06, 0.02, 0.10), "inconclusive"),
    ],
)
def test_a_verdict_is_what_the_bounds_prove(found: Loss, expected: str) -> None:
    assert verdict(found, 0.05) == expected


def test_a_copy_that_looks_unlike_its_original_is_noise() -> None:
    assert is_quiet(a_loss(0.0, -0.03, 0.03), 0.05)
    assert not is_quiet(a_loss(0.0, -0.06, 0.03), 0.05)
    assert not is_quiet(a_loss(0.04, 0.03, 0.06), 0.05)


def test_the_gravest_verdict_counts() -> None:
    assert worst(["pass", "inconclusive", "warn"]) == "inconclusive"
    assert worst(["inconclusive", "fail"]) == "fail"
    assert worst([]) == "pass"
