from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compressor.explain import Explanation
from compressor.explain.check import LEVEL, check

ORDERS = 10


def explanation(deletion: float, insertion: float, random: tuple[float, ...]) -> Explanation:
    return Explanation(
        text="a b",
        words=("a", "b"),
        gaps=("", " ", ""),
        weights=(1.0, 0.0),
        score=1.0,
        without_words=0.0,
        method="occlusion",
        calls=1,
        deletion=deletion,
        insertion=insertion,
        random_orders=random,
    )


def drawn(seed: int, fall: float = 0.0, rise: float = 0.0, texts: int = 20) -> list[Explanation]:
    """Scores as by chance, of texts that differ far more than their orders do, moved by `fall` and `rise`."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(texts):
        scores = generator.uniform(0.2, 0.8) + generator.normal(0, 0.05, ORDERS + 2)
        found.append(explanation(scores[0] - fall, scores[1] + rise, tuple(scores[2:])))
    return found


def test_an_explanation_that_matters_passes_and_its_gain_is_paired_over_texts() -> None:
    found = check(drawn(1, fall=0.05, rise=0.06), seed=1)
    assert found.passed
    assert found.deletion.interval.low < 0.05 < found.deletion.interval.high
    assert found.insertion.interval.low < 0.06 < found.insertion.interval.high
    assert found.deletion.interval.high - found.deletion.interval.low < 0.1, "texts differ by far more"


@pytest.mark.parametrize(("fall", "rise"), [(0.1, 0.0), (0.0, 0.1), (-0.1, 0.1)])
def test_one_of_the_two_is_not_enough(fall: float, rise: float) -> None:
    assert not check(drawn(2, fall=fall, rise=rise), seed=1).passed


def test_weights_that_mean_nothing_pass_no_more_often_than_is_promised() -> None:
    """Of deletion alone, which is the weaker demand: 30 chances at 1%, more than 3 of which come once in 5,000."""
    passed = sum(check(drawn(seed), seed=1).deletion.p_value < LEVEL for seed in range(30))
    assert passed <= 3


def test_a_model_that_reads_nothing_does_not_pass() -> None:
    assert not check([explanation(0.7, 0.7, (0.7,) * ORDERS)] * 20, seed=1).passed


def test_texts_of_one_word_are_left_out() -> None:
    one = replace(explanation(0, 0, ()), deletion=None, insertion=None)
    assert check([*drawn(1, 0.1, 0.1), one], seed=1).passed
    with pytest.raises(ValueError, match="two words"):
        check([one], seed=1)
