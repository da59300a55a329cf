from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.bench.results import Interval
from compressor.recipe.gates import holds
from compressor.report import format as fmt
from compressor.task_specs import MetricSpec


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


ACCURACY = MetricSpec("accuracy", "accuracy")
SPEARMAN = MetricSpec("spearman", "Spearman correlation", unit="number")


@pytest.mark.parametrize(
    ("value", "metric", "interval", "text"),
    [
        (0.8432, ACCURACY, Interval(0.8241, 0.8609), "84.3% (82.4-86.1)"),
        (0.8432, ACCURACY, None, "84.3%"),
        (None, ACCURACY, None, "n/a"),
        (0.8432, SPEARMAN, Interval(0.8241, 0.8609), "0.843 (0.824-0.861)"),
        (-0.02, SPEARMAN, Interval(-0.11, 0.07), "-0.0200 (-0.110 to 0.070)"),
    ],
)
def test_a_metric_is_written_in_its_own_unit(
    value: float | None, metric: MetricSpec, interval: Interval | None, text: str
) -> None:
    assert fmt.quality(value, metric, interval) == text


def test_a_change_is_in_points_or_in_the_metrics_unit_and_never_minus_nought() -> None:
    assert [fmt.change(value, ACCURACY) for value in (-0.025, 0.0171, -0.0001)] == ["-2.5", "+1.7", "0.0"]
    assert [fmt.change(value, SPEARMAN) for value in (-0.0251, -0.0001)] == ["-0.025", "0.000"]


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Lu"])))
def test_nothing_that_controls_a_terminal_is_printable(text: str) -> None:
    shown = fmt.printable(text)
    assert not [one for one in shown if (ord(one) < 32 and one not in "\t\n") or 127 <= ord(one) < 160]
    shown.encode()


def test_an_escape_sequence_is_spelt_out() -> None:
    assert fmt.printable("\x1b[31mred\x9b2J \u202ex\n") == r"\x1b[31mred\x9b2J \u202ex" + "\n"


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
