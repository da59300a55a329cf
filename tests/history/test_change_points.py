from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compressor.history import change_points as module
from compressor.history.change_points import FEWEST_AFTER, FEWEST_VALUES, change_points

Floats = npt.NDArray[np.float64]
LEVEL = 0.01


def literal_q(first: Floats, second: Floats) -> float:
    """Equations 5 to 7 of Matteson and James (2014), sum by sum, with alpha = 1."""
    n, m = len(first), len(second)
    between = np.mean([abs(x - y) for x in first for y in second])
    within_first = np.mean([abs(a - b) for a, b in itertools.combinations(first, 2)])
    within_second = np.mean([abs(a - b) for a, b in itertools.combinations(second, 2)])
    return float(n * m / (n + m) * (2 * between - within_first - within_second))


def noise(seed: int, n: int = 40) -> Floats:
    return 1 + 0.01 * np.random.default_rng(seed).standard_normal(n)


def stepped(values: Floats, *steps: tuple[int, float]) -> Floats:
    values = values.copy()
    for index, factor in steps:
        values[index:] *= factor
    return values


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=6, max_size=14))
def test_the_statistic_is_that_of_the_paper(values: list[float]) -> None:
    series, n = np.array(values), len(values)
    found = module._statistics(series[None])[0]
    for tau, kappa in itertools.product(range(n), range(1, n + 1)):
        allowed = tau >= FEWEST_AFTER and kappa - tau >= FEWEST_AFTER
        expected = literal_q(series[:tau], series[tau:kappa]) if allowed else 0.0
        assert found[n - 1 - tau, kappa - 1] == pytest.approx(expected, abs=1e-8)


def test_the_p_value_is_the_share_of_orders_that_are_as_extreme() -> None:
    values = np.array([1.0, 1.1, 0.9, 2.0, 2.1, 1.9])
    highest = literal_q(values[:3], values[3:])
    # With three values on each side there is one division; all 720 orders are looked at instead of a sample.
    orders = [np.array(order) for order in itertools.permutations(values)]
    share = np.mean([literal_q(order[:3], order[3:]) >= highest - 1e-12 for order in orders])
    found = module._chance([values], highest, 1.0, np.random.default_rng(0))
    assert found == pytest.approx(share, abs=0.03)


def test_a_step_is_found_where_it_is() -> None:
    (found,) = change_points(stepped(noise(1), (25, 1.05)), LEVEL)
    assert found.index == 25
    assert found.p_value == 0.001


def test_several_changes_are_found_in_order_whichever_way_they_go() -> None:
    found = change_points(stepped(noise(2, 60), (20, 1.05), (40, 1 / 1.08)), LEVEL)
    assert [one.index for one in found] == [20, 40]


@pytest.mark.parametrize("seed", range(5))
def test_five_regressions_of_one_percent_are_seen_through_noise_of_one_percent(seed: int) -> None:
    values = stepped(noise(seed), *((index, 1.01) for index in (6, 13, 20, 27, 34)))
    assert change_points(values, LEVEL)


def test_of_100_series_without_a_change_no_more_are_flagged_than_the_level_says() -> None:
    flagged = sum(bool(change_points(noise(100 + seed), LEVEL)) for seed in range(100))
    assert flagged <= LEVEL * 100


def test_noise_that_is_skewed_and_has_outliers_raises_no_more_false_alarms() -> None:
    generator = np.random.default_rng(0)
    flagged = sum(bool(change_points(1 + 0.01 * generator.pareto(1.5, 30), LEVEL)) for _ in range(100))
    assert flagged <= LEVEL * 100


def test_one_bad_day_is_no_change() -> None:
    values = noise(3)
    values[-1] *= 2
    assert change_points(values, LEVEL) == ()


@pytest.mark.parametrize("values", [[], [1.0], [5.0] * 40, [1.0, 2.0] * ((FEWEST_VALUES - 1) // 2)])
def test_what_never_changes_or_is_too_short_has_no_change_point(values: list[float]) -> None:
    assert change_points(np.array(values), LEVEL) == ()


def test_a_figure_without_noise_changes_once() -> None:
    (found,) = change_points(np.array([17.6] * 15 + [18.1] * 6), LEVEL)
    assert found.index == 15


def test_the_same_seed_finds_the_same() -> None:
    values = stepped(noise(4), (30, 1.012))
    assert change_points(values, LEVEL, seed=7) == change_points(values, LEVEL, seed=7)


def test_a_stricter_level_takes_more_permutations() -> None:
    (found,) = change_points(stepped(noise(1), (20, 1.05)), 0.0004)
    assert found.p_value == pytest.approx(1 / 5000)
