from __future__ import annotations

import numpy as np
import pytest

from compressor.bench.accuracy import metric_difference
from compressor.bench.results import Interval
from compressor.bench.statistics import FloatArray, unseen
from compressor.report.study import BaseDifference
from compressor.runtime.tasks import runtime_task
from compressor.study.differences import Scored, base_difference, seeds_interval
from compressor.task_specs import MetricSpec

METRICS = runtime_task("text-classification").metrics
ACCURACY, F1 = METRICS["accuracy"], METRICS["f1_macro"]
SHARE = MetricSpec("accuracy", "accuracy")


def right(count: int, n: int = 400) -> FloatArray:
    """Scores of n examples [n, 1], the first `count` of them right."""
    return (np.arange(n) < count).astype(float)[:, None]


def scored(count: int, *, split: str = "test") -> Scored:
    return Scored(count / 400, right(count), split)


def test_the_difference_is_the_mean_over_seeds_that_both_finished() -> None:
    variant = {1: scored(300), 2: scored(310), 4: scored(400)}
    base = {1: scored(290), 2: scored(290), 3: scored(0)}
    found = base_difference(variant, base, ACCURACY, seed=1)
    assert found is not None
    assert found.seeds == (1, 2)
    assert found.values == pytest.approx((0.025, 0.05))
    assert found.mean == pytest.approx(0.0375)
    assert base_difference({4: scored(400)}, {3: scored(0)}, ACCURACY, seed=1) is None


def test_the_interval_over_seeds_is_students() -> None:
    """Against figures worked out by hand: t of two degrees of freedom is 4.3027 at 97.5%."""
    found = seeds_interval([0.01, 0.02, 0.03])
    assert found is not None
    half = 4.302652730 * 0.01 / 3**0.5
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half))
    assert seeds_interval([0.01, 0.02]) is None


def test_the_interval_over_examples_holds_their_common_luck_out() -> None:
    """Both answer the same examples: where the variant is right on 12 more and never wrong more, it is above 0."""
    variant, base = {s: scored(300) for s in (1, 2, 3)}, {s: scored(288) for s in (1, 2, 3)}
    found = base_difference(variant, base, ACCURACY, seed=1)
    assert found and found.over_examples
    low, high = found.over_examples.low, found.over_examples.high
    assert -0.012 < low < 0.03 < high < 0.06, "unpaired, it would reach from -0.03 to 0.09"


def test_a_metric_that_is_no_mean_is_resampled_for_all_seeds_alike() -> None:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, 300)
    answers = [np.where(generator.random(300) < share, 1 - targets, targets) for share in (0.1, 0.3)]
    # What macro F1 is computed from: the label and the answer.
    good, bad = (np.stack([targets, one], axis=-1).astype(float) for one in answers)
    better, worse = (Scored(F1.value(rows), rows, "test") for rows in (good, bad))
    found = base_difference({1: better, 2: better}, {1: worse, 2: worse}, F1, seed=1)
    assert found and found.over_examples
    assert 0.1 < found.over_examples.low < better.value - worse.value < found.over_examples.high < 0.3
    assert found.over_examples == metric_difference(F1, good, bad, seed=1).interval


def test_answers_that_are_all_alike_leave_open_what_so_few_examples_cannot_rule_out() -> None:
    rows = np.ones((46, 2))
    same = {1: Scored(F1.value(rows), rows, "test")}
    found = base_difference(same, same, F1, seed=1)
    assert found and found.over_examples
    assert found.over_examples.low == -found.over_examples.high == pytest.approx(-unseen(46))


def test_other_test_examples_leave_the_seeds_alone_to_tell() -> None:
    variant, base = {1: scored(300, split="a")}, {1: scored(290, split="b")}
    found = base_difference(variant, base, ACCURACY, seed=1)
    assert found and found.over_examples is None and found.mean == pytest.approx(0.025)
    unscored = base_difference({1: Scored(0.8, None, "a")}, {1: scored(290, split="a")}, ACCURACY, seed=1)
    assert unscored and unscored.over_examples is None


@pytest.mark.parametrize(
    ("seeds", "examples", "verdict"),
    [
        (Interval(0.01, 0.03), Interval(0.005, 0.04), "better"),
        (Interval(-0.03, -0.01), Interval(-0.04, -0.005), "worse"),
        (Interval(-0.01, 0.03), Interval(0.005, 0.04), "open"),
        (Interval(0.01, 0.03), Interval(-0.005, 0.04), "open"),
        (Interval(0.01, 0.03), None, "better"),
        (None, Interval(0.005, 0.04), "few seeds"),
    ],
)
def test_a_variant_is_better_only_where_nothing_leaves_it_open(
    seeds: Interval | None, examples: Interval | None, verdict: str
) -> None:
    found = BaseDifference((1, 2, 3), (0.02, 0.02, 0.02), seeds, examples)
    assert found.verdict(SHARE) == verdict


def test_less_is_better_of_an_error() -> None:
    error = MetricSpec("rmse", "RMSE", unit="number", higher_is_better=False)
    assert BaseDifference((1, 2, 3), (0.1,) * 3, Interval(0.05, 0.15)).verdict(error) == "worse"
    assert BaseDifference((1, 2, 3), (-0.1,) * 3, Interval(-0.15, -0.05)).verdict(error) == "better"
