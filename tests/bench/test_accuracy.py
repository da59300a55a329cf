from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compressor.bench import score_accuracy
from compressor.bench.accuracy import metric_difference, metric_interval
from compressor.runtime import runtime_task
from compressor.runtime.outputs import Ragged
from compressor.runtime.tasks import Encoded, Settings

TASK = runtime_task("text-classification")


def statistics(answers: list[int], labels: list[int]) -> dict[str, Any]:
    outputs = {"logits": Ragged(np.eye(2)[answers])}
    encoded = Encoded([{"text": ""}] * len(answers), [], np.arange(len(answers)))
    return TASK.statistics(outputs, encoded, labels, Settings(("a", "b")))


def test_the_main_metric_comes_with_its_interval() -> None:
    found = score_accuracy(TASK, statistics([1] * 80 + [0] * 20, [1] * 100), agreement=0.9, seed=3)
    assert found is not None

    assert (found.metric, found.value, found.n, found.agreement) == ("accuracy", 0.8, 100, 0.9)
    assert set(found.metrics) == {metric.name for metric in TASK.spec.metrics if not metric.only_beside}
    assert found.interval.low < 0.8 < found.interval.high
    assert found.difference is None


def test_the_difference_from_the_teacher_is_paired() -> None:
    mine, teacher = statistics([1, 0] * 50, [1] * 100), statistics([1, 1] * 50, [1] * 100)
    found = score_accuracy(TASK, mine, reference=teacher["accuracy"], seed=3)

    assert found is not None and found.difference is not None
    assert found.difference.value == -0.5
    assert found.difference.interval.low < -0.5 < found.difference.interval.high < 0


def test_a_metric_that_is_no_mean_is_resampled_by_whole_examples() -> None:
    """Macro F1 of rare and common classes: the interval holds it, and a model that is right more often is better."""
    generator = np.random.default_rng(0)
    labels = (generator.random(200) < 0.2).astype(int).tolist()
    worse = [label if generator.random() < 0.7 else 1 - label for label in labels]
    better = [label if generator.random() < 0.95 else 1 - label for label in labels]
    metric = TASK.metrics["f1_macro"]
    mine, other = statistics(better, labels)["f1_macro"], statistics(worse, labels)["f1_macro"]
    interval = metric_interval(metric, mine, seed=0)
    assert interval.low < metric.value(mine) < interval.high
    difference = metric_difference(metric, mine, other, seed=0)
    assert difference.value == pytest.approx(metric.value(mine) - metric.value(other))
    assert 0 < difference.interval.low < difference.value < difference.interval.high
    assert difference.better > difference.worse
