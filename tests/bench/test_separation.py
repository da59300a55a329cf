from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from compressor.bench.separation import auc, auc_interval, auc_p_value, share_above, share_above_interval

FIGURES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30)


@given(FIGURES, FIGURES)
def test_it_is_the_area_under_the_roc_curve(higher: list[float], lower: list[float]) -> None:
    expected = roc_auc_score([1] * len(higher) + [0] * len(lower), higher + lower)
    assert auc(np.asarray(higher), np.asarray(lower)) == pytest.approx(expected)


def test_the_interval_of_what_cannot_be_told_holds_a_half() -> None:
    random = np.random.default_rng(0)
    same = auc_interval(random.normal(size=200), random.normal(size=200), seed=1)
    apart = auc_interval(random.normal(1, size=200), random.normal(size=200), seed=1)
    assert same.low < 0.5 < same.high and apart.low > 0.6


def test_what_is_found_at_few_false_alarms() -> None:
    lower = np.arange(100.0)
    assert share_above(np.asarray([98.5, 99.5, 50.0, 97.0]), lower, 0.01) == 0.5
    assert share_above(np.asarray([99.0, 100.0]), lower, 0.0) == 0.5


@pytest.mark.parametrize("digits", [1, 6], ids=["ties", "few ties"])
@pytest.mark.parametrize("by", [-0.2, 0.0, 0.3])
def test_the_chance_of_an_area_is_that_of_the_rank_sum_test(digits: int, by: float) -> None:
    random = np.random.default_rng(0)
    higher, lower = random.normal(by, size=150).round(digits), random.normal(size=120).round(digits)
    expected = mannwhitneyu(higher, lower, alternative="greater", method="asymptotic").pvalue
    assert auc_p_value(higher, lower) == pytest.approx(expected)
    assert auc_p_value(np.ones(5), np.ones(9)) == 1.0, "equal values tell nothing"


def test_the_interval_of_what_is_found_holds_the_truth_and_never_promises_nothing() -> None:
    random = np.random.default_rng(0)
    found = share_above_interval(random.normal(2, size=2000), random.normal(size=2000), 0.01, seed=1)
    assert found.low < 0.372 < found.high, "1 - Phi(2.326 - 2)"
    never = share_above_interval(np.zeros(100), np.arange(1.0, 101), 0.01, seed=1)
    assert never.low == 0 and never.high == pytest.approx(0.045, abs=0.001)
