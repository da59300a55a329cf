from __future__ import annotations

import numpy as np
import pytest

from compressor.distill.calibration import best_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_probabilities_too_bold_or_too_shy_is_found(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 3)) * 2
    exponents = np.exp(logits)
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    labels = (shares.cumsum(axis=1) > random.random((len(logits), 1))).argmax(axis=1)
    assert best_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_logits_that_are_always_right_keep_a_temperature_that_can_be_written() -> None:
    assert 0.05 <= best_temperature(np.array([[5.0, 0.0], [0.0, 5.0]]), np.array([0, 1])) < 0.2
