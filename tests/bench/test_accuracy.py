from __future__ import annotations

import numpy as np

from compressor.bench import score_accuracy


def test_the_main_metric_comes_with_its_interval() -> None:
    scores = np.array([1.0] * 80 + [0.0] * 20)
    found = score_accuracy(scores, {"accuracy": 0.8, "f1_macro": 0.7}, main_metric="accuracy", agreement=0.9, seed=3)

    assert (found.metric, found.value, found.n, found.agreement) == ("accuracy", 0.8, 100, 0.9)
    assert found.metrics == {"accuracy": 0.8, "f1_macro": 0.7}
    assert found.interval.low < 0.8 < found.interval.high
    assert found.difference is None


def test_the_difference_from_the_teacher_is_paired() -> None:
    scores, teacher = np.array([1.0, 0.0] * 50), np.array([1.0, 1.0] * 50)
    found = score_accuracy(scores, {"accuracy": 0.5}, main_metric="accuracy", reference=teacher, seed=3)

    assert found.difference is not None
    assert found.difference.value == -0.5
    assert found.difference.interval.low < -0.5 < found.difference.interval.high < 0
