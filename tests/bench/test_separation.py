from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from compressor.bench.separation import auc, auc_interval, share_above

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
