from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.bench.results import Accuracy, Interval
from compressor.recipe.gates import holds
from compressor.report import format as fmt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "n/a"),
        (0.01234, "0.0123"),
        (1.6449, "1.64"),
        (2.0, "2.00"),
        (76.14, "76.1"),
        (99.96, "100"),
        (1234.4, "1234"),
    ],
)
def test_number_has_three_significant_digits_and_keeps_whole_ones(value: float | None, text: str) -> None:
    assert fmt.number(value) == text


def test_tiny_numbers_are_written_with_an_exponent() -> None:
    assert fmt.number(1.19e-6) == "1.19e-06"


def test_accuracy_carries_its_interval() -> None:
    found = Accuracy("accuracy", 0.8432, Interval(0.8241, 0.8609), 1280, {})
    assert fmt.accuracy(found) == "84.3% (82.4-86.1)"
    assert fmt.accuracy(None) == "n/a"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (192, "3 min 12 s"),
        (3599.6, "1 h 00 min"),
        (3840, "1 h 04 min"),
        (7199, "2 h 00 min"),
    ],
)
def test_duration_never_shows_sixty(seconds: float, text: str) -> None:
    assert fmt.duration(seconds) == text


@given(
    value=st.floats(0, 1e6),
    bound=st.floats(0, 1e4).map(lambda value: float(f"{value:.6g}")),
    comparison=st.sampled_from([">=", "<=", ">", "<"]),
)
def test_a_gates_value_is_never_rounded_across_its_bound(value: float, bound: float, comparison: str) -> None:
    expression = f"{comparison} {bound!r}"
    assert holds(expression, float(fmt.gate_value(value, expression))) == holds(expression, value)


def test_a_gates_value_has_no_more_digits_than_it_takes() -> None:
    assert fmt.gate_value(0.96996, ">= 0.97") == "0.96996"
    assert fmt.gate_value(0.93456, ">= 0.97") == "0.935"
    assert fmt.gate_value(None, ">= 0.97") == "n/a"


@pytest.mark.parametrize(("value", "text"), [(None, "n/a"), (0.0002, "< 0.001"), (0.6072, "0.607"), (1.0, "1.000")])
def test_a_p_value_has_no_more_digits_than_it_means(value: float | None, text: str) -> None:
    assert fmt.p_value(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "n/a"), (870, "870"), (17_390_594, "17.4 M"), (8_500, "8.50 k")])
def test_large_counts_are_written_short(value: int | None, text: str) -> None:
    assert fmt.count(value) == text
