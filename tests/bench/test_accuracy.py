from __future__ import annotations

import numpy as np

from compressor.bench import score_accuracy


def test_the_main_metric_comes_with_its_interval() -> None:
    scores = np.array([1.0] * 80 + [0.0] * 20)
    found = score_accuracy(scores, {"accuracy": 0.8, "f1_macro": 0.7}, main_metric="accuracy", agreement=0.9, seed=3)

    assert (found.metric, found.value, found.n, found.agreement) == ("accuracy", 0.8, 100, 0.9)
    assert found.metrics == {"accuracy": 0.8, "f1_macro": 0.7}
    assert found.interval.low < 0.8 < found.interval.high
