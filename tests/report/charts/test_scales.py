from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.report.charts.scales import Linear, Log, scale_for, tick_text

figures = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=20)
any_figures = st.lists(st.floats(-1e6, 1e6), min_size=0, max_size=20)


@given(values=figures, margin=st.floats(0, 0.3))
def test_a_log_scale_holds_its_values_in_order(values: list[float], margin: float) -> None:
    scale = Log.over(values, 10, 300, margin=margin)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(9.99 <= place <= 300.01 for place in places)


@given(values=any_figures, margin=st.floats(0, 0.3), zero=st.booleans())
def test_a_linear_scale_holds_its_values_in_order(values: list[float], margin: float, zero: bool) -> None:
    scale = Linear.over(values, 300, 10, margin=margin, zero=zero)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places, reverse=True)
    assert all(9.99 <= place <= 300.01 for place in places)
    if zero:
        assert 9.99 <= scale(0) <= 300.01


@given(values=figures, count=st.integers(2, 10))
def test_ticks_lie_within_the_scale_and_rise(values: list[float], count: int) -> None:
    for scale in (Log.over(values, 0, 1, margin=0.05), Linear.over(values, 0, 1, margin=0.05)):
        ticks = scale.ticks(count)
        assert 1 <= len(ticks) <= 2 * count + 1
        assert all(scale.low <= tick <= scale.high for tick in ticks)
        assert all(a < b for a, b in pairwise(ticks))


def test_ticks_are_round() -> None:
    assert Linear(0, 0.73, 0, 1).ticks(4) == [0.0, 0.2, 0.4, 0.6]
    assert Log(0.8, 120, 0, 1).ticks(6) == [1, 2, 5, 10, 20, 50, 100]
    assert Log(0.8, 1.2e6, 0, 1).ticks(6) == [1, 10, 100, 1e3, 1e4, 1e5, 1e6]


def test_a_log_scale_within_a_step_has_ticks_nevertheless() -> None:
    assert len(Log(5.2, 9.1, 0, 1).ticks(5)) > 1


def test_figures_far_apart_are_drawn_on_a_log_scale() -> None:
    assert isinstance(scale_for([1, 4.1], 0, 1), Log)
    assert isinstance(scale_for([1, 3.9], 0, 1), Linear)
    assert isinstance(scale_for([0, 100], 0, 1), Linear)
    assert isinstance(scale_for([], 0, 1), Linear)


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (200.0, "200"), (5000.0, "5000"), (20000.0, "20k"), (1.5e6, "1.5M"), (2e9, "2G")]
)
def test_ticks_are_written_short(value: float, text: str) -> None:
    assert tick_text(value) == text
