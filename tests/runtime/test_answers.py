from __future__ import annotations

import math

import numpy as np
import pytest

from compressor.errors import BundleError
from compressor.runtime import answer


def test_a_label_gets_the_share_of_its_exponential() -> None:
    logits = [[0.5, -1.0, 2.0], [3.0, 3.5, -2.0]]
    found = answer("text-classification", [np.array(logits, dtype=np.float32)], ("a", "b", "c"))
    for prediction, row in zip(found, logits, strict=True):
        total = sum(math.exp(value) for value in row)
        expected = {label: math.exp(value) / total for label, value in zip("abc", row, strict=True)}
        assert prediction.scores == pytest.approx(expected)
        assert prediction.label == max(expected, key=lambda label: expected[label])
        assert prediction.score == prediction.scores[prediction.label]


def test_large_logits_do_not_overflow() -> None:
    found = answer("text-classification", [np.array([[1000.0, -1000.0]], dtype=np.float32)], ("a", "b"))
    assert found[0].scores == {"a": 1.0, "b": 0.0}


def test_a_task_it_does_not_know_says_to_upgrade() -> None:
    with pytest.raises(BundleError, match="'mind-reading'") as caught:
        answer("mind-reading", [np.zeros((1, 2))], ("a", "b"))
    assert "--upgrade" in str(caught.value)


def test_labels_that_do_not_fit_the_outputs_are_refused() -> None:
    with pytest.raises(BundleError, match="3 outputs and 2 labels"):
        answer("text-classification", [np.zeros((1, 3))], ("a", "b"))
